"""Do rules, schedule, seed and prompts follow from the competition, the block and the committed pool?"""

from __future__ import annotations

import hashlib
import re
from fractions import Fraction
from typing import Any

from verify.bundles.events import agree, entered, only
from verify.bundles.files import ExaminedBundle
from verify.bundles.ledger import NAME as LEDGER
from verify.bundles.ledger import note_signature

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


SPEED_SHARES = ("most_output_s", "clear", "slower")
TITLE_SHARES = ("bar", "out", "futility_z")
KINDS = {
    "number": "another-round",
    "rules": "wrong-rules",
    "schedule": "wrong-schedule",
    "seed_block_hash": "wrong-block-hash",
    "seed": "wrong-seed",
    "pool": "wrong-pool",
    "pool_commitment": "wrong-pool",
    "prompts": "wrong-prompts",
}
MOVED_BY_PAUSES = ("latest_reveal_block", "seed_block", "generation_deadline_block")
BEACON = "beacon.json"
GENESIS_MS, PERIOD_MS, DELAY_MS = 1_692_803_367_000, 3_000, 30_000
PROBE = b"gauntlet-verify"


def check(bundle: ExaminedBundle) -> None:
    doc, competition = bundle.document(NAME), bundle.document("competition.json")
    slug = bundle.manifest["competition"]
    bundle.compare("another-round", "competition.json", competition["slug"], slug, field="slug")
    bundle.compare(KINDS, NAME, doc, write(bundle))
    stems = [prompt["stem"] for prompt in doc["prompts"]]
    bundle.compare("wrong-prompts", NAME, len(set(stems)), len(stems), field="stems", sentence="A name twice.")


def write(bundle: ExaminedBundle) -> dict[str, Any]:
    """The document, from the competition, the block's hash, the pool and the names of its prompts."""
    doc, competition = bundle.document(NAME), bundle.document("competition.json")
    rules = rules_of(competition)
    if rules is None:
        stated = {"found": competition["ruleset"], "expected": ", ".join(RULESETS)}
        bundle.note("unknown-ruleset", "competition.json", field="ruleset", **stated)
    opening = opening_at(doc["schedule"]["earliest_reveal_block"], competition["config"]["blocks"])
    kind, _, chain = competition["chain"].partition(":")
    block = f"gauntlet-simulated-block/1\n{chain}\n{doc['schedule']['seed_block']}"
    drawn = drawn_by(doc["seed"], doc["pool"], most=competition["config"]["prompts_per_round"])
    stems = {prompt["sha256"]: prompt["stem"] for prompt in doc["prompts"]}
    seed = seed_of(competition["slug"], doc["number"], doc["seed_block_hash"], beacon=beacon_value(bundle))
    return {
        "number": bundle.round,
        "rules": doc["rules"] if rules is None else rules,
        "schedule": lengthened(bundle, opening),
        "seed_block_hash": _sha256(block) if kind == "simulated" else doc["seed_block_hash"],
        "seed": seed,
        "pool": sorted(set(doc["pool"])),
        "pool_commitment": commitment_of(doc["pool"]),
        "prompts": [{"position": n, "stem": stems.get(sha), "sha256": sha} for n, sha in enumerate(drawn)],
    }


def rules_of(competition: dict[str, Any]) -> dict[str, Any] | None:
    """The ruleset with what the configuration replaces in it; None for a ruleset unknown here."""
    rules = RULESETS.get(competition["ruleset"])
    if rules is None:
        return None
    given = competition["config"].get("rules", {})
    changed = {name: str(exact(value)) if name in SHARES else value for name, value in given.items()}
    if rule := speed_of(changed.pop("speed", "limit")):
        changed["speed"] = rule
    if rule := integrity_of(changed.pop("integrity", "report")):
        changed["integrity"] = rule
    if "title" in given:
        title = {name: str(exact(v)) if name in TITLE_SHARES else v for name, v in given["title"].items()}
        shares = {"stakes": [str(exact(stake)) for stake in title["stakes"]]} if "stakes" in title else {}
        changed["title"] = rules["title"] | title | shares
    if "audits" in changed:
        changed["audits"] = [kind for kind in MARGIN_1["audits"] if kind in changed["audits"]]
    return rules | changed


def speed_of(value: Any) -> dict[str, Any] | None:
    """What the time of code decides, as a round stores it; None where it is what it always was."""
    given: dict[str, Any] = {"mode": value} if isinstance(value, str) else value
    bounds = {name: str(exact(given[name])) for name in SPEED_SHARES if name in given}
    rule = {"mode": given.get("mode", "limit"), **bounds, **({"beside": True} if given.get("beside") else {})}
    return None if rule == {"mode": "limit"} else rule


def integrity_of(value: Any) -> dict[str, Any] | None:
    """What measurements decide, as a round stores it; None where they decide nothing."""
    given: dict[str, Any] = {"mode": value} if isinstance(value, str) else value
    if given.get("mode", "report") == "report":
        return None
    bounds = {defect: str(exact(most)) for defect, most in given["bounds"].items()}
    return {"mode": given["mode"], "measure": given.get("measure", "integrity-1"), "bounds": bounds}


def exact(value: Any) -> Fraction:
    """A number as it is written.  Raises ValueError for one in exponents, or a very long one."""
    if not NUMBER.fullmatch(str(value)[:64]):
        raise ValueError(f"{str(value)[:64]!r} is not a number that a rule may have")
    return Fraction(str(value))


def announced(bundle: ExaminedBundle) -> None:
    """What the ledger told when the round was opened, and when its prompts were drawn."""
    doc, blocks = bundle.document(NAME), bundle.document("competition.json")["config"]["blocks"]
    opened, drawn = only(bundle, "round.open"), only(bundle, "round.miner_generation")
    if opened is not None:
        schedule = opening_at(doc["schedule"]["earliest_reveal_block"], blocks)
        row = {"rules": doc["rules"], "schedule": schedule, "pool": doc["pool_commitment"]}
        names = [name for name in row if name != "pool" or not _added(bundle)]
        agree(bundle, NAME, row, opened, names, "announced")
    if drawn is not None:
        row = {
            "seed": doc["seed"],
            "seed_block": doc["schedule"]["seed_block"],
            "block_hash": doc["seed_block_hash"],
            "prompts": [prompt["sha256"] for prompt in doc["prompts"]],
        }
        agree(bundle, NAME, row, drawn, row, "drawn")


def next_schedule(bundle: ExaminedBundle) -> None:
    """The next round lies on the same grid, at least one step later, and was announced so."""
    file, blocks = "decision.json", bundle.document("competition.json")["config"]["blocks"]
    following = bundle.document(file)["next_schedule"]
    first = following["earliest_reveal_block"]
    bundle.compare("wrong-schedule", file, following, opening_at(first, blocks), field="next_schedule")
    later, step = first - bundle.document(NAME)["schedule"]["earliest_reveal_block"], blocks["round_blocks"]
    if later % step or later < 1:
        bundle.note("wrong-schedule", file, field="next_schedule", found=first)
    announced = entered(bundle, "round.open", of_round=(bundle.round or 0) + 1)
    event = announced[0] if announced else None
    agree(bundle, file, {"schedule": following}, event, ["schedule"], "next_schedule")


def lengthened(bundle: ExaminedBundle, schedule: dict[str, int]) -> dict[str, int]:
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
            field = f"event {event['seq']} schedule"
            bundle.compare("wrong-schedule", LEDGER, body.get("schedule"), schedule, field=field)
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


def committed(bundle: ExaminedBundle) -> None:
    """The pool was committed to before the draw, and nothing was added when the seed could be known."""
    doc, last = bundle.document(NAME), None
    seed_block, commitment = doc["schedule"]["seed_block"], commitment_of(doc["pool"])
    for event in bundle.events:
        if event["kind"] == "round.miner_generation" and event["body"].get("round") == bundle.round:
            break
        last = event["body"].get("commitment") if event["kind"] == "pool" else last
    for body in _added(bundle):
        if body.get("block", seed_block) >= seed_block:
            bundle.note("wrong-pool", LEDGER, field="pool", found=body, expected=seed_block)
    if last is not None or bundle.round == 1:
        bundle.compare("wrong-pool", LEDGER, last, commitment, field="pool")


def _added(bundle: ExaminedBundle) -> list[dict[str, Any]]:
    """Commitments to a larger pool after the round was announced, and before its draw."""
    moves = [(event["kind"], event["body"].get("round")) for event in bundle.events]
    named = [("round.open", bundle.round), ("round.miner_generation", bundle.round)]
    opened, drawn = (moves.index(move) if move in moves else 0 for move in named)
    return [event["body"] for event in bundle.events[opened:drawn] if event["kind"] == "pool"]


def seed_of(slug: str, number: int, block_hash: str, *, beacon: str | None = None) -> str:
    return _sha256("\n".join(["gauntlet-seed/1", slug, str(number), block_hash, *([beacon] if beacon else [])]))


def commitment_of(pool: list[str]) -> str:
    return _sha256("".join(f"{digest}\n" for digest in sorted(pool)))


def drawn_by(seed: str, pool: list[str], *, most: int) -> list[str]:
    ranked = sorted(pool, key=lambda digest: hashlib.sha256(bytes.fromhex(seed) + bytes.fromhex(digest)).digest())
    return ranked[:most]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def check_beacon(bundle: ExaminedBundle) -> None:
    """The document, from the configuration and the block's time; there is one where the configuration asks for it."""
    kind, doc = bundle.document("competition.json")["config"].get("beacon", ""), bundle.documents.get(BEACON)
    if not kind or doc is None:
        bundle.compare("wrong-beacon", BEACON, doc and doc["kind"], kind or None, field="kind")
        return
    number = -(-(doc["block_ms"] + DELAY_MS - GENESIS_MS) // PERIOD_MS) + 1
    bundle.compare("wrong-beacon", BEACON, doc, doc | {"kind": kind, "round": number})
    drawn = only(bundle, "round.miner_generation")
    if drawn is not None:
        agree(bundle, BEACON, {"beacon": doc}, drawn, ["beacon"], "beacon")
    holds = opens_sealed(number=doc["round"], signature=str(doc["signature"]))
    if holds is None:
        note_signature(bundle.log, BEACON, None)
    elif not holds:
        bundle.note("wrong-beacon", BEACON, field="signature")


def beacon_value(bundle: ExaminedBundle) -> str | None:
    """What goes into the seed after the block's hash; None where there is no beacon."""
    doc = bundle.documents.get(BEACON)
    return str(doc["signature"]) if doc else None


def opens_sealed(*, number: int, signature: str) -> bool | None:
    """What is encrypted to the beacon's round opens with its signature and nothing else.  None: cannot be checked."""
    try:
        import bittensor_core  # the verifier runs without it, and says what it could not check
    except ImportError:
        return None
    if not re.fullmatch("[0-9a-f]{96}", signature) or not 0 < number < 1 << 60:
        return False
    sealed, _ = bittensor_core.encrypt_at_round(PROBE, number)
    try:
        return bytes(bittensor_core.decrypt_with_signature(sealed, signature)) == PROBE
    except ValueError:
        return False
