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
    picture_url: str
    url: str


def prompt_facts(prompt: Prompt, *, competition: Competition) -> PromptFacts:
    """`competition`: whose pool it is in."""
    link = "" if prompt.sha256 else web_address(prompt.url)
    return PromptFacts(
        id=f"{competition.slug}/{prompt.stem}",
        competition=competition.slug,
        stem=prompt.stem,
        sha256=prompt.sha256,
        bytes=prompt.bytes,
        link=link,
        picture_url=reverse("blob", args=[prompt.sha256, "png"]) if prompt.sha256 else link,
        url=reverse("prompt", args=[competition.slug, prompt.stem]),
    )
