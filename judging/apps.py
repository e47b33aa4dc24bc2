"""The app `judging`: loading it hands over its table (`registrations.py`)."""

from django.apps import AppConfig


class JudgingConfig(AppConfig):
    name = "judging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from judging import registrations

        registrations.register()
