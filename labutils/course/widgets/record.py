"""Record what is shown before the first click: `python -m labutils.course.widgets.record [NAME ...]`.

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

from labutils.course.mine import BROWSERS
from labutils.course.widgets import experiments, looking, play, small
from labutils.course.widgets.control import RECORDED
from labutils.errors import StoreError


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
