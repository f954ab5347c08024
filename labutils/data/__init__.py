"""Images and labels, ready to train on: `load_dataset`."""

from labutils.data.dataset import Dataset, load_dataset
from labutils.errors import DataError

__all__ = ["DataError", "Dataset", "load_dataset"]
