"""How commands end: with a sentence and a status."""

import click
import pytest
from click.testing import CliRunner

from labutils import errors
from labutils.tools.cli.common import explain


def end_with(problem):
    @click.command()
    @explain
    def command():
        raise problem

    return CliRunner().invoke(command)


@pytest.mark.parametrize("kind", [errors.DataError, errors.ParameterError, errors.StoreError, errors.NotebookError])
def test_what_cannot_be_done_ends_with_its_sentence_and_2(kind):
    ended = end_with(kind("Draw them first."))
    assert (ended.exit_code, ended.output) == (2, "Error: Draw them first.\n")


def test_the_stop_key_ends_with_130():
    ended = end_with(errors.TrainingInterrupted("stopped, 3 epochs are kept."))
    assert (ended.exit_code, ended.output) == (130, "stopped, 3 epochs are kept.\n")


def test_a_fault_of_the_program_is_not_explained_away():
    assert isinstance(end_with(ZeroDivisionError("ours")).exception, ZeroDivisionError)
