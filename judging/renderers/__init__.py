"""Which renderers are there?  Loaded by name, so that the web process never imports a ray tracer."""

from importlib import import_module

from judging.renderers.base import Rendered, Renderer
from judging.renderers.rig import Rig

__all__ = ["RENDERERS", "Rendered", "Renderer", "Rig", "renderer"]

RENDERERS = {"raycast": "judging.renderers.raycast:Raycast", "threejs": "judging.renderers.threejs:Threejs"}


def renderer(name: str) -> Renderer:
    """The renderer of that name.  Raises KeyError for a name that is not in RENDERERS."""
    module, _, made_by = RENDERERS[name].partition(":")
    made: Renderer = getattr(import_module(module), made_by)()
    return made
