"""In which colour is each kind of defect drawn?  A face that has several is drawn in the first of them."""

from dataclasses import dataclass

MOST_SHOWN = 10_000  # of one kind, in a file of positions: with all kinds it has at most 2 MB
EXTENSION = "defects"  # of such a file's address


@dataclass(frozen=True)
class DefectMark:
    """`number`: the measure that counts it; `defects`: the field of `MeshDefects` that is drawn; linear `colour`.

    `corners` of one: 1 of a vertex, 2 of an edge, 3 of a face.
    """

    number: str
    defects: str
    corners: int
    colour: tuple[float, float, float]
    words: str


MARKS = (  # a file of positions has them in this order: another one is another version of that form
    DefectMark("open_edges", "open_edges", 2, (0.9, 0.0, 0.0), "red"),
    DefectMark("inverted_faces", "inverted", 3, (0.0, 0.1, 0.9), "blue"),
    DefectMark("mismatched_edges", "mismatched_edges", 2, (0.0, 0.5, 0.55), "teal"),
    DefectMark("non_manifold_edges", "non_manifold_edges", 2, (0.6, 0.0, 0.6), "purple"),
    DefectMark("non_manifold_vertices", "non_manifold_vertices", 1, (0.0, 0.0, 0.0), "black"),
    DefectMark("crossing_faces", "crossing", 3, (0.9, 0.35, 0.0), "orange"),
    DefectMark("duplicate_faces", "duplicate", 3, (0.0, 0.45, 0.05), "green"),
)
