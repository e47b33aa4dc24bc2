"""Do rules, schedule, seed and prompts follow from the competition, the block and the committed pool?"""

from __future__ import annotations

import hashlib
import re
from fractions import Fraction
from typing import Any

from verify.bundles import beacon as bundle_beacon
from verify.bundles.events import agree, entered, only
from verify.bundles.files import Bundle
from verify.bundles.ledger import NAME as LEDGER

NAME = "round.json"
MARGIN_1: dict[str, Any] = {
    "name": "margin-1",
    "win_margin": "1/20",
    "weight_decay": "1/5",
    "weight_floor": "1/5",
    "least_counted": 1,
    "stop_early": True,
    "paid_from": "next_latest_reveal",
    "audits": ["source", "generation"],
    "audit_distance": "1/10",
    "audit_failed_allowed": 6,
    "audit_critical_allowed": 1,
    "audit_median_seconds": "90",
    "audit_limit_seconds": "180",
    "audit_repeats": 1,
}
MARGIN_2: dict[str, Any] = MARGIN_1 | {"name": "margin-2", "audit_repeats": 3}
TITLE_1: dict[str, Any] = MARGIN_1 | {
    "name": "title-1",
    "title": {
        "finalists": 2,
        "prompts": 320,
        "batch": 32,
        "stakes": ["1/4"],
        "bar": "40",
        "out": "1/10",
        "futility_z": "7/2",
    },
}
RULESETS = {"margin-1": MARGIN_1, "margin-2": MARGIN_2, "title-1": TITLE_1}
NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18}|/[1-9][0-9]{0,17})?")
SHARES = ("win_margin", "weight_decay", "weight_floor", "audit_distance", "audit_median_seconds", "audit_limit_seconds")


def check(bundle: Bundle) -> None:
    doc, competition = bundle.told(NAME), bundle.told("competition.json")
    bundle.same("another-round", NAME, field="number", found=doc["number"], expected=bundle.round, say="Another round.")
    bundle.same(
        "another-round",
        "competition.json",
        field="slug",
        found=competition["slug"],
        expected=bundle.manifest["competition"],
        say="Another competition.",
    )
    _rules(bundle)
    _schedule(bundle)
    _seed(bundle)
    _pool(bundle)
    _prompts(bundle)


def rules_of(competition: dict[str, Any]) -> dict[str, Any] | None:
    """The ruleset with what the configuration replaces in it; None for a ruleset unknown here."""
    rules = RULESETS.get(competition["ruleset"])
    if rules is None:
        return None
    given = competition["config"].get("rules", {})
    changed = {name: str(exact(value)) if name in SHARES else value for name, value in given.items()}
    if "title" in given:
        changed["title"] = rules["title"] | {name: _exact(name, value) for name, value in given["title"].items()}
    if "audits" in changed:
        changed["audits"] = [kind for kind in MARGIN_1["audits"] if kind in changed["audits"]]
    return rules | changed


def exact(value: Any) -> Fraction:
    """A number as it is written.  Raises ValueError for one in exponents, or a very long one."""
    if not NUMBER.fullmatch(str(value)[:64]):
        raise ValueError(f"{str(value)[:64]!r} is not a number that a rule may have")
    return Fraction(str(value))


def _exact(name: str, value: Any) -> Any:
    if name == "stakes":
        return [str(exact(stake)) for stake in value]
    return str(exact(value)) if name in ("bar", "out", "futility_z") else value


def _rules(bundle: Bundle) -> None:
    doc, competition = bundle.told(NAME), bundle.told("competition.json")
    rules = rules_of(competition)
    if rules is None:
        bundle.note(
            "unknown-ruleset",
            "competition.json",
            field="ruleset",
            found=competition["ruleset"],
            expected=", ".join(RULESETS),
            say="A newer verifier is needed.",
        )
    else:
        bundle.same(
            "wrong-rules",
            NAME,
            field="rules",
            found=doc["rules"],
            expected=rules,
            say="Not the ruleset with what the configuration replaces.",
        )
    opened = only(bundle, "round.open")
    if opened is not None:
        schedule = opening_at(doc["schedule"]["earliest_reveal_block"], competition["config"]["blocks"])
        told = {"rules": doc["rules"], "schedule": schedule, "pool": doc["pool_commitment"]}
        names = ["rules", "schedule"] + ([] if _added(bundle) else ["pool"])
        agree(bundle, NAME, field="announced", row=told, told=opened, names=names)


def _schedule(bundle: Bundle) -> None:
    """A window of fixed length on a fixed grid, and longer by its pauses; the next round on the same grid, at least one
    step later."""
    blocks, schedule = bundle.told("competition.json")["config"]["blocks"], bundle.told(NAME)["schedule"]
    following = bundle.told("decision.json")["next_schedule"]
    for name, found in (("schedule", schedule), ("next_schedule", following)):
        expected = opening_at(found["earliest_reveal_block"], blocks)
        expected = _lengthened(bundle, expected) if name == "schedule" else expected
        file = NAME if name == "schedule" else "decision.json"
        bundle.same("wrong-schedule", file, field=name, found=found, expected=expected, say="Not the cadence's.")
    later = following["earliest_reveal_block"] - schedule["earliest_reveal_block"]
    if later % blocks["round_blocks"] or later < 1:
        bundle.note(
            "wrong-schedule",
            "decision.json",
            field="next_schedule",
            found=following["earliest_reveal_block"],
            say=f"Not whole steps of {blocks['round_blocks']} blocks after this round.",
        )
    announced = entered(bundle, "round.open", of_round=(bundle.round or 0) + 1)
    told = {"schedule": following}
    agree(
        bundle,
        "decision.json",
        field="next_schedule",
        row=told,
        told=announced[0] if announced else None,
        names=["schedule"],
    )


MOVED_BY_PAUSES = ("latest_reveal_block", "seed_block", "generation_deadline_block")


def _lengthened(bundle: Bundle, schedule: dict[str, int]) -> dict[str, int]:
    """The schedule after the pauses of an open window: a pause, told with its first and its last block, moves the
    window's end, and what comes after it, by as many blocks; the window never ends while it lasts."""
    since: int | None = None
    for event in bundle.events:
        body = event["body"]
        if body.get("round") != bundle.round or type(body.get("block")) is not int:
            continue
        if event["kind"] == "round.paused" and body.get("from") == "open":
            since = body["block"]
        elif event["kind"] == "round.open" and body.get("from") == "paused" and since is not None:
            longer = max(0, body["block"] - min(since, schedule["latest_reveal_block"]))
            schedule = schedule | {name: schedule[name] + longer for name in MOVED_BY_PAUSES}
            since = None
            bundle.same(
                "wrong-schedule",
                LEDGER,
                field=f"event {event['seq']} schedule",
                found=body.get("schedule"),
                expected=schedule,
                say="Not longer by the pause.",
            )
    return schedule


def opening_at(earliest: int, blocks: dict[str, int]) -> dict[str, int]:
    """The schedule of a round whose window opens at this block."""
    latest = earliest + blocks["open_blocks"] - 1
    return {
        "earliest_reveal_block": earliest,
        "latest_reveal_block": latest,
        "seed_block": latest + blocks["seed_delay_blocks"],
        "generation_deadline_block": latest + blocks["generation_blocks"],
    }


def _seed(bundle: Bundle) -> None:
    doc, competition = bundle.told(NAME), bundle.told("competition.json")
    kind, _, chain = competition["chain"].partition(":")
    if kind == "simulated":
        told = f"gauntlet-simulated-block/1\n{chain}\n{doc['schedule']['seed_block']}"
        bundle.same(
            "wrong-block-hash",
            NAME,
            field="seed_block_hash",
            found=doc["seed_block_hash"],
            expected=_sha256(told),
            say="Not the hash of the seed block.",
        )
    seed = seed_of(competition["slug"], doc["number"], doc["seed_block_hash"], beacon=bundle_beacon.value(bundle))
    bundle.same("wrong-seed", NAME, field="seed", found=doc["seed"], expected=seed, say="Not drawn from the block.")
    drawn = only(bundle, "round.miner_generation")
    if drawn is not None:
        told_then = {
            "seed": doc["seed"],
            "seed_block": doc["schedule"]["seed_block"],
            "block_hash": doc["seed_block_hash"],
            "prompts": [prompt["sha256"] for prompt in _in_order(doc)],
        }
        agree(bundle, NAME, field="drawn", row=told_then, told=drawn, names=list(told_then))


def _pool(bundle: Bundle) -> None:
    """The commitment is that of the pool, and no other was made between the round's announcement and its draw."""
    doc = bundle.told(NAME)
    commitment = commitment_of(doc["pool"])
    bundle.same(
        "wrong-pool",
        NAME,
        field="pool_commitment",
        found=doc["pool_commitment"],
        expected=commitment,
        say="The commitment is not that of the pool.",
    )
    bundle.same(
        "wrong-pool",
        NAME,
        field="pool",
        found=doc["pool"],
        expected=sorted(set(doc["pool"])),
        say="Not each prompt once, in order.",
    )
    last = None
    for event in bundle.events:
        body = event["body"]
        if event["kind"] == "round.miner_generation" and body.get("round") == bundle.round:
            break
        last = body.get("commitment") if event["kind"] == "pool" else last
    for body in _added(bundle):
        if body.get("block", doc["schedule"]["seed_block"]) >= doc["schedule"]["seed_block"]:
            bundle.note(
                "wrong-pool",
                LEDGER,
                field="pool",
                found=body,
                expected=doc["schedule"]["seed_block"],
                say="Prompts were added when the seed could be known.",
            )
    if last is not None or bundle.round == 1:
        bundle.same(
            "wrong-pool",
            LEDGER,
            field="pool",
            found=last,
            expected=commitment,
            say="The pool that was committed to before the draw is another.",
        )


def _added(bundle: Bundle) -> list[dict[str, Any]]:
    """Commitments to a larger pool after the round was announced, and before its draw."""
    kinds = [(event["kind"], event["body"]) for event in bundle.events]
    opened = [n for n, (kind, body) in enumerate(kinds) if (kind, body.get("round")) == ("round.open", bundle.round)]
    drawn = [
        n
        for n, (kind, body) in enumerate(kinds)
        if (kind, body.get("round")) == ("round.miner_generation", bundle.round)
    ]
    return [body for kind, body in kinds[min(opened, default=0) : min(drawn, default=0)] if kind == "pool"]


def _prompts(bundle: Bundle) -> None:
    """The k prompts of the pool with the smallest SHA-256(seed, prompt hash), in that order."""
    doc, config = bundle.told(NAME), bundle.told("competition.json")["config"]
    drawn = [prompt["sha256"] for prompt in _in_order(doc)]
    expected = drawn_by(doc["seed"], doc["pool"], most=config["prompts_per_round"])
    bundle.same("wrong-prompts", NAME, field="prompts", found=drawn, expected=expected, say="Not what was drawn.")
    places, stems = [p["position"] for p in doc["prompts"]], [p["stem"] for p in doc["prompts"]]
    bundle.same(
        "wrong-prompts",
        NAME,
        field="positions",
        found=places,
        expected=list(range(len(places))),
        say="Not in the order of the draw.",
    )
    bundle.same("wrong-prompts", NAME, field="stems", found=len(set(stems)), expected=len(stems), say="A name twice.")


def _in_order(doc: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(doc["prompts"], key=lambda prompt: int(prompt["position"]))


def seed_of(slug: str, number: int, block_hash: str, *, beacon: str | None = None) -> str:
    return _sha256("\n".join(["gauntlet-seed/1", slug, str(number), block_hash, *([beacon] if beacon else [])]))


def commitment_of(pool: list[str]) -> str:
    return _sha256("".join(f"{digest}\n" for digest in sorted(pool)))


def drawn_by(seed: str, pool: list[str], *, most: int) -> list[str]:
    ranked = sorted(pool, key=lambda digest: hashlib.sha256(bytes.fromhex(seed) + bytes.fromhex(digest)).digest())
    return ranked[:most]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
