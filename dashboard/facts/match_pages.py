"""Where was a match won, and how close was it?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.urls import reverse

from competition.decisions.attempts import plain
from competition.models import Round
from competition.rulesets.tally import Tally
from dashboard.facts.bankroll_chart import Credits, bar_words, credits
from dashboard.facts.borders import NAMED_BY_URL, row_of, shown_as
from dashboard.facts.family_tallies import Families, families
from dashboard.facts.figures import MatchFigures, figures, rules_of
from dashboard.facts.integrity_summary import IntegritySummary
from dashboard.facts.matches import (
    BY_JUDGING,
    RESULTS,
    DuelLine,
    MatchFacts,
    duel_rows,
    early,
    first_view,
    match_facts,
    sentence,
)
from dashboard.facts.people import Who
from dashboard.facts.records import RecordFinding, Stated, record_finding, stated
from dashboard.facts.rounds import Bundle, bundle
from dashboard.facts.wording import PartLabel, certainty, labels, percent, standing
from dashboard.models import Publication, VerifierFinding
from judging.matches import result_of, tally_of
from judging.models import Duel, Match, Rendering

SHOWN = ("decisive", "all", "void")


@dataclass(frozen=True, kw_only=True)
@row_of(
    MatchFacts,
    but={
        NAMED_BY_URL: "id version since",
        "`tally` and `counts` are made of it": "counted margin_micro duels_made",
        "`early` says it in a sentence": "stopped stopped_after stop",
    },
)
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
    labels: tuple[PartLabel, ...]
    sentence: str
    standing: str
    certainty: str
    early: str
    limit: Fraction
    bar: str
    credits: Credits | None
    tally: MatchFigures
    duels: tuple[DuelLine, ...]
    counts: Mapping[str, int]
    stated: Stated | None
    bundle: Bundle | None
    integrity: IntegritySummary | None
    families: Families | None
    verifier_findings: tuple[RecordFinding, ...]
    round_url: str
    url: str

    @property
    def decided(self) -> bool:
        return self.state == "decided"

    @property
    def audited(self) -> bool:
        """Is it about what was generated again, against what was submitted?"""
        return plain(self.kind) == Match.Kind.AUDIT

    @property
    def decisive(self) -> tuple[DuelLine, ...]:
        """The clearest verdict first."""
        judged = [duel for duel in self.duels if duel.result in BY_JUDGING]
        return tuple(sorted(judged, key=lambda duel: (-abs(duel.score_micro or 0), duel.position)))

    @property
    def legend(self) -> tuple[tuple[str, str, str, int], ...]:
        """(result, mark, meaning, how many) of the results that occur."""
        meanings = {duel.result: duel.meaning for duel in self.duels}
        return tuple((name, RESULTS[name][0], meanings[name], n) for name, n in self.counts.items() if n)

    @property
    def stated_words(self) -> str:
        """What the records state of the margin, beside what the duels give when they are counted again."""
        if self.stated is None or self.stated.agrees is None:
            return "The records state nothing that could be compared."
        margin = "no margin" if self.stated.margin is None else f"a margin of {percent(self.stated.margin)}"
        counted = "the same" if self.stated.agrees else percent(self.tally.margin)
        return f"The records state {margin}; counted again from its duels it is {counted}."

    @property
    def raw_tally(self) -> str:
        """For the visitor's own count."""
        names = ("won", "drawn", "lost", "void", "forfeits_challenger", "forfeits_defender")
        return json.dumps({name: getattr(self.tally, name) for name in names})

    @property
    def sentence_parts(self) -> tuple[str, str]:
        """The verdict, and the numbers behind it."""
        first, stop, rest = self.sentence.partition(". ")
        return f"{first}{stop.strip()}", rest


def page(
    round_: Round,
    match: Match,
    duels: Sequence[Duel],
    *,
    renderings: Mapping[str, Rendering],
    integrity: IntegritySummary | None = None,
    findings: Sequence[VerifierFinding] = (),
    publication: Publication | None = None,
) -> MatchPage:
    decided = match.state == "decided"
    # The match's own counts once it is decided, those of its settled duels before.
    tally = tally_of(match) if decided else Tally.of(result for duel in duels if (result := result_of(duel)))
    numbers = figures(tally, rules=rules_of(round_), kind=match.kind)
    facts = match_facts(match, round_=round_)
    rows = duel_rows(round_, match, duels, renderings=renderings, view=first_view(round_.competition.config))
    left = sum(row.result == "judging" for row in rows)
    if decided:
        verdict = sentence(match, numbers, defender=facts.defender, challenger=facts.challenger)
    elif match.state == "waiting":
        verdict = "The match has not begun: it waits until the files of both sides are downloaded and photographed."
    else:
        settled = f"{len(rows) - left} of {len(rows)} duels are settled"
        verdict = f"The match is being judged: {settled}. Nothing is decided yet."
    return shown_as(
        MatchPage,
        facts,
        kind_name=match.plain_kind.label,
        labels=labels(round_.competition),
        sentence=verdict,
        standing=standing(numbers) if decided and match.kind in ("screen", "ladder") else "",
        certainty=certainty(numbers) if decided else "",
        early=early(match, total=len(rows)),
        limit=numbers.limit,
        bar=bar_words(rules_of(round_), default=numbers.win_margin),
        credits=credits(match, duels),
        tally=numbers,
        duels=rows,
        integrity=integrity,
        families=None if round_.source else families(duels),
        verifier_findings=tuple(record_finding(row) for row in findings),
        bundle=bundle(round_, publication) if decided else None,
        counts={name: sum(row.result == name for row in rows) for name in RESULTS},
        stated=stated(round_.source, defender=facts.defender.key, challenger=facts.challenger.hotkey),
        round_url=reverse("round", args=[facts.competition, facts.round]),
    )
