"""Which row does an address mean?  The name of a miner or a prompt may be cut to its first six characters or more where
that is enough."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from competition import queries
from competition.models import Competition, Miner, Round
from dashboard.facts import duel_statistics

T = TypeVar("T")
SHORTEST = 6
HOTKEY = re.compile(r"[1-9A-HJ-NP-Za-km-z]{3,48}")


class Elsewhere(Exception):
    """The address is not the permanent one; `response` leads there."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        super().__init__("not the permanent address")


def competition(slug: str, *, among: Sequence[Competition] | None = None) -> Competition:
    """`among`: all competitions, where they are read already.  Raises Http404 where there is none of this name."""
    known = queries.competition_named(slug) if among is None else next((c for c in among if c.slug == slug), None)
    return _or_404(known, "There is no competition of this name.")


def round_(slug: str, number: int) -> Round:
    return _or_404(queries.round_numbered(slug, number), "There is no such round in this competition.")


def miner(request: HttpRequest, hotkey: str, *, url: Callable[[str], str]) -> Miner:
    """The miner of this hotkey.  Raises Elsewhere for a prefix of one, or of several, and Http404 for none."""
    exact = queries.miner_at(hotkey)
    if exact:
        return exact
    miners = queries.miners_starting_with(hotkey) if len(hotkey) >= SHORTEST else []
    if len(miners) == 1:
        raise Elsewhere(_moved(request, url(miners[0].hotkey)))
    if miners:
        choices = [(m.hotkey, m.label, url(m.hotkey)) for m in miners]
        raise Elsewhere(_chooser(request, hotkey, choices, what="hotkeys"))
    raise Http404("No miner with this hotkey has revealed anything here.")


def prompt(
    request: HttpRequest, competition: Competition, stem: str, *, url: Callable[[str], str], otherwise: str
) -> HttpResponse:
    """For a name that no prompt has: where the prompt is whose name begins so.  Raises Http404 for none."""
    stems = duel_statistics.prompts_starting_with(competition, stem) if len(stem) >= SHORTEST else []
    if not stems:
        raise Http404(otherwise)
    if len(stems) == 1:
        return _moved(request, url(stems[0]))
    return _chooser(request, stem, [(name, "", url(name)) for name in stems], what="prompts")


def _moved(request: HttpRequest, url: str) -> HttpResponse:
    """To the permanent address, as what was asked for."""
    ending = next((each for each in (".json", ".csv") if request.path.endswith(each)), "/")
    return HttpResponseRedirect(f"{url.rstrip('/')}{ending}")


def _chooser(request: HttpRequest, prefix: str, choices: list[tuple[str, str, str]], *, what: str) -> HttpResponse:
    """`choices`: name, label, address."""
    return render(request, "chooser.html", {"prefix": prefix, "choices": choices, "what": what}, status=300)


def hint(path: str) -> str:
    """The part of an address that looks like a hotkey or the beginning of one."""
    pieces = [piece for part in path.split("/") for piece in HOTKEY.findall(part.removesuffix(".json"))]
    likely = [piece for piece in pieces if piece.startswith("5")]
    return max(likely, key=len, default="")


def _or_404(row: T | None, otherwise: str) -> T:
    if row is None:
        raise Http404(otherwise)
    return row
