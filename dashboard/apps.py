"""The app `dashboard`: loading it declares what its rows do in each state."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dashboard.bundles import publish, stored_bundles  # noqa: F401  (they declare this app's steps and sweeps)
        from dashboard.copies import conversions, light_copies  # noqa: F401  (they declare this app's steps and sweeps)
        from dashboard.reviewing import sessions

        sessions.watch()
