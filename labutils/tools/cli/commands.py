"""The `labutils` command: notebooks run by a machine, the report, and what may be wrong here."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labutils import machine, paths
from labutils.lab import all_tasks
from labutils.tools.cli.common import Explained, Problem, scheduler_options
from labutils.tools.cli.data import data
from labutils.tools.cli.runs import runs, train, verify
from labutils.tools.execution import TIME_LIMIT, Outcome, find_notebooks, fitting, parse_value, run_notebooks

if TYPE_CHECKING:
    from labutils.training.workers import Scheduler

QUICK: dict[str, Any] = {"n_epoch": 10, "image_size": 64, "source": "phantom", "reuse": False, "train_missing": True}
"""A live training of two to five minutes on two cores, with all that comes before it."""


@click.group(cls=Explained)
@click.version_option(package_name="labutils")
def main() -> None:
    """An interactive deep-learning lab on medical images."""


@main.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--all", "everything", is_flag=True, help="Every notebook, in the lab's order.")
@click.option("--missing", is_flag=True, help="Train what is not stored of the lab's runs, in its order.")
@click.option(
    "--source",
    type=click.Choice(["course", "public", "phantom"]),
    help="On whose images; with --quick and --missing phantoms unless given.",
)
@click.option("-p", "parameters", type=(str, str), multiple=True, metavar="NAME VALUE", help="A notebook's parameter.")
@click.option("--quick", is_flag=True, help="Train live for some minutes, into out/results.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out"), show_default=True)
@click.option("--limit", default=TIME_LIMIT / 60, show_default=True, help="Minutes that one notebook may take.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Notebooks, or runs, at a time.")
@scheduler_options("Train on the workers of this Dask scheduler.")
def run(
    tasks: tuple[str, ...],
    everything: bool,
    missing: bool,
    source: str | None,
    parameters: tuple[tuple[str, str], ...],
    quick: bool,
    out: Path,
    limit: float,
    jobs: int,
    scheduler: "Scheduler | None",
) -> None:
    """Run notebooks: labutils run task1b -p lr 1e-5"""
    if missing and (tasks or everything or parameters or quick or scheduler):
        raise click.UsageError(
            "--missing trains the lab's own runs at their own settings: give it --jobs, --source or nothing, "
            "and leave out task names, --all, -p, --quick and --scheduler."
        )
    if missing:
        from labutils.tools.missing import train_missing

        sys.exit(train_missing(source or "phantom", jobs))
    if not limit > 0:  # nor no number
        raise click.UsageError(f"--limit is {limit}: it must be minutes, above 0.")
    if scheduler and jobs > 1:
        raise click.UsageError("Give --jobs (processes of this machine) or --scheduler (its workers), not both.")
    if not (chosen := all_tasks() if everything else tasks):
        raise click.UsageError(f"Name a task, or --all. There are {', '.join(all_tasks())}.")
    asked = {name: parse_value(value) for name, value in parameters}
    if source and asked.setdefault("source", source) != source:
        raise click.UsageError(f"--source is {source} and -p source is {asked['source']}: give one of them.")
    given = (QUICK if quick else {}) | asked
    notebooks = find_notebooks(chosen, asked)
    for name in asked:
        if without := [notebook.stem for notebook in notebooks if not fitting(notebook, {name: 0})]:
            click.echo(f"{name} is not a parameter of {', '.join(without)}: without it there.")
    if quick and "source" not in asked:
        given |= _whose_images([notebook.stem for notebook in notebooks], str(asked.get("dataset", "skin")))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(
            f"{out} cannot be made ({(error.strerror or str(error)).lower()}), and the executed notebooks are written "
            "there: say with --out FOLDER where else."
        ) from None
    options = {"results": out / "results" if quick else None, "limit": limit * 60, "show": click.echo}
    if scheduler:  # notebooks that wait for workers need not wait for each other
        jobs = min(len(notebooks), machine.cores())
    outcomes = run_notebooks(notebooks, out, jobs, given, scheduler, **options)
    click.echo("\n" + summary(outcomes))
    for outcome in outcomes:
        if outcome.error:
            click.echo(f"{outcome.task} failed: {outcome.error}", err=True)
    if quick and not any(outcome.error for outcome in outcomes):
        task, has_make = outcomes[0].task, (paths.ROOT / "Makefile").is_file()  # not beside an installed package
        whole, lab = f"make run TASK={task}", ".venv/bin/jupyter lab notebooks/index.ipynb"
        click.echo(f"\nThe executed notebook is {outcomes[0].output.as_posix()}. That was a short training.")
        click.echo(f"The whole thing, at the report's settings: {whole if has_make else f'labutils run {task}'}")
        click.echo(f"To step through it: {lab if has_make else 'labutils lab'}")
    sys.exit(any(outcome.error for outcome in outcomes))


def _whose_images(tasks: list[str], dataset: str) -> dict[str, Any]:
    """Say whose images a quick training takes where own ones are there; what to give notebooks for it."""
    from labutils import lab as plan
    from labutils.data.locate import own_folders
    from labutils.paths import LAB_DATASETS, dataset_name

    if (name := dataset_name(dataset)) not in LAB_DATASETS:  # of which nobody draws phantoms
        return {"source": "auto"}
    used = {c.dataset for task in tasks if task in plan.TITLES for c in plan.runs(task).values()}
    used |= {name} if "own" in tasks else set()
    if mine := [found[0].name for own, found in own_folders().items() if own in used]:
        there = f"though your own images are there ({', '.join(mine)})"
        click.echo(f"This is on phantoms, {there}: --source course for those.")
    return {}


def summary(outcomes: list[Outcome]) -> str:
    """A table of executions: task, what was trained or reused, minutes, verdicts, how it ended."""
    rows = [("task", "runs", "minutes", "verdicts", "ended")]
    for o in outcomes:
        runs = ", ".join(f"{n} {word}" for word, n in o.trained.items() if n) or "-"
        verdicts = ", ".join(f"{n} {word}" for word, n in o.verdicts.items() if n) or "-"
        rows.append((o.task, runs, f"{o.seconds / 60:.1f}", verdicts, "failed" if o.error else "well"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)


@main.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--references", is_flag=True, help="The quick live copies in tests/reference instead.")
def build(tasks: tuple[str, ...], references: bool) -> None:
    """Write every NAME.ipynb (or those named) from its NAME.py, with outputs from the stored runs."""
    from labutils.tools import execution

    there, failed = {script.stem: script for script in execution.scripts()}, False
    if unknown := [task for task in tasks if task not in there]:
        raise click.UsageError(f"There is no notebook {unknown[0]!r}; there are {', '.join(there)}.")
    for name, script in there.items():
        if not tasks or name in tasks:
            error = execution.build(script, paths.ROOT / "tests" / "reference" if references else None)
            failed |= bool(error)
            click.echo(f"{name}: {error or 'written'}", err=bool(error))
    sys.exit(failed)


@main.command()
@click.option("--mine", is_flag=True, help="Your own report, my-lab/report.html: answers, choices, exercises, runs.")
@click.option("--name", default="", help="With --mine: a name to put on it.")
@click.option("--source", metavar="NAME", default="", help="Runs on course, public or phantom images, or a data set.")
@click.option("--beside", metavar="NAME", multiple=True, help="Set the runs on these images beside them.")
@click.option("--power", is_flag=True, help="Only print how many seeds more what is undecided would take.")
@click.option("--sentences", is_flag=True, help="Only print every sentence made from runs, with the finding behind it.")
@click.option(
    "--claims",
    metavar="[FILE]",
    is_flag=False,
    flag_value="",
    help="Judge the conclusions of a file again on these runs; without FILE only write the lab's, claims.json.",
)
def report(
    mine: bool, name: str, source: str, beside: tuple[str, ...], power: bool, sentences: bool, claims: str | None
) -> None:
    """Write results/REPORT.md, with its figures, from the stored runs.

    Of a --source that is named, it is results/own/NAME/REPORT.md.
    """
    if mine:
        from labutils.course.mine import write_mine

        click.echo("written: " + ", ".join(paths.short(file) for file in write_mine(name)))
        return
    from labutils.tools.report import claims_words, power_words, sentences_words, update_readme, write_report

    if sentences or claims is not None:
        text, wrong = sentences_words(source) if claims is None else claims_words(source, claims)
        click.echo(text)
        sys.exit(wrong > 0)
    if power:
        click.echo(power_words(source))
        return
    results = paths.results_dir()
    file = write_report(source=source, beside=beside)
    click.echo(f"written: {paths.short(results)}/{file.relative_to(results).as_posix()}")
    if results == paths.ROOT / "results" and not source:
        update_readme(paths.ROOT / "README.md")


@main.command()
def doctor() -> None:
    """Say what may be wrong on this machine, and what to type: a tick or a cross for each thing looked at."""
    from labutils.tools.doctor import examine

    checks, (good, bad) = examine(), ("ok ", "BAD")
    with suppress(UnicodeEncodeError, LookupError):  # of a terminal that cannot show such signs
        "✓✗".encode(sys.stdout.encoding or "ascii")
        good, bad = "✓✗"
    for check in checks:
        click.echo(f"{bad if check.remedy else good} {check.name:<16} {check.found}")
        if check.remedy:
            click.echo(f"{'':<{len(good) + 18}}-> {check.remedy}")
    sys.exit(any(check.remedy for check in checks))


@main.command()
@click.option("--reset", "task", metavar="TASK", help="Take the newest version of a notebook; yours stays beside it.")
@click.option("--no-open", is_flag=True, help="Make the copies, and do not start JupyterLab.")
@click.option("--no-browser", is_flag=True, help="Start JupyterLab, and no browser.")
def lab(task: str | None, no_open: bool, no_browser: bool) -> None:
    """Open JupyterLab on my-lab/, your own copies of the notebooks."""
    from labutils.course import student

    for line in [student.reset(task)] if task is not None else student.make_copies():
        click.echo(line)
    if task is None and not no_open:
        raise SystemExit(student.open_lab(show_browser=not no_browser))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--choices", is_flag=True, help="Grade the predictions too, a point each.")
@click.option("--seed", type=click.IntRange(0), help="Decides the hidden inputs of a new course; drawn unless given.")
@click.option("--summary", is_flag=True, help="Say what came of the hand-ins that nbgrader has graded there.")
def course(folder: Path, tasks: tuple[str, ...], choices: bool, seed: int | None, summary: bool) -> None:
    """Write an nbgrader course into FOLDER, with all notebooks or those named."""
    from labutils.course.instructor import make_course
    from labutils.course.summary import summarize

    if summary and (choices or seed is not None):
        raise click.UsageError("--summary only reads: it takes no --choices and no --seed.")
    for line in summarize(folder, tasks) if summary else make_course(folder, tasks, choices=choices, seed=seed):
        click.echo(line)


for command in (data, runs, verify, train):
    main.add_command(command)
