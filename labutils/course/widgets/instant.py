"""Experiments beside the evidence: quick enough to be repeated while one reads.

Each is a pure function with a control around it. What trains or predicts does so in the background; its result before
the first click was recorded (`python -m labutils.course.widgets.record`) or follows from stored runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.course.widgets import small
from labutils.course.widgets.control import Controls, Drawn, control, png
from labutils.course.widgets.play import read
from labutils.course.widgets.small import Knob, number_knob
from labutils.course.widgets.stage import NOTHING, show
from labutils.models import describe
from labutils.plots.charts import GREY, THIRD, TRAINING, VALIDATION, Line, Panel, as_image, chart

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset
    from labutils.runs.run import Run

LOWEST_RATE, HIGHEST_RATE, RANGE_STEPS = 1e-5, 1.0, 1200
"""Fewer steps, or a start further down, and the loss has no time to fall before the rate is too high: measured."""
BINS = np.linspace(-4, 4, 41)
"""Edges of the histograms of activations."""
STUDIES = 2000


def learning_rate_range(
    config: Any, dataset: Dataset, on_step: Callable[[dict[str, list[float]]], None] | None = None
) -> dict[str, list[float]]:
    """The loss of each step while the learning rate grows from 1e-5 to 1, the same factor every step.

    Parameters
    ----------
    config : RunConfig
        A small network.
    dataset : Dataset
    on_step : callable, optional
        Gets the result so far after every twentieth step.

    Returns
    -------
    dict of str to list
        `rate`, and `loss`, smoothed over some twenty steps. It ends early where the loss has left the scale.

    References
    ----------
    Smith (2017), Cyclical learning rates for training neural networks.
    """
    from labutils.models import build_model
    from labutils.training.backend import import_keras

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
        if on_step and step % 20 == 19:
            on_step(found)
        if not np.isfinite(loss) or found["loss"][-1] > 4:
            break
    return found


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
    recorded = read("range")
    first = draw_range(recorded) if recorded else Drawn("", "Learning-rate range test: nothing is recorded.")
    config = small.settings_for("task1b").config

    def again(controls: Controls) -> None:
        dataset = small.small_dataset("skin", source)
        found = learning_rate_range(config, dataset, lambda found: controls.put(draw_range(found), busy=True))
        controls.put(draw_range(found))

    show(first.words, as_image(first.picture, first.words), lambda: _range_controls(first, again).widget)


def _range_controls(first: Drawn, again: Callable[[Controls], None]) -> Controls:
    def pressed() -> None:
        controls.put(Drawn(first.picture, "TensorFlow and the images are being loaded: a few seconds."), busy=True)
        controls.later(lambda: again(controls))

    controls = Controls("Learning-rate range test", (), lambda one: one.put(first), {"again": ("Do it again", pressed)})
    return controls


def dropout_passes(model: Any, picture: np.ndarray, passes: int = 100) -> np.ndarray:
    """Predictions for one image with dropout on, each pass with other units dropped, (passes, outputs).

    References
    ----------
    Gal and Ghahramani (2016), Dropout as a Bayesian approximation.
    """
    many = np.repeat(np.asarray(picture, np.float32)[None], passes, axis=0)
    return np.asarray(model(many, training=True))


def draw_passes(run: Run, index: int, passes: np.ndarray) -> Drawn:
    """A hundred passes as a histogram of the probability of label 1, and in words."""
    p = passes[:, 0]
    heights = np.histogram(p, bins=20, range=(0, 1))[0]
    bars = [(k / 20, (k + 1) / 20, float(h)) for k, h in enumerate(heights)]
    name = run.class_names[1]
    stored = float(run.val_predictions[run.best_epoch, index, 0])
    panel = Panel(f"P({name}), {len(p)} passes", (0, 1), (0, len(p)), "probability", bars=bars, mark=stored)
    words = (
        f"Validation image {index + 1}, true class {run.class_names[run.y_val[index]]}: without dropout P({name}) is "
        f"{stored:.2f}; over {len(p)} passes with dropout it is {p.mean():.2f} on average, standard deviation "
        f"{p.std():.2f}, and {int((p > 0.5).sum())} passes say {name}."
    )
    return Drawn(chart([panel]), words)


def monte_carlo_dropout(run: Run | None, dataset: Dataset) -> None:
    """One validation image, a hundred passes with dropout on: how much its probability depends on the units dropped.

    Parameters
    ----------
    run : Run or None
        A stored run with dropout and its best weights.
    dataset : Dataset
        What it was validated on.
    """
    if run is None:
        print(NOTHING)
        return
    order = np.argsort(np.abs(run.val_predictions[run.best_epoch, :, 0].astype(float) - 0.5), kind="stable")
    unsure, sure = int(order[0]), int(order[-1])
    p = run.val_predictions[run.best_epoch, :, 0].astype(float)
    words = (
        f"Monte-Carlo dropout: one image, a hundred passes with dropout {run.config.dropout:g} on. Without dropout the "
        f"network is least sure of validation image {unsure + 1} (probability {p[unsure]:.2f}) and surest of image "
        f"{sure + 1} ({p[sure]:.2f}): on which of the two will the passes agree?"
    )
    pictures = "".join(
        png(np.asarray(dataset.x_val[i]), f"validation image {i + 1}, {name}", 160)
        for i, name in ((unsure, "unsure"), (sure, "sure"))
    )
    show(words, pictures, lambda: _passes_controls(run, dataset, unsure).widget)


def _passes_controls(run: Run, dataset: Dataset, first: int) -> Controls:
    kept: dict[str, Any] = {}

    def moved(controls: Controls) -> None:
        index, turn = controls.values["image"] - 1, controls.turn
        own = png(np.asarray(dataset.x_val[index]), f"validation image {index + 1}", 160)
        controls.put(Drawn(own, f"Validation image {index + 1}: a hundred passes are being worked out."), busy=True)

        def work() -> None:
            from labutils import training

            if turn != controls.turn:
                return  # a slider that still moves asks again
            if "model" not in kept:
                kept["model"] = training.load_best(run)[0]
            drawn = draw_passes(run, index, dropout_passes(kept["model"], dataset.x_val[index]))
            if turn == controls.turn:
                controls.put(Drawn(own + drawn.picture, drawn.words))

        controls.later(work)

    images = number_knob("image", "image", range(1, len(run.y_val) + 1), first + 1)
    controls: Controls
    again = {"again": ("A hundred passes", lambda: moved(controls))}
    controls = Controls("Monte-Carlo dropout", (images,), moved, again)
    return controls


def norm_activations(dataset: Dataset, epochs: int = 20) -> dict[str, Any]:
    """What the first batch normalization of a small AlexNet gets and gives, after every epoch.

    Returns
    -------
    dict
        `edges`, and for `before` (the convolution's output), `training` (normalized by the batch's own mean and
        variance) and `inference` (by the moving averages): `counts` (epochs, bins), `mean` and `sd` (epochs,).
    """
    settings = small.settings_for("task5b", {"batch_norm": 1})
    trainer = small.Trainers().get(settings, dataset)
    keras = trainer.keras
    layer = trainer.model.get_layer("block1_norm1")
    probe = keras.Model(trainer.model.inputs[0], layer.input)
    pictures = np.asarray(dataset.x_train[:: max(1, len(dataset.y_train) // 64)])
    found: dict[str, Any] = {"edges": BINS.round(2).tolist()}
    for epoch in range(epochs + 1):
        if epoch:
            trainer.train_epoch(epoch - 1)
        before = np.asarray(keras.ops.convert_to_numpy(probe(pictures, training=False)))
        gamma, beta, moving_mean, moving_variance = (np.asarray(w) for w in layer.get_weights())
        own = (before - before.mean(axis=(0, 1, 2))) / np.sqrt(before.var(axis=(0, 1, 2)) + layer.epsilon)
        moved = (before - moving_mean) / np.sqrt(moving_variance + layer.epsilon)
        for name, values in (("before", before), ("training", gamma * own + beta), ("inference", gamma * moved + beta)):
            part = found.setdefault(name, {"counts": [], "mean": [], "sd": []})
            part["counts"].append(np.histogram(np.clip(values, BINS[0], BINS[-1]), BINS)[0].tolist())
            part["mean"].append(round(float(values.mean()), 3))
            part["sd"].append(round(float(values.std()), 3))
    return found


def draw_norm(found: Mapping[str, Any], epoch: int) -> Drawn:
    """Histograms of activations after one epoch (0: before the first step), and their words."""
    edges = np.array(found["edges"])
    centres = ((edges[1:] + edges[:-1]) / 2).tolist()
    looks = {
        "before": ("before (what the convolution gives)", GREY, "2 2"),
        "training": ("after, in training (the batch's own mean)", TRAINING, "5 3"),
        "inference": ("after, in validation (moving averages)", VALIDATION, ""),
    }
    lines, said = [], []
    for name, (label, colour, dash) in looks.items():
        counts = np.array(found[name]["counts"][epoch], float)
        lines.append(Line(centres, (counts / counts.sum()).tolist(), label, colour, dash))
        said.append(f"{label} mean {found[name]['mean'][epoch]:.2f}, standard deviation {found[name]['sd'][epoch]:.2f}")
    panel = Panel(f"activations after epoch {epoch}", (-4, 4), (0, 0.5), "value", lines)
    return Drawn(chart([panel]), f"After epoch {epoch} the first batch normalization has, {'; '.join(said)}.")


def norm_view() -> None:
    """What a batch normalization gets and gives, epoch by epoch, in a recorded small AlexNet."""
    found = read("norm")
    if not found:
        print("Nothing is recorded yet: python -m labutils.course.widgets.record norm")
        return
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
        f"seen through the next layer's 3x3 window, the maps agree with the whole ones to {_seen(maps, after):.2f} "
        "(correlation)."
    )
    return Drawn(f'<div class="lu-maps">{pictures}</div>', words)


def drop_map(dataset: Dataset, index: int = 0) -> None:
    """Feature maps of one image, some dropped: whole maps as in spatial dropout, or single pixels.

    Parameters
    ----------
    dataset : Dataset
    index : int
        A validation image.
    """
    picture = np.asarray(dataset.x_val[index])

    control(
        "Feature maps dropped",
        lambda rate, whole, seed: draw_drop(picture, rate, whole, seed),
        number_knob("rate", "rate", [k / 10 for k in range(10)], 0.2),
        Knob("whole", "drop", (("whole maps", True), ("single pixels", False)), 0, slider=False),
        number_knob("seed", "draw", range(21), 0),
    )


def _seen(maps: np.ndarray, after: np.ndarray) -> float:
    from scipy.ndimage import uniform_filter

    a, b = (uniform_filter(m, size=(3, 3, 1)).ravel() for m in (maps, after))
    if not a.std() or not b.std():
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def draw_study(images: int, runs: int, truth: float = 0.85, seed: int = 0) -> np.ndarray:
    """Accuracies that `runs` equally good networks reach on `images` new images each, in 2000 studies, (studies, runs).

    In each study the first column is one run that nobody chose; the best of a row is the one that gets reported.
    """
    rng = np.random.default_rng(seed)
    return rng.binomial(images, truth, (STUDIES, runs)) / images


def draw_winner(images: int, runs: int, seed: int, truth: float = 0.85) -> Drawn:
    """One study's accuracies, and by how much the best run flatters over many studies."""
    studies = draw_study(images, runs, truth, seed)
    best, one = studies.max(axis=1), studies[0]
    edges = np.linspace(0.6, 1, 41)
    centres = ((edges[1:] + edges[:-1]) / 2).tolist()
    lines = []
    for label, values, colour, dash in (
        ("any one run", studies[:, 0], GREY, "3 2"),
        (f"the best of {runs}", best, VALIDATION, ""),
    ):
        heights = np.histogram(np.clip(values, 0.6, 1), edges)[0] / STUDIES
        lines.append(Line(centres, heights.tolist(), label, colour, dash))
    panel = Panel(f"{STUDIES} studies", (0.6, 1), (0, 0.5), "accuracy", lines, mark=truth)
    words = (
        f"{runs} networks that are all right with probability {truth:.2f}, judged on {images} images: in this study "
        f"the best has {one.max():.3f} and the worst {one.min():.3f}. Over {STUDIES} studies the best has "
        f"{best.mean():.3f} on average: {best.mean() - truth:+.3f}, from choosing alone."
    )
    return Drawn(chart([panel]), words)


def winners_curse(images: int = 200, runs: int = 10) -> None:
    """Draw a new study: how good the best of several equally good networks looks.

    Parameters
    ----------
    images : int
        Validation images at first.
    runs : int
        Networks at first.
    """

    sizes = sorted({50, 100, 140, 200, 500, 1000, 5000, images})
    control(
        "The best of several equally good networks",
        draw_winner,
        number_knob("images", "images", sizes, images, str),
        number_knob("runs", "networks", range(1, 51), runs),
        number_knob("seed", "new study", range(51), 0),
    )


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
    colours = (VALIDATION, TRAINING, THIRD, "#CC79A7", "#56B4E9")
    lines = [
        Line(
            spent[label].tolist(),
            so_far[label].tolist(),
            label,
            colours[i % 5],
            ("", "5 3", "2 2", "8 2", "1 2")[i % 5],
        )
        for i, label in enumerate(runs)
    ]
    guess = 1 / len(next(iter(runs.values())).class_names)
    panel = Panel(
        "best accuracy so far", (ends[0], max(ends[1], 1.01 * ends[0])), (0, 1), "operations (10^12)", lines, guess,
        log_x=True, mark=budget,
    )  # fmt: skip
    said = []
    for label in runs:
        epochs = int(np.searchsorted(spent[label], budget * (1 + 1e-9)))
        said.append(f"{label} {epochs} epochs, {so_far[label][epochs - 1]:.3f}" if epochs else f"{label} not one epoch")
    return Drawn(chart([panel]), f"For {budget:.3g} x 10^12 operations: {'; '.join(said)} (best validation accuracy).")


def equal_time(runs: Mapping[str, Run]) -> None:
    """Accuracy against cost: what each stored run had reached when it had cost as much as the others.

    Parameters
    ----------
    runs : dict of str to Run
    """
    if not runs:
        print(NOTHING)
        return

    shares = number_knob("share", "budget", [k / 20 for k in range(21)], 0.5, "{:.0%}".format)
    control("Accuracy for equal cost", lambda share: draw_costs(runs, share), shares)


def record_range() -> dict[str, Any]:
    dataset = small.small_dataset("skin", "phantom")
    found = learning_rate_range(small.settings_for("task1b").config, dataset)
    return {**found, "words": range_in_words(found), "fingerprint": dataset.fingerprint}


def record_norm() -> dict[str, Any]:
    dataset = small.small_dataset("skin", "phantom")
    found = norm_activations(dataset)
    return {**found, "words": draw_norm(found, 1).words, "fingerprint": dataset.fingerprint}
