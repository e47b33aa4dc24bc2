"""What may stand in a competition's configuration, and who reads it?

Each part is read by one dataclass beside the code that uses it. A field says there what it means (`metadata`); type and
default are the dataclass's own. This table knows all parts: `check` refuses what no reader knows, and
`manage.py competition_docs` writes docs/competition.md from them.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from competition.decisions import beacon, numbers
from competition.decisions.schedule import Cadence
from competition.decisions.standing import Condition
from competition.rulesets import NESTED, BadRules, Rules, count, read
from competition.rulesets.integrity import fits
from formats import registry

FORMATS = " or ".join(", ".join(f"`{name}`" for name in registry.FORMATS).rsplit(", ", 1))


@dataclass(frozen=True, kw_only=True)
class Config:
    """What stands in `config` itself, beside the parts below."""

    prompts_per_round: int = field(
        metadata={"unit": "prompts", "means": "so many of the pool are drawn for each round's screens"}
    )
    format: str = field(
        default=registry.USUAL, metadata={"means": f"the 3D format that is asked for: {FORMATS} (formats.md)"}
    )
    beacon: str = field(
        default="",
        metadata={"means": f"`{beacon.QUICKNET}`: a public beacon's value goes into the seed (chain.md, The seed)"},
    )
    signed_reveals: bool = field(
        default=False, metadata={"means": "reveals are taken by signed request, too (api/signatures.md)"}
    )
    poll_s: float = field(
        default=5.0, metadata={"unit": "seconds", "means": "longest pause between two looks at a pod"}
    )
    cast: Mapping[str, Any] = field(
        default_factory=dict, metadata={"means": "demo only: who of `examples/cast.py` reveals in which round"}
    )
    leader: str = field(default="Extruder", metadata={"means": "demo only: who of the cast leads at the beginning"})
    hosting: str = field(default="", metadata={"means": "demo only: address of the cast's files; the demo writes it"})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Config:
        """Raises BadRules, which names the field and the fix."""
        given = {each.name: value[each.name] for each in dataclasses.fields(cls) if each.name in value}
        count("prompts_per_round", value.get("prompts_per_round"))
        if not isinstance(value.get("signed_reveals", False), bool):
            raise BadRules("signed_reveals", "is neither true nor false", fix="Write true or false")
        if value.get("beacon") and not beacon.known(str(value["beacon"])):
            raise BadRules("beacon", f"{value['beacon']!r} is unknown", fix=f"Use {beacon.QUICKNET}, or leave it out")
        numbers.number("poll_s", value.get("poll_s", 5.0))
        return cls(**given)


@dataclass(frozen=True, kw_only=True)
class ConfigurationPart:
    """One object below `config`: its reader raises BadRules or ValueError for what it can't use.

    `nested`: dataclasses of objects within it, by their field.
    """

    name: str
    means: str
    kind: type
    read: Callable[[Mapping[str, Any]], object]
    nested: Mapping[str, type] = field(default_factory=dict)
    required: bool = False


PARTS: dict[str, ConfigurationPart] = {}


def register(part: ConfigurationPart) -> None:
    """An app adds the parts that it reads when it is loaded."""
    PARTS[part.name] = part


register(
    ConfigurationPart(
        name="blocks",
        means="The rhythm of the rounds, in blocks of the chain (about 12 s each on Bittensor).",
        kind=Cadence,
        read=Cadence.from_json,
        required=True,
    )
)
register(
    ConfigurationPart(
        name="rules",
        means="Single values that replace those of the ruleset (rules.md). Left out: the ruleset's own.",
        kind=Rules,
        read=lambda value: value,  # read with the ruleset's name: `check`
        nested=NESTED,
    )
)
register(
    ConfigurationPart(
        name="entry",
        means="Who may enter, looked up on the chain when the window is over. Left out: every hotkey.",
        kind=Condition,
        read=Condition.from_json,
    )
)


def check(config: Mapping[str, Any], *, ruleset: str) -> None:
    """Raises BadRules for the first field that no reader knows, or that its reader can't use."""
    own = {each.name for each in dataclasses.fields(Config)}
    for name in config:
        if name not in own and name not in PARTS:
            near = difflib.get_close_matches(str(name), [*own, *PARTS], n=1)
            raise BadRules(f"config.{name}", "is unknown", fix=f"Did you mean {near[0]}?" if near else "Leave it out")
    Config.from_json(config)
    for part in PARTS.values():
        _check_part(part, config)
    rule = read({"name": ruleset, **config.get("rules", {})}).integrity
    if rule.bounds and not fits(rule, is_mesh=registry.of(config).is_mesh):
        problem = f"a file of format {registry.of(config).name} has no such defect"
        raise BadRules("integrity.bounds", problem, fix="Bound defects of this kind of file (docs/competition.md)")


def _check_part(part: ConfigurationPart, config: Mapping[str, Any]) -> None:
    if part.name not in config:
        if part.required:
            raise BadRules(f"config.{part.name}", "is missing", fix="Start from examples/subnet.json")
        return
    if not isinstance(config[part.name], Mapping):
        raise BadRules(f"config.{part.name}", "is no object", fix="Start from examples/subnet.json")
    try:
        part.read(config[part.name])
    except BadRules:
        raise
    except ValueError as error:
        raise BadRules(f"config.{part.name}", str(error), fix="See docs/competition.md") from error
