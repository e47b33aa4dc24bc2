"""Does each round's winner follow from its matches and audits?"""

from __future__ import annotations

from dataclasses import dataclass

from verify.reading import RecordRow
from verify.records.ladders import RecordedLadder, decided, ladders, qualified
from verify.records.matches import repeat_of
from verify.rounds import LEADER, RecordedRound

LADDERS = frozenset({"margin-1"})
"""The rulesets of era 3 that are decided by the ladder of era 1."""


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
    return round.era < 3 or round.ruleset in LADDERS


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
            round.log.note("match-unqualified", file=match.file, found=unqualified[0])
        elif cleared.index(match.defender) > cleared.index(match.challenger):
            round.log.note("match-unqualified", file=match.file, field="left", found=match.defender)


def recorded_winner(round: RecordedRound, decision: Decision, *, leader: dict[str, str]) -> None:
    """`leader`: repo, commit and docker of the one who led before the round; empty when unknown."""
    row, hotkey = round.winner, round.winner["winner_hotkey"] if round.winner else None
    if row is None or hotkey is None or not round.finished:
        return
    if followed(round):
        round.log.count("winners recomputed")
    else:
        sentence = "The bundle of the round has what its winner follows from."
        round.note("winner-not-recomputed", "rules.json", field="ruleset", found=round.ruleset, sentence=sentence)
    row.compare("winner", {"winner_hotkey": decision.winner}, sentence=explained(round, decision, hotkey))
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
    return {"repo": submission.repo, "commit": submission.commit, **image}


def explained(round: RecordedRound, decision: Decision, recorded: str) -> str:
    """Why the rules give another winner than the one recorded, in one sentence."""
    bar, (rejected, passed) = round.config.win_margin, standing(round)
    cleared = qualified(round.queue, round.margins(), win_margin=bar)
    if decision.winner is None:
        return "An audit that decides is still open."
    if recorded in rejected:
        return "The recorded winner was rejected by an audit."
    if recorded != LEADER and recorded not in cleared:
        return f"The recorded winner did not reach {bar} against the leader."
    if recorded != LEADER and recorded not in decision.final.winners:
        return "The recorded winner did not beat the defender it met."
    if recorded != LEADER and recorded not in passed:
        return "The recorded winner has no passed audit."
    taken = " -> ".join([LEADER, *decision.final.winners])
    return f"{len(cleared)} reached {bar} against the leader; the ladder is {taken}."


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
        row.compare("winner", {"leader": decision.winner}, sentence=explained(round, decision, row["leader"]))
    judged = row["completed_hotkeys"] or []
    for match in round.matches.values():
        if match.challenger not in judged:
            round.log.note("match-not-listed", file=match.file, found=match.challenger)
    if row["completed_hotkeys"] is not None:
        row.compare("match-order", {"completed_hotkeys": [hotkey for hotkey in round.queue if hotkey in judged]})
