"""What form does each document of a bundle have?  Exactly these fields, of these types."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

TEXT, COUNT, WHOLE, FLAG, ANY = "a text", "a count", "a whole number", "true or false", "any object"
HASH, HEX, SHARE = "a SHA-256 in hex", "bytes in hex", "a fraction"
NULL = "null"
RULES = "rules, with numbers written out"
LONGEST_RULE = 64
EXPONENT = re.compile(r"[-+.0-9]+[eE][-+0-9]+")
"""1e999999999 is a short text, and a fraction that fills all memory."""

FITS: dict[str, Callable[[Any], bool]] = {
    TEXT: lambda v: isinstance(v, str),
    COUNT: lambda v: type(v) is int and v >= 0,
    WHOLE: lambda v: type(v) is int,
    FLAG: lambda v: isinstance(v, bool),
    ANY: lambda v: isinstance(v, dict),
    HASH: lambda v: isinstance(v, str) and bool(re.fullmatch("[0-9a-f]{64}", v)),
    HEX: lambda v: isinstance(v, str) and bool(re.fullmatch("([0-9a-f]{2})*", v)),
    SHARE: lambda v: isinstance(v, str) and bool(re.fullmatch("-?[0-9]{1,18}(/[1-9][0-9]{0,17})?", v)),
    NULL: lambda v: v is None,
    RULES: lambda v: isinstance(v, dict) and all(map(_plain_rule, v.values())),
}


def _plain_rule(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_plain_rule, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, str) or (len(value) <= LONGEST_RULE and not EXPONENT.fullmatch(value))


class Either(tuple[Any, ...]):
    """One of several shapes."""


class Each(tuple[Any, ...]):
    """An object of any keys, whose values all have the one shape."""


FAILURE = Either((NULL, {"class": TEXT, "code": TEXT}))
SCHEDULE = {
    "earliest_reveal_block": COUNT,
    "latest_reveal_block": COUNT,
    "seed_block": COUNT,
    "generation_deadline_block": COUNT,
}
RENDERING = {
    "state": TEXT,
    "rig": HASH,
    "renderer": TEXT,
    "views": Each((HASH,)),
    "triangles": COUNT,
    "failure": FAILURE,
}
STAGE = {"kind": TEXT, "ab": WHOLE, "ba": WHOLE, "score": WHOLE, "consistent": FLAG}
DETAIL = Either(({}, {"decided_by": TEXT, "stages": [STAGE]}))
UNNEEDED = {"position": COUNT, "prompt": TEXT, "state": TEXT}
DUEL = {
    **UNNEEDED,
    "outcome": TEXT,
    "score_micro": Either((NULL, WHOLE)),
    "left": TEXT,
    "right": TEXT,
    "detail": DETAIL,
    "failure": FAILURE,
}
AGAIN = {**DUEL, "take": COUNT}
TALLY = dict.fromkeys(("won", "drawn", "lost", "void", "forfeits_challenger", "forfeits_defender"), COUNT)
NUMBERS = Each((Either((TEXT, WHOLE)),))

AUDIT = {
    "entry": TEXT,
    "kind": TEXT,
    "verdict": TEXT,
    "code": TEXT,
    "reason": TEXT,
    "version": COUNT,
    "people": [TEXT],
    "numbers": NUMBERS,
    "limits": NUMBERS,
    "archive": TEXT,
    "checks": [{"check": TEXT, "tool": TEXT, "tool_version": TEXT, "ruleset": TEXT, "outcome": TEXT}],
    "findings": [
        {
            "severity": TEXT,
            "rule": TEXT,
            "file": TEXT,
            "line": Either((NULL, COUNT)),
            "sentence": TEXT,
            "check": TEXT,
            "tool": TEXT,
            "tool_version": TEXT,
        }
    ],
}
MATCH = {
    "kind": TEXT,
    "defender": TEXT,
    "defender_origin": TEXT,
    "challenger": TEXT,
    "challenger_origin": TEXT,
    "judge": TEXT,
    "judge_name": TEXT,
    "tally": TALLY,
    "margin": SHARE,
    "margin_micro": WHOLE,
    "stopped": TEXT,
    "stopped_after": COUNT,
    "duels": [Either((UNNEEDED, AGAIN, DUEL))],
}
MATCHES = [Either(({**MATCH, "version": COUNT}, MATCH))]
"""Of a match that was made anew its version, of a duel that was judged again the take; a first one goes without."""
RUNGS = [{"challenger": TEXT, "defender": TEXT, "verdict": TEXT, "reason": TEXT}]
DISTANCE = Either((NULL, COUNT))

MANIFEST = {
    "format": TEXT,
    "competition": TEXT,
    "round": COUNT,
    "files": [{"path": TEXT, "sha256": HASH, "bytes": COUNT, "role": TEXT}],
}
SHAPES: dict[str, Any] = {
    "competition.json": {
        "slug": TEXT,
        "name": TEXT,
        "description": TEXT,
        "ruleset": TEXT,
        "judge": TEXT,
        "renderer": TEXT,
        "chain": TEXT,
        "pods": TEXT,
        "config": ANY,
        "demo": FLAG,
    },
    "round.json": {
        "number": COUNT,
        "rules": RULES,
        "schedule": SCHEDULE,
        "seed_block_hash": HASH,
        "seed": HASH,
        "pool": [HASH],
        "pool_commitment": HASH,
        "prompts": [{"position": COUNT, "stem": TEXT, "sha256": HASH}],
    },
    "reveals.json": [{"miner": TEXT, "block": COUNT, "extrinsic_index": COUNT, "payload": HEX, "objection": TEXT}],
    "submissions.json": [
        {
            "entry": TEXT,
            "miner": TEXT,
            "role": TEXT,
            "repo": TEXT,
            "commit": TEXT,
            "cdn_url": TEXT,
            "reveal_block": Either((NULL, COUNT)),
            "extrinsic_index": Either((NULL, COUNT)),
            "objection": TEXT,
            "copy_of": TEXT,
        }
    ],
    "assets.json": [
        {
            "entry": TEXT,
            "prompt": TEXT,
            "origin": TEXT,
            "state": TEXT,
            "sha256": TEXT,
            "bytes": COUNT,
            "failure": FAILURE,
            "rendering": Either((NULL, RENDERING)),
        }
    ],
    "matches.json": MATCHES,
    "audits.json": [AUDIT],
    "decision.json": {
        "winner": TEXT,
        "leader": TEXT,
        "weight": SHARE,
        "effective_block": COUNT,
        "headline": TEXT,
        "ladder": RUNGS,
        "next_schedule": SCHEDULE,
        "reigns": [{"hotkey": TEXT, "weight": SHARE, "effective_block": COUNT}],
        "uids": Each((COUNT,)),
        "owner_uid": COUNT,
        "weights": Each((SHARE,)),
        "weights_block": COUNT,
    },
    "statistics.json": {
        "matches": [{"match": TEXT, "interval95_micro": [WHOLE], "sign_p_micro": COUNT, "flip_distance": DISTANCE}],
        "flip_distance": DISTANCE,
        "repeatability": {"pairs": COUNT, "same": COUNT, "opposite": COUNT},
    },
}

BARS = ("likeness", "lean", "artifacts", "checklist", "detail", "gray", "side_guard", "least_mass")
QUESTION = {"kind": TEXT, "about": TEXT, "shows": [TEXT], "asks": TEXT, "labels": Each((WHOLE,))}
DESCRIBED = {
    "rules": TEXT,
    "door": TEXT,
    "model": TEXT,
    "revision": TEXT,
    "server": TEXT,
    "mode": TEXT,
    "constrain": TEXT,
    "pixels": COUNT,
    "system": TEXT,
    "questions": Each((QUESTION,)),
    "bars": dict.fromkeys(BARS, COUNT),
}
ANSWER = {
    "key": HASH,
    "kind": TEXT,
    "model": TEXT,
    "text": TEXT,
    "shares": Each((COUNT,)),
    "top": [{"token": TEXT, "micro": WHOLE}],
}
CONTROL = {
    "take": COUNT,
    "kind": TEXT,
    "prompt": TEXT,
    "variant": TEXT,
    "state": TEXT,
    "score_micro": Either((NULL, WHOLE)),
    "before_micro": Either((NULL, WHOLE)),
    "left": TEXT,
    "right": TEXT,
    "views": Each((HASH,)),
    "detail": DETAIL,
    "answers": [ANSWER],
}
COUNTS = {"won": COUNT, "drawn": COUNT, "lost": COUNT, "out": FLAG}
OPTIONAL: dict[str, Any] = {
    "beacon.json": {"kind": TEXT, "round": COUNT, "signature": TEXT, "block_ms": COUNT},
    "judging.json": {
        "name": TEXT,
        "version": TEXT,
        "described": Either(({}, DESCRIBED)),
        "answers": [ANSWER],
        "controls": [CONTROL],
    },
    "correction.json": {
        "edition": COUNT,
        "correction": COUNT,
        "scope": TEXT,
        "code": TEXT,
        "reason": TEXT,
        "corrects": HASH,
        "defended": COUNT,
        "supersedes": Either((NULL, COUNT)),
        "before": {
            "winner": TEXT,
            "leader": TEXT,
            "weight": SHARE,
            "effective_block": COUNT,
            "headline": TEXT,
            "ladder": RUNGS,
        },
        "set_aside": [AUDIT],
        "choice": Each((TEXT,)),
        "matches": MATCHES,
    },
    "title.json": {
        "fresh": [{"position": COUNT, "stem": TEXT, "sha256": HASH}],
        "seen": [HASH],
        "leader_commit": TEXT,
        "entries": [[{"entry": TEXT, "same": TEXT}]],
        "canaries": [TEXT],
        "finalists": [TEXT],
        "bankrolls": [
            {
                "entry": TEXT,
                "commit": TEXT,
                "carried": COUNTS,
                "left": COUNTS,
                "credits": TEXT,
                "ending": TEXT,
                "duels": COUNT,
                "flip_distance": DISTANCE,
            }
        ],
    },
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
