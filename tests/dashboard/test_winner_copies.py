"""Which files of whom are converted, by whom, and where does a visitor find them?"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from competition.models import Asset, Reign, Round
from core import store
from core.machine import engine
from core.sandbox.outcomes import Refused
from dashboard.copies import conversions
from dashboard.models import WinnerCopy
from examples.objects import glb_of
from formats import conversion
from judging.models import Rendering
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import html, match_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def won(made: Made) -> Asset:
    """One real file of the miner who won the finished round."""
    now = timezone.now()
    Round.objects.filter(pk=made.finished.pk).update(since=now)
    duel = made.matches[made.miners[1].hotkey + "screen"].duels.get(position=0)
    sha256 = store.default().put(glb_of("mug"))
    Asset.objects.filter(sha256=duel.right_sha256).update(
        sha256=sha256, bytes=store.default().path(sha256).stat().st_size
    )
    Rendering.objects.filter(sha256=duel.right_sha256).update(sha256=sha256)
    duel.right_sha256 = sha256
    duel.save()
    asset = Asset.objects.filter(sha256=sha256, state="stored").first()
    Reign.objects.filter(won_in=made.finished).update(miner=asset.submission.miner)
    return asset


def wanted() -> set[tuple[str, str]]:
    conversions.want_copies(timezone.now())
    return set(WinnerCopy.objects.values_list("original", "target"))


def advance(sha256: str, target: str) -> WinnerCopy:
    copy = WinnerCopy.objects.get(original=sha256, target=target)
    WinnerCopy.objects.filter(pk=copy.pk).update(due_at=timezone.now())
    assert engine.advance("dashboard.WinnerCopy", copy.pk, now=timezone.now())
    copy.refresh_from_db()
    return copy


def test_all_files_of_the_winner_are_wanted_once_and_nobody_elses(won: Asset) -> None:
    entry = {"submission__round": won.submission.round, "submission__miner": won.submission.miner}
    mine = Asset.objects.filter(**entry, state="stored")
    found = wanted()
    assert found == {(sha, target) for sha in mine.values_list("sha256", flat=True) for target in ("glb", "obj.zip")}
    assert wanted() == found
    assert WinnerCopy.objects.count() == len(found)


def test_a_worker_converts_and_the_page_offers_it(won: Asset, made: Made, client: Client) -> None:
    wanted()
    url = f"{match_url(made)}prompt-000/"
    assert "To use it elsewhere" not in html(client, url)
    copy = advance(won.sha256, "obj.zip")
    assert (copy.state, copy.failure_class) == ("made", "")
    cache.clear()
    address = f"/blob/{copy.sha256}.zip"
    assert f'href="{address}"' in html(client, url)
    answer = client.get(address)
    assert answer["Content-Disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        told = archive.read("PROVENANCE.txt").decode()
    assert f"miner: {won.submission.miner.hotkey}\n" in told and f"commit: {won.submission.commit}\n" in told


def test_what_cannot_be_converted_is_nobody_s_failure(won: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: Path, **_: object) -> bytes:
        raise Refused("TOO_SLOW", "It is too slow.")

    wanted()
    monkeypatch.setattr(conversion, "convert", refuse)
    copy = advance(won.sha256, "glb")
    assert (copy.state, copy.failure_class) == ("refused", "")


def test_the_command_writes_a_copy(won: Asset, tmp_path: Path) -> None:
    out = tmp_path / "mug.glb"
    call_command("convert", won.sha256[:12], to="glb", out=out)
    assert won.submission.miner.hotkey.encode() in out.read_bytes()


def test_the_command_says_what_is_wrong(won: Asset) -> None:
    with pytest.raises(CommandError, match="at least 8 characters"):
        call_command("convert", "abc", to="glb")
    with pytest.raises(CommandError, match="0 stored assets"):
        call_command("convert", "f" * 64, to="glb")
    with pytest.raises(CommandError, match=r"choose glb or obj.zip"):
        call_command("convert", won.sha256, to="usdz")
