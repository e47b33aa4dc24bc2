"""Which true objects does the demo know?  Their pictures are the prompts; nobody honest gets to see the objects."""

from collections.abc import Callable

import trimesh

from examples.objects import built, flat, modules, round
from examples.objects.shapes import glb

MAKERS: tuple[Callable[[], trimesh.Scene], ...] = (
    *(
        round.balloon,
        round.barrel,
        round.bottle,
        round.cone,
        round.donut,
        round.hourglass,
        round.lamp,
        round.mushroom,
        round.pawn,
    ),
    *(round.pumpkin, round.rocket, round.snowman, round.vase),
    *(flat.book, flat.clock, flat.guitar, flat.key, flat.shield, flat.sword),
    *(built.boat, built.cactus, built.car, built.chair, built.duck, built.house, built.mug, built.robot),
    *(built.snail, built.table, built.teapot, built.television, built.tree),
)
OBJECTS: dict[str, Callable[[], trimesh.Scene]] = {
    maker.__name__: maker for maker in sorted(MAKERS, key=lambda m: m.__name__)
}


def glb_of(name: str) -> bytes:
    """The true object as a glb.  KeyError for a name that is not in OBJECTS."""
    return glb(OBJECTS[name]())


def module_of(name: str) -> bytes:
    """The true object as a Three.js module.  KeyError for a name that is not in OBJECTS."""
    return modules.module(OBJECTS[name]())


FILES: dict[str, Callable[[str], bytes]] = {"glb": glb_of, "js": module_of}
"""The ending of a file -> what makes a true object's file of that kind."""
