"""Tables of runs, seeds, classes and verdicts, as pandas frames whose cells are ready to be read.

Every cell is text or a whole number, so that a stored run gives the same table wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from labutils.evaluate.curves import Spread, best, spread
from labutils.evaluate.metrics import auc, class_recall, elementwise_accuracy

if TYPE_CHECKING:
    from labutils.evaluate.claims import Verdict
    from labutils.evaluate.lab import Reported
    from labutils.frames import Table
    from labutils.runs import Run

NO_RUN = "No run to show yet."


def as_table(rows: Mapping[Any, Mapping[str, Any]], index: str, nothing: str = NO_RUN) -> Table:
    """Rows by name as a table whose index is called `index`; a cell that a row lacks is a dash.

    Parameters
    ----------
    nothing : str
        What the table says if there are no rows.
    """
    from labutils.frames import Table

    table = Table.from_dict(rows, orient="index").rename_axis(index)
    table = table.where(table.notna(), "-")
    table.nothing = nothing
    return table


def run_table(runs: Mapping[str, Run], report: Mapping[str, Reported] | None = None) -> Table:
    """One row per run: best accuracy with interval, both losses, and the lab report's numbers beside them.

    Parameters
    ----------
    runs : mapping of str to Run
        By label.
    report : mapping of str to Reported, optional
        By the same labels, as `lab.reported(task)` gives them; what is not in it shows as a dash.

    Returns
    -------
    DataFrame
        Indexed by label. Columns for training accuracy appear if the report quotes one, and one for element-wise
        accuracy if there are more than two classes.
    """
    report = report or {}
    training = any(report[label].train_accuracy is not None for label in runs if label in report)
    several = any(len(run.class_names) > 2 for run in runs.values())
    rows = {}
    for label, run in runs.items():
        numbers = best(run)
        row: dict[str, Any] = {
            "epochs": run.epochs,
            "best val accuracy [95 % interval]": str(numbers.accuracy),
            "best epoch": numbers.epoch,
            "lowest val loss": f"{numbers.lowest_loss:.4f}",
            "val loss at best epoch": f"{numbers.loss_at_best:.4f}",
        }
        if several:
            row["element-wise accuracy"] = f"{elementwise_accuracy(run):.4f}"
        if training:
            row["train accuracy at best epoch"] = f"{numbers.train_accuracy_at_best:.4f}"
            row["train loss at best epoch"] = f"{numbers.train_loss_at_best:.4f}"
        if report:
            row |= _reported_columns(report.get(label), training)
        row["data"] = mark_source(run.source)
        rows[label] = row
    return as_table(rows, "run")


def seed_table(groups: Mapping[str, Sequence[Run]]) -> Table:
    """One row per group of runs that differ in their seed only: mean, standard deviation and range.

    Parameters
    ----------
    groups : mapping of str to sequence of Run
        As `group_seeds` gives them.
    """
    rows = {}
    for label, runs in groups.items():
        numbers = [best(run) for run in runs]
        rows[label] = {
            "seeds": f"seed {', '.join(str(run.config.seed) for run in runs)}",
            "best val accuracy, mean ± sd (range)": _spread_text(spread(n.accuracy.value for n in numbers), 3),
            "lowest val loss, mean ± sd (range)": _spread_text(spread(n.lowest_loss for n in numbers), 4),
            "val loss at best epoch, mean ± sd (range)": _spread_text(spread(n.loss_at_best for n in numbers), 4),
            "data": ", ".join(sorted({mark_source(run.source) for run in runs})),
        }
    return as_table(rows, "run")


def group_seeds(runs: Mapping[str, Run]) -> dict[str, list[Run]]:
    """Runs that differ in their seed only, together, in the order of their seeds.

    They stand under the label of the first one, without its seed if it ends with that: `dropout 0.4, seed 0` and
    `dropout 0.4, seed 1` under `dropout 0.4`.
    """
    names: dict[Any, str] = {}
    groups: dict[str, list[Run]] = {}
    for label, run in runs.items():
        key, short = (run.config.with_(seed=0), run.source), label.removesuffix(f", seed {run.config.seed}")
        name = names.setdefault(key, label if short in groups else short)
        groups.setdefault(name, []).append(run)
    return {name: sorted(group, key=lambda run: run.config.seed) for name, group in groups.items()}


def class_table(run: Run, epoch: int | None = None) -> Table:
    """One row per class: validation images, how many are recognised (recall), and AUC against the rest.

    Parameters
    ----------
    epoch : int, optional
        Index of the epoch; None: the best one.
    """
    recall, area = class_recall(run, epoch), auc(run, epoch)
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


def verdict_table(verdicts: Iterable[Verdict]) -> Table:
    """One row per claim: what the report says, what these runs say, the verdict, and the rule behind it."""
    rows = {
        v.id: {
            "task": v.task.removeprefix("task").upper(),
            "claim": v.claim,
            "evidence": v.evidence,
            "verdict": v.verdict,
            "rule": v.rule,
            "data": mark_source(v.source) if v.source else "-",
        }
        for v in verdicts
    }
    return as_table(rows, "id")


def mark_source(source: str) -> str:
    """The source of the images as tables show it: phantoms are marked as such, unmistakably."""
    return "PHANTOM" if source == "phantom" else source


def _reported_columns(numbers: Reported | None, training: bool) -> dict[str, str]:
    def show(name: str) -> str:
        value = getattr(numbers, name, None)
        return "-" if value is None else f"{value:.4f}"

    columns = {"report: accuracy": show("accuracy"), "report: loss": show("loss")}
    if training:
        columns |= {"report: train accuracy": show("train_accuracy"), "report: train loss": show("train_loss")}
    return columns


def _spread_text(numbers: Spread, digits: int) -> str:
    if isnan(numbers.sd):
        return f"{numbers.mean:.{digits}f} (one seed)"
    return (
        f"{numbers.mean:.{digits}f} ± {numbers.sd:.{digits}f} ({numbers.low:.{digits}f} to {numbers.high:.{digits}f})"
    )
