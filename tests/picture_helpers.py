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


def write_noise(folder, classes=("Mel", "Nev"), splits=("train", "test"), count=3, flat=False, **how):
    """Smooth noise, another for each file, as `train/Mel/0.png` or, flat, `train/Mel_00.png`.

    `how` may hold `change`, which makes other pixels of a split's, `suffix` and `seed`; `count` may differ by split.
    """
    change, rng = how.get("change", lambda split, pixels: pixels), np.random.default_rng(how.get("seed", 0))
    for split in splits:
        for name in classes:
            for number in range(count[split] if isinstance(count, dict) else count):
                noise = gaussian_filter(rng.standard_normal((40, 36)), 2)
                pixels = np.rint(255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)
                file = folder / split / (f"{name}_{number:02}" if flat else f"{name}/{number}")
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(change(split, pixels)).save(f"{file}.{how.get('suffix', 'png')}")
    return folder
