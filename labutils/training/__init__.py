"""From a `RunConfig` and images to a `Run`: `train` and `train_all`; `find` looks for what is stored and trains none.

`train` answers from the store or trains, `fit` holds an epoch's whole life (with `backend`, `state` and `exam`),
`cost` says how long it takes, `workers` and `missing` use several processes or machines, `verify` repeats stored runs
and says by `bands` how far they may be apart, `search` tunes. Keras is imported when something trains or predicts.
"""

from labutils.runs.store import everywhere, find
from labutils.training.backend import import_keras
from labutils.training.cost import estimate_seconds
from labutils.training.train import load_best, same_network, train, train_all, with_weights

__all__ = [
    "estimate_seconds", "everywhere", "find", "import_keras", "load_best", "same_network", "train", "train_all",
    "with_weights",
]  # fmt: skip
