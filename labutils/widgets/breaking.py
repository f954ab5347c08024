"""Break the network: change an image in every way at once, and see what a stored network makes of it."""

from __future__ import annotations

import html
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import augment
from labutils.evaluate.metrics import accuracy
from labutils.statistics import Estimate, wilson_interval
from labutils.widgets.control import png
from labutils.widgets.instant import read
from labutils.widgets.play import background
from labutils.widgets.stage import NOTHING, show

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
    pictures = np.stack([apply(np.array(picture), change) for picture in dataset.x_val])
    predicted = np.asarray(model.predict(pictures, batch_size=64, verbose=0))
    answers = (predicted[:, 0] > 0.5) if predicted.shape[1] == 1 else predicted.argmax(axis=1)
    hits = int((answers == dataset.y_val).sum())
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
    show(words, "", lambda: Breaking(run, dataset).widget)


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


class Breaking:
    """The control: sliders, a probability bar, and what is worked out in the background.

    Attributes
    ----------
    widget : ipywidgets.Widget
    """

    def __init__(self, run: Run, dataset: Dataset) -> None:
        import ipywidgets

        self.run, self.dataset = run, dataset
        self.model: Any = None
        self.turn = 0
        number = ipywidgets.IntSlider(1, 1, len(dataset.y_val), description="image")
        self.sliders = {
            "rotate": ipywidgets.IntSlider(0, -180, 180, 5, description="rotate"),
            "scale": ipywidgets.FloatSlider(1, min=0.5, max=3, step=0.1, description="scale"),
            "right": ipywidgets.FloatSlider(0, min=-0.4, max=0.4, step=0.05, description="right"),
            "down": ipywidgets.FloatSlider(0, min=-0.4, max=0.4, step=0.05, description="down"),
            "low": ipywidgets.IntSlider(0, 0, 45, description="black below %"),
            "high": ipywidgets.IntSlider(100, 55, 100, description="white above %"),
            "mirror": ipywidgets.Checkbox(False, description="left and right exchanged"),
            "upside_down": ipywidgets.Checkbox(False, description="top and bottom exchanged"),
        }
        surprise = ipywidgets.Button(description="Surprise me")
        back = ipywidgets.Button(description="Back to the image")
        self.number = number
        self.picture, self.answer = ipywidgets.HTML(), ipywidgets.HTML()
        self.heat, self.all = ipywidgets.HTML(), ipywidgets.HTML()
        self.quiet = False
        for one in (number, *self.sliders.values()):
            one.observe(self._moved, "value")
        surprise.on_click(lambda _: self._set(surprising(random.Random())))
        back.on_click(lambda _: self._set(Change()))
        left = ipywidgets.VBox([number, *self.sliders.values(), ipywidgets.HBox([surprise, back])])
        right = ipywidgets.VBox([ipywidgets.HBox([self.picture, self.heat]), self.answer, self.all])
        self.widget = ipywidgets.HBox([left, right], layout=ipywidgets.Layout(flex_flow="row wrap"))
        self._moved()

    @property
    def change(self) -> Change:
        """What the sliders say."""
        return Change(**{name: slider.value for name, slider in self.sliders.items()})

    def _set(self, change: Change) -> None:
        self.quiet = True
        for name, slider in self.sliders.items():
            slider.value = getattr(change, name)
        self.quiet = False
        self._moved()

    def _moved(self, _: Any = None) -> None:
        if self.quiet:
            return
        self.turn += 1
        index, change, turn = self.number.value - 1, self.change, self.turn
        changed = apply(np.array(self.dataset.x_val[index]), change)
        self.picture.value = png(changed, f"validation image {index + 1}, changed", 200)
        if self.model is None:
            self.answer.value = "<p>The network is being loaded: a few seconds.</p>"
        background(lambda: self._answer(changed, index, change, turn))

    def _answer(self, changed: np.ndarray, index: int, change: Change, turn: int) -> None:
        from labutils import explain, training

        if turn != self.turn:
            return  # a slider that still moves asks again
        try:
            if self.model is None:
                self.model = training.load_best(self.run)[0]
            predicted = np.asarray(self.model(changed[None], training=False))[0]
            self.answer.value = bar(self.run, index, predicted)
            if turn != self.turn:
                return
            heat = explain.gradcam(self.model, changed[None])[0]
            warm = np.stack([np.clip(0.5 * changed.mean(axis=2) + heat, 0, 1)] + [0.6 * changed.mean(axis=2)] * 2, -1)
            self.heat.value = png(warm, "Grad-CAM of the answer", 200)
            self.all.value = "<p>All validation images under this change: being measured.</p>"
            if turn != self.turn:
                return
            estimate = accuracy_under(self.model, self.dataset, change)
            if turn == self.turn:
                before = accuracy(self.run)
                self.all.value = (
                    f"<p role='status'>All {len(self.dataset.y_val)} validation images under this change: accuracy "
                    f"{estimate}; unchanged, as stored, {before}.</p>"
                )
        except Exception as error:  # nobody sees what a thread raises
            self.answer.value = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"


def bar(run: Run, index: int, predicted: np.ndarray) -> str:
    """A prediction as bars, one for each class, and in words."""
    p = [1 - float(predicted[0]), float(predicted[0])] if len(predicted) == 1 else [float(v) for v in predicted]
    truth, answer = int(run.y_val[index]), int(np.argmax(p))
    rows = "".join(
        f"<div style='display:flex;gap:8px;align-items:center'><span style='width:4em'>{html.escape(name)}</span>"
        f"<span style='display:inline-block;height:12px;width:{200 * value:.0f}px;background:#0072B2'></span>"
        f"<span>{value:.2f}</span></div>"
        for name, value in zip(run.class_names, p, strict=True)
    )
    verdict = "right" if truth == answer else "wrong"
    said = f"{verdict}: {run.class_names[answer]} ({p[answer]:.2f}), true class {run.class_names[truth]}"
    return f"{rows}<p role='status'>{html.escape(said)}</p>"


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
