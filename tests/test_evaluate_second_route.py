"""What the notebooks' tables print of stored runs, computed a second time: from the files, with numpy alone.

Nothing of the package is used but to print the tables and to know which runs a task has.
"""

import csv
import json
from functools import cache
from itertools import combinations
from math import comb, exp, hypot, lgamma, log, sqrt

import numpy as np
import pytest
from evaluate_helpers import RUNS

from labutils import audit, evaluate, lab
from labutils.runs import RunStore
from labutils.runs.store import find

Z = 1.959963984540054
TASKS = "task1b", "task2", "task5a", "task5c"


class Files:
    """A stored run as its files are, cut to so many epochs."""

    def __init__(self, folder, epochs):
        rows = list(csv.DictReader((folder / "history.csv").open()))[:epochs]
        self.curves = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
        self.right = np.load(folder / "val_predictions.npy")[:epochs, :, 0].astype(float)
        self.y = np.array([int(row["label"]) for row in csv.DictReader((folder / "val_files.csv").open())])
        self.best, self.lowest = int(self.curves["val_accuracy"].argmax()), int(self.curves["val_loss"].argmin())
        stored = dict(np.load(folder / "exam.npz"))
        self.exam_y, self.exam_epochs = stored["y"], stored["epochs"].tolist()
        self.exam, self.seen = stored["predictions"][:, :, 0].astype(float), stored.get("training")
        counts = json.loads((folder / "provenance.json").read_text())["counts"]["train"]
        self.n_train = sum(counts.values())

    def at(self, epoch):
        return self.exam[self.exam_epochs.index(epoch)]

    def hits(self):
        return (self.right > 0.5) == (self.y == 1)


def same_but_seed(config):
    """The folders of a setting on phantoms, by seed."""
    wanted, found = json.loads(config.model_dump_json()), {}
    for folder in RUNS.iterdir():
        own, about = (json.loads((folder / f"{name}.json").read_text()) for name in ("config", "provenance"))
        free = {"seed": own["seed"], "epochs": own["epochs"]}
        if about["source"] == "phantom" and own == wanted | free and own["epochs"] >= wanted["epochs"]:
            found[own["seed"]] = folder
    return [found[seed] for seed in sorted(found)]


@cache
def of_task(task):
    return {
        label: [Files(folder, config.epochs) for folder in same_but_seed(config)]
        for label, config in lab.runs(task).items()
    }


def shown(value, low, high):
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def wilson(k, n):
    centre, half = (k + Z**2 / 2) / (n + Z**2), Z / (n + Z**2) * sqrt(k * (n - k) / n + Z**2 / 4)
    return shown(k / n, centre - half, centre + half)


def bootstrap(values, unit):
    """Percentile interval of a mean, widened by half an image on either side."""
    n, mean = len(values), values.mean()
    means = values[np.random.default_rng(0).integers(n, size=(4000, n))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    least = Z * unit / (n + 2)
    return mean, mean - hypot(mean - low, least), mean + hypot(high - mean, least)


def area(y, scores):
    pos, neg = scores[y == 1], scores[y == 0]
    return np.mean([(p > neg).mean() + (p == neg).mean() / 2 for p in pos])


def area_interval(y, scores):
    """Newcombe's fifth method, by bisection."""
    m, n, value = (y == 1).sum(), (y == 0).sum(), area(y, scores)

    def beyond(a):
        more = ((m + n) / 2 - 1) * ((1 - a) / (2 - a) + a / (1 + a))
        return abs(value - a) - Z * sqrt(a * (1 - a) * (1 + more) / (m * n))

    ends = []
    for inside, outside in ((value, 0.0), (value, 1.0)):
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if beyond(middle) < 0 else (inside, middle)
        ends.append(inside)
    return shown(value, *ends)


def smooth(curve):
    return np.array([curve[max(i - 5, 0) : i + 5].mean() for i in range(len(curve))])


def onset(run):
    """From which epoch on a run over-fits, if it does: its loss ends .05 above its minimum, and surely above it."""
    own = np.clip(np.where(run.y == 1, run.right, 1 - run.right), 1e-7, 1 - 1e-7)
    losses, curve = -np.log(own), run.curves["val_loss"]
    means = [curve[i : i + 10].mean() for i in range(len(curve) - 9)]
    start = int(np.argmin(means))
    value, low, high = bootstrap(losses[-10:].mean(axis=0) - losses[start : start + 10].mean(axis=0), log(2))
    moved = means[-1] - means[start] - value
    if high + moved < 0.05:
        return "-"
    if not (value + moved >= 0.05 and low + moved > 0):
        return "cannot be told"
    smoothed = smooth(curve)
    within = [i for i in range(len(curve)) if smoothed[i] <= smoothed.min() + 0.02]
    return "-" if within[-1] == len(curve) - 1 else str(within[-1] + 2)


def of_run(run):
    """The cells of a run by table and column."""
    n, best, right = len(run.y), run.best, run.hits()
    train, val = (run.curves[name][-10:].mean() for name in ("fixed_accuracy", "val_accuracy"))
    sat = (run.at(best) > 0.5) == (run.exam_y == 1)
    yield "run", "best val accuracy [95 % interval]", wilson(right[best].sum(), n)
    yield "run", "lowest val loss", f"{run.curves['val_loss'].min():.4f}"
    yield "run", "val loss at best epoch", f"{run.curves['val_loss'][best]:.4f}"
    yield "run", "exam accuracy at best epoch [95 % interval]", wilson(sat.sum(), len(sat))
    yield "gap", "train accuracy, last 10 epochs", f"{train:.3f}"
    yield "gap", "val accuracy, last 10 epochs", f"{val:.3f}"
    yield "gap", "gap [95 % interval]", shown(*bootstrap(train - right[-10:].mean(axis=0), 1))
    yield "gap", "over-fits from epoch", onset(run)
    yield "quality", "AUC [95 % interval]", area_interval(run.y, run.right[best])
    yield "quality", "Brier score", f"{((run.right[best] - run.y) ** 2).mean():.3f}"
    for label, name in enumerate(sorted({"skin": ("Mel", "Nev"), "bone": ("AFF", "NFF")}[run.name])):
        yield "quality", f"recall {name}", wilson(right[best][run.y == label].sum(), (run.y == label).sum())


def of_pair(a, b):
    """Agresti and Min's interval, the images that only one has right, and McNemar's exact p."""
    x, y = (run.hits()[run.best] for run in (a, b))
    n, only_a, only_b = len(x), int((x & ~y).sum()), int((~x & y).sum())
    centre = (only_a - only_b) / (n + 2)
    half = Z * sqrt(only_a + only_b + 1 - (only_a - only_b) ** 2 / (n + 2)) / (n + 2)
    tail = sum(comb(only_a + only_b, k) for k in range(min(only_a, only_b) + 1)) / 2 ** (only_a + only_b)
    p = min(2 * tail, 1.0)
    return {
        "difference [95 % interval]": shown((only_a - only_b) / n + 0.0, centre - half, centre + half),
        "only the first is right": only_a,
        "only the second is right": only_b,
        "p (exact McNemar)": f"{p:.3f}" if p >= 0.0005 else "< 0.001",
    }


@pytest.mark.parametrize("task", TASKS)
def test_the_cells_of_every_run_and_pair(task):
    runs, own = find(lab.runs(task), among=RunStore(RUNS).all()), of_task(task)
    tables = {"run": audit.run_table(runs), "gap": evaluate.gap_table(runs), "quality": evaluate.quality_table(runs)}
    expected, printed = {}, {}
    for label, (run, *_) in own.items():
        run.name = runs[label].config.dataset
        for table, column, cell in of_run(run):
            expected[label, column], printed[label, column] = cell, tables[table].loc[label, column]
    pairs = evaluate.paired_table(runs)
    for a, b in combinations(own, 2):
        for column, cell in of_pair(own[a][0], own[b][0]).items():
            expected[a, b, column], printed[a, b, column] = cell, pairs.loc[f"{a} against {b}", column]
    assert printed == expected
    assert len(expected) == 12 * len(own) + 4 * comb(len(own), 2), "176 cells in the four tasks"


@pytest.mark.parametrize("task", TASKS)
def test_differences_on_the_exam_are_means_over_seeds(task):
    runs = {label: evaluate.with_seeds({label: run})[label] for label, run in find(lab.runs(task)).items()}
    table = evaluate.exam_table(runs)
    levels = {
        label: [
            np.mean([((run.at(run.best) > 0.5) == run.exam_y).mean() for run in seeds]),
            np.mean([area(run.exam_y, run.at(run.best)) for run in seeds]),
        ]
        for label, seeds in of_task(task).items()
    }
    columns = "difference in points [95 % interval]", "difference of AUC in points"
    for (a, one), (b, other) in combinations(levels.items(), 2):
        for column, difference in zip(columns, np.subtract(one, other), strict=True):
            cell = table.loc[f"{a} against {b}", column]
            assert float(cell.split(" ")[0]) == pytest.approx(100 * difference, abs=0.0501), (a, b, column)


def student(freedom):
    """The 97.5 % quantile of Student's distribution, by summing up its density."""
    t = np.linspace(0, 60, 600_001)
    constant = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(freedom * np.pi)
    density = constant * (1 + t**2 / freedom) ** (-(freedom + 1) / 2)
    grown = 0.5 + np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)]) * (t[1] - t[0])
    return float(np.interp(0.975, grown, t))


def over_seeds_and_images(first, second, unit, part=0.0):
    """Welch's interval of a difference of two tables (seeds, images), with what images leave open beside it."""
    n, pieces, single = first.shape[1], [(part, np.inf)], 0.0
    for table in (first, second):
        means, seeds = table.mean(axis=1), len(table)
        pieces.append((means.var(ddof=1) / seeds, seeds - 1))
        rest = table - means[:, None] - table.mean(axis=0) + table.mean()
        single += (rest**2).sum() / ((seeds - 1) * (n - 1)) / seeds
    by_image = first.mean(axis=0) - second.mean(axis=0)
    pieces.append((max(by_image.var(ddof=1) - single, 0) / n + (unit / (n + 2)) ** 2, n - 1))
    variance, value = sum(v for v, _ in pieces), first.mean() - second.mean()
    half = sqrt(variance) * student(variance**2 / sum(v**2 / freedom for v, freedom in pieces))
    return value, value - half, value + half


def test_the_interval_of_a_loss_on_the_exam():
    """C13: at the lowest validation losses, image by image."""
    tables = {
        label: -np.log(
            [np.where(run.exam_y == 1, p := run.at(run.lowest), 1 - p).clip(1e-7, 1 - 1e-7) for run in seeds]
        )
        for label, seeds in of_task("task5c").items()
    }
    value, low, high = over_seeds_and_images(tables["no batch norm"], tables["batch norm"], log(2))
    assert f"lower than of no batch norm by {value:+.3f} [{low:+.3f}, {high:+.3f}]: " in judged("C13")


def test_the_interval_of_a_gap_on_the_exam():
    """C11: training accuracy of all images where it is stored, else of a part, whose choice is in the interval."""
    tables, part = {}, 0.0
    for label, seeds in of_task("task5a").items():
        gaps, missed = [], []
        for run in seeds:
            last = len(run.curves["loss"]) - 1
            seen = np.nan if run.seen is None else run.seen[run.exam_epochs.index(last)]
            if np.isnan(seen):
                seen = run.curves["fixed_accuracy"][-10:].mean()
                missed.append(seen)
            gaps.append(seen - ((run.at(last) > 0.5) == run.exam_y))
        tables[label] = np.array(gaps, float)
        if missed:
            n, p = len(run.y), np.mean(missed)
            lacking = (len(missed) / len(seeds)) ** 2
            part += lacking * (p * (1 - p) / n + 1 / (n + 2) ** 2) * (1 - n / run.n_train)
    value, low, high = over_seeds_and_images(tables["no dropout"], tables["dropout 0.4"], 1, part)
    assert f"gap narrower by {100 * value:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]: " in judged("C11")


@cache
def judged(claim_id):
    runs = {run.path.name: run for run in RunStore(RUNS).all() if run.source == "phantom"}
    return evaluate.judge(claim_id, runs).exam
