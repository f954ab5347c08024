"""Tables that set runs beside or against each other: pairs, gaps, epochs to an accuracy, quality, networks, sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.evaluate.compare import accuracy_difference, mcnemar, p_value
from labutils.evaluate.curves import (
    MEASURED,
    WINDOW,
    accuracy_gap,
    best,
    epochs_to_reach,
    overfitting_epoch,
    train_curve,
)
from labutils.evaluate.effects import ACCURACY_MARGIN, adjusted_words
from labutils.evaluate.exam import accuracy_effect, exam_accuracy
from labutils.evaluate.findings import SIGNIFICANT, in_points, points
from labutils.evaluate.metrics import auc, brier_score, class_recall, correct
from labutils.evaluate.tables import as_table, mark_source
from labutils.statistics import holm

if TYPE_CHECKING:
    from labutils.config import RunConfig
    from labutils.frames import Table
    from labutils.lab import Reported
    from labutils.runs.run import Run

NETWORKS = {"lenet": "LeNet", "alexnet": "AlexNet", "vgg16": "VGG16"}
"""How the networks are spelled."""


def paired_table(runs: Mapping[str, Run]) -> Table:
    """One row per pair of runs: who is right where the other is wrong, and what McNemar's exact test says.

    Parameters
    ----------
    runs : mapping of str to Run
        By label, all validated on the same images; each is taken at the epoch of its best validation accuracy.

    Returns
    -------
    DataFrame
        Difference of the accuracies (first minus second) with its 95 % interval, the images that only one of the two
        gets right, the two-sided p-value, and the same adjusted for the number of tests in the table (Holm). Empty with
        fewer than two runs.

    Raises
    ------
    ComparisonError
        If two runs were validated on different images.
    """
    pairs = {f"{a} against {b}": (runs[a], runs[b]) for a, b in combinations(runs, 2)}
    tests = {name: mcnemar(*pair) for name, pair in pairs.items()}
    adjusted = holm({name: test.p for name, test in tests.items()})
    rows = {}
    for name, pair in pairs.items():
        rows[name] = {
            "difference [95 % interval]": str(accuracy_difference(*pair)),
            "only the first is right": tests[name].n10,
            "only the second is right": tests[name].n01,
            "p (exact McNemar)": p_value(tests[name].p),
        }
        if len(pairs) > 1:
            rows[name]["p adjusted (Holm)"] = p_value(adjusted[name])
    table = as_table(rows, "runs", "Nothing to compare yet: this needs two runs.")
    if len(pairs) > 1:
        table.note = (
            f"{len(pairs)} tests: of twenty such tables without any true difference, one has an adjusted p below "
            f"{SIGNIFICANT}; in up to {1 - 0.95 ** len(pairs):.0%} of them, one of the p that are not adjusted is."
        )
    return table


def exam_table(settings: Mapping[str, Sequence[Run]]) -> Table:
    """One row per pair of settings: the difference on the exam, over seeds and images, and what to call it.

    Parameters
    ----------
    settings : mapping of str to sequence of Run
        Runs that differ in their seed only, as `group_seeds` gives them. Those that have not sat the exam are left out.

    Returns
    -------
    DataFrame
        Differences with the interval of each pair alone; what they are called is adjusted for the number of pairs.
    """
    sat = {label: [run for run in runs if run.exam] for label, runs in settings.items()}
    pairs = {f"{a} against {b}": (a, b) for a, b in combinations([label for label, runs in sat.items() if runs], 2)}
    effects = {name: accuracy_effect(sat[a], sat[b]) for name, (a, b) in pairs.items()}
    words, rows = adjusted_words(effects, ACCURACY_MARGIN), {}
    for name, (a, b) in pairs.items():
        effect = effects[name]
        rows[name] = {
            "first": str(exam_accuracy(sat[a])),
            "second": str(exam_accuracy(sat[b])),
            "difference in points [95 % interval]": in_points(effect.interval()),
            "the first is": words[name],
            "seen on": effect.basis,
        }
    table = as_table(rows, "settings", "Nothing to compare on the exam yet: this needs two runs that have sat it.")
    table.note = (
        "Accuracy on the exam, images that nothing was chosen on. Better or worse: the 95 % interval excludes 0, and "
        "the difference is at least 1 point. No difference that matters: the 90 % interval lies within 1 point."
    )
    if len(pairs) > 1:
        table.note += (
            f" {len(pairs)} pairs: either is said only where it holds after Holm's adjustment, so that one of twenty "
            "tables without any true difference says better or worse; the intervals are those of each pair alone."
        )
    return table


def gap_table(runs: Mapping[str, Run]) -> Table:
    """One row per run: how far training and validation lie apart at the end, and when over-fitting began.

    Parameters
    ----------
    runs : mapping of str to Run

    Returns
    -------
    DataFrame
        Accuracies are means of the last `WINDOW` epochs; the gap is their difference, with its 95 % interval (see
        `accuracy_gap`). The training accuracy is measured like validation if all runs have that.
    """
    rows, curve = {}, train_curve(*runs.values())
    taken = min(WINDOW, max((run.epochs for run in runs.values()), default=WINDOW))
    last = f"last {taken} epochs" if taken > 1 else "last epoch"
    for label, run in runs.items():
        begins = overfitting_epoch(run.history)
        ends = {name: run.history[name][-WINDOW:].mean() for name in (curve, "val_accuracy")}
        rows[label] = {
            f"train accuracy, {last}": f"{ends[curve]:.3f}",
            f"val accuracy, {last}": f"{ends['val_accuracy']:.3f}",
            "gap [95 % interval]": str(accuracy_gap(run, curve)),
            "over-fits from epoch": str(begins) if begins else "-",
        }
    table = as_table(rows, "run")
    table.note = f"Training accuracy {MEASURED[curve]}."
    return table


def gap_both_ways(runs: Mapping[str, Run]) -> Table:
    """One row per run: the gap with training measured as it goes by, and measured like validation.

    What lies between the two is no property of the network: dropout and augmentation are on in one, off in the other.
    Runs that were stored without the second way show a dash.
    """
    rows = {}
    for label, run in runs.items():
        by = accuracy_gap(run, "accuracy")
        like = accuracy_gap(run, "fixed_accuracy") if "fixed_accuracy" in run.history else None
        rows[label] = {
            f"gap, training {MEASURED['accuracy']}": str(by),
            f"gap, training {MEASURED['fixed_accuracy']}": str(like) if like else "-",
            "due to the way of measuring": f"{points(by.value - like.value)} points" if like else "-",
        }
    return as_table(rows, "run")


def reach_table(runs: Mapping[str, Run], accuracy: float, curve: str = "accuracy") -> Table:
    """One row per run: the first epoch at which `curve` reaches `accuracy`, and the highest value it ever has.

    Parameters
    ----------
    runs : mapping of str to Run
    accuracy : float
        In [0, 1].
    curve : {"accuracy", "val_accuracy"}
    """
    rows = {}
    for label, run in runs.items():
        epoch = epochs_to_reach(run.history, accuracy, curve)
        rows[label] = {
            f"first epoch at {accuracy:.3f}": str(epoch) if epoch else "never",
            "highest": f"{run.history[curve].max():.3f}",
            "of epochs": run.epochs,
        }
    return as_table(rows, "run")


def quality_table(runs: Mapping[str, Run]) -> Table:
    """One row per run at its best epoch: area under the ROC curve, recall of every class, Brier score.

    Parameters
    ----------
    runs : mapping of str to Run
    """
    rows: dict[str, dict[str, Any]] = {}
    for label, run in runs.items():
        areas = auc(run)
        mean = sum(a.value for a in areas.values()) / len(areas)
        rows[label] = {
            "AUC [95 % interval]": str(next(iter(areas.values()))) if len(areas) == 1 else f"{mean:.3f} (mean)"
        }
        rows[label] |= {f"recall {name}": str(value) for name, value in class_recall(run).items()}
        rows[label]["Brier score"] = f"{brier_score(run):.3f}"
    return as_table(rows, "run")


def best_table(runs: Mapping[str, Run]) -> Table:
    """One row per network: the best of its runs, and how many of the others the paired test cannot tell from it.

    Parameters
    ----------
    runs : mapping of str to Run
        By label, all validated on the same images.
    """
    networks: dict[str, dict[str, Run]] = {}
    for label, run in runs.items():
        networks.setdefault(run.config.model, {})[label] = run
    rows = {}
    for name, own in networks.items():
        top = max(own, key=lambda label: own[label].history["val_accuracy"].max())
        others = {label: mcnemar(own[top], run).p for label, run in own.items() if label != top}
        alike = sum(p >= SIGNIFICANT for p in holm(others).values())
        rows[NETWORKS[name]] = {
            "best": top,
            "val accuracy [95 % interval]": str(best(own[top]).accuracy),
            "others that may be as good (McNemar, Holm)": f"{alike} of {len(others)}",
        }
    return as_table(rows, "network")


def choice_table(runs: Mapping[str, Run], repeats: int = 1000) -> Table:
    """One row per run: how much choosing the epoch on the validation images flatters its accuracy.

    The validation images are split at random into two halves, class by class, many times: the epoch is chosen on one
    half and the accuracy read from the other. The mean over the splits is what an honest choice would have given.

    Parameters
    ----------
    runs : mapping of str to Run
    repeats : int
        Number of random splits; they are drawn from a fixed seed.
    """
    rows = {}
    for label, run in runs.items():
        hits = np.stack([correct(run, epoch) for epoch in range(run.epochs)])
        honest, rng = [], np.random.default_rng(0)
        for _ in range(repeats):
            order = rng.permutation(len(run.y_val))
            order = order[np.argsort(run.y_val[order], kind="stable")]
            chosen_on, read_from = order[::2], order[1::2]
            epoch = int(hits[:, chosen_on].mean(axis=1).argmax())
            honest.append(float(hits[epoch, read_from].mean()))
        highest = float(hits.mean(axis=1).max())
        rows[label] = {
            "best of all epochs": f"{highest:.3f}",
            "epoch chosen on other images": f"{np.mean(honest):.3f}",
            "flattered by": f"{100 * (highest - float(np.mean(honest))):.1f} points",
        }
    return as_table(rows, "run")


def truth_table(
    runs: Iterable[Run], told: Reported, beside: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> Table:
    """One setting on different images, in columns: the lab report, and each source that it was trained on here.

    Parameters
    ----------
    runs : iterable of Run
        The same settings on images of different sources.
    told : Reported
        What the report says.
    beside : mapping of str to mapping
        Further cells by source: what is no network, see `audit.simple_cells`.
    """
    columns: dict[str, dict[str, str]] = {
        "report": {"best val accuracy": f"{told.accuracy}", "val loss": f"{told.loss} (which one is not said)"}
    }
    for run in runs:
        numbers = best(run)
        columns[mark_source(run.source)] = {
            "best val accuracy": str(numbers.accuracy),
            "best epoch": f"{numbers.epoch} of {run.epochs}",
            "val loss": f"{numbers.loss_at_best:.4f} at the best epoch, {numbers.lowest_loss:.4f} at the lowest",
            "final train accuracy": f"{run.history['accuracy'][-1]:.3f}",
            "AUC": str(next(iter(auc(run).values()))),
            "exam accuracy": str(exam_accuracy([run]) or "-"),
            **beside.get(run.source, {}),
        }
    return as_table(columns, "source").T


def time_table(runs: Mapping[str, Run]) -> Table:
    """One row per run: what an epoch took where it was trained, and on what.

    Parameters
    ----------
    runs : mapping of str to Run

    Returns
    -------
    DataFrame
        Median seconds of an epoch, validation included. Machines are shared and differ: compare rows that name the
        same machine and threads, and those only roughly.
    """
    rows = {}
    for label, run in runs.items():
        last = run.provenance["stretches"][-1]
        threads = f"{last['threads']} thread{'' if last['threads'] == 1 else 's'}"
        rows[label] = {
            "seconds an epoch (median)": f"{np.median(run.history['seconds']):.1f}",
            "epochs": run.epochs,
            "trained on": f"{last['device']}, {threads}",
        }
    return as_table(rows, "run")


def network_table(configs: Mapping[str, RunConfig], n_classes: int = 2) -> Table:
    """One row per configuration: its network in numbers, counted from the architecture.

    Parameters
    ----------
    configs : mapping of str to RunConfig
    n_classes : int
    """
    from labutils.models import describe

    rows = {}
    for label, config in configs.items():
        numbers = describe(config, n_classes)
        rows[label] = {
            "convolutions": numbers.convolutions,
            "dense layers": numbers.dense_layers,
            "parameters": f"{numbers.parameters:,}",
            "multiply-adds per image": f"{numbers.multiply_adds / 1e6:.1f} million",
            "receptive field": f"{numbers.receptive_field} pixels",
        }
    return as_table(rows, "network")
