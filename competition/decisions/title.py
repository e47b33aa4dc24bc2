"""Who leads after a round of title-1?  The best entries of the screen, audited, each play the leader for the title.

Observed: screens, audits, carried bankrolls, title duels.  Derived: the finalists, what is wanted next, the leader.  It
always progresses: while it is not complete it names a screen, an audit or a title match that is missing.  A rejected
finalist gives its place to the next entry before any title duel of it is judged, so at most `finalists` title matches
are played, and the round's error is at most finalists / bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from competition.decisions.bankroll import Bankroll, TitleStanding, fold, titled
from competition.decisions.entries import Candidate, Field
from competition.decisions.ladder import LEADER, Audited, Key
from competition.decisions.rulesets import Rules
from competition.decisions.tally import DuelResult, Tally, clears


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
    entered: Field,
    *,
    screen: Mapping[Key, Tally | None],
    audits: Mapping[Key, Audited],
    carried: Mapping[Key, Bankroll],
    duels: Mapping[Key, Sequence[DuelResult | None]],
    rules: Rules,
    prompts: int | None = None,
) -> Title:
    """The round as far as it can be known.  `duels`: a finalist's title duels in seed order, on so many `prompts`."""
    rejected = {key for key, audited in audits.items() if audited == "rejected"}
    speakers = [s for solution in entered.solutions if (s := solution.speaker(rejected))]
    unscreened = tuple(c.key for c in (*speakers, *entered.canaries) if screen.get(c.key) is None)
    finalists: list[Candidate] = []
    if all(screen.get(speaker.key) for speaker in speakers):
        finalists = rank(speakers, screen=screen, carried=carried, rules=rules)[: titled(rules).finalists]
    passed = [c for c in finalists if audits.get(c.key) == "passed" or not rules.audits]
    total = titled(rules).prompts if prompts is None else prompts  # a pool may hold fewer
    standings = {c.key: fold(duels.get(c.key, ()), total=total, rules=rules, start=carried.get(c.key)) for c in passed}
    return Title(
        finalists=tuple(c.key for c in finalists),
        standings=standings,
        leader=_leader(passed, standings),
        wanted_screens=unscreened,
        wanted_audits=tuple(c.key for c in finalists if c not in passed),
        wanted_matches=tuple(key for key, standing in standings.items() if standing.ending == "open"),
    )


def rank(
    speakers: Sequence[Candidate], *, screen: Mapping[Key, Tally | None], carried: Mapping[Key, Bankroll], rules: Rules
) -> list[Candidate]:
    """Those who may play for the title, best margin first, equal margins in reveal order.

    Whose bankroll against this leader is out has had its chance.
    """
    may = []
    for speaker in speakers:
        screened = screen[speaker.key]
        if screened and clears(screened, rules=rules) and not carried.get(speaker.key, Bankroll()).out:
            may.append((screened.margin, speaker))
    return [speaker for _, speaker in sorted(may, key=lambda pair: (-pair[0], pair[1].entry.place))]


def _leader(passed: Sequence[Candidate], standings: Mapping[Key, TitleStanding]) -> Key:
    """Where two earn the title, the larger margin of its bankroll takes it, then the earlier reveal."""
    won = [c for c in passed if standings[c.key].ending == "title"]
    best = sorted(won, key=lambda c: (-standings[c.key].bankroll.margin, c.entry.place))
    return best[0].key if best else LEADER
