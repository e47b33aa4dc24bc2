"""Do scores, margins and the matrix follow from the duels, and the duels from the prompts and files?"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from verify.findings import Book
from verify.rounds import CHALLENGER, DEFENDER, DRAW, LEADER, SKIPPED, Duel, Match, Round, Side, stem_of

UNNEEDED = "Not needed: "
REPEAT = re.compile(r"(.+)_(\d{1,4})")
"""The defender's name in an audit match of era 2: `submitted_<r>` or `<defender>_<r>`."""
SUBMITTED = "submitted"
SHEET = "grid.png"
"""Era 2 lists a folder of views; its duels show this file in it."""


def check_matches(round: Round, *, book: Book) -> None:
    prompts = {stem_of(prompt): prompt for prompt in round.prompts}
    for match in round.matches.values():
        _sums(match, book=book)
        _skipped(round, match, book=book)
        if round.era == 3 and repeat_of(match.defender):
            wanted = prompts | {stem_of(prompt): prompt for prompt in round.fresh}
            _duel_list(match, wanted, every=False, book=book)
        else:
            _duel_list(match, prompts, book=book)
        for duel in match.duels:
            _verdict_against_files(match, duel, book=book)
        book.count("matches recomputed")
        book.count("duels read", by=len(match.duels))
        book.count("of them without a picture of one side or both", by=sum(not _judged(duel) for duel in match.duels))
    _matrix(round, book=book)
    _all_played(round, book=book)
    _assets_judged(round, book=book)


def _judged(duel: Duel) -> bool:
    return all(side.view for side in duel.sides.values())


def _sums(match: Match, *, book: Book) -> None:
    if match.score is not None and match.score != match.net:
        said = "The score is duels won less duels lost."
        book.note("score", file=match.file, field="score", found=match.score, expected=match.net, sentence=said)
    margin = match.recomputed()
    if match.margin != margin and match.margin != _over_all(match):
        said = f"{match.won(CHALLENGER)} won, {match.won(DEFENDER)} lost of {match.counted} counted."
        book.note("margin", file=match.file, field="margin", found=match.margin, expected=margin, sentence=said)


def _skipped(round: Round, match: Match, *, book: Book) -> None:
    """In era 3 a match that is certain leaves the rest of its duels unjudged, and says so in each of them."""
    unneeded = sum(duel.issues.startswith(UNNEEDED) for duel in match.duels) if round.era == 3 else 0
    skipped = match.won(SKIPPED) - unneeded
    if skipped > 0:
        said = "Skipped duels; the margin is accepted over the counted duels or over all of them."
        book.note("duel-skipped", file=match.file, field="duels", found=skipped, expected=0, sentence=said)


def _over_all(match: Match) -> float | None:
    """Whether a skipped duel counts in the divisor is not documented: either is accepted, and told."""
    return match.net / len(match.duels) if match.won(SKIPPED) else match.recomputed()


def _duel_list(match: Match, prompts: dict[str, str], *, book: Book, every: bool = True) -> None:
    """Each prompt of the round has exactly one duel, under its own address.

    Of outputs that were generated again (not `every`) there may be fewer: a title match ends when it is decided.
    """
    times = Counter(duel.stem for duel in match.duels)
    missing = [stem for stem in prompts if every and stem not in times]
    lists = (
        ("duel-twice", [stem for stem, number in times.items() if number > 1], "A prompt is judged twice."),
        ("duel-of-no-prompt", [stem for stem in times if stem not in prompts], "No such prompt in this round."),
        ("duel-missing", missing, "A prompt of the round has no duel."),
    )
    for kind, stems, said in lists:
        if stems and prompts:
            book.note(kind, file=match.file, field="duels", found=stems[:5], sentence=f"{said} {len(stems)} in all.")
    for duel in match.duels:
        wanted = prompts.get(duel.stem)
        if wanted is not None and duel.prompt != wanted:
            said = "The duel shows another picture than the round's prompt list."
            place = f"{duel.field}.prompt"
            found = duel.prompt
            book.note("duel-prompt", file=match.file, field=place, found=found, expected=wanted, sentence=said)


def _verdict_against_files(match: Match, duel: Duel, *, book: Book) -> None:
    """A side without a picture cannot be judged: it loses to one with a picture, and draws against none."""
    defends, challenges = duel.sides[DEFENDER].view, duel.sides[CHALLENGER].view
    if (defends and challenges) or duel.winner == SKIPPED:
        return
    wanted = DRAW if not defends and not challenges else (DEFENDER if defends else CHALLENGER)
    if duel.winner != wanted:
        said = "A side without a picture loses the duel; two such sides draw."
        place = f"{duel.field}.winner"
        book.note("duel-verdict", file=match.file, field=place, found=duel.winner, expected=wanted, sentence=said)


def repeat_of(defender: str) -> tuple[str, int] | None:
    found = REPEAT.fullmatch(defender)
    return (found[1], int(found[2])) if found else None


def _matrix(round: Round, *, book: Book) -> None:
    """From era 1 on the matrix and the match files are two statements of the same margins."""
    if round.era == 0 or not round.finished:
        return
    for pair, match in round.matches.items():
        of_audit = round.era >= 2 and repeat_of(pair[0]) is not None
        table, name = (round.repeats, "audit_matrix.csv") if of_audit else (round.matrix, "matches_matrix.csv")
        _row(round, pair, match=match, stated=table.get(pair), name=name, book=book)
    published = {challenger for defender, challenger in round.matches if round.era == 2 and repeat_of(defender)}
    audits = {pair: margin for pair, margin in round.repeats.items() if pair[1] in published}
    for name, table in (("matches_matrix.csv", round.matrix), ("audit_matrix.csv", audits)):
        for pair in table.keys() - round.matches.keys():
            said = "The matrix has a margin and there is no match file it could follow from."
            place, file = ",".join(pair), round.file(name)
            book.note("match-file-missing", file=file, field=place, found=table[pair], sentence=said)


def _row(round: Round, pair: tuple[str, str], *, match: Match, stated: float | None, name: str, book: Book) -> None:
    place, margin = ",".join(pair), match.recomputed()
    if stated is None:
        said = "The match was played and has no row in the matrix."
        book.note("matrix-row-missing", file=round.file(name), field=place, expected=margin, sentence=said)
    elif stated not in (margin, _over_all(match)):
        said = f"The duels in {match.file} give another margin."
        file = round.file(name)
        book.note("matrix-margin", file=file, field=place, found=stated, expected=margin, sentence=said)


def _all_played(round: Round, *, book: Book) -> None:
    """Every submission meets someone, unless its source audit failed; nobody else plays."""
    playing = {challenger for _, challenger in round.matches} | {challenger for _, challenger in round.matrix}
    for hotkey in sorted(playing - round.submissions.keys()):
        said = "A match of a hotkey that submitted nothing in this round."
        book.note("match-of-stranger", file=round.file("submissions.json"), field=hotkey, sentence=said)
    if not round.finished:
        return
    met = {challenger for defender, challenger in round.matches if defender == LEADER or round.era == 0}
    for hotkey in sorted(round.submissions.keys() - met - _copies(round)):
        audit = round.source.get(hotkey)
        if audit is not None and audit.text("verdict") == "failed":
            said = f"Rejected by the source audit before any duel: {audit.optional_text('reason')}."
            book.note("rejected-before-duels", file=audit.file, field=audit.at, found=hotkey, sentence=said)
        else:
            said = "Submitted, not rejected, and no match was played."
            book.note("match-missing", file=round.file("submissions.json"), field=hotkey, sentence=said)


def _copies(round: Round) -> set[str]:
    """In era 3 a copy need not be judged: whoever revealed the commit, or the files, first was.

    Addresses there are hashes, so equal files have equal addresses.
    """
    seen: set[object] = set()
    copies = set()
    for hotkey in round.queue if round.era == 3 else ():
        made = round.assets.get((hotkey, "submitted"), {})
        files = tuple(sorted((stem, asset.side.asset or "") for stem, asset in made.items()))
        solution = {round.submissions[hotkey].commit, *([files] if any(url for _, url in files) else [])}
        if solution & seen:
            copies.add(hotkey)
        seen |= solution
    return copies


def _assets_judged(round: Round, *, book: Book) -> None:
    """The files a duel names are those its sides made. One line per file and prompt."""
    met: dict[tuple[str, str], list[Match]] = defaultdict(list)
    differing: dict[tuple[str, str, str, str, str], list[Match]] = defaultdict(list)
    for match in round.matches.values():
        for side, owner, what in _outputs_shown(round, match):
            met[owner, what].append(match)
            made = round.assets.get((owner, what), {})
            for duel in match.duels if made else ():
                asset, shown = made.get(duel.stem), duel.sides[side]
                listed = asset.side if asset else Side(None, None)
                if not _same_files(shown, listed, era=round.era):
                    key = (owner, what, duel.stem, shown.view or shown.asset or "", listed.view or listed.asset or "")
                    differing[key].append(match)
    for (owner, what, stem, found, listed_file), among in sorted(differing.items(), key=lambda item: item[0]):
        others = sorted({match.challenger for match in met[owner, what]} - {match.challenger for match in among})
        rest = f"; in the match of {', '.join(others)} it was the listed one" if 0 < len(others) <= 3 else ""
        said = (
            f"In {len(among)} of {len(met[owner, what])} matches the duel of this prompt used another file than is "
            f"listed{rest}."
        )
        file = round.file(f"{owner}/{'generations' if round.era == 0 else what}.json")
        shown_file, wanted = found or "no file", listed_file or "no file"
        book.note("judged-other-file", file=file, field=stem, found=shown_file, expected=wanted, sentence=said)


def _outputs_shown(round: Round, match: Match) -> list[tuple[str, str, str]]:
    """(side, whose, which outputs) of both sides; of era 3's repeats, which may be of several regenerations, none."""
    repeat = repeat_of(match.defender)
    if repeat is None:
        return [(DEFENDER, *_of_defender(round, match.defender)), (CHALLENGER, match.challenger, SUBMITTED)]
    if round.era != 2:
        return []
    left, number = repeat
    against = (match.challenger, SUBMITTED) if left == SUBMITTED else _of_defender(round, left)
    return [(DEFENDER, *against), (CHALLENGER, match.challenger, f"generated_{number}")]


def _of_defender(round: Round, defender: str) -> tuple[str, str]:
    return (defender, round.leaders_outputs if defender == LEADER else SUBMITTED)


def _same_files(shown: Side, listed: Side, *, era: int) -> bool:
    if shown == listed:
        return True
    sheet = f"{listed.view.rstrip('/')}/{SHEET}" if era == 2 and listed.view else None
    return sheet is not None and shown == Side(listed.asset, sheet)
