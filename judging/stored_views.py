"""Which stored files belong to the judging, and how is a lost view made again?  The renderer draws it once more."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from django.db.models import Q

from competition.models import Asset
from core import store
from formats import registry
from judging.exam.models import JudgeExam
from judging.models import Control, Measurement, Rendering
from judging.queries import renderings_with_view
from judging.renderers import draw_defects
from judging.renderers import renderer as renderer_named
from judging.sides import rig_of


def views() -> Iterable[str]:
    for rows in (Rendering.objects.filter(state="rendered"), Control.objects.all()):
        for named in rows.values_list("views", flat=True).iterator():
            yield from named.values()
    for pair in Measurement.objects.exclude(picture="").values_list("picture", "positions").iterator():
        yield from pair
    for shown in JudgeExam.objects.values_list("pictures", flat=True).iterator():
        yield from (row["sha256"] for row in shown)


def marked_again(sha256: str) -> bytes | None:
    """A picture of defects or a file of their positions, where the libraries of that time are still ours."""
    row = Measurement.objects.filter(Q(picture=sha256) | Q(positions=sha256)).select_related("competition").first()
    if row is None or not Asset.objects.filter(sha256=row.sha256).exists():
        return None
    with tempfile.TemporaryDirectory(prefix="gauntlet-render-") as out:
        file_format = registry.of(row.competition.config).name
        drawn = draw_defects(store.default().path(row.sha256), out=Path(out), file_format=file_format)
        return drawn.picture.read_bytes() if row.picture == sha256 else drawn.positions


def drawn_again(sha256: str) -> bytes | None:
    """A view, where the renderer of that time is still ours: the same file under the same rig looks the same."""
    for rendering in renderings_with_view(sha256)[:2]:
        competition = rendering.competition
        renderer = renderer_named(competition.renderer)
        if renderer.version != rendering.renderer or not Asset.objects.filter(sha256=rendering.sha256).exists():
            continue
        with tempfile.TemporaryDirectory(prefix="gauntlet-render-") as out:
            path, file_format = store.default().path(rendering.sha256), registry.of(competition.config).name
            drawn = renderer.render(path, rig=rig_of(competition), out=Path(out), file_format=file_format)
            same = [view for name, view in drawn.views.items() if rendering.views.get(name) == sha256]
            if same:
                return same[0].read_bytes()
    return None
