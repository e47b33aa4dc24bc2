"""Which renderers are there?  Loaded by name, so that the web process never imports a ray tracer."""

from importlib import import_module
from pathlib import Path

from judging.renderers.base import DrawnDefects, Rendered, Renderer
from judging.renderers.rig import Rig

__all__ = ["RENDERERS", "DrawnDefects", "Rendered", "Renderer", "Rig", "draw_defects", "renderer"]

RENDERERS = {"raycast": "judging.renderers.raycast:Raycast", "threejs": "judging.renderers.threejs:Threejs"}


def renderer(name: str) -> Renderer:
    """The renderer of that name.  Raises KeyError for a name that is not in RENDERERS."""
    module, _, made_by = RENDERERS[name].partition(":")
    made: Renderer = getattr(import_module(module), made_by)()
    return made


def draw_defects(data: Path, *, out: Path, file_format: str) -> DrawnDefects:
    """Where a mesh is at fault: a PNG in folder `out`, and positions.  Raises Refused or RendererFault."""
    drawn: DrawnDefects = import_module("judging.renderers.defect_pictures").draw_defects(
        data, out=out, file_format=file_format
    )
    return drawn
