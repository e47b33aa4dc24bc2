"""Which step runs for which row of this app, and what else does the app register when it is loaded?"""

from __future__ import annotations

from competition import configuration, queries
from competition.models import Round
from competition.stored_files import damage
from core.machine import registry
from judging import match_decision, measurements, steps, stored_views
from judging.health import controls
from judging.models import Control, Duel, Match, Measurement, Rendering
from judging.queries import EntryIntegrity
from judging.renderers.rig import CameraView, Rig

STEPS: registry.StepTable = {
    (Rendering, "rendering"): steps.render,
    (Measurement, "measuring"): measurements.measure,
    (Match, "waiting"): steps.start_match,
    (Match, "judging"): match_decision.decide,
    (Duel, "judging"): steps.judge_duel,
    (Control, "judging"): controls.judge_control,
    (Round, "duels"): steps.duels,
}
SWEEPS = (steps.want_renderings, measurements.want_measurements)


def register() -> None:
    registry.register(STEPS, sweeps=SWEEPS)
    queries.ENTRY_COLUMNS["integrity"] = EntryIntegrity()
    damage.register(references=(stored_views.views,), sources=(stored_views.drawn_again, stored_views.marked_again))
    configuration.register(
        configuration.ConfigurationPart(
            name="rig",
            means="Cameras, backgrounds and light: what a judge is shown (rendering.md).",
            kind=Rig,
            read=Rig.from_json,
            nested={"views": CameraView},
            required=True,
        )
    )
