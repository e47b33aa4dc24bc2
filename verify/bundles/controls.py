"""Were the judge's controls those that had to be made, and did it pass them?

A control is a duel with a known answer: the leader's file against a doctored copy of its pictures, or a duel asked
again.  Each round has its share of every kind, at least eight, on its prompts in seed order; all anew after a failed
gate.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from verify.bundles.answering import NAME, follow, prompt_of, sound, unneeded
from verify.bundles.answers import Answers, Views, bars_told
from verify.bundles.assets import challengers
from verify.bundles.ballots import Wrong, verdict
from verify.bundles.entries import titled
from verify.bundles.events import agree, bodies, by_name
from verify.bundles.files import Bundle
from verify.bundles.ledger import NAME as LEDGER
from verify.bundles.reveals import in_reveal_order

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
ABOUT = ("take", "control", "prompt", "variant")

Row = dict[str, Any]


def check(bundle: Bundle, *, described: Row, views: Mapping[str, Views]) -> None:
    rows = bundle.told(NAME)["controls"]
    last = max((row["take"] for row in rows), default=1)
    made = [_named(row) for row in rows]
    wanted = sorted(place for take in range(1, last + 1) for place in _plan(bundle, take=take))
    bundle.same(
        "wrong-control",
        NAME,
        field="controls",
        found=made,
        expected=wanted,
        say="Not the controls that a round of so many duels has.",
    )
    told = by_name(bodies(bundle, "control.judged", of_round=bundle.round), *ABOUT)
    for row in rows:
        field = " ".join(map(str, _named(row)))
        if row["state"] == "judged":
            _judged(bundle, row, field, described=described, views=views)
            shown = {**row, "left_sha256": row["left"], "right_sha256": row["right"]}
            event = told.get((str(row["take"]), row["kind"], row["prompt"], row["variant"]))
            names = ["score_micro", "before_micro", "left_sha256", "right_sha256"]
            agree(bundle, NAME, field=field, row=shown, told=event, names=names)
        else:
            _not_judged(bundle, row, field, last=last)
    _gates(bundle, [row for row in rows if row["take"] == last and row["state"] == "judged"])


def _named(row: Row) -> list[Any]:
    return [row["take"], row["kind"], row["prompt"], row["variant"]]


def _plan(bundle: Bundle, *, take: int) -> list[list[Any]]:
    """Each prompt with one way of doctoring, the ways in turn; more than one way only where prompts are short."""
    prompts = sorted(bundle.told("round.json")["prompts"], key=lambda p: int(p["position"]))
    duels, plan = len(prompts) * len(challengers(bundle)), []
    for kind, ways in VARIANTS.items() if duels else ():
        turns = [(p["stem"], ways[(n + turn) % len(ways)]) for turn in range(len(ways)) for n, p in enumerate(prompts)]
        number = max(LEAST, math.ceil(duels * SHARE[kind]))
        plan += [[take, kind, stem, variant] for stem, variant in turns[:number]]
    return plan


def _judged(bundle: Bundle, row: Row, field: str, *, described: Row, views: Mapping[str, Views]) -> None:
    rows = sound(bundle, row["answers"], at=field)
    answers = Answers(rows, version=bundle.told(NAME)["version"], described=described)
    left, right = views.get(row["left"], {}), views.get(row["right"], {})
    if row["kind"] == "repeat":
        _repeated(bundle, row, field)
    else:
        _doctored(bundle, row, field, names=sorted(left))
        right = row["views"]
    stages, reference = row["detail"].get("stages", []), prompt_of(bundle, row["prompt"])
    follow(bundle, NAME, stages, answers, field=field, reference=reference, left=left, right=right)
    unneeded(bundle, answers, at=field)
    _score(bundle, row, field, stages)


def _doctored(bundle: Bundle, row: Row, field: str, *, names: list[str]) -> None:
    """The leader's file, against a copy of all its pictures."""
    leads = ("leader", "generated", row["prompt"])
    files = [a["sha256"] for a in bundle.told("assets.json") if (a["entry"], a["origin"], a["prompt"]) == leads]
    left = files[0] if files else ""
    copy = hashlib.sha256(f"{left} {row['variant']}".encode()).hexdigest()
    bundle.same(
        "wrong-control",
        NAME,
        field=field,
        found=[row["left"], row["right"]],
        expected=[left, copy],
        say="Not the leader's file and this copy of it.",
    )
    bundle.same("wrong-control", NAME, field=field, found=sorted(row["views"]), expected=names, say="Not all pictures.")
    for sha256 in row["views"].values():
        if bundle.blobs.get(sha256, {}).get("role") != "view":
            bundle.note(
                "wrong-control", NAME, field=field, found=sha256, say="A doctored picture is not in the bundle."
            )


def _drawn(bundle: Bundle, prompt: str) -> bool:
    """Did the leader deliver a usable file for this prompt?"""
    leads = ("leader", "generated", prompt)
    rows = [row for row in bundle.told("assets.json") if (row["entry"], row["origin"], row["prompt"]) == leads]
    return any((row["rendering"] or {}).get("state") == "rendered" for row in rows)


def told_before(bundle: Bundle, prompt: str) -> list[Row]:
    """Judged duels of the screens on this prompt, in reveal order; of the same file twice nobody was asked."""
    order = [row["entry"] for row in in_reveal_order(challengers(bundle))]
    ever = [m for m in (*bundle.told("matches.json"), *bundle.aside()) if m.get("version", 1) == 1]
    screens = [m for m in ever if m["kind"] == "screen" and m["challenger"] in order]
    duels = [d for m in sorted(screens, key=lambda m: order.index(m["challenger"])) for d in m["duels"]]
    return [d for d in duels if d["prompt"] == prompt and d["state"] == "judged" and d["left"] != d["right"]]


def _repeated(bundle: Bundle, row: Row, field: str) -> None:
    """The first of them; of title-1 any, for a screen may come later than the repeats."""
    found = {"left": row["left"], "right": row["right"], "before": row["before_micro"]}
    known = [
        {"left": d["left"], "right": d["right"], "before": d["score_micro"]} for d in told_before(bundle, row["prompt"])
    ]
    if not (titled(bundle) and found in known):
        bundle.same(
            "wrong-control",
            NAME,
            field=field,
            found=found,
            expected=known[0] if known else None,
            say="It does not repeat the first duel on this prompt.",
        )


def _score(bundle: Bundle, row: Row, field: str, stages: list[Row]) -> None:
    """A draw's score is 0: of `self` and `injection` it is what the likeness leans to."""
    try:
        outcome, score, by = verdict(stages, judge="openai", bars=bars_told(bundle))
    except Wrong as wrong:
        bundle.note("wrong-control", NAME, field=field, found=str(wrong), say="The answers do not add up.")
        return
    if row["kind"] in ("self", "injection") and outcome == "draw":
        score = stages[0]["score"]
    bundle.same(
        "wrong-control",
        NAME,
        field=field,
        found=[row["score_micro"], row["detail"]["decided_by"]],
        expected=[score, by],
        say="The answers give another score.",
    )


def _not_judged(bundle: Bundle, row: Row, field: str, *, last: int) -> None:
    """Only where there was nothing to repeat or no file of the leader's to ask about, or where all were made anew."""
    repeat = row["kind"] == "repeat"
    idle = not told_before(bundle, row["prompt"]) if repeat else not _drawn(bundle, row["prompt"])
    if row["state"] != "unneeded" or not (idle or row["take"] < last):
        bundle.note("wrong-control", NAME, field=field, found=row["state"], expected="judged", say="It was not judged.")


def _gates(bundle: Bundle, rows: Sequence[Row]) -> None:
    """None fails, and they are what the ledger told when the round left its duels."""
    measured = gates(rows)
    told = [body["health"] for body in bodies(bundle, "round.finalizing", of_round=bundle.round) if "health" in body]
    said = {entry["gate"]: [entry["state"], entry["of"]] for entry in (told[-1] if told else [])}
    calls = said.pop("calls", None)
    if rows:
        bundle.same("ledger-differs", LEDGER, field="health", found=said, expected=measured, say="Other gates.")
    failing = sorted(gate for gate, (state, _) in measured.items() if state == "failed")
    if failing or (rows and (calls or ["failed"])[0] == "failed"):
        bundle.note(
            "unhealthy-judge", NAME, field="gates", found=failing or ["calls"], say="The round should have paused."
        )


def gates(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """gate -> [state, measured on how many]; `calls` can only be told."""
    scores: dict[str, list[int]] = {kind: [r["score_micro"] for r in rows if r["kind"] == kind] for kind in SHARE}
    repeats = [repeat_of(r) for r in rows if r["kind"] == "repeat"]
    differ = [r for r in rows if r["kind"] == "canary" or (r["kind"] == "repeat" and any(repeat_of(r)))]
    asked = [s for r in differ for s in r["detail"]["stages"]]
    asked = [
        s for s in asked if s["kind"] not in ("checklist", "sides") and max(abs(s["ab"]), abs(s["ba"])) >= DECISIVE
    ]
    mean = Fraction(sum(scores["self"]), len(scores["self"]) or 1)
    return {
        "self": _state(abs(mean) <= SELF_MEAN, len(scores["self"])),
        "canary": _share([score < 0 for score in scores["canary"]], CANARY),
        "injection": _state(max(scores["injection"], default=0) < INJECTION_GAIN, len(scores["injection"])),
        "repeat": _share([_sign(now) == _sign(before) for now, before in repeats], REPEAT),
        "consistent": _share([s["consistent"] for s in asked], CONSISTENT),
    }


def repeat_of(row: Row) -> tuple[int, int]:
    """Its score now, and then."""
    return row["score_micro"], row["before_micro"]


def _share(right: list[bool], needed: Fraction) -> list[Any]:
    return _state(sum(right) >= needed * len(right), len(right))


def _state(right: bool, of: int) -> list[Any]:
    return ["unproven" if of < LEAST else "passed" if right else "failed", of]


def _sign(score: int) -> int:
    return 0 if abs(score) < DECISIVE else 1 if score > 0 else -1
