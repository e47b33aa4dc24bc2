"""Pictures are copied by the guarded fetch where hosts still have them, once; nothing that is no picture is kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from PIL import Image

from competition.models import Prompt
from core import store
from dashboard.models import MirroredFile
from dashboard.records.mirroring import mirror
from tests.competition.hostile_host import HostileHost, Visit, hostile_host
from tests.records.importing import NOW, imported
from tests.verify import made_records
from tests.verify.ways_to_break import ADA

pytestmark = pytest.mark.django_db


@pytest.fixture
def host() -> Iterator[HostileHost]:
    with hostile_host() as running:
        yield running


def picture(colour: str, *, kind: str = "PNG", size: tuple[int, int] = (8, 8)) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", size, colour).save(kept, kind)
    return kept.getvalue()


@pytest.fixture
def played(host: HostileHost, tmp_path: Path, settings: object) -> dict[str, str]:
    """A repository whose first round has five prompts on a host of ours, and one duel's picture."""
    settings.DEMO, settings.FETCH_WITNESS = True, ""  # type: ignore[attr-defined]
    cache.clear()
    served: dict[str, bytes | None] = {
        "good": picture("red"),
        "same": picture("red"),
        "jpeg": picture("blue", kind="JPEG"),
        "html": b"<html>no</html>",
        "gone": None,
    }
    for name, body in served.items():
        host.on(f"/{name}.png", _serving(body))
    host.on("/left.png", _serving(picture("green")))
    files = made_records.era_1()
    addresses = {name: host.url(f"/{name}.png") for name in served}
    files["rounds/0/prompts.txt"] = "\n".join(addresses.values())
    files[f"rounds/0/{ADA}/duels_leader.json"]["duels"][0]["left_png"] = host.url("/left.png")
    imported(made_records.write(files, tmp_path / "made"))
    return addresses


def _serving(body: bytes | None):  # type: ignore[no-untyped-def]
    def answer(visit: Visit) -> None:
        if body is None:
            visit.head("404 Not Found", Content_Length=0)
        else:
            visit.file(body)

    return answer


def mirrored(*more: str) -> str:
    out = StringIO()
    call_command("mirror_assets", "made", "--round", "0", *more, stdout=out)
    return out.getvalue()


def test_pictures_that_are_there_are_copied_and_shown(played: dict[str, str], host: HostileHost) -> None:
    told = mirrored("--prompts")
    assert "5 tried, 3 copied" in told
    kept = {prompt.stem: prompt.sha256 for prompt in Prompt.objects.exclude(sha256="")}
    assert set(kept) == {"good", "same", "jpeg"}
    assert kept["good"] == kept["same"], "two prompts may show one picture"
    assert store.default().open(kept["good"]).read() == picture("red")
    assert Client().get(f"/blob/{kept['good']}.png").status_code == 200
    assert "404" in MirroredFile.objects.get(url=played["gone"]).failure
    assert "no picture" in MirroredFile.objects.get(url=played["html"]).failure


def test_what_was_tried_is_not_tried_again_unless_asked(played: dict[str, str], host: HostileHost) -> None:
    mirrored("--prompts")
    assert "0 tried" in mirrored("--prompts")
    assert "2 tried, 0 copied" in mirrored("--prompts", "--again")


def test_a_duels_picture_is_shown_from_our_copy(played: dict[str, str], host: HostileHost) -> None:
    mirror([host.url("/left.png")], retry_failed=False, now=NOW, on_result=lambda came: None)
    sha256 = MirroredFile.objects.get().sha256
    stem = made_records.era_1()[f"rounds/0/{ADA}/duels_leader.json"]["duels"][0]["name"]
    body = Client().get(f"/c/made/r/0/leader-vs-{ADA}/{stem}/").content.decode()
    assert f"/blob/{sha256}.png" in body
    assert Client().get(f"/blob/{sha256}.png").status_code == 200


def test_addresses_of_our_own_network_are_refused(played: dict[str, str], settings: object) -> None:
    settings.DEMO = False  # type: ignore[attr-defined]
    assert "5 tried, 0 copied" in mirrored("--prompts")
    assert not Prompt.objects.exclude(sha256="").exists()


def test_only_an_imported_competition_is_mirrored() -> None:
    with pytest.raises(CommandError, match="no imported competition"):
        call_command("mirror_assets", "nobody")
