"""Are a round's prompts the ones its seed and the round before give?"""

from __future__ import annotations

from collections import Counter
from random import Random

from verify.findings import Book
from verify.rounds import Round


def check_prompts(round: Round, previous: Round | None, *, book: Book) -> None:
    if not round.prompts:
        return
    file, wanted = round.file("prompts.txt"), round.config.prompts
    if len(round.prompts) != wanted:
        said = "Another number of prompts than config.json states."
        book.note("prompt-count", file=file, found=len(round.prompts), expected=wanted, sentence=said)
    for prompt, times in Counter(round.prompts).items():
        if times > 1:
            book.note("prompt-twice", file=file, found=prompt, sentence=f"The prompt is listed {times} times.")
    if previous is not None and previous.prompts and round.seed is not None:
        _carried_over(round, previous, seed=round.seed, file=file, book=book)


def _carried_over(round: Round, previous: Round, *, seed: int, file: str, book: Book) -> None:
    """The first `carryover` prompts are a sample of the previous list, drawn with the round's seed, in drawn order."""
    number = min(round.config.carried_over, len(previous.prompts))
    drawn = Random(seed).sample(previous.prompts, number)
    there = round.prompts[:number]
    if there != drawn:
        line = next((i for i, (a, b) in enumerate(zip(there, drawn, strict=False)) if a != b), len(there))
        found = there[line] if line < len(there) else None
        kept = len(set(drawn) & set(round.prompts))
        said = f"Random({seed}).sample(previous, {number}) gives other prompts here; {kept} of them are in the list."
        place = f"line {line + 1}"
        book.note("carried-over", file=file, field=place, found=found, expected=drawn[line], sentence=said)
        return
    book.count("carried-over prompts redrawn", by=number)
    old = set(previous.prompts) if round.era < 3 else set()  # there each round draws from the whole pool
    for at, prompt in enumerate(round.prompts[number:], start=number + 1):
        if prompt in old:
            said = "The prompt was in the round before, was not carried over, and was drawn again."
            book.note("prompt-drawn-again", file=file, field=f"line {at}", found=prompt, sentence=said)
