"""How pages and files are served: headers, hostile text, constant queries, polling, files by hash."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from competition import attempts
from competition.models import Asset, Attempt, Competition, Prompt, Round
from competition.publication.bundle_folders import folder_of
from core import store
from judging.models import Match, Rendering
from tests.dashboard import made_round
from tests.dashboard.made_round import Made, hotkey
from tests.dashboard.test_pages import every_page, match_url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_measured")]
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7|add:7 }}"


def test_every_page_has_the_policy_that_runs_nothing_foreign(client: Client, made: Made) -> None:
    for url in every_page(made):
        answer = client.get(url)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-cache" in answer.headers["Cache-Control"]


def test_pages_are_only_read(client: Client, made: Made) -> None:
    for url in ("/", *every_page(made)[:4], "/c/made/r/1.json", "/c/made/r/1/live", "/healthz"):
        assert client.post(url).status_code in (403, 405), url
        assert client.head(url).status_code == 200, url


def test_what_a_miner_wrote_is_text_everywhere(client: Client, db: None) -> None:
    made = made_round.make(hostile=HOSTILE)
    for miner in made.miners:
        miner.label, miner.note = f"<u>{miner.pk}</u>", HOSTILE
        miner.save()
    Round.objects.filter(pk=made.finished.pk).update(headline=HOSTILE)
    for url in [*every_page(made), "/", f"/search/?q={hotkey(0)[:3]}", "/search/?q=<u>"]:
        text = client.get(url, follow=True).content.decode()
        assert "<script>alert" not in text, url
        assert "<img src=x" not in text, url
        assert "<u>" not in text, url
        assert "14" not in text or "{{ 7|add:7 }}" not in HOSTILE or "onerror=alert(2)>14" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in client.get(reverse("round", args=["made", 1])).content.decode()


def queries_for(client: Client, url: str) -> int:
    """Without the clock's own, which is asked now and then."""
    cache.clear()
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200, url
    return sum("clock_timestamp" not in query["sql"] for query in seen.captured_queries)


MOST_QUERIES = {
    "competition": 15,
    "moving": 4,
    "round": 16,
    "field": 6,
    "running": 18,
    "live": 18,
    "match": 7,  # one for how sound its files are
    "duel": 9,
    "audit": 14,
    "miner": 16,
    "audits": 6,
    "leaders": 6,
    "status": 22,  # of which 8 are what the last round of a competition cost, remembered for ten minutes
}


def counts(client: Client, made: Made) -> dict[str, int]:
    slug, winner = made.competition.slug, made.miners[1].hotkey
    running, match = reverse("round", args=[slug, 2]), reverse("match", args=[slug, 1, "leader", winner])
    return {
        "competition": queries_for(client, reverse("competition", args=[slug])),
        "round": queries_for(client, reverse("round", args=[slug, 1])),
        "field": queries_for(client, reverse("field", args=[slug, 1])),
        "running": queries_for(client, running),
        "moving": queries_for(client, f"{running}live?of=home"),
        "live": queries_for(client, f"{running}live?of=round"),
        "match": queries_for(client, match),
        "duel": queries_for(client, f"{match}prompt-000/"),
        "audit": queries_for(client, reverse("audit", args=[slug, 1, winner])),
        "miner": queries_for(client, reverse("miner", args=[made.miners[2].hotkey])),
        "audits": queries_for(client, reverse("audits", args=[slug])),
        "leaders": queries_for(client, reverse("leaders", args=[slug])),
        "status": queries_for(client, reverse("status")),
    }


def test_twice_the_miners_and_prompts_cost_no_further_query(client: Client, db: None) -> None:
    few = counts(client, made_round.make(slug="few", miners=5, prompts=6))
    Competition.objects.filter(slug="few").update(active=False)  # the status page has the costs of each that is played
    many = counts(client, made_round.make(slug="many", miners=10, prompts=12))
    assert few == many
    assert {name: count for name, count in many.items() if count > MOST_QUERIES[name]} == {}


def test_matches_that_were_judged_again_cost_no_further_query(client: Client, made: Made) -> None:
    url = reverse("round", args=["made", made.finished.number])
    before = queries_for(client, url)
    again = attempts.later(made.finished, 2, of="decision", cause=Attempt.Cause.CORRECTION)
    assert Match.objects.filter(round=made.finished).update(attempt=again) > 1
    assert queries_for(client, url) == before


def live_url(made: Made, **asked: Any) -> str:
    return f"{reverse('live', args=['made', made.running.number])}?" + "&".join(f"{k}={v}" for k, v in asked.items())


def test_the_fragment_of_a_running_round_polls_for_itself(client: Client, made: Made) -> None:
    text = client.get(reverse("round", args=["made", 2])).content.decode()
    assert 'data-hx-trigger="every 2s"' in text
    assert "htmx-4.0.1" in text
    fragment = client.get(live_url(made, of="round")).content.decode()
    assert fragment.lstrip().startswith("<section")
    assert "Duels settled" in fragment


def test_a_poll_that_would_bring_nothing_new_is_empty(client: Client, made: Made) -> None:
    made.competition.chain = "simulated:gone"  # no clock: nothing moves
    made.competition.save()
    text = client.get(live_url(made, of="round")).content.decode()
    seen = text.split("seen=")[1].split('"')[0]
    assert client.get(live_url(made, of="round", seen=seen)).status_code == 204
    assert client.get(live_url(made, of="round", seen="another")).status_code == 200


def test_a_new_stage_loads_the_page_again(client: Client, made: Made) -> None:
    answer = client.get(live_url(made, of="round", stage="downloading"))
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")


def test_a_finished_round_polls_no_more(client: Client, made: Made) -> None:
    text = client.get(reverse("round", args=["made", 1])).content.decode()
    assert "data-hx-" not in text
    assert text.count("<script") == 1, "the keys, and nothing else"


def test_an_unchanged_page_costs_no_body(client: Client, made: Made) -> None:
    url = match_url(made)
    tag = client.get(url).headers["ETag"]
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 304


def test_published_pictures_and_files_are_served_for_ever(client: Client, made: Made) -> None:
    cache.clear()
    view = Rendering.objects.filter(state="rendered").first().views["back"]
    for sha256 in (view, Prompt.objects.first().sha256):
        answer = client.get(f"/blob/{sha256}.png")
        assert b"".join(answer) == store.default().path(sha256).read_bytes()
        assert answer.headers["Content-Type"] == "image/png"
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["ETag"] == f'"{sha256}"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        again = client.get(f"/blob/{sha256}.png", headers={"If-None-Match": f'"{sha256}"'})
        assert again.status_code == 304


def test_a_thumb_is_a_small_copy_made_once(client: Client, made: Made) -> None:
    cache.clear()
    big = io.BytesIO()
    Image.effect_noise((900, 600), 40).save(big, "PNG")
    sha256 = store.default().put(big.getvalue())
    assert client.get(f"/thumb/{sha256}.webp").status_code == 404, "not published"
    Prompt.objects.filter(pk=Prompt.objects.first().pk).update(sha256=sha256)
    for _ in range(2):
        answer = client.get(f"/thumb/{sha256}.webp")
        body = b"".join(answer)
        assert answer.headers["Content-Type"] == "image/webp"
        assert "immutable" in answer.headers["Cache-Control"]
        assert Image.open(io.BytesIO(body)).size == (256, 171)
        assert len(body) < len(big.getvalue()) / 4


def test_a_prompt_that_is_no_picture_is_sent_as_it_is(client: Client, made: Made) -> None:
    cache.clear()
    sha256 = store.default().put(b"not a picture at all")
    Prompt.objects.filter(pk=Prompt.objects.first().pk).update(sha256=sha256)
    assert b"".join(client.get(f"/thumb/{sha256}.webp")) == b"not a picture at all"


def test_a_3d_file_is_something_to_keep_not_to_open(client: Client, made: Made) -> None:
    sha256 = Asset.objects.filter(state="stored").first().sha256
    answer = client.get(f"/blob/{sha256}.glb")
    assert answer.headers["Content-Type"] == "model/gltf-binary"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_what_was_not_published_is_not_served(client: Client, made: Made) -> None:
    secret = store.default().put(b"in the store, and in no table")
    asset = Asset.objects.filter(state="stored").first().sha256
    assert client.get(f"/blob/{secret}.png").status_code == 404
    assert client.get(f"/blob/{secret}.glb").status_code == 404
    assert client.get(f"/blob/{asset}.png").status_code == 404, "a 3D file is no picture"
    assert client.get(f"/blob/{'0' * 64}.html").status_code == 404


def test_prompts_are_there_once_they_are_drawn(client: Client, made: Made) -> None:
    body = client.get("/c/made/r/current/prompts.json").json()
    assert (body["round"], body["stage"], len(body["prompts"])) == (2, "duels", 12)
    first = body["prompts"][0]
    assert first["stem"] == "prompt-000"
    assert first["url"].endswith(f"/blob/{first['sha256']}.png")
    assert first["url"].startswith("http://")
    assert client.get("/c/made/r/1/prompts.json").json()["round"] == 1
    made.running.drawn.all().delete()
    assert client.get("/c/made/r/current/prompts.json").status_code == 404


def test_a_bundle_is_one_archive_of_its_files(client: Client, made: Made) -> None:
    assert client.get("/c/made/r/1/bundle.tar").status_code == 404, "not written yet"
    folder = folder_of(made.finished)
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "blobs" / "b").write_bytes(b"x" * 1000)
    archive = b"".join(client.get("/c/made/r/1/bundle.tar"))
    with tarfile.open(fileobj=io.BytesIO(archive)) as read:
        assert read.getnames() == ["made-1/blobs/b", "made-1/manifest.json"]
        assert read.extractfile("made-1/blobs/b").read() == b"x" * 1000
    answer = client.get("/c/made/r/1/bundle/manifest.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert client.get("/c/made/r/1/bundle/../../../secret_key").status_code == 404
    assert client.get("/c/made/r/1/bundle/%2e%2e/%2e%2e/%2e%2e/secret_key").status_code == 404
    assert client.get("/c/made/r/2/bundle.tar").status_code == 404, "not finished"


def test_health_is_asked_without_a_page(client: Client, db: None) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


def test_the_vendored_script_is_the_one_that_was_recorded() -> None:
    import hashlib

    for app, prefix in (("dashboard", ""), ("judging", "three-")):
        folder = Path(settings.BASE_DIR) / app / "static" / "vendor"
        recorded = dict(line.split("  ")[::-1] for line in (folder / f"{prefix}SHA256SUMS").read_text().splitlines())
        files = {path.name for path in folder.iterdir()} - {f"{prefix}SHA256SUMS", f"{prefix}README.md"}
        assert files == set(recorded)
        for name, digest in recorded.items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_style_sheet_stays_small() -> None:
    sheet = Path(settings.BASE_DIR) / "dashboard" / "static" / "dashboard" / "style.css"
    assert sheet.stat().st_size < 12 * 1024


def test_a_web_server_sets_apart_what_it_has_loaded() -> None:
    told = (
        "import competition.wsgi, gc, sys; "
        "print(gc.get_freeze_count() > 10_000, 'dashboard.pages.views' in sys.modules)"
    )
    command = [sys.executable, "-W", "ignore", "-c", told]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
