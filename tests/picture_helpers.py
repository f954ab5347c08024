"""Made-up pictures and data sets in the course's layout, for the tests of what reads images."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

COUNTS = {"train": 40, "test": 24}  # per class


def make_pictures(n, seed, side=72):
    """Pictures with structure at all scales, of the same distribution in every class, 60 to 190 of 255."""
    noise = np.random.default_rng(seed).random((n, side, side))
    pictures = sum(gaussian_filter(noise, (0, s, s)) * s for s in (1, 2, 4))
    pictures = (pictures - pictures.mean()) / pictures.std()
    return np.clip(125 + 25 * pictures, 60, 190).astype(np.uint8)


def write_set(folder, change=lambda picture, label: picture):
    """A data set in the course's layout in which the classes differ by `change` only."""
    pictures = iter(make_pictures(2 * sum(COUNTS.values()), seed=0))
    for split, count in COUNTS.items():
        (folder / split).mkdir(parents=True)
        for label, name in enumerate(("Mel", "Nev")):
            for number in range(1, count + 1):
                picture = Image.fromarray(change(next(pictures), label))
                picture.save(folder / split / f"{name}_{number:04}.png")
    return folder
