"""Trainings give the numbers of when they were looked at last, so that no test asks only the code itself."""

import json

import pytest
from golden_helpers import FEATURES, FILE, numbers, settings

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
