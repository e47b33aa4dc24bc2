"""Which judges are there?  Loaded by name, so that only the processes that judge load what a judge needs."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from judging.backends.base import Answer, Judge, NoAnswer, Question, Side

__all__ = ["JUDGES", "Answer", "Judge", "JudgeKind", "NoAnswer", "Question", "Side", "is_model", "judge_named"]


@dataclass(frozen=True, kw_only=True)
class JudgeKind:
    """What the rest of the platform needs to know of a judge.

    `made_by`: `module:function`, called with what follows the colon in the judge's name.  `is_model`: its answers are
    stored and cited, controls watch it, and its rounds publish a `judging.json`.  It has no default: whoever adds a
    judge must decide it.
    """

    made_by: str
    label: str
    is_model: bool


JUDGES: dict[str, JudgeKind] = {
    "openai": JudgeKind(made_by="judging.panel.openai:made", label="a model behind a server", is_model=True),
    "panel": JudgeKind(
        made_by="judging.panel.panel_of_two:made", label="two models of different families", is_model=True
    ),
    "perceptual-v1": JudgeKind(
        made_by="judging.perceptual.perceptual:made", label="an image metric, computed", is_model=False
    ),
    "scripted": JudgeKind(made_by="judging.backends.scripted:made", label="a script, for tests", is_model=False),
    "transformers": JudgeKind(
        made_by="judging.panel.transformers:made", label="a model in this process", is_model=True
    ),
}
"""All judges there are: a row is all that one needs."""


def is_model(name: str) -> bool:
    """Is the judge of this name a model?  False for a name that this version does not know."""
    kind = JUDGES.get(name.partition(":")[0])
    return kind is not None and kind.is_model


@cache
def judge_named(name: str) -> Judge:
    """The judge of that name: `perceptual-v1`, or `openai:vlm-2` for one that takes an argument.

    One judge per process and name, so that what it has worked out about an asset is kept.
    Raises KeyError for a name that is not in JUDGES and ValueError for an argument that the judge does not take.
    """
    kind, _, argument = name.partition(":")
    module, _, made_by = JUDGES[kind].made_by.partition(":")
    made: Judge = getattr(import_module(module), made_by)(argument)
    return made
