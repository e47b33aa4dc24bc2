"""What must the API remember?  Nonces that were used, and tokens that were given."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q


class UsedNonce(models.Model):
    """A nonce that a hotkey has used.  The unique key is what makes a signed request count once."""

    hotkey = models.CharField(max_length=48)
    nonce = models.CharField(max_length=64)
    used_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hotkey", "nonce"], name="a_nonce_is_used_once")]
        indexes = [models.Index(fields=["hotkey", "used_at"], name="nonce_of_hotkey")]


class ApiToken(models.Model):
    """A key for staff or a service.  Only its hash is kept: nobody can read the token here."""

    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(revoked_at=None), name="one_live_token_per_name")
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    def live(self, *, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at
