"""Do scores, margins and the matrix follow from the duels, and the duels from the prompts and files?"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from verify.records.layout import stem_of, unneeded_places
from verify.rounds import (
    CHALLENGER,
    DEFENDER,
    DRAW,
    LEADER,
    SKIPPED,
    SUBMITTED,
    RecordedAsset,
    RecordedDuel,
    RecordedMatch,
    RecordedRound,
    RecordedSide,
)

DUEL_KINDS = {"prompt": "duel-prompt", "winner": "duel-verdict"}
REPEAT = re.compile(r"(.+)_(\d{1,4})")
"""The defender's name in an audit match of era 2: `submitted_<r>` or `<defender>_<r>`."""
SHEET = "grid.png"
"""Era 2 lists a folder of views; its duels show this file in it."""


def sums(round: RecordedRound, _: object) -> None:
    """Score and margin.  A match of era 3 that is certain leaves the rest of its duels unjudged, and says so there."""
    log = round.log
    for match in round.matches.values():
        margins = match.possible_margins
        if match.score is not None:
            sentence = "The score is duels won less duels lost."
            log.compare("score", match.file, match.score, match.net, field="score", sentence=sentence)
        expected = match.margin if match.margin in margins else margins[0]
        sentence = f"{match.won(CHALLENGER)} won, {match.won(DEFENDER)} lost of {match.counted} counted."
        log.compare("margin", match.file, match.margin, expected, field="margin", sentence=sentence)
        skipped = match.won(SKIPPED) - (unneeded(match) if round.era == 3 else 0)
        if skipped > 0:
            log.note("duel-skipped", file=match.file, field="duels", found=skipped, expected=0)
        unseen = sum(not all(side.view for side in duel.sides.values()) for duel in match.duels)
        log.count("matches recomputed")
        log.count("duels read", by=len(match.duels))
        log.count("of them without a picture of one side or both", by=unseen)


def unneeded(match: RecordedMatch) -> int:
    """How many duels a match of era 3 left out because it was certain."""
    skipped = [duel.winner == SKIPPED for duel in match.duels]
    unjudged = [left_out or bool(without_pictures(duel)) for left_out, duel in zip(skipped, match.duels, strict=True)]
    return sum(unneeded_places(skipped, [duel.state for duel in match.duels], unjudged))


def duels(round: RecordedRound, _: object) -> None:
    """Each prompt of the round has exactly one duel, under its own address.

    Of outputs that era 3 generated again there may be fewer: a title match ends when it is decided.
    """
    listed = {stem_of(prompt): prompt for prompt in round.prompts}
    fresh = listed | {stem_of(prompt): prompt for prompt in round.fresh_prompts}
    for match in round.matches.values():
        partly = round.era == 3 and repeat_of(match.defender) is not None
        prompts, times = fresh if partly else listed, Counter(duel.stem for duel in match.duels)
        lists = {
            "duel-twice": [stem for stem, number in times.items() if number > 1],
            "duel-of-no-prompt": [stem for stem in times if stem not in prompts],
            "duel-missing": [] if partly else [stem for stem in prompts if stem not in times],
        }
        for kind, stems in lists.items():
            if stems and prompts:
                round.log.note(kind, match.file, field="duels", found=stems[:5], sentence=f"{len(stems)} in all.")
        for duel in match.duels:
            actual = {"prompt": duel.prompt, "winner": duel.winner}
            expected = {
                "prompt": prompts.get(duel.stem, duel.prompt),
                "winner": without_pictures(duel) or duel.winner,
            }
            if actual != expected:
                round.log.compare(DUEL_KINDS, match.file, {duel.field: actual}, {duel.field: expected})


def without_pictures(duel: RecordedDuel) -> str:
    """A side without a picture cannot be judged: it loses to one with a picture, and draws against none.  "" where
    both have one, or the duel was skipped."""
    defends, challenges = duel.sides[DEFENDER].view, duel.sides[CHALLENGER].view
    if (defends and challenges) or duel.winner == SKIPPED:
        return ""
    return DEFENDER if defends else CHALLENGER if challenges else DRAW


def repeat_of(defender: str) -> tuple[str, int] | None:
    match = REPEAT.fullmatch(defender)
    return (match[1], int(match[2])) if match else None


def matrix(round: RecordedRound, _: object) -> None:
    """From era 1 on the matrix and the match files are two statements of the same margins."""
    if round.era == 0 or not round.finished:
        return
    published = {challenger for defender, challenger in round.matches if round.june and repeat_of(defender)}
    audits = {pair: margin for pair, margin in round.repeats.items() if pair[1] in published}
    for pair, match in round.matches.items():
        of_audit = round.era >= 2 and repeat_of(pair[0]) is not None
        table, name = (round.repeats, "audit_matrix.csv") if of_audit else (round.matrix, "matches_matrix.csv")
        stated, margins = table.get(pair), match.possible_margins
        if stated not in margins:
            kind = "matrix-row-missing" if stated is None else "matrix-margin"
            round.note(kind, name, field=",".join(pair), found=stated, expected=margins[0])
    for name, table in (("matches_matrix.csv", round.matrix), ("audit_matrix.csv", audits)):
        for pair in sorted(table.keys() - round.matches.keys()):
            round.note("match-file-missing", name, field=",".join(pair), found=table[pair])


def all_played(round: RecordedRound, _: object) -> None:
    """Every submission meets someone, unless its source audit failed; nobody else plays."""
    playing = {challenger for _, challenger in (*round.matches, *round.matrix)}
    for hotkey in sorted(playing - round.submissions.keys()):
        round.note("match-of-stranger", "submissions.json", field=hotkey)
    if not round.finished:
        return
    met = {challenger for defender, challenger in round.matches if defender == LEADER or round.era == 0}
    for hotkey in sorted(round.submissions.keys() - met - copies_of_others(round)):
        audit = round.source.get(hotkey)
        if audit is not None and audit["verdict"] == "failed":
            audit.note("rejected-before-duels", found=hotkey, sentence=f"Its reason: {audit['reason']}.")
        else:
            round.note("match-missing", "submissions.json", field=hotkey)


def copies_of_others(round: RecordedRound) -> set[str]:
    """In era 3 a copy need not be judged: whoever revealed the commit, or the files, first was.

    Addresses there are hashes, so equal files have equal addresses.
    """
    seen: set[object] = set()
    copies = set()
    for hotkey in round.queue if round.era == 3 else ():
        made = round.assets.get((hotkey, SUBMITTED), {})
        files = tuple(sorted((stem, asset.side.asset or "") for stem, asset in made.items()))
        solution = {round.submissions[hotkey]["commit"], *([files] if any(url for _, url in files) else [])}
        if solution & seen:
            copies.add(hotkey)
        seen |= solution
    return copies


def files_shown(round: RecordedRound, _: object) -> None:
    """The files a duel names are those its sides made. One line per file and prompt."""
    met: dict[tuple[str, str], set[str]] = defaultdict(set)
    matches: Counter[tuple[str, str]] = Counter()
    differing: dict[tuple[str, str, str, str, str], list[str]] = defaultdict(list)
    for match in round.matches.values():
        for side, owner, what in outputs_shown(round, match):
            met[owner, what].add(match.challenger)
            matches[owner, what] += 1
            for stem, actual, expected in unlisted_files(round, match, side, made=round.assets.get((owner, what), {})):
                differing[owner, what, stem, actual, expected].append(match.challenger)
    for (owner, what, stem, actual, expected), among in sorted(differing.items()):
        others = sorted(met[owner, what] - set(among))
        rest = f"; in the match of {', '.join(others)} it was the listed one" if 0 < len(others) <= 3 else ""
        sentence = f"In {len(among)} of {matches[owner, what]} matches a duel used another file than is listed{rest}."
        name = f"{owner}/{'generations' if round.era == 0 else what}.json"
        round.note("judged-other-file", name, field=stem, found=actual, expected=expected, sentence=sentence)


def unlisted_files(
    round: RecordedRound, match: RecordedMatch, side: str, *, made: Mapping[str, RecordedAsset]
) -> Iterator[tuple[str, str, str]]:
    """(stem, file of the duel, listed file) of each duel whose `side` shows another file than is listed as made."""
    for duel in match.duels if made else ():
        shown, listed = duel.sides[side], made[duel.stem].side if duel.stem in made else RecordedSide(None, None)
        sheet = f"{listed.view.rstrip('/')}/{SHEET}" if round.june and listed.view else listed.view
        if shown not in (listed, RecordedSide(listed.asset, sheet)):
            yield duel.stem, shown.view or shown.asset or "no file", listed.view or listed.asset or "no file"


def outputs_shown(round: RecordedRound, match: RecordedMatch) -> list[tuple[str, str, str]]:
    """(side, whose, which outputs) of both sides.  Of era 3's repeats only the audited side, and that where the layout
    names the regeneration: the leader's side may be of several."""
    left, number = repeat_of(match.defender) or (match.defender, None)
    of_defender = (left, round.leaders_outputs if left == LEADER else SUBMITTED)
    if number is None:
        return [(DEFENDER, *of_defender), (CHALLENGER, match.challenger, SUBMITTED)]
    against = (match.challenger, SUBMITTED) if left == SUBMITTED else of_defender
    rerun = (CHALLENGER, match.challenger, f"generated_{number}")
    if round.era == 2:
        return [(DEFENDER, *against), rerun]
    return [rerun] if round.june else []
