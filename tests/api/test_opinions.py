"""Reports of independent askers: who may post what about which bundle, and what is shown of it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from bittensor_core import Keypair
from django.core.cache import cache, caches
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from competition.models import Checkpoint, Competition, Round
from competition.publication.bundle_folders import folder_of
from core.postgres.backend.roles import INSERT_ONLY
from dashboard.models import Publication, SecondOpinion
from dashboard.opinions import posting
from tests.api import contract
from tests.api.conftest import Api
from tests.judging.vlm_stage import VERSION

AT = "/api/v1/opinions"
BUNDLE = "f" * 64
MODEL = f"{VERSION.described()['model']}@{VERSION.described()['revision']}"
SIX = [{"state": "judged", "detail": {"stages": [{"kind": "likeness"}]}}] * 3
REPORT: dict[str, Any] = {
    "format": "gauntlet-second-opinion/1",
    "competition": "made",
    "round": 1,
    "bundle": BUNDLE,
    "judge": "openai:vlm-2",
    "judge_version": VERSION.digest,
    "judge_model": MODEL,
    "model": MODEL,
    "answered_as": [""],
    "measured_by": {"log-probabilities": 24},
    "seed": "one",
    "duels": {"cited": 6, "with_pictures": 6, "drawn": 6},
    "questions": {"cited": 24, "drawn": 24, "answered": 24},
    "unanswered": {},
    "answers": {"same": 22, "of": 24, "share_micro": 916_667, "interval95_micro": [916_667, 916_667]},
    "by_kind": [
        {
            "kind": "likeness",
            "same": 12,
            "of": 12,
            "share_micro": 1_000_000,
            "interval95_micro": [1_000_000, 1_000_000],
            "difference_micro": 0,
        },
        {
            "kind": "sides",
            "same": 10,
            "of": 12,
            "share_micro": 833_333,
            "interval95_micro": [833_333, 833_333],
            "difference_micro": 40_000,
        },
    ],
    "matches": {"stands": 1, "changes": 0, "not covered": 1},
    "verdicts": {
        "same": 5,
        "of": 5,
        "share_micro": 1_000_000,
        "interval95_micro": [866_808, 1_000_000],
        "changed": 0,
        "open": 1,
        "unanswered": 0,
    },
    "winner": {
        "official": "leader",
        "with_these_answers": "leader",
        "result": "not covered",
        "flip_distance": 2,
        "duels": {"open": 1, "unanswered": 0},
    },
}
"""Six duels, all drawn; one is open with the new answers."""
DOCUMENTS: dict[str, Any] = {
    "manifest.json": {"competition": "made", "round": 1},
    "judging.json": {
        "name": "openai:vlm-2",
        "version": VERSION.digest,
        "described": VERSION.described(),
        "answers": [{"kind": "likeness"}] * 12 + [{"kind": "sides"}] * 12,
    },
    "matches.json": [{"duels": SIX}, {"duels": SIX}],
    "decision.json": {"winner": "leader"},
    "statistics.json": {"flip_distance": 2, "repeatability": {"pairs": 0, "same": 0, "opposite": 0}},
}


def document(key: Keypair, **changes: Any) -> dict[str, Any]:
    report = {**copy.deepcopy(REPORT), **changes}
    return {
        "format": "gauntlet-opinion/1",
        "asker": key.ss58_address,
        "report_sha256": hashlib.sha256(rfc8785.dumps(report)).hexdigest(),
        "report": report,
    }


def signature(key: Keypair, value: dict[str, Any], *, wrapped: bool = False) -> str:
    text = b"gauntlet-opinion/1\n" + rfc8785.dumps(value)
    return bytes(key.sign(b"<Bytes>" + text + b"</Bytes>" if wrapped else text)).hex()


def send(value: dict[str, Any], sign: str, *, client: Client | None = None) -> Any:
    body = json.dumps({"document": value, "signature": sign})
    caches["throttles"].clear()
    return (client or Client()).post(AT, body, content_type="application/json")


@pytest.fixture
def published(api: Api, settings: Any, tmp_path: Path) -> Api:
    """Round 1 was judged by a model, and its bundle is out under a signed head."""
    cache.clear()
    settings.BUNDLE_DIR = tmp_path
    Competition.objects.filter(slug="made").update(judge="openai:vlm-2")
    round_ = Round.objects.get(competition__slug="made", number=1)
    told = {"text": "t", "signature": "s", "signed_by": "5F", "created_at": timezone.now()}
    head = Checkpoint.objects.create(competition=round_.competition, seq=999_999, **told)
    Publication.objects.filter(round=round_).update(checkpoint=head, bundle_hash=BUNDLE)
    folder = folder_of(round_)
    folder.mkdir(parents=True)
    for name, value in DOCUMENTS.items():
        (folder / name).write_text(json.dumps(value))
    return api


def test_a_signed_report_is_taken_and_its_key_is_marked_by_the_chain(published: Api) -> None:
    for who, wrapped, registered in ((published.newcomer, False, True), (published.stranger, True, False)):
        value = document(who.key)
        body = contract.check(AT, send(value, signature(who.key, value, wrapped=wrapped)), method="POST")
        assert (body["hotkey"], body["registered"], body["same"], body["of"]) == (who.hotkey, registered, 22, 24)
    rows = contract.check(AT, Client().get(AT))["results"]
    assert [row["document"]["asker"] for row in rows] == [published.newcomer.hotkey, published.stranger.hotkey]
    only = Client().get(f"{AT}?registered=true").json()["results"]
    assert [row["hotkey"] for row in only] == [published.newcomer.hotkey]


def test_the_same_report_again_changes_nothing_and_another_one_is_refused(published: Api) -> None:
    key = published.newcomer.key
    value = document(key)
    first, again = send(value, signature(key, value)).json(), send(value, signature(key, value)).json()
    assert first == again and SecondOpinion.objects.count() == 1
    other = document(key, seed="a luckier one")
    refused = send(other, signature(key, other))
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "already_posted")


Change = Callable[[dict[str, Any]], Any]
HOSTILE: dict[str, tuple[Change, str]] = {
    # Of other things than this bundle.
    "another competition": (lambda r: r.update(competition="other"), "report.competition"),
    "another round": (lambda r: r.update(round=2), "report.round"),
    "a bundle that is not published": (lambda r: r.update(bundle="0" * 64), "report.bundle"),
    "another judge": (lambda r: r.update(judge="openai:vlm-1"), "report.judge"),
    "another version": (lambda r: r.update(judge_version="0" * 64), "report.judge_version"),
    "another winner": (lambda r: r["winner"].update(official="nobody can tell"), "report.winner.official"),
    "another flip distance": (lambda r: r["winner"].update(flip_distance=1), "report.winner.flip_distance"),
    "fewer duels": (lambda r: r["duels"].update(cited=5, with_pictures=5, drawn=5), "report.duels.cited"),
    "more questions": (lambda r: r["questions"].update(cited=25), "report.questions.cited"),
    "more matches": (lambda r: r["matches"].update(stands=9), "report.matches"),
    "an unknown kind": (lambda r: r["by_kind"][1].update(kind="taste"), "report.by_kind"),
    "one kind twice": (lambda r: r["by_kind"][1].update(kind="likeness"), "report.by_kind"),
    # Numbers that contradict each other.
    "more agree than were asked": (lambda r: r["answers"].update(same=25), "report.by_kind"),
    "a better share": (lambda r: r["answers"].update(share_micro=999_999), "report.answers"),
    "a narrower interval": (lambda r: r["verdicts"].update(interval95_micro=[999_999, 1_000_000]), "report.verdicts"),
    "another interval": (lambda r: r["answers"].update(interval95_micro=[916_667, 999_999]), "report.answers"),
    "no interval": (lambda r: r["answers"].update(interval95_micro=None), "report.answers"),
    "kinds that do not add up": (lambda r: r["by_kind"].pop(), "report.by_kind"),
    "questions that vanish": (lambda r: r["questions"].update(answered=20), "report.unanswered"),
    "verdicts that vanish": (lambda r: r["verdicts"].update(open=0), "report.verdicts"),
    "a winner that stands on nothing": (lambda r: r["winner"].update(result="stands"), "report.winner.result"),
    "a change without another leader": (lambda r: r["winner"].update(result="changes"), "report.winner.result"),
    "answers measured by nothing": (lambda r: r.update(measured_by={}), "report.measured_by"),
    "more drawn than have pictures": (lambda r: r["duels"].update(with_pictures=5), "report.duels"),
    # Values of another form.
    "a negative number": (lambda r: r["answers"].update(same=-1), "report.answers"),
    "a fraction": (lambda r: r["answers"].update(same=22.0), "report.answers"),
    "a truth value": (lambda r: r.update(round=True), "report.round"),
    "a number beyond all": (lambda r: r["questions"].update(drawn=2**53 - 1), "report.questions"),
    "nothing": (lambda r: r.update(answers=None), "report.answers"),
    "a list for an object": (lambda r: r.update(winner=[]), "report.winner"),
    "a field too many": (lambda r: r.update(note="<script>"), "report.of another name"),
    "a field too few": (lambda r: r.pop("seed"), "report.seed"),
    "markup as a model": (lambda r: r.update(model="<b>best</b>"), "report.model"),
    "a long model": (lambda r: r.update(model="m" * 201), "report.model"),
    "a seed of other letters": (lambda r: r.update(seed="\u202e"), "report.seed"),
    "a long list": (lambda r: r.update(answered_as=["a"] * 33), "report.answered_as"),
    "reasons by the dozen": (lambda r: r.update(unanswered={f"a{'b' * n}": 1 for n in range(33)}), "report.unanswered"),
    "a reason that is markup": (lambda r: r.update(unanswered={"<i>": 1}), "report.unanswered"),
    "another format": (lambda r: r.update(format="gauntlet-second-opinion/2"), "report.format"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_report_that_contradicts_itself_or_the_bundle_is_refused_though_it_is_signed(
    published: Api, name: str
) -> None:
    change, field = HOSTILE[name]
    key, report = published.newcomer.key, copy.deepcopy(REPORT)
    change(report)
    value = {**document(key), "report": report}
    answer = send(value, signature(key, value))
    error = answer.json()["error"]
    assert answer.status_code == 400 and error["class"] == "miner" and error["fix"], error
    assert error["field"].startswith(f"document.{field}"), error
    assert not SecondOpinion.objects.exists()


FORGED: dict[str, Callable[[Api, dict[str, Any]], tuple[dict[str, Any], str]]] = {
    "no signature": lambda api, value: (value, "0" * 128),
    "of another key": lambda api, value: (value, signature(api.entered.key, value)),
    "of another asker": lambda api, value: (
        {**value, "asker": api.entered.hotkey},
        signature(api.newcomer.key, value),
    ),
    "of another text": lambda api, value: (
        {**value, "report_sha256": "0" * 64},
        signature(api.newcomer.key, value),
    ),
    "capital digits": lambda api, value: (value, signature(api.newcomer.key, value).upper()),
    "short": lambda api, value: (value, signature(api.newcomer.key, value)[:-2]),
}


@pytest.mark.parametrize("name", FORGED)
def test_only_the_asker_s_own_signature_counts(published: Api, name: str) -> None:
    answer = send(*FORGED[name](published, document(published.newcomer.key)))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_signature")
    assert not SecondOpinion.objects.exists()


def test_an_address_that_is_none_is_no_asker(published: Api) -> None:
    value = {**document(published.newcomer.key), "asker": "5" + "1" * 47}
    answer = send(value, signature(published.newcomer.key, value))
    assert answer.status_code == 400 and not SecondOpinion.objects.exists()


def test_a_bundle_without_a_signed_head_or_without_a_model_cannot_be_asked_about(published: Api) -> None:
    key = published.newcomer.key
    value = document(key)
    (folder_of(Round.objects.get(competition__slug="made", number=1)) / "judging.json").unlink()
    assert send(value, signature(key, value)).json()["error"]["code"] == "no_model"
    Publication.objects.update(checkpoint=None)
    assert send(value, signature(key, value)).json()["error"]["code"] == "not_published"


def test_a_bundle_whose_files_are_gone_is_ours_to_mend(published: Api) -> None:
    (folder_of(Round.objects.get(competition__slug="made", number=1)) / "matches.json").unlink()
    value = document(published.newcomer.key)
    error = send(value, signature(published.newcomer.key, value))
    assert error.status_code == 503 and error.json()["error"]["class"] == "infrastructure"


def test_keys_that_nobody_registered_fill_so_much_and_shut_out_no_registered_one(
    published: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "MOST_UNREGISTERED", 2)
    for n in range(2):
        key = Keypair.create_from_uri(f"//free{n}")
        value = document(key)
        assert send(value, signature(key, value)).status_code == 201
    value = document(published.stranger.key)
    refused = send(value, signature(published.stranger.key, value))
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "full")
    value = document(published.newcomer.key)
    assert send(value, signature(published.newcomer.key, value)).status_code == 201


def test_many_keys_of_one_address_leave_room_for_the_keys_of_others(published: Api) -> None:
    codes = []
    for n in range(posting.MOST_A_DAY + 1):
        key = Keypair.create_from_uri(f"//free{n}")
        value = document(key)
        body = json.dumps({"document": value, "signature": signature(key, value)})
        codes.append(Client().post(AT, body, content_type="application/json"))
    assert [answer.status_code for answer in codes] == [201] * posting.MOST_A_DAY + [409]
    assert codes[-1].json()["error"]["code"] == "enough_from_here"
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    for who in (published.stranger, published.newcomer):
        value = document(who.key)
        body = json.dumps({"document": value, "signature": signature(who.key, value)})
        assert elsewhere.post(AT, body, content_type="application/json").status_code == 201


def test_a_page_shows_twenty_reports_of_any_flood_and_those_without_an_interest_first(
    published: Api,
) -> None:
    round_ = Round.objects.get(competition__slug="made", number=1)
    rows = []
    for n in range(30):
        value = document(Keypair.create_from_uri(f"//flood{n}"))
        rows.append(
            SecondOpinion(
                round=round_,
                bundle=BUNDLE,
                hotkey=value["asker"],
                registered=False,
                document=value,
                signature="0" * 128,
                posted_at=timezone.now(),
            )
        )
    SecondOpinion.objects.bulk_create(rows)
    value = document(published.newcomer.key)
    assert send(value, signature(published.newcomer.key, value)).status_code == 201
    shown = Client().get(reverse("round-json", args=["made", 1])).json()["askers"]
    assert (shown["posted"], len(shown["askers"]), shown["independent"]) == (31, 20, 1)
    assert shown["askers"][0]["hotkey"] == published.newcomer.hotkey
    assert "The first 20 are below." in Client().get(reverse("round", args=["made", 1])).content.decode()


@pytest.mark.parametrize("name", ["/models/qwen3-vl-8b", "~/w/Qwen3 VL.gguf", "org/model@1f2e", "C:\\models\\q.gguf"])
def test_a_model_bears_the_name_that_its_server_gave_it(published: Api, name: str) -> None:
    key = published.newcomer.key
    value = document(key, model=name)
    assert send(value, signature(key, value)).json()["model"] == name


def test_what_two_families_judged_together_cannot_be_asked_of_one_model(published: Api) -> None:
    key, folder = published.newcomer.key, folder_of(Round.objects.get(competition__slug="made", number=1))
    both = {"rules": "panel-1", "judges": [VERSION.described()] * 2}
    (folder / "judging.json").write_text(json.dumps({**DOCUMENTS["judging.json"], "described": both}))
    value = document(key)
    refused = send(value, signature(key, value))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "no_model")
    Competition.objects.filter(slug="made").update(judge="panel:a+b")
    assert Client().get(reverse("round-json", args=["made", 1])).json()["askers"] is None


def test_whoever_posts_too_often_waits_and_too_large_a_body_is_not_read(published: Api) -> None:
    value = document(published.newcomer.key)
    sign = signature(published.newcomer.key, value)
    body = json.dumps({"document": value, "signature": sign})
    client = Client()
    codes = [client.post(AT, body, content_type="application/json").status_code for _ in range(7)]
    assert codes == [201] * 6 + [429]
    caches["throttles"].clear()
    large = json.dumps({"document": {**value, "report": {"x": "y" * 20_000}}, "signature": sign})
    assert client.post(AT, large, content_type="application/json").status_code == 413


def test_a_report_that_was_posted_cannot_be_changed_by_the_application() -> None:
    assert SecondOpinion._meta.db_table in INSERT_ONLY


@pytest.mark.django_db(transaction=True)
def test_of_two_reports_of_one_key_at_once_one_is_kept(published: Api) -> None:
    key = published.newcomer.key
    values = [document(key, seed=f"seed {n}") for n in range(4)]

    def one(value: dict[str, Any]) -> int:
        try:
            return int(send(value, signature(key, value)).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        codes = sorted(threads.map(one, values))
    assert codes == [201, 409, 409, 409] and SecondOpinion.objects.count() == 1


def test_the_round_s_page_and_twin_show_the_askers_and_before_that_how_to_ask(published: Api) -> None:
    client = Client()
    page, twin = reverse("round", args=["made", 1]), reverse("round-json", args=["made", 1])
    nobody = client.get(twin).json()["askers"]
    assert (nobody["askers"], nobody["posted"], nobody["independent"], nobody["median"]) == ([], 0, 0, None)
    assert "Nobody has asked again yet." in client.get(page).content.decode()
    for who in (published.stranger, published.entered, published.newcomer):
        value = document(who.key)
        assert send(value, signature(who.key, value)).status_code == 201
    cache.clear()
    shown = client.get(twin).json()["askers"]
    assert [(row["hotkey"], row["registered"], row["took_part"]) for row in shown["askers"]] == [
        (published.newcomer.hotkey, True, False),
        (published.entered.hotkey, True, True),
        (published.stranger.hotkey, False, False),
    ]
    assert (shown["posted"], shown["independent"]) == (3, 1)
    assert shown["lowest"] == shown["median"] == shown["highest"] == round(22 / 24, 6)
    text = client.get(page).content.decode()
    assert "1 independent asker (a registered key that took no part in the round): 91.7% of the answers" in text
    assert "And 2 reports of others" in text
    assert published.stranger.hotkey in text and "not registered" in text and "took part in this round" in text


def test_a_round_whose_judge_computes_has_no_askers(api: Api) -> None:
    assert Client().get(reverse("round-json", args=["made", 1])).json()["askers"] is None
