"""The demo's prompts are pictures of the true objects, and can be drawn again."""

import io

import numpy as np
import pytest
from PIL import Image

from examples.objects import OBJECTS
from examples.prompts import PIXELS, by_sha256, picture_of, prompts


def test_every_object_has_its_picture_committed() -> None:
    assert list(prompts()) == list(OBJECTS)


def test_all_pictures_together_stay_small() -> None:
    assert sum(path.stat().st_size for path in prompts().values()) <= 2 << 20


def test_no_two_pictures_are_the_same() -> None:
    assert len(by_sha256()) == len(OBJECTS)


@pytest.mark.parametrize("name", ["mug", "snowman"])
def test_a_committed_picture_is_drawn_again_by_the_code(name: str) -> None:
    """Within a few grey levels: a touch more light in the renderer does not make the demo another one."""
    committed = np.asarray(Image.open(prompts()[name]), np.int16)
    again = np.asarray(Image.open(io.BytesIO(picture_of(name))), np.int16)
    assert committed.shape == again.shape == (PIXELS, PIXELS, 3)
    assert np.abs(committed - again).mean() < 3.0, "run `python -m examples.prompts` and commit the pictures"


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_the_object_stands_clear_of_the_border(name: str) -> None:
    """A generator learns the background from the border: it must be nothing but background, the same across a row."""
    picture = np.asarray(Image.open(prompts()[name]), np.int16)
    assert np.ptp(picture[:, [0, 1, -2, -1]], axis=1).max() <= 2
    assert np.ptp(picture[[0, -1]], axis=1).max() <= 2
