"""How sure are the numbers of a round?  From its other documents alone, for every ruleset.

Of each match the margin's 95 % interval, the exact sign test and its flip distance; of the round the fewest duels of
one match after which its leader no longer follows; of the judge whether it said the same about copies.  In millionths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from competition import rulesets
from competition.decisions.repeatability import Judged, of_copies
from competition.rulesets.flips import challengers
from competition.rulesets.tally import MICRO, Tally

Row = Mapping[str, Any]


def document(documents: Mapping[str, Any]) -> dict[str, Any]:
    """`documents`: the round's other documents."""
    ruleset = rulesets.ruleset(rulesets.read(documents["round.json"]["rules"]))
    matches = []
    for match in documents["matches.json"]:
        tally = Tally(**match["tally"])
        low, high = tally.interval95()
        matches.append(
            {
                "match": f"{match['kind']} {match['defender']} {match['challenger']}",
                "interval95_micro": [round(low * MICRO), round(high * MICRO)],
                "sign_p_micro": round(tally.sign_p() * MICRO),
                "flip_distance": ruleset.documented_flip_distance(match, documents),
            }
        )
    return {
        "matches": matches,
        "flip_distance": ruleset.round_flip_distance(documents),
        "repeatability": asdict(of_copies(_judged(documents))),
    }


def _judged(documents: Mapping[str, Any]) -> Iterator[Judged]:
    entries = challengers(documents)
    commits, place = {s["entry"]: s["commit"] for s in entries}, {s["entry"]: n for n, s in enumerate(entries)}
    of_entries = [match for match in documents["matches.json"] if match["challenger"] in place]
    for match in sorted(of_entries, key=lambda m: (place[m["challenger"]], m["kind"], m["defender"])):
        for duel in match["duels"]:
            if duel["state"] == "judged":
                yield Judged(
                    kind=match["kind"],
                    defender=match["defender"],
                    commit=commits[match["challenger"]],
                    prompt=duel["prompt"],
                    left=duel["left"],
                    right=duel["right"],
                    outcome=duel["outcome"],
                )
