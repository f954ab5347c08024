"""Stored runs: `RunStore` finds and keeps them (`store`), `Run` is one (`files`), `disk` writes whole files."""

from labutils.runs.files import Run
from labutils.runs.store import RunStore

__all__ = ["Run", "RunStore"]
