"""What commands share: how they end when they cannot do what they were asked to, and where they train.

They end with one sentence and a status. `--scheduler` is a Dask scheduler, with the certificates that it may ask for;
see `training.workers` for what it does.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from labutils.errors import LabError, TrainingInterrupted

if TYPE_CHECKING:
    from labutils.training.workers import Scheduler

_ADDRESS = re.compile(r"((tcp|tls)://)?[\w.:\[\]-]+:\d{1,5}", re.ASCII)


class Problem(click.ClickException):
    """What cannot be done, in a sentence for the user; status 2."""

    exit_code = 2


def explain(command: Callable[..., Any]) -> Callable[..., Any]:
    """What cannot be done ends the command with its sentence and status 2; the stop key with status 130."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except LabError as error:
            raise Problem(str(error)) from None
        except TrainingInterrupted as stopped:
            click.echo(str(stopped), err=True)
            sys.exit(130)

    return run


def scheduler_options(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options of a command that takes a `Scheduler`, or None, as `scheduler`; `what` is their help."""
    certificates = {
        "--tls-ca": "With tls://...: the authority that signed the cluster's certificates, a PEM file.",
        "--tls-cert": "With tls://...: your own certificate, a PEM file.",
        "--tls-key": "With tls://...: its key, a PEM file.",
    }

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(scheduler: str | None, **options: Any) -> Any:
            files = [options.pop(name.strip("-").replace("-", "_")) for name in certificates]
            if scheduler is not None and not _ADDRESS.fullmatch(scheduler):
                raise click.UsageError(f"--scheduler is {scheduler!r}: it must be tcp://HOST:PORT or tls://HOST:PORT.")
            if any(files) and not (scheduler or "").startswith("tls://"):
                raise click.UsageError("--tls-ca, --tls-cert and --tls-key go with --scheduler tls://HOST:PORT.")
            if scheduler is None:
                return command(scheduler=None, **options)
            from labutils.training.workers import Scheduler

            return command(scheduler=Scheduler(scheduler, *files), **options)

        for name, said in reversed(certificates.items()):
            run = click.option(name, type=click.Path(exists=True, dir_okay=False), metavar="FILE", help=said)(run)
        return click.option("--scheduler", metavar="tcp://...", help=what)(run)

    return add


@contextmanager
def notebooks_train_on(scheduler: Scheduler) -> Iterator[None]:
    """Let what notebooks ask for that are executed meanwhile be trained by the workers of a scheduler.

    A ClusterError, before a notebook is executed, says that it cannot be used; stopped by hand, a TrainingInterrupted.
    """
    from labutils.training.workers import HANDED_ON, connect

    with connect(scheduler):
        pass
    os.environ[HANDED_ON] = json.dumps(vars(scheduler))
    try:
        yield
    except TrainingInterrupted:
        raise TrainingInterrupted(
            "Stopped; notebooks that have ended and runs that have arrived are kept. Workers finish what they are at. "
            "Run the same again for the others."
        ) from None
    finally:
        del os.environ[HANDED_ON]
