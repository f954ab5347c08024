"""The evidence card of a notebook: one picture, one sentence, one verdict; every table opens below them."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from labutils import lab
from labutils.data.dataset import Dataset
from labutils.errors import ComparisonError
from labutils.evaluate import claims
from labutils.evaluate.claims import BUILT_IN, MISSING, UNDECIDED, Verdict, judge_task, with_seeds
from labutils.evaluate.exam import exam_accuracy
from labutils.evaluate.metrics import accuracy
from labutils.evaluate.sentences import NOT_HERE, Said, every_sentence, headline
from labutils.evaluate.tables import best_table, exam_table, paired_table, real_table, verdict_table
from labutils.evaluate.validation import about_real, flattery, reversal
from labutils.runs.run import Run
from labutils.runs.store import everywhere
from labutils.statistics import Estimate

if TYPE_CHECKING:
    from labutils.frames import Table
    from labutils.plots.dots import Dot

    Rows = list[tuple[str, list[Dot]]]
    Runs = Mapping[str, Run]
    Seeds = Mapping[str, Sequence[Run]]

READING = {
    claims.REPRODUCED: "holds here",
    claims.NOT_REPRODUCED: "does not hold here",
    UNDECIDED: "could be chance",
    BUILT_IN: BUILT_IN,
    MISSING: "not judged here",
}
"""A verdict for those who read their first: the word for referees stands beside it."""

WHOSE = {"document": "The report says", "ours": "We asked", "built in": "The report says"}
MOST_PAIRS = 10
"""With more settings than have so many pairs, the best of each network stands for the pairs."""


def card(
    runs: Runs, *datasets: Dataset, task: str = "", more: Mapping[str, Table] | None = None, said: str = ""
) -> None:
    """Show the evidence of some runs: a picture, a sentence of at most 20 words, a verdict, and Details that open.

    The picture has the accuracy of every setting on the exam, over all stored seeds (or on the validation images, where
    the exam was not sat), what is no network, the lab report's number, and the same setting on real images. The verdict
    is the one on the task's first claim; those on its other claims open with the details.

    `runs` are a notebook's, by label, `datasets` the images that they are on (see `audit.baselines.by_images`), `task`
    whose claims are judged and whose numbers of the report are shown, `more` further tables by title. What the reader
    has predicted, `said`, is marked where it is one of the labels: see `course.said`.
    """
    from IPython.display import display

    from labutils.audit.tables import run_table
    from labutils.plots.dots import draw_dots

    if not runs:
        print(NOT_HERE)
        return
    verdicts, seeds = judge_task(runs, task) if task else [], with_seeds(runs)
    real = {label: [one for one in everywhere(run.config) if one.source == lab.REAL] for label, run in runs.items()}
    for verdict in verdicts[:1]:
        shown = f'<div class="labutils-card"><p><b>{html.escape(headline(verdict).text)}</b></p>{_chip(verdict)}</div>'
        display({"text/html": shown, "text/plain": _in_words(verdict)}, raw=True)
    draw_dots(*_rows(runs, seeds, real, datasets, task), said)
    tables: dict[str, Table | str] = {"Runs": run_table(runs, *datasets, task=task)}
    tables |= {**dict(_in_pairs(runs, seeds)), **(more or {})}
    if told := [said.text for said in _sentences(runs, seeds, real, task) if said.text and said.text != NOT_HERE]:
        tables["In sentences"] = "\n".join(told)
    if verdicts:
        tables |= {"What the report says, and what holds": verdict_table(verdicts)}
        tables |= {"On real images": real_table(verdicts)}
    folded, words = _details(verdicts[1:], tables)
    display({"text/html": folded, "text/plain": words}, raw=True)


def reading(verdict: Verdict) -> str:
    """What a verdict says to whoever reads their first: `could be chance`.

    It is read from the exam, and from the validation images where the exam says nothing. Undecided is called chance
    where a measurement was that; other reasons (too few epochs, other images) are not.
    """
    word, chance = verdict.verdict if verdict.holds == MISSING else verdict.holds, verdict.evidence != verdict.exam
    if verdict.parts:
        chance = any(part.holds is None for part in verdict.parts)
    return READING[word] if chance or word != UNDECIDED else "cannot be told here"


def _in_words(verdict: Verdict) -> str:
    """The headline, and the verdict for both kinds of readers."""
    said = f"{reading(verdict)} ({verdict.id}, {verdict.holds}). {WHOSE[verdict.kind]}: {verdict.claim}."
    return f"{headline(verdict).text}\n{said}"


def _chip(verdict: Verdict, before: str = "") -> str:
    """The verdict as a student reads it, and the claim; a referee's word and the numbers come up with the mouse."""
    title = html.escape(f"{verdict.id}: {verdict.holds}. {verdict.exam}", quote=True)
    look = "border: 1px solid currentColor; border-radius: 1em; padding: 1px 10px; white-space: nowrap"
    chip = f'<span style="{look}" title="{title}">{html.escape(reading(verdict))}</span>'
    return f"<p>{chip} {html.escape(f'{before}{WHOSE[verdict.kind]}: {verdict.claim}.')}</p>"


def _rows(runs: Runs, seeds: Seeds, real: Seeds, datasets: Sequence[Dataset], task: str) -> tuple[Rows, str, str]:
    """The rows of the picture, its title, and what its axis is called."""
    from labutils.audit.against import stand
    from labutils.audit.baselines import by_images
    from labutils.plots.dots import CEILING, HERE, REAL, REPORT, SIMPLE, Dot

    report, rows, titles = lab.reported(task) if task else {}, [], []
    exams = {label: exam_accuracy(own) for label, own in seeds.items()}
    on_exam = all(exams.values())
    for label, run in runs.items():
        sat = sum(one.exam is not None for one in seeds[label])
        found, basis = accuracy(run), f"{len(run.y_val)} images"
        if on_exam and (exam := exams[label]):
            found, basis = exam, f"{sat} seeds" if sat > 1 else "one seed"
        dots = [Dot(HERE, found, basis)]
        told = report.get(label, lab.SILENT).accuracy
        if told is not None and len(run.class_names) == 2:  # the report's accuracy of nine classes is another quantity
            dots.append(Dot(REPORT, told))
        if run.source != lab.REAL:
            dots += [Dot(REAL, accuracy(one), f"{len(one.y_val)} validation images") for one in real[label][:1]]
        rows.append((label, dots))
    sets = by_images(runs, *datasets)
    for images in sets:
        if simple := images.simple:
            best = stand({label: seeds[label] for label in images.runs}, simple)
            titles.append(best.words_for(best.label))
            if model := simple.exam if on_exam else simple.validation:
                beside = Estimate(model.accuracy, *model.accuracy_interval)
                rows.append((f"{images.whose}{model.name}", [Dot(SIMPLE, beside)]))
        if images.ceiling is not None:
            rows.append((f"{images.whose}ceiling: a reader who knows every drawn sign", [Dot(CEILING, images.ceiling)]))
    axis = f"{'accuracy on the exam' if on_exam else 'best validation accuracy'}: "
    axis += ", ".join(dict.fromkeys(images.words for images in sets))
    return rows, "; ".join(titles) or "How accurate the settings are", axis


def _in_pairs(runs: Runs, seeds: Seeds) -> Iterator[tuple[str, Table | str]]:
    """The tables of all pairs, or of the best of each network; what cannot be compared says why."""
    pairs = len(runs) * (len(runs) - 1) // 2
    if pairs > MOST_PAIRS:
        yield "The best of each network, on the validation images", best_table(runs)
    elif pairs:
        for where, table in (("validation images", partial(paired_table, runs)), ("exam", partial(exam_table, seeds))):
            try:
                yield f"In pairs, on the {where}", table()
            except ComparisonError as error:
                yield f"In pairs, on the {where}", str(error)


def _sentences(runs: Runs, seeds: Seeds, real: Seeds, task: str) -> Iterator[Said]:
    """What these runs say, what a best validation accuracy is worth, and whose the real images are."""
    source, names = next(iter(runs.values())).source, {run.config.dataset for run in runs.values()}
    everything = [run for own in seeds.values() for run in own]
    yield from (said for _, _, said in every_sentence(everything, source, [task]) if said.findings)
    if source == "phantom":
        yield from (flattery(name).short for name in sorted(names))
        if len(runs) == 2 and len(names) == 1:
            without, label = next(iter(seeds.values())), list(seeds)[1]
            yield reversal(without, seeds[label], label)
    yield from (about_real(run) for run in [one for own in real.values() for one in own][:1])


def _details(verdicts: Sequence[Verdict], tables: Mapping[str, Table | str]) -> tuple[str, str]:
    """The details as HTML that opens, and as text; a wide table is moved within them."""
    import pandas as pd

    shown = ["<style>.labutils-details td { min-width: 7.5em; }</style>"]
    shown += [_chip(verdict, f"{headline(verdict).text} ") for verdict in verdicts]
    words = [_in_words(verdict) for verdict in verdicts]
    for title, table in tables.items():
        if isinstance(table, str):
            inside = "".join(f"<p>{html.escape(line)}</p>" for line in table.splitlines())
        else:
            inside = table._repr_html_() or ""
        head, look = html.escape(title, quote=True), 'style="overflow-x: auto; max-width: 100%"'
        # A part that is moved sideways needs a name and a place where the keyboard finds it.
        shown.append(f'<h4>{head}</h4><div role="region" tabindex="0" aria-label="{head}" {look}>{inside}</div>')
        with pd.option_context("display.max_columns", None, "display.width", 240):
            words.append(f"{title}\n{table}")
    folded = f'<details class="labutils-details"><summary>Details</summary>{"".join(shown)}</details>'
    return folded, "\n\n".join(words)
