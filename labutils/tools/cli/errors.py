"""How every command ends when it cannot do what it was asked to: one sentence, and a status."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click


class Problem(click.ClickException):
    """What cannot be done, in a sentence for the user; status 2."""

    exit_code = 2


def explain(command: Callable[..., Any]) -> Callable[..., Any]:
    """What cannot be done ends the command with its sentence and status 2; the stop key with status 130."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from labutils.errors import LabError, TrainingInterrupted

        try:
            return command(*args, **kwargs)
        except LabError as error:
            raise Problem(str(error)) from None
        except TrainingInterrupted as stopped:
            click.echo(str(stopped), err=True)
            sys.exit(130)

    return run
