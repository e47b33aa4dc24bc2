"""Which of a winner's files are converted, for whoever wants to use them?  By a worker, once; and what do copies say?

A copy decides nothing, and is no part of the bundle.  Where none can be made the original remains.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from competition.models import Asset, Reign
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure
from core.machine.stateful import FailureClass
from core.sandbox.outcomes import Refused, RendererFault
from dashboard.models import WinnerCopy
from formats import conversion, registry

LATELY = timedelta(days=30)
MOST_AT_ONCE = 200

LICENCE = "as in the repository at that commit"


class NotHere(Exception):
    """No stored asset goes by that name, or several do."""


def stored(prefix: str) -> Asset:
    """The first asset that was stored with this content.  Raises NotHere."""
    if len(prefix) < 8:
        raise NotHere(f"{prefix!r} is too short: give at least 8 characters of the SHA-256")
    assets = Asset.objects.filter(state="stored", sha256__startswith=prefix.lower()).order_by("pk")
    names = set(assets.values_list("sha256", flat=True)[:1000])
    if len(names) != 1:
        raise NotHere(f"{len(names)} stored assets have a SHA-256 that begins with {prefix}")
    return assets.select_related("submission__miner", "submission__round__competition", "prompt")[0]


def provenance_of(asset: Asset) -> dict[str, str]:
    """What is written into every copy: one line each."""
    entry, round_ = asset.submission, asset.submission.round
    return {
        "round": f"{round_.competition.slug}/{round_.number}",
        "prompt": asset.prompt.stem,
        "origin": asset.origin,
        "miner": entry.miner.hotkey,
        "repository": entry.repo,
        "commit": entry.commit,
        "licence": LICENCE,
        "sha256 of the original": asset.sha256,
        "format": registry.of(round_.competition.config).name,
    }


def want_copies(now: datetime) -> None:
    """Of every file with which a leader won or defended lately, in every format that it can become."""
    lately = Reign.objects.filter(won_in__state="finished", won_in__since__gte=now - LATELY, won_in__source={})
    for reign in lately.select_related("competition", "won_in"):
        competition = reign.competition
        won = Asset.objects.filter(submission__round=reign.won_in, submission__miner=reign.miner, state="stored")
        for target in registry.of(competition.config).targets:
            there = Exists(WinnerCopy.objects.filter(target=target, original=OuterRef("sha256")))
            wanted = set(won.filter(~there).values_list("sha256", flat=True))
            for original in sorted(wanted)[:MOST_AT_ONCE]:
                named = {"competition": competition, **WinnerCopy.born(now=now)}
                WinnerCopy.objects.get_or_create(original=original, target=target, defaults=named)


def make_copy(copy: WinnerCopy, now: datetime) -> Outcome:
    """A file that cannot be converted is no failure of anybody's: it can be downloaded as it is."""
    provenance = provenance_of(stored(copy.original))
    try:
        made = conversion.convert(
            store.default().path(copy.original), file_format=provenance["format"], to=copy.target, provenance=provenance
        )
    except Refused as refused:
        return Move("refused", because=refused.sentence)
    except RendererFault as fault:
        if copy.attempts >= copy.declared.tries:
            return Move("refused", because=f"Tried {copy.attempts} times: {fault.sentence}")
        failure = StepFailure(FailureClass.INFRASTRUCTURE, fault.code, f"No copy could be made: {fault.sentence}.")
        return Retry(engine.backoff(copy.attempts), failure)
    columns = {"sha256": store.default().put(made), "bytes": len(made)}
    return Move("made", because=f"{len(made)} bytes as {copy.target}", sets=columns)
