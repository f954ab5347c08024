"""One family of errors, each shown as its sentence alone."""

import inspect

import pytest

from labutils import errors

FAMILY = [e for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, errors.LabError)]


@pytest.mark.parametrize("kind", FAMILY)
def test_jupyter_shows_the_sentence_and_no_trace(kind):
    assert kind("Set lr above 0.")._render_traceback_() == [f"{kind.__name__}: Set lr above 0."]
    shown = kind("a\x1b[2J\nb\u200b")  # what it quotes is shown and not obeyed; its lines stay
    assert str(shown) == "a\\x1b[2J\nb\\u200b" and shown.args == (str(shown),)


def test_the_family_is_caught_as_one_and_as_what_python_calls_it():
    assert {e.__name__ for e in FAMILY} >= {"ParameterError", "DataError", "StoreError", "NotebookError"}
    assert issubclass(errors.ParameterError, ValueError) and issubclass(errors.StoreError, RuntimeError)


def test_the_stop_key_is_no_error_and_shows_its_sentence_alone():
    assert issubclass(errors.TrainingInterrupted, KeyboardInterrupt)
    assert not issubclass(errors.TrainingInterrupted, errors.LabError)
    assert errors.TrainingInterrupted("stopped, 3 epochs kept.")._render_traceback_() == ["stopped, 3 epochs kept."]
