"""Trainings give the numbers of when they were looked at last, so that no test asks only the code itself."""

import json
import re

import pytest
from golden_helpers import FEATURES, FILE, numbers, settings
from helpers import tiny_config, tiny_dataset

from labutils.training.epoch import fit

GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))


def test_every_feature_has_its_numbers_and_no_two_the_same():
    assert GOLDEN.keys() == FEATURES.keys()
    assert len({tuple(golden["val_loss"]) for golden in GOLDEN.values()}) == len(FEATURES)


@pytest.mark.parametrize("feature", FEATURES)
def test_two_epochs(feature):
    golden = GOLDEN[feature]
    found = numbers(fit(*settings(feature), precision="float32", show=False).run)
    for name, losses in found.items():
        assert losses == pytest.approx(golden[name], rel=0, abs=golden["band"]), name


def test_measuring_how_long_it_takes_moves_no_number(capsys):
    config = tiny_config(batch_size=1, epochs=5, dropout=0.3)
    runs = [fit(config, tiny_dataset(), precision="float32", show=show).run for show in (True, False)]
    said = capsys.readouterr().out.splitlines()[0]
    assert re.search(r"2,161 parameters, 120 steps, about \d+ s on this machine \(\d+ ms a step\)$", said)
    assert numbers(runs[0]) == numbers(runs[1])
