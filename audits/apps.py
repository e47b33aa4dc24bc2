"""The app `audits`: loading it declares what its rows do in each state."""

from django.apps import AppConfig


class AuditsConfig(AppConfig):
    name = "audits"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audits.decisions.appeals import Hours
        from audits.decisions.lifecycle import BatchLimits
        from competition import configuration

        configuration.register(
            configuration.ConfigurationPart(
                name="pods",
                means="Limits of one run on pods, and our patience with what a pod leaves open.",
                kind=BatchLimits,
                read=BatchLimits.from_json,
            )
        )
        configuration.register(
            configuration.ConfigurationPart(
                name="appeals", means="How long people have.", kind=Hours, read=Hours.from_json
            )
        )
        from audits import steps  # noqa: F401  (they declare this app's steps and sweeps)
        from audits.reviews import corrections, reminders  # noqa: F401  (they declare this app's steps and sweeps)
        from audits.source import stored_sources  # noqa: F401  (they declare this app's steps and sweeps)
