"""One latent severity per phantom, and the signs that follow from it: what the classes of skin and bone differ by."""

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr


def sample_levels(
    directions: Mapping[str, int], mean: float, agreement: float, rng: np.random.Generator
) -> dict[str, float]:
    """Severity of one case and the level of each of its signs, from 0 (least of all cases) to 1 (most).

    `directions` are 1 for a sign of which there is more in severe cases, -1 for less; `mean` is the mean severity of
    the class (standard deviation 1; the other class has the negative), `agreement` the correlation of each sign with
    it.
    """
    severity = rng.normal(mean, 1.0)
    scaled = agreement * severity / np.sqrt(1 + mean**2)
    noise = np.sqrt(1 - agreement**2) * rng.standard_normal(len(directions))
    levels = ndtr(np.array(list(directions.values())) * scaled + noise)
    return {"severity": float(severity), **dict(zip(directions, levels.tolist(), strict=True))}


def above(level: float, start: float) -> float:
    """How much there is of a sign that appears only from the level `start` on: 0 below, then growing to 1."""
    return max(0.0, (level - start) / (1 - start))
