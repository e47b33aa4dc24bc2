"""Who leads after a round of title-1?  The best entries of the screen, audited, each play the leader for the title.

Observed: screens, audits, carried bankrolls, title duels.  Derived: the finalists, what is wanted next, the leader.  It
always progresses: while it is not complete it names a screen, an audit or a title match that is missing.  A rejected
finalist gives its place to the next entry before any title duel of it is judged, so at most `finalists` title matches
are played, and the round's error is at most finalists / bar.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from competition.decisions.attempts import plain
from competition.rulesets import bankroll as bankrolls
from competition.rulesets import screening
from competition.rulesets import tally as tallying
from competition.rulesets.bankroll import BankrollTally, TitleStanding, credits, fold, titled
from competition.rulesets.base import (
    SCREEN,
    CreditPath,
    DecisionStep,
    FreshPrompts,
    MatchEnd,
    MatchKind,
    MatchWords,
    Observation,
    RoundDecision,
    Ruleset,
    StepWords,
    WorkedCredits,
)
from competition.rulesets.entries import Candidate, EntryField
from competition.rulesets.ladder import LEADER, Audited, Key
from competition.rulesets.margin_1 import MARGIN_1, whole
from competition.rulesets.regenerations import AuditVerdict, GenerationRules, Regeneration, first_verdict
from competition.rulesets.rules import Rules, TitleRules
from competition.rulesets.speed import TIEBREAK
from competition.rulesets.tally import DuelResult, Tally, clears
from competition.rulesets.values import BadRules

TITLE = "title"  # a finalist against the leader, on fresh prompts

# A margin lets a challenger in, evidence on fresh prompts gives it the lead.  The error of a round is at
# most finalists / bar = 5 %.  docs/rules.md compares one purse with two, and shows what futility_z trades.
TITLE_1 = dataclasses.replace(
    MARGIN_1,
    name="title-1",
    title=TitleRules(
        finalists=2,
        prompts=320,
        batch=32,
        stakes=(Fraction(1, 4),),
        bar=Fraction(40),
        out=Fraction(1, 10),
        futility_z=Fraction(7, 2),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """`leader` is final only where `complete`.  `standings`: the finalists whose audits passed."""

    finalists: tuple[Key, ...]
    standings: Mapping[Key, TitleStanding]
    leader: Key
    wanted_screens: tuple[Key, ...]
    wanted_audits: tuple[Key, ...]
    wanted_matches: tuple[Key, ...]

    @property
    def complete(self) -> bool:
        return not (self.wanted_screens or self.wanted_audits or self.wanted_matches)


def settle(
    entered: EntryField,
    *,
    screen: Mapping[Key, Tally | None],
    audits: Mapping[Key, Audited],
    carried: Mapping[Key, BankrollTally],
    duels: Mapping[Key, Sequence[DuelResult | None]],
    rules: Rules,
    prompts: int | None = None,
) -> Title:
    """The round as far as it can be known.  `duels`: a finalist's title duels in seed order, on so many `prompts`."""
    rejected = {key for key, audited in audits.items() if audited == "rejected"}
    representatives = [s for solution in entered.solutions if (s := solution.representative(rejected))]
    unscreened = tuple(c.key for c in (*representatives, *entered.canaries) if screen.get(c.key) is None)
    finalists: list[Candidate] = []
    if all(screen.get(representative.key) for representative in representatives):
        finalists = rank(representatives, screen=screen, carried=carried, rules=rules)[: titled(rules).finalists]
    passed = [c for c in finalists if audits.get(c.key) == "passed" or not rules.audits]
    total = titled(rules).prompts if prompts is None else prompts  # a pool may hold fewer
    standings = {c.key: fold(duels.get(c.key, ()), total=total, rules=rules, start=carried.get(c.key)) for c in passed}
    won = [c for c in passed if standings[c.key].ending == "title"]
    # where two earn the title, the larger margin of its bankroll takes it, then the earlier reveal
    best = sorted(won, key=lambda c: (-standings[c.key].bankroll.margin, c.entry.place))
    return Title(
        finalists=tuple(c.key for c in finalists),
        standings=standings,
        leader=best[0].key if best else LEADER,
        wanted_screens=unscreened,
        wanted_audits=tuple(c.key for c in finalists if c not in passed),
        wanted_matches=tuple(key for key, standing in standings.items() if standing.ending == "open"),
    )


def rank(
    representatives: Sequence[Candidate],
    *,
    screen: Mapping[Key, Tally | None],
    carried: Mapping[Key, BankrollTally],
    rules: Rules,
) -> list[Candidate]:
    """Those who may play for the title, best margin first, equal margins in reveal order.

    Whose bankroll against this leader is out has had its chance.
    """
    may = []
    for representative in representatives:
        screened = screen[representative.key]
        if screened and clears(screened, rules=rules) and not carried.get(representative.key, BankrollTally()).out:
            may.append((screened.margin, representative))
    return [representative for _, representative in sorted(may, key=lambda pair: (-pair[0], pair[1].entry.place))]


class Title1(Ruleset):
    """A screen on the drawn prompts, then title matches on fresh ones."""

    defaults = TITLE_1
    about = "A margin lets a challenger in; 40 credits, staked duel by duel on fresh prompts, give it the lead."
    step_kind = TITLE
    words = StepWords(
        heading="Title matches",
        about="The best of the screen are audited, and play the leader on prompts nobody has seen, each side generated "
        "by the platform.",
        takes="The title takes",
        none_yet="None yet: the best of the screen play for the title once their audits are passed.",
        matches="The screen",
    )
    steps_are_live = False
    match_words = {
        **Ruleset.match_words,
        TITLE: MatchWords(
            page="title",
            weight=3,
            endings={"title": "earned the title", "out": "out", "exhausted": "every prompt used"},
            earned="title",
            goal="the title",
            aim="earned it the title",
            order="title match on fresh prompts",
        ),
    }
    kinds = {SCREEN: MatchKind(forfeits_first=True, ends_hopeless=True), TITLE: MatchKind(fresh=True)}

    def check(self) -> None:
        if self.rules.audit_repeats > 1:
            raise BadRules(
                "audit_repeats",
                "a finalist's outputs are generated again once, and then on fresh prompts",
                fix="Write 1, or use margin-2",
            )
        if self.rules.speed.mode == TIEBREAK:
            raise BadRules("speed.mode", "a title is earned, not won by a margin", fix="Use limit or report")
        if self.rules.speed.beside:
            raise BadRules("speed.beside", "both sides run for their title match anyway", fix="Leave it out")

    @property
    def title(self) -> TitleRules:
        return titled(self.rules)

    @property
    def fresh_prompts(self) -> FreshPrompts:
        title = self.title
        least = bankrolls.least_duels(title) or title.prompts
        return FreshPrompts(most=title.prompts, least=least, batch=title.batch, rule="title.prompts", purpose="a title")

    def with_fresh_prompts(self, rules: Mapping[str, Any], *, most: int) -> dict[str, Any]:
        return {**rules, "title": {**rules.get("title", {}), "prompts": most}}

    def decide(self, observed: Observation) -> RoundDecision:
        title = self.settle(observed)
        rejected = [key for key, audited in observed.audits.items() if audited == "rejected"]
        because = "Its audit was rejected: it does not play for the title."
        steps = [DecisionStep(challenger=key, defender=LEADER, verdict="rejected", reason=because) for key in rejected]
        for key, standing in title.standings.items():
            takes = key == title.leader
            reason, verdict = sentence(standing, rules=self.rules, takes=takes), "advanced" if takes else "held"
            steps.append(DecisionStep(challenger=key, defender=LEADER, verdict=verdict, reason=reason))
        return RoundDecision(
            leader=title.leader,
            steps=tuple(steps),
            wanted_matches=(
                *((SCREEN, LEADER, key) for key in title.wanted_screens),
                *((TITLE, LEADER, key) for key in title.wanted_matches),
            ),
            wanted_audits=title.wanted_audits,
            screening=f"{len(title.wanted_screens)} screen matches are open" if title.wanted_screens else "",
            screened=f"every screen is decided; {len(title.finalists)} finalist(s) to audit",
            waiting=f"{len(title.wanted_audits)} finalist(s) are audited, {len(title.wanted_matches)} play the leader",
            rests_on=frozenset((TITLE, LEADER, key) for key in title.standings),
            # who passed and is no finalist was one before its screen was judged again
            audited=frozenset((*rejected, *title.standings)),
            left={key: standing.bankroll for key, standing in title.standings.items()},
        )

    def settle(self, observed: Observation) -> Title:
        """The round as far as its decided screens, its audits and its title duels carry it."""
        screen: dict[Key, Tally | None] = {
            c: tally for (kind, _, c), tally in observed.tallies.items() if kind == SCREEN
        }
        played = [pairing for pairing in observed.tallies if pairing[0] == TITLE]
        return settle(
            observed.field,
            screen=screen,
            audits=observed.audits,
            carried=observed.carried,
            duels={pairing[2]: observed.results(pairing) for pairing in played},
            rules=self.rules,
            prompts=observed.fresh,
        )

    def match_end(
        self, kind: str, results: Sequence[DuelResult | None], *, total: int, carried: BankrollTally | None = None
    ) -> MatchEnd | None:
        if kind == TITLE:
            standing = fold(results, total=total, rules=self.rules, start=carried)
            played = [result for result in results[: standing.duels] if result]
            end = MatchEnd(after=standing.duels, because=standing.ending, tally=Tally.of(played))
            return None if standing.ending == "open" else end
        if kind != SCREEN:
            return whole(results, total=total)
        stop = screening.stop(results, rules=self.rules)
        return MatchEnd(after=stop.after, because=stop.because, tally=stop.tally) if stop else None

    def regeneration_verdict(self, rows: Sequence[Regeneration], *, generation_s: int) -> AuditVerdict | None:
        """Stricter than the margin: have the submitted outputs earned a title against the regenerated ones?"""
        worse = bankrolls.worse_than(rows[0].results, rules=self.rules).ending == "title"
        limits = GenerationRules(
            win_margin=self.rules.win_margin,
            least_counted=self.rules.least_counted,
            generation_s=generation_s,
            worse=worse,
            speed=self.rules.speed,
        )
        return first_verdict(rows, rules=limits)

    def flip_distance(self, kind: str, tally: Tally) -> int | None:
        """Of a title match as far as its own duels made the bankroll."""
        if plain(kind) not in (TITLE, "audit"):
            bar, least = self.rules.win_margin, self.rules.least_counted
            return tallying.flip_distance(tally, win_margin=bar, least_counted=least)
        seen = tally.swapped() if plain(kind) == "audit" else tally
        held_by_it = BankrollTally(won=seen.wins, drawn=seen.drawn, lost=seen.losses)
        return bankrolls.flip_distance(held_by_it, rules=self.rules)

    def documented_flip_distance(self, match: Mapping[str, Any], documents: Mapping[str, Any]) -> int | None:
        """Of a title match that of its bankroll, with what earlier rounds left in it."""
        if match["kind"] != TITLE:
            return super().documented_flip_distance(match, documents)
        rows = {row["entry"]: row for row in documents["title.json"]["bankrolls"]}
        distance: int | None = rows[match["challenger"]]["flip_distance"]
        return distance

    def round_flip_distance(self, documents: Mapping[str, Any]) -> int | None:
        """The fewest title duels of one finalist for another leader."""
        winner = documents["decision.json"]["winner"]
        distances = [
            row["flip_distance"]
            for row in documents["title.json"]["bankrolls"]
            if (row["ending"] == "title") == (winner != LEADER) and winner in (row["entry"], LEADER)
        ]
        return min((distance for distance in distances if distance is not None), default=None)

    def sentence(
        self, kind: str, results: Sequence[DuelResult | None], *, total: int, carried: BankrollTally | None = None
    ) -> str:
        """The bankroll, from what earlier rounds left to where the match ended."""
        if kind != TITLE:
            return ""
        return sentence(fold(results, total=total, rules=self.rules, start=carried), rules=self.rules, takes=True)

    def credit_path(
        self, kind: str, results: Sequence[DuelResult | None], *, total: int, carried: BankrollTally | None = None
    ) -> CreditPath | None:
        if kind != TITLE:
            return None
        title, start = self.title, carried or BankrollTally()
        standing = fold(results, total=total, rules=self.rules, start=start)
        counted = [result for result in results[: standing.duels] if result and result.counts]
        path = bankrolls.path(counted, rules=self.rules, start=start)
        return CreditPath(path=tuple(path), title=title, carried=start.counted)

    def worked_credits(self, held: BankrollTally) -> WorkedCredits:
        reaches = bankrolls.earned(held, rules=self.rules)
        return WorkedCredits(credits=credits(held, title=self.title), reaches=reaches)

    @property
    def credits_needed(self) -> Fraction:
        return self.title.bar

    def documents(self, observed: Observation) -> dict[str, dict[str, Any]]:
        """`title.json`: the entries, and what each finalist's bankroll came to."""
        title = self.settle(observed)
        candidates, entries = dict[Key, Candidate](), list[list[dict[str, Any]]]()
        for solution in observed.field.solutions:
            same = {c.key: "" if c == solution.first else solution.why(c) for c in solution.candidates}
            entries.append([{"entry": key, "same": why} for key, why in same.items()])
            candidates |= {c.key: c for c in solution.candidates}
        bankrolls_ = [
            {
                "entry": key,
                "commit": candidates[key].commit,
                "carried": observed.carried.get(key, BankrollTally()).to_dict(),
                "left": standing.bankroll.to_dict(),
                "credits": str(credits(standing.bankroll, title=self.title)),
                "ending": standing.ending,
                "duels": standing.duels,
                "flip_distance": bankrolls.flip_distance(standing.bankroll, rules=self.rules),
            }
            for key, standing in title.standings.items()
        ]
        return {
            "title.json": {
                "entries": entries,
                "canaries": [candidate.key for candidate in observed.field.canaries],
                "finalists": list(title.finalists),
                "bankrolls": bankrolls_,
            }
        }


ENDINGS = {
    "title": "it earns the title",
    "out": "it is out",
    "exhausted": "every fresh prompt is used, and it is short of the title",
    "open": "it is open",
}


def sentence(standing: TitleStanding, *, rules: Rules, takes: bool) -> str:
    """What a title match came to, in words."""
    b, title = standing.bankroll, titled(rules)
    after = ENDINGS[standing.ending]
    if standing.ending == "title" and not takes:
        after = "it earns the title too, and the larger margin or the earlier reveal goes before it"
    return (
        f"Won {b.won}, drew {b.drawn}, lost {b.lost} of {b.counted} on fresh prompts: {held(b, rules=rules)} credits, "
        f"the bar is {title.bar}, at a margin of {float(b.margin) * 100:.4g} %; {after} after {standing.duels} duels."
    )


def held(bankroll: BankrollTally, *, rules: Rules) -> str:
    """Its credits with two decimals; the exact fraction is in the bundle."""
    return two_decimals(credits(bankroll, title=titled(rules)))


def two_decimals(number: Fraction) -> str:
    hundredths = round(number * 100)
    return f"{hundredths // 100}.{hundredths % 100:02}"
