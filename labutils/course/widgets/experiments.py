"""Experiments beside the evidence: quick enough to be repeated while one reads.

Each is a pure function with a control around it. What trains does so in the background; its result before the first
click was recorded (`python benchmarks/record.py`) or follows from stored runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.course.widgets import small
from labutils.course.widgets.control import Controls, Drawn, Knob, control, needs_run, number_knob, png, recorded, show
from labutils.evaluate.compare import correct, mcnemar
from labutils.models import build_model, describe
from labutils.plots.charts import COLOURS, GREY, OTHER, TRAINING, VALIDATION, Line, Panel, as_image, chart, svg
from labutils.statistics import p_words, sign_test, wilson_interval
from labutils.training.backend import import_keras

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset
    from labutils.runs.run import Run

LOWEST_RATE, HIGHEST_RATE, RANGE_STEPS = 1e-5, 1.0, 1200
"""Fewer steps, or a start further down, and the loss has no time to fall before the rate is too high: measured."""
REDRAWS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
"""How often new images can be drawn."""
STUDIES, TRUTH = 2000, 0.85
"""Studies that are drawn, and how often each of their networks is right."""


def learning_rate_range(config: Any, dataset: Dataset) -> Iterator[dict[str, list[float]]]:
    """The loss of each step while the learning rate grows from 1e-5 to 1, the same factor every step (Smith 2017).

    A loop of its own: the rate changes between two steps, and the lab's returns to Python after every fifth. Given
    after every twentieth step and at the end are `rate`, and `loss`, smoothed over some twenty steps. It ends early
    where the loss has left the scale.
    """
    keras = import_keras()
    keras.utils.set_random_seed(config.seed)
    model = build_model(config, n_classes=dataset.n_classes)
    model.compile(keras.optimizers.Adam(LOWEST_RATE), "binary_crossentropy", jit_compile=False)
    rng = np.random.default_rng(config.seed)
    found: dict[str, list[float]] = {"rate": [], "loss": []}
    mean = 0.0
    for step in range(RANGE_STEPS):
        rate = LOWEST_RATE * (HIGHEST_RATE / LOWEST_RATE) ** (step / (RANGE_STEPS - 1))
        model.optimizer.learning_rate = rate
        chosen = np.sort(rng.choice(len(dataset.y_train), config.batch_size, replace=False))
        labels = dataset.y_train[chosen].astype(np.float32)[:, None]
        loss = float(model.train_on_batch(np.asarray(dataset.x_train[chosen]), labels))
        mean = 0.95 * mean + 0.05 * min(loss, 20.0)
        found["rate"].append(float(f"{rate:.3g}"))
        found["loss"].append(round(mean / (1 - 0.95 ** (step + 1)), 4))
        if not np.isfinite(loss) or found["loss"][-1] > 4:
            break
        if step % 20 == 19:
            yield found
    yield found


def range_in_words(found: Mapping[str, list[float]]) -> str:
    """A range test in words: where the loss is lowest, and where it falls fastest."""
    loss, rate = np.array(found["loss"]), found["rate"]
    settled = np.arange(len(loss)) >= 10
    lowest = int(np.argmin(np.where(settled, loss, np.inf)))
    learning = np.flatnonzero(settled & (loss < np.log(2) - 0.05))
    from_on = f" From rate {rate[learning[-1]]:.1e} on it is back at guessing." if 0 < learning.size < len(loss) else ""
    return (
        f"Learning-rate range test, {len(rate)} steps from {rate[0]:.0e} to {rate[-1]:.1e}: the smoothed loss begins "
        f"at {loss[min(10, len(loss) - 1)]:.2f}, is lowest at rate {rate[lowest]:.1e} ({loss[lowest]:.2f}) and ends at "
        f"{loss[-1]:.2f}.{from_on} A rate some ten times below the lowest point is a usual first guess."
    )


def draw_range(found: Mapping[str, list[float]]) -> Drawn:
    """A range test as a chart and in words."""
    line = Line(found["rate"], found["loss"], "loss of a step, smoothed", TRAINING)
    panel = Panel("loss", (LOWEST_RATE, HIGHEST_RATE), (0, 1.5), "learning rate", [line], float(np.log(2)), log_x=True)
    return Drawn(chart([panel]), range_in_words(found))


def lr_range_test(source: str = "auto") -> None:
    """A learning-rate range test: the recorded one, and a button that does it again, in some twenty seconds."""
    first = draw_range(recorded("range"))
    waiting = first._replace(words="TensorFlow and the images are being loaded: a few seconds.", busy=True)

    def again() -> Iterator[Drawn]:
        drawn, dataset = first, small.small_dataset("skin", source)
        for found in learning_rate_range(small.config_for("task1b"), dataset):
            drawn = draw_range(found)
            yield drawn._replace(busy=True)
        yield drawn

    def pressed(controls: Controls) -> None:
        controls.put(waiting)
        controls.later(again)

    title, buttons = "Learning-rate range test", {"again": ("Do it again", pressed)}
    still = as_image(first.picture, first.words)
    show(first.words, still, lambda: Controls(title, (), lambda one: one.put(first), buttons).widget)


def draw_norm(found: Mapping[str, Any], epoch: int) -> Drawn:
    """Histograms of activations after one epoch (0: before the first step), and their words."""
    looks = {
        "before": ("before (what the convolution gives)", GREY, "2 2"),
        "training": ("after, in training (the batch's own mean)", TRAINING, "5 3"),
        "inference": ("after, in validation (moving averages)", VALIDATION, ""),
    }
    lines, said = [], []
    for name, (label, colour, dash) in looks.items():
        counts = np.array(found[name]["counts"][epoch])
        lines.append(_histogram(np.array(found["edges"]), counts, label, colour, dash))
        said.append(f"{label} mean {found[name]['mean'][epoch]:.2f}, standard deviation {found[name]['sd'][epoch]:.2f}")
    panel = Panel(f"activations after epoch {epoch}", (-4, 4), (0, 0.5), "value", lines)
    return Drawn(chart([panel]), f"After epoch {epoch} the first batch normalization has, {'; '.join(said)}.")


def _histogram(edges: np.ndarray, counts: np.ndarray, *look: Any) -> Line:
    return Line(((edges[1:] + edges[:-1]) / 2).tolist(), (counts / counts.sum()).tolist(), *look)


def norm_view() -> None:
    """What a batch normalization gets and gives, epoch by epoch, in a recorded small AlexNet."""
    found = recorded("norm")
    epochs = range(len(found["before"]["counts"]))
    control("Activations by epoch", lambda epoch: draw_norm(found, epoch), number_knob("epoch", "epoch", epochs, 1))


def edge_maps(picture: np.ndarray) -> np.ndarray:
    """Eight feature maps of one image (h, w, 8) after a ReLU: edges in eight directions, as first layers learn them."""
    grey = np.asarray(picture, np.float64).mean(axis=2)
    down, across = np.gradient(grey)
    angles = np.arange(8) * np.pi / 4
    return np.maximum(np.cos(angles) * across[..., None] + np.sin(angles) * down[..., None], 0)


def drop(maps: np.ndarray, rate: float, whole: bool, seed: int = 0) -> np.ndarray:
    """Feature maps (h, w, n) with a share of them dropped, whole or by pixels; what stays grows by 1/(1 - rate)."""
    shape = (1, 1, maps.shape[2]) if whole else maps.shape
    kept = np.random.default_rng(seed).random(shape) >= rate
    return maps * kept / (1 - rate)


def draw_drop(picture: np.ndarray, rate: float, whole: bool, seed: int) -> Drawn:
    """Feature maps after dropping, side by side, and what a 3x3 mean can still read from them."""
    maps = edge_maps(picture)
    after = drop(maps, rate, whole, seed)
    top = maps.max() or 1.0
    pictures = "".join(png(after[..., k] / top, f"map {k + 1}", 76) for k in range(8))
    gone = int((after.reshape(-1, 8).max(axis=0) == 0).sum())
    words = (
        f"Spatial dropout {rate:g} drops {'whole maps' if whole else 'single pixels'}: {gone} of 8 maps are empty; "
        f"seen through the next layer's 3x3 window, the maps agree with the whole ones to {agreement(maps, after):.2f} "
        "(correlation)."
    )
    return Drawn(f'<div class="lu-maps">{pictures}</div>', words)


def drop_map(dataset: Dataset) -> None:
    """Feature maps of a validation image, some dropped: whole maps as in spatial dropout, or single pixels."""
    picture = np.asarray(dataset.x_val[0])
    control(
        "Feature maps dropped",
        lambda **chosen: draw_drop(picture, **chosen),
        number_knob("rate", "rate", [k / 10 for k in range(10)], 0.2),
        Knob("whole", "drop", (("whole maps", True), ("single pixels", False)), kind="menu"),
        number_knob("seed", "draw", range(21), 0),
    )


def agreement(maps: np.ndarray, after: np.ndarray) -> float:
    """Correlation of feature maps with what is left of them, as a 3x3 window of the next layer sees either."""
    from scipy.ndimage import uniform_filter

    a, b = (uniform_filter(m, size=(3, 3, 1)).ravel() for m in (maps, after))
    if not a.std() or not b.std():
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def draw_winner(images: int, runs: int, seed: int) -> Drawn:
    """One study's accuracies, and by how much the best run flatters over many studies."""
    # In each study, a row, the first run is one that nobody chose; the best is the one that gets reported.
    studies = np.random.default_rng(seed).binomial(images, TRUTH, (STUDIES, runs)) / images
    best, one, edges = studies.max(axis=1), studies[0], np.linspace(0.6, 1, 41)

    def line(values: np.ndarray, *look: str) -> Line:
        return _histogram(edges, np.histogram(np.clip(values, 0.6, 1), edges)[0], *look)

    lines = [line(studies[:, 0], "any one run", GREY, "3 2"), line(best, f"the best of {runs}", VALIDATION)]
    panel = Panel(f"{STUDIES} studies", (0.6, 1), (0, 0.5), "accuracy", lines, mark=TRUTH)
    words = (
        f"{runs} networks that are all right with probability {TRUTH:.2f}, judged on {images} images: in this study "
        f"the best has {one.max():.3f} and the worst {one.min():.3f}. Over {STUDIES} studies the best has "
        f"{best.mean():.3f} on average: {best.mean() - TRUTH:+.3f}, from choosing alone."
    )
    return Drawn(chart([panel]), words)


def winners_curse() -> None:
    """Draw a new study: how good the best of several equally good networks looks."""
    control(
        "The best of several equally good networks",
        draw_winner,
        number_knob("images", "images", [50, 100, 140, 200, 500, 1000, 5000], 200, str),
        number_knob("runs", "networks", range(1, 51), 10),
        number_knob("seed", "new study", range(51), 0),
    )


def draw_pile(accuracy: float, redraws: int, images: int, seed: int = 0) -> Drawn:
    """A network of known accuracy shown new images again and again: a dot for each time, the first with its interval.

    `accuracy` is how often it is right on all images there are; the dots are the same for the same numbers.
    """
    every = np.random.default_rng(seed).binomial(images, accuracy, REDRAWS[-1])
    right, reach = every[:redraws], 4 * np.sqrt(accuracy * (1 - accuracy) / images)
    top = float(1.2 * np.bincount(every).max())
    heights = [int((right[:i] == count).sum()) + 1 for i, count in enumerate(right)]
    dots = [Line([count / images], [height]) for count, height in zip(right.tolist(), heights, strict=True)]
    low, high = wilson_interval(int(right[0]), images)
    first = right[0] / images
    lines = [
        *dots[1:],
        Line([first], [1], "", OTHER),
        Line([low, high], [0.94 * top] * 2, f"95 % interval of the first {images} images", OTHER, width=3),
        Line([accuracy, accuracy], [0, top], "accuracy on all images", GREY, "5 3"),
    ]
    ends = max(0.0, accuracy - reach), min(1.0, accuracy + reach)
    panel = Panel(f"a dot for every {images} images", ends, (0, top), f"accuracy on {images} images", lines)
    held = sum(a <= accuracy <= b for a, b in (wilson_interval(int(count), images) for count in right))
    words = f"Right on {accuracy:.0%} of all images, shown {images}: "
    words += f"the first time {first:.3f} [{low:.3f}, {high:.3f}]. "
    if redraws == 1:
        return Drawn(chart([panel]), f"{words}Draw again: where will the next dots fall?")
    words += (
        f"Drawn {redraws} times, it has from {right.min() / images:.3f} to {right.max() / images:.3f}, and {held} of "
        f"the {redraws} intervals hold the {accuracy:.3f}. Who has one dot does not know where in the pile it lies."
    )
    return Drawn(chart([panel]), words)


def interval_slider() -> None:
    """Draw new images again and again for a network of known accuracy: the dots pile up to what an interval means."""
    control(
        "What an interval says",
        draw_pile,
        number_knob("redraws", "times drawn", REDRAWS, 200, str),
        number_knob("accuracy", "true accuracy", [k / 100 for k in range(50, 100)], TRUTH, "{:.2f}".format),
        number_knob("images", "images", [50, 100, 200, 500, 1000], 200, str),
        number_knob("seed", "begin anew", range(51), 0),
    )


def draw_boxes(names: Sequence[str], both: int, first: int, second: int, neither: int) -> Drawn:
    """The images of a paired test in four boxes: right by both, by one of two, by none; and McNemar's test in words."""
    one, other = (f"only {name}: {count}" for name, count in zip(names, (first, second), strict=True))
    drawn = ""
    for place, text in enumerate((f"both are right: {both}", one, other, f"both are wrong: {neither}")):
        x, y = 8 + 218 * (place % 2), 8 + 68 * (place // 2)
        colour, width = (VALIDATION, 3) if place in (1, 2) else (GREY, 1)
        drawn += (
            f'<rect x="{x}" y="{y}" width="210" height="60" rx="4" fill="none" stroke="{colour}" '
            f'stroke-width="{width}"/>'
            f'<text x="{x + 105}" y="{y + 35}" text-anchor="middle">{escape(text)}</text>'
        )
    picture = svg(442, 144, drawn, size=13)
    p, apart = sign_test(first, second), first + second
    words = (
        f"{both} images are right by both and {neither} wrong by both: they do not say which is better. "
        f"Only {names[0]} is right on {first}, only {names[1]} on {second}. Were both equally good, each of these "
        f"{apart} would be the toss of a coin, and a split this uneven would come up in "
        f"{100 * p:.1f} % of all tries: McNemar's {p_words(p)}."
    )
    return Drawn(picture, words)


@needs_run
def four_boxes(runs: Mapping[str, Run]) -> None:
    """McNemar's test of two stored runs in one picture, with a slider for how uneven the split is.

    The first two of `runs`, at their best epochs; they were validated on the same images.
    """
    if len(runs) < 2:
        show("Nothing to compare yet: this needs two runs.")
        return
    (one, a), (other, b) = [*runs.items()][:2]
    second, first, _ = mcnemar(a, b)
    both, apart = int((correct(a) & correct(b)).sum()), first + second

    def draw(split: int) -> Drawn:
        return draw_boxes((one, other), both, split, apart - split, len(a.y_val) - both - apart)

    control("McNemar's four boxes", draw, number_knob("split", f"only {one} is right", range(apart + 1), first, str))


def costs(run: Run) -> np.ndarray:
    """Operations spent up to the end of each epoch, in units of 10^12 multiplications with additions, (epochs,).

    Forward and backward pass together count as three forward passes.
    """
    counts = run.provenance.get("counts", {}).get("train", {})
    n = sum(counts.values()) or run.config.n_train or 1000
    one = 3 * n * describe(run.config, len(run.class_names)).multiply_adds / 1e12
    return one * np.arange(1, run.epochs + 1)


def draw_costs(runs: Mapping[str, Run], share: float) -> Drawn:
    """Best validation accuracy so far against operations spent, and who leads at a share of the smallest budget."""
    spent = {label: costs(run) for label, run in runs.items()}
    so_far = {label: np.maximum.accumulate(run.history["val_accuracy"]) for label, run in runs.items()}
    ends = (min(float(c[0]) for c in spent.values()), max(float(c[-1]) for c in spent.values()))
    budget = ends[0] * (ends[1] / ends[0]) ** share
    dashes = ("", "5 3", "2 2", "8 2", "1 2")
    lines = [
        Line(spent[label].tolist(), so_far[label].tolist(), label, COLOURS[i % 5], dashes[i % 5])
        for i, label in enumerate(runs)
    ]
    guess, ends = 1 / len(next(iter(runs.values())).class_names), (ends[0], max(ends[1], 1.01 * ends[0]))
    title, x_label, said = "best accuracy so far", "operations (10^12)", []
    panel = Panel(title, ends, (0, 1), x_label, lines, guess, log_x=True, mark=budget)
    for label in runs:
        epochs = int(np.searchsorted(spent[label], budget * (1 + 1e-9)))
        said.append(f"{label} {epochs} epochs, {so_far[label][epochs - 1]:.3f}" if epochs else f"{label} not one epoch")
    return Drawn(chart([panel]), f"For {budget:.3g} x 10^12 operations: {'; '.join(said)} (best validation accuracy).")


@needs_run
def equal_time(runs: Mapping[str, Run]) -> None:
    """Accuracy against cost: what each stored run had reached when it had cost as much as the others."""
    shares = number_knob("share", "budget", [k / 20 for k in range(21)], 0.5, "{:.0%}".format)
    control("Accuracy for equal cost", lambda share: draw_costs(runs, share), shares)
