"""The app `competition`: loading it declares what its rows do in each state."""

from django.apps import AppConfig


class CompetitionConfig(AppConfig):
    name = "competition"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from competition import steps  # noqa: F401  (declares this app's steps and sweeps)
