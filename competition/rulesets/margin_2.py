"""Who leads after a round of margin-2?  The ladder of margin-1, where a winner must win again, regenerated."""

from __future__ import annotations

import dataclasses

from competition.rulesets.margin_1 import MARGIN_1, Margin1

# competition-2's: each winner is generated again three times, and must beat the defender of the moment each time.
MARGIN_2 = dataclasses.replace(MARGIN_1, name="margin-2", audit_repeats=3)


class Margin2(Margin1):
    """Margin1 with three regenerations of each winner."""

    defaults = MARGIN_2
    about = "As in competition-2: and must win again three times, generated again by the platform."
