"""The app `dashboard`: loading it declares what its rows do in each state."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dashboard import publish  # noqa: F401  (declares the publisher's step and sweep)
