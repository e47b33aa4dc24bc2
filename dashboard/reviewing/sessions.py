"""When does a session end?  When its account is locked, or has lost a role or a second factor it was opened with.

What the account had is written into the session as it signs in.  A change through Django's models ends the session's
row at once, so that it does not come back to life when the account is opened again; whatever else changed the database
is seen at the session's next request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_otp import devices_for_user
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

RIGHTS = "rights"


class EndOfSessions:
    """Middleware behind the one that knows the second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session
        if signed_in and not holds(request.session, request.user if request.user.is_authenticated else None):
            logout(request)
        return self.get_response(request)


def rights_of(user: Any) -> set[str]:
    """What an account has now; nothing while it is locked."""
    if user is None or not user.is_active:
        return set()
    roles = {f"role {name}" for name in user.groups.values_list("name", flat=True)}
    factors = {f"factor {device.persistent_id}" for device in devices_for_user(user)}
    flags = {name for name in ("is_active", "is_staff", "is_superuser") if getattr(user, name)}
    return roles | factors | flags


def holds(session: Any, user: Any) -> bool:
    """Has the account still everything that it signed in with?"""
    had = session.get(RIGHTS)
    return isinstance(had, list) and set(had) <= rights_of(user)


def remember(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    request.session[RIGHTS] = sorted(rights_of(user))


def end_unfit(**_: Any) -> None:
    """End all sessions that hold more than their account has now."""
    for row in Session.objects.filter(expire_date__gt=timezone.now()):
        session = row.get_decoded()
        if SESSION_KEY not in session:
            continue
        if not holds(session, User.objects.filter(pk=session[SESSION_KEY]).first()):
            row.delete()


def _factor_changed(sender: Any, instance: Any, **_: Any) -> None:
    if not instance.confirmed:  # a save after each code that was right changes nothing here
        end_unfit()


def watch() -> None:
    """Connect all of this; called once, when the app is ready."""
    user_logged_in.connect(remember)
    m2m_changed.connect(end_unfit, sender=User.groups.through)
    for model in (User, Group):
        post_save.connect(end_unfit, sender=model)
    for model in (User, Group, TOTPDevice, StaticDevice):
        post_delete.connect(end_unfit, sender=model)
    for model in (TOTPDevice, StaticDevice):
        post_save.connect(_factor_changed, sender=model)
