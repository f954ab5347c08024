"""A figure is drawn again when what it shows has changed, and only then."""

import os
from dataclasses import replace

import numpy as np
import pytest
from evaluate_helpers import make_run

from labutils import lab, paths
from labutils.plots import kept

RUN = make_run(lab.runs("task1b")["lr 1e-5"].with_(epochs=3))


@pytest.fixture
def drawing(tmp_path, monkeypatch):
    """A way to ask for a figure, which says how often one was drawn."""
    monkeypatch.setattr(paths, "generated_dir", lambda: tmp_path)
    times = []

    def draw(runs, save):
        times.append(save)
        save.write_bytes(b"a picture")

    def ask(runs, file=tmp_path / "a.png"):
        kept.draw_once(draw, runs, file)
        assert file.read_bytes() == b"a picture"
        return len(times)

    return ask


def test_whatever_can_be_seen_makes_it_new_and_nothing_else(drawing):
    louder = {**RUN.history, "loss": RUN.history["loss"] + 0.001}
    seen = [
        {"a": RUN},
        {"b": RUN},
        {"a": RUN.first(2)},
        {"a": replace(RUN, history=louder)},
        {"a": replace(RUN, val_predictions=RUN.val_predictions + np.float16(0.01))},
        {"a": replace(RUN, provenance={"source": "course"})},
        {"a": RUN, "b": RUN},
        RUN,
    ]
    for number, runs in enumerate(seen, start=1):
        assert drawing(runs) == number
        assert drawing(runs) == number
    assert drawing({"a": replace(RUN, status="reused")}) == len(seen)


def test_a_file_that_is_gone_or_changed_is_there_again(drawing, tmp_path):
    drawing(RUN)
    (tmp_path / "a.png").write_bytes(b"another picture")
    drawing(RUN)
    (tmp_path / "a.png").unlink()
    assert drawing(RUN) == 1


def test_other_code_draws_anew(drawing, monkeypatch):
    drawing(RUN)
    monkeypatch.setattr(kept, "_code", lambda: "other")
    assert drawing(RUN) == 2


def test_the_oldest_are_forgotten(drawing, monkeypatch, tmp_path):
    monkeypatch.setattr(kept, "MOST", 2)
    for age, label in enumerate("abc"):
        drawing({label: RUN})
        newest = max((tmp_path / "cache" / "figures").iterdir(), key=lambda one: one.stat().st_mtime)
        os.utime(newest, (age, age))
    assert drawing({"c": RUN}) == drawing({"b": RUN}) == 3 and drawing({"a": RUN}) == 4


def test_where_nothing_can_be_kept_everything_is_drawn(drawing, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert drawing(RUN) == 1 and drawing(RUN) == 2
