"""What did one side deliver for a prompt, as a judge sees it?"""

from __future__ import annotations

from django.db.models import QuerySet

from competition.models import Competition, Prompt, Submission
from core import store
from judging.backends.base import Side
from judging.integrity_outcomes import forfeit_reason
from judging.models import Rendering
from judging.renderers import renderer as renderer_named
from judging.renderers.rig import Rig


def rig_of(competition: Competition) -> Rig:
    return Rig.from_json(competition.config["rig"])


def renderings(competition: Competition) -> QuerySet[Rendering]:
    """Those under the competition's rig, by its renderer as it is today."""
    rig, renderer = rig_of(competition).digest(), renderer_named(competition.renderer).version
    return Rendering.objects.filter(competition=competition, rig=rig, renderer=renderer)


def rendering_of(competition: Competition, sha256: str) -> Rendering | None:
    """The rendering of a stored file, if it has been wanted yet."""
    return renderings(competition).filter(sha256=sha256).first()


def of(entry: Submission, origin: str, prompt: Prompt) -> Side | None:
    """None when it delivered nothing that can be judged, or what the rules make a forfeit."""
    asset = entry.assets.filter(origin=origin, prompt=prompt, state="stored").first()
    if asset is None:
        return None
    rendering = rendering_of(entry.round.competition, asset.sha256)
    if rendering is None or rendering.state != "rendered" or forfeit_reason(entry.round, asset.sha256):
        return None
    views = {name: store.default().path(sha256) for name, sha256 in rendering.views.items()}
    return Side(sha256=asset.sha256, views=views)


def of_prompt(competition: Competition, prompt: Prompt) -> Side:
    """The prompt's own picture from every side: the best possible likeness, and no miner's.

    It has no gray views, so it is not asked about on gray.
    """
    picture = store.default().path(prompt.sha256)
    return Side(sha256=prompt.sha256, views={view.name: picture for view in rig_of(competition).views})
