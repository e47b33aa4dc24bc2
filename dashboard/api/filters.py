"""Which rows does a request want?  Every parameter has a kind, a range and a sentence; whatever is none is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from drf_spectacular.drainage import set_override

from competition.decisions.attempts import NUMBERED
from competition.models import Asset
from dashboard.api.errors import bad
from judging.models import Match

LARGEST = 2**63 - 1
LONGEST = 200  # characters of a value


@dataclass(frozen=True)
class Kind:
    """`pattern` is for the documentation as well: what does not match it in full is refused."""

    name: str
    pattern: str
    says: str
    read: Callable[[str], Any] = str
    number: bool = False
    least: int = 0
    most: int = LARGEST
    choices: tuple[str, ...] = ()

    def value(self, field: str, text: str) -> Any:
        if len(text) > LONGEST or not re.fullmatch(self.pattern, text, re.ASCII):
            raise bad(field, f"{field} is {self.says}.", fix=f"Write {field} as {self.says}.")
        value = self.read(text)
        if self.number and value > self.most:
            raise bad(field, f"{field} is too large a number.", fix=f"Write at most {self.most}.")
        return value

    @property
    def schema(self) -> dict[str, Any]:
        """As OpenAPI has it."""
        if self.choices:
            return {"type": "string", "enum": list(self.choices)}
        if self.read is int:
            return {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {"type": "string", "pattern": f"^({self.pattern})$", "maxLength": LONGEST}


SLUG = Kind("slug", r"[-a-zA-Z0-9_]{1,50}", "the short name of a competition")
NUMBER = Kind("number", r"[0-9]{1,18}", "a whole number", int, number=True, most=10**18 - 1)
ROUND = Kind("round", r"[0-9]{1,9}", "the number of a round", int, number=True, most=10**9 - 1)
HOTKEY = Kind("hotkey", r"[1-9A-HJ-NP-Za-km-z]{6,48}", "a hotkey, or its first characters (six or more)")
ENTRY = Kind("entry", r"leader|[1-9A-HJ-NP-Za-km-z]{46,48}", "a whole hotkey, or leader")
COMMIT = Kind("commit", r"[0-9a-f]{6,40}", "6 to 40 lower-case hex digits of a commit")
SHA256 = Kind("sha256", r"[0-9a-f]{64}", "64 lower-case hex digits")
STEM = Kind("stem", r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", "the name of a prompt")
WORD = Kind("word", r"[a-zA-Z0-9._:-]{1,60}", "letters, digits, dots, dashes, colons and underscores")
FLAG = Kind("flag", r"true|false", "true or false", lambda text: text == "true", choices=("true", "false"))
TEXT = Kind("text", r"(?s:.)*", "text")
UUID = Kind("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id as it was given")


def one_of(*words: str) -> Kind:
    return Kind("choice", "|".join(map(re.escape, words)), f"one of {', '.join(words)}", choices=words)


def one_of_regenerations(*words: str, numbered: Collection[str]) -> Kind:
    """Those of a winner's further regenerations go by a name with a number."""
    pattern = "|".join(f"{word}{NUMBERED}" if word in numbered else word for word in words)
    examples = ", ".join(f"{word}_1" for word in numbered)
    says = f"one of {', '.join(words)}, those of further regenerations with a number: {examples}"
    return Kind("choice", pattern, says)


MATCH_KINDS = one_of_regenerations(*Match.Kind.values, numbered=[kind.value for kind in Match.Kind if kind.of_audit])
ORIGINS = one_of_regenerations(*Asset.Origin.values, numbered=[Asset.Origin.GENERATED.value])


@dataclass(frozen=True)
class Parameter:
    """A part of an address or of a query: what its text must be, and what it means."""

    kind: Kind
    about: str


IN_PATHS: Mapping[str, Parameter] = {
    "competition": Parameter(SLUG, "The competition's short name."),
    "number": Parameter(ROUND, "The round's number."),
    "entry": Parameter(ENTRY, "`leader`, or a challenger's hotkey."),
    "hotkey": Parameter(HOTKEY, "A hotkey."),
    "defender": Parameter(ENTRY, "`leader`, or a hotkey."),
    "challenger": Parameter(ENTRY, "A hotkey (`leader` only for a match of the leader with itself)."),
    "kind": Parameter(MATCH_KINDS, "The kind of match."),
    "stem": Parameter(STEM, "The prompt's name."),
    "subscription": Parameter(UUID, "The webhook's id."),
    "delivery": Parameter(UUID, "The delivery's id."),
}


class KindField(forms.Field):
    """A parameter's text as a value of its kind; None where it is not given.  Raises RequestRefused."""

    def __init__(self, *, kind: Kind, name: str, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.kind, self.name = kind, name

    def clean(self, value: Any) -> Any:
        return None if value is None else self.kind.value(self.name, value)


class Filter(django_filters.Filter):
    """Narrows rows by one parameter: `means` is the lookup, or makes the condition of a value."""

    def __init__(self, kind: Kind, means: str | Callable[[Any], Q], about: str) -> None:
        super().__init__(label=about)  # `field_name` becomes the parameter's name in its filter set
        self.kind, self.means, self.about = kind, means, about
        set_override(self, "field", {**kind.schema, "description": about})

    @property
    def field(self) -> forms.Field:
        return KindField(kind=self.kind, name=self.field_name, label=self.about)

    def condition(self, value: Any) -> Q:
        return Q(**{self.means: value}) if isinstance(self.means, str) else self.means(value)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return qs if value is None else qs.filter(self.condition(value))


class FilterSet(django_filters.FilterSet):
    """The filters of one table."""

    @classmethod
    def kinds(cls) -> dict[str, Kind]:
        return {name: each.kind for name, each in cls.base_filters.items()}


def parameters(given: QueryDict, kinds: Mapping[str, Kind], *, besides: Iterable[str]) -> dict[str, Any]:
    """The values of the known parameters.  Raises RequestRefused for an unknown or doubled one and for a bad value."""
    known = sorted({*kinds, *besides})
    values: dict[str, Any] = {}
    for name, texts in given.lists():
        if name not in known:
            shown = name[:40] if name.isascii() and name.isprintable() else "of this name"
            fix = f"Leave it out; known are {', '.join(known)}." if known else "Leave it out."
            raise bad(shown, f"There is no parameter {shown}.", fix=fix, code="unknown_parameter")
        if len(texts) != 1:
            raise bad(name, f"{name} is given more than once.", fix="Give it once.")
        if name in kinds:
            values[name] = kinds[name].value(name, texts[0])
    return values
