"""Tables of runs, seeds, classes and verdicts, as pandas frames whose cells are ready to be read.

Every cell is text or a whole number, so that a stored run gives the same table wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any, NamedTuple

from labutils.evaluate.curves import Best, Spread, best, spread
from labutils.evaluate.exam import exam_accuracy
from labutils.evaluate.metrics import auc, class_recall, highest_elementwise

if TYPE_CHECKING:
    from labutils.evaluate.verdicts import Verdict
    from labutils.frames import Table
    from labutils.lab import Reported
    from labutils.runs.run import Run

NO_RUN = "No run to show yet."
ACCURACY = "best val accuracy [95 % interval]"
EXAM = "exam accuracy at best epoch [95 % interval]"
VERDICT_NOTE = (
    "What the lab could know: validation images, one seed, best epochs. What holds for these images: the exam, all "
    "stored seeds; a difference matters from 1 point of accuracy or 0.02 of loss on."
)


class Reached(NamedTuple):
    """Accuracies of what is no network, ready to be read: on the validation images, and on the exam."""

    validation: str = "-"
    exam: str = "-"


def as_table(rows: Mapping[Any, Mapping[str, Any]], index: str, nothing: str = NO_RUN) -> Table:
    """Rows by name as a table whose index is called `index`; a cell that a row lacks is a dash.

    Parameters
    ----------
    nothing : str
        What the table says if there are no rows.
    """
    from labutils.frames import Table

    # Filled before pandas sees them: with a hole in its column a whole number would become 100.0.
    columns = dict.fromkeys(column for row in rows.values() for column in row)
    filled = {name: {column: row.get(column, "-") for column in columns} for name, row in rows.items()}
    table = Table.from_dict(filled, orient="index").rename_axis(index)
    table = table.where(table.notna(), "-")
    table.nothing = nothing
    return table


def run_table(
    runs: Mapping[str, Run],
    report: Mapping[str, Reported] | None = None,
    beside: Mapping[str, Reached] | None = None,
) -> Table:
    """One row per run: best accuracy with interval, both losses, the exam, and the lab report's numbers beside them.

    Parameters
    ----------
    runs : mapping of str to Run
        By label.
    report : mapping of str to Reported, optional
        By the same labels, as `lab.reported(task)` gives them; what is not in it shows as a dash.
    beside : mapping of str to Reached, optional
        What is no network, by name, for rows below the runs; see `audit.beside`.

    Returns
    -------
    DataFrame
        Indexed by label. Columns appear where they have something to say: for the exam if a run has sat it, for
        training if the report quotes it, for element-wise accuracy if there are more than two classes.
    """
    report = report or {}
    training = any(report[label].train_accuracy is not None for label in runs if label in report)
    several = any(len(run.class_names) > 2 for run in runs.values())
    exams = {label: exam_accuracy([run]) for label, run in runs.items()}
    rows: dict[str, dict[str, Any]] = {}
    for label, run in runs.items():
        numbers = best(run)
        row: dict[str, Any] = {"epochs": run.epochs, ACCURACY: str(numbers.accuracy)}
        if several:
            row["highest element-wise accuracy"] = f"{highest_elementwise(run):.4f}"
        row |= {
            "best epoch": numbers.epoch,
            "lowest val loss": f"{numbers.lowest_loss:.4f}",
            "val loss at best epoch": f"{numbers.loss_at_best:.4f}",
        }
        if any(exams.values()):
            row[EXAM] = str(exams[label] or "-")
        if training:
            row |= _training_columns(numbers)
        if report:
            row |= _reported_columns(report.get(label), training, several)
        row["data"] = mark_source(run.source)
        rows[label] = row
    if runs:
        rows |= {name: _no_network(reached, any(exams.values())) for name, reached in (beside or {}).items()}
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
        exam = exam_accuracy(runs)
        rows[label] = {
            "seeds": f"seed {', '.join(str(run.config.seed) for run in runs)}",
            "best val accuracy, mean ± sd (range)": _spread_text(spread(n.accuracy.value for n in numbers), 3),
            "lowest val loss, mean ± sd (range)": _spread_text(spread(n.lowest_loss for n in numbers), 4),
            "val loss at best epoch, mean ± sd (range)": _spread_text(spread(n.loss_at_best for n in numbers), 4),
            "exam accuracy, mean [95 % interval over seeds and images]": str(exam or "-"),
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


def verdict_table(verdicts: Iterable[Verdict]) -> Table:
    """One row per claim: what the report says, and two verdicts, each with its numbers; the rules are folded below.

    The first is on what the lab could know: its validation images, one seed. The second is on what holds for these
    images: the exam, which nothing was chosen on, and all stored seeds.
    """
    verdicts = list(verdicts)
    rows = {
        v.id: {
            "task": v.task.removeprefix("task").upper(),
            "claim": v.claim,
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


def real_table(verdicts: Iterable[Verdict], real: Iterable[Verdict]) -> Table:
    """One row per claim that was judged on real images: what was found here, and what there, with its numbers.

    Parameters
    ----------
    verdicts : iterable of Verdict
        As `verdict_table` shows them.
    real : iterable of Verdict
        As `claims.judge_real` gives them.
    """
    here, know = {v.id: v for v in verdicts}, "what the lab could know:"
    images = next((mark_source(v.source) for v in here.values() if v.source), "these images")
    rows = {
        v.id: {
            "claim": v.claim,
            f"{know} {images}": here[v.id].verdict,
            f"{know} {v.source}": f"{v.verdict}: {v.evidence}",
        }
        for v in real
        if v.id in here
    }
    return as_table(rows, "id", "No run on real images is stored here.")


def mark_source(source: str) -> str:
    """The source of the images as tables show it: phantoms are marked as such, unmistakably."""
    return "PHANTOM" if source == "phantom" else source


def _no_network(reached: Reached, exam: bool) -> dict[str, str]:
    """The cells of a row below the runs; without a column for the exam, what is known on the exam alone says so."""
    if exam:
        return {ACCURACY: reached.validation, EXAM: reached.exam}
    alone = reached.validation == "-" and reached.exam != "-"
    return {ACCURACY: f"{reached.exam} (on the exam)" if alone else reached.validation}


def _training_columns(numbers: Best) -> dict[str, str]:
    return {
        "highest train accuracy": f"{numbers.highest_train_accuracy:.4f}",
        "lowest train loss": f"{numbers.lowest_train_loss:.4f}",
        "final train accuracy": f"{numbers.final_train_accuracy:.4f}",
    }


def _reported_columns(numbers: Reported | None, training: bool, several: bool) -> dict[str, str]:
    def show(name: str) -> str:
        value = getattr(numbers, name, None)
        return "-" if value is None else f"{value:.4f}"

    # Task 4's loss is element-wise as well, over nine outputs: none of ours can stand beside it under the same name.
    names = (
        ("report: element-wise accuracy", "report: loss of nine outputs")
        if several
        else ("report: accuracy", "report: loss")
    )
    columns = {names[0]: show("accuracy"), names[1]: show("loss")}
    if training:
        columns |= {
            "report: highest train accuracy": show("train_accuracy"),
            "report: lowest train loss": show("train_loss"),
        }
    return columns


def _spread_text(numbers: Spread, digits: int) -> str:
    if isnan(numbers.sd):
        return f"{numbers.mean:.{digits}f} (one seed)"
    return (
        f"{numbers.mean:.{digits}f} ± {numbers.sd:.{digits}f} ({numbers.low:.{digits}f} to {numbers.high:.{digits}f})"
    )
