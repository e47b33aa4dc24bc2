"""How are names and small charts written?  A round's page holds hundreds of each: a template of its own for every one
of them, rendered anew each time, took much of the page's time.  Every text is escaped, as in a template."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard.facts import charts, wording
from dashboard.facts.charts import Forest, MarginAxis, Split, SpreadChart
from dashboard.facts.figures import MatchFigures
from dashboard.facts.people import Who
from dashboard.facts.wording import percent

PERSON = "<b>{}</b> <code>{}</code>"
FOREST = (
    '<svg class="forest" width="100%" height="26" role="img" aria-label="{words}"><title>{words}</title>'
    '<line class="zero" x1="{zero}%" x2="{zero}%" y1="0" y2="26"/>'
    '<line class="bar" x1="{bar}%" x2="{bar}%" y1="0" y2="26" stroke-dasharray="3 3"/>'
    '<line class="interval {side}" x1="{low}%" x2="{high}%" y1="13" y2="13"/>'
    '<line class="interval {side}" x1="{low}%" x2="{low}%" y1="9" y2="17"/>'
    '<line class="interval {side}" x1="{high}%" x2="{high}%" y1="9" y2="17"/>'
    '<circle class="dot {side}" cx="{dot}%" cy="13" r="5"/></svg>'
)
SPLIT = (
    '<svg class="split" width="100%" height="18" role="img" aria-label="{words}"><title>{words}</title>'
    '<rect class="ground" width="100%" height="14"/>{segments}</svg>'
)
SPREAD = (
    '<svg class="spread" width="100%" height="{height}" role="img" aria-label="{words}"><title>{words}</title>'
    '<line x1="0" x2="100%" y1="{line}" y2="{line}"/>{bars}</svg>'
)
SPREAD_BAR = '<rect class="side-{}" x="{}%" width="{}%" y="{}" height="{}"/>'
SEGMENT = '<rect class="{}" x="{}%" width="{}%" height="14"/>'

TAG = ' <span class="tag {}">{} {}</span>'
CELLS = (
    '<td class="chart">{}</td>\n<td class="num" data-label="Margin"><span><b>{}</b> '
    '<span class="quiet nowrap">{}</span></span></td>\n'
    '<td data-label="Duels" class="split-cell"><span>{}</span></td>'
)
DUELS = "{}{} · {} · {}{}"
ICON = (
    '<svg class="identicon" width="40" height="40" viewBox="-1 -1 7 7" aria-hidden="true" focusable="false">'
    "{fields}</svg>"
)
FIELD = '<rect x="{}" y="{}" width="1" height="1" fill="currentColor"/>'


def person(who: Who, *, plain: bool = False) -> SafeString:
    """Label and short hotkey; a link to the miner's page unless it stands inside one (`plain`)."""
    named = format_html(PERSON, who.label, who.short) if who.label else format_html("<code>{}</code>", who.short)
    if plain:
        return format_html('<span class="who">{}</span>', named)
    return format_html('<a class="who" href="{}" title="{}">{}</a>', who.url, who.hotkey, named)


def forest(row: Forest) -> SafeString:
    """The interval as a line, the margin as a dot, nought and the bar upright."""
    return format_html(
        FOREST, words=row.words, zero=row.zero, bar=row.bar, side=row.side, low=row.low, high=row.high, dot=row.dot
    )


def split(shares: Split) -> SafeString:
    """Won, drawn and lost side by side."""
    segments = format_html_join("", SEGMENT, ((s.name, s.start, s.width) for s in shares.segments))
    return format_html(SPLIT, words=shares.words, segments=segments)


def spread(chart: SpreadChart) -> SafeString:
    """How the files of each side lie, from nought on the left to the largest number on the right."""
    bars = format_html_join("", SPREAD_BAR, ((b.place, b.x, b.width, b.y, b.height) for b in chart.bars))
    return format_html(SPREAD, height=chart.height, line=charts.SPREAD_HEIGHT, words=chart.words, bars=bars)


@lru_cache(maxsize=4096)  # a decided match keeps its tally, and matches of one round share their axis
def tally_cells(tally: MatchFigures, on: MarginAxis) -> SafeString:
    """What a list of matches says of one: interval, margin, and how its duels ended."""
    between = wording.interval(tally) or ("every duel alike" if tally.counted else "no duel counted")
    drawn = forest(charts.forest(tally, on=on))
    return format_html(CELLS, drawn, percent(tally.margin), between, duels(tally))


def duels(tally: MatchFigures) -> SafeString:
    """How the duels of a match ended: judged ones, and apart from these what was forfeited, by whom, and void ones."""
    apart = (
        ("forfeit", tally.forfeits_challenger, "forfeited"),
        ("forfeit", tally.forfeits_defender, "forfeited by the defender"),
        ("void", tally.void, "void"),
    )
    tags = format_html_join("", TAG, (each for each in apart if each[1]))
    return format_html(DUELS, split(charts.split(tally)), tally.won, tally.drawn, tally.lost, tags)


def identicon(hotkey: str) -> SafeString:
    """A picture that is another one for a hotkey that begins and ends alike: five by five fields, left and right the
    same, by the bits of a hash."""
    bits = int.from_bytes(sha256(hotkey.encode()).digest(), "big")
    filled = [(x, y) for x in range(3) for y in range(5) if bits >> (5 * x + y) & 1]
    fields = sorted({(column, y) for x, y in filled for column in (x, 4 - x)})
    return format_html(ICON, fields=format_html_join("", FIELD, fields))
