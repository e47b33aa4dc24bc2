"""The app `competition`: loading it declares what its rows do in each state."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CompetitionConfig(AppConfig):
    name = "competition"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.queue.broker import prepare

        post_migrate.connect(prepare, sender=self)
        from competition import downloads, steps  # noqa: F401  (they declare this app's steps and sweeps)
        from competition.notices import steps as letters  # noqa: F401  (and these declare the letters')
        from competition.stored_files import mending  # noqa: F401  (they declare this app's steps and sweeps)
