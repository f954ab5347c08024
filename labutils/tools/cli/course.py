"""`labutils lab | course`: the student's own copies, and the instructor's folder for nbgrader."""

from pathlib import Path

import click

from labutils.tools.cli.errors import explain


@click.command()
@click.option("--reset", "task", metavar="TASK", help="Take the newest version of a notebook; yours stays beside it.")
@click.option("--no-open", is_flag=True, help="Make the copies, and do not start JupyterLab.")
@click.option("--no-browser", is_flag=True, help="Start JupyterLab, and no browser.")
@explain
def lab(task: str | None, no_open: bool, no_browser: bool) -> None:
    """Open JupyterLab on my-lab/, your own copies of the notebooks."""
    from labutils.course import student

    for line in [student.reset(task)] if task is not None else student.make_copies():
        click.echo(line)
    if task is None and not no_open:
        raise SystemExit(student.open_lab(show_browser=not no_browser))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--choices", is_flag=True, help="Grade the predictions too, a point each.")
@click.option("--seed", type=click.IntRange(0), help="Decides the inputs of the hidden tests.")
@explain
def course(folder: Path, tasks: tuple[str, ...], choices: bool, seed: int | None) -> None:
    """Write an nbgrader course into FOLDER, with all notebooks or those named."""
    from labutils.course.instructor import HIDDEN_SEED, make_course

    for line in make_course(folder, tasks, choices=choices, seed=HIDDEN_SEED if seed is None else seed):
        click.echo(line)
