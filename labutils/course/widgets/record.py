"""Record what is shown before the first click: `python -m labutils.course.widgets.record [NAME ...]`.

NAME is the task of a playground, or `range`, `norm` or `changes`. Every recording is a real training of this code, with
what it depends on beside it. To be run anew when the phantoms or the training step change.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from typing import Any

from labutils.course.widgets import experiments, looking, small
from labutils.course.widgets.control import RECORDED
from labutils.errors import StoreError


def playground(task: str) -> dict[str, Any]:
    """A run with a playground's first settings; tasks that begin with the same settings share it."""
    return {"words": small.settings_in_words(task), **_trained(small.settings_for(task))}


@functools.cache
def _trained(settings: small.Settings) -> dict[str, Any]:
    from labutils.models import describe
    from labutils.training.backend import provenance

    dataset = small.small_dataset(settings.config.dataset, "phantom")
    return {
        "parameters": describe(settings.config, len(dataset.class_names)).parameters,
        "history": small.train_small(settings, dataset),
        "provenance": {
            **provenance("float32"),
            "config": settings.config.model_dump(mode="json"),
            "source": dataset.source,
            "fingerprint": dataset.fingerprint,
        },
    }


def range_test() -> dict[str, Any]:
    """A learning-rate range test."""
    dataset = small.small_dataset("skin", "phantom")
    *_, found = experiments.learning_rate_range(small.settings_for("task1b").config, dataset)
    return {**found, "words": experiments.range_in_words(found), "fingerprint": dataset.fingerprint}


def norm() -> dict[str, Any]:
    """What a batch normalization gets and gives."""
    dataset = small.small_dataset("skin", "phantom")
    found = experiments.norm_activations(dataset)
    return {**found, "words": experiments.draw_norm(found, 1).words, "fingerprint": dataset.fingerprint}


def changes() -> dict[str, Any]:
    """The accuracy of a stored run under changes of its images."""
    from labutils import lab
    from labutils.data import load_dataset
    from labutils.runs.store import RunStore

    dataset = load_dataset("skin", source="phantom")
    run = RunStore().find(lab.runs("task1b")["lr 1e-5"], dataset.fingerprint)
    if run is None:
        raise StoreError("The run of Task 1B at lr 1e-5 on these phantoms is not stored: train it first.")
    return {**looking.measure_changes(run, dataset), "words": "changes of the images"}


RECORDINGS: dict[str, Callable[[], dict[str, Any]]] = {
    **{task: functools.partial(playground, task) for task in small.PLAYS},
    "range": range_test,
    "norm": norm,
    "changes": changes,
}


def main(names: list[str]) -> None:
    """Record the playgrounds and experiments named, or all."""
    for name in names or RECORDINGS:
        values = RECORDINGS[name]()
        RECORDED.mkdir(exist_ok=True)
        (RECORDED / f"{name}.json").write_text(json.dumps(values, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{name}: {values['words']}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
