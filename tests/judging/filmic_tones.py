"""What does three.js's filmic tone mapping make of a colour?  Reckoned from the published fit, not from its shader."""

import numpy as np


def aces(colour: tuple[float, float, float]) -> tuple[int, ...]:
    """The bytes of an unlit colour after three.js's filmic tones: Hill's fit of ACES, at an exposure of 1/0.6."""
    into = np.array([[0.59719, 0.35458, 0.04823], [0.076, 0.90834, 0.01566], [0.0284, 0.13383, 0.83777]])
    back = np.array([[1.60475, -0.53108, -0.07367], [-0.10208, 1.10813, -0.00605], [-0.00327, -0.07276, 1.07602]])
    encoded = np.array(colour) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    v = into @ (linear / 0.6)
    toned = np.clip(back @ ((v * (v + 0.0245786) - 0.000090537) / (v * (0.983729 * v + 0.4329510) + 0.238081)), 0, 1)
    shown = np.where(toned <= 0.0031308, 12.92 * toned, 1.055 * toned ** (1 / 2.4) - 0.055)
    return tuple(int(value) for value in np.round(255 * shown))
