"""Which values do the rules of a round have?  They are data: a round stores its own copy, and nobody edits it."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from competition.rulesets.integrity import REPORT, IntegrityRule, read_rule
from competition.rulesets.speed import SpeedRule, read_speed
from competition.rulesets.values import BadRules, count, exact, kind_of, share

PAID_FROM = ("next_latest_reveal", "next_earliest_reveal")
AUDITS = ("source", "generation")
OF_ERA_1 = "a limit of era 1's audits; it decides nothing here"


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleRules:
    """The title match: how much evidence makes a leader, and what may be spent on looking for it."""

    finalists: int = field(metadata={"unit": "entries", "means": "so many of the best may play for the title"})
    prompts: int = field(metadata={"unit": "prompts", "means": "fresh prompts of a title match, at most"})
    batch: int = field(
        metadata={"unit": "prompts", "means": "generated at a time; generation stops when the match is decided"}
    )
    stakes: tuple[Fraction, ...] = field(
        metadata={
            "unit": "shares",
            "means": "one purse each, of equal size; a purse stakes this share of itself on each duel",
        }
    )
    bar: Fraction = field(
        metadata={"unit": "credits", "means": "make the title; equals get there at most once in `bar` tries"}
    )
    out: Fraction = field(metadata={"unit": "credits", "means": "below these the challenger is out"})
    futility_z: Fraction = field(
        metadata={"unit": "standard deviations", "means": "a screen so far behind the bar is not judged further"}
    )

    def to_json(self) -> dict[str, Any]:
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides a round.  Shares are exact fractions: 0.05 is 1/20, not the nearest double."""

    name: str
    win_margin: Fraction = field(metadata={"unit": "share", "means": "the margin a challenger must reach"})
    weight_decay: Fraction = field(metadata={"unit": "share", "means": "a defence costs the leader so much weight"})
    weight_floor: Fraction = field(metadata={"unit": "share", "means": "a defending leader keeps at least this weight"})
    least_counted: int = field(metadata={"unit": "duels", "means": "a margin over fewer counted duels decides nothing"})
    stop_early: bool = field(metadata={"means": "leave the rest of a match unjudged once it can change nothing"})
    paid_from: str = field(metadata={"means": f"the block from which a reign is paid: {' or '.join(PAID_FROM)}"})
    audits: tuple[str, ...] = field(metadata={"means": f"what a winner must pass, of {' and '.join(AUDITS)}"})
    # Published with the rules, as in the records of era 1, which went by them; no audit of this platform does.
    audit_distance: Fraction = field(metadata={"unit": "distance", "means": f"of an output that failed; {OF_ERA_1}"})
    audit_failed_allowed: int = field(metadata={"unit": "prompts", "means": f"not critical ones; {OF_ERA_1}"})
    audit_critical_allowed: int = field(metadata={"unit": "prompts", "means": f"critical ones; {OF_ERA_1}"})
    audit_median_seconds: Fraction = field(metadata={"unit": "seconds", "means": f"trimmed median; {OF_ERA_1}"})
    audit_limit_seconds: Fraction = field(metadata={"unit": "seconds", "means": f"a single generation; {OF_ERA_1}"})
    audit_repeats: int = field(
        default=1, metadata={"unit": "times", "means": "a winner's outputs are generated again so often"}
    )
    # None: the ladder of challengers decides, without a title match
    title: TitleRules | None = field(default=None, metadata={"means": "the title match, of a ruleset that has one"})
    integrity: IntegrityRule = field(
        default_factory=IntegrityRule, metadata={"means": "what measurements of files decide (rules.md)"}
    )
    speed: SpeedRule = field(default_factory=SpeedRule, metadata={"means": "what the time of code decides (rules.md)"})

    def to_json(self) -> dict[str, Any]:
        """Without floats, so that it can be hashed: fractions as "n/d".  Not named are a title match that a ruleset
        does not have, a rule for measurements by which nothing is decided, and the rule for speed that always held."""
        plain = {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        unnamed = {
            "title": self.title is None,
            "integrity": self.integrity.mode == REPORT,
            "speed": self.speed == SpeedRule(),
        }
        return {name: value for name, value in plain.items() if not unnamed.get(name)}


def replaced(defaults: Rules, value: Mapping[str, Any]) -> Rules:
    """`defaults` with the fields that a JSON object gives in place of theirs.  Raises BadRules."""
    unknown = sorted(set(value) - set(_READERS) - {"name", "title"}, key=str)
    if unknown:
        near = difflib.get_close_matches(str(unknown[0]), _READERS, n=1)
        fix = f"Did you mean {near[0]}?" if near else f"Use some of: {', '.join(sorted(_READERS))}"
        raise BadRules(str(unknown[0]), "there is no such rule", fix=fix)
    changes = {field: _READERS[field](field, given) for field, given in value.items() if field not in ("name", "title")}
    if "title" in value:
        changes["title"] = _title(defaults, value["title"])
    return dataclasses.replace(defaults, **changes)


def _title(rules: Rules, value: Any) -> TitleRules:
    if rules.title is None:
        raise BadRules("title", f"{rules.name} has no title match", fix="Leave it out, or use title-1")
    if not isinstance(value, Mapping):
        raise BadRules("title", f"an object is needed, not {kind_of(value)}", fix='Write {"prompts": 256}')
    unknown = sorted(set(value) - set(_TITLE_READERS), key=str)
    if unknown:
        raise BadRules(f"title.{unknown[0]}", "there is no such rule", fix=f"Use some of: {', '.join(_TITLE_READERS)}")
    changes = {field: _TITLE_READERS[field](f"title.{field}", given) for field, given in value.items()}
    return dataclasses.replace(rules.title, **changes)


def _margin(field: str, value: Any) -> Fraction:
    margin = share(field, value)
    if margin == 0:
        raise BadRules(field, "a bar of 0 would give the lead away on a draw", fix="Write more than 0, as 0.05")
    return margin


def _at_least_one(field: str, value: Any) -> int:
    if count(field, value) == 0:
        raise BadRules(field, "a match without a single counted duel decides nothing", fix="Write 1 or more")
    return int(value)


def _repeats(field: str, value: Any) -> int:
    if not 1 <= count(field, value) <= 9:
        raise BadRules(field, f"{value!r} is no number of repeats", fix="Write 1 to 9")
    return int(value)


def _some(field: str, value: Any) -> int:
    if count(field, value) == 0:
        raise BadRules(field, "none is too few for a title match", fix="Write 1 or more")
    return int(value)


def _purse_shares(field: str, value: Any) -> tuple[Fraction, ...]:
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= 8:
        raise BadRules(field, "a list of 1 to 8 stakes is needed", fix='Write ["1/5", "1/2"]')
    shares = tuple(share(field, stake) for stake in value)
    if not all(0 < stake < 1 for stake in shares):
        raise BadRules(field, "a purse stakes more than nothing and less than all", fix='Write ["1/5", "1/2"]')
    return shares


def _bar(field: str, value: Any) -> Fraction:
    bar = exact(field, value)
    if bar <= 1:
        raise BadRules(field, "everybody starts with one credit", fix="Write more than 1, as 40")
    return bar


def _out(field: str, value: Any) -> Fraction:
    out = share(field, value)
    if out == 1:
        raise BadRules(field, "everybody would be out after one lost duel", fix="Write less than 1, as 1/10")
    return out


def _flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRules(field, f"{value!r} is neither true nor false", fix="Write true or false")
    return value


def _block(field: str, value: Any) -> str:
    if value not in PAID_FROM:
        raise BadRules(field, f"{value!r} names no block", fix=f"Use one of: {', '.join(PAID_FROM)}")
    return str(value)


def _audits(field: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or any(kind not in AUDITS for kind in value):
        raise BadRules(field, f"{value!r} is not a list of audits", fix=f"Use some of: {', '.join(AUDITS)}")
    return tuple(kind for kind in AUDITS if kind in value)


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "win_margin": _margin,
    "weight_decay": share,
    "weight_floor": share,
    "least_counted": _at_least_one,
    "stop_early": _flag,
    "paid_from": _block,
    "audits": _audits,
    "audit_distance": exact,
    "audit_failed_allowed": count,
    "audit_critical_allowed": count,
    "audit_median_seconds": exact,
    "audit_limit_seconds": exact,
    "audit_repeats": _repeats,
    "integrity": read_rule,
    "speed": read_speed,
}

_TITLE_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "finalists": _some,
    "prompts": _some,
    "batch": _some,
    "stakes": _purse_shares,
    "bar": _bar,
    "out": _out,
    "futility_z": exact,
}


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, TitleRules | IntegrityRule | SpeedRule):
        return value.to_json()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
