"""Which pictures are the demo's prompts?  Product photos of the true objects, each on a soft background of its own."""

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from examples.objects import OBJECTS, glb_of
from judging.renderers import raycast
from judging.renderers.rig import CameraView, Rig

FOLDER = Path(__file__).parent
PIXELS = 512
RAISED = -10  # degrees, phi: a little above the object
MOST_TURNED = 20  # degrees, theta
FOV = 38.0  # degrees: the object fills about seven tenths of the picture
WALLS = ("#8f9aa3", "#a79f92", "#7f8f86", "#9c93a6", "#b0a68c", "#76858f")
FLOORS = ("#c9d0d4", "#d8cfbf", "#bfccc2", "#cfc8d6", "#ddd3b6", "#aebbc3")
PALE = frozenset({"cone", "lamp", "mug", "rocket", "snowman", "teapot", "vase", "boat", "hourglass"})
DARKER = 0.62  # of the wall and the floor behind a pale object


def prompts() -> dict[str, Path]:
    """Stem to the committed picture, in the order of the stems."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.png"))}


def by_sha256() -> dict[str, str]:
    """sha256 of a committed picture to the name of the object it shows."""
    return {hashlib.sha256(path.read_bytes()).hexdigest(): stem for stem, path in prompts().items()}


def picture_of(name: str) -> bytes:
    """PNG of the object; the same bytes on every call."""
    place = list(OBJECTS).index(name)
    view = CameraView("photo", theta=place * 7 % (MOST_TURNED + 1), phi=RAISED)
    rig = Rig(
        views=(view,),
        gray=("photo",),
        fov=FOV,
        pixels=PIXELS,
        samples=2,
        background="#000000",
        gray_background="#ffffff",
    )
    shot = raycast.draw(glb_of(name), rig=rig, views=["photo", "gray_photo"])
    on_black, on_white = (shot[key].astype(np.float32) for key in ("photo", "gray_photo"))
    clear = (on_white - on_black).mean(axis=2, keepdims=True) / 255
    shown = on_black + clear * backdrop(place, dim=DARKER if name in PALE else 1.0)
    file = io.BytesIO()
    Image.fromarray(np.rint(np.clip(shown, 0, 255)).astype(np.uint8)).save(file, "PNG", optimize=True)
    return file.getvalue()


def backdrop(place: int, *, dim: float) -> np.ndarray:
    """(PIXELS, 1, 3): a wall that gets lighter downwards and runs, in a soft bend, into a floor."""
    wall, floor = (np.array(rgb(colours[place % len(colours)])) * dim for colours in (WALLS, FLOORS))
    down = np.linspace(0, 1, PIXELS)[:, None, None]
    bend = 1 / (1 + np.exp(-(down - 0.74) * 16))
    return np.rint((wall * (0.82 + 0.25 * down)) * (1 - bend) + floor * (1.04 - 0.12 * down) * bend).clip(0, 255)


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
