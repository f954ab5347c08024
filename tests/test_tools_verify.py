"""Many stored runs: those that can be repeated here, a few in a process, and a word on each of the others."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import made_up_run, tiny_config, tiny_dataset

from labutils.runs.run import write_run
from labutils.tools import verify

SOURCES = ("course", "HAM10000 selection", "course", "course", "course")


@pytest.mark.parametrize("at_once", [1, 8])
def test_runs_are_verified_on_what_they_were_trained_with_and_each_says_what_came_of_it(results, monkeypatch, at_once):
    monkeypatch.setenv("LABUTILS_DATA", str(results))
    monkeypatch.setattr(verify, "RUNS_PER_PROCESS", at_once)
    folders = [results / f"run{number}" for number in range(2 if at_once == 1 else 5)]
    for seed, folder in enumerate(folders):
        run = made_up_run(tiny_config(epochs=1, seed=seed), tiny_dataset())
        run = replace(run, provenance=run.provenance | {"source": SOURCES[seed]}, path=folder)
        write_run(run, {"epochs": np.array(1)}, None)
    (results / "damaged").mkdir()
    found = {v.name: v for v in verify.verify_all([*folders, results / "damaged"])}
    assert list(found) == ["damaged", *(folder.name for folder in folders)]
    assert not any(v.passed for v in found.values())
    assert "is not a stored run or is damaged" in str(found["damaged"])
    for source, folder in zip(SOURCES, folders, strict=False):
        assert f"its images ({source}, fingerprint" in str(found[folder.name])
