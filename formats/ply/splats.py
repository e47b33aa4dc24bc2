"""What does a checked ply hold?  Its numbers as they lie in the file, and where each property is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formats.registry import FORMATS

Floats = NDArray[np.float32]

ROWS = FORMATS["ply"].drawn_as[1]  # what a browser is given: see Splats.rows
NEEDED = (
    *("x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2"),
    *("rot_0", "rot_1", "rot_2", "rot_3"),
)


@dataclass(frozen=True)
class Splats:
    """`values`: (n, properties), as they lie in the file; `columns`: where each property is."""

    values: Floats
    columns: dict[str, int]
    degree: int

    def of(self, *names: str) -> Floats:
        """(n, names)"""
        taken: Floats = self.values[:, [self.columns[name] for name in names]]
        return taken

    def rows(self) -> bytes:
        """The values alone, splat by splat in the order of NEEDED and then f_rest_*: no header to be read."""
        rests = (f"f_rest_{i}" for i in range(sum(name.startswith("f_rest_") for name in self.columns)))
        return np.ascontiguousarray(self.of(*NEEDED, *rests), "<f4").tobytes()

    @property
    def harmonics(self) -> Floats:
        """(n, coefficients, 3): degree by degree, red green blue together."""
        each = {0: 0, 1: 3, 2: 8, 3: 15}[self.degree]
        flat = self.of(*(f"f_rest_{i}" for i in range(3 * each)))
        return flat.reshape(len(flat), 3, each).transpose(0, 2, 1)
