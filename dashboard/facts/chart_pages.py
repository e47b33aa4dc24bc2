"""How did margins, generation times and prompts do over the rounds of a competition?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.urls import reverse

from competition.models import Competition, Reign
from dashboard.facts.borders import shown_as
from dashboard.facts.decision_trail import weightiest
from dashboard.facts.figures import DEFAULT_BAR, figures, rules_of
from dashboard.facts.matches import match_url
from dashboard.facts.people import Who, entrant
from dashboard.facts.plots import Axis, Group, Limit, Plot, Point
from dashboard.facts.prompt_pages import PromptLine
from dashboard.facts.wording import PartLabel, count, labels
from judging.matches import tally_of
from judging.models import Match

MARGINS = (
    Group(key="won", words="took the lead", colour="blue", symbol="diamond"),
    Group(key="reached", words="reached the bar", colour="blue"),
    Group(key="below", words="below the bar", colour="gray", symbol="ring"),
    Group(key="nothing", words="delivered nothing usable", colour="gray", symbol="cross", apart=True),
)
TIMES = (
    Group(key="within", words="within the limit", colour="blue"),
    Group(key="over", words="over the limit", colour="orange", symbol="diamond"),
    Group(key="free", words="without a limit", colour="gray", symbol="ring"),
)
PROMPTS = (
    Group(key="telling", words="goes with its matches", colour="blue"),
    Group(key="against", words="goes against them as often, or more", colour="orange", symbol="diamond"),
    Group(key="never", words="never decisive", colour="gray", symbol="cross"),
)


@dataclass(frozen=True, kw_only=True)
class MarginRow:
    """One decided match, counted as everywhere: forfeits stand apart.  `state` is a key of MARGINS; only the match that
    decided took the lead."""

    round: int
    kind: str
    defender: Who
    challenger: Who
    won: int
    drawn: int
    lost: int
    void: int
    forfeits_challenger: int
    forfeits_defender: int
    counted: int
    margin: Fraction
    state: str
    url: str


@dataclass(frozen=True, kw_only=True)
class TimeRow:
    """How long the code of an entry took when the platform ran it; `limit_s` is null where no limit applied."""

    round: int
    miner: Who
    what: str
    seconds: float
    limit_s: float | None
    url: str

    @property
    def state(self) -> str:
        return "free" if self.limit_s is None else "over" if self.seconds > self.limit_s else "within"


@dataclass(frozen=True, kw_only=True)
class ChartsPage:
    """`margins` and `times` are of the newest rounds before round `before`; `older` is the `before` of the rounds that
    follow, null where there are none.  `prompts`: those judged most often, of all rounds."""

    competition: str
    competition_name: str
    sentence: str
    win_margin: Fraction
    margins: tuple[MarginRow, ...]
    times: tuple[TimeRow, ...]
    prompts: tuple[PromptLine, ...]
    before: int | None
    older: int | None
    labels: tuple[PartLabel, ...]
    url: str

    @property
    def filter_query(self) -> str:
        return f"?before={self.before}" if self.before is not None else ""

    @property
    def plots(self) -> tuple[Plot, ...]:
        return tuple(draw(self) for draw in PLOTS.values())


def page(
    competition: Competition,
    matches: Sequence[Match],
    *,
    reigns: Sequence[Reign],
    times: Sequence[TimeRow],
    prompts: Sequence[PromptLine],
    before: int | None,
    older: int | None,
) -> ChartsPage:
    """`matches` newest round first."""
    crowned = {(reign.won_in_id, reign.miner_id) for reign in reigns if not reign.defence}
    entries: dict[int, list[Match]] = {}
    for match in matches:
        entries.setdefault(match.challenger_id, []).append(match)
    most_telling = filter(None, map(weightiest, entries.values()))
    won = {match.pk for match in most_telling if (match.round_id, match.challenger.miner_id) in crowned}
    rows = tuple(_margin(match, crowned=match.pk in won) for match in matches)
    rules = rules_of(matches[0].round) if matches else None
    sentence = "No match is decided yet."
    if rows:
        played = [row for row in rows if row.state != "nothing"]
        reached = sum(row.state in ("won", "reached") for row in played)
        rounds = count(len({row.round for row in rows}), "round")
        of = f"{reached} of {count(len(played), 'match')} in {rounds}"
        sentence = f"{of} reached the bar; a win needs a passed audit, too."
    return ChartsPage(
        competition=competition.slug,
        competition_name=competition.name,
        sentence=sentence,
        win_margin=rules.win_margin if rules else DEFAULT_BAR,
        margins=rows,
        times=tuple(times),
        prompts=tuple(prompts),
        before=before,
        older=older,
        labels=labels(competition),
        url=reverse("charts", args=[competition.slug]) + (f"?before={before}" if before is not None else ""),
    )


def _margin(match: Match, *, crowned: bool) -> MarginRow:
    numbers = figures(tally_of(match), rules=rules_of(match.round), kind=match.kind)
    reached = numbers.reaches
    state = "nothing" if numbers.all_forfeit else "won" if crowned and reached else "reached" if reached else "below"
    return shown_as(
        MarginRow,
        numbers,
        round=match.round.number,
        kind=match.kind,
        defender=entrant(match.defender),
        challenger=entrant(match.challenger),
        state=state,
        url=match_url(match.round, match),
    )


def margins(page: ChartsPage) -> Plot:
    points = []
    for row in page.margins:
        against = "the leader" if row.defender.key == "leader" else row.defender.name
        words = f"Round {row.round}: {row.challenger.name} against {against}"
        points.append(Point(x=row.round, y=float(row.margin), group=row.state, words=words, url=row.url))
    return _plot(
        page,
        name="margins",
        title="Margins over the rounds",
        caption="Every decided match. Under margin rules the highest margin alone does not win: the ladder decides.",
        axes=(Axis(words="round", shape="round"), Axis(words="margin", shape="share")),
        groups=MARGINS,
        points=points,
        limits=(Limit(at=float(page.win_margin), words="bar"),),
    )


def times(page: ChartsPage) -> Plot:
    points = [
        Point(x=row.round, y=row.seconds, group=row.state, words=f"{row.miner.name}, {row.what}", url=row.url)
        for row in page.times
    ]
    bounds = {row.limit_s for row in page.times if row.limit_s is not None}
    return _plot(
        page,
        name="times",
        title="Generation times over the rounds",
        caption=(
            "How long the code of each entry took when the platform ran it: as the leader, audited, for a title. A pod "
            "takes prompts in batches and answers with an archive: its time is one for all. Of audits made elsewhere, "
            "the median of a prompt."
        ),
        axes=(Axis(words="round", shape="round"), Axis(words="time", shape="seconds")),
        groups=TIMES,
        points=points,
        limits=tuple(Limit(at=bound, words="limit") for bound in sorted(bounds)) if len(bounds) == 1 else (),
    )


def prompts(page: ChartsPage) -> Plot:
    points = []
    for row in page.prompts:
        share, telling = row.decisive, row.discrimination
        if share is None or telling is None:
            continue
        group = "never" if not share else "telling" if telling > 0 else "against"
        points.append(Point(x=float(share), y=float(telling), group=group, words=row.prompt, url=row.url))
    return _plot(
        page,
        name="prompts",
        title="Which prompts decide",
        caption=(
            "Across: how many judged duels on the prompt one side won. Upwards: decisive duels that went the way of "
            "their match, less those that went against it."
        ),
        axes=(Axis(words="decisive", shape="share"), Axis(words="telling", shape="share")),
        groups=PROMPTS,
        points=points,
        limits=(Limit(at=0.0, words="tells nothing"),),
    )


def _plot(
    page: ChartsPage,
    *,
    name: str,
    title: str,
    caption: str,
    axes: tuple[Axis, Axis],
    groups: tuple[Group, ...],
    points: Sequence[Point],
    limits: tuple[Limit, ...],
) -> Plot:
    return Plot(
        name=name,
        title=title,
        caption=caption,
        x=axes[0],
        y=axes[1],
        groups=groups,
        points=tuple(points),
        limits=limits if points else (),
        data_url=reverse("chart", args=[page.competition, name]) + page.filter_query,
    )


PLOTS = {"margins": margins, "times": times, "prompts": prompts}
