"""Which step runs for which row of this app, and what else does the app register when it is loaded?"""

from __future__ import annotations

from audits import queries as auditing
from audits import steps
from audits.decisions.appeals import Hours
from audits.decisions.lifecycle import BatchLimits
from audits.models import Audit, Build, Correction, PodRun
from audits.pods import builds, runs
from audits.reviews import corrections, reminders
from audits.source import stored_sources
from competition import configuration, queries
from competition.models import Round
from competition.stored_files import damage
from core.machine import registry

STEPS: registry.StepTable = {
    (Audit, "gathering"): steps.conduct,
    (Build, "building"): builds.tend,
    (Correction, "staged"): corrections.prepare,
    (PodRun, "warming"): runs.tend,
    (PodRun, "generating"): runs.tend,
    (Round, "finalizing"): steps.finalize,
}
SWEEPS = (
    steps.want_leaders_outputs,
    steps.end_orphaned_pods,
    steps.pause_what_is_out_of_tries,
    reminders.remind,
)


def register() -> None:
    registry.register(STEPS, sweeps=SWEEPS)
    queries.ENTRY_COLUMNS.update(auditing.entry_columns())
    damage.register(
        references=(stored_sources.archives_and_outputs,),
        sources=(stored_sources.fetched_again,),
    )
    configuration.register(
        configuration.ConfigurationPart(
            name="pods",
            means="Limits of one run on pods, and our patience with what a pod leaves open.",
            kind=BatchLimits,
            read=BatchLimits.from_json,
        )
    )
    configuration.register(
        configuration.ConfigurationPart(name="appeals", means="How long people have.", kind=Hours, read=Hours.from_json)
    )
