"""How much two workers with one thread each gain over one process with two threads, and what handing over costs.

    python benchmarks/bench_scale_out.py [--images 200] [--epochs 3] [--repeats 3]

VGG16 b8 on 128x128 noise, two runs: one after the other in one process with all threads; the same by one worker; side
by side by two workers that share the threads. Images a second, all runs together, first epochs (which build the graph)
left out; medians of ratios over interleaved repeats. Needs at least two cores, and nothing else running.
"""

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import click
import numpy as np

from labutils import machine
from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.runs.run import Run
from labutils.runs.store import RunStore
from labutils.training import train_all


def noise(images: int) -> Dataset:
    """A data set of the lab's form that no worker has: it is sent to them."""
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 1, (images, 128, 128, 1)).astype(np.float32)
    labels = np.arange(images) % 2
    files = tuple(f"{i:04d}.jpg" for i in range(images))
    names = ("Mel", "Nev")
    return Dataset(
        "skin", pixels, labels, pixels[:40], labels[:40], names, files, files[:40], "course", "noise", Path()
    )


def images_a_second(runs: dict[str, Run], images: int, side_by_side: int) -> float:
    """Images that pass through training in a second, over all runs that are trained side by side."""
    rates = [images * (run.epochs - 1) / run.history["seconds"][1:].sum() for run in runs.values()]
    return side_by_side * float(np.mean(rates))


def use(threads: int) -> None:
    """What a worker does first."""
    os.environ["LABUTILS_THREADS"] = str(threads)


def on_workers(jobs: int, configs: dict[str, RunConfig], dataset: Dataset, store: RunStore) -> dict[str, Run]:
    """Train by processes of this machine, which share its threads out evenly."""
    threads = max(1, machine.threads() // jobs)
    # Started afresh, not forked: TensorFlow does not survive a fork.
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=use, initargs=(threads,)) as pool:
        return train_all(configs, dataset, executor=pool, store=store)


@click.command()
@click.option("--images", default=200, show_default=True)
@click.option("--epochs", default=3, show_default=True)
@click.option("--repeats", default=3, show_default=True)
def main(images: int, epochs: int, repeats: int) -> None:
    """Print the ratios."""
    dataset = noise(images)
    base = RunConfig(dataset="skin", model="vgg16", learning_rate=1e-5, epochs=epochs)
    configs = {f"seed {seed}": base.with_(seed=seed) for seed in range(2)}
    ways: dict[str, tuple[Callable[[RunStore], dict[str, Run]], int]] = {
        "one process": (lambda store: train_all(configs, dataset, store=store), 1),
        "1 worker": (lambda store: on_workers(1, configs, dataset, store), 1),
        "2 workers": (lambda store: on_workers(2, configs, dataset, store), 2),
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LABUTILS_DATA"] = folder
        for repeat in range(repeats):
            for way, (run, side_by_side) in ways.items():
                runs = run(RunStore(Path(folder) / f"{way} {repeat}"))
                found[way].append(images_a_second(runs, images, side_by_side))
    print(f"\n{machine.threads()} threads, {images} images, {epochs} epochs, {repeats} repeats: images a second, ratio")
    for way, rates in found.items():
        ratio = median(rate / alone for rate, alone in zip(rates, found["one process"], strict=True))
        print(f"{way:12} {median(rates):8.1f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
