"""Is a model asked afresh where duels are judged anew, though all it ever answered is kept?

Its answers may be the very reason: labels that were swapped, weights that were others.  So an attempt has questions of
its own; what was answered before serves nobody there, and stays for whoever wants to compare.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from benchmarks.vlm_server_mind import Mind, Worth
from competition import attempts
from competition.decisions.attempts import number_of
from competition.models import Attempt, Round
from judging import matches, sides
from judging.judge_worker import until_quiet
from judging.models import Duel, Match, StoredAnswer
from judging.panel import cited_answers
from judging.panel.questions.version import version_named
from tests.judging.heard_round import PROMPTS
from tests.judging.vlm_stage import worths

pytestmark = pytest.mark.django_db(transaction=True)
VLM = version_named("vlm-2")
AS_THE_FILES_ARE_WORTH = [["challenger"] * PROMPTS, ["defender"] * PROMPTS]
TURNED = AS_THE_FILES_ARE_WORTH[::-1]


@pytest.fixture
def eyes(round_: Round) -> dict[str, Worth]:
    """The leader is worth 1, the first challenger 2, the second 0."""
    table: dict[str, Worth] = {}
    for drawn in round_.drawn.select_related("prompt"):
        table |= worths(sides.of(matches.leader(round_), "generated", drawn.prompt), Worth(1.0), version=VLM)
        for quality, entry in zip((2.0, 0.0), matches.challengers(round_), strict=True):
            table |= worths(sides.of(entry, "submitted", drawn.prompt), Worth(quality), version=VLM)
    return table


def anew(match: Match, *, asks: bool = True) -> Match:
    """Another attempt at the match, as `judging.rejudging` makes it.  `asks`: do its duels point to it?"""
    named = ("round", "kind", "defender", "defender_origin", "challenger", "challenger_origin", "judge", "judge_name")
    same = {name: getattr(match, name) for name in named}
    number, cause = number_of(match.attempt) + 1, Attempt.Cause.CORRECTION
    attempt = attempts.later(match.round, number, of="decision", cause=cause)
    made = Match.objects.create(**same, state="judging", since=match.since, attempt=attempt, counts=False)
    fresh = Duel.born(now=timezone.now())
    Duel.objects.bulk_create(
        Duel(match=made, prompt=duel.prompt, position=duel.position, attempt=attempt if asks else None, **fresh)
        for duel in match.duels.all()
    )
    return made


def judged(*made: Match) -> list[list[str]]:
    assert until_quiet(duels=8, deadline_s=60)
    return [list(match.duels.order_by("position").values_list("outcome", flat=True)) for match in made]


def told(*made: Match) -> list[Any]:
    return list(Duel.objects.filter(match__in=made).order_by("pk").values_list("state", "outcome", "detail"))


def answers_of(match: Match) -> set[str]:
    return set(cited_answers.answers_of(match.duels.select_related("prompt"), versions=[VLM]))


def test_a_mended_judge_is_asked_every_question_of_a_new_take_and_both_answers_stay(round_, serving, eyes):
    serving(mind=Mind(eyes, gain=-4.0))  # its labels are swapped
    old = list(round_.matches.order_by("challenger__reveal_block", "pk"))
    assert judged(*old) == TURNED
    verdicts, answers = told(*old), {row.key: (row.probabilities, row.raw) for row in StoredAnswer.objects.all()}

    server = serving(mind=Mind(eyes))
    new = [anew(match) for match in old]
    assert judged(*new) == AS_THE_FILES_ARE_WORTH
    asked_anew = StoredAnswer.objects.exclude(key__in=answers)
    assert server.mind.answered >= asked_anew.count() > 0
    assert told(*old) == verdicts
    assert {row.key: (row.probabilities, row.raw) for row in StoredAnswer.objects.filter(key__in=answers)} == answers
    for before, after in zip(old, new, strict=True):
        assert answers_of(before) <= set(answers) and answers_of(after).isdisjoint(answers)


def test_a_version_without_a_new_take_rests_on_what_was_answered(round_, serving, eyes):
    """So that only what a correction names is asked anew, and the rest of a match cannot change by luck."""
    serving(mind=Mind(eyes))
    old = list(round_.matches.order_by("challenger__reveal_block", "pk"))
    judged(*old)
    server = serving(mind=Mind(eyes, gain=-4.0))
    assert judged(*[anew(match, asks=False) for match in old]) == AS_THE_FILES_ARE_WORTH
    assert not server.mind.answered


def test_each_further_take_is_asked_again(round_, serving, eyes):
    server = serving(mind=Mind(eyes))
    (first, _) = round_.matches.order_by("challenger__reveal_block", "pk")
    judged(first)
    second = anew(first)
    judged(second)
    before = server.mind.answered
    assert judged(anew(second)) == AS_THE_FILES_ARE_WORTH[:1]
    assert server.mind.answered > before
