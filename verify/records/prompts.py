"""Are a round's prompts the ones its seed and the round before give?"""

from __future__ import annotations

from collections import Counter
from random import Random

from verify.rounds import RecordedRound


def check_prompts(round: RecordedRound, previous: RecordedRound | None) -> None:
    """The first `carryover` prompts are a sample of the previous list, drawn with the round's seed, in drawn order."""
    file, wanted = "prompts.txt", round.config.prompts
    if not round.prompts:
        return
    if len(round.prompts) != wanted:
        round.note("prompt-count", file, found=len(round.prompts), expected=wanted)
    for prompt, times in Counter(round.prompts).items():
        if times > 1:
            round.note("prompt-twice", file, found=prompt, sentence=f"The prompt is listed {times} times.")
    if previous is None or not previous.prompts or round.seed is None:
        return
    number = min(round.config.carried_over, len(previous.prompts))
    drawn = Random(round.seed).sample(previous.prompts, number)
    for line, prompt in enumerate(drawn):
        there = round.prompts[line] if line < len(round.prompts) else None
        if there != prompt:
            kept = len(set(drawn) & set(round.prompts))
            sentence = f"Random({round.seed}).sample(previous, {number}) gives another; {kept} of them are in the list."
            round.note("carried-over", file, field=f"line {line + 1}", found=there, expected=prompt, sentence=sentence)
            return
    round.log.count("carried-over prompts redrawn", by=number)
    old = set(previous.prompts) if round.era < 3 else set()  # there each round draws from the whole pool
    for line, prompt in enumerate(round.prompts[number:], start=number + 1):
        if prompt in old:
            round.note("prompt-drawn-again", file, field=f"line {line}", found=prompt)
