"""What every check relies on, those of notebooks by nbval included: one thread, float32, oneDNN, no progress bars."""

import os
import re
import signal
from copy import deepcopy
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


def pytest_configure() -> None:
    """Start a kernel of nbval once more if it dies at once: of two that start together one may find its port taken."""
    from nbval import kernel

    start = kernel.start_new_kernel

    def start_surely(*args: Any, **kwargs: Any) -> Any:
        try:
            return start(*args, **kwargs)
        except RuntimeError:  # says why to the log
            return start(*args, **kwargs)

    kernel.start_new_kernel = start_surely


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


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Of nbval's cells of a committed notebook: shorter fits, and all once more in the same kernel.

    A fit's own output is not compared, and a reference trains it in full. A student goes back to a cell and runs it
    again: no later cell may have taken a name from it, or changed a run. The parameters are left as they are: nobody
    goes back that far, and they would give back a name that an exercise has taken.
    """
    cells = [item for item in items if hasattr(item, "cell")]
    for item in cells:
        item.output_timeout = 60  # seconds in place of 5: where others compute too, a message may be late
    cells = [item for item in cells if item.path.parent == Path(__file__).parent / "notebooks"]
    for item in cells:
        if ".fit(" in item.cell.source and not item.options["check"]:
            item.cell.source = re.sub(r"\bepochs=\d+", "epochs=2", item.cell.source)
    for notebook in {item.parent: None for item in cells}:
        first = [item for item in cells if item.parent is notebook]
        after = items.index(first[-1]) + 1
        again = [item for item in first if "parameters" not in item.cell.metadata.get("tags", [])]
        items[after:after] = [
            # A copy of the cell: where nbval compares, it joins what is printed in pieces.
            type(one).from_parent(
                notebook, name=f"{one.name} again", cell_num=one.cell_num, cell=deepcopy(one.cell), options=one.options
            )
            for one in again
        ]
