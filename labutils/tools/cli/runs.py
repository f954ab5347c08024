"""`labutils runs | verify | train`: commands around training runs."""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
import time
from calendar import timegm
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

import click

from labutils.config import NOTEBOOK_NAMES, RunConfig
from labutils.errors import ParameterError, visible
from labutils.tools.cli.common import Problem, scheduler_options

if TYPE_CHECKING:
    from labutils.runs import Run
    from labutils.training.workers import Scheduler


@click.group(invoke_without_command=True)
@click.pass_context
def runs(context: click.Context) -> None:
    """List the stored runs: settings, epochs, best validation accuracy with its interval, data, age, training time."""
    if context.invoked_subcommand:
        return
    from labutils.runs import RunStore

    store = RunStore()
    lines = {run.path.name: describe(run) for run in store.all() if run.path}
    lines |= {folder.name: f"DAMAGED: {error}" for folder, error in store.damaged().items()}
    for name, line in sorted(lines.items()):
        click.echo(visible(f"{name:{max(map(len, lines))}}  {line}"))
    if not lines:
        click.echo("No runs are stored yet.")


@runs.command()
@click.argument("name")
def rm(name: str) -> None:
    """Remove the stored run NAME: its folder's name as listed, or a beginning of it that no other run has."""
    from labutils.runs import RunStore

    click.echo(visible(f"{RunStore().remove(name).name} is removed."))


@click.command()
@click.argument("names", metavar="[RUN]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every stored run.")
@click.option(
    "--some",
    type=click.IntRange(1),
    metavar="N",
    help="N of the stored runs whose epoch takes a minute at most here, others each time.",
)
@click.option("--epochs", type=click.IntRange(1), default=1, show_default=True, help="First epochs to train again.")
def verify(names: tuple[str, ...], every: bool, some: int | None, epochs: int) -> None:
    """Train the first epoch of stored runs again and compare with what is stored.

    Ends with status 1 if one of them differs, with 2 if one that was named cannot be verified here, or none can.
    """
    from labutils.runs import RunStore
    from labutils.tools.verify import quick_ones, verify_all

    store = RunStore()
    if sum((bool(names), every, some is not None)) != 1:
        raise click.UsageError("Say which runs: their names, --all or --some N. `labutils runs` lists them.")
    folders = [store.named(name) for name in names] or list(store)
    if not folders:
        raise Problem("No runs are stored yet.")
    if some is not None and not (folders := quick_ones(folders)):
        raise Problem("An epoch of each stored run takes more than a minute here: name one, or take --all.")
    found = []
    for verification in verify_all(random.sample(folders, min(some, len(folders))) if some else folders, epochs):
        click.echo(visible(str(verification)))
        found.append(verification.passed)
    differ, silent = found.count(False), found.count(None)
    click.echo(f"{found.count(True)} repeated, {differ} differ, {silent} cannot be verified here.")
    if differ:
        sys.exit(1)
    if silent and (names or silent == len(found)):
        sys.exit(2)


def _settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for every setting of a run, named as in the package and as in the notebooks."""
    for name, field in reversed(RunConfig.model_fields.items()):
        spellings = [f"--{word.replace('_', '-')}" for word in (name, NOTEBOOK_NAMES.get(name)) if word]
        kinds = {field.annotation, *get_args(field.annotation)}
        options: dict[str, Any] = {"multiple": True, "type": str}
        if bool in kinds:
            options = {"is_flag": True, "default": None}
        elif name in ("dense", "augmentation"):
            options |= {"type": _json, "metavar": "JSON"}
        elif float in kinds:
            options["type"] = float
        elif int in kinds or name == "channels":
            options["type"] = int
        command = click.option(*spellings, name, help=field.description, **options)(command)
    return command


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


@click.command()
@_settings
@click.option("--seeds", metavar="0,1,2", help="Train every run once with each of these seeds.")
@click.option("--source", default="auto", show_default=True, help="course, public, phantom or auto")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Runs at a time on this machine.")
@scheduler_options("Train on the workers of this Dask scheduler.")
def train(seeds: str | None, source: str, jobs: int, scheduler: Scheduler | None, **settings: Any) -> None:
    """Train one run, or several: an option given several times makes a run for each of its values.

    Runs that are stored are reused, shorter ones are continued.
    """
    from labutils.data.dataset import images_for, load_dataset
    from labutils.runs import find
    from labutils.tools.missing import share_out
    from labutils.training import train_all
    from labutils.training.workers import connect

    if not sys.stderr.isatty():
        os.environ.setdefault("LABUTILS_PROGRESS", "log")
    groups: dict[tuple, dict[str, RunConfig]] = {}
    for config in _configs(settings, seeds):
        groups.setdefault(images_for(config, source), {})[config.slug] = config
    failed = 0
    for images, configs in groups.items():
        dataset = load_dataset(*images)
        click.echo(dataset.banner())
        if scheduler:
            with connect(scheduler) as client:
                trained = train_all(configs, dataset, executor=client.get_executor())
        elif jobs > 1:
            failed |= share_out([*configs.items()], source, jobs)
            trained = find(configs, dataset)
        else:
            trained = train_all(configs, dataset)
        for run in trained.values():
            click.echo(f"{run.label}: {describe(run)}")
    sys.exit(failed)


def _configs(settings: dict[str, Any], seeds: str | None) -> list[RunConfig]:
    if seeds is not None:
        try:
            settings = settings | {"seed": tuple(int(seed) for seed in seeds.split(","))}
        except ValueError:
            raise ParameterError(f"seeds is {seeds!r}: it must be whole numbers with commas, such as 0,1,2.") from None
    given = {name: value if isinstance(value, tuple) else (value,) for name, value in settings.items() if value}
    return [RunConfig(**dict(zip(given, values, strict=True))) for values in itertools.product(*given.values())]


def describe(run: Run) -> str:
    """One line about a run: epochs, best validation accuracy with its interval, data, age, training time."""
    from labutils.evaluate import accuracy
    from labutils.progress import minutes

    age, ended = "of unknown age", run.provenance["stretches"][-1].get("ended")
    if ended is not None:
        seconds = max(0, time.time() - timegm(time.strptime(ended, "%Y-%m-%dT%H:%M:%SZ")))
        units = {"days": 86400, "hours": 3600, "minutes": 60}
        unit = next((unit for unit, size in units.items() if seconds >= 2 * size), "minutes")
        age = f"{seconds / units[unit]:.0f} {unit} old"
    return (
        f"{run.epochs} epochs, best accuracy {accuracy(run)} in epoch {run.best_epoch + 1}, "
        f"{run.source} data, {age}, trained in {minutes(float(run.history['seconds'].sum()))}"
    )
