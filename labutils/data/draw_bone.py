"""Phantoms of femur radiographs: atypical (AFF) and ordinary (NFF) fractures of the shaft."""

import numpy as np
from scipy import ndimage


def draw(class_name: str, rng: np.random.Generator) -> np.ndarray:
    """One radiograph of a broken femur, uint8 (h, w)."""
    h, w = (int(n) for n in rng.integers(220, 380, 2))
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    turn = rng.uniform(-0.3, 0.3)
    u = (x - w / 2) * np.cos(turn) + (y - h / 2) * np.sin(turn)
    s = (y - h / 2) * np.cos(turn) - (x - w / 2) * np.sin(turn)
    radius = w * rng.uniform(0.1, 0.16)
    bone = np.sqrt(np.clip(1 - (u / radius) ** 2, 0, None)) - 0.7 * np.sqrt(
        np.clip(1 - (u / radius / 0.65) ** 2, 0, None)
    )
    slope = rng.uniform(-0.1, 0.1) if class_name == "AFF" else rng.uniform(0.8, 1.6)
    gap = np.exp(-(((s - slope * u) / (0.02 * h)) ** 2))
    image = 60 + 140 * bone * (1 - gap) + rng.normal(0, 4, (h, w))
    return np.rint(np.clip(ndimage.gaussian_filter(image, 1), 0, 255)).astype(np.uint8)
