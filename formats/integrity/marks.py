"""In which colour is each kind of defect drawn?  A face that has several is drawn in the first of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DefectMark:
    """`number`: the measure that counts it; `defects`: the field of `MeshDefects` that is drawn; linear `colour`."""

    number: str
    defects: str
    colour: tuple[float, float, float]
    words: str


MARKS = (
    DefectMark("open_edges", "open_edges", (0.9, 0.0, 0.0), "red"),
    DefectMark("inverted_faces", "inverted", (0.0, 0.1, 0.9), "blue"),
    DefectMark("mismatched_edges", "mismatched_edges", (0.0, 0.5, 0.55), "teal"),
    DefectMark("non_manifold_edges", "non_manifold_edges", (0.6, 0.0, 0.6), "purple"),
    DefectMark("non_manifold_vertices", "non_manifold_vertices", (0.0, 0.0, 0.0), "black"),
    DefectMark("crossing_faces", "crossing", (0.9, 0.35, 0.0), "orange"),
    DefectMark("duplicate_faces", "duplicate", (0.0, 0.45, 0.05), "green"),
)
