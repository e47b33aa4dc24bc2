"""When can a bundle say of every drawn file what was measured of it, and what does it say where nothing could be?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from competition.models import Asset, Round
from core.machine import engine
from core.machine.outcomes import Wait
from core.machine.stateful import WORKER_DIED, new_lease
from core.sandbox.outcomes import Refused, RendererFault
from dashboard.bundles import documents, integrity, publish
from dashboard.models import Publication
from formats.integrity import measurement
from formats.integrity.measures import VERSION
from judging import measurements
from judging.models import Measurement, UnmeasuredFile
from tests.dashboard import made_round

pytestmark = pytest.mark.django_db


@pytest.fixture
def round_() -> Round:
    """A finished round that was announced with a measure; nothing of it is measured yet, and nothing is published."""
    made = made_round.make(prompts=3)
    Round.objects.filter(pk=made.finished.pk).update(measure=VERSION)
    Publication.objects.filter(round=made.finished).update(state="publishing", since=timezone.now())
    return Round.objects.get(pk=made.finished.pk)


def waited_for(round_: Round, *, edition: int = 1, after: timedelta = timedelta(0)) -> int:
    now = timezone.now()
    return measurements.settle(round_, edition=edition, since=now - after, now=now)


def measure_all(round_: Round) -> None:
    made_round.measure(Asset.objects.filter(submission__round=round_, state="stored"))


def one(round_: Round, **columns: Any) -> str:
    """A drawn file whose measurement is as these columns say; its hash."""
    published = rows(round_)
    Measurement.objects.filter(sha256=published[0]["sha256"]).update(numbers={}, **columns)
    return str(published[0]["sha256"])


def rows(round_: Round) -> list[Any]:
    return list(documents.documents(round_)[integrity.NAME]["files"])


def failure_of(round_: Round, sha256: str) -> Any:
    [row] = [row for row in rows(round_) if row["sha256"] == sha256]
    assert row["numbers"] is None
    return row["failure"]


def test_a_bundle_waits_until_every_drawn_file_is_measured_and_asks_for_those_nobody_has_asked_for(
    round_: Round,
) -> None:
    left = waited_for(round_)
    assert left == Measurement.objects.filter(state="measuring").count() > 0
    waits = publish.write(Publication.objects.get(round=round_), timezone.now())
    assert isinstance(waits, Wait) and waits.because == f"{left} files are not measured yet"
    Measurement.objects.all().delete()
    measure_all(round_)
    assert waited_for(round_) == 0 and not UnmeasuredFile.objects.exists()
    published = rows(round_)
    assert published and all(row["numbers"] and row["failure"] is None for row in published)


def test_a_round_that_was_announced_without_a_measure_waits_for_nothing_and_publishes_as_it_did(round_: Round) -> None:
    Round.objects.filter(pk=round_.pk).update(measure="")
    round_.refresh_from_db()
    assert waited_for(round_) == 0 and not Measurement.objects.exists()
    assert integrity.NAME not in documents.documents(round_)


def test_a_file_that_broke_its_measurement_is_published_as_its_miner_s(round_: Round) -> None:
    measure_all(round_)
    sha256 = one(round_, state="unmeasured", failure_class="miner", failure_code="NOT_MEASURED")
    assert waited_for(round_) == 0
    assert failure_of(round_, sha256) == {"class": "miner", "code": "NOT_MEASURED"}


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"state": "unmeasured", "failure_code": "NOT_MEASURED"}, "NOT_MEASURED"),
        ({"state": "measuring", "failure_code": "KILLED", "attempts": 3}, "KILLED"),
        ({"state": "measuring", "failure_code": WORKER_DIED}, WORKER_DIED),
    ],
)
def test_what_failed_by_our_fault_as_often_as_it_is_tried_is_published_so_and_holds_up_nobody(
    round_: Round, columns: dict[str, Any], code: str
) -> None:
    measure_all(round_)
    sha256 = one(round_, failure_class="infrastructure", **columns)
    assert waited_for(round_) == 0
    assert failure_of(round_, sha256) == {"class": "infrastructure", "code": code}
    assert round_.state == "finished"


def test_a_last_try_that_is_under_way_is_waited_for(round_: Round) -> None:
    measure_all(round_)
    one(
        round_,
        state="measuring",
        failure_class="infrastructure",
        failure_code="KILLED",
        attempts=3,
        lease=new_lease(),
        leased_until=timezone.now(),
    )
    assert waited_for(round_) == 1


def test_after_an_hour_nothing_is_waited_for_and_the_failure_is_ours(round_: Round) -> None:
    measure_all(round_)
    sha256 = one(round_, state="measuring")
    assert waited_for(round_, after=timedelta(minutes=59)) == 1
    assert waited_for(round_, after=timedelta(hours=1)) == 0
    assert failure_of(round_, sha256) == {"class": "infrastructure", "code": "NOT_MEASURED_IN_TIME"}


def test_files_of_a_measure_that_was_replaced_meanwhile_are_not_waited_for(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_all(round_)
    [sha256] = {row["sha256"] for row in rows(round_)[:1]}
    Measurement.objects.filter(sha256=sha256).delete()
    monkeypatch.setattr(measurements, "VERSION", "integrity-99")
    assert waited_for(round_) == 0
    assert failure_of(round_, sha256) == {"class": "infrastructure", "code": "ANOTHER_MEASURE"}
    assert not Measurement.objects.filter(sha256=sha256).exists()


def test_what_is_measured_after_it_was_published_as_not_measured_changes_no_bundle(round_: Round) -> None:
    measure_all(round_)
    one(round_, state="unmeasured", failure_class="infrastructure", failure_code="NOT_MEASURED")
    waited_for(round_)
    before = documents.documents(round_)[integrity.NAME]
    Measurement.objects.filter(state="unmeasured").delete()
    measure_all(round_)
    assert waited_for(round_) == 0
    assert documents.documents(round_)[integrity.NAME] == before


def test_a_later_edition_publishes_what_could_not_be_measured_for_the_first(round_: Round) -> None:
    measure_all(round_)
    sha256 = one(round_, state="unmeasured", failure_class="infrastructure", failure_code="NOT_MEASURED")
    waited_for(round_)
    Measurement.objects.filter(sha256=sha256).delete()
    measure_all(round_)
    assert waited_for(round_, edition=2) == 0
    contents = documents.documents(round_)
    [later] = [
        row
        for row in integrity.documents(round_, contents, edition=2)[integrity.NAME]["files"]
        if row["sha256"] == sha256
    ]
    assert later["numbers"] and later["failure"] is None
    assert failure_of(round_, sha256)["class"] == "infrastructure"


def test_a_file_that_is_drawn_while_the_bundle_is_written_is_waited_for_and_pauses_nothing(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = publish.write(Publication.objects.get(round=round_), timezone.now())
    monkeypatch.setattr(measurements, "settle", lambda *_, **__: 0)
    drawn = publish.write(Publication.objects.get(round=round_), timezone.now())
    assert isinstance(waits, Wait) and isinstance(drawn, Wait) and drawn.because.startswith("nothing is known yet")
    round_.refresh_from_db()
    assert round_.state == "finished"


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (Refused("CANNOT_RENDER", "It broke the measurement."), {"class": "miner", "code": "NOT_MEASURED"}),
        (RendererFault("KILLED", "it was killed"), {"class": "infrastructure", "code": "NOT_MEASURED"}),
    ],
)
def test_workers_settle_every_file_in_a_bounded_number_of_tries(
    round_: Round, monkeypatch: pytest.MonkeyPatch, error: Exception, failure: dict[str, str]
) -> None:
    def fail(data: Any, *, file_format: str) -> Any:
        raise error

    monkeypatch.setattr(measurement, "measure", fail)
    waited_for(round_)
    now = timezone.now()
    for turn in range(3):
        now += timedelta(minutes=turn)
        for pk in list(Measurement.objects.filter(state="measuring").values_list("pk", flat=True)):
            Measurement.objects.filter(pk=pk).update(due_at=now)
            engine.advance("judging.Measurement", pk, now=now)
    assert waited_for(round_) == 0
    published = rows(round_)
    assert published and all(row["failure"] == failure for row in published)
