"""What the networks of the exercises learn, seed by seed: the bound has to lie below right ones and above broken ones.

`python benchmarks/bounds.py [EXERCISE]...` trains them as their checks do, from 20 seeds: some minutes. Broken ones
that no check would train are trained here all the same.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from labutils.course.exercises import EXERCISES, built

BROKEN = {
    "mend_two_classes": "a softmax over one output",
    "mend_normalization": "forgotten when predicting",
    "mend_batches": "images and labels in two orders",
    "build_on_budget": "nothing that bends",
}
"""The mistake of an exercise that shows in what a network learns."""

SEEDS = 20


def main(names: list[str]) -> int:
    """Print lowest, median and highest share for each; 1 if the bound is not between right and broken ones."""
    wrong = 0
    for name in names or built.LEARN:
        exercise = EXERCISES[name]
        tried = [m for m in exercise.mistakes if m.name == BROKEN.get(name)]
        for label, written in [("right", exercise.reference), *((m.name, m.wrong) for m in tried)]:
            began, shares = time.perf_counter(), []
            for seed in range(SEEDS):
                given = exercise.cases(np.random.default_rng(seed))[-1].arguments.values()
                shares.append(built.LEARN[name](written, *given))
            low, middle, high = min(shares), float(np.median(shares)), max(shares)
            seconds = (time.perf_counter() - began) / SEEDS
            print(f"{name:22} {label:34} {low:.3f} {middle:.3f} {high:.3f}  {seconds:.1f} s", flush=True)
            wrong += low <= built.BOUND if label == "right" else high > built.BOUND
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
