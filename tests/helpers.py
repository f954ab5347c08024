"""Small made-up data and runs for the tests of training and storing: seconds, not minutes, and the same every time."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from labutils import paths
from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.runs.run import Run, write_run
from labutils.runs.store import RunStore

TESTS = Path(__file__).parent
STRETCH = {"first_epoch": 1, "seconds": 3.0, "backend": "tensorflow", "device": "abacus", "threads": 1}
"""How made-up runs were trained, in one go."""


@cache
def slowness() -> float:
    """How many times slower than a quiet laptop this machine is now, at least 1: by the time that imports take."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import numpy, pandas, matplotlib.pyplot"], check=True)
    return max(1.0, (time.perf_counter() - started) / 1.0)


def patience(seconds: float) -> float:
    """After how many seconds something hangs that takes `seconds` on a quiet laptop; tests wait for events."""
    return 20 * seconds * slowness()


def wait_until(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for an event that comes within `seconds` on a quiet laptop."""
    deadline = time.monotonic() + patience(seconds)
    while not true():
        assert time.monotonic() < deadline, "what was waited for never came"
        time.sleep(0.05)


def tiny_dataset(n_train: int = 24, n_val: int = 10, size: int = 32, classes: int = 2, seed: int = 0) -> Dataset:
    """Noise with a bright square whose place tells the class."""
    rng = np.random.default_rng(seed)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(n) % classes
        images = rng.uniform(0, 0.6, (n, size, size, 1)).astype(np.float32)
        for image, label in zip(images, labels, strict=True):
            image[3 * label : 3 * label + 8, 3 * label : 3 * label + 8] += 0.4
        return images, labels.astype(np.int64)

    x_train, y_train = draw(n_train)
    x_val, y_val = draw(n_val)
    names = ("Mel", "Nev") if classes == 2 else tuple(f"C{i}" for i in range(1, classes + 1))
    return Dataset(
        name="skin" if classes == 2 else "x_ray",
        x_train=x_train,
        y_train=y_train,
        x_val=x_val,
        y_val=y_val,
        class_names=names,
        files_train=tuple(f"train/{names[label]}_{i:04d}.jpg" for i, label in enumerate(y_train)),
        files_val=tuple(f"test/{names[label]}_{i:04d}.jpg" for i, label in enumerate(y_val)),
        source="course",
        fingerprint=f"{n_train:04x}{n_val:04x}{seed:04x}",
        root=TESTS,
    )


def tiny_config(**changes: object) -> RunConfig:
    """LeNet with two filters on 32x32 pixels."""
    settings = {"dataset": "skin", "model": "lenet", "n_base": 2, "dense": (8,), "image_size": 32}
    return RunConfig(**{**settings, "learning_rate": 1e-3, "epochs": 2, **changes})


def made_up_run(config: RunConfig, dataset: Dataset) -> Run:
    """A run that nobody trained; its files fit together."""
    rng = np.random.default_rng(config.epochs)
    outputs = 1 if dataset.n_classes == 2 else dataset.n_classes
    predictions = rng.uniform(0, 1, (config.epochs, len(dataset.y_val), outputs)).astype(np.float16)
    chosen = predictions[..., 0] > 0.5 if outputs == 1 else predictions.argmax(-1)
    falling = np.linspace(0.7, 0.5, config.epochs)
    return Run(
        config=config,
        history={
            "loss": falling,
            "accuracy": 1 - falling,
            "val_loss": falling + 0.05,
            "val_accuracy": (chosen == dataset.y_val).mean(axis=1),
            "seconds": np.full(config.epochs, 1.5),
        },
        val_predictions=predictions,
        y_val=dataset.y_val,
        val_files=dataset.files_val,
        class_names=dataset.class_names,
        provenance={
            "source": dataset.source,
            "fingerprint": dataset.fingerprint,
            "class_names": list(dataset.class_names),
            "stretches": [STRETCH],
        },
    )


def state_of(run: Run) -> dict[str, np.ndarray]:
    """A checkpoint for `made_up_run`."""
    return {"epochs": np.array(run.epochs), "weight_000": np.ones(3, np.float32)}


def store_run(folder: Path, epochs: int = 3, weights: bytes | None = b"weights", **settings: object) -> Path:
    """Store a made-up run on `tiny_dataset()` in a folder of runs, as a training would; its place."""
    config, dataset = tiny_config(epochs=epochs, **settings), tiny_dataset()
    place = RunStore(folder).path_of(config, dataset.fingerprint)
    run = replace(made_up_run(config, dataset), path=place)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_run(run, state_of(run), weights)
    return place


def python_path(*folders: Path) -> str:
    """`PYTHONPATH` of a process that a test starts: these folders, the helpers, and the package that is tested."""
    return os.pathsep.join(map(str, [*folders, TESTS, paths.ROOT]))  # wherever that is installed


def start_python(code: str, results: Path, **environment: str) -> subprocess.Popen:
    """A process of its own that runs `code`, with these helpers at hand and its own results folder."""
    settings = {
        "LABUTILS_RESULTS": str(results),
        "LABUTILS_THREADS": "1",
        "LABUTILS_PROGRESS": "none",
        "PYTHONPATH": python_path(),
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **settings, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=results,
    )


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return children + [other for child in children for other in descendants(child)]
