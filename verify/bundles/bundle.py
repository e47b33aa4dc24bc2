"""Does everything in a round's bundle follow from what lies beside it?

No platform code: each rule is written here a second time, from its description, so that a mistake would have to be made
twice to go unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from verify.bundles import assets as bundle_assets
from verify.bundles import audits as bundle_audits
from verify.bundles import checks as bundle_checks
from verify.bundles import correction as bundle_correction
from verify.bundles import events as bundle_events
from verify.bundles import judging as bundle_judging
from verify.bundles import ladder as bundle_ladder
from verify.bundles import ledger as bundle_ledger
from verify.bundles import matches as bundle_matches
from verify.bundles import reigns as bundle_reigns
from verify.bundles import reveals as bundle_reveals
from verify.bundles import round as bundle_round
from verify.bundles import rulings as bundle_rulings
from verify.bundles import stages as bundle_stages
from verify.bundles import statistics as bundle_statistics
from verify.bundles import title as bundle_title
from verify.bundles import versions as bundle_versions
from verify.bundles.files import Bundle, read
from verify.bundles.shapes import SHAPES
from verify.findings import Signer

EXAMINATIONS: tuple[Callable[[Bundle], None], ...] = (
    bundle_stages.check,
    bundle_round.check,
    bundle_reveals.check,
    bundle_assets.check,
    bundle_matches.check,
    bundle_judging.check,
    bundle_ladder.check,
    bundle_title.check,
    bundle_statistics.check,
    bundle_audits.check,
    bundle_checks.check,
    bundle_rulings.check,
    bundle_correction.check,
    bundle_versions.check,
    bundle_reigns.check,
    bundle_events.check,
)
BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError)


def examine(folder: Path, *, operator: str | None = None, prefix: str = "", draft: bool = False) -> Bundle:
    """The bundle with all that was found in its book.  `draft`: before anybody has signed it."""
    bundle = read(folder, prefix=prefix, draft=draft)
    if bundle.manifest:
        bundle_ledger.check(bundle, operator=operator)
    else:
        bundle.book.signers.append(Signer("", good=None, pinned=None))
    if all(name in bundle.documents for name in SHAPES):
        for check in EXAMINATIONS:
            _guarded(bundle, check)
        _tell(bundle)
    elif not bundle.book.report().errors:  # nothing is ever good for not having been looked at
        bundle.note("malformed-document", "manifest.json", say="There is nothing here that could be examined.")
    _count(bundle)
    return bundle


def _guarded(bundle: Bundle, check: Callable[[Bundle], None]) -> None:
    """A value that no examination expects is a finding, not a crash; the other examinations go on."""
    try:
        check(bundle)
    except BROKEN as error:
        name = check.__module__.rpartition(".")[2]
        bundle.note("malformed-document", name, found=repr(error)[:150], say="This examination could not be finished.")


def _tell(bundle: Bundle) -> None:
    number, slug = bundle.round, bundle.manifest["competition"]
    bundle.book.rounds.append(f"{slug} round {number}: {bundle.told('decision.json')['headline']}")


def _count(bundle: Bundle) -> None:
    matches = bundle.documents.get("matches.json", [])
    bundle.book.count("files", by=len(bundle.manifest.get("files", [])))
    bundle.book.count("events", by=len(bundle.events))
    bundle.book.count("matches", by=len(matches))
    bundle.book.count("duels", by=sum(len(match["duels"]) for match in matches))
