"""Are the phantoms as hard as the images they stand for? Measures it, beside the bands that were aimed at.

    python benchmarks/calibrate.py                      # ceiling and simple models: minutes (the exams are drawn, and
                                                        # the further training images of the learning curve)
    python benchmarks/calibrate.py skin --epochs 100    # and the trainings: hours on two cores; stored runs are reused
    python benchmarks/calibrate.py skin --epochs 100 --rate 1e-4    # at one rate; in the other precision, side by side:

    LABUTILS_PRECISION=bfloat16 LABUTILS_RESULTS=other/ python benchmarks/calibrate.py skin --epochs 100 --rate 1e-4

Everything is judged on the exam, which no model was fitted to. Exit status 1 if a figure lies outside its band. The
bands of the trainings hold for 100 epochs. Where a figure is outside, mend the drawing (`draw_skin`, `draw_bone`),
raise its version in `phantom_files.VERSIONS`, and train again.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from labutils import evaluate, lab
from labutils.audit.baselines import keep_on_exam
from labutils.audit.simple import Baseline, fit_baselines, score_features, simple_features
from labutils.config import RunConfig
from labutils.data import Dataset, load_dataset
from labutils.data.exam import Exam, load_exam
from labutils.paths import generated_dir
from labutils.phantoms.write import ceiling
from labutils.runs.run import Run
from labutils.runs.store import find
from labutils.statistics import Estimate, predicted_labels, proportion
from labutils.training import load_best, train

CEILINGS = {"skin": (0.93, 0.96), "bone": (0.95, 0.98)}
"""What an oracle that knows the drawn signs should reach."""

HEADROOM = {"skin": 0.06, "bone": 0.03}
"""How far VGG16 with eight base filters, at a rate of 1e-5, should stay below the ceiling at least."""

ABOVE_NETWORKS = 0.02
"""How far simple numbers may be above the best stored network of the tasks named here."""

TASKS = {"skin": ("task1b", "task1c", "task1d", "task1e"), "bone": ("task2",)}

PIXELS = 0.75
"""Area under the ROC curve that a linear model may reach on 16x16 pixels of skin or bone."""

SEEDS = (0, 1, 2)
"""Seeds of the trainings at a rate that over-fits: none may stay at guessing."""


@dataclass(frozen=True)
class Target:
    """One figure of a training, and the band it should lie in."""

    dataset: str
    learning_rate: float
    figure: str
    measure: Callable[[Run, Exam], float | Estimate]
    band: tuple[float, float]
    seeds: tuple[int, ...] = (0,)
    model: str = "vgg16"


def exam_accuracy(run: Run, exam: Exam) -> Estimate:
    """Accuracy on the exam at the best epoch: as stored with the run, else by its weights."""
    if stored := evaluate.exam_accuracy([run]):
        return stored
    from labutils.training.epoch import predict  # Keras is imported where something predicts

    model, _ = load_best(run)
    return proportion(predicted_labels(predict(model, exam.x)) == exam.y)


def train_accuracy(run: Run, exam: Exam) -> float:
    """Training accuracy of the last epoch."""
    return run.history["accuracy"][-1]


def climb(run: Run, exam: Exam) -> float:
    """Validation loss at the end over its minimum."""
    return run.history["val_loss"][-1] / run.history["val_loss"].min()


def last_loss(run: Run, exam: Exam) -> float:
    """Validation loss at the end."""
    return run.history["val_loss"][-1]


GUESSING = float(np.log(2))
TARGETS = (
    Target("skin", 1e-5, "exam accuracy, best epoch", exam_accuracy, (0.78, 0.88)),
    Target("skin", 1e-4, "exam accuracy, best epoch (learns)", exam_accuracy, (0.70, 1.0), SEEDS),
    Target("skin", 1e-4, "last training accuracy (over-fits)", train_accuracy, (0.95, 1.0), SEEDS),
    Target("skin", 1e-4, "last over lowest validation loss (over-fits)", climb, (1.2, np.inf), SEEDS),
    Target("skin", 1e-6, "last validation loss (hardly starts)", last_loss, (GUESSING - 0.05, GUESSING + 0.05)),
    Target("bone", 1e-5, "exam accuracy, best epoch", exam_accuracy, (0.84, 0.94)),
    Target("bone", 1e-4, "exam accuracy, best epoch (learns)", exam_accuracy, (0.70, 1.0), SEEDS),
    Target("bone", 1e-4, "last over lowest validation loss (over-fits)", climb, (1.2, np.inf), SEEDS),
    Target("bone", 1e-6, "last validation loss (hardly starts)", last_loss, (GUESSING - 0.05, GUESSING + 0.05)),
    Target("x_ray", 1e-5, "exam accuracy, best epoch", exam_accuracy, (0.85, 0.97), model="lenet"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="skin|bone|x_ray", help="data sets; all unless named")
    parser.add_argument("--epochs", type=int, default=0, help="epochs of the trainings; 0 leaves them out")
    parser.add_argument("--rate", type=float, help="only the trainings at this learning rate")
    parser.add_argument("--exam", type=int, help="images of the exam to judge on; all unless given")
    arguments = parser.parse_args()
    known = ("skin", "bone", "x_ray")
    if unknown := set(arguments.names) - set(known):
        parser.error(f"{', '.join(sorted(unknown))}: no such data set; there are {', '.join(known)}.")
    if arguments.epochs < 0:
        parser.error(f"--epochs is {arguments.epochs}: give 0, or a whole number from 1.")
    if arguments.exam is not None and arguments.exam < 20:
        parser.error(f"--exam is {arguments.exam}: give a whole number from 20.")

    inside = True
    for name in arguments.names or known:
        dataset = load_dataset(name, source="phantom")
        exam = take(load_exam(name, source="phantom"), arguments.exam)
        print(f"\n{dataset.banner()}\n  {len(exam.y)} exam images")
        inside &= report_ceiling(name)
        inside &= report_simple_models(dataset, exam, whole=arguments.exam is None)
        if arguments.epochs:
            inside &= report_trainings(dataset, exam, arguments.epochs, arguments.rate)
    return 0 if inside else 1


def take(exam: Exam | None, n: int | None) -> Exam:
    """The exam, or `n` images of it, spread evenly over the classes."""
    assert exam is not None, "phantoms have an exam"
    if n is None or n >= len(exam.y):
        return exam
    rank = np.concatenate([np.arange(count) for count in np.bincount(exam.y)])
    chosen = np.sort(np.lexsort((exam.y, rank))[:n])
    return Exam(exam.x[chosen], exam.y[chosen], tuple(exam.files[i] for i in chosen), exam.fingerprint)


def report_ceiling(name: str) -> bool:
    """Print what an oracle reaches; whether it is in its band."""
    reached = ceiling(name)
    return reached is None or report("ceiling: linear model on the drawn signs", reached, CEILINGS[name], "")


def report_simple_models(dataset: Dataset, exam: Exam, whole: bool = True) -> bool:
    """Print how far models get that are no networks; whether those on pixels stay in their band.

    What they reach on a whole exam is kept in `results/baselines/exam` with their answers, for notebooks, report and
    README; for each number of training images in `lab.learning_curve` too.
    """
    inside = True
    networks = [
        found.value
        for task in TASKS.get(dataset.name, ())
        for run in find(lab.runs(task)).values()
        if (found := evaluate.exam_accuracy([run]))
    ]
    above = (0.0, max(networks) + ABOVE_NETWORKS) if networks else None
    seen = simple_features(exam.x)

    def measure(training: Dataset) -> list[Baseline]:
        found = fit_baselines(simple_features(training.x_train), training.y_train, seen, exam.y)
        return keep_on_exam(training, exam, found).models if whole else found

    measured = measure(dataset)
    for found in measured:
        band = above if found.name.startswith("simple numbers") else None
        note = "{:.3f} to {:.3f}".format(*found.accuracy_interval)
        inside &= report(f"{found.name}: accuracy", found.accuracy, band, note)
        if found.auc is not None and found.auc_interval is not None:
            band = (0.0, PIXELS) if found.name.startswith(("16x16", "mean")) else None
            inside &= report(f"{found.name}: AUC", found.auc, band, "{:.3f} to {:.3f}".format(*found.auc_interval))
    for n, config in lab.learning_curve().items():
        if config.dataset == dataset.name and n != len(dataset.y_train):
            for found in measure(load_dataset(dataset.name, source="phantom", n_train=n)):
                if found.name.startswith("simple numbers"):
                    report(f"{found.name}, {n} training images: accuracy", found.accuracy, None, "")
    if dataset.n_classes == 2:
        root = generated_dir() / "phantoms" / f"{dataset.root.name}-exam"
        sizes = [sizes_of(dataset.root, dataset.files_train), sizes_of(root, exam.files)]
        score = score_features(sizes[0], dataset.y_train, sizes[1], exam.y)
        assert score is not None, "both splits of the phantoms hold every class"
        note = f"{score.low:.3f} to {score.high:.3f}"
        inside &= report("size of the file's picture, linear: AUC", score.value, (0.0, PIXELS), note)
    return inside


def sizes_of(root: Path, files: tuple[str, ...]) -> np.ndarray:
    """Width and height of each picture, (n, 2)."""
    found = []
    for file in files:
        with Image.open(root / file) as image:
            found.append(image.size)
    return np.array(found, float)


def report_trainings(dataset: Dataset, exam: Exam, epochs: int, rate: float | None = None) -> bool:
    """Train, or read what is stored, and print each figure; whether all are in their bands."""
    inside = True
    for target in (one for one in TARGETS if one.dataset == dataset.name and rate in (None, one.learning_rate)):
        for seed in target.seeds:
            config = RunConfig(
                dataset=target.dataset,
                model=target.model,
                learning_rate=target.learning_rate,
                epochs=epochs,
                seed=seed,
            )
            run = train(config, dataset)
            measured = target.measure(run, exam)
            figure = measured.value if isinstance(measured, Estimate) else float(measured)
            precisions = sorted({stretch.get("precision", "float32") for stretch in run.provenance["stretches"]})
            note = f"seed {seed}, {' and '.join(precisions)}"
            if isinstance(measured, Estimate):
                note += f", {measured.low:.3f} to {measured.high:.3f}"
            what = f"{config.slug}, {epochs} epochs"
            inside &= report(f"{what}: {target.figure}", figure, target.band, note)
            if target.dataset in HEADROOM and target.learning_rate == 1e-5:
                left = (ceiling(target.dataset) or 1.0) - figure
                inside &= report(f"{what}: headroom below the ceiling", left, (HEADROOM[target.dataset], 1.0), note)
    return inside


def report(what: str, figure: float, band: tuple[float, float] | None, note: str) -> bool:
    """Print one line: figure, band, inside or outside. True if inside, or if there is no band."""
    inside = band is None or band[0] <= figure <= band[1]
    target = "no band" if band is None else f"{band[0]:.3g} to {band[1]:.3g}"
    verdict = "" if band is None else "inside" if inside else "OUTSIDE"
    print(f"  {what:<78} {figure:6.3f}   band {target:<13} {verdict:<8}{note}")
    return inside


if __name__ == "__main__":
    sys.exit(main())
