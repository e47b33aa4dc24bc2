"""What can a miner ask and do with its own key, and what can everybody ask about a miner?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from competition import queries
from competition.models import Miner, Reveal, Round, Submission
from core import clock
from dashboard.api import causes, standing
from dashboard.api.errors import bad, missing
from dashboard.api.filters import HOTKEY, ROUND, SLUG, Parameter
from dashboard.api.participation import participation
from dashboard.api.permissions import caller_of, forbidden
from dashboard.api.resources.game import competition_of, round_of
from dashboard.api.rows import standing as rows
from dashboard.api.views import DetailView
from dashboard.api.writes import PersonalView

WHICH = {
    "competition": Parameter(SLUG, "Of this competition; without it: of the one on the front page."),
    "round": Parameter(ROUND, "Of this round; without it: of the last one the miner takes part in."),
}


def wanted_round(params: Mapping[str, Any], *, miner: Miner) -> Round:
    """The round that a question is about.  Raises RequestRefused where there is none.

    Unnamed: the running round where the miner has revealed for it, else the last it took part in, else the running one.
    """
    slug = params.get("competition")
    current = competition_of(slug) if slug else queries.current_competition()
    if current is None:
        raise missing("There is no competition yet.")
    if "round" in params:
        return round_of(current.slug, params["round"])
    latest = current.current_round()
    if latest is None:
        raise missing("This competition has no round yet.")
    reveals = Reveal.objects.filter(competition=latest.competition_id, miner__hotkey=miner.hotkey)
    entered = Submission.objects.filter(round__competition=latest.competition_id, miner__hotkey=miner.hotkey)
    last = entered.order_by("-round__number").values_list("round__number", flat=True).first()
    if last is None or reveals.filter(block__gte=latest.earliest_reveal_block).exists():
        last = latest.number
    return round_of(current.slug, int(last))


def miner_of(hotkey: str, *, known: bool = False) -> Miner:
    """`known`: registered, so it is somebody even if it has never revealed anything."""
    miner = Miner.objects.filter(hotkey=hotkey).first()
    if miner is None and not known:
        raise missing("No miner with this hotkey has revealed anything here.", fix="Give the whole hotkey.")
    return miner or Miner(hotkey=hotkey)


class MinerStanding(DetailView):
    """Where a miner stands: place in the queue, margin, interval, what is missing to the bar, each prompt, what failed,
    and the state of its audits.  All of it is public."""

    group, dataclass = "miners", rows.Standing
    in_query = WHICH

    def get_object(self) -> Any:
        miner = miner_of(self.kwargs["hotkey"])
        return standing.of(wanted_round(self.params, miner=miner), miner, now=clock.now())


def own_miner(request: Any) -> Miner:
    return miner_of(caller_of(request).hotkey, known=True)


class OwnStanding(PersonalView, DetailView):
    """Where do I stand?  The standing of the hotkey that signed."""

    group, dataclass = "me", rows.Standing
    in_query = WHICH

    def get_object(self) -> Any:
        miner = own_miner(self.request)
        return standing.of(wanted_round(self.params, miner=miner), miner, now=clock.now())


class OwnDiagnostics(PersonalView, DetailView):
    """Why did it fail?  How the image of my code is built, logs of my pods while they run, files that did not come,
    pictures that could not be drawn: as soon as they are known, and before anything is published.

    A token of scope `diagnostics:read` may ask for any miner with `hotkey`.
    """

    group, dataclass, scope = "me", rows.Diagnostics, "diagnostics:read"
    in_query = {**WHICH, "hotkey": Parameter(HOTKEY, "For staff: of this miner.")}

    def get_object(self) -> Any:
        caller, wanted = caller_of(self.request), self.params.get("hotkey")
        if caller.hotkey and wanted not in (None, caller.hotkey):
            raise forbidden("These diagnostics are another miner's.", fix="Leave hotkey out.")
        if not caller.hotkey and wanted is None:
            raise bad("hotkey", "A token belongs to no miner.", fix="Say whose diagnostics with hotkey.")
        miner = miner_of(caller.hotkey or str(wanted), known=bool(caller.hotkey))
        return causes.diagnostics(participation(wanted_round(self.params, miner=miner), miner))
