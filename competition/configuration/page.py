"""What does docs/competition.md say?  Every field that a competition's file may hold, as its readers declare it."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from competition import configuration
from competition.configuration import Config, ConfigurationPart
from competition.configuration.competition_setup import CompetitionFile, FirstLeader
from competition.rulesets import NESTED, RULESETS, Rules

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "competition.md"
EXAMPLE = "examples/subnet.json"
KINDS: Mapping[Any, str] = {
    int: "whole number",
    float: "number",
    bool: "true or false",
    str: "text",
    Fraction: 'number, exact: `0.05` or `"1/20"`',
}
PLURALS: Mapping[Any, str] = {str: "texts", Fraction: "exact numbers"}
LINK = re.compile(r"(?<!\])\((?=(?:\w+/)?(\w+)\.md)((?:\w+/)?\w+\.md)")  # (rules.md: a page beside this one
HEAD = """# A competition's configuration

<!-- written by `manage.py competition_docs` from the readers in the code: change those, not this page -->

A competition is founded from one JSON file (`manage.py new_competition SLUG FILE PROMPTS --opens BLOCK`). It holds the
game: rules, cameras, windows. What belongs to one deployment (addresses, keys, folders) is a [setting](settings.md)
and never stands here. A field that no reader knows is refused, with the field's name and the fix. A round keeps its own
copy of the rules, so nothing here changes a round that has begun.
"""
FOOT = """## The demo's files
The files in `examples/` whose `config` has a `cast` are read by `play` and `seed_demo` (`--competition FILE`). They
have no `chain` and no `leader` of their own; `block_seconds` is the length of a simulated block, and `config.cast`
names who of `examples/cast.py` reveals in which round.
"""


def page() -> str:
    """The whole page, as Markdown."""
    blocks = [
        HEAD,
        _section("The file", "Its first level.", CompetitionFile),
        _section("`leader`", "Who leads when the competition begins.", FirstLeader),
        _section("`config`", "Its own fields; the objects below stand in it, too.", Config),
    ]
    for part in configuration.PARTS.values():
        blocks += _part(part)
    example = json.loads((ROOT / EXAMPLE).read_text())["config"]
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in example.items())
    blocks.append(f"## An example\nThe `config` of `{EXAMPLE}`:\n```json\n{{\n{rows}\n}}\n```\n")
    return LINK.sub(r"([\1](\2)", "\n".join([*blocks, FOOT]))


def _part(part: ConfigurationPart) -> Iterator[str]:
    needed = "Required." if part.required else "Optional."
    text = f"{part.means} {needed} Read by `{part.kind.__module__}.{part.kind.__qualname__}`."
    if part.kind is Rules:
        yield _rules(f"`config.{part.name}`", text, Rules)
        means = {each.name: each.metadata["means"] for each in dataclasses.fields(Rules) if each.name in part.nested}
        for name, nested in part.nested.items():
            about = f"{means[name][0].upper()}{means[name][1:]}."
            yield _rules(f"`config.{part.name}.{name}`", about, nested, field=name)
    else:
        yield _section(f"`config.{part.name}`", text, part.kind)


def _section(title: str, text: str, kind: type) -> str:
    hints = typing.get_type_hints(kind)
    rows = [
        f"| `{each.name}` | {_kind(hints[each.name])} | {_default(each)} | {each.metadata.get('unit', '')} | "
        f"{each.metadata['means']} |"
        for each in dataclasses.fields(kind)
    ]
    return "\n".join(
        [f"## {title}", text, "", "| field | type | default | unit | meaning |", "|---|---|---|---|---|", *rows, ""]
    )


def _rules(title: str, text: str, kind: type, *, field: str = "") -> str:
    """One column of defaults for each ruleset that has them."""
    hints = typing.get_type_hints(kind)
    values = {name: ruleset.defaults for name, ruleset in RULESETS.items()}
    holders: dict[str, Any] = {name: getattr(rules, field) if field else rules for name, rules in values.items()}
    holders = {name: holder for name, holder in holders.items() if holder is not None}
    head = f"| field | type | {' | '.join(f'`{name}`' for name in holders)} | unit | meaning |"
    rows = []
    for each in dataclasses.fields(kind):
        if each.name not in ("name", *NESTED):
            cells = " | ".join(_value(getattr(holder, each.name)) for holder in holders.values())
            given = each.metadata.get("type") or _kind(hints[each.name])
            row = f"| `{each.name}` | {given} | {cells} | {each.metadata.get('unit', '')} | "
            rows.append(f"{row}{each.metadata['means']} |")
    return "\n".join([f"## {title}", text, "", head, "|---" * (len(holders) + 4) + "|", *rows, ""])


def _kind(hint: Any) -> str:
    if hint in KINDS:
        return KINDS[hint]
    if typing.get_origin(hint) is tuple:
        return f"list of {PLURALS.get(typing.get_args(hint)[0], 'objects')}"
    return "object"


def _default(each: dataclasses.Field[Any]) -> str:
    if each.default is not dataclasses.MISSING:
        return _value(each.default)
    return "none: required" if each.default_factory is dataclasses.MISSING else "empty"


def _value(value: Any) -> str:
    if isinstance(value, tuple) and value:
        return ", ".join(_value(one) for one in value)
    if value in ("", (), None):
        return "empty"
    return f"`{json.dumps(value)}`" if isinstance(value, bool | int | float) else f"`{value}`"
