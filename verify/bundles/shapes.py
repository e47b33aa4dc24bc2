"""What form does each document have?  Of a bundle exactly these fields, of these types; a record may lack some."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

TEXT, COUNT, WHOLE, FLAG, ANY = "a text", "a count", "a whole number", "true or false", "any object"
HASH, HEX, SHARE = "a SHA-256 in hex", "bytes in hex", "a fraction"
NULL = "null"
NUMBER, TEXTS, ROWS, ANYTHING = "a number", "a list of texts", "a list of objects", "anything"
TEXT_OR_NULL, NUMBER_OR_NULL = f"{TEXT} or {NULL}", f"{NUMBER} or {NULL}"
LARGEST_NUMBER = 2**53
"""Beyond it a float is no longer exact; no score, margin, weight or time comes near."""
MOST = 20_000
"""Duels of a bankroll, at most: credits are a fraction to the power of them."""
FEW = f"a count up to {MOST}"
RULES = "rules, with numbers written out"
LONGEST_RULE = 64
EXPONENT = re.compile(r"[-+.0-9]+[eE][-+0-9]+")
"""1e999999999 is a short text, and a fraction that fills all memory."""

FITS: dict[str, Callable[[Any], bool]] = {
    TEXT: lambda v: isinstance(v, str),
    COUNT: lambda v: type(v) is int and v >= 0,
    FEW: lambda v: type(v) is int and 0 <= v <= MOST,
    WHOLE: lambda v: type(v) is int,
    FLAG: lambda v: isinstance(v, bool),
    ANY: lambda v: isinstance(v, dict),
    HASH: lambda v: isinstance(v, str) and bool(re.fullmatch("[0-9a-f]{64}", v)),
    HEX: lambda v: isinstance(v, str) and bool(re.fullmatch("([0-9a-f]{2})*", v)),
    SHARE: lambda v: isinstance(v, str) and bool(re.fullmatch("-?[0-9]{1,18}(/[1-9][0-9]{0,17})?", v)),
    NULL: lambda v: v is None,
    RULES: lambda v: isinstance(v, dict) and all(map(_plain_rule, v.values())),
    NUMBER: lambda v: isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= LARGEST_NUMBER,
    TEXTS: lambda v: isinstance(v, list) and all(isinstance(item, str) for item in v),
    ROWS: lambda v: isinstance(v, list),
    ANYTHING: lambda v: True,
    TEXT_OR_NULL: lambda v: v is None or isinstance(v, str),
    NUMBER_OR_NULL: lambda v: v is None or FITS[NUMBER](v),
}


def _plain_rule(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_plain_rule, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, str) or (len(value) <= LONGEST_RULE and not EXPONENT.fullmatch(value))


class Either(tuple[Any, ...]):
    """One of several shapes."""


class Optional(str):
    """The type of a field that a record need not have."""


class Each(tuple[Any, ...]):
    """An object of any keys, whose values all have the one shape."""


def form(**types: Any) -> dict[str, Any]:
    """An object's shape: `text="name note"` are fields of the type TEXT, `optional_text="note"` such as may be absent,
    `row={"a": SHAPE}` any others as they are."""
    shape: dict[str, Any] = {}
    for name, fields in types.items():
        plain = name.removeprefix("optional_")
        kind = None if name == "row" else TYPES[name] if plain == name else Optional(TYPES[plain])
        shape |= fields if kind is None else dict.fromkeys(fields.split(), kind)
    return shape


TYPES: dict[str, Any] = {
    "text": TEXT,
    "count": COUNT,
    "few": FEW,
    "whole": WHOLE,
    "flag": FLAG,
    "digest": HASH,
    "share": SHARE,
    "number": NUMBER,
    "texts": TEXTS,
    "rows": ROWS,
    "anything": ANYTHING,
    "text_or_null": TEXT_OR_NULL,
    "number_or_null": NUMBER_OR_NULL,
    "maybe_count": Either((NULL, COUNT)),
    "maybe_whole": Either((NULL, WHOLE)),
    "failure": Either((NULL, {"class": TEXT, "code": TEXT})),
}
SCHEDULE = form(count="earliest_reveal_block latest_reveal_block seed_block generation_deadline_block")
VIEWS = {"views": Each((HASH,))}
RENDERING = form(text="state renderer", digest="rig", count="triangles", failure="failure", row=VIEWS)
STAGE = form(text="kind", whole="ab ba score", flag="consistent")
VERDICT = form(text="decided_by", row={"stages": [STAGE]})
BY_FAMILIES = VERDICT | {"families": [VERDICT | form(text="family model outcome", whole="score_micro")]}
TIE = form(text="tie_broken_by")
DETAIL = {"detail": Either(({}, VERDICT | TIE, BY_FAMILIES | TIE, BY_FAMILIES, VERDICT))}
BEFORE = {"before": Each((WHOLE,))}
CONTROL_DETAIL = {"detail": Either(({}, BY_FAMILIES, BY_FAMILIES | BEFORE, VERDICT | BEFORE, VERDICT))}
UNNEEDED = form(count="position", text="prompt state")
DUEL = UNNEEDED | form(text="outcome left right", maybe_whole="score_micro", failure="failure", row=DETAIL)
TALLY = form(count="won drawn lost void forfeits_challenger forfeits_defender")
NUMBERS = Each((Either((TEXT, WHOLE)),))
CHECK = form(text="check tool tool_version ruleset outcome")
SOURCE_FINDING = form(text="severity rule file sentence check tool tool_version", maybe_count="line")
AUDIT = form(
    text="entry kind verdict code reason archive",
    count="version",
    row={"people": [TEXT], "numbers": NUMBERS, "limits": NUMBERS, "checks": [CHECK], "findings": [SOURCE_FINDING]},
)
MATCH = form(
    text="kind defender defender_origin challenger challenger_origin judge judge_name stopped",
    share="margin",
    whole="margin_micro",
    count="stopped_after",
    row={"tally": TALLY, "duels": [Either((UNNEEDED, {**DUEL, "take": COUNT}, DUEL))]},
)
MATCHES = [Either(({**MATCH, "version": COUNT}, MATCH))]
"""Of a match that was made anew its version, of a duel that was judged again the take; a first one goes without."""
RUNGS = [form(text="challenger defender verdict reason")]
REIGN = form(text="hotkey", share="weight", count="effective_block")
PROMPTS = [form(count="position", text="stem", digest="sha256")]
STATISTICS = form(text="match", count="sign_p_micro", maybe_count="flip_distance", row={"interval95_micro": [WHOLE]})

MANIFEST = form(
    text="format competition",
    count="round",
    row={"files": [form(text="path role", digest="sha256", count="bytes")]},
)
SHAPES: dict[str, Any] = {
    "competition.json": form(
        text="slug name description ruleset judge renderer chain pods", flag="demo", row={"config": ANY}
    ),
    "round.json": form(
        count="number",
        digest="seed_block_hash seed pool_commitment",
        row={"rules": RULES, "schedule": SCHEDULE, "pool": [HASH], "prompts": PROMPTS},
    ),
    "reveals.json": [form(text="miner objection", count="block extrinsic_index", row={"payload": HEX})],
    "submissions.json": [
        form(text="entry miner role repo commit cdn_url objection copy_of", maybe_count="reveal_block extrinsic_index")
    ],
    "assets.json": [
        form(
            text="entry prompt origin state sha256",
            count="bytes",
            failure="failure",
            row={"rendering": Either((NULL, RENDERING))},
        )
    ],
    "matches.json": MATCHES,
    "audits.json": [AUDIT],
    "decision.json": form(
        text="winner leader headline",
        share="weight",
        count="effective_block owner_uid weights_block",
        row={
            "ladder": RUNGS,
            "next_schedule": SCHEDULE,
            "reigns": [REIGN],
            "uids": Each((COUNT,)),
            "weights": Each((SHARE,)),
        },
    ),
    "statistics.json": form(
        maybe_count="flip_distance",
        row={"matches": [STATISTICS], "repeatability": form(count="pairs same opposite")},
    ),
}

BARS = form(count="likeness lean artifacts checklist detail gray side_guard least_mass")
QUESTION = form(text="kind about asks", row={"shows": [TEXT], "labels": Each((WHOLE,))})
DESCRIBED = form(
    text="rules door model revision server mode constrain system",
    count="pixels",
    row={"questions": Each((QUESTION,)), "bars": BARS},
)
OF_A_FAMILY = DESCRIBED | form(text="family licence image_token", count="pixels_per_token", row={"chat": Each((FLAG,))})
PANEL = form(text="rules", row={"judges": [OF_A_FAMILY]})
TOP = [form(text="token", whole="micro")]
ANSWER = form(digest="key", text="kind model text", row={"shares": Each((COUNT,)), "top": TOP})
CONTROL = form(
    count="take",
    text="kind prompt variant state left right",
    maybe_whole="score_micro before_micro",
    row={**VIEWS, **CONTROL_DETAIL, "answers": [ANSWER]},
)
COUNTS = form(few="won drawn lost", flag="out")
BANKROLL = form(
    text="entry commit credits ending",
    count="duels",
    maybe_count="flip_distance",
    row={"carried": COUNTS, "left": COUNTS},
)
DECISION = form(text="winner leader headline", share="weight", count="effective_block", row={"ladder": RUNGS})
MEASURED_FILE = form(digest="sha256", failure="failure", row={"numbers": Either((NULL, Each((NUMBER_OR_NULL,))))})
DECIDED_FILE = form(digest="sha256", row={"numbers": Either((NULL, Each((COUNT,))))})
"""As rounds had it that were announced without a measure."""
OPTIONAL: dict[str, Any] = {
    "beacon.json": form(text="kind signature", count="round block_ms"),
    "integrity.json": form(text="measure", row={"files": [Either((DECIDED_FILE, MEASURED_FILE))]}),
    "judging.json": form(
        text="name version",
        row={"described": Either(({}, PANEL, OF_A_FAMILY, DESCRIBED)), "answers": [ANSWER], "controls": [CONTROL]},
    ),
    "correction.json": form(
        text="scope code reason",
        count="edition correction defended",
        digest="corrects",
        maybe_count="supersedes",
        row={"before": DECISION, "set_aside": [AUDIT], "choice": Each((TEXT,)), "matches": MATCHES},
    ),
    "title.json": form(
        text="leader_commit",
        row={
            "fresh": PROMPTS,
            "seen": [HASH],
            "entries": [[form(text="entry same")]],
            "canaries": [TEXT],
            "finalists": [TEXT],
            "bankrolls": [BANKROLL],
        },
    ),
}
"""Documents that only some rulesets and judges have, or only a corrected round."""

Misfit = tuple[str, object, str]


def misfit(value: Any, shape: Any, *, at: str = "") -> Misfit | None:
    """(place, what is there, what should be) of the first thing that does not fit; None when all fits."""
    if isinstance(shape, str):
        return None if FITS[shape](value) else (at, value, shape)
    if isinstance(shape, Either):
        problems = [misfit(value, one, at=at) for one in shape]
        return None if None in problems else problems[-1]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return (at, value, "a list")
        return _first(misfit(item, shape[0], at=f"{at}[{n}]") for n, item in enumerate(value))
    if not isinstance(value, dict):
        return (at, value, "an object")
    if isinstance(shape, Each):
        return _first(misfit(item, shape[0], at=f"{at}.{key}") for key, item in value.items())
    if set(value) != set(shape):
        return (at, sorted(value), f"the fields {', '.join(sorted(shape))}")
    return _first(misfit(value[key], shape[key], at=f"{at}.{key}") for key in shape)


def _first(problems: Any) -> Misfit | None:
    return next((problem for problem in problems if problem), None)
