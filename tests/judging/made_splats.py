"""Splats for tests: whole files from plain numbers, and broken ones."""

from __future__ import annotations

import numpy as np

NAMES = ("x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1")
NAMES = (*NAMES, "rot_2", "rot_3")
C0 = 0.28209479177387814


def header(count: object, names: tuple[str, ...] = NAMES, *, kind: str = "float") -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    return "\n".join([*lines, *(f"property {kind} {name}" for name in names), "end_header", ""]).encode()


def ply(values: np.ndarray, names: tuple[str, ...] = NAMES) -> bytes:
    return header(len(values), names) + np.ascontiguousarray(values, "<f4").tobytes()


def splat(
    at: tuple[float, float, float],
    colour: tuple[float, float, float],
    *,
    scale: tuple[float, float, float] = (0.05, 0.05, 0.05),
    opacity: float = 0.99,
    turn: tuple[float, float, float, float] = (1, 0, 0, 0),
) -> list[float]:
    """One row; the colour between 0 and 1, scales as lengths."""
    dc = [(channel - 0.5) / C0 for channel in colour]
    return [*at, *dc, float(np.log(opacity / (1 - opacity))), *np.log(scale).tolist(), *turn]


def cloud(count: int, *, seed: int = 0, degree: int = 0) -> bytes:
    """A ball of coloured splats."""
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(count, 3))
    places *= 0.4 / np.linalg.norm(places, axis=1, keepdims=True)
    colours = (places + 0.4) / 0.8
    rows = [splat(tuple(p), tuple(c), scale=(0.02, 0.01, 0.004)) for p, c in zip(places, colours, strict=True)]
    values, each = np.array(rows), {0: 0, 1: 9, 2: 24, 3: 45}[degree]
    turned = rng.normal(size=(count, 4))
    values[:, 10:14] = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    names = (*NAMES, *(f"f_rest_{i}" for i in range(each)))
    return ply(np.concatenate([values, rng.normal(scale=0.1, size=(count, each))], axis=1), names)
