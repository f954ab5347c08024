"""Training as the notebooks see it: ask for a run, get it; from the store, continued, or trained now.

How one epoch is trained is the business of `engine`, how a run is kept that of `runs`; figures are made elsewhere.
"""

import io
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import paths
from labutils.config import RunConfig
from labutils.data.dataset import Dataset, load_dataset
from labutils.evaluate import lab
from labutils.models import describe
from labutils.progress import Progress, minutes
from labutils.runs import (
    COLUMNS,
    Run,
    RunStore,
    StoreError,
    best_weights_file,
    read_checkpoint,
    read_run,
    write_run,
)

if TYPE_CHECKING:
    import keras

PLAIN_FLOPS = 40e9
"""Floating-point operations a second that a plain (not compiled) step reaches on two cores, about."""


class TrainingInterrupted(KeyboardInterrupt):
    """A training was stopped by hand; the message says what is kept and how to go on."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the run, the state to go on from, and the best weights as an HDF5 file."""

    run: Run
    checkpoint: dict[str, np.ndarray]
    best_weights: bytes | None


def train(
    config: RunConfig,
    dataset: Dataset,
    *,
    reuse: bool = True,
    store: RunStore | None = None,
    on_epoch: Callable[[Run], None] | None = None,
    label: str | None = None,
) -> Run:
    """The run with these settings on these images: stored, continued from where it stopped, or trained now.

    Parameters
    ----------
    config : RunConfig
    dataset : Dataset
        What `load_dataset` gave for `config.dataset`, with the same image size, channels and numbers of images.
    reuse : bool
        False trains anew even if the run is stored; what is stored then stays as it is.
    store : RunStore, optional
        `results/runs` unless given.
    on_epoch : callable, optional
        Gets the run so far after every epoch that is trained.
    label : str, optional
        What to call the run in messages.

    Returns
    -------
    Run
        With `config.epochs` epochs; `status` says whether it was trained, extended or reused.

    Raises
    ------
    ValueError
        If the images are not those that the settings speak of.
    StoreError
        If a stored run is damaged or cannot be written.
    TrainingInterrupted
        If it is stopped by hand; finished epochs are kept.
    """
    check_dataset(config, dataset)
    store, label = store or RunStore(), label or config.slug
    found = store.find(config, dataset.fingerprint)
    if found and not reuse:
        run = fit(config, dataset, on_epoch=on_epoch, label=label).run
        print(f"{label}: trained {run.epochs} epochs anew; not stored, the stored run stays.")
        return run
    if not found or found.epochs < config.epochs:
        with store.lock(config, dataset.fingerprint, lambda: print(f"{label}: waiting, another process trains it.")):
            return _train_stored(config, dataset, store, on_epoch, label)
    return _reused(found, config.epochs, label)


def train_all(
    configs: Mapping[str, RunConfig],
    dataset: Dataset,
    *,
    reuse: bool = True,
    train_missing: bool = True,
    executor: Executor | None = None,
    store: RunStore | None = None,
    on_epoch: Callable[[Run], None] | None = None,
) -> dict[str, Run]:
    """Several runs on the same images, by label.

    Parameters
    ----------
    configs : dict of str to RunConfig
    dataset : Dataset
    reuse, store, on_epoch
        See `train`.
    train_missing : bool
        False leaves out, and names, runs of the lab's list on phantoms that are not stored: they take long. A run
        with other settings or on other images was asked for by whoever changed them, and is trained.
    executor : concurrent.futures.Executor, optional
        Where to train: None in this process, one after another; a `ProcessPoolExecutor` on this machine's cores; the
        executor of a Dask client on a cluster. Workers need no shared folder: only this process writes to the store.

    Returns
    -------
    dict of str to Run
        Without the runs that were left out.
    """
    store, runs = store or RunStore(), {}
    if not train_missing and reuse:
        configs = {label: config for label, config in configs.items() if not _left_out(label, config, dataset, store)}
    if executor is not None:
        return train_on(executor, configs, dataset, reuse=reuse, store=store)
    for label, config in configs.items():
        runs[label] = train(config, dataset, reuse=reuse, store=store, on_epoch=on_epoch, label=label)
    return runs


def train_seeds(config: RunConfig, dataset: Dataset, seeds: Iterable[int], **options: Any) -> list[Run]:
    """One run for each seed, all other settings the same; `options` are those of `train_all`."""
    configs = {f"{config.slug}, seed {seed}": config.with_(seed=seed) for seed in seeds}
    return list(train_all(configs, dataset, **options).values())


def train_on(
    executor: Executor,
    configs: Mapping[str, RunConfig],
    dataset: Dataset,
    *,
    reuse: bool = True,
    store: RunStore | None = None,
) -> dict[str, Run]:
    """Train on the workers of `executor`; see `train_all`. Runs are stored as they arrive."""
    store = store or RunStore()
    runs: dict[str, Run] = {}
    waiting: dict[Future, str] = {}
    for label, config in configs.items():
        check_dataset(config, dataset)
        found = store.find(config, dataset.fingerprint) if reuse else None
        if found and found.epochs >= config.epochs:
            runs[label] = _reused(found, config.epochs, label)
            continue
        checkpoint = read_checkpoint(found.path) if found and found.path else None
        start = found.first(int(checkpoint["epochs"])) if found and checkpoint else None
        waiting[executor.submit(_work, config, _parcel(config, dataset), start, checkpoint)] = label
    for future in as_completed(waiting):
        label = waiting[future]
        trained: Trained = future.result()
        with store.lock(configs[label], dataset.fingerprint, lambda: None):
            found = store.find(configs[label], dataset.fingerprint)
            if found and found.epochs >= trained.run.epochs:
                runs[label] = replace(found.first(configs[label].epochs), status="trained")
                continue
            folder = store.workplace(configs[label], dataset.fingerprint, found)
            write_run(replace(trained.run, path=folder), trained.checkpoint, trained.best_weights)
            place = store.replace(folder, configs[label], dataset.fingerprint)
        runs[label] = replace(trained.run, path=place)
        print(f"{label}: trained {trained.run.epochs} epochs by a worker{_shown_source(trained.run)}.")
    return {label: runs[label] for label in configs}


def _work(
    config: RunConfig, parcel: "Dataset | dict", start: Run | None, checkpoint: dict[str, np.ndarray] | None
) -> Trained:
    """What a worker does: train and hand back everything; it writes nothing."""
    dataset = load_dataset(**parcel) if isinstance(parcel, dict) else parcel
    return fit(config, dataset, start=start, checkpoint=checkpoint)


def _parcel(config: RunConfig, dataset: Dataset) -> "Dataset | dict":
    """What a worker needs to have the images: a recipe for phantoms, which it draws itself, else the images."""
    if dataset.source != "phantom":
        return replace(dataset, x_train=np.array(dataset.x_train), x_val=np.array(dataset.x_val))
    settings = {name: getattr(config, name) for name in ("image_size", "channels", "n_train", "n_val")}
    return {"name": dataset.name, "source": "phantom", "progress": False, **settings}


def _left_out(label: str, config: RunConfig, dataset: Dataset, store: RunStore) -> bool:
    lengths = [planned.config.epochs for planned in lab.training_list() if planned.config.key == config.key]
    if dataset.source != "phantom" or not lengths or config.epochs > max(lengths):
        return False
    found = store.find(config, dataset.fingerprint)
    if found and found.epochs >= config.epochs:
        return False
    seconds = estimate_seconds(config, len(dataset.y_train), len(dataset.class_names))
    print(
        f"{label}: not stored yet. Training its {config.epochs} epochs takes about {minutes(seconds)} here; "
        "set train_missing = True to do it."
    )
    return True


def fit(
    config: RunConfig,
    dataset: Dataset,
    *,
    start: Run | None = None,
    checkpoint: dict[str, np.ndarray] | None = None,
    compiled: bool | None = None,
    on_epoch: Callable[[Run], None] | None = None,
    keep: Callable[[Trained], None] | None = None,
    label: str | None = None,
) -> Trained:
    """Train without a store: from the beginning, or from `start` and its checkpoint.

    Parameters
    ----------
    start, checkpoint : Run and dict, optional
        The finished epochs and the state after the last of them.
    compiled : bool, optional
        Whether XLA compiles the step; decided from the length of the training unless given.
    keep : callable, optional
        Gets everything after every epoch, before `on_epoch`; `best_weights` is None where they did not change.

    Returns
    -------
    Trained
        Its run has no `path`.
    """
    from labutils.engine import Trainer, pays_to_compile, provenance

    run, label = start or empty_run(config, dataset), label or config.slug
    first = run.epochs
    if compiled is None:
        steps = (config.epochs - first) * -(-len(dataset.y_train) // config.batch_size)
        plain = config.batch_size * training_flops(config, len(dataset.class_names)) / PLAIN_FLOPS
        # A run that was compiled stays so: its history does not depend on where it was stopped.
        compiled = bool(checkpoint and checkpoint["compiled"]) or pays_to_compile(steps, plain)
    trainer = Trainer(config, dataset, compiled)
    if checkpoint:
        trainer.restore(checkpoint)
    _print_cost(trainer, config, first, label)
    stretch = provenance(compiled) | {"first_epoch": first + 1, "seconds": 0.0}
    earlier = run.provenance["stretches"]
    best_weights = None
    try:
        with Progress(label, first, config.epochs, trainer.steps) as progress:
            for epoch in range(first, config.epochs):
                started = time.perf_counter()
                metrics = trainer.train_epoch(epoch, progress.step)
                predictions = trainer.predict()
                metrics |= {
                    "val_loss": trainer.val_loss(predictions),
                    "val_accuracy": float(np.mean(predicted_labels(predictions.astype(np.float16)) == dataset.y_val)),
                    "seconds": time.perf_counter() - started,
                }
                stretch = stretch | {"seconds": round(stretch["seconds"] + metrics["seconds"], 2)}
                run = replace(
                    run.plus(metrics, predictions),
                    config=config.with_(epochs=epoch + 1),
                    provenance=run.provenance | {"stretches": [*earlier, stretch]},
                    status="extended" if first else "trained",
                )
                changed = run.best_epoch == epoch
                if changed:
                    file = io.BytesIO()
                    trainer.write_weights(file, epoch)
                    best_weights = file.getvalue()
                state = trainer.state() | {"epochs": np.array(epoch + 1), "compiled": np.array(compiled)}
                if keep:
                    keep(Trained(run, state, best_weights if changed else None))
                progress.epoch(epoch + 1, metrics)
                if on_epoch:
                    on_epoch(run)
    except KeyboardInterrupt:
        kept = "and kept; run this again to go on from there" if keep else "but not kept"
        raise TrainingInterrupted(f"Stopped. {run.epochs} of {config.epochs} epochs are finished {kept}.") from None
    return Trained(run, state, best_weights)


def load_best(run: Run) -> "tuple[keras.Model, int]":
    """The trained network of a stored run, with its best weights.

    Returns
    -------
    model : keras.Model
        Not compiled. The weights were stored as float16: predictions move in their third decimal.
    epoch : int
        Index (from 0) of the epoch they are from: the best of all that are stored.

    Raises
    ------
    StoreError
        If the run came without weights; the message says how to make them.
    """
    from labutils.engine import import_keras

    file = best_weights_file(run.path) if run.path else None
    if file is None:
        raise StoreError(
            f"The best weights of {run.config.slug} are not stored (they are left out above 6 MB). "
            "Train the run here to make them: set reuse = False and LABUTILS_RESULTS to a folder of your own."
        )
    import_keras()
    import h5py

    from labutils.models import build_model

    model = build_model(run.config, n_classes=len(run.class_names))
    with h5py.File(file, "r") as archive:
        for i, variable in enumerate(model.weights):
            name = f"{i:03d}/{variable.path}"
            if name not in archive or archive[name].shape != tuple(variable.shape):
                raise StoreError(f"{paths.short(file)} does not fit the network at {variable.path}.")
            variable.assign(archive[name][...].astype(np.float32))
        return model, int(archive.attrs["epoch"])


def predicted_labels(predictions: np.ndarray) -> np.ndarray:
    """Labels that probabilities (..., outputs) stand for: above one half, or the largest of several."""
    return (predictions[..., 0] > 0.5).astype(np.int64) if predictions.shape[-1] == 1 else predictions.argmax(-1)


def training_flops(config: RunConfig, n_classes: int = 2) -> float:
    """Floating-point operations of one training step per image: forward, and twice that backward."""
    return 3 * 2 * describe(config, n_classes).multiply_adds


def estimate_seconds(config: RunConfig, n_train: int, n_classes: int = 2) -> float:
    """Seconds that a training would take on this machine, within about a factor of two.

    From the operations of the network and the speed of a matrix product measured here (a tenth of a second); needs no
    TensorFlow. Before a training starts, its own steps are measured instead.
    """
    a = np.ones((768, 768), np.float32)
    a @ a
    started, products = time.perf_counter(), 0
    while time.perf_counter() - started < 0.1:
        a @ a
        products += 1
    flops = products * 2 * 768**3 / (time.perf_counter() - started)
    # Compiled steps reach 0.3 to 0.6 of the product's speed, see `make bench`.
    return config.epochs * n_train * training_flops(config, n_classes) / (0.4 * flops)


def check_dataset(config: RunConfig, dataset: Dataset) -> None:
    """Refuse images that are not those the settings speak of.

    Raises
    ------
    ValueError
    """
    found = (dataset.name, dataset.x_train.shape[1], dataset.x_train.shape[-1])
    wanted = (config.dataset, config.image_size, config.channels)
    for name, got, asked in zip(("dataset", "image_size", "channels"), found, wanted, strict=True):
        if got != asked:
            raise ValueError(f"The images have {name} {got!r}, the run asks for {asked!r}: load them with the same.")
    for name, labels in (("n_train", dataset.y_train), ("n_val", dataset.y_val)):
        asked_for = getattr(config, name)
        if asked_for is not None and asked_for != len(labels):
            raise ValueError(
                f"There are {len(labels)} images, the run's {name} is {asked_for}: load them with the same."
            )


def empty_run(config: RunConfig, dataset: Dataset) -> Run:
    """A run before its first epoch."""
    outputs = 1 if len(dataset.class_names) == 2 else len(dataset.class_names)
    return Run(
        config=config,
        history={name: np.empty(0) for name in COLUMNS},
        val_predictions=np.empty((0, len(dataset.y_val), outputs), np.float16),
        y_val=np.asarray(dataset.y_val, np.int64),
        val_files=tuple(dataset.files_val),
        class_names=tuple(dataset.class_names),
        provenance={
            "source": dataset.source,
            "fingerprint": dataset.fingerprint,
            "class_names": list(dataset.class_names),
            "counts": dataset.counts(),
            "parameters": describe(config, len(dataset.class_names)).parameters,
            "stretches": [],
        },
    )


def _train_stored(
    config: RunConfig, dataset: Dataset, store: RunStore, on_epoch: Callable[[Run], None] | None, label: str
) -> Run:
    found = store.find(config, dataset.fingerprint)  # another process may have finished it by now
    if found and found.epochs >= config.epochs:
        return _reused(found, config.epochs, label)
    folder = store.workplace(config, dataset.fingerprint, found)
    start, checkpoint = None, None
    if (folder / "config.json").exists():
        start, checkpoint = read_run(folder), read_checkpoint(folder)
        # The checkpoint is written last: after a kill it may be one epoch behind the rest.
        start = start.first(int(checkpoint["epochs"])) if checkpoint else None
    first = start.epochs if start else 0
    if first < config.epochs:
        trained = fit(
            config,
            dataset,
            start=start,
            checkpoint=checkpoint,
            on_epoch=on_epoch,
            keep=lambda t: write_run(replace(t.run, path=folder), t.checkpoint, t.best_weights),
            label=label,
        )
        start = trained.run
    assert start is not None
    run = replace(start, path=store.replace(folder, config, dataset.fingerprint))
    seconds = minutes(float(run.history["seconds"][first:].sum()))
    what = f"extended from {first} to {run.epochs} epochs" if first else f"trained {run.epochs} epochs"
    print(f"{label}: {what} in {seconds}{_shown_source(run)}.")
    return run


def _reused(found: Run, epochs: int, label: str) -> Run:
    of = f" of {found.epochs}" if found.epochs > epochs else ""
    print(f"{label}: reused, {epochs}{of} stored epochs{_shown_source(found)}.")
    return found.first(epochs)


def _shown_source(run: Run) -> str:
    return " on phantoms" if run.source == "phantom" else f" on {run.source} data"


def _print_cost(trainer: Any, config: RunConfig, first: int, label: str) -> None:
    steps = (config.epochs - first) * trainer.steps
    text = f"{label}: {trainer.model.count_params():,} parameters, {steps:,} steps"
    if steps >= 100:
        seconds = trainer.seconds_per_step() * steps
        text += f", about {minutes(seconds)} on this machine ({1000 * seconds / steps:.0f} ms a step)"
    print(text, flush=True)
