"""How do templates write numbers, names and charts?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from competition.rulesets import step_words
from dashboard.facts import charts, wording
from dashboard.facts.external_links import web_address
from dashboard.facts.figures import MatchFigures
from dashboard.facts.integrity import number_words, rule_words
from dashboard.facts.integrity_summary import IntegrityDistribution
from dashboard.facts.people import Who
from dashboard.pages import inline_svg

register = template.Library()
MICRO = 1_000_000
DEEPEST = 6
MOST_ITEMS = 60
FIRST = ("kind", "score")  # columns of a judge's notes that come first, whatever order the database keeps
SCORES = ("score", "ab", "ba")

register.filter("size", wording.size)
register.filter("interval", wording.interval)
register.filter("times", wording.times)
register.filter("bar", wording.bar)
register.filter("step_words", step_words)
register.filter("duration", wording.duration)
register.filter("seconds", wording.seconds)
register.filter("usd", wording.usd)
register.filter("outside", web_address)
register.filter("each_rule", wording.each_rule)
register.filter("number_words", number_words)
register.filter("rule_words", rule_words)


@register.filter
def percent(share: Fraction | float, digits: int = 2) -> str:
    return wording.percent(share, digits=digits)


@register.filter
def plain_percent(share: float) -> str:
    """`12.5 %`, of what has no other side."""
    return wording.percent(share, signed=False, digits=1)


@register.filter
def as_json(value: Mapping[str, Any]) -> str:
    """All of it, for reading."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


@register.filter
def hundredths(share: Fraction | float) -> str:
    """For lengths in a chart: 0 to 100, without a sign or a unit."""
    return f"{float(share) * 100:.2f}"


@register.filter
def count(number: int, noun: str) -> str:
    return wording.count(number, noun)


@register.filter
def thousands(number: int) -> str:
    return f"{number:,}"


@register.filter
def share(value: Fraction) -> str:
    """A weight: 1.00, 0.80."""
    return f"{float(value):.2f}"


@register.filter
def score(micro: int | None) -> str:
    """`+0.310`: positive when the challenger is better."""
    if micro is None:
        return "none"
    sign = "−" if micro < 0 else "+" if micro > 0 else ""
    return f"{sign}{abs(micro) / MICRO:.3f}"


@register.filter
def words(name: str) -> str:
    """`front_left` as `front left`."""
    return str(name).replace("_", " ")


@register.filter
def coded(text: str) -> str:
    """A line of Markdown with its `code` as code and *this* as emphasis; everything else as it is."""
    tags = {"`": "<code>{}</code>", "*": "<em>{}</em>"}
    pieces = enumerate(re.split(r"(`[^`]+`|\*[^*\s][^*]*\*)", text))
    return format_html_join("", "{}", ((format_html(tags[p[0]], p[1:-1]) if n % 2 else p,) for n, p in pieces))


@register.filter
def head(text: str, length: int = 12) -> str:
    """The beginning of a hash."""
    return str(text)[:length]


@register.filter
def beside(rows: Sequence[Any], others: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Each of `rows` with the one of `others` in the same place.  Raises ValueError where one has none."""
    return list(zip(rows, others, strict=True))


@register.filter
def key(mapping: Mapping[str, Any], name: str) -> Any:
    return mapping.get(name, "")


@register.simple_tag
def picture(sha256: str) -> str:
    return reverse("blob", args=[sha256, "png"])


@register.simple_tag
def thumb(sha256: str) -> str:
    return reverse("thumb", args=[sha256])


@register.simple_tag
def asset_file(sha256: str, extension: str = "glb") -> str:
    return reverse("blob", args=[sha256, extension])


@register.simple_tag
def live_frame(sha256: str, rig_text: str) -> str:
    """Where a module runs for a visitor, and with which scripts and cameras."""
    query = {
        "module": reverse("live-script", args=[sha256]),
        "three": static("vendor/three-0.183.2.js"),
        "core": static("vendor/three-core-0.183.2.js"),
        "rig": rig_text,
    }
    return f"{reverse('live-frame', args=[sha256])}?{urlencode(query)}"


@register.simple_tag
def axis_of(rows: Sequence[Any]) -> charts.MarginAxis:
    return charts.axis([row.tally for row in rows if row.tally])


@register.simple_tag
def axis_for(figures: MatchFigures) -> charts.MarginAxis:
    return charts.axis([figures])


@register.simple_tag
def forest(figures: MatchFigures, on: charts.MarginAxis, limit: Fraction | None = None) -> SafeString:
    return inline_svg.forest(charts.forest(figures, on=on, limit=limit))


@register.simple_tag
def split(figures: MatchFigures) -> SafeString:
    return inline_svg.split(charts.split(figures))


@register.simple_tag
def spread(row: IntegrityDistribution) -> SafeString:
    return inline_svg.spread(charts.spread(row))


@register.simple_tag
def duels(figures: MatchFigures) -> SafeString:
    return inline_svg.duels(figures)


@register.simple_tag
def tally_cells(figures: MatchFigures, on: charts.MarginAxis) -> SafeString:
    return inline_svg.tally_cells(figures, on)


@register.simple_tag
def who(person: Who, plain: bool = False) -> SafeString:
    return inline_svg.person(person, plain=plain)


@register.simple_tag
def identicon(hotkey: str) -> SafeString:
    return inline_svg.identicon(hotkey)


@register.inclusion_tag("parts/detail.html")
def detail(value: Any, depth: int = 0) -> dict[str, Any]:
    """Whatever a judge or an audit has written down: tables where it is a list of alike things, lists elsewhere."""
    if depth > DEEPEST:
        return {"kind": "text", "value": str(value)[:200]}
    if isinstance(value, Mapping):
        return {"kind": "pairs", "pairs": list(value.items())[:MOST_ITEMS], "depth": depth + 1}
    if isinstance(value, list | tuple):
        items = list(value)[:MOST_ITEMS]
        columns = _columns(items)
        if not columns:
            return {"kind": "items", "items": items, "depth": depth + 1}
        rows = [[_table_cell(column, item.get(column)) for column in columns] for item in items]
        return {"kind": "table", "columns": columns, "rows": rows, "depth": depth + 1}
    return {"kind": "text", "value": _plain(value)}


def _columns(items: list[Any]) -> list[str]:
    """The keys of a list of flat objects, in the order in which they turn up; none for anything else."""
    if not items or not all(isinstance(item, Mapping) for item in items):
        return []
    if any(isinstance(value, Mapping | list | tuple) for item in items for value in item.values()):
        return []
    names = dict.fromkeys(str(name) for item in items for name in item)
    return sorted(names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))[:12]


def _table_cell(name: str, value: Any) -> Any:
    """A ballot's scores are in millionths."""
    return score(value) if name in SCORES and isinstance(value, int) and not isinstance(value, bool) else value


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
