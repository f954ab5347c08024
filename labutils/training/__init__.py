"""From a `RunConfig` and images to a `Run`: `train` and `train_all`; `load_best` gives a trained network back.

`train` answers from the store or trains, `fit` holds an epoch's whole life (with `backend`, `state` and `exam`),
`cost` says how long it takes, `workers` and `missing` use several processes or machines, `verify` repeats stored runs
and says by `bands` how far they may be apart, `search` tunes. Keras is imported when something trains or predicts.
"""

from labutils.training.backend import import_keras
from labutils.training.cost import estimate_seconds
from labutils.training.train import load_best, or_small, same_network, stored, train, train_all, with_weights

__all__ = [
    "estimate_seconds", "import_keras", "load_best", "or_small", "same_network", "stored", "train", "train_all",
    "with_weights",
]  # fmt: skip
