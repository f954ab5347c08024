"""Stored runs: `RunStore` finds and keeps them (`store`), `Run` is one (`run`), `disk` writes whole files."""

from labutils.runs.run import Run
from labutils.runs.store import RunStore

__all__ = ["Run", "RunStore"]
