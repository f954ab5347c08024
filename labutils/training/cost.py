"""What a training costs: seconds on this machine, before anything is built."""

import time
from functools import cache

import numpy as np

from labutils.config import RunConfig
from labutils.models import describe


def estimate_seconds(config: RunConfig, n_train: int, n_classes: int = 2) -> float:
    """Seconds that a training would take on this machine, within about a factor of two, without TensorFlow.

    From the operations of the network and the speed of a matrix product, measured here once (a tenth of a second).
    """
    operations = 3 * 2 * describe(config, n_classes).multiply_adds  # of one image: forward, and twice that backward
    # A training step reaches 0.4 to 0.7 of the product's speed (`make bench`).
    return config.epochs * n_train * operations / (0.5 * _product_speed())


@cache
def _product_speed() -> float:
    """Floating-point operations a second of a matrix product here."""
    a = np.ones((768, 768), np.float32)
    seconds: list[float] = []
    # The fastest: whatever else the machine does now, it may not do during the training. Nor is it waited for.
    while len(seconds) < 3 or (len(seconds) < 20 and sum(seconds) < 0.1):
        started = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - started)
    return 2 * 768**3 / min(seconds)
