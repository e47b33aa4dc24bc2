"""The app `audits`: loading it declares what its rows do in each state."""

from django.apps import AppConfig


class AuditsConfig(AppConfig):
    name = "audits"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audits import steps  # noqa: F401  (they declare this app's steps and sweeps)
        from audits.reviews import corrections, reminders  # noqa: F401  (they declare this app's steps and sweeps)
        from audits.source import stored_sources  # noqa: F401  (they declare this app's steps and sweeps)
