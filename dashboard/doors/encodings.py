"""In which codings does a visitor take an answer?  As `Accept-Encoding` says, with its weights: `gzip;q=0` is a no."""

from __future__ import annotations

import re

OURS = ("gzip", "br")
"""The codings that anything here can answer in."""
ALIASES = {"x-gzip": "gzip"}
WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)


def accepted(header: str) -> str:
    """The codings of ours that this header takes, in a form that can be searched by name.

    A coding that is not named is taken where `*` is; a weight that is none counts as 0.  Who takes no coding at all,
    not even none (`identity;q=0`), gets an answer as it is: that is of more use than a refusal.
    """
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        named = next((piece.replace(" ", "") for piece in parameters if piece.startswith("q")), "q=1")
        weight = WEIGHT.fullmatch(named)
        weights.setdefault(ALIASES.get(coding, coding), float(weight[1]) if weight else 0.0)
    rest = weights.get("*", 0.0)
    return ", ".join(coding for coding in OURS if weights.get(coding, rest) > 0)
