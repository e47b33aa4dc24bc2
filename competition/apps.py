"""The app `competition`: loading it hands over its table (`registrations.py`)."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CompetitionConfig(AppConfig):
    name = "competition"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from competition import registrations
        from core.queue.broker import prepare

        registrations.register()
        post_migrate.connect(prepare, sender=self)
