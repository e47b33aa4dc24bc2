"""Where did a verdict hang on one duel, on an outage, on a missing file or on a tie?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

from verify.findings import Book
from verify.records.matches import repeat_of
from verify.records.winners import Decision
from verify.rounds import CHALLENGER, DEFENDER, DRAW, LEADER, Duel, Match, Round

OUTAGE = re.compile(r"internal error|judge (failed|unavailable)|vlm (failed|error|unavailable)|connection error", re.I)
LONGEST_OUTAGE_TEXT = 60
"""A judge's own words are longer; `Internal error` alone is the platform speaking."""
TOO_SLOW = re.compile(r"Generation time exceeded for (challenger|leader|both)")
SECONDS_ALLOWED = 35.0
"""The limit era 0's second round kept (30 s and 5 s grace): every flagged time is above, every other below."""


SLOW_SIDES = {"challenger": {CHALLENGER}, "leader": {DEFENDER}, "both": {DEFENDER, CHALLENGER}}


def check_fragile_results(round: Round, decision: Decision, *, book: Book) -> None:
    for match in round.matches.values():
        _outage(round, decision, match, book=book)
        if repeat_of(match.defender) is None:
            _near_the_bar(round, decision, match, book=book)
            _given(round, decision, match, book=book)
    _defenders_missing(round, book=book)
    _defenders_slow(round, book=book)
    _ties(round, decision, book=book)
    _order(round, book=book)
    if round.era == 0:
        _times(round, book=book)


def failed_judge(duel: Duel) -> bool:
    """A draw that is no verdict: nothing said, or an error said in place of a judgement."""
    detail = duel.detail if isinstance(duel.detail, dict) else {}
    said = (duel.issues or str(detail.get("issues") or "")).strip()
    judged = bool(duel.sides[DEFENDER].view and duel.sides[CHALLENGER].view) and duel.winner == DRAW
    silent = not said and not any(detail.values())
    return judged and (silent or (0 < len(said) <= LONGEST_OUTAGE_TEXT and bool(OUTAGE.search(said))))


def _outage(round: Round, decision: Decision, match: Match, *, book: Book) -> None:
    failed = sum(failed_judge(duel) for duel in match.duels)
    if not failed:
        return
    least, most, bar = match.recomputed(more=-failed), match.recomputed(more=failed), round.config.win_margin
    effect = f"counted otherwise, the margin lies between {least} and {most} (bar {bar})"
    of_audit = repeat_of(match.defender) is not None
    place = "" if of_audit or _met(decision, match) else "; the match is not part of the deciding ladder"
    said = f"{failed} duels the judge failed at are stored as draws; {effect}{place}."
    book.note("outage-as-draw", file=match.file, field="duels", found=failed, expected=0, sentence=said)


def _near_the_bar(round: Round, decision: Decision, match: Match, *, book: Book) -> None:
    """One duel more or less is one step of the margin; a drawn one instead of a lost one counts the same."""
    bar, margin = round.config.win_margin, match.recomputed()
    less, more = match.recomputed(more=-1), match.recomputed(more=1)
    if margin is None or less is None or more is None:
        return
    won = match.challenger == decision.winner and _took(decision, match)
    score = f"{match.won(CHALLENGER)} won, {match.won(DEFENDER)} lost of {match.counted}"
    if won and less < bar:
        said = f"{score}: with one duel less it would not have taken the lead."
        book.note("winner-by-one-duel", file=match.file, field="margin", found=margin, expected=bar, sentence=said)
    if margin < bar <= more and _met(decision, match):
        said = f"{score}: with one duel more it would have reached the bar."
        book.note("one-duel-short", file=match.file, field="margin", found=margin, expected=bar, sentence=said)


def _took(decision: Decision, match: Match) -> bool:
    rungs = decision.final.rungs
    return any(rung.takes and (rung.defender, rung.challenger) == (match.defender, match.challenger) for rung in rungs)


def _met(decision: Decision, match: Match) -> bool:
    """A screen against the leader, or a rung of the deciding ladder; other matches only fill the matrix."""
    rungs = decision.final.rungs
    played = any((rung.defender, rung.challenger) == (match.defender, match.challenger) for rung in rungs)
    return match.defender == LEADER or played


def _given(round: Round, decision: Decision, match: Match, *, book: Book) -> None:
    """Did duels given for a missing file carry the challenger over the bar?"""
    given = sum(_for_missing_file(duel) for duel in match.duels) if _met(decision, match) else 0
    margin, without = match.recomputed(), match.recomputed(more=-given)
    bar = round.config.win_margin
    if given and margin is not None and without is not None and without < bar <= margin:
        said = f"{given} duels were given because {match.defender} had no picture; without them the bar is missed."
        kind = "qualified-by-missing-file"
        book.note(kind, file=match.file, field="margin", found=margin, expected=without, sentence=said)


def _for_missing_file(duel: Duel) -> bool:
    return duel.winner == CHALLENGER and not duel.sides[DEFENDER].view and bool(duel.sides[CHALLENGER].view)


def _for_slowness(duel: Duel) -> bool:
    slow = TOO_SLOW.fullmatch(duel.issues.strip())
    return bool(slow and slow[1] == "leader" and duel.winner == CHALLENGER)


def _defenders_missing(round: Round, *, book: Book) -> None:
    said = "duels were won by the challenger because {defender} had no picture for {prompts} prompt(s)"
    _by_defender(round, "defender-file-missing", _for_missing_file, said, book=book)


def _defenders_slow(round: Round, *, book: Book) -> None:
    said = "duels were won by the challenger because {defender} took too long on {prompts} prompt(s)"
    _by_defender(round, "defender-too-slow", _for_slowness, said, book=book)


def _by_defender(round: Round, kind: str, given: Callable[[Duel], bool], said: str, *, book: Book) -> None:
    duels: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for match in round.matches.values():
        duels[match.defender] += [(duel.stem, match.challenger) for duel in match.duels if given(duel)]
    for defender, pairs in sorted(duels.items()):
        stems = sorted({stem for stem, _ in pairs})
        if stems:
            told = said.format(defender=defender, prompts=len(stems))
            matches = len({challenger for _, challenger in pairs})
            sentence = f"{len(pairs)} {told}, in {matches} matches; no judge saw them."
            file = round.file(f"{defender}")
            book.note(kind, file=file, field=", ".join(stems[:3]), found=len(pairs), expected=0, sentence=sentence)


def _ties(round: Round, decision: Decision, *, book: Book) -> None:
    """Only a tie between two who both had a turn decides anything."""
    for first, second in pairwise(decision.queue):
        block = round.submissions[first].block
        if block == round.submissions[second].block and round.era > 0:
            said = f"{first} and {second} were revealed in block {block}; the order of the file put the first first."
            file = round.file("submissions.json")
            book.note("order-by-tie", file=file, field=f"{first}, {second}", found=block, sentence=said)


def _order(round: Round, *, book: Book) -> None:
    """A screen match out of reveal order was played, or played again, after the others."""
    rows = [challenger for defender, challenger in round.matrix if defender == LEADER]
    wanted = [hotkey for hotkey in round.queue if hotkey in set(rows)]
    if rows == wanted or set(rows) != set(wanted):
        return
    moved = _moved(rows, wanted)
    where = (
        f"row {rows.index(moved) + 1} of {len(rows)}, place {wanted.index(moved) + 1} by reveal"
        if moved
        else "several rows"
    )
    said = f"Judged, or judged again, apart from the others: {where}."
    file = round.file("matches_matrix.csv")
    book.note("judged-out-of-order", file=file, field="right", found=moved or None, sentence=said)


def _moved(rows: list[str], wanted: list[str]) -> str:
    """The one hotkey whose place explains the whole difference, if there is one."""
    first = next(place for place, (a, b) in enumerate(zip(rows, wanted, strict=True)) if a != b)
    for hotkey in (wanted[first], rows[first]):
        if [other for other in rows if other != hotkey] == [other for other in wanted if other != hotkey]:
            return hotkey
    return ""


def _times(round: Round, *, book: Book) -> None:
    """Era 0: a side that took longer than the limit loses, both draw. Checked where the round used the rule at all."""
    if not any(TOO_SLOW.fullmatch(duel.issues) for match in round.matches.values() for duel in match.duels):
        return
    for match in round.matches.values():
        for duel in match.duels:
            _time(round, match, duel, book=book)


def _time(round: Round, match: Match, duel: Duel, *, book: Book) -> None:
    sides = (
        (DEFENDER, match.defender, "generated" if match.defender == LEADER else "submitted"),
        (CHALLENGER, match.challenger, "submitted"),
    )
    late = set()
    for side, owner, what in sides:
        asset = round.assets.get((owner, what), {}).get(duel.stem)
        if not duel.sides[side].view or asset is None:
            return
        if (asset.seconds or 0.0) > SECONDS_ALLOWED:
            late.add(side)
    said = TOO_SLOW.fullmatch(duel.issues)
    stated = SLOW_SIDES[said[1]] if said else set()
    wanted = {0: duel.winner, 2: DRAW}.get(len(late), DEFENDER if CHALLENGER in late else CHALLENGER)
    if late != stated or duel.winner != wanted:
        slow = ", ".join(sorted(late)) or "neither"
        told = f"Slower than {SECONDS_ALLOWED:g} s: {slow}; the duel says: {duel.issues[:60]}"
        place = f"{duel.field}.winner"
        book.note("duel-time", file=match.file, field=place, found=duel.winner, expected=wanted, sentence=told)
