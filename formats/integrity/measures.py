"""Which numbers say how sound a file is, in which unit, and what does each one mean?

One table: documents, pages and a miner's preflight take their words from here.  Another definition of a number, or
another way to count it, is another `VERSION`: what was measured before stays what it was.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "integrity-1"
WELD = 1e-6  # of the extent: vertices that are no farther apart are one
SAMPLED_FACES = 8192
HOLES = 0.25  # of its area: a surface with larger holes has no inside
TEXELS = 1024  # along the edge of the grid on which overlaps of texture coordinates are counted
NEEDLE, FAINT = 10.0, 0.05
NEIGHBOURS, NEAR, SPARSE, SAMPLED_SPLATS = 8, 0.1, 4.0, 100_000


@dataclass(frozen=True, kw_only=True)
class IntegrityMeasure:
    """`mend`: what a miner does about a number above zero, and `part_of`: the number that it is compared with; both are
    "" where the number is no fault by itself."""

    name: str
    label: str
    unit: str
    definition: str
    mend: str = ""
    part_of: str = ""

    @property
    def is_fault(self) -> bool:
        return bool(self.mend)


@dataclass(frozen=True, kw_only=True)
class MeshIntegrity:
    """The numbers of one mesh; `MESH_MEASURES` says what each means."""

    open_edges: int
    non_manifold_edges: int
    non_manifold_vertices: int
    mismatched_edges: int
    inverted_faces: int
    degenerate_faces: int
    duplicate_faces: int
    crossing_faces: int
    crossing_sample: int
    pieces: int
    faces_without_uv: int
    uv_overlap: float | None
    textures: int
    texture_edge: int
    texture_channels: int
    texture_maps: int
    triangles: int
    draw_calls: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class SplatIntegrity:
    """The numbers of one cloud of splats; `SPLAT_MEASURES` says what each means."""

    splats: int
    floaters: int
    floater_sample: int
    needles: int
    faint: int
    opacity: float
    extent: float
    bytes: int


Integrity = MeshIntegrity | SplatIntegrity

MESH_MEASURES = (
    IntegrityMeasure(
        name="open_edges",
        label="open edges",
        unit="edges",
        definition="Edges at which the surface ends: one face has them.",
        mend="close the holes (Blender: Select > Non Manifold, then Fill), or make flat parts thick",
        part_of="triangles",
    ),
    IntegrityMeasure(
        name="non_manifold_edges",
        label="non-manifold edges",
        unit="edges",
        definition="Edges at which more than two faces meet.",
        mend="delete faces inside the object, and part bodies that touch along an edge",
        part_of="triangles",
    ),
    IntegrityMeasure(
        name="non_manifold_vertices",
        label="non-manifold vertices",
        unit="vertices",
        definition="Vertices at which surfaces touch that share no edge there.",
        mend="part bodies that touch in a point",
        part_of="triangles",
    ),
    IntegrityMeasure(
        name="mismatched_edges",
        label="mismatched edges",
        unit="edges",
        definition="Edges of two faces of which one shows its front where the other shows its back.",
        mend="make all faces look to one side (Blender: Recalculate Normals)",
        part_of="triangles",
    ),
    IntegrityMeasure(
        name="inverted_faces",
        label="inverted faces",
        unit="faces",
        definition=(
            "Faces whose front looks to the inside of their surface; of a surface without an inside (its holes are "
            f"more than {HOLES:.0%} of its area), faces that look to another side than most of its area. The wall of a "
            "hollow inside another body may look either way; a surface with one side, as a Möbius strip, has none."
        ),
        mend="turn them round (Blender: Recalculate Outside)",
        part_of="triangles",
    ),
    IntegrityMeasure(
        name="degenerate_faces",
        label="degenerate faces",
        unit="faces",
        definition=f"Faces with two corners in one place, or lower than {WELD:g} of the extent: they cover nothing.",
        mend="merge vertices by distance and dissolve degenerate faces",
        part_of="triangles",
    ),
    IntegrityMeasure(
        name="duplicate_faces",
        label="duplicate faces",
        unit="faces",
        definition="Faces with the same three corners as another one, whichever way round; the first is not counted.",
        mend="delete doubled faces; for a face that shows on both sides set doubleSided in its material",
        part_of="triangles",
    ),
    IntegrityMeasure(
        name="crossing_faces",
        label="crossing faces",
        unit="faces",
        definition=(
            "Faces that pass through another face. Faces that touch, or lie on one another, do not cross. Counted "
            f"among the examined faces: all of them, or {SAMPLED_FACES} that the file's hash chooses; fewer where very "
            "many lie close together."
        ),
        mend="unite bodies that go through one another (Blender: Boolean > Union), or part them",
        part_of="crossing_sample",
    ),
    IntegrityMeasure(
        name="crossing_sample",
        label="faces examined for crossings",
        unit="faces",
        definition="How many faces were examined for crossings.",
    ),
    IntegrityMeasure(
        name="pieces",
        label="separate pieces",
        unit="pieces",
        definition="Groups of faces that share no corner with another group.",
    ),
    IntegrityMeasure(
        name="faces_without_uv",
        label="faces without texture coordinates",
        unit="faces",
        definition="Faces whose material shows a texture for which they have no coordinates.",
        mend="unwrap them, and export the coordinates that the material names",
        part_of="triangles",
    ),
    IntegrityMeasure(
        name="uv_overlap",
        label="overlapping texture area",
        unit="share",
        definition=(
            f"Of the points of a grid of {TEXELS} x {TEXELS} on each texture that any face covers, the share that more "
            "than one face covers. Faces that span more than one whole texture repeat it and are left out; where faces "
            "lie on one another very often the grid is coarser. None where no face has a texture."
        ),
    ),
    IntegrityMeasure(name="textures", label="textures", unit="pictures", definition="Pictures that materials show."),
    IntegrityMeasure(
        name="texture_edge",
        label="largest texture",
        unit="pixels",
        definition="The longest edge of any picture that materials show; 0 without one.",
    ),
    IntegrityMeasure(
        name="texture_channels",
        label="channels of textures",
        unit="channels",
        definition="4 where any texture is see-through somewhere, otherwise 3; 0 without one.",
    ),
    IntegrityMeasure(
        name="texture_maps",
        label="kinds of textures",
        unit="kinds",
        definition="How many of a material's properties are textures: base colour, normal, roughness and so on.",
    ),
    IntegrityMeasure(name="triangles", label="triangles", unit="triangles", definition="Triangles that are drawn."),
    IntegrityMeasure(
        name="draw_calls",
        label="draw calls",
        unit="calls",
        definition="Primitives that nodes draw: each costs a graphics card a call.",
    ),
    IntegrityMeasure(name="bytes", label="bytes", unit="bytes", definition="Size of the miner's file."),
)

SPLAT_MEASURES = (
    IntegrityMeasure(name="splats", label="splats", unit="splats", definition="Splats in the file."),
    IntegrityMeasure(
        name="floaters",
        label="floaters",
        unit="splats",
        definition=(
            f"Splats of which the {NEIGHBOURS}th nearest other one is farther away than {NEAR:g} of the cloud's "
            f"radius, and than {SPARSE:g} times the median of these distances. The radius is twice the median distance "
            "from the mean of all. Counted among the examined splats."
        ),
        mend="prune splats that lie apart from the object",
        part_of="floater_sample",
    ),
    IntegrityMeasure(
        name="floater_sample",
        label="splats examined for floaters",
        unit="splats",
        definition=f"All of them, or {SAMPLED_SPLATS} that the file's hash chooses.",
    ),
    IntegrityMeasure(
        name="needles",
        label="needles",
        unit="splats",
        definition=f"Splats whose longest axis is more than {NEEDLE:g} times their second one.",
        mend="bound the ratio of a splat's axes in training",
        part_of="splats",
    ),
    IntegrityMeasure(
        name="faint",
        label="faint splats",
        unit="splats",
        definition=f"Splats with an opacity below {FAINT:g}: they hardly show.",
        mend="prune splats that hardly show",
        part_of="splats",
    ),
    IntegrityMeasure(
        name="opacity",
        label="median opacity",
        unit="0 to 1",
        definition="Half of the splats are more opaque than that.",
    ),
    IntegrityMeasure(
        name="extent",
        label="extent",
        unit="edges of the unit cube",
        definition="Twice the greatest distance of a splat's centre from the mean of all.",
    ),
    IntegrityMeasure(name="bytes", label="bytes", unit="bytes", definition="Size of the miner's file."),
)

MEASURES = {MeshIntegrity: MESH_MEASURES, SplatIntegrity: SPLAT_MEASURES}


def worst_first(integrity: Integrity) -> list[tuple[IntegrityMeasure, int, float]]:
    """The defects that were counted: each with its number and its share of what it is a part of, the largest first."""
    defects = []
    for measure in MEASURES[type(integrity)]:
        counted = getattr(integrity, measure.name)
        if measure.is_fault and counted:
            defects.append((measure, counted, counted / max(getattr(integrity, measure.part_of), 1)))
    return sorted(defects, key=lambda defect: -defect[2])
