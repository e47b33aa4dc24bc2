"""Does each round's winner follow from its matches and audits?"""

from __future__ import annotations

from dataclasses import dataclass

from verify.findings import Book
from verify.records.ladders import Ladder, decided, ladders, qualified
from verify.records.matches import repeat_of
from verify.rounds import LEADER, Round

LADDERS = frozenset({"margin-1"})
"""The rulesets of era 3 that are decided by the ladder of era 1."""


@dataclass(frozen=True)
class Decision:
    """What the rules say of a round. `winner` None: an audit is still open, nothing is decided."""

    queue: tuple[str, ...]
    ladders: tuple[Ladder, ...]
    passed: frozenset[str]
    winner: str | None

    @property
    def candidates(self) -> list[str]:
        """All who won a rung in any of the ladders, in the order they came up: each needed an audit."""
        return list(dict.fromkeys(hotkey for ladder in self.ladders for hotkey in ladder.winners))

    @property
    def final(self) -> Ladder:
        return self.ladders[-1]


def followed(round: Round) -> bool:
    """Are these rules among those the verifier climbs a ladder by?"""
    return round.era < 3 or round.ruleset in LADDERS


def decide(round: Round) -> Decision:
    """The ladder, climbed by the rules of the round's era."""
    if not followed(round):
        recorded = round.winner.values.get("winner_hotkey") if round.winner else None
        return Decision((), (Ladder(()),), frozenset(), recorded if isinstance(recorded, str) else None)
    margins, bar = round.margins(), round.config.win_margin
    rejected, passed = standing(round)
    if round.era == 0:
        played = {challenger for _, challenger in margins}
        queue = [hotkey for hotkey in round.queue if hotkey in played]
    else:
        queue = [hotkey for hotkey in round.queue if _has_a_turn(hotkey, round, margins, bar)]
    steps = ladders(queue, margins, win_margin=bar, rejected=rejected)
    last = steps[-1].winners
    if round.era == 0:
        passed = frozenset(last)
    elif not round.finished and any(hotkey not in passed for hotkey in last):
        return Decision(tuple(queue), tuple(steps), passed, None)
    return Decision(tuple(queue), tuple(steps), passed, decided(steps[-1], passed=passed))


def _has_a_turn(hotkey: str, round: Round, margins: dict[tuple[str, str], float], bar: float) -> bool:
    """Qualified; in era 2, where only the defender of the moment counts, also who met another defender."""
    if margins.get((LEADER, hotkey), -1.0) >= bar:
        return True
    met = {defender for defender, challenger in round.matches if challenger == hotkey}
    return round.era == 2 and any(defender != LEADER and not repeat_of(defender) for defender in met)


def standing(round: Round) -> tuple[frozenset[str], frozenset[str]]:
    """(rejected, passed): a failed source audit or generation audit rejects, a passed generation audit passes."""
    said = {hotkey: verdict(row) for hotkey, row in round.generation.items()}
    failed = {hotkey for hotkey, row in round.source.items() if row.text("verdict") == "failed"}
    rejected = failed | {hotkey for hotkey, word in said.items() if word == "rejected"}
    return frozenset(rejected), frozenset(hotkey for hotkey, word in said.items() if word == "passed") - rejected


def verdict(row: object) -> str | None:
    """Era 1 calls it outcome (pending, passed, rejected), era 2 verdict (passed, failed)."""
    values = getattr(row, "values", {})
    word = values.get("outcome", values.get("verdict"))
    return "rejected" if word == "failed" else (word if isinstance(word, str) else None)


def check_winner(round: Round, decision: Decision, *, leader: dict[str, str], book: Book) -> None:
    """`leader`: repo, commit and docker of the one who led before the round; empty when unknown."""
    for rung in decision.final.missing if round.finished else []:
        said = f"By the rules {rung.challenger} meets {rung.defender} here, and no margin of them is recorded."
        file = round.file("matches_matrix.csv")
        book.note("ladder-match-missing", file=file, field=f"{rung.defender},{rung.challenger}", sentence=said)
    if round.era == 1:
        _title_matches(round, book=book)
    if round.era == 0:
        _check_era_0(round, decision, book=book)
    elif round.winner is not None and round.finished:
        _recorded(round, decision, leader=leader, book=book)


def _title_matches(round: Round, *, book: Book) -> None:
    """Beyond the screen only the qualified play, and the one revealed earlier defends."""
    cleared = qualified(round.queue, round.margins(), win_margin=round.config.win_margin)
    place = {hotkey: number for number, hotkey in enumerate(cleared)}
    for match in round.matches.values():
        if match.defender == LEADER:
            continue
        defends, challenges = place.get(match.defender), place.get(match.challenger)
        if defends is None or challenges is None:
            absent = match.challenger if challenges is None else match.defender
            said = f"A title match, and {absent} did not reach {round.config.win_margin} against the leader."
            book.note("match-unqualified", file=match.file, field="", found=absent, sentence=said)
        elif defends > challenges:
            said = "The defender of a title match was revealed after its challenger."
            book.note("match-unqualified", file=match.file, field="left", found=match.defender, sentence=said)


def _recorded(round: Round, decision: Decision, *, leader: dict[str, str], book: Book) -> None:
    row = round.winner
    hotkey = row.text("winner_hotkey") if row else None
    if row is None or hotkey is None:
        return
    row.only(frozenset({"winner_hotkey", "repo", "commit", "docker_image"}))
    if not followed(round):
        said = "The verifier does not climb by this ruleset: the bundle of the round has what its winner follows from."
        file, place = round.file("rules.json"), "ruleset"
        book.note("winner-not-recomputed", file=file, field=place, found=round.ruleset, sentence=said)
    else:
        book.count("winners recomputed")
    if hotkey != decision.winner:
        said = explained(round, decision, hotkey)
        wanted = decision.winner
        book.note("winner", file=row.file, field="winner_hotkey", found=hotkey, expected=wanted, sentence=said)
    if hotkey != LEADER:
        _audited(round, hotkey, book=book)
    wanted_solution = leader if hotkey == LEADER else solution(round, hotkey)
    for key, wanted in wanted_solution.items():
        found = row.maybe_text({"docker": "docker_image"}.get(key, key))
        if found != wanted:
            said = f"The solution of {hotkey} is another."
            book.note("winner-solution", file=row.file, field=key, found=found, expected=wanted, sentence=said)


def solution(round: Round, hotkey: str) -> dict[str, str]:
    """repo, commit and image of a submission, as far as they are recorded."""
    submission, build = round.submissions.get(hotkey), round.builds.get(hotkey)
    if submission is None:
        return {}
    known = {"repo": submission.repo, "commit": submission.commit}
    image = build.values.get("docker_image") if build else None
    return known | {"docker": image} if isinstance(image, str) else known


def explained(round: Round, decision: Decision, recorded: str) -> str:
    """Why the rules give another winner than the one recorded, in one sentence."""
    margins, bar = round.margins(), round.config.win_margin
    cleared = qualified(round.queue, margins, win_margin=bar)
    if decision.winner is None:
        return "An audit that decides is still open."
    rejected, passed = standing(round)
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


def _audited(round: Round, hotkey: str, *, book: Book) -> None:
    audit, source = round.generation.get(hotkey), round.source.get(hotkey)
    if audit is None or verdict(audit) != "passed":
        said = "The winner has no passed generation audit."
        book.note("winner-unaudited", file=round.file("generation_audits.json"), field=hotkey, sentence=said)
    if source is None or verdict(source) != "passed":
        said = "The winner has no passed source audit."
        book.note("winner-unaudited", file=round.file("source_audit.json"), field=hotkey, sentence=said)


def _check_era_0(round: Round, decision: Decision, *, book: Book) -> None:
    """The ladder itself was played: each match names its defender, and judge_progress.json the last one."""
    defends = {rung.challenger: rung for rung in decision.final.rungs}
    for match in round.matches.values():
        rung, margin = defends.get(match.challenger), match.recomputed()
        if match.outcome is not None and margin is not None:
            won = "challenger_wins" if margin >= round.config.win_margin else "leader_defends"
            if match.outcome != won:
                said = f"The margin is {margin}, the bar {round.config.win_margin}."
                found = match.outcome
                book.note("outcome", file=match.file, field="outcome", found=found, expected=won, sentence=said)
        if rung and rung.margin is None:
            said = "In reveal order another one defended when this challenger's turn came."
            found, wanted = match.defender, rung.defender
            book.note("wrong-defender", file=match.file, field="leader", found=found, expected=wanted, sentence=said)
    if round.progress is not None:
        _check_progress(round, decision, book=book)


def _check_progress(round: Round, decision: Decision, *, book: Book) -> None:
    row = round.progress
    if row is None:
        return
    row.only(frozenset({"leader", "completed_hotkeys"}))
    leader, done = row.text("leader"), row.texts("completed_hotkeys")
    book.count("winners recomputed")
    if leader is not None and leader != decision.winner and round.finished:
        said = explained(round, decision, leader)
        book.note("winner", file=row.file, field="leader", found=leader, expected=decision.winner, sentence=said)
    met = set(done)
    for match in [match for match in round.matches.values() if match.challenger not in met]:
        said = "The report of a match of somebody whom judge_progress.json does not list as judged."
        book.note("match-not-listed", file=match.file, found=match.challenger, sentence=said)
    wanted = [hotkey for hotkey in round.queue if hotkey in met]
    if done != wanted:
        said = "Challengers meet the leader in the order of their reveals."
        book.note("match-order", file=row.file, field="completed_hotkeys", found=done[:3], sentence=said)
