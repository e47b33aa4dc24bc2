"""The two real state repositories, imported: every margin is recomputed equal, and what is wrong has a finding."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from competition.models import Reign, Round, Submission
from dashboard.models import RecordFile, VerifierFinding
from judging.models import Duel, Match
from tests.records.importing import RECORDS
from tests.records.test_exporting import bytes_of
from verify.records.repository import examine

pytestmark = [
    pytest.mark.skipif(not RECORDS.is_dir(), reason="the real records are not beside this checkout"),
    pytest.mark.django_db,
    pytest.mark.long,
]
NAMES = {"contest": "competition-0", "mesh": "competition-1"}


@pytest.fixture(scope="module")
def records(django_db_setup: None, django_db_blocker: object) -> None:  # type: ignore[misc]
    """Imported once for all the tests of this module, and taken away with the transaction they share."""
    from django.db import transaction

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        block = transaction.atomic()
        block.__enter__()
        try:
            call_command("import_records", str(RECORDS), stdout=StringIO())
            yield  # type: ignore[misc]
        finally:
            transaction.set_rollback(True)
            block.__exit__(None, None, None)


def test_all_of_it_is_there(records: None) -> None:
    assert (Match.objects.count(), Duel.objects.count()) == (267, 34_176)
    assert Round.objects.count() == 8
    assert Submission.objects.filter(role="challenger").count() == 205
    assert RecordFile.objects.filter(known=True, troubles=[]).count() == 528
    assert not RecordFile.objects.exclude(known=True, troubles=[]).exists()


def test_every_match_margin_is_recomputed_equal(records: None) -> None:
    marks = [mark for r in Round.objects.all() for mark in r.source["matches"].values()]
    assert len(marks) == 267
    assert all(mark["agrees"] for mark in marks)


def test_every_winner_follows_from_its_files(records: None) -> None:
    told = [r.source["winner"] for r in Round.objects.filter(state="finished")]
    assert len(told) == 6
    assert all(winner["recorded"] == winner["recomputed"] for winner in told)


def test_the_reigns_are_those_of_leader_json(records: None) -> None:
    weights = list(Reign.objects.filter(competition__slug="mesh").values_list("weight", flat=True))
    assert weights == ["0.0", "1.0", "0.8", "0.6000000000000001", "0.4000000000000001"]
    assert list(Reign.objects.filter(competition__slug="mesh").values_list("won_in__number", flat=True)) == [
        None,
        0,
        1,
        2,
        3,
    ]


@pytest.mark.parametrize("slug", NAMES)
def test_the_findings_are_the_verifiers(slug: str, records: None) -> None:
    ours = Counter(VerifierFinding.objects.filter(competition__slug=slug).values_list("severity", "kind"))
    found = examine(RECORDS / NAMES[slug]).findings
    assert ours == Counter((finding.severity, finding.kind) for finding in found)


@pytest.mark.parametrize("slug", NAMES)
def test_exported_again_it_is_the_same_to_the_byte(slug: str, records: None, tmp_path: Path) -> None:
    call_command("export_records", str(tmp_path / slug), competition=slug, stdout=StringIO())
    assert bytes_of(tmp_path / slug) == bytes_of(RECORDS / NAMES[slug])


def test_the_pages_of_the_deciding_round_answer(records: None) -> None:
    client = Client()
    page = client.get("/c/mesh/r/0.json").json()
    assert Counter(rung["verdict"] for rung in page["ladder"])["rejected"] == 5
    (won,) = [rung for rung in page["ladder"] if rung["verdict"] == "advanced"]
    assert won["tally"]["margin"] == "29/128"
    for address in ("/c/mesh/", "/c/mesh/r/0/", "/c/mesh/findings/", "/c/contest/r/1/", won["url"]):
        assert client.get(address).status_code == 200
