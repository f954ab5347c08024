"""Which runs a report is about: by whose images they are on, and what no task of the lab shows."""

from dataclasses import replace
from pathlib import Path

import pytest
from evaluate_helpers import make_run

from labutils import lab
from labutils.errors import StoreError
from labutils.tools.sources import choose_runs, other_runs

RATES = lab.runs("task1b")
REAL = "a hospital"


def made(config, source="phantom"):
    run = make_run(config, source=source)
    return replace(run, path=Path(f"{source}-{config.key}"))


RUNS = [*map(made, RATES.values()), made(RATES["lr 1e-5"].with_(epochs=7), REAL)]


def test_runs_are_chosen_by_their_images():
    assert choose_runs("", RUNS) == ("phantom", RUNS[:3])
    assert choose_runs("A Hospital", RUNS) == (REAL, RUNS[3:])
    chest = replace(RUNS[3], config=RUNS[3].config.with_(dataset="chest"))
    assert choose_runs("Chest", [*RUNS, chest]) == (REAL, [chest])
    with pytest.raises(StoreError, match=r"No stored run is on images of 'chest'; .*phantom \(3\)"):
        choose_runs("chest", RUNS)


def test_without_phantoms_the_images_of_most_runs_are_told_of():
    assert choose_runs("", []) == ("phantom", []), "nothing is stored"
    assert choose_runs("", RUNS[3:]) == (REAL, RUNS[3:])


def test_runs_that_no_task_shows_are_other_runs():
    other, planned = made(RATES["lr 1e-5"].with_(dropout=0.15), REAL), made(RATES["lr 1e-4"], REAL)
    assert list(other_runs([*RUNS, other, planned]).values()) == [RUNS[3], other]
