"""What is a prompt, as anybody may know it once a round has shown it?"""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from competition.models import Competition, Prompt
from dashboard.facts.external_links import web_address


@dataclass(frozen=True, kw_only=True)
class PromptFacts:
    """A picture that miners generate from.

    The gallery, its own page and the API make their rows of this.  `sha256` is empty, and `link` the address, of a
    picture that lies on another host; `picture_url` is wherever it lies.
    """

    id: str
    competition: str
    stem: str
    sha256: str
    bytes: int
    link: str

    @property
    def picture_url(self) -> str:
        return reverse("blob", args=[self.sha256, "png"]) if self.sha256 else self.link

    @property
    def url(self) -> str:
        return reverse("prompt", args=[self.competition, self.stem])


def prompt_facts(prompt: Prompt, *, competition: Competition) -> PromptFacts:
    """`competition`: whose pool it is in."""
    return PromptFacts(
        id=f"{competition.slug}/{prompt.stem}",
        competition=competition.slug,
        stem=prompt.stem,
        sha256=prompt.sha256,
        bytes=prompt.bytes,
        link="" if prompt.sha256 else web_address(prompt.url),
    )
