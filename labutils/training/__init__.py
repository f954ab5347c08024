"""From a `RunConfig` and images to a `Run`: `train` and `train_all`; `find` looks for what is stored and trains none.

From settings to optimizer: `train` answers from the store or trains, `epoch` holds an epoch's whole life, `backend`
gives the compiled network, `models` its layers. `checkpoint` is what a training leaves, `cost` says how long it takes,
`workers` train on several processes or machines, `verify` repeats a stored run, `search` tunes. Keras is imported when
something trains or predicts.
"""

from labutils.runs.store import everywhere, find
from labutils.training.backend import import_keras
from labutils.training.cost import estimate_seconds
from labutils.training.train import load_best, same_network, train, train_all, with_weights

__all__ = [
    "estimate_seconds", "everywhere", "find", "import_keras", "load_best", "same_network", "train", "train_all",
    "with_weights",
]  # fmt: skip
