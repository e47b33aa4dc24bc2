"""Judges that follow a script: what does the platform do when its judge fails, or has no opinion?

For tests and for showing an outage; the name says `scripted`, wherever it is shown.
 - `scripted:fail_every=3`  judges like `perceptual-v1`, and each third call of this process gets no answer
 - `scripted:fail_first=6`  the first six calls get no answer: an outage that passes
 - `scripted:always=second` always prefers the asset that is shown second (`first`: the first)
 - `scripted:tie`           sees no difference
 - `scripted:errs=25`       judges like `perceptual-v1`, and is wrong on purpose about 25 of a hundred pairs
 - `scripted:leans=30`      judges like `perceptual-v1`, and gives the second place 30 hundredths more
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from itertools import count

from judging.backends.base import Answer, Judge, NoAnswer, Question

Script = Callable[[Question], Answer]


class Scripted:
    """`honest`: the judge that the script spoils; another version of it is another version of the script."""

    def __init__(self, script: Script, *, line: str, honest: Judge | None = None) -> None:
        self.name = f"scripted:{line}"
        stands_on = "" if honest is None else f" {honest.version}"
        self.version = hashlib.sha256(f"{self.name}{stands_on}".encode()).hexdigest()
        self.ask = script


def made(argument: str) -> Judge:
    """The judge that follows the line `argument`.  Raises ValueError for a line that is not in the module's list."""
    verb, _, value = argument.partition("=")
    if verb in SPOILING:
        from judging.backends import judge_named  # which imports this module by its name

        honest = judge_named("perceptual-v1")
        return Scripted(SPOILING[verb](value, honest), line=argument, honest=honest)
    if verb not in SCRIPTS:
        raise ValueError(f"no such script: {argument!r}; there are {', '.join(sorted([*SCRIPTS, *SPOILING]))}")
    return Scripted(SCRIPTS[verb](value), line=argument)


def always(value: str) -> Script:
    """An additive liking for one place, which both orders together must cancel."""
    score = {"first": -1.0, "second": 1.0}[value] if value in ("first", "second") else None
    if score is None:
        raise ValueError(f"always=first or always=second, not {value!r}")
    return lambda question: Answer(score, raw={"script": "always"})


def tie(value: str) -> Script:
    return lambda question: Answer(0.0, raw={"script": "tie"})


def fail_every(value: str, honest: Judge) -> Script:
    nth = _positive(value)
    return _failing(honest, lambda call: call % nth == 0)


def fail_first(value: str, honest: Judge) -> Script:
    last = _positive(value)
    return _failing(honest, lambda call: call <= last)


def errs(value: str, honest: Judge) -> Script:
    """The same pairs in either order and about every question, so that the error is the judge's and not a place's."""
    of_a_hundred = _positive(value)

    def script(question: Question) -> Answer:
        shown = sorted((question.first.sha256, question.second.sha256))
        drawn = hashlib.sha256(" ".join([question.reference_sha256, *shown]).encode()).digest()
        answer = honest.ask(question)
        turned = int.from_bytes(drawn[:4], "big") % 100 < of_a_hundred
        return replace(answer, score=-answer.score) if turned else answer

    return script


def leans(value: str, honest: Judge) -> Script:
    more = _positive(value) / 100

    def script(question: Question) -> Answer:
        answer = honest.ask(question)
        return replace(answer, score=max(-1.0, min(1.0, answer.score + more)))

    return script


def _failing(honest: Judge, fails: Callable[[int], bool]) -> Script:
    calls = count(1)

    def script(question: Question) -> Answer:
        call = next(calls)
        if fails(call):
            raise NoAnswer("scripted_outage", f"The script of this judge says that call {call} is not answered.")
        return honest.ask(question)

    return script


def _positive(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"a whole number from 1 on, not {value!r}")
    return int(value)


SCRIPTS: dict[str, Callable[[str], Script]] = {"always": always, "tie": tie}
SPOILING: dict[str, Callable[[str, Judge], Script]] = {
    "errs": errs,
    "fail_every": fail_every,
    "fail_first": fail_first,
    "leans": leans,
}
"""What `perceptual-v1` answers, spoiled."""
