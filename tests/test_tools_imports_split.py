"""The split of an import: nobody on two sides, every class with its share, the same every time."""

import numpy as np
import pytest

from labutils.errors import DataError
from labutils.tools.imports.split import join_groups, split_groups

SHARES = (0.7, 0.15, 0.15)


def random_patients(seed, n=60, classes=3):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n), rng.integers(1, 8, n))
    of_patient = rng.integers(0, classes, n)
    of_patient[: 3 * classes] = np.arange(3 * classes) % classes
    labels = np.where(rng.random(len(groups)) < 0.1, rng.integers(0, classes, len(groups)), of_patient[groups])
    return labels, groups


@pytest.mark.parametrize("seed", range(8))
def test_patients_stay_together_and_classes_keep_their_shares(seed):
    labels, groups = random_patients(seed)
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


def test_a_rare_class_is_in_every_split():
    labels = np.array([0] * 300 + [1] * 3)
    splits = split_groups(labels, np.arange(303), SHARES, ("often", "rare"))
    assert sorted(splits[labels == 1]) == [0, 1, 2]
    labels = np.array([0, 1] * 30 + [2] * 3)
    assert sorted(split_groups(labels, np.arange(63), (0.98, 0.01, 0.01), "abc")[60:]) == [0, 1, 2]


def test_too_few_patients_is_a_sentence():
    with pytest.raises(DataError, match=r"rare has images of 2 patients .*train, validation, test need one each"):
        split_groups(
            np.array([0] * 9 + [1] * 9), np.array([*range(9), *[10] * 5, *[11] * 4]), SHARES, ("often", "rare")
        )


def test_linked_groups_become_one():
    joined = join_groups(np.array([5, 0, 1, 2, 2]), np.array([0, 0, 2, 1, 4]))
    assert joined[0] == joined[1] == joined[3] == joined[4] != joined[2]
    assert sorted(set(joined.tolist())) == [0, 1]
