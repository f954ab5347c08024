"""What every check relies on, those of notebooks by nbval included: one thread, no progress bars."""

import os
from typing import Any

# Before anything imports TensorFlow: results depend on the number of threads.
os.environ["LABUTILS_THREADS"] = "1"
os.environ["LABUTILS_PROGRESS"] = "none"


def pytest_collectstart(collector: Any) -> None:
    """Leave out what a library may write to stderr when nbval compares outputs."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)
