"""A figure is drawn again when what it shows has changed, and only then."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_helpers import make_run

from labutils import lab, paths
from labutils.plots import kept

RUN = make_run(lab.runs("task1b")["lr 1e-5"].with_(epochs=3))


@pytest.fixture
def drawing(tmp_path, monkeypatch):
    """How often a figure was drawn, and a way to ask for it."""
    monkeypatch.setattr(paths, "generated_dir", lambda: tmp_path)
    times = []

    def draw(runs, save):
        times.append(save)
        save.write_bytes(b"a picture")

    def ask(runs, file=tmp_path / "a.png"):
        kept.draw_once(draw, runs, file)
        return len(times)

    return ask


def test_the_same_runs_are_drawn_once(drawing):
    assert drawing({"a": RUN}) == 1
    assert drawing({"a": replace(RUN)}) == 1


def test_whatever_can_be_seen_makes_it_new(drawing):
    drawing({"a": RUN})
    louder = {**RUN.history, "loss": RUN.history["loss"] + 0.001}
    others = [
        {"b": RUN},
        {"a": RUN.first(2)},
        {"a": replace(RUN, history=louder)},
        {"a": replace(RUN, val_predictions=RUN.val_predictions + np.float16(0.01))},
        {"a": replace(RUN, provenance={"source": "course"})},
        {"a": RUN, "b": RUN},
        RUN,
    ]
    for number, other in enumerate(others, start=2):
        assert drawing(other) == number


def test_a_file_that_is_gone_or_changed_is_drawn_again(drawing, tmp_path):
    drawing(RUN)
    (tmp_path / "a.png").write_bytes(b"another picture")
    assert drawing(RUN) == 2
    (tmp_path / "a.png").unlink()
    assert drawing(RUN) == 3


def test_other_code_draws_anew(drawing, monkeypatch):
    drawing(RUN)
    monkeypatch.setattr(kept, "_code", lambda: "other")
    assert drawing(RUN) == 2


@pytest.mark.parametrize("notes", ["nonsense", "[1]"])
def test_notes_that_cannot_be_read_cost_time_and_nothing_else(drawing, tmp_path, notes):
    drawing(RUN)
    (tmp_path / "cache" / "figures.json").write_text(notes)
    assert drawing(RUN) == 2 and drawing(RUN) == 2


def test_where_nothing_can_be_noted_everything_is_drawn(drawing, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert drawing(RUN) == 1 and drawing(RUN) == 2
