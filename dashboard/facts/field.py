"""How do entries stand in quality, speed and soundness at once, and what did a new leader improve?

What was not measured is null, is called so, and is never drawn as nought.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from competition.models import Reign, Round, Submission
from dashboard.facts.decision_trail import weightiest
from dashboard.facts.entries import EntryFacts, entry_facts
from dashboard.facts.figures import DEFAULT_BAR, figures, rules_of
from dashboard.facts.matches import match_url
from dashboard.facts.people import Who, who
from dashboard.facts.plots import Axis, Group, Limit, Plot, Point
from dashboard.facts.wording import PartLabel, count, labels
from judging.matches import tally_of
from judging.models import Match

ACROSS = Axis(words="seconds an output", shape="seconds", unknown="speed not measured")
UPWARDS = Axis(words="margin", shape="share")
HOW_DRAWN = (
    "Further to the left is faster, further up is better. The larger a mark, the more of the measured files have a "
    "defect; what was not measured is in the table."
)


@dataclass(frozen=True, kw_only=True)
class FieldRow:
    """One entry by quality, speed and soundness.

    `margin`: against the leader of the round, in the match with it that says most; null of that leader itself, and
    where no such match is decided.  `state`: how its soundness compares with that leader's, `sounder` (or as sound),
    `less` sound, or `unknown`; `leader` of that leader itself, `nothing` where nothing usable was delivered.  `round`
    is null of a leader that has played none.
    """

    round: int | None
    miner: Who
    copy_of: Who | None
    margin: Fraction | None
    output_s: float | None
    measured_files: int
    defect_share: float | None
    state: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """What a new leader does otherwise than the one before it, by three numbers; each null where it is not known.

    `quality` is its margin against the last leader; `speed` its seconds an output as a multiple of
    the last leader's, both as the platform measured them in that round; of soundness, both sides' shares of the
    measured files with a defect.
    """

    round: int
    leader: Who
    before: Who
    quality: Fraction | None
    speed: float | None
    output_s: float | None
    output_s_before: float | None
    defect_share: float | None
    defect_share_before: float | None
    url: str


@dataclass(frozen=True, kw_only=True)
class FieldPage:
    """Every entry of a round; the leader first, then by margin."""

    competition: str
    competition_name: str
    round: int
    stage: str
    sentence: str
    win_margin: Fraction
    entries: tuple[FieldRow, ...]
    improved: Improvement | None
    labels: tuple[PartLabel, ...]
    round_url: str
    data_url: str
    url: str

    @property
    def plot(self) -> Plot:
        return Plot(
            name="field",
            title="Quality, speed and soundness",
            caption=f"Every entry of the round that met the leader, by its margin against it. {HOW_DRAWN}",
            x=ACROSS,
            y=UPWARDS,
            groups=(
                Group(key="leader", words="the leader, whom margins are held against", colour="ink", symbol="diamond"),
                Group(key="sounder", words="at least as sound as the leader", colour="blue"),
                Group(key="less", words="less sound than the leader", colour="orange", symbol="diamond"),
                Group(key="unknown", words="soundness of either not measured", colour="gray", symbol="ring"),
                Group(key="nothing", words="delivered nothing usable", colour="gray", symbol="cross", apart=True),
            ),
            points=tuple(sorted(_points(self.entries), key=lambda point: -point.size)),  # the small ones lie above
            limits=(Limit(at=float(self.win_margin), words="bar"),) if self.entries else (),
            data_url=self.data_url,
        )


def leaders_plot(rows: Sequence[FieldRow], *, data_url: str) -> Plot:
    """`rows`: one for each leader, as `leader_rows` has them."""
    return Plot(
        name="field",
        title="Quality, speed and soundness of the leaders",
        caption=(
            "Each leader as it took the lead, by its margin over the one before it; the line leads from one to the "
            f"next. {HOW_DRAWN}"
        ),
        x=ACROSS,
        y=UPWARDS,
        groups=(
            Group(key="sounder", words="at least as sound as the leader before", colour="blue"),
            Group(key="less", words="less sound than the leader before", colour="orange", symbol="diamond"),
            Group(key="unknown", words="soundness of either not measured", colour="gray", symbol="ring"),
        ),
        points=_points(reversed(rows)),
        limits=(Limit(at=0.0, words="the leader before"),),
        joined=True,
        data_url=data_url,
    )


def _points(rows: Iterable[FieldRow]) -> tuple[Point, ...]:
    """Of those whose quality is known."""
    points = []
    for row in rows:
        margin = Fraction(0) if row.state == "leader" else row.margin
        if margin is None:
            continue
        sound = "soundness not measured"
        if row.defect_share is not None:
            sound = f"{row.defect_share:.1%} of {count(row.measured_files, 'measured file')} with a defect"
        words = f"{row.miner.name}, round {row.round}: {sound}"
        size = row.defect_share or 0.0
        points.append(Point(x=row.output_s, y=float(margin), group=row.state, words=words, url=row.url, size=size))
    return tuple(points)


def round_field(
    round_: Round,
    entries: Sequence[Submission],
    matches: Sequence[Match],
    *,
    reign: Reign | None,
    urls: Mapping[str, str],
) -> FieldPage:
    """`entries`, `matches`: all of the round; `reign`: what its decision led to; `urls`: `round`, `data` and `page`."""
    met = _by_challenger(matches)
    leader = next((entry for entry in entries if entry.role == Submission.Role.LEADER), None)
    before = entry_facts(leader, round_=round_) if leader else None
    rows = [
        _row(entry, round_=round_, matches=met.get(entry.pk, ()), before=None if entry is leader else before)
        for entry in entries
        if entry.eligible
    ]
    rows.sort(key=lambda row: (row.state != "leader", row.margin is None, -float(row.margin or 0)))
    rules = rules_of(round_)
    return FieldPage(
        competition=round_.competition.slug,
        competition_name=round_.competition.name,
        round=round_.number,
        stage=round_.state,
        sentence=_sentence(rows),
        win_margin=rules.win_margin if rules else DEFAULT_BAR,
        entries=tuple(rows),
        improved=improvement(entries, matches, reign=reign),
        labels=labels(round_.competition),
        round_url=urls["round"],
        data_url=urls["data"],
        url=urls["page"],
    )


def _sentence(rows: Sequence[FieldRow]) -> str:
    if not rows:
        return "Nobody has entered yet."
    margins = sum(row.margin is not None for row in rows)
    timed, sound = sum(row.output_s is not None for row in rows), sum(row.defect_share is not None for row in rows)
    return f"Of {count(len(rows), 'entry')}, {margins} have a margin, {timed} a measured speed, {sound} measured files."


def improvement(entries: Sequence[Submission], matches: Sequence[Match], *, reign: Reign | None) -> Improvement | None:
    """None where a round brought no new leader.  `entries`: of that round, at least the leader's and the winner's;
    `matches`: those in which these challenged; `reign`: what the round's decision led to."""
    if reign is None or reign.defence:
        return None
    leader = next((entry for entry in entries if entry.role == Submission.Role.LEADER), None)
    won = next((e for e in entries if e.miner_id == reign.miner_id and e.role == Submission.Role.CHALLENGER), None)
    if leader is None or won is None:
        return None
    round_ = won.round
    before = entry_facts(leader, round_=round_)
    row = _row(won, round_=round_, matches=_by_challenger(matches).get(won.pk, ()), before=before)
    return Improvement(
        round=round_.number,
        leader=row.miner,
        before=before.miner,
        quality=row.margin,
        speed=row.output_s / before.output_s if row.output_s is not None and before.output_s else None,
        output_s=row.output_s,
        output_s_before=before.output_s,
        defect_share=row.defect_share,
        defect_share_before=before.defect_share,
        url=row.url,
    )


def leader_rows(
    began: Sequence[tuple[Reign, int | None]], entries: Sequence[Submission], matches: Sequence[Match]
) -> tuple[FieldRow, ...]:
    """One for each leader, newest first.  `began`: the reign that each of them began, oldest first, and the round whose
    entry shows it; `entries`: the leaders' in these rounds, and of who took the lead there; `matches`: those in which
    these challenged."""
    met = _by_challenger(matches)
    in_round: dict[tuple[int | None, str, int], Submission] = {}
    in_round |= {(entry.round_id, entry.role, entry.miner_id): entry for entry in entries}
    led = {entry.round_id: entry for entry in entries if entry.role == Submission.Role.LEADER}
    rows = []
    for reign, round_pk in began:
        entries_there = [in_round.get((round_pk, role, reign.miner_id)) for role in ("challenger", "leader")]
        entry = next(filter(None, entries_there), None)
        if entry is None:
            rows.append(_unplayed(reign))
            continue
        won = entry.role == Submission.Role.CHALLENGER
        before = led.get(entry.round_id) if won else None
        facts = entry_facts(before, round_=before.round) if before else None
        row = _row(entry, round_=entry.round, matches=met.get(entry.pk, ()), before=facts)
        rows.append(row if won else replace(row, state="unknown"))
    return tuple(reversed(rows))


def _unplayed(reign: Reign) -> FieldRow:
    """Of a leader of which no entry is known here."""
    miner = who(reign.miner)
    return FieldRow(
        round=reign.won_in.number if reign.won_in else None,
        miner=miner,
        copy_of=None,
        margin=None,
        output_s=None,
        measured_files=0,
        defect_share=None,
        state="unknown",
        url=miner.url,
    )


def _by_challenger(matches: Iterable[Match]) -> dict[int, list[Match]]:
    met: dict[int, list[Match]] = {}
    for match in matches:
        met.setdefault(match.challenger_id, []).append(match)
    return met


def _row(entry: Submission, *, round_: Round, matches: Sequence[Match], before: EntryFacts | None) -> FieldRow:
    """`before`: the leader that it is compared with; None of that leader."""
    facts = entry_facts(entry, round_=round_)
    most = weightiest([match for match in matches if match.defender.role == Submission.Role.LEADER])
    numbers = figures(tally_of(most), rules=rules_of(round_), kind=most.kind) if most else None
    return FieldRow(
        round=facts.round,
        miner=facts.miner,
        copy_of=facts.copy_of,
        margin=numbers.margin if numbers and numbers.counted else None,
        output_s=facts.output_s,
        measured_files=facts.measured_files,
        defect_share=facts.defect_share,
        state="nothing" if numbers and numbers.all_forfeit else _state(facts, before),
        url=match_url(round_, most) if most else facts.url,
    )


def _state(facts: EntryFacts, before: EntryFacts | None) -> str:
    if before is None:
        return "leader"
    if facts.defect_share is None or before.defect_share is None:
        return "unknown"
    return "sounder" if facts.defect_share <= before.defect_share else "less"
