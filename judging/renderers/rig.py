"""Where do the cameras stand when an asset is drawn, and on which background?

Y is up and the asset fits the unit cube around the origin.  A camera at (theta, phi), in degrees, stands on a sphere
of `radius` and looks at the origin: theta turns about +Y from +Z (the front) toward +X; NEGATIVE phi looks from above.
The same numbers drive every renderer, so a rig is data: it is part of a competition's configuration and has a digest.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import rfc8785

Vector = tuple[float, float, float]

GRAY_PREFIX = "gray_"
GRID = "grid"
MOST_VIEWS = 32
MOST_PIXELS = 2048
SUBNET_GRID_GAP = 5  # pixels
SUBNET = "subnet-2026-06"
# Matt paint and a lamp at the camera; materials as delivered in a neutral room; materials, light and tones as the
# subnet's render service has them since June 2026.
LIGHTS = ("matt", "studio", SUBNET)
COLOUR = re.compile(r"#[0-9a-f]{6}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


@dataclass(frozen=True)
class Camera:
    """A viewpoint: four vectors of a right-handed frame, `forward` toward the origin."""

    position: Vector
    forward: Vector
    right: Vector
    up: Vector


@dataclass(frozen=True)
class CameraView:
    name: str
    theta: float
    phi: float

    def direction(self) -> Vector:
        """From the origin to the camera, length 1."""
        theta, raised = math.radians(self.theta), math.radians(-self.phi)
        return (
            math.cos(raised) * math.sin(theta),
            math.sin(raised),
            math.cos(raised) * math.cos(theta),
        )

    def upward(self) -> Vector:
        """The picture's upward direction: defined at the poles too, where the front ends up at the bottom."""
        theta, raised = math.radians(self.theta), math.radians(-self.phi)
        return (
            -math.sin(raised) * math.sin(theta),
            math.cos(raised),
            -math.sin(raised) * math.cos(theta),
        )

    def rightward(self) -> Vector:
        theta = math.radians(self.theta)
        return (math.cos(theta), 0.0, -math.sin(theta))


@dataclass(frozen=True)
class Rig:
    """Cameras and backgrounds.  `fov` is vertical, in degrees; `pixels` and `grid_pixels` are edges of squares."""

    views: tuple[CameraView, ...] = field(
        metadata={
            "unit": "degrees",
            "means": f"1 to {MOST_VIEWS} objects: `name`, `theta` (about +Y, from the front to +X), "
            "`phi` (negative: from above)",
        }
    )
    gray: tuple[str, ...] = field(
        default=(), metadata={"means": "names of the views that are drawn on gray, too; four of them make the grid"}
    )
    radius: float = field(
        default=2.0, metadata={"unit": "edges of the unit cube", "means": "of the cameras from the origin, 0.9 to 100"}
    )
    fov: float = field(default=49.1, metadata={"unit": "degrees", "means": "vertical field of view, 5 to 120"})
    pixels: int = field(default=1024, metadata={"unit": "pixels", "means": f"edge of a picture, 16 to {MOST_PIXELS}"})
    grid_pixels: int = field(
        default=518,
        metadata={
            "unit": "pixels",
            "means": f"edge of the grid of four views, even, 16 to {MOST_PIXELS}; under `{SUBNET}` of each of the four",
        },
    )
    samples: int = field(default=2, metadata={"unit": "rays", "means": "per edge of a pixel, 1 to 4 (`raycast`)"})
    background: str = field(default="#ffffff", metadata={"means": "colour, `#rrggbb`"})
    gray_background: str = field(default="#808080", metadata={"means": "colour of the gray views, `#rrggbb`"})
    light: str = field(
        default=LIGHTS[0], metadata={"means": f"{', '.join(LIGHTS[:-1])} or {LIGHTS[-1]} (rendering.md)"}
    )

    def __post_init__(self) -> None:
        for complaint in _complaints(self):
            raise ValueError(f"rig: {complaint}")

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """Read a rig from a competition's configuration.  Raises ValueError with what is wrong."""
        unknown = set(payload) - {*KEYS, "views", "gray", "light"}
        if unknown:
            raise ValueError(f"rig: unknown keys {sorted(unknown)}")
        try:
            views = tuple(CameraView(str(v["name"]), float(v["theta"]), float(v["phi"])) for v in payload["views"])
            rest = {key: KEYS[key](payload[key]) for key in KEYS if key in payload}
            gray = tuple(str(name) for name in payload.get("gray", ()))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"rig: {error!r}") from error
        return cls(views=views, gray=gray, light=str(payload.get("light", LIGHTS[0])), **rest)

    def to_json(self) -> dict[str, Any]:
        views = [{"name": view.name, "theta": view.theta, "phi": view.phi} for view in self.views]
        lit = (
            {"light": self.light} if self.light != LIGHTS[0] else {}
        )  # rigs from before there was a choice keep their digest
        return {"views": views, "gray": list(self.gray), **{key: getattr(self, key) for key in KEYS}, **lit}

    def digest(self) -> str:
        """SHA-256 hex of the canonical JSON (RFC 8785): two rigs with one digest take the same pictures."""
        return hashlib.sha256(rfc8785.dumps(self.to_json())).hexdigest()

    def view(self, name: str) -> CameraView:
        return next(view for view in self.views if view.name == name)

    def camera(self, name: str) -> Camera:
        view = self.view(name)
        x, y, z = view.direction()
        position = (x * self.radius, y * self.radius, z * self.radius)
        return Camera(position, (-x, -y, -z), view.rightward(), view.upward())

    def pictures(self) -> dict[str, int]:
        """Every picture a renderer must deliver, by name, with its edge length in pixels."""
        names = [view.name for view in self.views] + [GRAY_PREFIX + name for name in self.gray]
        return dict.fromkeys(names, self.pixels) | ({GRID: self.grid_edge} if len(self.gray) == 4 else {})

    @property
    def grid_edge(self) -> int:
        """Of the grid of four views, in pixels; the subnet's service draws each of them with `grid_pixels`."""
        return 2 * self.grid_pixels + SUBNET_GRID_GAP if self.light == SUBNET else self.grid_pixels


KEYS = {
    "radius": float,
    "fov": float,
    "pixels": int,
    "grid_pixels": int,
    "samples": int,
    "background": str,
    "gray_background": str,
}


def rgb(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` as three bytes."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _complaints(rig: Rig) -> list[str]:
    names = [view.name for view in rig.views]
    taken = [name for name in names if name == GRID or name.startswith(GRAY_PREFIX) or not NAME.fullmatch(name)]
    rules = {
        f"needs 1 to {MOST_VIEWS} views": 1 <= len(names) <= MOST_VIEWS,
        "view names must differ": len(set(names)) == len(names),
        f"view names not allowed: {taken}": not taken,
        "gray names a view that is not there": set(rig.gray) <= set(names) and len(set(rig.gray)) == len(rig.gray),
        "angles must be finite": all(math.isfinite(v.theta) and math.isfinite(v.phi) for v in rig.views),
        "phi must be within ±90": all(-90 <= view.phi <= 90 for view in rig.views),
        "radius must leave the unit cube in front of the camera": 0.9 <= rig.radius <= 100,
        "fov must be within 5 and 120 degrees": 5 <= rig.fov <= 120,
        f"pixels must be within 16 and {MOST_PIXELS}": 16 <= rig.pixels <= MOST_PIXELS,
        f"grid_pixels must be even, within 16 and {MOST_PIXELS}": 16 <= rig.grid_pixels <= MOST_PIXELS
        and rig.grid_pixels % 2 == 0,
        f"light must be one of {LIGHTS}": rig.light in LIGHTS,
        "samples must be 1 to 4": 1 <= rig.samples <= 4,
        "a background is #rrggbb in lower case": all(
            COLOUR.fullmatch(colour) for colour in (rig.background, rig.gray_background)
        ),
    }
    return [complaint for complaint, holds in rules.items() if not holds]


VIEWS = (
    CameraView("front_left", 30, 0),
    CameraView("front_right", 330, 0),
    CameraView("front_below", 0, 15),
    CameraView("front_above", 0, -30),
    CameraView("right", 90, 0),
    CameraView("back", 180, 0),
    CameraView("left", 270, 0),
    CameraView("top_down", 0, -90),
)
# Where the subnet's service stands for its grid, from left to right and from above; a gap of black lies between them.
SUBNET_GRID = (
    CameraView("a", 24, -15),
    CameraView("b", 120, -15),
    CameraView("c", 216, -15),
    CameraView("d", 312, -15),
)
FRONT = ("front_left", "front_right", "front_below", "front_above")

# What the subnet's competitions photograph with (1024 px), and what fits a 2-core machine (256 px).
FULL = Rig(views=VIEWS, gray=FRONT)
# What the subnet's render service delivers for a module: formats/threejs/subnet_rules.py has its check.
AS_THE_SUBNET = Rig(views=VIEWS, gray=FRONT, light=SUBNET)
EMBEDDED = Rig(views=VIEWS, gray=FRONT, pixels=256, grid_pixels=512)
