"""Does everything in a round's bundle follow from what lies beside it?

No platform code: each rule is written here a second time, from its description, so that a mistake would have to be made
twice to go unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from verify.bundles import (
    assets,
    audits,
    correction,
    events,
    integrity,
    judging,
    ladder,
    ledger,
    matches,
    reigns,
    reveals,
    round,
    rulings,
    speed,
    stages,
    statistics,
    title,
)
from verify.bundles.files import ExaminedBundle, check_files
from verify.bundles.shapes import SHAPES
from verify.findings import BundleSigner

EXAMINATIONS: tuple[Callable[[ExaminedBundle], None], ...] = (
    # the documents, each written once more
    round.check,
    round.check_beacon,
    reveals.submissions,
    assets.check,
    integrity.check,
    matches.check,
    judging.check,
    judging.check_controls,
    ladder.check,
    title.check,
    statistics.check,
    speed.check,
    audits.check,
    reigns.check,
    correction.check,
    correction.first_decision,
    correction.check_versions,
    # what hangs on them
    reveals.check,
    assets.blobs,
    matches.one_judge,
    judging.health,
    audits.check_tools,
    rulings.check,
    correction.set_aside,
    title.announced,
    reigns.superseded,
    reigns.paid,
    round.next_schedule,
    round.committed,
    # what the ledger told
    stages.check,
    round.announced,
    reigns.announced,
    events.submissions,
    events.assets,
    events.renderings,
    events.matches,
    events.audits,
    events.decision,
)


def examine(folder: Path, *, operator: str | None = None, prefix: str = "", draft: bool = False) -> ExaminedBundle:
    """The bundle with all that was found in its log.  `draft`: before anybody has signed it."""
    bundle = ExaminedBundle(folder, prefix=prefix, draft=draft)
    with bundle.log.finishing("manifest.json"):
        check_files(bundle)
    with bundle.log.finishing(ledger.NAME):
        if bundle.manifest:
            ledger.check(bundle, operator=operator)
    if not bundle.log.signers:
        bundle.log.signers.append(BundleSigner("", good=None, pinned=None))
    if all(name in bundle.documents for name in SHAPES):
        for check in EXAMINATIONS:
            with bundle.log.finishing(check.__module__.rpartition(".")[2]):
                check(bundle)
        headline = bundle.document("decision.json")["headline"]
        bundle.log.rounds.append(f"{bundle.manifest['competition']} round {bundle.round}: {headline}")
    elif not bundle.log.report().errors:  # nothing is ever good for not having been looked at
        bundle.note("malformed-document", "manifest.json", sentence="There is nothing here that could be examined.")
    played = bundle.documents.get("matches.json", [])
    bundle.log.count("files", by=len(bundle.manifest.get("files", [])))
    bundle.log.count("events", by=len(bundle.events))
    bundle.log.count("matches", by=len(played))
    bundle.log.count("duels", by=sum(len(match["duels"]) for match in played))
    return bundle
