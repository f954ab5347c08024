"""How fast images load, beside the loop of the lab's report; and how much memory 20,000 of them take.

    python benchmarks/bench_data.py            cold and warm, paired with the plain loop
    python benchmarks/bench_data.py --memory   load 20,000 images, go through them as a training does, report the peak

Both sides of a pair are timed in turn, over and over, and the ratio is taken within each round: what else the machine
does at the moment slows both alike. Imports are not timed; files are in the system's cache on both sides.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image
from skimage.io import imread
from skimage.transform import resize

from labutils import paths
from labutils.data import cache

REAL = paths.ROOT.parent / "shared" / "real" / "Skin" / "train"
SIZE = 128


def load_plainly(files: list[Path]) -> np.ndarray:
    """The report's loop: one image after the other, all kept in memory."""
    pixels = [resize(imread(file, as_gray=True), (SIZE, SIZE), anti_aliasing=True) for file in files]
    return np.expand_dims(np.array(pixels, dtype=np.float32), axis=-1)


def load_cached(files: list[Path]) -> np.ndarray:
    """What `load_dataset` does for one split, cache included."""
    root = files[0].parent
    return cache.load_entry("bench", root, [file.name for file in files], SIZE, 1, progress=False).pixels


def clear_cache() -> None:
    """Make the next load a cold one."""
    for file in (paths.generated_dir() / "cache").glob("bench*"):
        file.unlink()


def compare(title: str, files: list[Path], rounds: int) -> None:
    """Print cold and warm times of both ways, and the medians of their ratios."""
    seconds: dict[str, list[float]] = {"plain": [], "cold": [], "warm": []}
    for _ in range(rounds):
        seconds["plain"].append(timed(lambda: load_plainly(files)))
        clear_cache()
        seconds["cold"].append(timed(lambda: load_cached(files)))
        seconds["warm"].append(timed(lambda: load_cached(files)))
    difference = np.abs(load_plainly(files) - load_cached(files)).max() * 255
    plain, cold, warm = (np.array(values) for values in seconds.values())
    print(
        f"{title} ({len(files)} files, {rounds} rounds): plain {np.median(plain):.2f} s, cold {np.median(cold):.3f} s, "
        f"warm {np.median(warm) * 1e3:.1f} ms; cold {np.median(plain / cold):.1f}x, warm "
        f"{np.median(plain / warm):.0f}x as fast; largest difference {difference:.2f} of 255 grey levels",
        flush=True,
    )


def timed(call: Callable[[], object]) -> float:
    """Seconds that `call` takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def write_radiographs(folder: Path, count: int, height: int, width: int) -> list[Path]:
    """Smooth structures with noise, as JPEG: large files that cost what radiographs cost."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    files = []
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).resize((width, height))
        pixels = np.asarray(coarse, np.int16) + rng.integers(-6, 7, (height, width, 1), dtype=np.int16)
        files.append(folder / f"{number:03}.jpg")
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(files[-1], quality=90)
    return files


def measure_memory(count: int = 20_000) -> None:
    """Cold and warm, each in a process of its own: load `count` images, then two epochs of shuffled batches."""
    code = """
import resource, sys, time
from pathlib import Path
import numpy as np
from labutils.data import load_dataset
start = time.perf_counter()
data = load_dataset("skin", progress=False)
loaded = time.perf_counter() - start
order = np.random.default_rng(0)
total = 0.0
for epoch in range(2):
    for batch in np.array_split(order.permutation(len(data.x_train)), len(data.x_train) // 8):
        total += float(data.x_train[np.sort(batch)].mean())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "linux" else 2**30)
# Pages of the mapped file count as resident while there is room; the system takes them back when it needs some.
status = Path("/proc/self/status").read_text() if sys.platform == "linux" else ""
own = [int(line.split()[1]) / 2**20 for line in status.splitlines() if line.startswith("RssAnon")]
print(f"{len(data.x_train)} images: loaded in {loaded:.2f} s, two epochs read; peak {peak:.2f} GiB"
      + (f", of which not given back at need {own[0]:.2f} GiB" if own else ""))
"""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        # The same few hundred pictures under 20,000 names: what is measured does not depend on what they show.
        rng = np.random.default_rng(0)
        for split, each in (("train", count // 2), ("test", 50)):
            (root / "Skin" / split).mkdir(parents=True)
            for class_name in ("Mel", "Nev"):
                for number in range(each):
                    file = root / "Skin" / split / f"{class_name}_{number:05}.jpg"
                    if number < 100:
                        pixels = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
                        Image.fromarray(pixels).resize((224, 224)).save(file)
                    else:
                        file.hardlink_to(file.with_name(f"{class_name}_{number % 100:05}.jpg"))
        for state in ("cold", "warm"):
            done = subprocess.run(
                [sys.executable, "-c", f"from labutils import paths\nfrom pathlib import Path\n"
                 f"paths.generated_dir = lambda: Path({str(root)!r})\n"
                 f"paths.data_dir = lambda: Path({str(root)!r})\n{code}"],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            print(f"{state}, {done.stdout.strip()}", flush=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description="Time the loader beside the report's loop.")
    parser.add_argument("--memory", action="store_true", help="load 20,000 images and report the peak memory")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each comparison (default 5)")
    given = parser.parse_args()
    if given.memory:
        measure_memory()
        return
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(paths, "generated_dir", lambda: Path(folder)):
        if REAL.is_dir():
            compare("224x224 JPEG, real", sorted(REAL.iterdir()), given.rounds)
        else:
            compare("224x224 JPEG, synthetic", write_radiographs(Path(folder) / "small", 500, 224, 224), given.rounds)
        compare("2300x2900 JPEG, synthetic", write_radiographs(Path(folder) / "large", 6, 2900, 2300), given.rounds)


if __name__ == "__main__":
    main()
