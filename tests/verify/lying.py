"""Ways in which the operator may cheat with the right key: every hash is made anew, the head is signed, and still the
rules do not give that result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.verify.made_files import Made, hotkey
from tests.verify.made_plan import result as result_of
from tests.verify.made_plan import summed

Row = dict[str, Any]
Lie = Callable[[Made], None]
ASH, BIRCH, COPYCAT, DROPPER, MUMBLER = (hotkey(n) for n in ("ash", "birch", "copycat", "dropper", "mumbler"))


def told(made: Made, match: Row, duel: Row) -> Row:
    """The ledger's event of a duel."""
    about = {"match": match["kind"], "defender": match["defender"], "challenger": match["challenger"]}
    return made.event(f"duel.{duel['state']}", **about, prompt=duel["prompt"])


def change_duel(made: Made, match: Row, place: int, **changes: Any) -> Row:
    """In the document and in the ledger."""
    duel = match["duels"][place]
    event = told(made, match, duel)
    duel |= changes
    event |= {name: value for name, value in changes.items() if name in ("outcome", "score_micro")}
    return duel


def count_again(made: Made, match: Row) -> None:
    """Tally, margin and the ledger's event follow the duels; where the match ends does not."""
    counted = summed([result_of(duel) for duel in match["duels"][: match["stopped_after"]]])
    match |= counted
    about = {"match": match["kind"], "defender": match["defender"], "challenger": match["challenger"]}
    event = made.event("match.decided", **about)
    event["margin_micro"] = match["margin_micro"]
    event["counted"] = sum(n for name, n in match["tally"].items() if name != "void")
