"""What commands share: how they end when they cannot do what they were asked to, and `--scheduler`."""

import re
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from labutils.errors import LabError, TrainingInterrupted

_ADDRESS = re.compile(r"((tcp|tls)://)?[\w.:\[\]-]+:\d{1,5}", re.ASCII)


class Problem(click.ClickException):
    """What cannot be done, in a sentence for the user; status 2."""

    exit_code = 2


class Explained(click.Group):
    """Commands that, where they cannot do something, end with its sentence and status 2; at the stop key with 130."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command that was typed."""
        try:
            return super().invoke(context)
        except LabError as error:
            raise Problem(str(error)) from None
        except TrainingInterrupted as stopped:
            click.echo(str(stopped), err=True)
            sys.exit(130)


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
