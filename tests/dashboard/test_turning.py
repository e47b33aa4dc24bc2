"""Which files may be turned in 3D?"""

from __future__ import annotations

import pytest
from django.test import Client

from competition.models import Asset
from judging.renderers.rig import EMBEDDED
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html, match_url

pytestmark = pytest.mark.django_db
OFFER = "Turn both in 3D"


def test_files_that_were_drawn_can_be_turned_at_the_judges_cameras(client: Client, made: Made) -> None:
    url = f"{match_url(made)}prompt-000/"
    text, page = html(client, url), facts(client, url)
    assert page["rig"] == EMBEDDED.to_json()
    assert f"{OFFER} (246.9 KB)" in text, "what it costs is said before the click"
    assert text.count(" data-file=") == 2
    assert f'data-sha256="{page["defender"]["sha256"]}"' in text
    for place, view in enumerate(EMBEDDED.views, start=1):
        assert f'data-camera="{view.name}" data-key="{place}"' in text
    assert "1,200 triangles, 123.5 KB" in text


def test_a_big_file_is_linked_and_never_loaded(client: Client, made: Made) -> None:
    url = f"{match_url(made)}prompt-000/"
    big = facts(client, url)["defender"]["sha256"]
    Asset.objects.filter(sha256=big).update(bytes=20_000_001)
    text = html(client, url)
    assert "The defender's file has 20.0 MB: above 20 MB nothing is loaded into a page." in text
    assert text.count(" data-file=") == 1
    assert "Turn the challenger's in 3D" in text


def test_of_a_forfeited_duel_only_what_was_delivered_turns(client: Client, made: Made) -> None:
    text = html(client, f"{match_url(made, miner=3)}prompt-000/")
    assert text.count(" data-file=") == 1
    assert "Turn the defender's in 3D" in text


def test_without_the_judges_cameras_there_is_no_3d(client: Client, made: Made) -> None:
    made.competition.config = {}
    made.competition.save()
    url = f"{match_url(made)}prompt-000/"
    assert "open3d" not in html(client, url)
    assert facts(client, url)["rig"] == {}
