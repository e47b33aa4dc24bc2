"""A format that the platform does not know: boxes, one a line, as its middle and the length of its edges."""

from formats.registry import Format

GOOD = b"0 0 0 0.5\n0.3 0.3 0.3 0.2\n"

ROW = Format(
    name="boxes",
    extension="boxes",
    media_type="text/plain; charset=utf-8",
    noun="list of boxes",
    counted="triangle",
    renderers=("raycast",),
    sandbox="tests.plugins.toy_format.sandbox_work",
    known_good="tests.plugins.toy_format:known_good",
    rules="tests.plugins.toy_format.rules:BOX_RULES",
    targets=("glb", "obj.zip"),
    light="glb",
    light_above=0,
)


def known_good() -> bytes:
    return GOOD
