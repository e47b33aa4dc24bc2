"""Which files are measured for how sound they are, who does it, and where it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trimesh
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from competition.models import Asset, LedgerEvent, Round
from competition.stored_files import damage
from core import store
from core.machine import engine
from core.sandbox.outcomes import Refused, RendererFault
from formats.integrity import measurement
from formats.integrity.defect_positions import parse
from formats.integrity.measures import MESH_MEASURES, VERSION
from judging import measurements, stored_views
from judging.models import Measurement, Rendering
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html, match_url
from tests.formats.made_meshes import SHAPES

pytestmark = pytest.mark.django_db


@pytest.fixture
def faulty(made: Made) -> str:
    """The defender's file of the first duel: a cube with one face turned, in a round that has just finished."""
    shape = SHAPES["a cube with one face turned"]
    data = trimesh.Trimesh(shape.points - 0.5, shape.faces, process=False).export(file_type="glb")
    sha256 = store.default().put(data)
    duel = made.matches[made.miners[1].hotkey + "screen"].duels.get(position=0)
    Asset.objects.exclude(sha256=duel.left_sha256).update(state="failed")
    Asset.objects.filter(sha256=duel.left_sha256).update(sha256=sha256, bytes=len(data))
    Rendering.objects.filter(sha256=duel.left_sha256).update(sha256=sha256)
    duel.left_sha256 = sha256
    duel.save()
    Round.objects.filter(pk=made.finished.pk).update(since=timezone.now())
    cache.clear()
    return sha256


def wanted() -> list[str]:
    measurements.want_measurements(timezone.now())
    return list(Measurement.objects.values_list("sha256", flat=True))


def advance() -> Measurement:
    row = Measurement.objects.get()
    Measurement.objects.update(due_at=timezone.now())
    assert engine.advance("judging.Measurement", row.pk, now=timezone.now())
    row.refresh_from_db()
    return row


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: Path, *, file_format: str) -> Any:
        raise error

    monkeypatch.setattr(measurement, "measure", fail)


def test_a_drawn_file_is_measured_once_per_content_and_version(made: Made, faulty: str) -> None:
    assert wanted() == wanted() == [faulty]
    Measurement.objects.update(version="integrity-0")
    assert wanted() == [faulty, faulty]


def test_a_round_gets_its_pictures_and_its_duels_before_any_measurement(made: Made, faulty: str) -> None:
    Rendering.objects.filter(sha256=faulty).update(state="rendering")
    assert wanted() == []
    Rendering.objects.filter(sha256=faulty).update(state="rendered")
    Round.objects.update(state="downloading")
    assert wanted() == []


def test_rounds_played_elsewhere_are_not_measured(made: Made, faulty: str) -> None:
    Round.objects.update(source={"era": 1})
    assert wanted() == []


def test_a_worker_measures_and_the_duel_shows_both_sides(client: Client, made: Made, faulty: str) -> None:
    wanted()
    events = LedgerEvent.objects.count()
    row = advance()
    assert (row.state, row.version) == ("measured", VERSION)
    assert LedgerEvent.objects.count() == events, "it decides nothing, so the ledger says nothing"
    assert list(row.numbers) != [] and row.numbers["inverted_faces"] == 1
    url = f"{match_url(made)}prompt-000/"
    text, page = html(client, url), facts(client, url)
    numbers = page["defender"]["integrity"]["numbers"]
    assert [number["name"] for number in numbers] == [measure.name for measure in MESH_MEASURES]
    by_name = {number["name"]: number for number in numbers}
    assert by_name["mismatched_edges"]["value"] == 3 and by_name["mismatched_edges"]["fault"]
    assert by_name["triangles"]["value"] == 12 and not by_name["triangles"]["fault"]
    assert by_name["open_edges"]["value"] == 0 and not by_name["open_edges"]["fault"]
    assert by_name["uv_overlap"]["value"] is None
    assert page["challenger"]["integrity"]["state"] == ""
    picture = page["defender"]["integrity"]["picture"]
    assert picture == row.picture and page["challenger"]["integrity"]["picture"] == ""
    assert client.get(f"/blob/{picture}.png").status_code == 200
    assert f"/blob/{picture}.png" in text and "Inverted faces: blue." in text and "Open edges: red." not in text
    positions = page["defender"]["integrity"]["positions"]
    assert positions == row.positions and page["challenger"]["integrity"]["positions"] == ""
    for file in (picture, positions):
        assert file in set(damage.referenced()), "the scrub keeps it"
        assert stored_views.marked_again(file) == store.default().path(file).read_bytes()
    assert f'data-defects="/blob/{positions}.defects"' in text and 'name="defects"' in text
    answer = client.get(f"/blob/{positions}.defects")
    served = b"".join(answer.streaming_content)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/octet-stream")
    assert served == store.default().path(positions).read_bytes()
    assert {number for number, each in parse(served).items() if each.counted} == {"inverted_faces", "mismatched_edges"}
    for lost in (f"/blob/{positions}.png", f"/blob/{positions}.glb", f"/blob/{picture}.defects"):
        assert client.get(lost).status_code == 404, "another kind of file"
    for measure in MESH_MEASURES:
        assert measure.label.capitalize() in text
    assert "How sound the files are" in text and VERSION in text


def test_the_api_tells_the_numbers_of_a_file_with_its_pictures(client: Client, made: Made, faulty: str) -> None:
    address = f"/api/v1/views?sha256={faulty}"
    assert client.get(address).json()["results"][0]["integrity"] is None
    wanted()
    cache.clear()
    advance()
    told = client.get(address).json()["results"][0]["integrity"]
    assert (told["state"], told["version"], told["reason"]) == ("measured", VERSION, "")
    assert told["numbers"]["inverted_faces"] == 1 and told["numbers"]["pieces"] == 1


def test_of_more_defects_than_are_drawn_the_page_says_how_many_there_are(
    client: Client, made: Made, faulty: str
) -> None:
    wanted()
    row = advance()
    Measurement.objects.update(numbers={**row.numbers, "inverted_faces": 12_345})
    cache.clear()
    text = " ".join(html(client, f"{match_url(made)}prompt-000/").split())
    assert "Of the defender's 12,345 inverted faces 10,000 are drawn, evenly chosen." in text


def test_a_file_measured_before_positions_were_kept_shows_its_picture_alone(
    client: Client, made: Made, faulty: str
) -> None:
    wanted()
    row = advance()
    Measurement.objects.update(positions="")
    cache.clear()
    text = html(client, f"{match_url(made)}prompt-000/")
    assert f"/blob/{row.picture}.png" in text and 'name="defects"' not in text and "data-marks" not in text


def test_nothing_is_shown_of_files_that_nobody_measured(client: Client, made: Made) -> None:
    assert "How sound the files are" not in html(client, f"{match_url(made)}prompt-000/")


@pytest.mark.parametrize(
    ("error", "whose"),
    [
        (Refused("TOO_SLOW", "It is too slow."), "miner"),
        (RendererFault("KILLED", "it was killed"), "infrastructure"),
    ],
)
def test_a_file_that_cannot_be_measured_says_so_and_is_nobody_s_loss(
    client: Client, made: Made, faulty: str, monkeypatch: pytest.MonkeyPatch, error: Exception, whose: str
) -> None:
    wanted()
    failing(error, monkeypatch)
    for _ in range(3):
        row = advance()
        if row.state == "unmeasured":
            break
    assert (row.state, row.failure_class, row.failure_code) == ("unmeasured", whose, "NOT_MEASURED")
    assert Asset.objects.get(sha256=faulty).state == "stored", "the file keeps its place in the round"
    text = html(client, f"{match_url(made)}prompt-000/")
    assert "Defender: not measured." in text and whose in text
    assert wanted() == [faulty], "it is not asked for again"
