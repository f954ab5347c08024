"""Stored runs: `Run` is one (`run`), `RunStore` keeps them and `find` asks for them (`store`), `disk` writes files."""

from labutils.runs.run import Run
from labutils.runs.store import RunStore, find

__all__ = ["Run", "RunStore", "find"]
