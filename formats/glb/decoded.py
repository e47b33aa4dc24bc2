"""What does a checked glb hold once its pictures are decoded, and how large is what it draws?"""

import io
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

from formats import known_good_files
from formats.facts import Bounds
from formats.glb import check
from formats.glb.gltf import IMAGE_FORMATS, Model, Reader, shown_images
from formats.rules import MOST_IMAGE_EDGE, refusal

# Everything that Pillow would import later: inside its own root folder a child finds no modules.
Image.init()
Image.MAX_IMAGE_PIXELS = MOST_IMAGE_EDGE**2


def known_good_models() -> Iterator[Model]:
    """One trusted file with each kind of picture: whoever reads them loads everything that is loaded on first use."""
    for kind in IMAGE_FORMATS:
        file = io.BytesIO()
        Image.new("RGB", (4, 4), "#336699").save(file, format=kind)
        yield read(check.examine(known_good_files.glb(picture=file.getvalue()))[1])


def read(reader: Reader) -> Model:
    """The numbers of the file have been checked; its pictures can still turn out to be broken when they are decoded."""
    for image in shown_images(reader.tree):
        try:
            reader.pixels(image)
        except MemoryError:
            raise
        except Exception as error:  # decoders raise whatever a broken file leads them to
            raise refusal("BAD_IMAGE", where=f"images[{image}]", why=f"cannot be decoded: {error}") from error
    return reader.model()


def extent(model: Model) -> tuple[int, Bounds]:
    """How many triangles a model draws, and the box of their vertices."""
    parts = [part for part in model.parts if len(part.faces)]
    low = np.min([part.positions.min(axis=0) for part in parts], axis=0)
    high = np.max([part.positions.max(axis=0) for part in parts], axis=0)
    return sum(len(part.faces) for part in parts), (corner(low), corner(high))


def corner(point: Iterable[float]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in point)
    return x, y, z
