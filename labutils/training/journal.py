"""The text file of a search: every line an entry of Optuna's, appended when it happens, read to its last whole line.

A power failure cuts the last line, and a merge of two people's files writes its marks between them. Optuna refuses to
open such a file; what stands before the fault is as good as ever.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labutils import paths
from labutils.errors import StoreError
from labutils.runs.disk import clear_errors, open_regular, write_atomic

if TYPE_CHECKING:
    import optuna

LIMIT = 64_000_000
"""Bytes of a file that is read: a hundred thousand trials."""


def mend(file: Path, fits: Callable[[optuna.trial.FrozenTrial], bool]) -> None:
    """Cut the file of a study behind its last whole entry, if it is damaged, and say so.

    Parameters
    ----------
    file : Path
        What was in it is kept beside it, with the ending `.damaged`.
    fits : callable
        Whether a finished trial is one that the search can have made.

    Raises
    ------
    StoreError
        If it is no ordinary file, or cannot be written.
    """
    from optuna.storages.journal import JournalFileSymlinkLock

    content = _content(file)
    if whole_part(content, fits) == content:
        return
    with clear_errors(file):
        lock = JournalFileSymlinkLock(str(file))
        lock.acquire()
        try:
            content = _content(file)  # the last line may have been one that another process was writing
            whole = whole_part(content, fits)
            if whole == content:
                return
            damaged = file.with_name(f"{file.name}.damaged")
            write_atomic(damaged, lambda handle: handle.write(content))
            write_atomic(file, lambda handle: handle.write(whole))
        finally:
            lock.release()
    lines = len(whole.splitlines())
    print(
        f"Search: {paths.short(file)} is damaged after line {lines} (a power failure or a merge?); "
        f"what stands before is used, all of it is kept in {damaged.name}."
    )


def whole_part(content: bytes, fits: Callable[[optuna.trial.FrozenTrial], bool]) -> bytes:
    """The beginning of a study's file that Optuna can replay: whole lines, each of which follows from those before.

    Examples
    --------
    >>> whole_part(b'{"op_code": 0, "worker_id": "a", "study_name": "s", "directions": [2]}\\n{"op_co', bool)[-5:]
    b'[2]}\\n'
    """
    entries, lines = [], content.split(b"\n")
    for line in lines[:-1]:  # what follows the last line's end is nothing, or was cut
        try:
            entries.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    good = len(entries)
    if not _replays(entries, fits):
        good = bisect_left(range(good), True, key=lambda n: not _replays(entries[: n + 1], fits))
    return b"".join(line + b"\n" for line in lines[:good])


def _content(file: Path) -> bytes:
    try:
        with open_regular(file, LIMIT) as handle:
            return handle.read()
    except FileNotFoundError:
        return b""
    except (OSError, ValueError) as error:
        raise StoreError(f"{paths.shown(file)} cannot be read ({error}). Move it away, or restore it.") from None


def _replays(entries: list[Any], fits: Callable[[optuna.trial.FrozenTrial], bool]) -> bool:
    import optuna
    from optuna.storages.journal import BaseJournalBackend

    class Entries(BaseJournalBackend):
        def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
            return iter(entries[log_number_from:])

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            raise TypeError("what is only replayed is not written to")

    try:
        storage = optuna.storages.JournalStorage(Entries())
        for study in optuna.study.get_all_study_summaries(storage):
            found = optuna.load_study(study_name=study.study_name, storage=storage)
            trials = found.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
            if found.direction != optuna.study.StudyDirection.MAXIMIZE or not all(map(fits, trials)):
                return False
    except Exception:  # there is no end to what a replay raises on entries that do not fit together
        return False
    return True
