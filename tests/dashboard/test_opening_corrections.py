"""A lead opens a correction on the site: a reason that is ours, what it touched, and the whole set that follows."""

from __future__ import annotations

from typing import Any

import pytest

from audits.models import Audit, Correction
from competition.models import Prompt, Round
from judging.models import Duel, Match
from tests.audits.appealing import NOW
from tests.audits.reviewing import decided
from tests.dashboard.test_reviewing import signed_in

pytestmark = pytest.mark.django_db
AT = "/reviews/small/1/correct/"
WHY = "The judge's host was changed while it answered."


@pytest.fixture
def round_() -> Round:
    """Every match has three duels; Ann's and Rival's files are the same on the first prompt."""
    found = decided()
    prompts = [
        Prompt.objects.create(competition=found.competition, stem=f"chair-{n}", sha256=f"{n:064x}") for n in range(3)
    ]
    for match in Match.objects.filter(round=found):
        for n, prompt in enumerate(prompts):
            right = "c" * 64 if n == 0 and match.kind == "screen" else f"{match.pk:063x}{n}"
            Duel.objects.create(
                match=match,
                prompt=prompt,
                position=n,
                left_sha256="a" * 64,
                right_sha256=right,
                state="judged",
                outcome="challenger",
                score_micro=9,
                since=NOW,
            )
    return found


def post(client: Any, **told: str) -> Any:
    return client.post(AT, {"reason": "duels:judge_disturbed", "sentence": WHY, **told})


def test_the_form_offers_every_scope_and_what_there_is_to_choose(round_: Round) -> None:
    client = signed_in("lea", "lead")
    page = client.get(AT).content.decode()
    for words in (
        "every source audit",
        "every generation audit",
        "duels judged again",
        "the judge was disturbed",
        "chair-0",
        "screen leader ",
        "every duel on one prompt",
    ):
        assert words in page
    assert AT in client.get("/reviews/").content.decode()


def test_a_choice_is_its_whole_set(round_: Round) -> None:
    answer = post(signed_in("lea", "lead"), what="prompt", prompt="chair-1")
    correction = Correction.objects.get()
    assert answer.status_code == 302 and correction.choice == {"what": "prompt", "prompt": "chair-1"}
    made = Match.objects.filter(round=round_, attempt__number=2)
    assert made.count() == round_.matches.count() and not made.filter(counts=True).exists()
    assert set(Duel.objects.filter(match__in=made, state="judging").values_list("prompt__stem", flat=True)) == {
        "chair-1"
    }


def test_whatever_asked_the_same_belongs_to_it(round_: Round) -> None:
    """Ann's screen and Rival's asked about the same files on one prompt: neither is judged again without the other."""
    match = round_.matches.filter(kind="screen").order_by("pk")[0]
    named = f"screen {match.defender.key} {match.challenger.key}"
    post(signed_in("lea", "lead"), what="match", match=named)
    touched = Duel.objects.filter(match__round=round_, attempt__number=2)
    assert touched.filter(match__challenger=match.challenger).count() == 3
    assert [duel.prompt.stem for duel in touched.exclude(match__challenger=match.challenger)] == ["chair-0"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"what": "duel"}, "Give one of match, prompt"),
        ({"what": "prompt"}, "Say which"),
        ({"what": "prompt", "prompt": "nothing"}, "asked about nothing there"),
        ({"what": "time", "since": "yesterday", "until": "2026-01-01T00:00:00Z"}, "a time with its zone"),
        ({"what": "time", "since": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"}, "nothing there"),
        ({"what": "answer", "answer": "f" * 64}, "nothing there"),
        ({"what": "round", "reason": "duels:it_lost"}, "Give one of judge_disturbed"),
        ({"what": "round", "sentence": "short"}, "Say what was wrong"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(round_: Round, told: dict[str, str], said: str) -> None:
    answer = post(signed_in("lea", "lead"), **told)
    assert answer.status_code == 409 and said in answer.content.decode()
    assert not Correction.objects.exists() and not Match.objects.filter(attempt__number=2).exists()


def test_every_generation_audit_is_made_anew(round_: Round) -> None:
    answer = post(signed_in("lea", "lead"), reason="generation:pod_fault")
    assert answer.status_code == 302
    assert [a.kind for a in Audit.objects.filter(attempt__number=2)] == ["generation"]


def test_a_reviewer_opens_none(round_: Round) -> None:
    answer = post(signed_in("ann", "reviewer"), what="round")
    assert answer.status_code == 409 and not Correction.objects.exists()
    assert AT not in signed_in("bob", "reviewer").get("/reviews/").content.decode()
