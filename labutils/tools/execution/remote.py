"""Whole notebooks on other machines: whatever `concurrent.futures.Executor` is given executes them.

A worker gets a notebook and what is stored for it, executes it in a folder that goes afterwards, and hands back the
executed notebook and the runs that it trained. Only the caller writes, so workers need no shared folder. Single
trainings on other machines are the business of `workers`.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labutils import lab, paths
from labutils.config import NOTEBOOK_NAMES, RunConfig
from labutils.data.layouts import DATASETS
from labutils.data.locate import source_of
from labutils.errors import DataError, StoreError, TrainingInterrupted
from labutils.runs.disk import clear_errors, write_atomic
from labutils.runs.run import best_weights_file, read_run, read_start
from labutils.runs.store import BusyError, RunStore
from labutils.tools.execution.execute import TIME_LIMIT, Outcome, execute, fitting
from labutils.training.state import Trained

LIGHT = ("config.json", "history.csv", "provenance.json", "val_files.csv", "val_predictions.npy", "exam.npz")
"""Files of a stored run that every notebook is sent: tables, curves and tests need no others."""

WEIGHTS = ("best.h5", "checkpoint/best.h5", "best.weights.h5", "checkpoint/best.weights.h5")
CHECKPOINT = "checkpoint/state.npz"
BESIDE = "*/*.study.jsonl"
"""Files beside the stored runs that notebooks read and write: the trials of a search."""


GONE = "the scheduler is gone or out of reach. See that it runs, and run the same again for what has not arrived."


@dataclass(frozen=True)
class Order:
    """What a worker is sent; `files` are those of the results folder, `images` says whose images are used here."""

    name: str
    notebook: bytes
    parameters: Mapping[str, Any]
    limit: float
    files: Mapping[str, bytes]
    images: Mapping[str, str]


@dataclass(frozen=True)
class Done:
    """What a worker hands back. No paths: they are the worker's, and another system could not even read them."""

    outcome: Mapping[str, Any]
    notebook: bytes | None
    runs: list[Trained]
    files: Mapping[str, bytes]


def run_notebooks_on(
    executor: Executor,
    notebooks: list[Path],
    into: Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    results: Path | None = None,
    limit: float = TIME_LIMIT,
    show: Callable[[str], None] = print,
) -> list[Outcome]:
    """Execute notebooks on the workers of `executor`; what they made is written here as they arrive.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Its workers need labutils.
    notebooks : list of Path
        See `execute.find_notebooks`.
    into : Path
        The folder of the executed notebooks.
    parameters, results, limit
        See `execute.execute`.
    show : callable
        Gets a line for every notebook and every run that arrives.

    Returns
    -------
    list of Outcome
        A notebook that failed, wherever it did, does not keep the others.

    Raises
    ------
    TrainingInterrupted
        If it is stopped by hand; what has arrived is kept.
    """
    parameters, results = dict(parameters or {}), results or paths.results_dir()
    waiting: dict[Future, tuple[int, Order]] = {}
    outcomes: dict[int, Outcome] = {}
    lacking = [_lacking(notebook.stem, parameters, RunStore(results / "runs")) for notebook in notebooks]
    left = list(range(len(notebooks)))

    def send() -> None:
        for number in tuple(left):
            if any(lacking[number] & lacking[other] for other, _ in waiting.values()):
                continue  # a run that both lack is trained by the other one, and then sent along
            left.remove(number)
            order = _order(notebooks[number], fitting(notebooks[number], parameters), results, limit)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sending large graph")  # weights are what they are
                waiting[executor.submit(execute_order, order)] = number, order

    try:
        send()
        later = f"; {len(left)} later, which need runs that those train" if left else ""
        show(f"{len(waiting)} notebooks sent to workers{later}.")
        while waiting:
            future = next(iter(as_completed(waiting)))
            number, order = waiting.pop(future)
            outcome = _receive(future, order, into / order.name, results, show)
            outcomes[number] = outcome
            show(f"{outcome.task}: {'failed' if outcome.error else 'arrived'}, {len(outcomes)} of {len(notebooks)}.")
            if not future.cancelled():
                send()
    except KeyboardInterrupt:
        for future in waiting:
            future.cancel()
        raise TrainingInterrupted(
            f"Stopped, {len(outcomes)} of {len(notebooks)} notebooks have arrived and are kept with their runs. "
            "Workers finish what they are at. Run the same again for the others."
        ) from None
    for number in left:  # there is nobody to send them to
        outcomes[number] = Outcome(notebooks[number].stem, into / notebooks[number].name, 0.0, GONE)
    return [outcomes[number] for number in range(len(notebooks))]


def execute_order(order: Order) -> Done:
    """What a worker does.

    Raises
    ------
    DataError
        If the notebook would use other images than on the caller's machine.
    """
    for name, theirs in order.images.items():
        if (ours := _images_of(name)) != theirs:
            raise DataError(
                f"A worker has other images of {DATASETS[name].folder}: {ours}, not {theirs}. Put the same into its "
                "data folder, or ask for phantoms with `-p source phantom`."
            )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder, results = Path(temporary), Path(temporary) / "results"
        notebook, output = folder / order.name, folder / "out" / order.name
        _write(notebook, order.notebook)
        for name, content in order.files.items():
            _write(results / name, content)
        outcome = execute(
            notebook,
            order.parameters,
            output=output,
            results=results,
            limit=order.limit,
            temporary=folder,
            show=_show_at_once,
        )
        beside = {file.relative_to(results).as_posix(): file.read_bytes() for file in results.glob(BESIDE)}
        return Done(
            {name: value for name, value in vars(outcome).items() if name != "output"},
            output.read_bytes() if output.exists() else None,
            list(_new_runs(RunStore(results / "runs"), order.files)),
            {name: content for name, content in beside.items() if order.files.get(name) != content},
        )


def _order(notebook: Path, parameters: Mapping[str, Any], results: Path, limit: float) -> Order:
    files = {}
    for folder in RunStore(results / "runs"):
        # The checkpoint first, the settings next, as `read_start` expects of a run that grows meanwhile.
        for name in (*_heavy(folder, notebook.stem, parameters), *LIGHT):
            if (folder / name).is_file():
                files[f"runs/{folder.name}/{name}"] = (folder / name).read_bytes()
    files |= {file.relative_to(results).as_posix(): file.read_bytes() for file in results.glob(BESIDE)}
    names: set[str] = {config.dataset for config in _planned(notebook.stem)} or {*DATASETS}
    images = {name: _images_of(name) for name in sorted(names)} if parameters.get("source", "auto") == "auto" else {}
    return Order(notebook.name, notebook.read_bytes(), parameters, limit, files, images)


def _heavy(folder: Path, task: str, parameters: Mapping[str, Any]) -> Iterable[str]:
    """Files of a stored run that are sent only with the notebook it belongs to: weights, and where to go on.

    It belongs to a notebook whose runs have the same settings, but for those given as parameters. Without them a
    picture of what the network looks at is missing, or a longer training starts from the first epoch.
    """
    package_names = {word: name for name, word in NOTEBOOK_NAMES.items()}
    free = {"epochs", "seed", *(package_names.get(name, name) for name in parameters)}
    try:
        config = read_run(folder).config
    except StoreError:  # the notebook will say so
        return ()
    fixed = [name for name in RunConfig.model_fields if name not in free]
    alike = [c for c in _planned(task) if all(getattr(c, name) == getattr(config, name) for name in fixed)]
    if not alike:
        return ()
    goes_on = "n_epoch" in parameters or config.epochs < max(planned.epochs for planned in alike)
    return (CHECKPOINT, *WEIGHTS) if goes_on else WEIGHTS


def _planned(task: str) -> list[RunConfig]:
    return list(lab.runs(task).values()) if task in lab.TITLES else []


def _lacking(task: str, parameters: Mapping[str, Any], store: RunStore) -> set[str]:
    """Keys of a notebook's runs that are not stored; of all of them where parameters may make others of them."""
    stored = {} if parameters else {run.config.key: run.epochs for run in store.all()}
    return {config.key for config in _planned(task) if stored.get(config.key, 0) < config.epochs}


def _images_of(name: str) -> str:
    """Whose images of a data set `auto` takes on this machine."""
    source = source_of(name)
    return "phantoms" if source == "phantom" else f"{source} data"


def _new_runs(store: RunStore, sent: Mapping[str, bytes]) -> Iterator[Trained]:
    """The runs of a worker's store that were trained or extended there."""
    for folder in store:
        history = folder / "history.csv"
        if not history.exists() or history.read_bytes() == sent.get(f"runs/{folder.name}/history.csv"):
            continue
        try:
            start = read_start(folder)
        except StoreError:  # it was sent so
            continue
        if start:
            run, checkpoint = start
            weights = best_weights_file(folder)
            yield Trained(replace(run, path=None), checkpoint, weights.read_bytes() if weights else None)


def _receive(future: Future, order: Order, output: Path, results: Path, show: Callable[[str], None]) -> Outcome:
    """Write what a worker handed back; whatever goes wrong becomes the outcome's error."""
    task = output.stem
    try:
        done: Done = future.result()
    except CancelledError:
        return Outcome(task, output, 0.0, GONE)
    except DataError as error:
        return Outcome(task, output, 0.0, str(error))
    except Exception as error:
        said = str(error) or "the connection to the worker is lost"
        return Outcome(task, output, 0.0, f"{type(error).__name__}: {said}")
    problems = [done.outcome["error"]] if done.outcome["error"] else []
    store = RunStore(results / "runs", wait=False)
    for trained in done.runs:
        name = f"{task}: {trained.run.label}, {trained.run.epochs} epochs from a worker"
        with _noted(problems, store.folder):
            try:
                store.put(trained.run, trained.checkpoint, trained.best_weights)
                show(f"{name}, stored.")
            except BusyError:
                show(f"{name}, left out: another process here trains the same.")
    for beside, content in done.files.items():
        file = results / beside
        if (file.read_bytes() if file.exists() else None) == order.files.get(beside):  # else it went on here meanwhile
            with _noted(problems, file.parent):
                _write(file, content)
    if done.notebook is not None:
        with _noted(problems, output.parent):
            _write(output, done.notebook)
    return Outcome(**{**done.outcome, "error": " ".join(problems)}, output=output)


@contextmanager
def _noted(problems: list[str], folder: Path) -> Iterator[None]:
    try:
        with clear_errors(folder):
            yield
    except (StoreError, OSError) as error:
        problems.append(str(error))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, lambda handle: handle.write(content))


def _show_at_once(line: str) -> None:
    print(line, flush=True)  # in the worker's log
