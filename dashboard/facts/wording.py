"""How is it said?  The sentences and names that more than one page uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from competition.models import Competition
from dashboard.facts.figures import MatchFigures

STAGES: Mapping[str, tuple[str, str]] = {
    "open": ("Open", "miners reveal their submissions"),
    "miner_generation": ("Generation", "prompts are drawn; both sides generate"),
    "downloading": ("Downloading", "every file is fetched once and frozen by its hash"),
    "duels": ("Duels", "the judge compares the outputs, prompt by prompt"),
    "finalizing": ("Finalizing", "winners of the ladder are audited"),
    "finished": ("Finished", "decided and published"),
    "paused": ("Paused", "nothing moves until the operator acts"),
}

WHO_MUST_ACT: Mapping[str, str] = {
    "miner": "The miner must act.",
    "infrastructure": "This is ours: it is retried, then the operator must act.",
    "judge": "The judge could not answer: it is retried, then the operator must act.",
}

# What an audit without a verdict waits for.
WAITING: Mapping[str, str] = {
    "gathering": "Evidence is being gathered.",
    "reviewing": "A person must decide.",
}

# What stands in for a production part, and what follows from that for a reader.
EMBEDDED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "judge": (
        ("perceptual", "image measurements on a CPU, not the vision-language model of the real competition"),
        ("scripted", "verdicts follow a script: they say nothing about the models"),
    ),
    "chain": (("simulated", "blocks come from a clock; nobody is paid, and block hashes can be foreseen"),),
    "pods": (("local", "miners' code runs as a limited process on this machine, without a GPU"),),
    "renderer": (("raycast", "pictures are drawn by rays on a CPU, without the site's production renderer"),),
}


@dataclass(frozen=True, kw_only=True)
class PartLabel:
    """One edge of the platform and what is behind it; `caution` is empty for a production part."""

    part: str
    name: str
    caution: str = ""


def labels(competition: Competition) -> tuple[PartLabel, ...]:
    listed = []
    for part, cautions in EMBEDDED.items():
        name = str(getattr(competition, part))
        caution = next((text for prefix, text in cautions if name.startswith(prefix)), "")
        if name == "records":
            caution = "read from public records: nothing of it ran here"
        listed.append(PartLabel(part=part, name=name, caution=caution))
    return tuple(listed)


def percent(share: Fraction | float, *, signed: bool = True, digits: int = 2) -> str:
    """`+5.47 %`; a minus sign, not a hyphen; never `-0`."""
    value = round(float(share) * 100, digits)
    sign = "−" if value < 0 else "+" if value > 0 and signed else ""
    return f"{sign}{abs(value):.{digits}f} %"


def bar(share: Fraction) -> str:
    return percent(share, signed=False, digits=2).replace(".00 %", " %")


def count(number: int, noun: str) -> str:
    """`1 duel`, `2 duels`, `2 matches`, `3 entries`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'es' if noun.endswith(('ch', 's', 'x')) else 's'}"


def each_rule(rules: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(name, value) of every rule but its name; those of a rule that has values of its own behind, as `title.bar`."""
    flat = {key: value for key, value in rules.items() if key != "name" and not isinstance(value, Mapping)}
    for rule, values in rules.items():
        if isinstance(values, Mapping):
            flat |= {f"{rule}.{key}": value for key, value in values.items()}
    return tuple((key, _rule_value(value)) for key, value in flat.items())


def _rule_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {most}" for name, most in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def duration(seconds: float) -> str:
    """Two units at most: `2 d 4 h`, `3 min 20 s`."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        amount, left = divmod(left, size)
        if amount or (unit == "s" and not parts):
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2])


def seconds(value: float) -> str:
    """A time that is compared with others: three digits below 100 s, `0.042 s`, `4.25 s`; else as `duration` has it."""
    if value >= 99.95:
        return duration(value)
    digits = 3 if value < 0.9995 else 2 if value < 9.995 else 1
    return f"{value:.{digits}f} s"


def usd(value: float) -> str:
    """Money in cents, below a dollar in hundredths of one: `12.40 USD`, `0.0731 USD`."""
    return f"{value:,.2f} USD" if value >= 0.995 or value == 0 else f"{value:.4f} USD"


def size(number: int) -> str:
    """Decimal units, as file hosts count."""
    value = float(number)
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return count(number, "byte") if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return ""


def standing(figures: MatchFigures) -> str:
    """What the margin means for the rule, in one sentence."""
    bar_text = bar(figures.win_margin)
    if not figures.counted:
        return "No duel counted."
    if figures.reaches:
        return f"The margin of {percent(figures.margin)} reaches the bar of {bar_text}. {spare(figures)}"
    if figures.all_forfeit:
        return "No usable file was delivered, so every duel was forfeited."
    gap = count(figures.gap, "net duel")
    return f"The margin of {percent(figures.margin)} is short of the bar of {bar_text} by {gap}."


def spare(figures: MatchFigures) -> str:
    """How close it was, for a match that reaches the bar."""
    if figures.flip_distance is None:
        return "No change of results could alter that."
    if figures.flip_distance == 1:
        return "There was no duel to spare: one that ended otherwise would have missed it."
    return f"It would take {figures.flip_distance} duels that ended otherwise to miss it."


def certainty(figures: MatchFigures) -> str:
    """What the duels allow to say, and no more: the 95 % interval, and the exact sign test."""
    if not figures.counted:
        return ""
    if not figures.decisive:
        return "No duel was decisive: these duels do not tell the two sides apart."
    often = "less than 0.1 %" if figures.sign_p < 0.001 else percent(figures.sign_p, signed=False, digits=1)
    sign_test = f"Two equal sides would end at least this far apart in {often} of matches with as many decisive duels."
    if not figures.interval_shown:
        interval = "Every duel ended alike, so there is no interval."
    elif figures.straddles_zero:
        interval = "The 95 % interval holds 0: these duels alone do not show that either side is better."
    else:
        better = "challenger" if figures.net > 0 else "defender"
        interval = f"The 95 % interval lies on one side of 0, that of the {better}."
    return f"{interval} {sign_test}"


def interval(figures: MatchFigures) -> str:
    """`+1.2 % to +8.9 %`; "" where there is none to show."""
    low, high = figures.interval_95
    return f"{percent(low, digits=1)} to {percent(high, digits=1)}" if figures.interval_shown else ""


def were(number: int) -> str:
    return "was" if number == 1 else "were"


def times(number: int) -> str:
    return count(number, "time")
