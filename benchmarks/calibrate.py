"""Are the phantoms as hard as the images they stand for? Measures it, beside the bands that were aimed at.

    python benchmarks/calibrate.py               # shortcut scores of Skin and Bone: seconds
    python benchmarks/calibrate.py skin --epochs 100   # and the trainings: hours on two cores; stored runs are reused

Exit status 1 if a figure lies outside its band. The bands of the trainings hold for 100 epochs. Where a figure is
outside, mend the drawing (`labutils.data.draw_*`), raise `phantoms.VERSION`, and train again.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from labutils.config import RunConfig
from labutils.data import Dataset, load_dataset
from labutils.data.shortcuts import score_features
from labutils.evaluate import best, wilson_interval
from labutils.runs import Run
from labutils.training import train

SHORTCUT_BANDS = {"skin": (0.0, 0.75), "bone": (0.0, 0.75)}
"""Area under the ROC curve that a linear model may reach. On x_ray rough shapes may tell nine regions apart."""


@dataclass(frozen=True)
class Target:
    """One figure of a training, and the band it should lie in."""

    dataset: str
    model: str
    learning_rate: float
    figure: str
    measure: Callable[[Run], float]
    band: tuple[float, float]


def best_accuracy(run: Run) -> float:
    """Best validation accuracy over the epochs."""
    return run.history["val_accuracy"].max()


def train_accuracy(run: Run) -> float:
    """Training accuracy of the last epoch."""
    return run.history["accuracy"][-1]


def climb(run: Run) -> float:
    """Validation loss at the end over its minimum."""
    return run.history["val_loss"][-1] / run.history["val_loss"].min()


def lowest_loss(run: Run) -> float:
    """Lowest validation loss."""
    return run.history["val_loss"].min()


TARGETS = (
    Target("skin", "vgg16", 1e-5, "best validation accuracy", best_accuracy, (0.80, 0.90)),
    Target("skin", "vgg16", 1e-4, "last training accuracy (over-fits)", train_accuracy, (0.97, 1.0)),
    Target("skin", "vgg16", 1e-4, "last over lowest validation loss", climb, (1.5, np.inf)),
    # ln 2 = 0.693 is the loss of guessing.
    Target("skin", "vgg16", 1e-6, "lowest validation loss (hardly starts)", lowest_loss, (0.60, 0.70)),
    Target("bone", "vgg16", 1e-5, "best validation accuracy", best_accuracy, (0.87, 0.96)),
    Target("x_ray", "lenet", 1e-5, "best categorical accuracy", best_accuracy, (0.85, 0.97)),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="skin|bone|x_ray", help="data sets; all unless named")
    parser.add_argument("--epochs", type=int, default=0, help="epochs of the trainings; 0 leaves them out")
    arguments = parser.parse_args()
    known = ("skin", "bone", "x_ray")
    if unknown := set(arguments.names) - set(known):
        parser.error(f"{', '.join(sorted(unknown))}: no such data set; there are {', '.join(known)}.")
    if arguments.epochs < 0:
        parser.error(f"--epochs is {arguments.epochs}: give 0, or a whole number from 1.")

    inside = True
    for name in arguments.names or known:
        dataset = load_dataset(name, source="phantom")
        print(f"\n{dataset.banner()}")
        inside &= report_shortcuts(dataset)
        if arguments.epochs:
            inside &= report_trainings(dataset, arguments.epochs)
    return 0 if inside else 1


def report_shortcuts(dataset: Dataset) -> bool:
    """Print how far numbers get that need no look at the picture; whether they stay in their band."""
    features = [shortcut_features(dataset, split) for split in ("train", "val")]
    inside = True
    band = SHORTCUT_BANDS.get(dataset.name)
    for kind in features[0]:
        score = score_features(features[0][kind], dataset.y_train, features[1][kind], dataset.y_val)
        assert score is not None, "both splits of the phantoms hold every class"
        inside &= report(f"linear model on {kind}", score.auc, band, f"{score.low:.2f} to {score.high:.2f}")
    return inside


def shortcut_features(dataset: Dataset, split: str) -> dict[str, np.ndarray]:
    """Numbers of each image, (n, features) by kind."""
    x = getattr(dataset, f"x_{split}")[..., 0]
    n, side, _ = x.shape
    flat = np.reshape(x, (n, -1))
    sizes = []
    for file in getattr(dataset, f"files_{split}"):
        with Image.open(dataset.root / file) as image:
            sizes.append(image.size)
    kinds = {
        "mean and contrast": np.stack([flat.mean(1), flat.std(1)], axis=1),
        "size of the file's picture": np.array(sizes, float),
        "16x16 pixels": x.reshape(n, 16, side // 16, 16, side // 16).mean(axis=(2, 4)).reshape(n, -1),
    }
    return {**kinds, "all of these": np.concatenate(list(kinds.values()), axis=1)}


def report_trainings(dataset: Dataset, epochs: int) -> bool:
    """Train, or read what is stored, and print each figure; whether all are in their bands."""
    inside, n_val = True, len(dataset.y_val)
    for target in (target for target in TARGETS if target.dataset == dataset.name):
        config = RunConfig(
            dataset=target.dataset, model=target.model, learning_rate=target.learning_rate, epochs=epochs
        )
        run = train(config, dataset)
        figure, note = float(target.measure(run)), ""
        if target.measure is best_accuracy:
            low, high = wilson_interval(round(figure * n_val), n_val)
            found = best(run)
            note = f"{low:.2f} to {high:.2f}; epoch {found.epoch}, validation loss there {found.loss_at_best:.3f}"
        inside &= report(f"{config.slug}, {epochs} epochs: {target.figure}", figure, target.band, note)
    return inside


def report(what: str, figure: float, band: tuple[float, float] | None, note: str) -> bool:
    """Print one line: figure, band, inside or outside. True if inside, or if there is no band."""
    inside = band is None or band[0] <= figure <= band[1]
    target = "no band" if band is None else f"{band[0]:.2f} to {band[1]:.2f}"
    verdict = "" if band is None else "inside" if inside else "OUTSIDE"
    print(f"  {what:<72} {figure:6.3f}   band {target:<13} {verdict:<8}{note}")
    return inside


if __name__ == "__main__":
    sys.exit(main())
