"""Lies about what was judged again: the change, and the kind of finding that must name it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.verify.lies_about_reviews import last

Documents = dict[str, Any]
Events = list[dict[str, Any]]


def anew(documents: Documents) -> Iterator[dict[str, Any]]:
    """The matches that were made anew."""
    return (match for match in documents["matches.json"] if match.get("version", 1) > 1)


def one_duel_was_left_out(documents: Documents, events: Events) -> None:
    last(events, "correction.staged")["anew"].pop()


def one_duel_more_was_picked(documents: Documents, events: Events) -> None:
    anew_ = last(events, "correction.staged")["anew"]
    kind, defender, challenger, _ = anew_[0].split(" ")
    stem = documents["round.json"]["prompts"][1]["stem"]
    anew_.append(f"{kind} {defender} {challenger} {stem}")
    anew_.sort()


def the_choice_was_another(documents: Documents, events: Events) -> None:
    documents["correction.json"]["choice"] = {"what": "round"}


def an_old_duel_was_turned_with_it(documents: Documents, events: Events) -> None:
    match = next(anew(documents))
    duel = next(duel for duel in match["duels"] if duel["state"] == "judged" and "take" not in duel)
    duel["outcome"] = {"challenger": "defender", "defender": "challenger", "draw": "defender"}[duel["outcome"]]


def it_was_not_asked_anew(documents: Documents, events: Events) -> None:
    for match in anew(documents):
        for duel in match["duels"]:
            duel.pop("take", None)


def the_old_match_is_hidden(documents: Documents, events: Events) -> None:
    documents["correction.json"]["matches"].pop(0)


def the_old_match_was_another(documents: Documents, events: Events) -> None:
    match = documents["correction.json"]["matches"][0]
    match["margin_micro"] += 1


def a_version_that_nobody_asked_for(documents: Documents, events: Events) -> None:
    next(anew(documents))["version"] = 7


LIES = {
    one_duel_was_left_out: "wrong-correction",
    one_duel_more_was_picked: "wrong-correction",
    the_choice_was_another: "wrong-correction",
    an_old_duel_was_turned_with_it: "wrong-correction",
    it_was_not_asked_anew: "wrong-correction",
    the_old_match_is_hidden: "wrong-correction",
    the_old_match_was_another: "wrong-margin",
    a_version_that_nobody_asked_for: "wrong-correction",
}
