"""A round in its duels whose judge is behind a simulated server: the fixtures of tests that need rows."""

from functools import partial

import pytest
from django.utils import timezone

from benchmarks.vlm_server_mind import Mind
from judging.backends import judge_named
from judging.models import Duel, Rendering
from judging.panel import openai
from judging.panel.openai_client import Door
from tests.dashboard import made_round
from tests.dashboard.made_round import COLOURS, Maker, picture
from tests.judging.vlm_stage import FRONT, SIDES, served

PROMPTS = 4
VIEWS = (*FRONT, *SIDES, *(f"gray_{view}" for view in FRONT))


def views(tone, place):
    return {
        name: picture(colour=COLOURS[tone % 6], shape=place + 7 * (tone % 100), turn=turn)
        for turn, name in enumerate(VIEWS)
    }


@pytest.fixture
def round_(db, monkeypatch):
    """A leader and two challengers whose matches are in their duels."""
    monkeypatch.setattr(made_round, "views", views)
    maker = Maker(slug="heard", miners=3, prompts=PROMPTS, hostile="")
    maker.competition.judge = "openai:vlm-2"
    maker.competition.save()
    round_ = maker.round(1, state="duels", defending=maker.first)
    round_.rules = {**round_.rules, "stop_early": False}  # there are few enough duels to repeat
    round_.save()
    leader = maker.submission(round_, maker.miners[0], role="leader")
    maker.assets(leader, origin="generated")
    for miner in maker.miners[1:3]:
        entry = maker.submission(round_, miner)
        maker.assets(entry, origin="submitted")
        maker.match(round_, leader, entry, kind="screen", results=[], state="judging")
    Rendering.objects.update(renderer=_renderer_version())
    Duel.objects.update(due_at=timezone.now())
    return round_


def _renderer_version():
    from judging.renderers import renderer

    return renderer("raycast").version


@pytest.fixture
def serving(settings, monkeypatch):
    """A simulated server, and `openai:vlm-2` pointed at it, with short pauses between attempts."""
    monkeypatch.setattr(openai, "Door", partial(Door, pause_s=0.005, longest_pause_s=0.05))

    def start(**more):
        stage = served(more.pop("mind", Mind(noise=0.5)), **more)
        server, settings.VLM_URL = stage.__enter__()
        started.append(stage)
        judge_named.cache_clear()
        return server

    started = []
    yield start
    judge_named("openai:vlm-2").close()
    judge_named.cache_clear()
    for stage in started:
        stage.__exit__(None, None, None)
