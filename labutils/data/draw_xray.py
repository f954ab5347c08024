"""Phantoms of radiographs of nine body regions, C1 to C9."""

import numpy as np
from scipy import ndimage


def draw(class_name: str, rng: np.random.Generator) -> np.ndarray:
    """One radiograph of a body region, uint8 (h, w)."""
    h, w = (int(n) for n in rng.integers(220, 380, 2))
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
    number = int(class_name[1:])
    image = 60 + 120 * np.exp(-((x * (0.5 + number % 3)) ** 2) - (y * (0.5 + number // 3)) ** 2)
    image = ndimage.gaussian_filter(image + rng.normal(0, 8, (h, w)), 1)
    return np.rint(np.clip(image, 0, 255)).astype(np.uint8)
