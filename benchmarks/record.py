"""Record what is shown before the first click: `python benchmarks/record.py [NAME ...]`.

NAME is the task of a playground (which takes Chromium and Playwright), or `range`, `norm` or `changes`. Every recording
is a real training of this code, with its images' fingerprint. To be run anew when the phantoms or the training change.
"""

from __future__ import annotations

import functools
import json
import shutil
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from labutils.course.mine import BROWSERS
from labutils.course.widgets import experiments, looking, play, small
from labutils.course.widgets.control import RECORDED
from labutils.errors import StoreError

BINS = np.linspace(-4, 4, 41)
"""Edges of the histograms of activations."""
NAMED = {
    "unchanged": looking.Change(),
    "turned by 180 degrees": looking.Change(rotate=180),
    "turned by 40 degrees": looking.Change(rotate=40),
    "left and right exchanged": looking.Change(mirror=True),
    "top and bottom exchanged": looking.Change(upside_down=True),
    "shifted by a fifth": looking.Change(right=0.2, down=0.2),
    "intensity 6 to 80 %": looking.Change(low=6, high=80),
    "scaled by two": looking.Change(scale=2),
}
"""Changes that are measured one by one: what `break_the_network` shows before anything is moved."""


def chromium(playwright: Any) -> Any:
    """The browser in which playgrounds train; a StoreError if there is none."""
    if not (found := next(filter(None, map(shutil.which, BROWSERS)), None)):
        raise StoreError("There is no Chromium here, in which a playground trains: install it.")
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


def playground(task: str) -> dict[str, Any]:
    """A run with a playground's first settings, trained in its page by Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        page = chromium(started).new_page()
        page.set_content(play.static_playground(task))
        page.get_by_role("button", name="Train").click()
        page.wait_for_selector("[data-status=training]")
        page.wait_for_selector("[data-status=ready], [data-status=failed]", timeout=600_000)
        run, said = page.evaluate("(box) => [box.run, box.innerText]", page.query_selector(".labutils"))
    if not run["history"]["loss"]:
        raise StoreError(said)
    return run | {"fingerprint": play.images_of(task, "phantom").fingerprint}


def range_test() -> dict[str, Any]:
    """A learning-rate range test."""
    dataset = small.small_dataset("skin", "phantom")
    *_, found = experiments.learning_rate_range(small.config_for("task1b"), dataset)
    return {**found, "words": experiments.range_in_words(found), "fingerprint": dataset.fingerprint}


def norm_activations(dataset: Any) -> dict[str, Any]:
    """What the first batch normalization of a small AlexNet gets and gives, after each of twenty epochs.

    `edges`, and for `before` (the convolution's output), `training` (normalized by the batch's own mean and variance)
    and `inference` (by the moving averages): `counts` (epochs, bins), `mean` and `sd` (epochs,).
    """
    from labutils.training.backend import compiled_model, feed, import_keras
    from labutils.training.epoch import Batches

    config = small.config_for("task5b", batch_norm=True)
    model, batches = compiled_model(config, dataset.n_classes, "float32"), Batches(config, dataset)
    layer, keras = model.get_layer("block1_norm1"), import_keras()
    probe = keras.Model(model.inputs[0], layer.input)
    pictures = np.asarray(dataset.x_train[:: max(1, len(dataset.y_train) // 64)])
    found: dict[str, Any] = {"edges": BINS.round(2).tolist()}

    def look() -> None:
        before = np.asarray(keras.ops.convert_to_numpy(probe(pictures, training=False)))
        gamma, beta, moving_mean, moving_variance = (np.asarray(w) for w in layer.get_weights())
        own = (before - before.mean(axis=(0, 1, 2))) / np.sqrt(before.var(axis=(0, 1, 2)) + layer.epsilon)
        moved = (before - moving_mean) / np.sqrt(moving_variance + layer.epsilon)
        for name, values in (("before", before), ("training", gamma * own + beta), ("inference", gamma * moved + beta)):
            part = found.setdefault(name, {"counts": [], "mean": [], "sd": []})
            part["counts"].append(np.histogram(np.clip(values, BINS[0], BINS[-1]), BINS)[0].tolist())
            part["mean"].append(round(float(values.mean()), 3))
            part["sd"].append(round(float(values.std()), 3))

    look()
    for epoch in range(20):
        batches.draw(epoch)
        model.fit(feed(batches), shuffle=False, verbose=0)
        look()
    return found


def norm() -> dict[str, Any]:
    """What a batch normalization gets and gives."""
    dataset = small.small_dataset("skin", "phantom")
    found = norm_activations(dataset)
    return {**found, "words": experiments.draw_norm(found, 1).words, "fingerprint": dataset.fingerprint}


def changes() -> dict[str, Any]:
    """The accuracy of a stored run under changes of its images."""
    from labutils import lab, training
    from labutils.data import load_dataset
    from labutils.runs.store import RunStore

    dataset = load_dataset("skin", source="phantom")
    run = RunStore().find(lab.runs("task1b")["lr 1e-5"], dataset.fingerprint)
    if run is None:
        raise StoreError("The run of Task 1B at lr 1e-5 on these phantoms is not stored: train it first.")
    model, found = training.load_best(run)[0], {}
    for name, change in NAMED.items():
        *_, estimate = looking.accuracy_under(model, dataset, change)
        found[name] = [round(value, 4) for value in estimate]
    this = {"run": run.config.key, "fingerprint": dataset.fingerprint, "accuracy": found}
    return this | {"words": "changes of the images"}


RECORDINGS: dict[str, Callable[[], dict[str, Any]]] = {
    **{task: functools.partial(playground, task) for task in small.PLAYS},
    "range": range_test,
    "norm": norm,
    "changes": changes,
}


def main(names: list[str]) -> None:
    """Record the playgrounds and experiments named, or all."""
    if unknown := [name for name in names if name not in RECORDINGS]:
        sys.exit(f"Nothing is recorded as {', '.join(unknown)}: name some of {', '.join(RECORDINGS)}.")
    for name in names or RECORDINGS:
        values = RECORDINGS[name]()
        RECORDED.mkdir(exist_ok=True)
        (RECORDED / f"{name}.json").write_text(json.dumps(values, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{name}: {values['words']}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
