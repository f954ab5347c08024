"""Patients into training, validation and exam: nobody on two sides, every class with its share, the same every time."""

from collections.abc import Sequence

import numpy as np

from labutils.errors import DataError

SPLITS = ("train", "validation", "test")
"""The folders that shares are for, in their order."""


def split_groups(
    labels: np.ndarray, groups: np.ndarray, shares: Sequence[float], class_names: Sequence[str], seed: int = 0
) -> np.ndarray:
    """Which split each image goes to (n,), as a position in `shares`, so that images of one group stay together.

    Groups are dealt out one after another, the large ones first, each to the split that then comes closest to its share
    of every class; `seed` decides among groups of one size. A split that would lack a class gets the smallest group
    that has it. `labels` and `groups` are (n,), from 0; `shares` add up to 1. A DataError says that a class has fewer
    groups than there are splits, or that no way is found.
    """
    counts = np.zeros((groups.max() + 1, len(class_names)), np.int64)
    np.add.at(counts, (groups, labels), 1)
    for label, name in enumerate(class_names):
        there = int((counts[:, label] > 0).sum())
        if there < len(shares):
            raise DataError(
                f"{name} has images of {there} {'patient' if there == 1 else 'patients'} (those whose pictures are "
                f"the same count as one): {', '.join(SPLITS[: len(shares)])} need one each. Bring more, or "
                + ("give fewer --shares (80,20 for no exam)." if len(shares) > 2 else "leave that class out.")
            )
    shuffled = np.random.default_rng(seed).permutation(len(counts))
    order = shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]
    # In shares of each class: a rare class counts as much as a frequent one.
    weights = counts / counts.sum(axis=0)
    lacking = np.repeat(np.asarray(shares, np.float64)[:, None], len(class_names), axis=1)
    place = np.zeros(len(counts), np.int64)
    for group in order:
        # How much the squared distance from all shares shrinks if the group goes there.
        gain = (weights[group] * (2 * lacking - weights[group])).sum(axis=1)
        place[group] = int(gain.argmax())
        lacking[place[group]] -= weights[group]
    for split in range(len(shares)):
        for label, name in enumerate(class_names):
            if not counts[place == split, label].any() and not _lend(counts, order, place, split, label):
                raise DataError(
                    f"The patients cannot be dealt out so that {SPLITS[split]} has images of {name}: too few patients "
                    "have most of the images. Bring more, or give fewer --shares (80,20 for no exam)."
                )
    return place[groups]


def _lend(counts: np.ndarray, order: np.ndarray, place: np.ndarray, split: int, label: int) -> bool:
    """Move the smallest group with a class to the split that lacks it, if its own keeps every class; False if none."""
    for group in order[::-1]:
        if place[group] == split or not counts[group, label]:
            continue
        left = counts[(place == place[group])].sum(axis=0) - counts[group]
        if (left[counts[group] > 0] > 0).all():
            place[group] = split
            return True
    return False


def join_groups(groups: np.ndarray, leaders: np.ndarray) -> np.ndarray:
    """Groups (n,), from 0, that are linked by pictures that are nearly the same become one.

    `leaders` are, for each image, the position of one that it is nearly the same as (its own, if of none).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = int(groups.max()) + 1
    graph = coo_array((np.ones(len(groups), bool), (groups[leaders], groups)), shape=(n, n))
    joined = connected_components(graph, directed=False)[1]
    return np.unique(joined[groups], return_inverse=True)[1].astype(np.int64)
