"""Where was a match won, and how close was it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.urls import reverse

from competition.decisions.tally import Tally
from competition.models import Round
from dashboard.models import VerifierFinding
from dashboard.presenting.figures import Figures, figures, rules_of
from dashboard.presenting.matches import BY_JUDGING, RESULTS, DuelRow, duel_rows, early, first_view, match_url, sentence
from dashboard.presenting.people import Who, entrant
from dashboard.presenting.records import RecordFinding, Stated, record_finding, stated
from dashboard.presenting.wording import Label, certainty, labels, standing
from judging.matches import result_of, tally_of
from judging.models import Duel, Match, Rendering

KINDS = {
    "screen": "Screen against the leader",
    "ladder": "Ladder match against the defender of the moment",
    "audit": "Generation audit: generated again, against submitted",
}
SHOWN = ("decisive", "all", "void")


@dataclass(frozen=True, kw_only=True)
class MatchPage:
    """`tally` counts what is settled so far while the match runs; `limit` is the margin it is held against."""

    competition: str
    round: int
    kind: str
    kind_name: str
    state: str
    defender: Who
    challenger: Who
    defender_origin: str
    challenger_origin: str
    judge: str
    judge_name: str
    labels: tuple[Label, ...]
    sentence: str
    standing: str
    certainty: str
    early: str
    limit: Fraction
    tally: Figures
    duels: tuple[DuelRow, ...]
    counts: Mapping[str, int]
    stated: Stated | None
    verifier_findings: tuple[RecordFinding, ...]
    round_url: str
    url: str

    @property
    def decided(self) -> bool:
        return self.state == "decided"

    @property
    def decisive(self) -> tuple[DuelRow, ...]:
        """The clearest verdict first."""
        judged = [duel for duel in self.duels if duel.result in BY_JUDGING]
        return tuple(sorted(judged, key=lambda duel: (-abs(duel.score_micro or 0), duel.position)))

    @property
    def legend(self) -> tuple[tuple[str, str, str, int], ...]:
        """(result, mark, meaning, how many) of the results that occur."""
        meanings = {duel.result: duel.meaning for duel in self.duels}
        return tuple((name, RESULTS[name][0], meanings[name], n) for name, n in self.counts.items() if n)

    @property
    def told(self) -> tuple[str, str]:
        """The verdict, and the numbers behind it."""
        first, stop, rest = self.sentence.partition(". ")
        return f"{first}{stop.strip()}", rest


def page(
    round_: Round,
    match: Match,
    duels: Sequence[Duel],
    *,
    renderings: Mapping[str, Rendering],
    findings: Sequence[VerifierFinding] = (),
) -> MatchPage:
    numbers = figures(_tally(match, duels), rules=rules_of(round_))
    rows = duel_rows(round_, match, duels, renderings=renderings, view=first_view(round_.competition.config))
    decided = match.state == "decided"
    told = sentence(match, numbers, defender=entrant(match.defender), challenger=entrant(match.challenger))
    return MatchPage(
        **_given(round_, match),
        sentence=told if decided else _open(match, rows),
        standing=standing(numbers) if decided and match.kind != Match.Kind.AUDIT else "",
        certainty=certainty(numbers) if decided else "",
        early=early(match, total=len(rows)),
        limit=-numbers.win_margin if match.kind == Match.Kind.AUDIT else numbers.win_margin,
        tally=numbers,
        duels=rows,
        verifier_findings=tuple(record_finding(row) for row in findings),
        counts={name: sum(row.result == name for row in rows) for name in RESULTS},
    )


def _given(round_: Round, match: Match) -> dict[str, Any]:
    """What stands in the rows themselves."""
    slug = round_.competition.slug
    return {
        "competition": slug,
        "round": round_.number,
        "kind": match.kind,
        "kind_name": KINDS[match.kind],
        "state": match.state,
        "defender": entrant(match.defender),
        "challenger": entrant(match.challenger),
        "defender_origin": match.defender_origin,
        "challenger_origin": match.challenger_origin,
        "judge": match.judge,
        "judge_name": match.judge_name,
        "labels": labels(round_.competition),
        "stated": stated(round_.source, defender=match.defender.key, challenger=match.challenger.miner.hotkey),
        "round_url": reverse("round", args=[slug, round_.number]),
        "url": match_url(round_, match),
    }


def _tally(match: Match, duels: Sequence[Duel]) -> Tally:
    """The match's own counts once it is decided, those of its settled duels before."""
    if match.state == "decided":
        return tally_of(match)
    return Tally.of(result for duel in duels if (result := result_of(duel)))


def _open(match: Match, rows: Sequence[DuelRow]) -> str:
    if match.state == "waiting":
        return "The match has not begun: it waits until the files of both sides are downloaded and photographed."
    left = sum(row.result == "judging" for row in rows)
    return f"The match is being judged: {len(rows) - left} of {len(rows)} duels are settled. Nothing is decided yet."
