"""The app `dashboard`: loading it hands over its table (`registrations.py`)."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dashboard import registrations
        from dashboard.reviewing import sessions

        registrations.register()
        sessions.watch()
