"""What runs for which row of this app, and what else does it hand over as it loads?"""

from __future__ import annotations

from competition import configuration, downloads, steps
from competition.configuration import ConfigurationPart
from competition.models import Asset, Round
from competition.notices import steps as letters
from competition.notices.models import Delivery
from competition.stored_files import damage, mending
from competition.stored_files.damage import Damage
from core.machine import registry
from core.queue import actors

STEPS: registry.StepTable = {
    (Asset, "downloading"): downloads.download,
    (Damage, "damaged"): mending.mend,
    (Delivery, "waiting"): letters.deliver,
    (Round, "open"): steps.open_,
    (Round, "miner_generation"): steps.miner_generation,
    (Round, "downloading"): steps.downloading,
    # (Round, "duels"): judging/registrations.py, (Round, "finalizing"): audits/registrations.py
}
SWEEPS = (steps.follow_chain, letters.write_letters, mending.resume_rounds)


def register() -> None:
    registry.connect(send=actors.send, on_store_fault=damage.wait_for_mending)
    registry.register(STEPS, sweeps=SWEEPS)
    damage.register(
        references=(mending.prompts_and_assets,),
        sources=(mending.host_of_the_miner,),
        menders={damage.FILE: mending.STORED_FILES},
    )
    configuration.register(
        ConfigurationPart(
            name="fetch",
            means="What the download of one submitted file may cost.",
            kind=downloads.FetchLimits,
            read=downloads.FetchLimits.from_json,
        )
    )
