"""What must a ruleset answer?  What is wanted next, or the decision with its explanation; when a match ends; what an
audit says.

Observed: the entries, the matches that were decided, the audits that were decided, what earlier rounds left.
Derived: everything else, so whoever asks later, or twice, gets the same answer.  A ruleset knows neither rows nor
clocks; the platform asks it, and makes what it wants.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Protocol, TypeAlias

from competition.rulesets.bankroll import BankrollTally
from competition.rulesets.entries import EntryField
from competition.rulesets.ladder import LEADER, Audited, Key, LadderEntry
from competition.rulesets.regenerations import AuditVerdict, Regeneration
from competition.rulesets.rules import Rules, TitleRules
from competition.rulesets.tally import DuelResult, Tally
from competition.rulesets.values import BadRules

Pairing: TypeAlias = tuple[str, Key, Key]  # kind, defender, challenger

NO_FIELD = EntryField(solutions=(), canaries=())
SCREEN = "screen"  # every entry against the leader, on the prompts of the round
LADDER = "ladder"  # a challenger against the challenger that leads at the moment


class Observation(Protocol):
    """What is known of a round so far."""

    @property
    def entries(self) -> Sequence[LadderEntry]:
        """The eligible challengers."""

    @property
    def field(self) -> EntryField:
        """The same, grouped into solutions."""

    @property
    def tallies(self) -> Mapping[Pairing, Tally]:
        """Of the decided matches."""

    @property
    def audits(self) -> Mapping[Key, Audited]:
        """One rejection rejects; an entry passed once all that the rules ask for passed."""

    @property
    def carried(self) -> Mapping[Key, BankrollTally]:
        """What earlier rounds left of the entries that met this leader's commit before."""

    @property
    def fresh(self) -> int:
        """How many fresh prompts the round has."""

    def results(self, pairing: Pairing) -> Sequence[DuelResult | None]:
        """The duels of a decided match, in seed order, as far as it went; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRound:
    """The `Observation` of a round of which all is at hand."""

    entries: Sequence[LadderEntry]
    tallies: Mapping[Pairing, Tally]
    audits: Mapping[Key, Audited]
    carried: Mapping[Key, BankrollTally] = dataclasses.field(default_factory=dict)
    fresh: int = 0
    duels: Mapping[Pairing, Sequence[DuelResult | None]] = dataclasses.field(default_factory=dict)
    field: EntryField = NO_FIELD

    def results(self, pairing: Pairing) -> Sequence[DuelResult | None]:
        return self.duels.get(pairing, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchKind:
    """How a kind of match is played.

    fresh: on fresh prompts, for which the platform generates both sides, batch by batch · forfeits_first: which files
    are missing counts before anything is judged, wherever the match ends · ends_hopeless: it ends where the bar is out
    of reach, or hopelessly far.
    """

    fresh: bool = False
    forfeits_first: bool = False
    ends_hopeless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchEnd:
    """A match is its first `after` duels in seed order.  because: why not all of them; "" where it is all."""

    after: int
    because: str
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshPrompts:
    """A round draws `most` prompts that nobody was ever given, and uses them `batch` by batch; fewer than `least`
    decide nothing.  `rule`: the field that asks for them, `purpose`: what they are for."""

    most: int
    least: int
    batch: int
    rule: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWords:
    """How a page speaks of a round's steps: their `heading`, what they are `about`, what stands there while there are
    `none_yet`, and the heading of all its `matches`.  `takes` begins a sentence that ends with what it takes to lead.
    """

    heading: str
    about: str
    none_yet: str
    matches: str
    takes: str = ""


LADDER_WORDS = StepWords(
    heading="Ladder",
    about="Qualified challengers met the defender of the moment in the order in which they revealed. The highest "
    "margin does not win by itself.",
    none_yet="No rung yet. The ladder is climbed in the order of the reveals, as far as the matches are decided.",
    matches="Matches",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchWords:
    """What a page shows of a kind of match, whatever the values of its rules.

    page: the name of its address · weight: of an entry's matches the heaviest says most of it, 0 says nothing ·
    endings: its verdict by why it ended, where that says more than its margin · earned: the ending that reaches the
    bar · goal: what it is played for, "" where it leads to further matches or audits · aim: what a few other duels
    would have done for a challenger that fell short · order: its place in the round.
    """

    page: str = "match"
    weight: int = 0
    endings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    earned: str = ""
    goal: str = ""
    aim: str = "brought it to the bar, and to its audits"
    order: str = "in reveal order"

    def reaches(self, stopped: str, *, by_margin: bool) -> bool:
        """Did the challenger reach the bar?  `stopped`: why the match ended, `by_margin`: what its margin says."""
        return stopped == self.earned if self.earned else by_margin


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedCredits:
    """What the duels of a match come to as a stake: the credits, and whether they and the margin reach the bar."""

    credits: Fraction
    reaches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditPath:
    """Of a match with stakes: the credits before its first duel and after each counted one, exact.

    title: what they had to reach · carried: duels of earlier rounds.
    """

    path: tuple[Fraction, ...]
    title: TitleRules
    carried: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionStep:
    """One step of the explanation: a challenger met a defender, and what followed."""

    challenger: Key
    defender: Key
    verdict: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        return {
            "challenger": str(self.challenger),
            "defender": str(self.defender),
            "verdict": self.verdict,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundDecision:
    """The decision, where it is `complete`; before that the matches and audits that are wanted next.

    `screening`: what is open before anybody is audited, "" where nothing is; `screened`: what there is then to audit;
    `waiting`: what is open after that.  `rests_on`: the matches, beside screens and audits, that the decision follows
    from, `audited`: the entries whose audits it follows from.  `left`: what the next rounds begin with.
    """

    leader: Key
    steps: tuple[DecisionStep, ...]
    wanted_matches: tuple[Pairing, ...]
    wanted_audits: tuple[Key, ...]
    screening: str
    screened: str
    waiting: str
    rests_on: frozenset[Pairing]
    audited: frozenset[Key]
    left: Mapping[Key, BankrollTally] = dataclasses.field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return not (self.wanted_matches or self.wanted_audits)

    @property
    def reason(self) -> str:
        """Why the new leader leads; "" where the old one defends."""
        won = [step.reason for step in self.steps if step.challenger == self.leader]
        return won[-1] if won else ""

    def defender_of(self, challenger: Key) -> Key | None:
        """Whom the challenger met last; None where it is on no step."""
        return next((step.defender for step in reversed(self.steps) if step.challenger == challenger), None)


NOBODY = RoundDecision(
    leader=LEADER,
    steps=(),
    wanted_matches=(),
    wanted_audits=(),
    screening="",
    screened="",
    waiting="",
    rests_on=frozenset(),
    audited=frozenset(),
)
"""The decision of a round that nobody entered: the leader defends."""


class Ruleset(ABC):
    """The rules of one round, with their values.

    To add one: a subclass in a file of its own, and its row in `RULESETS`.
    """

    defaults: ClassVar[Rules]
    about: ClassVar[str]
    kinds: ClassVar[Mapping[str, MatchKind]] = {}
    match_words: ClassVar[Mapping[str, MatchWords]] = {SCREEN: MatchWords(weight=1), LADDER: MatchWords(weight=2)}
    """Of each kind of match that decides; others have nothing of their own."""
    step_kind: ClassVar[str] = LADDER
    """The kind of match that its steps tell of."""
    words: ClassVar[StepWords] = LADDER_WORDS
    steps_are_live: ClassVar[bool] = True
    """Do its steps stand as soon as their matches are decided?  Pages show others once the round is."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    @classmethod
    def kind(cls, name: str) -> MatchKind:
        return cls.kinds.get(name, MatchKind())

    def check(self) -> None:  # noqa: B027  (most values go together)
        """Raises BadRules where the values cannot be played together."""

    @property
    def fresh_prompts(self) -> FreshPrompts | None:
        """None: a round plays on the prompts it draws for all."""
        return None

    def with_fresh_prompts(self, rules: Mapping[str, Any], *, most: int) -> dict[str, Any]:
        """The rules, as JSON, asking for so many fresh prompts.  Raises BadRules where no prompts are fresh."""
        raise BadRules(
            "name", f"{self.rules.name} uses no fresh prompts", fix=f"Leave the {most} prompts to all matches"
        )

    @property
    def regenerations(self) -> int:
        """How often a winner's outputs are generated again."""
        return self.rules.audit_repeats

    @property
    def wins_again(self) -> bool:
        """Must regenerated outputs beat the defender, too?"""
        return False

    @abstractmethod
    def decide(self, observed: Observation) -> RoundDecision: ...

    @abstractmethod
    def match_end(
        self, kind: str, results: Sequence[DuelResult | None], *, total: int, carried: BankrollTally | None = None
    ) -> MatchEnd | None:
        """Where a match of `total` duels ends; None while it is open.  `results` in seed order, None: not yet."""

    @abstractmethod
    def regeneration_verdict(self, rows: Sequence[Regeneration], *, generation_s: int) -> AuditVerdict | None:
        """What a generation audit says.  None: the last one's match against the defender, or another one, is wanted."""

    @abstractmethod
    def flip_distance(self, kind: str, tally: Tally) -> int | None:
        """The fewest duels that would have to end otherwise to turn what follows from the match; None: none could."""

    def documented_flip_distance(self, match: Mapping[str, Any], documents: Mapping[str, Any]) -> int | None:
        """The same of a match in the documents of its bundle."""
        return self.flip_distance(match["kind"], Tally(**match["tally"]))

    @abstractmethod
    def round_flip_distance(self, documents: Mapping[str, Any]) -> int | None:
        """The same of a round, from the documents of its bundle."""

    def documents(self, observed: Observation) -> dict[str, dict[str, Any]]:
        """What its bundles hold beyond every ruleset's, by file name."""
        return {}

    def sentence(
        self, kind: str, results: Sequence[DuelResult | None], *, total: int, carried: BankrollTally | None = None
    ) -> str:
        """What a match came to beyond its tally; "" where there is nothing more to say."""
        return ""

    def credit_path(
        self, kind: str, results: Sequence[DuelResult | None], *, total: int, carried: BankrollTally | None = None
    ) -> CreditPath | None:
        """How its credits moved; None where nothing is staked on the match."""
        return None

    def worked_credits(self, held: BankrollTally) -> WorkedCredits | None:
        """What these duels come to; None where nothing is staked."""
        return None

    @property
    def credits_needed(self) -> Fraction | None:
        """What it takes to lead beside the margin; None where nothing is staked."""
        return None
