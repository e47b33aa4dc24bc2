"""How do two models of different families judge together, so that nobody wins by overfitting one of them?

`panel:A+B` asks the judges `openai:A` and `openai:B`, or whichever doors their names give
(`panel:openai:A+transformers:B`).  Each is asked all the questions of a duel that it would be asked alone, so that a
panel costs what both of them cost; what their verdicts come to together says `judging.decisions.two_families`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import rfc8785
from django.conf import settings

from judging.backends.base import Answer, Fitness, NoAnswer, Question, Served
from judging.panel.questions.version import BadVersion, described_together
from judging.panel.vlm_panel import Deliberates

SEPARATOR = "+"
DOORS = ("openai", "transformers")


@dataclass(frozen=True)
class PanelFitness:
    """What each member turned out to be, for the operator who starts them: (family, its server), without a server for
    one that runs in this worker's memory."""

    each: tuple[tuple[str, Fitness | None], ...]

    def lines(self) -> list[str]:
        rows = [
            (family, server.lines() if server else ["runs in this worker's memory"]) for family, server in self.each
        ]
        return [
            *(f"{family}: {line}" for family, lines in rows for line in lines),
            "a panel: each duel costs the questions of both",
        ]

    def to_dict(self) -> dict[str, Any]:
        """As one server's, with the family before each mode and capability."""
        servers = [(family, server.to_dict()) for family, server in self.each if server]
        return {
            "names": [name for _, server in servers for name in server["names"]],
            "answers_as": " + ".join(server["answers_as"] for _, server in servers),
            "mode": ", ".join(f"{family}: {server['mode']}" for family, server in servers),
            "capabilities": [
                row | {"name": f"{family}: {row['name']}"}
                for family, server in servers
                for row in server["capabilities"]
            ],
        }


class PanelOfTwo:
    """`members`: two judges that deliberate, in the order of the name."""

    def __init__(self, name: str, first: Deliberates, second: Deliberates) -> None:
        self.name, self.members = name, (first, second)
        described = described_together([first.judge_version, second.judge_version])
        self.version = hashlib.sha256(rfc8785.dumps(described)).hexdigest()

    def ask(self, question: Question) -> Answer:
        raise NoAnswer("unknown_question", "A panel deliberates about a duel; it takes no single question.")

    def examine(self) -> PanelFitness:
        """Both servers, one after the other.  Raises NoAnswer, with the family in front, where either cannot judge."""
        each: list[tuple[str, Fitness | None]] = []
        for member in self.members:
            family = member.judge_version.family
            try:
                each.append((family, member.examine() if isinstance(member, Served) else None))
            except NoAnswer as silence:
                raise NoAnswer(silence.code, f"{family}: {silence.sentence}") from silence
        return PanelFitness(tuple(each))


def made(argument: str) -> PanelOfTwo:
    """Raises ValueError for a panel that is not of two families, or of which a member cannot be made."""
    from judging.backends import judge_named  # which imports this module by its name

    names = [part if ":" in part else f"openai:{part}" for part in argument.split(SEPARATOR)]
    if len(names) != 2 or not all(name.partition(":")[0] in DOORS for name in names):
        raise BadVersion(f"a panel is two judges, panel:A{SEPARATOR}B, each a version behind {' or '.join(DOORS)}")
    if settings.VLM_FOLDER and all(name.startswith("transformers:") for name in names):
        raise BadVersion("GAUNTLET_VLM_FOLDER holds one model's weights: leave it empty, or serve one of the two")
    first, second = (judge_named(name) for name in names)
    if not (isinstance(first, Deliberates) and isinstance(second, Deliberates)):
        raise BadVersion(f"panel:{argument}: both judges must be models")
    require_two_families(first, second)
    return PanelOfTwo(f"panel:{argument}", first, second)


def require_two_families(first: Deliberates, second: Deliberates) -> None:
    """Raises BadVersion, with one sentence."""
    one, other = first.judge_version, second.judge_version
    for version in (one, other):
        if not version.family:
            raise BadVersion(
                f"{version.name} does not state its family, so that nobody can tell whether a panel has two"
            )
    if one.family == other.family:
        raise BadVersion(
            f"{one.name} and {other.name} are both of the family {one.family}: who overfits one of them overfits both, "
            "and a panel of them would show nothing that one alone does not"
        )
