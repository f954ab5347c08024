"""`RunStore`, the stored runs: which folder belongs to which, who may write to it; and `find`, the question to them."""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from labutils import lab, paths
from labutils.config import RunConfig
from labutils.errors import StoreError
from labutils.runs.disk import clear_errors
from labutils.runs.run import Run, best_weights_file, clear_up, leftovers, read_run, read_start, write_run

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset

SETTINGS = tuple(name for name in RunConfig.model_fields if name not in ("dataset", "epochs"))
"""What two runs on the same images may differ in."""
_NO_FLOCK = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}
"""What file systems say that know no `flock` (NFS without its lock service, Lustre): a file that exists has to do."""
_READ: dict[Path, tuple[tuple, Run | StoreError]] = {}
"""What was read of each folder, or why it could not be, while its files were of these names, times and sizes."""


class BusyError(StoreError):
    """Another process is training the run."""


class RunStore:
    """The stored runs: the lab's in `results/runs`; inside the student's folder the student's, with the lab's behind.

    There new runs go to `my-lab/runs`, and of two the longer one is given. Hidden folders are work that is going on, or
    that a kill has left. With a `folder` it is that alone; without `wait` a `BusyError` is raised where others would
    wait.
    """

    def __init__(self, folder: Path | None = None, *, wait: bool = True) -> None:
        labs = paths.results_dir() / "runs"
        everything = (paths.my_lab_dir() / "runs", labs) if paths.in_my_lab() else (labs,)
        self.folders = (folder,) if folder else everything
        self.folder = self.folders[0]
        self.wait = wait

    def path_of(self, config: RunConfig, fingerprint: str) -> Path:
        """Where a run is written: its settings in words, its key, and the first digits of its data's fingerprint."""
        return self.folder / f"{config.slug}-{config.key}-{fingerprint[:6]}"

    def find(self, config: RunConfig, fingerprint: str) -> Run | None:
        """The stored run with these settings on this data, at its full stored length, or None; a StoreError says that a
        folder of that name is damaged, or holds something else.

        One that is not `Run.whole` is for comparisons of seeds; whoever asks for it alone trains it.
        """
        name = self.path_of(config, fingerprint).name
        runs = [_found(folder / name, config, fingerprint) for folder in self.folders if _occupied(folder / name)]
        return max((run for run in runs if run.whole), key=lambda run: run.epochs, default=None)

    def __iter__(self) -> Iterator[Path]:
        """The folders of the runs, by name, readable or not."""
        places: list[Path] = []
        for folder in filter(Path.is_dir, self.folders):
            try:
                places += [place for place in folder.iterdir() if place.is_dir() and not place.name.startswith(".")]
            except OSError as error:
                said = f"{paths.short(folder)} cannot be read ({(error.strerror or str(error)).lower()})"
                raise StoreError(f"{said}. Check its permissions, or set LABUTILS_RESULTS to another folder.") from None
        return iter(sorted(places, key=lambda place: place.name))

    def all(self, keys: Collection[str] | None = None) -> list[Run]:
        """Every stored run that can be read, or those with these keys, by the names of their folders.

        Read once in a process, and again when files change. The arrays are shared by all who ask, and cannot be written
        to.
        """
        runs: dict[str, Run] = {}
        for place in self:
            if keys is None or "".join(place.name.split("-")[-2:-1]) in keys:  # see `path_of`
                found, other = _read_once(place), runs.get(place.name)
                if isinstance(found, Run) and (other is None or found.epochs > other.epochs):
                    runs[place.name] = found
        return list(runs.values())

    def damaged(self) -> dict[Path, StoreError]:
        """The folders that cannot be read, each with the reason."""
        read = {place: _read_once(place) for place in self}
        return {place: found for place, found in read.items() if isinstance(found, StoreError)}

    def named(self, name: str) -> Path:
        """The folder of the stored run called `name`, or a beginning of it that no other run has; else a StoreError."""
        name = Path(name).name  # a path to it will do
        if not name:  # every name begins with nothing
            raise StoreError("A stored run has a name. `labutils runs` lists them.")
        places = {place.name: place for place in reversed([*self])}  # the student's, where the lab has it too
        found = [name] if name in places else [other for other in places if other.startswith(name)]
        if len(found) != 1:
            what = "No stored run is" if not found else f"{len(found)} stored runs are"
            raise StoreError(f"{what} called {name!r}. `labutils runs` lists them.")
        return places[found[0]]

    def remove(self, name: str) -> Path:
        """Remove the stored run called `name` (see `named`) and give back where it was, or raise a StoreError."""
        place = self.named(name)
        with _held(place), clear_errors(place):
            shutil.rmtree(place)
        return place

    @contextmanager
    def lock(self, config: RunConfig, fingerprint: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the run for writing, or raise a StoreError; `waiting` is called once if another process holds it."""
        place = self.path_of(config, fingerprint)
        with _held(place, waiting if self.wait else None):
            before = _hidden(place, "before")
            with clear_errors(place):
                clear_up(place)
                if before.exists() and not _occupied(place):  # a kill came between the two steps of `replace`
                    before.rename(place)
            yield

    def workplace(self, config: RunConfig, fingerprint: str) -> tuple[Path, tuple[Run, dict[str, np.ndarray]] | None]:
        """Where to train, and from where: what `read_start` gives, or None for the first epoch.

        A stored run without a checkpoint stays as it is while a longer one is trained in a hidden folder beside it,
        until `replace`. The lab's run goes on in a student's folder. A StoreError says that a folder is damaged or
        another run's.
        """
        place = self.path_of(config, fingerprint)
        own = place, _hidden(place, "longer")
        for folder in (*own, *(other / place.name for other in self.folders[1:])):
            start = read_start(folder) if _occupied(folder) else None
            if start:
                _check_same(start[0], config, fingerprint)
                return (folder if folder in own else _make_room(place)), start
        return _make_room(place), None

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
        """Store a run that was trained elsewhere, unless it is stored at this length or longer by now; without best
        weights if they are those of the stored run that this one continues."""
        with self.lock(run.config, run.fingerprint):
            found = self.find(run.config, run.fingerprint)
            if found and found.epochs >= run.epochs:
                return replace(run, path=found.path)
            if found and found.path and best_weights is None:
                file = best_weights_file(found.path)
                best_weights = file.read_bytes() if file and file.is_file() else None
            folder = _make_room(self.path_of(run.config, run.fingerprint))
            write_run(replace(run, path=folder), checkpoint, best_weights)
            return replace(run, path=self.replace(folder, run.config, run.fingerprint))


def lab_store() -> RunStore:
    """The lab's runs alone, wherever this is asked."""
    return RunStore(paths.results_dir() / "runs")


@overload
def find(
    configs: RunConfig, where: Dataset | str = ..., *, at_least: int | None = ..., among: RunStore | None = ...
) -> Run | None: ...


@overload
def find(
    configs: Mapping[str, RunConfig],
    where: Dataset | str = ...,
    *,
    at_least: int | None = ...,
    small: bool = ...,
    among: RunStore | Sequence[Run] | None = ...,
) -> dict[str, Run]: ...


def find(
    configs: RunConfig | Mapping[str, RunConfig],
    where: Dataset | str = "phantom",
    *,
    at_least: int | None = None,
    small: bool = False,
    among: RunStore | Sequence[Run] | None = None,
) -> Run | dict[str, Run] | None:
    """The stored runs with these settings, cut to the length asked for; nothing is trained, nothing said.

    Parameters
    ----------
    configs : RunConfig or mapping of str to RunConfig
        One run, or several by label.
    where : Dataset or str
        On which images: these, where a StoreError says that the run is damaged; or a source (as `Run.source` has it),
        where what cannot be read is passed over.
    at_least : int, optional
        Epochs that a run must have; all of its settings' unless given.
    small : bool
        True gives the small runs that stand in for these (`lab.small`) while one of these is missing and none of the
        small ones is.
    among : RunStore or sequence of Run, optional
        Where to look; `RunStore()` unless given.

    Returns
    -------
    Run or None, or dict of str to Run
        By label, without those that are not stored.
    """
    if isinstance(configs, RunConfig):
        return find({"": configs}, where, at_least=at_least, among=among).get("")
    among = RunStore() if among is None else among
    found = {
        label: run.first(min(run.epochs, configs[label].epochs))
        for label, run in _longest(configs, where, among).items()
        if run.epochs >= (configs[label].epochs if at_least is None else at_least)
    }
    if small and len(found) < len(configs):
        stand_ins = find(lab.small(configs), where, at_least=at_least, among=among)
        return stand_ins if len(stand_ins) == len(configs) else found
    return found


def everywhere(config: RunConfig, among: RunStore | Sequence[Run] | None = None) -> list[Run]:
    """The stored runs with these settings on whatever images: phantoms first, then by source; of any length, cut."""
    among = RunStore() if among is None else among
    runs = among.all({config.key}) if isinstance(among, RunStore) else among
    found = [run.first(min(run.epochs, config.epochs)) for run in runs if run.config.key == config.key]
    return sorted(found, key=lambda run: (run.source != "phantom", run.source))


def nearest(run: Run, others: Mapping[str, Run]) -> str | None:
    """The label of the run with the fewest other settings, then the nearest learning rate; None if there are none."""

    def distance(label: str) -> tuple[int, float]:
        a, b = run.config, others[label].config
        ratio = abs(math.log(a.learning_rate / b.learning_rate))
        return sum(getattr(a, name) != getattr(b, name) for name in SETTINGS), ratio

    return min(others, key=distance, default=None)


def _longest(configs: Mapping[str, RunConfig], where: Dataset | str, among: RunStore | Sequence[Run]) -> dict[str, Run]:
    if not isinstance(where, str):
        assert isinstance(among, RunStore)
        found = {label: among.find(config, where.fingerprint) for label, config in configs.items()}
        return {label: run for label, run in found.items() if run}
    keys = {config.key for config in configs.values()}
    runs = among.all(keys) if isinstance(among, RunStore) else among
    by_key = {run.config.key: run for run in sorted(runs, key=lambda run: run.epochs) if run.source == where}
    return {label: by_key[config.key] for label, config in configs.items() if config.key in by_key}


@contextmanager
def _held(place: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a run; where another process does, wait for it, or raise a `BusyError` if `waiting` is None."""
    with clear_errors(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
        lock: BaseFileLock = FileLock(place.parent / f".{place.name}.lock")
        try:
            _acquire(lock, place, waiting)
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise
            lock = SoftFileLock(place.parent / f".{place.name}.soft.lock")
            _acquire(lock, place, waiting)
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: BaseFileLock, place: Path, waiting: Callable[[], None] | None) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if waiting is None:
            raise BusyError(f"{place.name} is being trained by another process. Stop that one first.") from None
        waiting()
        lock.acquire()


def _make_room(place: Path) -> Path:
    """Where a run can grow from its first epoch: its place, or a hidden folder beside what stands there."""
    longer = _hidden(place, "longer")
    folder = longer if _occupied(place) else place
    with clear_errors(folder):
        shutil.rmtree(longer, ignore_errors=True)
        if folder.exists():
            folder.rmdir()  # empty: `write_run` wants to see it appear whole
    return folder


def _found(place: Path, config: RunConfig, fingerprint: str) -> Run:
    """The run in an occupied place, cleared of what a kill has left, if it is the one that its name says."""
    if leftovers(place):
        with suppress(StoreError, OSError), _held(place):  # of a folder that may not be written to it stays
            clear_up(place)
    found = _read_once(place)
    if isinstance(found, StoreError):
        raise StoreError(*found.args)  # a new one: the one kept would keep the frames that it was raised through
    _check_same(found, config, fingerprint)
    return found


def _read_once(folder: Path) -> Run | StoreError:
    state = _state(folder)
    if folder not in _READ or _READ[folder][0] != state:
        try:
            run = read_run(folder)
            for values in (run.val_predictions, run.y_val, *run.history.values()):
                values.flags.writeable = False
            _READ[folder] = state, run
        except StoreError as error:
            _READ[folder] = state, error
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


def _hidden(place: Path, what: str) -> Path:
    # The ending keeps it out of the repository.
    return place.with_name(f".{place.name}.{what}.tmp")


def _occupied(folder: Path) -> bool:
    return folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))


def _check_same(run: Run, config: RunConfig, fingerprint: str) -> None:
    same = run.config.with_(epochs=config.epochs) == config
    if not same or run.fingerprint != fingerprint:
        assert run.path is not None
        raise StoreError(
            f"{paths.short(run.path)} holds another run than its name says. It was left as it is: "
            "move it out of the results folder, or remove it with `labutils runs rm`."
        )
