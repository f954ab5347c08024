"""Runs against each other, pair by pair, on the same validation images."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from labutils.evaluate.compare import accuracy_difference, mcnemar

if TYPE_CHECKING:
    import pandas as pd

    from labutils.runs import Run


def paired_table(runs: Mapping[str, Run]) -> pd.DataFrame:
    """One row per pair of runs: who is right where the other is wrong, and what McNemar's exact test says.

    Parameters
    ----------
    runs : mapping of str to Run
        By label, all validated on the same images; each is taken at the epoch of its best validation accuracy.

    Returns
    -------
    DataFrame
        Difference of the accuracies (first minus second) with its 95 % interval, the images that only one of the two
        gets right, and the two-sided p-value. Empty with fewer than two runs.

    Raises
    ------
    ComparisonError
        If two runs were validated on different images.
    """
    import pandas as pd

    rows = []
    for (name_a, a), (name_b, b) in combinations(runs.items(), 2):
        test, difference = mcnemar(a, b), accuracy_difference(a, b)
        rows.append(
            {
                "runs": f"{name_a} against {name_b}",
                "difference [95 % interval]": str(difference),
                "only the first is right": test.n10,
                "only the second is right": test.n01,
                "p (exact McNemar)": f"{test.p:.3f}",
            }
        )
    columns = ["runs", "difference [95 % interval]", "only the first is right", "only the second is right"]
    return pd.DataFrame(rows, columns=[*columns, "p (exact McNemar)"]).set_index("runs")
