"""The app `judging`: loading it declares what its rows do in each state."""

from django.apps import AppConfig


class JudgingConfig(AppConfig):
    name = "judging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from competition import configuration
        from judging.renderers.rig import Rig, View

        configuration.register(
            configuration.ConfigurationPart(
                name="rig",
                means="Cameras, backgrounds and light: what a judge is shown (rendering.md).",
                kind=Rig,
                read=Rig.from_json,
                nested={"views": View},
                required=True,
            )
        )
        from judging import steps, stored_views  # noqa: F401  (they declare this app's steps and sweeps)
