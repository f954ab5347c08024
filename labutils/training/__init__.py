"""From a `RunConfig` and images to a `Run`: `train` and `train_all`; `find` looks for what is stored and trains
none."""

from labutils.runs.store import everywhere, find
from labutils.training.backend import import_keras
from labutils.training.cost import estimate_seconds
from labutils.training.train import load_best, same_network, train, train_all, with_weights
