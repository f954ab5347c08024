"""Break the network: change an image in every way at once, and see what a stored network makes of it."""

from __future__ import annotations

import html
import random
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import augment
from labutils.course.widgets.control import Controls, Drawn, png
from labutils.course.widgets.play import read
from labutils.course.widgets.small import Knob, number_knob
from labutils.course.widgets.stage import NOTHING, show
from labutils.errors import StoreError
from labutils.evaluate.metrics import accuracy
from labutils.statistics import Estimate, predicted_labels, wilson_interval

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset
    from labutils.runs.files import Run


@dataclass(frozen=True)
class Change:
    """What is done to an image, in this order: rotate (degrees), scale, shift (shares of a side), flip, intensity."""

    rotate: float = 0.0
    scale: float = 1.0
    right: float = 0.0
    down: float = 0.0
    mirror: bool = False
    upside_down: bool = False
    low: float = 0.0
    high: float = 100.0


NAMED = {
    "unchanged": Change(),
    "turned by 180 degrees": Change(rotate=180),
    "turned by 40 degrees": Change(rotate=40),
    "left and right exchanged": Change(mirror=True),
    "top and bottom exchanged": Change(upside_down=True),
    "shifted by a fifth": Change(right=0.2, down=0.2),
    "intensity 6 to 80 %": Change(low=6, high=80),
    "scaled by two": Change(scale=2),
}
"""Changes that are measured one by one."""


def apply(picture: np.ndarray, change: Change) -> np.ndarray:
    """The changed image, (h, w, c) in [0, 1] like `picture`."""
    out = picture
    if change.rotate:
        out = augment.rotate(out, change.rotate)
    if change.scale != 1:
        out = augment.scale(out, change.scale)
    if change.right or change.down:
        height, width = out.shape[:2]
        rows = np.clip(np.arange(height) - round(change.down * height), 0, height - 1)
        columns = np.clip(np.arange(width) - round(change.right * width), 0, width - 1)
        out = out[rows][:, columns]
    if change.mirror:
        out = augment.flip_horizontal(out)
    if change.upside_down:
        out = augment.flip_vertical(out)
    if (change.low, change.high) != (0, 100):
        out = augment.rescale_intensity(out, change.low, change.high)
    return out


def accuracy_under(model: Any, dataset: Dataset, change: Change) -> Estimate:
    """A network's accuracy on all validation images under a change, with its Wilson interval."""
    from labutils.training.fit import predict

    pictures = np.stack([apply(np.array(picture), change) for picture in dataset.x_val])
    hits = int((predicted_labels(predict(model, pictures)) == dataset.y_val).sum())
    return Estimate(hits / len(pictures), *wilson_interval(hits, len(pictures)))


def measure_changes(run: Run, dataset: Dataset) -> dict[str, Any]:
    """The accuracy of a stored run under each of `NAMED`: what `break_the_network` shows before anything is moved."""
    from labutils import training

    model = training.load_best(run)[0]
    found = {name: [round(v, 4) for v in accuracy_under(model, dataset, change)] for name, change in NAMED.items()}
    return {"run": run.config.key, "fingerprint": str(run.provenance.get("fingerprint")), "accuracy": found}


def break_the_network(run: Run | None, dataset: Dataset) -> None:
    """Every change of an image as a slider, the network's probability as a bar, Grad-CAM, accuracy on all images.

    Parameters
    ----------
    run : Run or None
        A stored run with its best weights.
    dataset : Dataset
        What it was validated on.
    """
    if run is None:
        print(NOTHING)
        return
    words = breaking_in_words(run, read("changes"))
    own = png(np.asarray(dataset.x_val[0]), "validation image 1", 150)
    show(words, own, lambda: Breaking(run, dataset).controls.widget)


def breaking_in_words(run: Run, recorded: dict[str, Any] | None) -> str:
    """The control before it is moved: the stored accuracy, and what was measured under each change of this run."""
    lines = [
        f"Break the network: {run.label}, validation accuracy {accuracy(run)} on unchanged images. Change an image "
        "with all sliders at once until the network gives way."
    ]
    same = recorded and (recorded["run"], recorded["fingerprint"]) == (
        run.config.key,
        str(run.provenance.get("fingerprint")),
    )
    if recorded and same:
        lines += [f"{name}: {Estimate(*value)}" for name, value in recorded["accuracy"].items()]
    return "\n".join(lines)


KNOBS = (
    number_knob("rotate", "rotate (degrees)", range(-180, 181, 5), 0),
    number_knob("scale", "scale", [k / 10 for k in range(5, 31)], 1.0),
    number_knob("right", "to the right (of a side)", [k / 20 for k in range(-8, 9)], 0.0),
    number_knob("down", "down (of a side)", [k / 20 for k in range(-8, 9)], 0.0),
    number_knob("low", "black below (%)", range(46), 0),
    number_knob("high", "white above (%)", range(55, 101), 100),
    Knob("mirror", "left and right exchanged", (("no", False), ("yes", True)), 0, slider=False),
    Knob("upside_down", "top and bottom exchanged", (("no", False), ("yes", True)), 0, slider=False),
)
"""A knob for each part of a `Change`."""


class Breaking:
    """The control: knobs, the image before and after, a bar, and what is worked out in the background."""

    def __init__(self, run: Run, dataset: Dataset) -> None:
        self.run, self.dataset = run, dataset
        self.model: Any = None
        images = number_knob("image", "image", range(1, len(dataset.y_val) + 1), 1)
        buttons = {
            "surprise": ("Surprise me", lambda: self._choose(surprising(random.Random()))),
            "back": ("Back to the image", lambda: self._choose(Change())),
        }
        title = "Break the network"
        self.controls = Controls(title, (images, *KNOBS), self._moved, buttons, side=True)

    def _choose(self, change: Change) -> None:
        self.controls.choose(**asdict(change))

    def _moved(self, controls: Controls) -> None:
        values = controls.values
        index, turn = values.pop("image") - 1, controls.turn
        change, original = Change(**values), np.array(self.dataset.x_val[index])
        changed = apply(original, change)
        number = f"validation image {index + 1}"
        pictures = png(original, number, 150) + png(changed, f"{number}, changed", 150)
        said = "asked" if self.model else "loaded: a few seconds"
        controls.put(Drawn(pictures, f"The network is being {said}."))
        controls.later(lambda: self._answer(controls, pictures, changed, index, change, turn))

    def _answer(
        self, controls: Controls, pictures: str, changed: np.ndarray, index: int, change: Change, turn: int
    ) -> None:
        from labutils import explain, training

        if turn != controls.turn:
            return  # a slider that still moves asks again
        if self.model is None:
            self.model = training.load_best(self.run)[0]
        answer = bar(self.run, index, np.asarray(self.model(changed[None], training=False))[0])
        count = f"All {len(self.dataset.y_val)} validation images under this change"
        waiting = f"{answer.words}\n{count}: being measured."
        if turn != controls.turn:
            return
        controls.put(Drawn(pictures + answer.picture, waiting))
        heat = explain.gradcam(self.model, changed[None])[0]
        warm = np.stack([np.clip(0.5 * changed.mean(axis=2) + heat, 0, 1)] + [0.6 * changed.mean(axis=2)] * 2, -1)
        pictures += png(warm, "Grad-CAM of the answer", 150) + answer.picture
        if turn != controls.turn:
            return
        controls.put(Drawn(pictures, waiting))
        estimate = accuracy_under(self.model, self.dataset, change)
        if turn == controls.turn:
            said = f"{count}: accuracy {estimate}; unchanged, as stored, {accuracy(self.run)}."
            controls.put(Drawn(pictures, f"{answer.words}\n{said}"))


def bar(run: Run, index: int, predicted: np.ndarray) -> Drawn:
    """A prediction as bars, one for each class, and in words."""
    p = [1 - float(predicted[0]), float(predicted[0])] if len(predicted) == 1 else [float(v) for v in predicted]
    truth, answer = int(run.y_val[index]), int(np.argmax(p))
    rows = "".join(
        f"<div style='display:flex;gap:8px;align-items:center'><span style='width:4em'>{html.escape(name)}</span>"
        f"<span style='display:inline-block;height:12px;width:{200 * value:.0f}px;background:#0072B2'></span>"
        f"<span>{value:.2f}</span></div>"
        for name, value in zip(run.class_names, p, strict=True)
    )
    verdict = "Right" if truth == answer else "Wrong"
    said = f"{verdict}: {run.class_names[answer]} ({p[answer]:.2f}), true class {run.class_names[truth]}."
    return Drawn(rows, said)


def surprising(rng: random.Random) -> Change:
    """A change drawn at random, mild enough that a person still knows the image."""
    change = Change(rotate=5 * rng.randint(-36, 36), mirror=rng.random() < 0.5, upside_down=rng.random() < 0.5)
    return replace(
        change,
        scale=round(rng.uniform(0.7, 1.6), 1),
        right=round(rng.uniform(-0.2, 0.2), 2),
        down=round(rng.uniform(-0.2, 0.2), 2),
        low=rng.randint(0, 10),
        high=rng.randint(80, 100),
    )


def record_changes() -> dict[str, Any]:
    from labutils import lab
    from labutils.data import load_dataset
    from labutils.runs.store import RunStore

    dataset = load_dataset("skin", source="phantom")
    run = RunStore().find(lab.runs("task1b")["lr 1e-5"], dataset.fingerprint)
    if run is None:
        raise StoreError("The run of Task 1B at lr 1e-5 on these phantoms is not stored: train it first.")
    return {**measure_changes(run, dataset), "words": "changes of the images"}
