"""Which files get a light copy, who makes it, and what a page does with it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from competition.models import Asset, LedgerEvent, Round
from core import store
from core.machine import engine
from core.sandbox.outcomes import Refused, RendererFault
from dashboard.copies import light_copies
from dashboard.models import LightCopy
from formats import light_copy
from judging.models import Rendering
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html, match_url
from tests.judging.test_light_copies import globe

pytestmark = pytest.mark.django_db


@pytest.fixture
def heavy(made: Made) -> str:
    """The defender's file of the first duel, as a real and heavy one; its hash."""
    data = globe(subdivisions=6, edge=256)
    sha256 = store.default().put(data)
    duel = made.matches[made.miners[1].hotkey + "screen"].duels.get(position=0)
    Asset.objects.filter(sha256=duel.left_sha256).update(sha256=sha256, bytes=len(data))
    Rendering.objects.filter(sha256=duel.left_sha256).update(sha256=sha256)
    duel.left_sha256 = sha256
    duel.save()
    return sha256


def wanted() -> list[str]:
    light_copies.want_light_copies(timezone.now())
    return list(LightCopy.objects.values_list("original", flat=True))


def finish_now(made: Made) -> None:
    Round.objects.filter(pk=made.finished.pk).update(since=timezone.now())


def advance() -> LightCopy:
    copy = LightCopy.objects.get()
    LightCopy.objects.update(due_at=timezone.now())
    assert engine.advance("dashboard.LightCopy", copy.pk, now=timezone.now())
    copy.refresh_from_db()
    return copy


def test_heavy_files_are_wanted_once_and_light_ones_never(made: Made, heavy: str) -> None:
    finish_now(made)
    assert wanted() == [heavy]
    assert wanted() == [heavy]


def test_a_round_gets_its_pictures_before_any_copy(made: Made, heavy: str) -> None:
    finish_now(made)
    Rendering.objects.filter(sha256=heavy).update(state="rendering")
    assert wanted() == []
    Rendering.objects.filter(sha256=heavy).update(state="rendered")
    Round.objects.update(state="downloading")
    assert wanted() == []


def test_old_rounds_and_those_played_elsewhere_are_left_alone(made: Made, heavy: str) -> None:
    assert wanted() == [], "it finished long ago"
    finish_now(made)
    Round.objects.update(source={"era": 1})
    assert wanted() == []


def test_a_worker_makes_the_copy_and_the_page_loads_it_first(client: Client, made: Made, heavy: str) -> None:
    finish_now(made)
    wanted()
    events = LedgerEvent.objects.count()
    copy = advance()
    assert copy.state == "made"
    assert LedgerEvent.objects.count() == events, "it decides nothing, so the ledger says nothing"
    url = f"{match_url(made)}prompt-000/"
    text, page = html(client, url), facts(client, url)
    assert page["defender"]["light"] == {"sha256": copy.sha256, "bytes": copy.bytes, "triangles": copy.triangles}
    assert page["challenger"]["light"] is None
    assert f'data-light-sha256="{copy.sha256}"' in text
    assert "Load the originals (" in text
    answer = client.get(f"/blob/{copy.sha256}.glb")
    assert b"".join(answer) == store.default().path(copy.sha256).read_bytes()
    assert f"/blob/{heavy}.glb" in text, "the original stays a click away"


def test_a_file_too_big_to_turn_turns_by_its_copy(client: Client, made: Made, heavy: str) -> None:
    finish_now(made)
    Asset.objects.filter(sha256=heavy).update(bytes=60_000_000)
    url = f"{match_url(made)}prompt-000/"
    assert "above 20 MB nothing is loaded" in html(client, url)
    wanted()
    advance()
    assert "above 20 MB nothing is loaded" not in html(client, url)
    assert "Turn both in 3D" in html(client, url)


def test_a_copy_in_the_making_is_not_served(client: Client, made: Made, heavy: str) -> None:
    sha256 = store.default().put(b"half made")
    LightCopy.objects.create(
        competition=made.competition, original=heavy, sha256=sha256, state="lightening", since=timezone.now()
    )
    assert client.get(f"/blob/{sha256}.glb").status_code == 404


def test_a_file_that_cannot_be_made_light_is_nobody_s_failure(
    made: Made, heavy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish_now(made)
    wanted()

    def refuse(data: Path, *, file_format: str) -> light_copy.Light:
        raise Refused("TOO_SLOW", "It is too slow.")

    monkeypatch.setattr(light_copy, "lighten", refuse)
    copy = advance()
    assert (copy.state, copy.failure_class) == ("refused", "")


def test_our_own_fault_is_tried_again_and_then_let_be(made: Made, heavy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    finish_now(made)
    wanted()

    def fail(data: Path, *, file_format: str) -> light_copy.Light:
        raise RendererFault("KILLED", "the work was killed")

    monkeypatch.setattr(light_copy, "lighten", fail)
    assert (advance().state, LightCopy.objects.get().failure_class) == ("lightening", "infrastructure")
    assert advance().state == "lightening"
    assert advance().state == "refused", "the pictures do"


def test_a_worker_that_died_leaves_a_copy_that_comes_due_again(made: Made, heavy: str) -> None:
    finish_now(made)
    wanted()
    now = timezone.now()
    row = engine.claim(LightCopy, LightCopy.objects.get().pk, now=now)
    assert row is not None
    assert engine.claim(LightCopy, row.pk, now=now) is None, "another one holds it"
    assert engine.claim(LightCopy, row.pk, now=row.leased_until + timedelta(seconds=1)) is not None
