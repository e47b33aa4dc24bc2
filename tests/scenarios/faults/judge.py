"""What if the judge fails now and then, or for a while?  The real judge under its own name, behind a fault.

`every:3`: each third call of a process is no answer; `while:FILE`: none is, for as long as the play
has that file.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from django.conf import settings

from judging import backends
from judging.backends.base import Answer, Judge, NoAnswer, Question
from judging.perceptual import perceptual
from tests.scenarios.faults.apps import happened


class Faulty:
    def __init__(self, honest: Judge, *, mode: str) -> None:
        self.honest, self.name, self.version = honest, honest.name, honest.version
        self.kind, _, self.value = mode.partition(":")
        self.calls = count(1)

    def fails(self) -> bool:
        if self.kind == "while":
            return (settings.VAR_DIR / self.value).exists()
        return next(self.calls) % int(self.value) == 0

    def ask(self, question: Question) -> Answer:
        if self.fails():
            happened("unanswered")
            raise NoAnswer("outage", "The judge of this play is out of order.")
        return self.honest.ask(question)


def install(mode: str) -> None:
    def made(argument: str) -> Judge:
        return Faulty(perceptual.made(argument), mode=mode)

    globals()["made"] = made
    backends.JUDGES["perceptual-v1"] = replace(backends.JUDGES["perceptual-v1"], made_by=f"{__name__}:made")
