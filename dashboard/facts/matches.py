"""How did one match go, duel by duel, and how is it shown in a list?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from competition.decisions.attempts import number_of, plain
from competition.models import Round
from competition.rulesets import match_words, ruleset
from competition.rulesets.tally import Tally
from dashboard.facts.addresses import address
from dashboard.facts.borders import NAMED_BY_URL, row_of, shown_as
from dashboard.facts.figures import MatchFigures, figures, rules_of
from dashboard.facts.people import Who, entrant
from dashboard.facts.stages import OVER
from dashboard.facts.wording import bar, count, percent
from judging.matches import beyond, carried_into, result_of, results_on_fresh_prompts, tally_of
from judging.models import Duel, Match, Rendering

# result -> (mark in the strip, what it means for the challenger)
RESULTS: Mapping[str, tuple[str, str]] = {
    "won": ("W", "the challenger won"),
    "lost": ("L", "the challenger lost"),
    "drawn": ("·", "drawn"),
    "forfeit_challenger": ("F", "forfeited by the challenger: no usable file"),
    "forfeit_defender": ("D", "forfeited by the defender: no usable file"),
    "void": ("V", "void: it could not be judged, for a reason that is ours"),
    "unneeded": ("–", "not needed: the match was certain before it"),
    "judging": ("?", "not judged yet"),
}
# the same in an audit, where the challenger is what the platform generated again
AUDIT_MEANINGS: Mapping[str, str] = {
    "won": "generated again is better",
    "lost": "generated again is worse",
    "drawn": "alike",
    "forfeit_challenger": "nothing came when it was generated again",
    "forfeit_defender": "nothing was submitted",
}
DECISIVE = ("won", "lost", "forfeit_challenger", "forfeit_defender")
BY_JUDGING = ("won", "lost")


@dataclass(frozen=True, kw_only=True)
class MatchFacts:
    """All duels of a defender and a challenger: what anybody may know of them.

    Every place that shows a match makes its row of this: lists and pages with their JSON and CSV, the API, the bundle.
    `counted` holds the counts as they are stored, zeros before the end; `tally` what they say, null until it is
    decided.  `stop` says in words why not every duel was judged.
    """

    competition: str
    round: int
    kind: str
    version: int
    state: str
    since: datetime
    defender: Who
    defender_origin: str
    challenger: Who
    challenger_origin: str
    judge: str
    judge_name: str
    counted: Tally
    tally: MatchFigures | None
    margin_micro: int | None
    stopped: str
    stopped_after: int | None
    stop: str
    duels_made: int
    _row: Match
    _round: Round

    @property
    def id(self) -> str:
        return match_id(self._row, round_=self._round)

    @property
    def url(self) -> str:
        return match_url(self._round, self._row)


def match_facts(match: Match, *, round_: Round) -> MatchFacts:
    """`round_`: its round, read with the competition; the entries were read with their miners."""
    counted, decided = tally_of(match), match.state == "decided"
    return MatchFacts(
        competition=round_.competition.slug,
        round=round_.number,
        kind=match.kind,
        version=number_of(match.attempt),
        state=match.state,
        since=match.since,
        defender=entrant(match.defender),
        defender_origin=match.defender_origin,
        challenger=entrant(match.challenger),
        challenger_origin=match.challenger_origin,
        judge=match.judge,
        judge_name=match.judge_name,
        counted=counted,
        tally=figures(counted, rules=rules_of(round_), kind=match.kind) if decided else None,
        margin_micro=match.margin_micro,
        stopped=match.stopped,
        stopped_after=match.stopped_after,
        stop=stop_words(match, total=match.duels_made) if decided else "",
        duels_made=match.duels_made,
        _row=match,
        _round=round_,
    )


def match_id(match: Match, *, round_: Round | None = None) -> str:
    """Stable.  The challenger goes by its hotkey: in an audit both sides are the same entry."""
    at = round_ or match.round
    return f"{at.competition.slug}/{at.number}/{match.kind}/{match.defender.key}/{match.challenger.key}"


@dataclass(frozen=True, kw_only=True)
@row_of(
    MatchFacts,
    but={
        NAMED_BY_URL: "id competition round version since",
        "its own page says it": "defender_origin challenger_origin judge judge_name",
        "`tally`, `settled` and `duels` are made of it": "counted margin_micro duels_made",
    },
)
class MatchLine:
    """A match in a list.  `verdict` is what followed from it, and `stop` why not every duel was judged, in a few
    words."""

    kind: str
    state: str
    defender: Who
    challenger: Who
    url: str
    tally: MatchFigures | None
    settled: int
    duels: int
    stopped: str
    stopped_after: int | None
    stop: str
    verdict: str
    copies: tuple[Who, ...] = ()
    copy_of: Who | None = None

    @cached_property
    def goal(self) -> str:
        """What it is played for; "" where it leads to further matches or audits."""
        return match_words(self.kind).goal


@dataclass(frozen=True, kw_only=True)
class DuelFacts:
    """Two files on one prompt: what anybody may know of their duel, wherever it is shown.

    `result` is for the challenger, as the match counts it, `meaning` the same in words; `outcome` and `state` are as
    they are stored; `beyond`: it lies where its match had ended, so that it counts for nothing.  The hashes are of the
    files that were judged, empty where none was delivered.
    """

    position: int
    prompt: str
    prompt_sha256: str
    state: str
    outcome: str
    beyond: bool
    result: str
    meaning: str
    score_micro: int | None
    defender_sha256: str
    challenger_sha256: str
    detail: Any
    take: int
    failure_class: str
    failure_code: str
    failure_reason: str
    since: datetime
    _row: Duel
    _match: Match
    _round: Round

    @property
    def id(self) -> str:
        return f"{self.match}/{self.prompt}"

    @property
    def match(self) -> str:
        return match_id(self._match, round_=self._round)

    @property
    def url(self) -> str:
        return duel_url(match_url(self._round, self._match), self.prompt)


def duel_facts(duel: Duel, *, match: Match, round_: Round) -> DuelFacts:
    """Of a duel that was read with its prompt.  `match`, `round_`: its own, as `match_facts` wants them."""
    counted = result(match, duel)
    return DuelFacts(
        position=duel.position,
        prompt=duel.prompt.stem,
        prompt_sha256=duel.prompt.sha256,
        state=duel.state,
        outcome=duel.outcome,
        beyond=beyond(match, duel),
        result=counted,
        meaning=meaning(match, counted),
        score_micro=duel.score_micro,
        defender_sha256=duel.left_sha256,
        challenger_sha256=duel.right_sha256,
        detail=duel.detail,
        take=number_of(duel.attempt),
        failure_class=duel.failure_class,
        failure_code=duel.failure_code,
        failure_reason=duel.failure_reason,
        since=duel.since,
        _row=duel,
        _match=match,
        _round=round_,
    )


@dataclass(frozen=True, kw_only=True)
@row_of(
    DuelFacts,
    but={
        NAMED_BY_URL: "id match since",
        "`result` and `meaning` are made of it": "state outcome beyond",
        "its own page says it": "defender_sha256 challenger_sha256 detail take failure_class failure_code "
        "failure_reason",
    },
)
class DuelLine:
    """A duel in a strip or a list, with the pictures that stand for it."""

    position: int
    prompt: str
    prompt_sha256: str
    result: str
    meaning: str
    score_micro: int | None
    url: str
    defender_view: str = ""
    challenger_view: str = ""

    @property
    def mark(self) -> str:
        return RESULTS[self.result][0]

    @property
    def pictured(self) -> bool:
        return bool(self.prompt_sha256 or self.defender_view or self.challenger_view)

    @property
    def number(self) -> int:
        return self.position + 1


def match_url(round_: Round, match: Match) -> str:
    at = [round_.competition.slug, round_.number]
    if match.audits:
        return address("audit", *at, match.challenger.miner.hotkey)
    page = match_words(match.kind).page
    met = [match.defender.key] if page == "match" else []
    return address(page, *at, *met, match.challenger.miner.hotkey)


def duel_url(match_url: str, stem: str) -> str:
    return f"{match_url}{stem}/"


def row(
    round_: Round,
    match: Match,
    *,
    counts: Mapping[str, int],
    verdict: str = "",
    copies: Sequence[Who] = (),
    copy_of: Who | None = None,
) -> MatchLine:
    facts = match_facts(match, round_=round_)
    decided = facts.tally is not None
    return shown_as(
        MatchLine,
        facts,
        settled=facts.duels_made if decided else sum(counts.get(state, 0) for state in OVER),
        duels=facts.duels_made if decided else sum(counts.values()),
        verdict=verdict or verdict_words(match, facts.tally),
        copies=tuple(copies),
        copy_of=copy_of,
    )


def verdict_words(match: Match, numbers: MatchFigures | None) -> str:
    """What a match came to, in a word or two."""
    if numbers is None:
        return "waits for pictures" if match.state == "waiting" else "being judged"
    if numbers.all_forfeit:
        return "nothing delivered"
    if endings := match_words(match.kind).endings:
        return endings.get(match.stopped, match.stopped)
    if not numbers.reaches:
        return "below the bar"
    return "qualified" if match.kind == Match.Kind.SCREEN else "reaches the bar"


def result(match: Match, duel: Duel) -> str:
    """As the match counts it: what was judged beyond the point of certainty is not needed."""
    if beyond(match, duel):
        return "unneeded"
    outcome = result_of(duel)
    return outcome.value if outcome else ("unneeded" if duel.state == "unneeded" else "judging")


def duel_rows(
    round_: Round, match: Match, duels: Sequence[Duel], *, renderings: Mapping[str, Rendering], view: str = ""
) -> tuple[DuelLine, ...]:
    page = match_url(round_, match)
    return tuple(
        shown_as(
            DuelLine,
            duel_facts(duel, match=match, round_=round_),
            url=duel_url(page, duel.prompt.stem),
            defender_view=picture(renderings.get(duel.left_sha256), view),
            challenger_view=picture(renderings.get(duel.right_sha256), view),
        )
        for duel in duels
    )


def meaning(match: Match, outcome: str) -> str:
    return (
        AUDIT_MEANINGS.get(outcome, RESULTS[outcome][1])
        if plain(match.kind) == Match.Kind.AUDIT
        else RESULTS[outcome][1]
    )


def picture(rendering: Rendering | None, view: str) -> str:
    """The hash of one view, or of the first there is."""
    views = rendering.views if rendering else {}
    return str(views.get(view) or next((sha for name, sha in sorted(views.items()) if name != "grid"), ""))


def first_view(config: Mapping[str, object]) -> str:
    """The view that stands for an asset in lists: the first of the rig."""
    rig = config.get("rig")
    views = rig.get("views", []) if isinstance(rig, dict) else []
    return str(views[0]["name"]) if views else "front_left"


def sentence(match: Match, numbers: MatchFigures, *, defender: Who, challenger: Who) -> str:
    """The verdict of a decided match."""
    if goal := match_words(match.kind).goal:
        return f"{challenger.name} played for {goal}. {_credits_sentence(match)}"
    against = "the leader" if defender.key == "leader" else defender.name
    if plain(match.kind) == Match.Kind.AUDIT:
        return (
            f"What the platform generated again from the code of {challenger.name}, against what was submitted: "
            f"{numbers.won + numbers.forfeits_defender} better, {numbers.drawn} alike, "
            f"{numbers.lost + numbers.forfeits_challenger} worse "
            f"of {numbers.counted}; margin {percent(numbers.margin)}."
        )
    if numbers.all_forfeit:
        return f"{challenger.name} delivered no usable file and forfeited every duel against {against}."
    forfeited = f" ({numbers.forfeits_defender} by the defender's forfeit)" if numbers.forfeits_defender else ""
    verb = "reached the bar against" if numbers.reaches else "stayed below the bar against"
    return (
        f"{challenger.name} {verb} {against}. {count(numbers.won + numbers.forfeits_defender, 'duel')} won{forfeited}, "
        f"{numbers.drawn} drawn, {numbers.lost + numbers.forfeits_challenger} lost of {numbers.counted}; "
        f"margin {percent(numbers.margin)}, bar {bar(numbers.win_margin)}."
    )


def _credits_sentence(match: Match) -> str:
    """The bankroll, from what earlier rounds left to where the match ended."""
    rules, duels = rules_of(match.round), list(match.duels.order_by("position"))
    if rules is None:
        return ""
    return ruleset(rules).sentence(
        match.kind,
        results_on_fresh_prompts(duels),
        total=match.round.fresh.count(),
        carried=carried_into(match),
    )


def stop_words(match: Match, *, total: int) -> str:
    """`stopped after 5 of 8 duels; 2 forfeits among the rest count, too`; "" where every duel was judged."""
    if match.stopped_after is None or match.stopped_after >= total or not match.stopped:
        return ""
    tally = tally_of(match)
    more = tally.counted + tally.void - match.stopped_after
    verb = "counts" if more == 1 else "count"
    besides = f"; {count(more, 'forfeit')} among the rest {verb}, too" if more > 0 else ""
    return f"stopped after {match.stopped_after} of {count(total, 'duel')}{besides}"


def early(match: Match, *, total: int) -> str:
    """Why the rest of a match was left out."""
    words = stop_words(match, total=total)
    if not words or match_words(match.kind).endings:
        return ""
    if match.stopped == "hopeless":
        return f"{words.capitalize()}: it was hopelessly far from the bar."
    outcome = "reach the bar" if match.stopped == "qualified" else "stay below the bar"
    return f"{words.capitalize()}: it was already certain to {outcome}."
