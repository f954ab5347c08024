"""Training as the notebooks see it: ask for a run, get it; from the store, continued, or trained now."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from labutils import lab, paths
from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.errors import StoreError
from labutils.progress import minutes
from labutils.runs.run import Run, best_weights_file, first_line, read_run, read_start, write_run
from labutils.runs.store import RunStore, find
from labutils.training.checkpoint import Trained, check_dataset, read_weights
from labutils.training.cost import estimate_seconds

if TYPE_CHECKING:
    import keras


LEARNS_WITHIN = 5  # epochs after which a training loss that never fell is worth a word


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
    on_epoch : callable, optional
        Gets the run so far after every epoch that is trained.
    label : str, optional
        What to call the run in messages.

    Raises
    ------
    ValueError, StoreError, TrainingInterrupted
        If the images are not those that the settings speak of; a stored run is damaged or cannot be written; it is
        stopped by hand, and finished epochs are kept.
    """
    check_dataset(config, dataset)
    store, label = store or RunStore(), label or config.slug
    found = store.find(config, dataset.fingerprint)
    if found and not reuse:
        from labutils.training.epoch import fit, planned_lengths

        run = fit(config, dataset, exam_at=planned_lengths(config), on_epoch=on_epoch, label=label).run
        print(f"{label}: trained {run.epochs} epochs anew; not stored, the stored run stays.")
        return run
    if not found or found.epochs < config.epochs:
        with store.lock(config, dataset.fingerprint, lambda: print(f"{label}: waiting, another process trains it.")):
            found = store.find(config, dataset.fingerprint)  # which may have finished it by now
            if not found or found.epochs < config.epochs:
                return _train_stored(config, dataset, store, on_epoch, label)
    of = f" of {found.epochs}" if found.epochs > config.epochs else ""
    run = found.first(config.epochs)
    print(f"{label}: reused, {run.epochs}{of} stored epochs{_shown_source(run)}.{_diverged(run)}")
    return run


def _train_stored(
    config: RunConfig, dataset: Dataset, store: RunStore, on_epoch: Callable[[Run], None] | None, label: str
) -> Run:
    """Train what is not stored yet; the run is held."""
    folder, start = store.workplace(config, dataset.fingerprint)
    run, checkpoint = start or (None, None)
    first = run.epochs if run else 0
    # Weights of the epochs that another folder holds: the lab's run, which goes on in a student's folder.
    weights = best_weights_file(run.path) if run and run.path and run.path != folder else None

    def keep(trained: Trained) -> None:
        best = trained.best_weights
        if best is None and weights and best_weights_file(folder) is None:
            best = weights.read_bytes()
        write_run(replace(trained.run, path=folder), trained.checkpoint, best)

    if first < config.epochs:
        from labutils.training.epoch import fit, planned_lengths

        exam_at = planned_lengths(config)
        run = fit(
            config,
            dataset,
            start=run,
            checkpoint=checkpoint,
            exam_at=exam_at,
            on_epoch=on_epoch,
            keep=keep,
            label=label,
        ).run
    assert run is not None
    run = replace(run, path=store.replace(folder, config, dataset.fingerprint)).first(config.epochs)
    seconds = minutes(float(run.history["seconds"][first:].sum()))
    what = f"extended from {first} to {run.epochs} epochs" if first else f"trained {run.epochs} epochs"
    print(f"{label}: {what} in {seconds}{_shown_source(run)}.{_diverged(run)}")
    return run


def _shown_source(run: Run) -> str:
    return " on phantoms" if run.source == "phantom" else f" on {run.source} data"


def _diverged(run: Run) -> str:
    """What to know about a run that learned nothing: its loss is no number, or never came below where it began."""
    loss, advice = run.history["loss"], "Try a lower learning rate."
    broken = np.flatnonzero(~np.isfinite(loss))
    if broken.size:
        return f" It diverged: from epoch {broken[0] + 1} on its loss is no number. {advice}"
    if run.epochs >= LEARNS_WITHIN and loss.min() >= loss[0]:
        stuck = f"after {run.epochs} epochs its loss is {loss[-1]:.3f}, after the first it was {loss[0]:.3f}"
        return f" It diverged: {stuck}. {advice}"
    return ""


def train_all(
    configs: Mapping[str, RunConfig],
    *datasets: Dataset,
    reuse: bool = True,
    train_missing: bool = True,
    executor: Executor | None = None,
    store: RunStore | None = None,
    on_epoch: Callable[[Run], None] | None = None,
) -> dict[str, Run]:
    """Several runs, by label; small ones in their place, which says so, where one is left out and those are stored.

    Parameters
    ----------
    configs : dict of str to RunConfig
    *datasets : Dataset
        The images of each data set that `configs` name.
    reuse, store, on_epoch
        See `train`. `on_epoch` is not called for what `executor` trains.
    train_missing : bool
        False leaves out, and names, runs of the lab's list that are not stored, on whatever images: they take
        long. A run with other settings was asked for by whoever changed them, and is trained.
    executor : concurrent.futures.Executor, optional
        Where to train: a `ProcessPoolExecutor` on this machine's cores; the executor of a Dask client on a cluster.
        Workers need no shared folder: only this process writes to the store. None trains in this process, one after
        another, or where the `labutils run --scheduler` says that executes this notebook.
    """
    from labutils.training.workers import chosen_workers, train_on

    store, names = store or RunStore(), [dataset.name for dataset in datasets]
    # A run whose data set is not among them is told by `train`.
    place = {label: names.index(c.dataset) if c.dataset in names else 0 for label, c in configs.items()}
    wanted = [{label: configs[label] for label in configs if place[label] == i} for i in range(len(datasets))]
    by_dataset = [(dataset, own) for dataset, own in zip(datasets, wanted, strict=True) if own]
    runs, small = dict[str, Run](), dict[str, Run]()
    with chosen_workers(executor) as workers:
        for dataset, own in by_dataset:
            if not train_missing and reuse:
                own = {label: one for label, one in own.items() if not _left_out(label, one, dataset, store)}
            if workers is not None:
                runs |= train_on(workers, own, dataset, reuse=reuse, store=store)
                continue
            for label, config in own.items():
                runs[label] = train(config, dataset, reuse=reuse, store=store, on_epoch=on_epoch, label=label)
    if len(runs) == len(configs):
        return {label: runs[label] for label in configs}
    for dataset, own in by_dataset:
        small |= find(lab.small(own), dataset.source)
    if len(small) < len(configs):
        return runs
    absent = "; ".join(label for label in configs if label not in runs)
    print(f"Not stored: {absent}. Small ones stand in: {lab.SMALL_IN_WORDS}.")
    print("What they show need not hold for the large ones.")
    return small


def _left_out(label: str, config: RunConfig, dataset: Dataset, store: RunStore) -> bool:
    """Whether a run is of the lab's list and not stored; says what training it takes here."""
    lengths = [planned.config.epochs for planned in lab.training_list() if planned.config.key == config.key]
    if not lengths or config.epochs > max(lengths):
        return False
    found = store.find(config, dataset.fingerprint)
    if found and found.epochs >= config.epochs:
        return False
    start = read_start(found.path) if found and found.path else None
    left = config.epochs - (start[0].epochs if start else 0)
    seconds = estimate_seconds(config.with_(epochs=left), len(dataset.y_train), len(dataset.class_names))
    stored = f"{found.epochs} of {config.epochs} epochs are stored" if found else "not stored yet"
    what = "the others" if start else f"{'all ' if found else ''}{config.epochs} epochs"
    print(f"{label}: {stored}. To train {what} here takes about {minutes(seconds)};")
    print(f"{' ' * len(label)}  set train_missing = True to do it.")
    return True


def with_weights(run: Run) -> Run:
    """The run, or the stored small one that stands in for it where its own weights are not stored; says so."""
    if run.path and best_weights_file(run.path):
        return run
    small = find(run.config.with_(**lab.SMALL), run.source, at_least=1)
    if small is None or small.path is None or best_weights_file(small.path) is None:
        return run
    print(f"The best weights of {run.label} are not stored. A small network stands in: {lab.SMALL_IN_WORDS}.")
    print("What it shows need not hold for the large one.")
    return small


def load_best(run: Run) -> "tuple[keras.Model, int]":
    """The trained network of a stored run, not compiled, and the epoch (from 0) of its weights, the best stored.

    They were stored as float16: predictions move in their third decimal. A StoreError says that the run came without
    them, and how to make them, or that they are damaged.
    """
    from labutils.training.backend import import_keras

    file = best_weights_file(run.path) if run.path else None
    if file is None or run.path is None:
        raise StoreError(
            f"The best weights of {run.config.slug} are not stored (they are left out where they are large). "
            "Train the run here to make them: set reuse = False and LABUTILS_RESULTS to a folder of your own."
        )
    import_keras()
    from labutils.models import build_model

    model, stored = build_model(run.config, n_classes=len(run.class_names)), read_run(run.path).epochs
    try:
        epoch = read_weights(model, file)
        # Killed between two files, the weights may be one epoch ahead of the others.
        if not 0 <= epoch <= stored:
            raise ValueError(f"it is from epoch {epoch + 1}, {stored} are stored")
    except Exception as error:  # there is no end to what readers raise on damaged files
        raise StoreError(
            f"{paths.short(file)} is damaged or belongs to another network ({first_line(error)}). "
            "Restore it, or remove it; the run's history and predictions do not need it."
        ) from None
    return model, epoch


def same_network(model: "keras.Model", config: RunConfig, n_classes: int = 2) -> None:
    """Say whether a network built by hand is the one that `config` writes down: its layers in order, its parameters."""
    from labutils.models import build_model, layers_in_words, other_layer

    ours, built = build_model(config, n_classes), layers_in_words(model)
    other = other_layer(built, layers_in_words(ours))
    if not other and model.input_shape != ours.input_shape:
        other = f"its images are {model.input_shape[1:]}, and {ours.input_shape[1:]} was expected"
    written = sum(type(layer).__name__ != "InputLayer" for layer in model.layers)
    counted = f"{written} layers in the same order, {model.count_params():,} parameters"
    print(f"Another network than the runs': {other}." if other else f"The network of the runs: {counted}.")
