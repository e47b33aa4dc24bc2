"""What exactly is sent to a model for one question, and under which key is its answer stored?

Pictures come before words, the reference first, then the first asset, then the second: questions about the same
pictures begin with the same tokens, and a server that caches prefixes reads them once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from judging.backends.base import Side
from judging.panel.questions import identity, pictures
from judging.panel.questions.pictures import Picture
from judging.panel.questions.version import JudgeVersion, Template

WHOLE = 10**9  # shares of an answer are billionths
REFERENCE, MODELS = "Reference:", ("Model 1:", "Model 2:")


@dataclass(frozen=True)
class Call:
    """One question to a model.  `key`: SHA-256 over judge version, question, words and pictures in their order."""

    kind: str
    system: str
    pictures: tuple[tuple[str, Picture], ...]
    text: str
    labels: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class Asker:
    """The calls of one prompt under one judge version.

    `answer_namespace`: "", or a name under which the questions are asked again without using the answers stored before.
    """

    version: JudgeVersion
    reference: Path
    answer_namespace: str = ""

    def pair(self, kind: str, first: Side, second: Side, *, angles: Sequence[str] | None = None) -> Call:
        """`angles`: one view name for each, where the question is about one angle."""
        template, sides = self.version.templates[kind], (first, second)
        names = [[angle] for angle in angles] if angles else [template.shows] * 2
        sheets = [pictures.sheet(s, n, pixels=self.version.pixels) for s, n in zip(sides, names, strict=True)]
        return self._call(template, sheets, template.asks)

    def asset(self, kind: str, side: Side, *, parts: Sequence[str] = ()) -> Call:
        template = self.version.templates[kind]
        text = template.asks.replace("{parts}", "; ".join(parts) + "." if parts else "")
        return self._call(template, [pictures.sheet(side, template.shows, pixels=self.version.pixels)], text)

    def prompt(self, kind: str) -> Call:
        return self._call(self.version.templates[kind], [], self.version.templates[kind].asks)

    def _call(self, template: Template, sheets: Sequence[Picture], text: str) -> Call:
        shown = (
            (REFERENCE, Picture((self.reference,), self.version.pixels)),
            *zip(MODELS, sheets, strict=False),
        )
        named = {
            "judge": self.version.digest,
            "kind": template.kind,
            "pictures": [picture.digest for _, picture in shown],
            "text": text,
        } | ({"take": self.answer_namespace} if self.answer_namespace else {})
        return Call(template.kind, self.version.system, shown, text, tuple(template.labels), identity.digest(named))


def shares_of(probabilities: Mapping[str, float]) -> dict[str, int]:
    """Probabilities as billionths, so that whoever checks a score needs no floats."""
    return {label: round(share * WHOLE) for label, share in probabilities.items()}


def expected(shares: Mapping[str, int], labels: Mapping[str, int]) -> int:
    """The expected worth of the answer in millionths, over the allowed labels alone; halves go to the even one."""
    return round(Fraction(sum(labels[label] * share for label, share in shares.items()), sum(shares.values())))


def likeliest(shares: Mapping[str, int]) -> str:
    """The first in the alphabet of those with the largest share."""
    return max(sorted(shares), key=shares.__getitem__)
