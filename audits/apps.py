"""The app `audits`: loading it hands over its table (`registrations.py`)."""

from django.apps import AppConfig


class AuditsConfig(AppConfig):
    name = "audits"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audits import registrations

        registrations.register()
