"""What every check relies on, those of notebooks by nbval included: one thread, float32, oneDNN, no progress bars."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

# Before anything imports TensorFlow: results depend on the number of threads and on the precision.
os.environ["LABUTILS_THREADS"] = "1"
os.environ["LABUTILS_PRECISION"] = "float32"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"  # as training sets it: some tests import TensorFlow themselves, and earlier
os.environ["LABUTILS_PROGRESS"] = "none"

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell that starts the tests in the background switches the stop key off for all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collectstart(collector: Any) -> None:
    """Leave out what a library may write to stderr when nbval compares outputs."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)


@pytest.hookimpl
def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Pass over notebooks that are not the lab's: somebody's papermill, or a student, put them beside its own."""
    from labutils.lab import NOTEBOOKS

    stray = collection_path.suffix == ".ipynb" and collection_path.stem not in NOTEBOOKS
    return True if stray and collection_path.parent == Path(__file__).parent / "notebooks" else None
