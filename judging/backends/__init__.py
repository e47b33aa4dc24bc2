"""Which judges are there?  Loaded by name, so that only the processes that judge load what a judge needs."""

from functools import cache
from importlib import import_module

from judging.backends.base import Answer, Judge, NoAnswer, Question, Side

__all__ = ["JUDGES", "Answer", "Judge", "NoAnswer", "Question", "Side", "judge_named"]

JUDGES = {
    "openai": "judging.panel.openai:made",
    "perceptual-v1": "judging.perceptual.perceptual:made",
    "scripted": "judging.backends.scripted:made",
    "transformers": "judging.panel.transformers:made",
}


@cache
def judge_named(name: str) -> Judge:
    """The judge of that name: `perceptual-v1`, or `openai:vlm-2` for one that takes an argument.

    One judge per process and name, so that what it has worked out about an asset is kept.
    Raises KeyError for a name that is not in JUDGES and ValueError for an argument that the judge does not take.
    """
    kind, _, argument = name.partition(":")
    module, _, made_by = JUDGES[kind].partition(":")
    made: Judge = getattr(import_module(module), made_by)(argument)
    return made
