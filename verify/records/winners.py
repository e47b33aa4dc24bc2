"""Does each round's winner follow from its matches and audits?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from verify.reading import RecordRow
from verify.records.matches import repeat_of
from verify.rounds import LEADER, RecordedRound

Margins = Mapping[tuple[str, str], float]
LADDERS = frozenset({"margin-1"})
"""The rulesets of era 3 that are decided by the ladder of era 1."""
REPEATED = "margin-2"
"""The ruleset of era 3 that is era 2's."""


@dataclass(frozen=True)
class LadderTurn:
    """One challenger's turn. `margin` None: the match that the rules ask for is not recorded."""

    defender: str
    challenger: str
    margin: float | None
    takes: bool


@dataclass(frozen=True)
class RecordedLadder:
    rungs: tuple[LadderTurn, ...]

    @property
    def winners(self) -> list[str]:
        """Those who became defender, in order."""
        return [rung.challenger for rung in self.rungs if rung.takes]

    @property
    def missing(self) -> list[LadderTurn]:
        return [rung for rung in self.rungs if rung.margin is None]

    def pairs(self, *, won: bool = False) -> set[tuple[str, str]]:
        """(defender, challenger) of each rung, or of those that the challenger won."""
        return {(rung.defender, rung.challenger) for rung in self.rungs if rung.takes or not won}


def qualified(queue: Sequence[str], margins: Margins, *, win_margin: float) -> list[str]:
    """Who cleared the screen, in reveal order."""
    return [hotkey for hotkey in queue if margins.get((LEADER, hotkey), -1.0) >= win_margin]


def climb(queue: Sequence[str], margins: Margins, *, win_margin: float, rejected: Collection[str]) -> RecordedLadder:
    """The ladder of `queue` (those entitled to a turn, in reveal order)."""
    defender, rungs = LEADER, []
    for challenger in queue:
        if challenger in rejected:
            continue
        margin = margins.get((defender, challenger))
        takes = margin is not None and margin >= win_margin
        rungs.append(LadderTurn(defender, challenger, margin, takes))
        defender = challenger if takes else defender
    return RecordedLadder(tuple(rungs))


def ladders(
    queue: Sequence[str], margins: Margins, *, win_margin: float, rejected: Collection[str]
) -> list[RecordedLadder]:
    """Every ladder the round went through: each time its winners met a rejection it was climbed anew without them.

    All who ever win a rung needed an audit; the last ladder decides. Each step passes one more over, so it ends.
    """
    passed_over: set[str] = set()
    steps = []
    while True:
        steps.append(climb(queue, margins, win_margin=win_margin, rejected=passed_over))
        fallen = next((hotkey for hotkey in steps[-1].winners if hotkey in rejected), None)
        if fallen is None:
            return steps
        passed_over.add(fallen)


def decided(ladder: RecordedLadder, *, passed: Collection[str]) -> str:
    """The last winner whose audits passed, else the leader."""
    return next((hotkey for hotkey in reversed(ladder.winners) if hotkey in passed), LEADER)


@dataclass(frozen=True)
class Decision:
    """What the rules say of a round. `winner` None: an audit is still open, nothing is decided."""

    queue: tuple[str, ...]
    ladders: tuple[RecordedLadder, ...]
    winner: str | None

    @property
    def candidates(self) -> list[str]:
        """All who won a rung in any of the ladders, in the order they came up: each needed an audit."""
        return list(dict.fromkeys(hotkey for ladder in self.ladders for hotkey in ladder.winners))

    @property
    def final(self) -> RecordedLadder:
        return self.ladders[-1]

    def dethroned_by(self, hotkey: str) -> list[str]:
        """Whom it dethroned, in all ladders."""
        rungs = [rung for ladder in self.ladders for rung in ladder.rungs]
        return [rung.defender for rung in rungs if rung.challenger == hotkey and rung.takes]


def followed(round: RecordedRound) -> bool:
    """Are these rules among those the verifier climbs a ladder by?"""
    return round.era < 3 or round.ruleset in LADDERS or repeated(round)


def repeated(round: RecordedRound) -> bool:
    """Are its audits judged in repeats that its files hold?"""
    return round.era == 2 or (round.june and round.ruleset == REPEATED)


def decide(round: RecordedRound) -> Decision:
    """The ladder, climbed by the rules of the round's era."""
    if not followed(round):
        return Decision((), (RecordedLadder(()),), round.winner["winner_hotkey"] if round.winner else None)
    margins, bar = round.margins(), round.config.win_margin
    rejected, passed = standing(round)
    queue = tuple(hotkey for hotkey in round.queue if _has_a_turn(round, hotkey, margins))
    steps = tuple(ladders(queue, margins, win_margin=bar, rejected=rejected))
    if round.era == 0:
        passed = frozenset(steps[-1].winners)
    undecided = not round.finished and not passed.issuperset(steps[-1].winners)
    return Decision(queue, steps, None if undecided else decided(steps[-1], passed=passed))


def _has_a_turn(round: RecordedRound, hotkey: str, margins: dict[tuple[str, str], float]) -> bool:
    """Qualified; in era 0 whoever played; in era 2, where only the defender of the moment counts, also who met
    another defender."""
    if margins.get((LEADER, hotkey), -1.0) >= round.config.win_margin:
        return True
    met = {defender for defender, challenger in (margins if round.era == 0 else round.matches) if challenger == hotkey}
    if round.era == 2:
        return any(defender != LEADER and not repeat_of(defender) for defender in met)
    return round.era == 0 and bool(met)


def standing(round: RecordedRound) -> tuple[frozenset[str], frozenset[str]]:
    """(rejected, passed): a failed source audit or generation audit rejects, a passed generation audit passes."""
    verdicts = {hotkey: verdict(row) for hotkey, row in round.generation.items()}
    rejected = {hotkey for hotkey, row in round.source.items() if row["verdict"] == "failed"}
    rejected |= {hotkey for hotkey, word in verdicts.items() if word == "rejected"}
    return frozenset(rejected), frozenset(hotkey for hotkey, word in verdicts.items() if word == "passed") - rejected


def verdict(row: RecordRow | None) -> str | None:
    """Era 1 calls it outcome (pending, passed, rejected), era 2 verdict (passed, failed)."""
    word = (row["outcome"] or row["verdict"]) if row else None
    return "rejected" if word == "failed" else word


def ladder_matches(round: RecordedRound, decision: Decision) -> None:
    for rung in decision.final.missing if round.finished else []:
        round.note("ladder-match-missing", "matches_matrix.csv", field=f"{rung.defender},{rung.challenger}")


def title_matches(round: RecordedRound, _: object) -> None:
    """Era 1: beyond the screen only the qualified play, and the one revealed earlier defends."""
    cleared = qualified(round.queue, round.margins(), win_margin=round.config.win_margin)
    for match in round.matches.values() if round.era == 1 else ():
        if match.defender == LEADER:
            continue
        unqualified = [hotkey for hotkey in (match.challenger, match.defender) if hotkey not in cleared]
        if unqualified:
            round.log.note("match-unqualified", match.file, found=unqualified[0])
        elif cleared.index(match.defender) > cleared.index(match.challenger):
            round.log.note("match-unqualified", match.file, field="left", found=match.defender)


def recorded_winner(round: RecordedRound, decision: Decision, *, leader: dict[str, str]) -> None:
    """`leader`: repo, commit and docker of the one who led before the round; empty when unknown."""
    row, hotkey = round.winner, round.winner["winner_hotkey"] if round.winner else None
    if row is None or hotkey is None or not round.finished:
        return
    if followed(round):
        round.log.count("winners recomputed")
    else:
        round.note("winner-not-recomputed", "rules.json", field="ruleset", found=round.ruleset)
    row.compare("winner", {"winner_hotkey": decision.winner}, sentence=explained(round, decision))
    audits = {"generation_audits.json": round.generation, "source_audit.json": round.source}
    for name, rows in audits.items() if hotkey != LEADER else ():
        if verdict(rows.get(hotkey)) != "passed":
            round.note("winner-unaudited", name, field=hotkey)
    wanted = leader if hotkey == LEADER else solution(round, hotkey)
    row.compare("winner-solution", {{"docker": "docker_image"}.get(key, key): value for key, value in wanted.items()})


def solution(round: RecordedRound, hotkey: str) -> dict[str, str]:
    """repo, commit and image of a submission, as far as they are recorded."""
    submission, build = round.submissions.get(hotkey), round.builds.get(hotkey)
    if submission is None:
        return {}
    image = {"docker": build["docker_image"]} if build and build["docker_image"] else {}
    return {"repo": submission["repo"], "commit": submission["commit"], **image}


def explained(round: RecordedRound, decision: Decision) -> str:
    """Why the rules give another winner than the one recorded, in one sentence."""
    if decision.winner is None:
        return "An audit that decides is still open."
    fallen = ", ".join(sorted(standing(round)[0]))
    ladder = " -> ".join([LEADER, *decision.final.winners])
    return f"The ladder is {ladder}{f'; an audit rejected {fallen}' if fallen else ''}."


def progress(round: RecordedRound, decision: Decision) -> None:
    """Era 0: the ladder itself was played: each match names its defender, and judge_progress.json the last one."""
    if round.era > 0:
        return
    defends = {rung.challenger: rung for rung in decision.final.rungs}
    for match in round.matches.values():
        rung, margin = defends.get(match.challenger), match.recomputed()
        if match.outcome is not None and margin is not None:
            due = "challenger_wins" if margin >= round.config.win_margin else "leader_defends"
            round.log.compare("outcome", match.file, match.outcome, due, field="outcome")
        if rung and rung.margin is None:
            round.log.compare("wrong-defender", match.file, match.defender, rung.defender, field="leader")
    row = round.progress
    if row is None:
        return
    round.log.count("winners recomputed")
    if row["leader"] is not None and round.finished:
        row.compare("winner", {"leader": decision.winner}, sentence=explained(round, decision))
    judged = row["completed_hotkeys"] or []
    for match in round.matches.values():
        if match.challenger not in judged:
            round.log.note("match-not-listed", file=match.file, found=match.challenger)
    if row["completed_hotkeys"] is not None:
        row.compare("match-order", {"completed_hotkeys": [hotkey for hotkey in round.queue if hotkey in judged]})
