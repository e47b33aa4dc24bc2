"""A stored file that rotted is ours: nobody forfeits by it, it is had again or the round pauses, and goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audits.models import SourceCopy
from audits.source import archive
from audits.source.origins.base import FetchedCode
from competition.models import Asset, Round
from competition.stored_files import damage, mending
from competition.stored_files.damage import Damage
from core import store
from core.machine import engine
from dashboard.bundles import publish, stored_bundles
from dashboard.models import Publication
from judging.models import Duel, Rendering
from judging.renderers import renderer
from tests.dashboard.made_round import Made
from tests.loopback import Quiet, serving

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.DEMO = True
    settings.VAR_DIR = tmp_path
    settings.BUNDLE_DIR = tmp_path / "bundles"


def turn_a_byte(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.write_bytes(bytes(content))


def cut(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:3])


def lose(path: Path) -> None:
    path.unlink()


WAYS: dict[str, Callable[[Path], None]] = {"turned": turn_a_byte, "cut": cut, "lost": lose}


def submitted(made: Made) -> Asset:
    """A file of a challenger of the running round, in a store file of its own."""
    asset = Asset.objects.filter(submission__round=made.running, origin="submitted", state="stored").first()
    assert asset is not None
    content = b"glTF" + str(asset.pk).encode() * 40 + timezone.now().isoformat().encode()
    Asset.objects.filter(pk=asset.pk).update(sha256=store.default().put(content))
    asset.refresh_from_db()
    return asset


def waiting_rendering(made: Made, sha256: str) -> Rendering:
    now = timezone.now()
    return Rendering.objects.create(
        competition=made.competition, sha256=sha256, rig="r" * 64, renderer="raycast/1", **Rendering.born(now=now)
    )


def look(row: Any, *, times: int = 1) -> None:
    for _ in range(times):
        type(row).objects.filter(pk=row.pk, lease=None).update(due_at=timezone.now())
        engine.advance(row._meta.label, row.pk, now=timezone.now())
    row.refresh_from_db()


@pytest.mark.parametrize("way", WAYS)
def test_a_file_damaged_before_its_rendering_is_ours_and_never_refused(made: Made, way: str) -> None:
    asset = submitted(made)
    rendering = waiting_rendering(made, asset.sha256)
    WAYS[way](store.default().path(asset.sha256))
    look(rendering, times=8)
    assert (rendering.state, rendering.failure_class) == ("rendering", "infrastructure")
    assert rendering.failure_code in ("STORED_FILE_ROTTEN", "STORED_FILE_MISSING") and rendering.attempts == 0
    assert "the operator must" in rendering.failure_reason
    row = Damage.objects.get()
    assert (row.sha256, row.problem) == (asset.sha256, "missing" if way == "lost" else "rotten")
    assert list(row.rounds.all()) == [made.running]


@pytest.mark.parametrize("way", WAYS)
def test_a_damaged_view_makes_no_duel_a_forfeit(made: Made, way: str) -> None:
    duel = Duel.objects.filter(match__round=made.running, state="judging").first()
    assert duel is not None
    asset = Asset.objects.get(submission=duel.match.challenger, prompt=duel.prompt)
    rendering = Rendering.objects.get(sha256=asset.sha256)
    views = {name: store.default().put(f"{name} {duel.pk} {way}".encode()) for name in rendering.views}
    version = renderer(made.competition.renderer).version
    Rendering.objects.filter(pk=rendering.pk).update(views=views)
    Rendering.objects.update(renderer=version)
    WAYS[way](store.default().path(views["back"]))
    look(duel)
    assert (duel.state, duel.failure_class, duel.attempts) == ("judging", "infrastructure", 0)


class Host:
    """The miner's host, which gives these bytes for every address."""

    def __init__(self, content: bytes) -> None:
        class Handler(Quiet):
            def do_GET(self) -> None:
                self.answer(content)

        self.serving = serving(Handler)


def test_a_damaged_file_is_fetched_again_where_its_host_still_has_the_same_bytes(made: Made) -> None:
    asset = submitted(made)
    path = store.default().path(asset.sha256)
    content = path.read_bytes()
    turn_a_byte(path)
    row = damage.report(asset.sha256, problem="rotten", now=timezone.now(), rounds=[made.running])
    with Host(content).serving as address:
        asset.submission.cdn_url = address
        asset.submission.save()
        look(row)
    assert row.state == "mended" and path.read_bytes() == content
    assert not list((mending.settings.VAR_DIR / "partial").glob("mending-*"))
    made.running.refresh_from_db()
    assert made.running.state == "duels"


def test_other_bytes_are_never_taken_and_the_round_pauses_until_the_file_is_back_and_then_goes_on_by_itself(
    made: Made,
) -> None:
    asset = submitted(made)
    path = store.default().path(asset.sha256)
    content = path.read_bytes()
    turn_a_byte(path)
    row = damage.report(asset.sha256, problem="rotten", now=timezone.now(), rounds=[made.running])
    with Host(content + b"!").serving as address:
        asset.submission.cdn_url = address
        asset.submission.save()
        look(row, times=3)
    made.running.refresh_from_db()
    assert (made.running.state, made.running.failure_class) == ("paused", "infrastructure")
    assert made.running.failure_code == "STORED_FILE" and asset.sha256 in made.running.failure_reason
    mending.resume_rounds(timezone.now())
    assert Round.objects.get(pk=made.running.pk).state == "paused", "not before it is mended"
    path.write_bytes(content)
    look(row)
    assert row.state == "mended"
    mending.resume_rounds(timezone.now())
    assert Round.objects.get(pk=made.running.pk).state == "duels"


def test_the_archive_of_a_commit_is_had_again_from_its_code_host(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [archive.File(path="main.py", content=b"print(1)\n")]
    sha256 = store.default().put(archive.pack(files))
    kept = {"repo": "demo/x", "commit": "c" * 40, "origin": "x", "files": 1, "size": 9}
    SourceCopy.objects.create(archive=sha256, fetched_at=timezone.now(), **kept)

    class Origin:
        def fetch(self, repo: str, commit: str) -> FetchedCode:
            return FetchedCode(files=tuple(files), left_out=(), origin="x")

    monkeypatch.setattr("audits.source.source_audits.origin", Origin)
    lose(store.default().path(sha256))
    assert mending.restore_file(sha256) and store.default().verify(sha256)


def test_a_row_mended_and_damaged_again_is_looked_at_again(made: Made) -> None:
    asset = submitted(made)
    row = damage.report(asset.sha256, problem="rotten", now=timezone.now())
    look(row)
    assert row.state == "mended", "it was whole"
    lose(store.default().path(asset.sha256))
    damage.report(asset.sha256, problem="missing", now=timezone.now())
    row.refresh_from_db()
    assert (row.state, row.problem, Damage.objects.count()) == ("damaged", "missing", 1)


def test_no_byte_of_a_rotten_file_is_shown_and_a_worker_hears_of_it(made: Made, client: Client) -> None:
    asset = submitted(made)
    address = reverse("blob", args=[asset.sha256, "glb"])
    assert client.get(address).status_code == 200
    turn_a_byte(store.default().path(asset.sha256))
    answer = client.get(address)
    assert answer.status_code == 503 and b"infrastructure, STORED_FILE_ROTTEN" in answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    assert Damage.objects.get().sha256 == asset.sha256


@pytest.mark.parametrize("kind", ["blob", "thumb", "live module"])
def test_a_published_file_that_is_lost_is_written_down_as_our_damage_and_the_visitor_reads_so(
    made: Made, client: Client, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    asset = submitted(made)
    monkeypatch.setattr("dashboard.pages.files.known", lambda sha256, extension: True)
    monkeypatch.setattr("dashboard.pages.live_modules.is_accepted_module", lambda sha256: True)
    lose(store.default().path(asset.sha256))
    address = {
        "blob": reverse("blob", args=[asset.sha256, "glb"]),
        "thumb": reverse("thumb", args=[asset.sha256]),
        "live module": reverse("live-script", args=[asset.sha256]),
    }[kind]
    answer = client.get(address, headers={"Origin": "null"})
    assert answer.status_code == 503 and b"infrastructure, STORED_FILE_MISSING" in answer.content
    assert b"the operator must" in answer.content and answer.headers["Cache-Control"] == "no-store"
    row = Damage.objects.get()
    assert (row.sha256, row.problem) == (asset.sha256, "missing")


def scrub(*words: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    try:
        call_command("scrub", "--json", *words, stdout=out, stderr=StringIO())
    except CommandError:
        return 1, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def without_a_bundle(made: Made) -> None:
    Publication.objects.all().delete()


def test_a_scrub_names_what_is_rotten_missing_and_unknown_and_its_exit_code_says_whether_somebody_must_act(
    made: Made, settings: Any, tmp_path: Path, client: Client
) -> None:
    without_a_bundle(made)
    copy_of_the_store(settings, tmp_path)
    code, told = scrub()
    assert (code, told["rotten"], told["missing"]) == (0, [], [])
    rotten, lost = submitted(made), Asset.objects.filter(origin="generated", state="stored").first()
    assert lost is not None
    turn_a_byte(store.default().path(rotten.sha256))
    lose(store.default().path(lost.sha256))
    (settings.STORE_DIR / "incoming-x").write_bytes(b"left over")
    code, told = scrub("--repair")
    assert code == 1 and told["rotten"] == [f"file {rotten.sha256}"] and told["missing"] == [f"file {lost.sha256}"]
    assert any(name.endswith("incoming-x") for name in told["unknown"]) and told["mended"] == []
    page = client.get(reverse("status-json")).json()
    assert page["well"] is False and {row["sha256"] for row in page["damaged"]} == {rotten.sha256, lost.sha256}
    assert page["scrub"]["rotten"] == page["scrub"]["missing"] == 1
    assert b"manage.py scrub --repair" in client.get(reverse("status")).content


def copy_of_the_store(settings: Any, tmp_path: Path) -> None:
    """Only what this test's rows name: the run's store holds the files of other tests."""
    from competition.stored_files.damage import referenced

    there, here = store.default(), store.Store(tmp_path / "store")
    for sha256 in set(referenced()):
        here.put(there.path(sha256))
    settings.STORE_DIR = tmp_path / "store"


def test_a_scrub_repairs_what_a_source_still_has(made: Made, settings: Any, tmp_path: Path) -> None:
    without_a_bundle(made)
    copy_of_the_store(settings, tmp_path)
    asset = submitted(made)
    path = store.default().path(asset.sha256)
    blobs = settings.BUNDLE_DIR / "made" / "1" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / asset.sha256).write_bytes(path.read_bytes())
    turn_a_byte(path)
    code, told = scrub("--repair")
    assert (code, told["mended"]) == (0, [f"file {asset.sha256}"])
    assert Damage.objects.get().state == "mended"


def published(made: Made, settings: Any) -> tuple[Publication, Path]:
    """A bundle with real documents, of the made round."""
    publication = Publication.objects.get()
    folder = publish.folder_of(made.finished)
    publish.write_files(made.finished, folder)
    digest = store.sha256_of(folder / "manifest.json")
    from django.db import transaction

    from competition.steps import checkpoint
    from core import ledger

    with transaction.atomic():
        ledger.append(made.competition.pk, kind="round.open", body={"round": 1}, at=timezone.now())
    made.running.competition.refresh_from_db()
    signed = checkpoint(made.competition, now=timezone.now())
    Publication.objects.filter(pk=publication.pk).update(bundle_hash=digest, checkpoint=signed)
    publication.refresh_from_db()
    for name, text in publish.ledger_files(publication).items():
        (folder / name).write_text(text)
    return publication, folder


BUNDLES: dict[str, Callable[[Path], None]] = {
    "the folder": shutil.rmtree,
    "the manifest": lambda folder: (folder / "manifest.json").unlink(),
    "a document": lambda folder: (folder / "round.json").unlink(),
    "half of a document": lambda folder: cut(folder / "matches.json"),
    "the ledger": lambda folder: (folder / "ledger.jsonl").unlink(),
    "a picture": lambda folder: lose(next(iter(sorted((folder / "blobs").iterdir())))),
}


@pytest.mark.parametrize("what", BUNDLES)
def test_a_lost_or_cut_bundle_is_noticed_and_written_again_with_the_same_hash(
    made: Made, settings: Any, what: str
) -> None:
    publication, folder = published(made, settings)
    assert stored_bundles.problem(publication.bundle_hash) == ""
    BUNDLES[what](folder)
    stored_bundles.look_at_bundles(timezone.now())
    row = Damage.objects.get()
    assert (row.what, row.sha256) == ("bundle", publication.bundle_hash)
    look(row)
    assert row.state == "mended", row.failure_reason
    assert store.sha256_of(folder / "manifest.json") == publication.bundle_hash
    assert stored_bundles.problem(publication.bundle_hash) == ""
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


def test_a_changed_byte_in_a_bundle_is_a_scrub_s_to_find(made: Made, settings: Any) -> None:
    publication, folder = published(made, settings)
    turn_a_byte(folder / "round.json")
    assert stored_bundles.problem(publication.bundle_hash) == "rotten"


def test_a_bundle_that_the_database_no_longer_gives_is_told_and_nothing_takes_its_place(
    made: Made, settings: Any
) -> None:
    _, folder = published(made, settings)
    Round.objects.filter(pk=made.finished.pk).update(decision={"winner": "somebody else"})
    (folder / "round.json").unlink()
    stored_bundles.look_at_bundles(timezone.now())
    row = Damage.objects.get()
    look(row)
    assert row.state == "damaged" and "The database no longer gives the files" in row.failure_reason
    assert (folder / "manifest.json").is_file() and not (folder / "round.json").exists()
