"""Where did a verdict hang on one duel, on an outage, on a missing file or on a tie?"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

from verify.records.layout import TOO_LATE
from verify.records.matches import repeat_of
from verify.records.winners import Decision
from verify.rounds import CHALLENGER, DEFENDER, DRAW, LEADER, SUBMITTED, RecordedDuel, RecordedRound

OUTAGES = ("internal error", "judge failed", "judge unavailable", "vlm failed", "vlm error", "connection error")
"""What the platform writes where a judge's words belong, in lower case and without a full stop."""
SECONDS_ALLOWED = 35.0
"""The limit era 0's second round kept (30 s and 5 s grace): every flagged time is above, every other below."""


def failed_judge(duel: RecordedDuel) -> bool:
    """A draw that is no verdict: nothing said, or an error said in place of a judgement."""
    detail = duel.detail if isinstance(duel.detail, dict) else {}
    words = (duel.issues or str(detail.get("issues") or "")).strip()
    judged = bool(duel.sides[DEFENDER].view and duel.sides[CHALLENGER].view) and duel.winner == DRAW
    silent = not words and not any(detail.values())
    return judged and (silent or words.lower().rstrip(".") in OUTAGES)


def outages(round: RecordedRound, _: object) -> None:
    for match in round.matches.values():
        failed = sum(failed_judge(duel) for duel in match.duels)
        least, most = match.recomputed(more=-failed), match.recomputed(more=failed)
        sentence = f"Counted otherwise, the margin lies between {least} and {most} (bar {round.config.win_margin})."
        round.log.compare("outage-as-draw", match.file, failed, 0, field="duels", sentence=sentence)


def near_the_bar(round: RecordedRound, decision: Decision) -> None:
    """One duel more or less is one step of the margin; a drawn one instead of a lost one counts the same.

    And did duels given for a missing file carry the challenger over the bar?
    """
    bar = round.config.win_margin
    for match in round.matches.values():
        # other matches than screens and the rungs of the deciding ladder only fill the matrix
        met = match.defender == LEADER or (match.defender, match.challenger) in decision.final.pairs()
        margin = match.recomputed()
        given = sum(_by_missing_file(duel) for duel in match.duels) if met else 0
        less, more, without = (match.recomputed(more=more) for more in (-1, 1, -given))
        if repeat_of(match.defender) is not None or margin is None or less is None or more is None or without is None:
            continue
        took = (match.defender, match.challenger) in decision.final.pairs(won=True)
        score = f"{match.won(CHALLENGER)} won, {match.won(DEFENDER)} lost of {match.counted}."
        about: dict[str, Any] = {"field": "margin", "found": margin}
        if took and match.challenger == decision.winner and less < bar:
            round.log.note("winner-by-one-duel", match.file, **about, expected=bar, sentence=score)
        if met and margin < bar <= more:
            round.log.note("one-duel-short", match.file, **about, expected=bar, sentence=score)
        if given and without < bar <= margin:
            sentence = f"{given} duels were given because {match.defender} had no picture."
            round.log.note("qualified-by-missing-file", match.file, **about, expected=without, sentence=sentence)


def _by_missing_file(duel: RecordedDuel) -> bool:
    return duel.winner == CHALLENGER and not duel.sides[DEFENDER].view and bool(duel.sides[CHALLENGER].view)


def given_to_challengers(round: RecordedRound, _: object) -> None:
    """Duels that no judge saw, because the defender had no picture, or took too long: one finding a defender."""
    duels: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for match in round.matches.values():
        for duel in match.duels:
            if _by_missing_file(duel):
                duels["defender-file-missing", match.defender].append((duel.stem, match.challenger))
            if duel.winner == CHALLENGER and TOO_LATE.get(duel.issues.strip()) == {DEFENDER}:
                duels["defender-too-slow", match.defender].append((duel.stem, match.challenger))
    for (kind, defender), pairs in sorted(duels.items()):
        stems, challengers = sorted({stem for stem, _ in pairs}), {challenger for _, challenger in pairs}
        sentence = f"Of {len(stems)} prompts, in {len(challengers)} matches; no judge saw them."
        round.note(kind, defender, field=", ".join(stems[:3]), found=len(pairs), expected=0, sentence=sentence)


def order(round: RecordedRound, decision: Decision) -> None:
    """Only a tie between two who both had a turn decides anything.  A screen match out of reveal order was played, or
    played again, after the others."""
    for first, second in pairwise(decision.queue):
        block = round.submissions[first]["revealed_at_block"]
        if block == round.submissions[second]["revealed_at_block"] and round.era > 0:
            round.note("order-by-tie", "submissions.json", field=f"{first}, {second}", found=block)
    rows = [challenger for defender, challenger in round.matrix if defender == LEADER]
    present = set(rows)
    due = [hotkey for hotkey in round.queue if hotkey in present]
    if rows == due or present != set(due):
        return
    # the one hotkey whose place explains the whole difference, if there is one
    differing = next(pair for pair in zip(due, rows, strict=True) if pair[0] != pair[1])
    moved = next((name for name in differing if others_in(rows, name) == others_in(due, name)), None)
    sentence = f"Judged, or judged again, apart from the others: {moved or 'several'}."
    round.note("judged-out-of-order", "matches_matrix.csv", field="right", found=moved, sentence=sentence)


def others_in(rows: list[str], moved: str) -> list[str]:
    return [name for name in rows if name != moved]


def times(round: RecordedRound, _: object) -> None:
    """Era 0: a side that took longer than the limit loses, both draw. Checked where the round used the rule at all."""
    duels = [(match, duel) for match in round.matches.values() for duel in match.duels]
    if round.era > 0 or not any(duel.issues in TOO_LATE for _, duel in duels):
        return
    for match, duel in duels:
        leads = match.defender == LEADER
        owners = {DEFENDER: (match.defender, round.leaders_outputs if leads else SUBMITTED)}
        owners |= {CHALLENGER: (match.challenger, SUBMITTED)}
        made = {side: round.assets.get(owner, {}).get(duel.stem) for side, owner in owners.items()}
        seconds = {side: asset.seconds or 0.0 for side, asset in made.items() if asset and duel.sides[side].view}
        late = {side for side, number in seconds.items() if number > SECONDS_ALLOWED}
        due = {0: duel.winner, 2: DRAW}.get(len(late), DEFENDER if CHALLENGER in late else CHALLENGER)
        if len(seconds) == 2 and (late != TOO_LATE.get(duel.issues, set()) or duel.winner != due):
            sentence = f"Slower than {SECONDS_ALLOWED:g} s: {', '.join(sorted(late)) or 'neither'}."
            at: dict[str, Any] = {"field": f"{duel.field}.winner", "sentence": sentence}
            round.log.note("duel-time", match.file, found=duel.winner, expected=due, **at)
