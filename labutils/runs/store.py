"""`RunStore`, the folder of stored runs: which folder belongs to which run, and who may write to it.

What lies in a run's folder is the business of `run`, how a model is trained that of `training`; nothing here knows
Keras.
"""

import errno
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from labutils import paths
from labutils.config import RunConfig
from labutils.errors import StoreError
from labutils.runs.disk import clear_errors
from labutils.runs.run import Run, best_weights_file, leftovers, read_run, read_start, write_run

_NO_FLOCK = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}
"""What file systems say that know no `flock` (NFS without its lock service, Lustre): a file that exists has to do."""
_READ: dict[Path, tuple[tuple, Run | StoreError]] = {}
"""What was read of each folder, or why it could not be, while its files were of these names, times and sizes."""


class RunStore:
    """The folder of stored runs, `results/runs` unless another is given.

    Hidden folders in it are work that is going on, or that a kill has left behind; the next training of the same run
    takes them up or clears them away.

    Parameters
    ----------
    folder : Path, optional
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or paths.results_dir() / "runs"

    def path_of(self, config: RunConfig, fingerprint: str) -> Path:
        """The folder of a run: its settings in words, its key, and the first digits of its data's fingerprint."""
        return self.folder / f"{config.slug}-{config.key}-{fingerprint[:6]}"

    def find(self, config: RunConfig, fingerprint: str) -> Run | None:
        """The stored run with these settings on this data, at its full stored length, or None; read as `all` reads.

        Raises
        ------
        StoreError
            If a folder of that name exists and is damaged, or holds something else.
        """
        folder = self.path_of(config, fingerprint)
        if not _occupied(folder):
            return None
        if leftovers(folder):
            with suppress(_HeldError, StoreError), self._held(folder, _give_up):
                _clear_up(folder)
        found = _read_once(folder)
        if isinstance(found, StoreError):
            raise StoreError(*found.args)  # a new one: the one kept would keep the frames that it was raised through
        _check_same(found, config, fingerprint)
        return found

    def __iter__(self) -> Iterator[Path]:
        """The folders in the store, by name, readable or not."""
        if not self.folder.is_dir():
            return iter(())
        try:
            return iter(sorted(p for p in self.folder.iterdir() if p.is_dir() and not p.name.startswith(".")))
        except OSError as error:
            said = f"{paths.short(self.folder)} cannot be read ({(error.strerror or str(error)).lower()})"
            raise StoreError(f"{said}. Check its permissions, or set LABUTILS_RESULTS to another folder.") from None

    def all(self, keys: Collection[str] | None = None) -> list[Run]:
        """Every stored run that can be read, by the names of their folders; see `damaged` for the others.

        A folder is read once in a process, and again when its files change. The arrays are shared by all who ask, and
        cannot be written to.

        Parameters
        ----------
        keys : collection of str, optional
            Only runs whose settings have one of these keys: the others are not even read.
        """
        folders = [folder for folder in self if keys is None or _key_of(folder) in keys]
        return [found for found in map(_read_once, folders) if isinstance(found, Run)]

    def damaged(self) -> dict[Path, StoreError]:
        """The folders that cannot be read, each with the reason."""
        read = {folder: _read_once(folder) for folder in self}
        return {folder: found for folder, found in read.items() if isinstance(found, StoreError)}

    def named(self, name: str) -> Path:
        """The folder of the stored run called `name`: its folder's name, or a beginning of it that no other run has.

        Raises
        ------
        StoreError
            If no run, or more than one, is called so.
        """
        name = Path(name).name  # a path to it will do
        if not name:  # every name begins with nothing
            raise StoreError("A stored run has a name. `labutils runs` lists them.")
        found = [p for p in self if p.name == name] or [p for p in self if p.name.startswith(name)]
        if len(found) != 1:
            what = "No stored run is" if not found else f"{len(found)} stored runs are"
            raise StoreError(f"{what} called {name!r}. `labutils runs` lists them.")
        return found[0]

    def remove(self, name: str) -> Path:
        """Remove the stored run called `name` (see `named`) and give back where it was.

        Raises
        ------
        StoreError
            If no run, or more than one, is called so, if a training holds it, or if it cannot be removed.
        """
        folder = self.named(name)

        def refuse() -> None:
            raise StoreError(f"{folder.name} is being trained by another process. Stop that one first.")

        with self._held(folder, refuse), clear_errors(folder):
            shutil.rmtree(folder)
        return folder

    @contextmanager
    def lock(self, config: RunConfig, fingerprint: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the run for writing; another process that wants it waits, and then finds what this one stored.

        Parameters
        ----------
        waiting : callable
            Called once if another process holds the run.

        Raises
        ------
        StoreError
            If the results folder cannot be written to.
        """
        folder = self.path_of(config, fingerprint)
        with self._held(folder, waiting):
            with clear_errors(folder):
                _clear_up(folder)
            before = _hidden(folder, "before")
            if before.exists() and not _occupied(folder):  # a kill came between the two steps of `replace`
                with clear_errors(folder):
                    before.rename(folder)
            yield

    def workplace(self, config: RunConfig, fingerprint: str) -> tuple[Path, tuple[Run, dict[str, np.ndarray]] | None]:
        """Where to train, and from where: what `read_start` gives, or None for the first epoch.

        A stored run that cannot be continued, because it came without a checkpoint, stays as it is while a longer one
        is trained in a hidden folder beside it, until `replace` is called.

        Raises
        ------
        StoreError
            If a folder that it would work in is damaged or holds something else.
        """
        place = self.path_of(config, fingerprint)
        longer = _hidden(place, "longer")
        for folder in (place, longer):
            start = read_start(folder) if _occupied(folder) else None
            if start:
                _check_same(start[0], config, fingerprint)
                return folder, start
        folder = longer if _occupied(place) else place
        with clear_errors(folder):
            shutil.rmtree(longer, ignore_errors=True)
            if folder.exists():
                folder.rmdir()  # empty: `write_run` wants to see it appear whole
        return folder, None

    def replace(self, folder: Path, config: RunConfig, fingerprint: str) -> Path:
        """Put the run trained in `folder` (see `workplace`) in the place of the shorter one."""
        place = self.path_of(config, fingerprint)
        if folder != place:
            before = _hidden(place, "before")
            with clear_errors(place):
                shutil.rmtree(before, ignore_errors=True)
                if place.exists():
                    place.rename(before)
                folder.rename(place)
            shutil.rmtree(before, ignore_errors=True)
        return place

    def put(self, run: Run, checkpoint: dict[str, np.ndarray], best_weights: bytes | None) -> Run:
        """Store a run that was trained elsewhere, unless it is stored at this length or longer by now.

        Parameters
        ----------
        best_weights : bytes or None
            None if they are those of the stored run that this one continues.
        """
        fingerprint = run.provenance["fingerprint"]
        with self.lock(run.config, fingerprint, lambda: None):
            found = self.find(run.config, fingerprint)
            if found and found.epochs >= run.epochs:
                return replace(run, path=found.path)
            if (
                found
                and found.path
                and best_weights is None
                and (file := best_weights_file(found.path))
                and file.is_file()
            ):
                best_weights = file.read_bytes()
            place = self.path_of(run.config, fingerprint)
            folder = _hidden(place, "longer") if found else place
            with clear_errors(folder):
                shutil.rmtree(_hidden(place, "longer"), ignore_errors=True)
                if folder.exists():
                    folder.rmdir()
            write_run(replace(run, path=folder), checkpoint, best_weights)
            return replace(run, path=self.replace(folder, run.config, fingerprint))

    @contextmanager
    def _held(self, folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
        with clear_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock: BaseFileLock = FileLock(self.folder / f".{folder.name}.lock")
            try:
                _acquire(lock, waiting)
            except OSError as error:
                if error.errno not in _NO_FLOCK:
                    raise
                lock = SoftFileLock(self.folder / f".{folder.name}.soft.lock")
                _acquire(lock, waiting)
        try:
            yield
        finally:
            lock.release()


class _HeldError(Exception):
    """Another process holds the run."""


def _give_up() -> None:
    raise _HeldError


def _acquire(lock: BaseFileLock, waiting: Callable[[], None]) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()


def _clear_up(folder: Path) -> None:
    for file in leftovers(folder):
        file.unlink(missing_ok=True)


def _key_of(folder: Path) -> str:
    """The key in a folder's name; see `RunStore.path_of`."""
    return "".join(folder.name.split("-")[-2:-1])


def _read_once(folder: Path) -> Run | StoreError:
    state = _state(folder)
    if folder not in _READ or _READ[folder][0] != state:
        _READ[folder] = state, _read_shared(folder)
    return _READ[folder][1]


def _state(folder: Path) -> tuple:
    """Names, places on disk, times and sizes of the files in a folder: they change when one of them is replaced."""
    try:
        with os.scandir(folder) as entries:
            # Links and pipes too: one that takes the place of another is another reason why it cannot be read.
            files = [(e.name, e.stat(follow_symlinks=False)) for e in entries if not e.is_dir(follow_symlinks=False)]
    except OSError:  # removed by someone else meanwhile: `read_run` will say so
        return ()
    return tuple(sorted((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in files))


def _read_shared(folder: Path) -> Run | StoreError:
    try:
        run = read_run(folder)
    except StoreError as error:
        return error
    for values in (run.val_predictions, run.y_val, *run.history.values()):
        values.flags.writeable = False
    return run


def _hidden(place: Path, what: str) -> Path:
    # The ending keeps it out of the repository.
    return place.with_name(f".{place.name}.{what}.tmp")


def _occupied(folder: Path) -> bool:
    return folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))


def _check_same(run: Run, config: RunConfig, fingerprint: str) -> None:
    same = run.config.with_(epochs=config.epochs) == config
    if not same or run.provenance["fingerprint"] != fingerprint:
        assert run.path is not None
        raise StoreError(
            f"{paths.short(run.path)} holds another run than its name says. It was left as it is: "
            "move it out of the results folder, or remove it with `labutils runs rm`."
        )
