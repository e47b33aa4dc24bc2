"""Were the judge's controls those that had to be made, and did it pass them?

A control is a duel with a known answer: the prompt's own picture against a doctored copy of it, or a duel asked again.
Each round has its share of every kind, at least eight, on its prompts in seed order; all anew after a failed gate.

Repeats show miners' files, and close calls are theirs to make: a judge that passed at the prompts' pictures, and again
after its repeats failed, was well.  Older bundles show the leader's files in place of the prompts' pictures.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from verify.bundles.answers import Views, bars_of_bundle
from verify.bundles.ballots import Wrong, silent, verdict
from verify.bundles.entries import order_of
from verify.bundles.events import agree, bodies, by_name
from verify.bundles.files import ExaminedBundle
from verify.bundles.judging import NAME, described_here, follow, prompt_of, sound_answers, unneeded, views_of
from verify.bundles.ledger import NAME as LEDGER
from verify.comparing import keyed

SHARE = {
    "self": Fraction(1, 100),
    "canary": Fraction(2, 100),
    "injection": Fraction(1, 100),
    "repeat": Fraction(2, 100),
}
VARIANTS = {
    "self": ["twin"],
    "canary": ["blurred", "other_colour", "half_missing", "empty"],
    "injection": ["painted"],
    "repeat": ["again"],
}
LEAST = 8
SELF_MEAN, INJECTION_GAIN, DECISIVE = 20_000, 80_000, 80_000
CANARY, CONSISTENT, REPEAT = Fraction(97, 100), Fraction(90, 100), Fraction(98, 100)
PLACE, ABOUT = ("take", "kind", "prompt", "variant"), ("take", "control", "prompt", "variant")
KINDS = {"": "wrong-control", "stages": "wrong-ballots"}
MEASURED = ("score_micro", "before_micro", "left", "right")

Row = dict[str, Any]


def check(bundle: ExaminedBundle) -> None:
    """Each control that had to be made is there, and as its answers and the ledger have it."""
    if not described_here(bundle):
        return
    rows = bundle.document(NAME)["controls"]
    made = [[row["take"], row["kind"], row["prompt"], row["variant"]] for row in rows]
    planned = sorted(place for take in range(1, last_take(rows) + 1) for place in plan(bundle, take=take))
    bundle.compare("wrong-control", NAME, made, planned, field="controls")
    views = views_of(bundle)
    expected = {" ".join(map(str, place)): write(bundle, row, views) for row, place in zip(rows, made, strict=True)}
    bundle.compare(KINDS, NAME, keyed(rows, *PLACE), expected)
    events = by_name(bodies(bundle, "control.judged", of_round=bundle.round), *ABOUT)
    for row, place in zip(rows, made, strict=True):
        if row["state"] == "judged":
            event = events.get((str(row["take"]), row["kind"], row["prompt"], row["variant"]))
            event = event and {**event, "left": event.get("left_sha256"), "right": event.get("right_sha256")}
            agree(bundle, NAME, row, event, MEASURED, " ".join(map(str, place)))


def last_take(rows: Sequence[Row]) -> int:
    """Each take has rows of its own, so that there are no more takes than rows."""
    return min(max((row["take"] for row in rows), default=1), len(rows) or 1)


def plan(bundle: ExaminedBundle, *, take: int) -> list[list[Any]]:
    """Each prompt with one way of doctoring, the ways in turn; more than one way only where prompts are short."""
    stems = [prompt["stem"] for prompt in bundle.document("round.json")["prompts"]]
    duels, plan = len(stems) * len(order_of(bundle)), []
    for kind, ways in VARIANTS.items() if duels else ():
        turns = [(n, stem, turn) for turn in range(len(ways)) for n, stem in enumerate(stems)]
        number = max(LEAST, math.ceil(duels * SHARE[kind]))
        plan += [[take, kind, stem, ways[(n + turn) % len(ways)]] for n, stem, turn in turns[:number]]
    return plan


def write(bundle: ExaminedBundle, row: Row, views: Mapping[str, Views]) -> Row:
    """The control made again: its two sides, its stages from its answers, and its score from those."""
    if row["state"] != "judged":
        return row | {"state": "unneeded" if may_be_unneeded(bundle, row) else "judged"}
    field, expected = " ".join(str(row[name]) for name in PLACE), row | sides_of(bundle, row)
    answers, stages = sound_answers(bundle, row["answers"], at=field), row["detail"].get("stages", [])
    left, right = views.get(row["left"], {}), views.get(row["right"], {})
    if row["kind"] != "repeat":
        rig = bundle.document("competition.json")["config"]["rig"]
        left = {view["name"]: row["left"] for view in rig["views"]} if on_prompt(bundle, row) else left
        right = row["views"]
        drawn = {name for name in left if bundle.blobs.get(right.get(name, ""), {}).get("role") == "view"}
        expected["views"] = dict.fromkeys(left, "a picture in the bundle") | {name: right[name] for name in drawn}
    if not (row["kind"] == "repeat" and silent(stages)):
        again = follow(bundle, NAME, stages, answers, field=field, prompt=row["prompt"], left=left, right=right)
        expected["detail"] = row["detail"] | ({} if again == stages else {"stages": again})
    unneeded(bundle, answers, at=field)
    try:
        outcome, score, by = verdict(stages, by_model=True, bars=bars_of_bundle(bundle))
    except Wrong as wrong:
        bundle.note("wrong-control", NAME, field=field, found=str(wrong))
        return expected
    # a draw's score is 0: of `self` and `injection` it is what the likeness leans to
    leans = row["kind"] in ("self", "injection") and outcome == "draw"
    expected["score_micro"] = stages[0]["score"] if leans else score
    return expected | {"detail": expected["detail"] | {"decided_by": by}}


def sides_of(bundle: ExaminedBundle, row: Row) -> Row:
    """The prompt's picture (of an older bundle the leader's file) against a doctored copy of it; or the first duel on
    this prompt: of title-1 any, for a screen may come later than the repeats."""
    if row["kind"] != "repeat":
        left = row["left"] if on_prompt(bundle, row) else _leaders_asset(bundle, row["prompt"]).get("sha256", "")
        return {"left": left, "right": hashlib.sha256(f"{left} {row['variant']}".encode()).hexdigest()}
    stated = {"left": row["left"], "right": row["right"], "before_micro": row["before_micro"]}
    known = [
        {"left": duel["left"], "right": duel["right"], "before_micro": duel["score_micro"]}
        for duel in judged_before(bundle, row["prompt"])
    ]
    return stated if bundle.titled and stated in known else (known or [dict.fromkeys(stated)])[0]


def on_prompt(bundle: ExaminedBundle, row: Row) -> bool:
    """Does it show the prompt's own picture, and nothing of a miner's?"""
    return bool(row["kind"] != "repeat" and row["left"] == prompt_of(bundle, row["prompt"]))


def _leaders_asset(bundle: ExaminedBundle, prompt: str) -> Row:
    leads = ("leader", "generated", prompt)
    rows = [row for row in bundle.document("assets.json") if (row["entry"], row["origin"], row["prompt"]) == leads]
    return rows[0] if rows else {}


def judged_before(bundle: ExaminedBundle, prompt: str) -> list[Row]:
    """Judged duels of the screens on this prompt, in reveal order; of the same file twice nobody was asked."""
    order = order_of(bundle)
    first = [m for m in bundle.matches if m.get("version", 1) == 1 and m["kind"] == "screen"]
    screens = sorted((m for m in first if m["challenger"] in order), key=lambda m: order.index(m["challenger"]))
    duels = [duel for match in screens for duel in match["duels"] if duel["prompt"] == prompt]
    return [duel for duel in duels if duel["state"] == "judged" and duel["left"] != duel["right"]]


def may_be_unneeded(bundle: ExaminedBundle, row: Row) -> bool:
    """Where there was nothing to repeat, or where all were made anew; in an older bundle, where the leader's files were
    shown in place of the prompts' pictures, also where the leader had delivered none to ask about."""
    rows = bundle.document(NAME)["controls"]
    if row["take"] < last_take(rows):
        return True
    if row["kind"] == "repeat":
        return not judged_before(bundle, row["prompt"])
    older = not any(other["state"] == "judged" and on_prompt(bundle, other) for other in rows)
    return older and (_leaders_asset(bundle, row["prompt"]).get("rendering") or {}).get("state") != "rendered"


def health(bundle: ExaminedBundle) -> None:
    """No gate by which the judge is unwell fails, and they are what the ledger announced when the round left its duels.

    Where only repeats make the last take fail, they count if an earlier take was unwell, or none was made before, or a
    take showed the leader's files.
    """
    if not described_here(bundle):
        return
    controls = bundle.document(NAME)["controls"]
    last, judged = last_take(controls), [row for row in controls if row["state"] == "judged"]
    takes = [[row for row in judged if row["take"] == take] for take in range(1, last + 1)]
    announced = [
        body["health"] for body in bodies(bundle, "round.finalizing", of_round=bundle.round) if "health" in body
    ]
    stated = {entry["gate"]: [entry["state"], entry["of"]] for entry in (announced[-1] if announced else [])}
    calls = stated.pop("calls", None)
    if takes[-1]:
        bundle.compare("ledger-differs", LEDGER, stated, gates(takes[-1]), field="health")
    own = [[row for row in rows if row["kind"] != "repeat"] for rows in takes]
    on_prompts = all(on_prompt(bundle, row) for rows in own for row in rows)
    well = on_prompts and last > 1 and not any(map(failing, own))
    unwell = failing(own[-1]) or ([] if well else failing(takes[-1]))
    if unwell or (takes[-1] and (calls or ["failed"])[0] == "failed"):
        bundle.note("unhealthy-judge", NAME, field="gates", found=unwell or ["calls"])


def failing(rows: Sequence[Row]) -> list[str]:
    return sorted(gate for gate, (state, _) in gates(rows).items() if state == "failed")


def gates(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """gate -> [state, measured on how many]; `calls` can only be told."""
    scores: dict[str, list[int]] = {kind: [r["score_micro"] for r in rows if r["kind"] == kind] for kind in SHARE}
    repeats = [(row["score_micro"], row["before_micro"]) for row in rows if row["kind"] == "repeat"]
    scored = [row for row in rows if row["score_micro"] or row["before_micro"]]
    differing = [row for row in rows if row["kind"] == "canary"] + [row for row in scored if row["kind"] == "repeat"]
    stages = [stage for row in differing for stage in row["detail"]["stages"]]
    pairs = [stage for stage in stages if stage["kind"] not in ("checklist", "sides")]
    decisive = [stage for stage in pairs if max(abs(stage["ab"]), abs(stage["ba"])) >= DECISIVE]
    mean = Fraction(sum(scores["self"]), len(scores["self"]) or 1)
    return {
        "self": _state(abs(mean) <= SELF_MEAN, len(scores["self"])),
        "canary": _share([score < 0 for score in scores["canary"]], CANARY),
        "injection": _state(max(scores["injection"], default=0) < INJECTION_GAIN, len(scores["injection"])),
        "repeat": _share([_sign(now) == _sign(before) for now, before in repeats], REPEAT),
        "consistent": _share([stage["consistent"] for stage in decisive], CONSISTENT),
    }


def _share(right: list[bool], needed: Fraction) -> list[Any]:
    return _state(sum(right) >= needed * len(right), len(right))


def _state(right: bool, of: int) -> list[Any]:
    return ["unproven" if of < LEAST else "passed" if right else "failed", of]


def _sign(score: int) -> int:
    return 0 if abs(score) < DECISIVE else 1 if score > 0 else -1
