"""The split of an import: nobody on two sides, every class with its share, the same every time."""

import numpy as np
import pytest

from labutils.errors import DataError
from labutils.tools.imports.split import join_groups, split_groups

SHARES = (0.7, 0.15, 0.15)


@pytest.mark.parametrize("seed", range(8))
def test_patients_stay_together_and_classes_keep_their_shares(seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(60), rng.integers(1, 8, 60))
    of_patient = np.r_[np.arange(9) % 3, rng.integers(0, 3, 51)]
    labels = np.where(rng.random(len(groups)) < 0.1, rng.integers(0, 3, len(groups)), of_patient[groups])
    splits = split_groups(labels, groups, SHARES, "abc", seed)
    assert all(len(set(splits[groups == group])) == 1 for group in set(groups))
    for label in range(3):
        found = np.bincount(splits[labels == label], minlength=3) / (labels == label).sum()
        assert np.abs(found - SHARES).max() < 0.1
    assert np.array_equal(splits, split_groups(labels, groups, SHARES, "abc", seed))


def test_another_seed_is_another_split():
    labels, groups = np.arange(40) % 2, np.arange(40)
    found = [split_groups(labels, groups, (0.8, 0.2), "ab", seed) for seed in (0, 1)]
    assert not np.array_equal(*found) and [np.bincount(one).tolist() for one in found] == [[32, 8], [32, 8]]


@pytest.mark.parametrize(("often", "shares"), [([0] * 300, SHARES), ([0, 1] * 30, (0.98, 0.01, 0.01))])
def test_a_rare_class_is_in_every_split(often, shares):
    labels = np.array([*often, *[max(often) + 1] * 3])
    splits = split_groups(labels, np.arange(len(labels)), shares, "abc"[: max(labels) + 1])
    assert sorted(splits[-3:]) == [0, 1, 2]


def test_too_few_patients_is_a_sentence():
    labels, groups = np.repeat([0, 1], 9), np.array([*range(9), *[10] * 5, *[11] * 4])
    with pytest.raises(DataError, match=r"rare has images of 2 patients .*train, validation, test need one each"):
        split_groups(labels, groups, SHARES, ("often", "rare"))


def test_linked_groups_become_one():
    joined = join_groups(np.array([5, 0, 1, 2, 2]), np.array([0, 0, 2, 1, 4]))
    assert joined[0] == joined[1] == joined[3] == joined[4] != joined[2]
    assert sorted(set(joined.tolist())) == [0, 1]
