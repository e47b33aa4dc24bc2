"""Who leads after a round of margin-1?  Whoever wins by a margin against the defender of the moment, and passes its
audits.

Where `audit_repeats` asks for more than one regeneration, as in margin-2, each must be no worse than what was
submitted (margin at least -win_margin) and win against the defender of that rung again (margin at least win_margin).
A margin counts against the defender it was reached against and nobody else, so the lowest open rung is audited first:
the defenders below it never change again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from competition.decisions.attempts import plain
from competition.rulesets import flips, regenerations, stopping
from competition.rulesets import tally as tallying
from competition.rulesets.bankroll import BankrollTally
from competition.rulesets.base import LADDER, SCREEN, DecisionStep, MatchEnd, Observation, RoundDecision, Ruleset
from competition.rulesets.ladder import LEADER, Key, climb
from competition.rulesets.regenerations import AuditVerdict, GenerationRules, Regeneration
from competition.rulesets.rules import AUDITS, Rules
from competition.rulesets.speed import TIEBREAK
from competition.rulesets.tally import DuelResult, Tally
from competition.rulesets.values import BadRules

# competition-1's values: PROTOCOL §1 (config.json and the era 1 audits).
MARGIN_1 = Rules(
    name="margin-1",
    win_margin=Fraction(1, 20),
    weight_decay=Fraction(1, 5),
    weight_floor=Fraction(1, 5),
    least_counted=1,
    stop_early=True,
    paid_from="next_latest_reveal",
    audits=AUDITS,
    audit_distance=Fraction(1, 10),
    audit_failed_allowed=6,
    audit_critical_allowed=1,
    audit_median_seconds=Fraction(90),
    audit_limit_seconds=Fraction(180),
)


class Margin1(Ruleset):
    """The ladder of challengers, in reveal order."""

    defaults = MARGIN_1
    about = "As in competition-1: who wins by 5 % of the prompts against the defender of the moment takes over."

    @property
    def wins_again(self) -> bool:
        return self.rules.audit_repeats > 1

    def check(self) -> None:
        speed = self.rules.speed
        if speed.clear is not None and speed.clear <= self.rules.win_margin:
            raise BadRules(
                "speed.clear", "no winner is so narrow", fix=f"Write more than win_margin ({self.rules.win_margin})"
            )
        if speed.mode == TIEBREAK and self.rules.stop_early:
            raise BadRules("speed.mode", "a match that ends early has no whole margin", fix="Set stop_early to false")

    def decide(self, observed: Observation) -> RoundDecision:
        screen: dict[Key, Tally | None] = {
            c: tally for (kind, _, c), tally in observed.tallies.items() if kind == SCREEN
        }
        met = {(d, c): tally for (kind, d, c), tally in observed.tallies.items() if kind == LADDER}
        ladder = climb(observed.entries, screen=screen, met=met, audits=observed.audits, rules=self.rules)
        audits = ladder.wanted_audits[:1] if self.wins_again else ladder.wanted_audits
        screens: tuple[tuple[str, Key, Key], ...] = tuple((SCREEN, LEADER, key) for key in ladder.wanted_screens)
        between = tuple((LADDER, *pair) for pair in ladder.wanted_matches)
        screening = BETWEEN if between else ""
        if screens:
            screening = f"{len(screens)} of {len(observed.entries)} screen matches are open"
        return RoundDecision(
            leader=ladder.leader,
            steps=tuple(
                DecisionStep(challenger=r.challenger, defender=r.defender, verdict=r.verdict, reason=r.reason)
                for r in ladder.rungs
            ),
            wanted_matches=(*screens, *between),
            wanted_audits=audits,
            screening=screening,
            screened=f"every match is decided; {len(ladder.wanted_audits)} ladder winner(s) to audit",
            waiting=BETWEEN if between else f"{len(audits)} winner(s) of the ladder are being audited",
            rests_on=frozenset((LADDER, r.defender, r.challenger) for r in ladder.rungs if r.defender != LEADER),
            audited=frozenset(r.challenger for r in ladder.rungs if r.verdict in ("advanced", "rejected")),
        )

    def match_end(
        self, kind: str, results: Sequence[DuelResult | None], *, total: int, carried: BankrollTally | None = None
    ) -> MatchEnd | None:
        """The first prefix whose outcome is certain; a match against submitted outputs is played to its end."""
        if plain(kind) == "audit":
            return whole(results, total=total)
        length = stopping.stop_index(results, total=total, rules=self.rules)
        if length is None:
            return None
        played = [result for result in results[:length] if result]
        certain = stopping.certain(played, total, rules=self.rules) if length < total else None
        return MatchEnd(after=length, because=certain or "", tally=Tally.of(played))

    def regeneration_verdict(self, rows: Sequence[Regeneration], *, generation_s: int) -> AuditVerdict | None:
        limits = GenerationRules(
            win_margin=self.rules.win_margin,
            least_counted=self.rules.least_counted,
            generation_s=generation_s,
            speed=self.rules.speed,
        )
        if self.wins_again:
            return regenerations.verdict(rows, repeats=self.regenerations, rules=limits)
        return regenerations.first_verdict(rows, rules=limits)

    def flip_distance(self, kind: str, tally: Tally) -> int | None:
        bar = -self.rules.win_margin if plain(kind) == "audit" else self.rules.win_margin
        return tallying.flip_distance(tally, win_margin=bar, least_counted=self.rules.least_counted)

    def round_flip_distance(self, documents: Mapping[str, Any]) -> int | None:
        return flips.of_documents(documents, rules=self.rules)


BETWEEN = "the ladder waits for a match between challengers"


def whole(results: Sequence[DuelResult | None], *, total: int) -> MatchEnd | None:
    """A match that is played to its end."""
    played = [result for result in results if result]
    return MatchEnd(after=total, because="", tally=Tally.of(played)) if len(played) == total else None
