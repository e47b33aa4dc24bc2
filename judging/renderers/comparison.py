"""Did the renderer draw what the check has read?  Compares the renderer's own count and bounds with the check's.

A file that is read two ways is refused only where a good file of its format, right afterwards, is read one way
(`formats.blame`): otherwise the reading is at fault, not the file.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.sandbox.outcomes import Refused, RendererFault
from formats.blame import accuse as accuse_file
from formats.facts import Bounds
from formats.one_reading import require_same
from formats.sandbox import Done

CODE = "READ_TWO_WAYS"


class ReadTwoWays(RendererFault):
    """The renderer and the check disagree.  `refusal`: of the file, where a good file shows that it is the file's."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(refusal.code, refusal.sentence)
        self.refusal = refusal


def accuse(fault: RendererFault) -> Refused:
    """The refusal of a file that alone made a renderer fail."""
    return fault.refusal if isinstance(fault, ReadTwoWays) else accuse_file(fault)


@contextmanager
def one_reading() -> Iterator[None]:
    """Turns the refusal of a file that is read two ways into a fault: whose it is, a good file decides."""
    try:
        yield
    except Refused as refused:
        if refused.code != CODE:
            raise
        raise ReadTwoWays(refused) from refused


def compare(drawn: int, reach: Bounds, *, checked: Done) -> None:
    """`drawn`: triangles or splats; `reach`: their box.  Raises ReadTwoWays where the check counted something else."""
    with one_reading():
        require_same(drawn, reach, triangles=counted(checked), bounds=parsed_bounds(checked.answer.get("bounds")))


def counted(done: Done) -> int:
    """Triangles or splats, as the check counted them; at least one.  Raises RendererFault where it counted nothing."""
    count = done.answer.get("count")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise RendererFault("CRASHED", "the work answered without a count")
    return count


def parsed_bounds(value: Any) -> Bounds:
    """The bounds in a child's answer.  Raises RendererFault if they are none."""
    try:
        (a, b, c), (d, e, f) = ((float(number) for number in corner) for corner in value)
    except (TypeError, ValueError) as error:
        raise RendererFault("CRASHED", "the work answered without bounds") from error
    if not all(math.isfinite(number) for number in (a, b, c, d, e, f)):
        raise RendererFault("CRASHED", "the work answered with bounds that are no numbers")
    return (a, b, c), (d, e, f)
