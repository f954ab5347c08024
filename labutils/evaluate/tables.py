"""Tables of runs, settings, classes and verdicts, as pandas frames whose cells are ready to be read: text, or whole
numbers. `runs` are by label, and a table has one row for each of them, unless it says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.config import RunConfig
from labutils.evaluate.claims import UNDECIDED, Part, Verdict, judge_real
from labutils.evaluate.compare import accuracy_difference, mcnemar
from labutils.evaluate.curves import (
    MEASURED,
    WINDOW,
    accuracy_gap,
    best,
    epochs_to_reach,
    fixed_sizes,
    overfitting_epoch,
    train_curve,
)
from labutils.evaluate.effects import Effect, adjusted_words
from labutils.evaluate.exam import area_words, effect, exam_accuracy
from labutils.evaluate.findings import known
from labutils.evaluate.metrics import auc, brier_score, class_recall
from labutils.evaluate.rules import ACCURACY_MARGIN, IS, LOSS_MARGIN, OVERFITS, SIGNIFICANT
from labutils.models import describe
from labutils.runs.run import Run
from labutils.statistics import count, holm, in_points, p_value, points

if TYPE_CHECKING:
    from labutils.frames import Table

NO_RUN = "No run to show yet."
ACCURACY = "best val accuracy [95 % interval]"
EXAM = "exam accuracy at best epoch [95 % interval]"
_POINT = count(round(100 * ACCURACY_MARGIN), "point")
VERDICT_NOTE = (
    "What the lab could know: validation images, one seed, best epochs. What holds for these images: the exam, all "
    f"stored seeds; a difference matters from {_POINT} of accuracy or {LOSS_MARGIN} of loss on. A claim is a sentence "
    "of the lab report (document), ours, or built in: decided by whoever drew the images, and judged on real ones only."
)
EXAM_NOTE = (
    "Accuracy on the exam: no network and no epoch was chosen on its images (the drawing of phantoms was calibrated on "
    "them, for all settings alike). Better or worse: the 95 % interval excludes 0, and the difference is at least "
    f"{_POINT}. No difference that matters: the 90 % interval lies within {_POINT}. AUC, with the same limits, stands "
    "beside it and says where it disagrees."
)
POWER, MOST_SEEDS = 0.80, 64
"""How sure one wants to be of a decision, and the number of seeds beyond which nobody would train."""
NETWORKS = {"lenet": "LeNet", "alexnet": "AlexNet", "vgg16": "VGG16"}
"""How the networks are spelled."""


def as_table(rows: Mapping[Any, Mapping[str, Any]], index: str, nothing: str = NO_RUN) -> Table:
    """Rows by name; `nothing` is what the table says without any, and a cell that a row lacks is a dash."""
    from labutils.frames import Table

    # Filled before pandas sees them: with a hole in its column a whole number would become 100.0.
    columns = dict.fromkeys(column for row in rows.values() for column in row)
    filled = {name: {column: row.get(column, "-") for column in columns} for name, row in rows.items()}
    table = Table.from_dict(filled, orient="index").rename_axis(index)
    table.nothing = nothing
    return table


def _by_run(runs: Mapping[str, Run], row: Callable[[Run], Mapping[str, Any]]) -> Table:
    return as_table({label: row(run) for label, run in runs.items()}, "run")


def mark_source(source: str) -> str:
    """The source of the images as tables show it: phantoms are marked as such, unmistakably."""
    return "PHANTOM" if source == "phantom" else source


# One run in a row.


def gap_table(runs: Mapping[str, Run], both_ways: bool = False) -> Table:
    """How far training and validation lie apart at the end (see `curves.accuracy_gap`), and when over-fitting began.

    Accuracies are means of the last `WINDOW` epochs. `both_ways` shows instead the gap with training measured as it
    goes by, and measured like validation: what lies between the two is no property of the network, for dropout and
    augmentation are on in one, off in the other.
    """

    def two(run: Run) -> dict[str, str]:
        by = accuracy_gap(run, "accuracy")
        like = accuracy_gap(run, "fixed_accuracy") if "fixed_accuracy" in run.history else None
        return {
            f"gap, training {MEASURED['accuracy']}": str(by),
            f"gap, training {MEASURED['fixed_accuracy']}": str(like) if like else "-",
            "due to the way of measuring": f"{points(by.value - like.value)} points" if like else "-",
        }

    if both_ways:
        return _by_run(runs, two)
    curve = train_curve(*runs.values())
    taken = min(WINDOW, max((run.epochs for run in runs.values()), default=WINDOW))
    last = f"last {taken} epochs" if taken > 1 else "last epoch"

    def row(run: Run) -> dict[str, str]:
        over_fits = known("over-fitting", run, limits=(OVERFITS,)).holds(IS)  # as verdicts and sentences say
        begins = str(overfitting_epoch(run.history) or "-") if over_fits else "-"
        return {
            f"train accuracy, {last}": f"{run.history[curve][-WINDOW:].mean():.3f}",
            f"val accuracy, {last}": f"{run.history['val_accuracy'][-WINDOW:].mean():.3f}",
            "gap [95 % interval]": str(accuracy_gap(run, curve)),
            "over-fits from epoch": "cannot be told" if over_fits is None else begins,
        }

    table = _by_run(runs, row)
    sizes = sorted({fixed_sizes(run)[0] for run in runs.values()}) if curve == "fixed_accuracy" else []
    part = f", on a fixed part of the training images ({' or '.join(map(str, sizes))})" if sizes else ""
    table.note = f"Training accuracy {MEASURED[curve]}{part}; intervals are about the validation images alone."
    return table


def reach_table(runs: Mapping[str, Run], accuracy: float, curve: str = "accuracy") -> Table:
    """The first epoch at which `curve` ("accuracy" or "val_accuracy") reaches `accuracy`, and its highest value."""

    def row(run: Run) -> dict[str, Any]:
        first = f"{epochs_to_reach(run.history, accuracy, curve) or 'never'}"
        highest = f"{run.history[curve].max():.3f}"
        return {f"first epoch at {accuracy:.3f}": first, "highest": highest, "of epochs": run.epochs}

    return _by_run(runs, row)


def quality_table(runs: Mapping[str, Run]) -> Table:
    """At the best epoch: area under the ROC curve, recall of every class, Brier score."""

    def row(run: Run) -> dict[str, str]:
        areas = list(auc(run).values())
        mean = sum(area.value for area in areas) / len(areas)
        area = {"AUC [95 % interval]": str(areas[0]) if len(areas) == 1 else f"{mean:.3f} (mean)"}
        recall = {f"recall {name}": str(value) for name, value in class_recall(run).items()}
        return area | recall | {"Brier score": f"{brier_score(run):.3f}"}

    return _by_run(runs, row)


def time_table(runs: Mapping[str, Run]) -> Table:
    """Median seconds of an epoch, validation included, and what it was trained on.

    Machines are shared and differ: compare rows that name the same machine and threads, and those only roughly.
    """

    def row(run: Run) -> dict[str, Any]:
        last, median = run.provenance["stretches"][-1], f"{np.median(run.history['seconds']):.1f}"
        machine = f"{last['device']}, {count(last['threads'], 'thread')}"
        return {"seconds an epoch (median)": median, "epochs": run.epochs, "trained on": machine}

    return _by_run(runs, row)


def class_table(run: Run) -> Table:
    """One row per class at the best epoch: images, how many are recognised (recall), and AUC against the rest."""
    recall, area = class_recall(run), auc(run)
    rows = {
        name: {
            "images": int((run.y_val == label).sum()),
            "recall [95 % interval]": str(recall.get(name, "-")),
            # With two classes one AUC says it for both.
            "AUC [95 % interval]": str(area.get(run.class_names[1] if len(run.class_names) == 2 else name, "-")),
        }
        for label, name in enumerate(run.class_names)
    }
    return as_table(rows, "class")


def network_table(configs: Mapping[str, RunConfig], n_classes: int = 2) -> Table:
    """One row per configuration: its network in numbers, counted from the architecture."""
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


# Runs against each other.


def paired_table(runs: Mapping[str, Run]) -> Table:
    """One row per pair of runs at their best epochs: who is right where the other is wrong, and McNemar's exact test.

    Differences are first minus second; p-values are also adjusted for the number of tests in the table (Holm). A
    `ComparisonError` says which runs were validated on different images.
    """
    pairs = {f"{a} against {b}": (runs[a], runs[b]) for a, b in combinations(runs, 2)}
    tests = {name: mcnemar(*pair) for name, pair in pairs.items()}
    adjusted = holm({name: test.p for name, test in tests.items()})
    rows = {
        name: {
            "difference [95 % interval]": str(accuracy_difference(*pair)),
            "only the first is right": tests[name].n10,
            "only the second is right": tests[name].n01,
            "p (exact McNemar)": p_value(tests[name].p),
            **({"p adjusted (Holm)": p_value(adjusted[name])} if len(pairs) > 1 else {}),
        }
        for name, pair in pairs.items()
    }
    table = as_table(rows, "runs", "Nothing to compare yet: this needs two runs.")
    if len(pairs) > 1:
        table.note = (
            f"{len(pairs)} tests: of twenty such tables without any true difference, one has an adjusted p below "
            f"{SIGNIFICANT}; in up to {1 - 0.95 ** len(pairs):.0%} of them, one of the p that are not adjusted is."
        )
    return table


def exam_table(settings: Mapping[str, Sequence[Run]]) -> Table:
    """One row per pair of settings, each as its seeds that have sat the exam: the difference there, and what to call
    it.

    The interval is that of each pair alone; what it is called is adjusted for the number of pairs.
    """
    sat = {label: own for label, runs in settings.items() if (own := [run for run in runs if run.exam])}
    pairs = {f"{a} against {b}": (sat[a], sat[b]) for a, b in combinations(sat, 2)}
    effects = {name: effect("accuracy", *pair) for name, pair in pairs.items()}
    words = adjusted_words(effects, ACCURACY_MARGIN)
    rows = {
        name: {
            "first": str(exam_accuracy(pair[0])),
            "second": str(exam_accuracy(pair[1])),
            "difference in points [95 % interval]": in_points(effects[name].interval()),
            "the first is": words[name],
            "difference of AUC in points": area_words(*pair, words[name]),
            "seen on": effects[name].basis,
        }
        for name, pair in pairs.items()
    }
    table = as_table(rows, "settings", "Nothing to compare on the exam yet: this needs two runs that have sat it.")
    table.note = EXAM_NOTE
    if len(pairs) > 1:
        table.note += (
            f" {len(pairs)} pairs: either is said only where it holds after Holm's adjustment, so that one of twenty "
            "tables without any true difference says better or worse; the intervals are those of each pair alone."
        )
    return table


def best_table(runs: Mapping[str, Run]) -> Table:
    """One row per network: the best of its runs, and how many of the others the paired test cannot tell from it."""
    networks: dict[str, dict[str, Run]] = {}
    for label, run in runs.items():
        networks.setdefault(run.config.model, {})[label] = run

    def row(own: dict[str, Run]) -> dict[str, str]:
        top = max(own, key=lambda label: own[label].history["val_accuracy"].max())
        others = {label: mcnemar(own[top], run).p for label, run in own.items() if label != top}
        alike = sum(p >= SIGNIFICANT for p in holm(others).values())
        return {
            "best": top,
            "val accuracy [95 % interval]": str(best(own[top]).accuracy),
            "others that may be as good (McNemar, Holm)": f"{alike} of {len(others)}",
        }

    return as_table({NETWORKS[name]: row(own) for name, own in networks.items()}, "network")


# Seeds.


def group_seeds(runs: Mapping[str, Run]) -> dict[str, list[Run]]:
    """Runs that differ in their seed only, together, in the order of their seeds, under the label of the first one:
    `dropout 0.4, seed 0` and `dropout 0.4, seed 1` under `dropout 0.4`."""
    names: dict[Any, str] = {}
    groups: dict[str, list[Run]] = {}
    for label, run in runs.items():
        key, short = (run.config.with_(seed=0), run.source), label.removesuffix(f", seed {run.config.seed}")
        name = names.setdefault(key, label if short in groups else short)
        groups.setdefault(name, []).append(run)
    return {name: sorted(group, key=lambda run: run.config.seed) for name, group in groups.items()}


# Verdicts.


def verdict_table(verdicts: Iterable[Verdict]) -> Table:
    """One row per claim: what the report says, and two verdicts, each with its numbers; the rules are folded below."""
    verdicts = list(verdicts)
    rows = {
        v.id: {
            "task": v.task.removeprefix("task").upper(),
            "claim": v.claim,
            "kind": v.kind,
            "what the lab could know": f"{v.verdict}: {v.evidence}",
            "what holds for these images": f"{v.holds}: {v.exam}",
            "data": mark_source(v.source) if v.source else "-",
        }
        for v in verdicts
    }
    table = as_table(rows, "id")
    table.note = VERDICT_NOTE
    table.below = {"The rule behind each verdict": [f"{v.id}: {v.rule}" for v in verdicts]}
    return table.drop(columns="task") if len({v.task for v in verdicts}) == 1 else table


def power_table(verdicts: Iterable[Verdict]) -> Table:
    """One row per condition that leaves a claim undecided on the exam: seeds a setting for 80 % power, and the hours of
    those that are not there yet."""
    rows = {}
    for verdict in verdicts:
        for part in undecided_parts(verdict):
            condition = part.condition
            cells = {"seeds": str(part.fewest)} | dict(zip(_CASES, needed(part), strict=True))
            rows[f"{verdict.id}, {condition.measure}: {', '.join(condition.names)}"] = cells
    table = as_table(rows, "undecided", "No claim is undecided on the exam.")
    table.note = (
        f"Seeds a setting with which {POWER:.0%} of such comparisons are decided (hours of training those that lack). "
        "A difference of just the margin is found in half of all cases at most, however many seeds there are. A dash: "
        "nothing can be promised where the difference is estimated below the margin, or no difference on the exam is "
        "asked for; over curves, two seeds are the least."
    )
    return table


_CASES = "if it is as estimated", "if it is twice the margin", "if there is none"


def undecided_parts(verdict: Verdict) -> list[Part]:
    """The conditions that leave a claim undecided on the exam."""
    parts = verdict.parts if verdict.holds == UNDECIDED else ()
    return [part for part in parts if part.holds is None]


def takes_words(verdict: Verdict) -> str:
    """What `power_table` says of a claim, in one cell: `accuracy 12 (3.4 h) / 9 (2.1 h) / more than 64`."""
    return "; ".join(f"{part.condition.measure} {' / '.join(needed(part))}" for part in undecided_parts(verdict)) or "-"


def seeds_words(verdict: Verdict) -> str:
    """How many seeds a setting a verdict on the exam rests on: `3`, or `1 to 3`."""
    counted = sorted({part.fewest for part in verdict.parts})
    return " to ".join(map(str, dict.fromkeys((counted[0], counted[-1])))) if counted else "-"


@cache
def _power(effect: Effect, margin: float, difference: float, have: int) -> int | None:
    """The fewest seeds a setting that have `POWER`; None where there are not so many."""
    seeds = range(max(have, 2), MOST_SEEDS + 1)
    return next((n for n in seeds if effect.power(n, margin, difference) >= POWER), None)


def needed(part: Part) -> list[str]:
    """Seeds a setting, and hours of those that lack, in each of the three cases of `power_table`."""
    effect, margin, have = part.finding.effect, part.finding.margin, part.fewest
    hours = sum(float(np.median(s.run.history["seconds"])) * s.run.epochs for s in part.settings) / 3600
    cells = ["-"] * len(_CASES)
    if effect is not None and np.isfinite(effect.error):
        for case, difference in enumerate((effect.value, 2 * margin, 0.0)):
            if not 0 < abs(difference) <= margin:
                enough = _power(effect, margin, difference, have)
                cells[case] = f"{enough} ({hours * (enough - have):.1f} h)" if enough else f"more than {MOST_SEEDS}"
    return cells


def real_table(verdicts: Iterable[Verdict], real: Iterable[Verdict] | None = None) -> Table:
    """One row per claim that was judged on real images (`claims.judge_real` unless given): what was found here, and
    what there, with its numbers."""
    here, know = {v.id: v for v in verdicts}, "what the lab could know:"
    images = next((mark_source(v.source) for v in here.values() if v.source), "these images")
    rows = {
        v.id: {
            "claim": v.claim,
            f"{know} {images}": here[v.id].verdict,
            f"{know} {v.source}": f"{v.verdict}: {v.evidence}",
        }
        for v in (judge_real() if real is None else real)
        if v.id in here
    }
    return as_table(rows, "id", "No run on real images is stored here.")
