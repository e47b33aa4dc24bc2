"""Which row does an address mean?  A hotkey may be cut to its first six characters or more where that is enough."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from competition import queries
from competition.models import Competition, Miner, Round

T = TypeVar("T")
SHORTEST = 6
HOTKEY = re.compile(r"[1-9A-HJ-NP-Za-km-z]{3,48}")


class Elsewhere(Exception):
    """The address is not the permanent one; `response` leads there."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        super().__init__("not the permanent address")


def competition(slug: str) -> Competition:
    return _found(queries.competition_named(slug), "There is no competition of this name.")


def round_(slug: str, number: int) -> Round:
    return _found(queries.round_numbered(slug, number), "There is no such round in this competition.")


def miner(request: HttpRequest, hotkey: str, *, url: Callable[[str], str]) -> Miner:
    """The miner of this hotkey.  Raises Elsewhere for a prefix of one, or of several, and Http404 for none."""
    exact = queries.miner_at(hotkey)
    if exact:
        return exact
    found = queries.miners_starting_with(hotkey) if len(hotkey) >= SHORTEST else []
    if len(found) == 1:
        suffix = ".json" if request.path.endswith(".json") else ""
        raise Elsewhere(HttpResponseRedirect(f"{url(found[0].hotkey).rstrip('/')}{suffix or '/'}"))
    if found:
        choices = [(m, url(m.hotkey)) for m in found]
        raise Elsewhere(render(request, "chooser.html", {"prefix": hotkey, "choices": choices}, status=300))
    raise Http404("No miner with this hotkey has revealed anything here.")


def hint(path: str) -> str:
    """The part of an address that looks like a hotkey or the beginning of one."""
    pieces = [piece for part in path.split("/") for piece in HOTKEY.findall(part.removesuffix(".json"))]
    likely = [piece for piece in pieces if piece.startswith("5")]
    return max(likely, key=len, default="")


def _found(row: T | None, otherwise: str) -> T:
    if row is None:
        raise Http404(otherwise)
    return row
