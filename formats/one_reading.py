"""Did the renderer draw what the check counted?  Its own triangles and bounds must be the checker's."""

from formats.facts import Bounds
from formats.rules import refusal

APART = 1e-4  # of the unit cube: 32-bit floats differ by a thousandth of this


def require_same(drawn: int, reach: Bounds, *, triangles: int, bounds: Bounds) -> None:
    """`drawn` and `reach` are the renderer's, `triangles` and `bounds` the checker's.  Raises Refused."""
    pairs = zip((*reach[0], *reach[1]), (*bounds[0], *bounds[1]), strict=True)
    if drawn == triangles and all(abs(one - other) <= APART for one, other in pairs):
        return
    raise refusal("READ_TWO_WAYS", checked=_words(triangles, bounds), drawn=_words(drawn, reach))


def _words(count: int, bounds: Bounds) -> str:
    low, high = ([round(value, 4) for value in corner] for corner in bounds)
    return f"{count} from {low} to {high}"
