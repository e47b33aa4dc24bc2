"""Who may run a miner's module, and behind which walls?"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from competition.models import Asset
from core import store
from formats.known_good_files import MODULE
from formats.threejs.subnet_rules import NARROWER, WIDER
from judging.models import Rendering
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import html, match_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def module(made: Made) -> str:
    """The challenger's file of the first duel, as a module that was accepted; its hash."""
    made.competition.config = {**made.competition.config, "format": "threejs"}
    made.competition.save()
    sha256 = store.default().put(MODULE.encode())
    duel = made.matches[made.miners[1].hotkey + "screen"].duels.get(position=0)
    Asset.objects.filter(sha256=duel.right_sha256).update(sha256=sha256)
    Rendering.objects.filter(sha256=duel.right_sha256).update(sha256=sha256)
    duel.right_sha256 = sha256
    duel.save()
    return sha256


def test_the_frame_may_load_our_scripts_and_this_module_and_ask_nobody(client: Client, module: str) -> None:
    answer = client.get(f"/live/{module}/")
    policy = {part.split()[0]: part.split()[1:] for part in answer["Content-Security-Policy"].split("; ")}
    assert policy["sandbox"] == ["allow-scripts"]
    assert (policy["default-src"], policy["connect-src"], policy["img-src"]) == (["'none'"],) * 3
    assert policy["script-src"][-1] == f"http://testserver/live/{module}.js"
    assert not any("unsafe" in word or word in ("*", "'self'") for word in policy["script-src"])
    assert policy["frame-ancestors"] == ["'self'"]
    assert "X-Frame-Options" not in answer


def test_the_module_is_a_script_for_the_frame_and_text_for_everybody_else(client: Client, module: str) -> None:
    answer = client.get(f"/live/{module}.js", headers={"Origin": "null"})
    assert b"".join(answer.streaming_content) == MODULE.encode()
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert client.get(f"/blob/{module}.js")["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("origin", [{}, {"Origin": "http://testserver"}, {"Origin": "https://example.org"}])
def test_no_page_can_take_it_for_a_script_of_this_host(client: Client, module: str, origin: dict[str, str]) -> None:
    assert client.get(f"/live/{module}.js", headers=origin).status_code == 404


def test_a_module_that_was_refused_never_runs(client: Client, module: str) -> None:
    Rendering.objects.filter(sha256=module).update(state="refused")
    assert client.get(f"/live/{module}/").status_code == 404
    assert client.get(f"/live/{module}.js", headers={"Origin": "null"}).status_code == 404
    assert client.get(f"/live/{'0' * 64}.js", headers={"Origin": "null"}).status_code == 404


def test_a_mesh_is_never_served_as_a_script(client: Client, made: Made) -> None:
    sha256 = Asset.objects.filter(state="stored").values_list("sha256", flat=True)[0]
    assert client.get(f"/live/{sha256}.js", headers={"Origin": "null"}).status_code == 404


def test_nothing_runs_before_the_click(client: Client, made: Made, module: str) -> None:
    text = html(client, f"{match_url(made)}prompt-000/")
    assert f'data-live="/live/{module}/?module=' in text
    assert "<iframe" not in text
    assert f'data-file="/blob/{module}.js"' not in text, "the viewer is never given a module"


def test_the_page_of_a_competition_of_modules_says_where_its_check_differs(client: Client, module: str) -> None:
    page = html(client, reverse("competition", args=["made"]))
    assert all(code in page for each in (*NARROWER, *WIDER) for code in (each.ours, each.theirs))


def test_the_page_of_another_competition_says_nothing_of_modules(client: Client, made: Made) -> None:
    assert "public checker" not in html(client, reverse("competition", args=["made"]))
