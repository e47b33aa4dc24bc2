"""The app `judging`: loading it declares what its rows do in each state."""

from django.apps import AppConfig


class JudgingConfig(AppConfig):
    name = "judging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from judging import steps, stored_views  # noqa: F401  (they declare this app's steps and sweeps)
