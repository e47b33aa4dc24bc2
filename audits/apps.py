"""The app `audits`: loading it declares what its rows do in each state."""

from django.apps import AppConfig


class AuditsConfig(AppConfig):
    name = "audits"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audits import correcting, reminding, steps, stored_sources  # noqa: F401  (they declare this app's steps and sweeps)
