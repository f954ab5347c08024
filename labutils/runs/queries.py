"""Which of the stored runs a notebook, the report or a table asks for; every question is answered from `RunStore.all`.

Where runs lie and how they are read is the business of `store` and `run`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from labutils import lab
from labutils.config import RunConfig
from labutils.errors import StoreError
from labutils.paths import LAB_DATASETS, dataset_name
from labutils.runs.run import Run
from labutils.runs.store import RunStore


class Snapshot(RunStore):
    """A store as it was when this was made: read once, for whoever asks it many questions.

    Parameters
    ----------
    store : RunStore, optional
    keep : callable
        Which of its runs.
    """

    def __init__(self, store: RunStore | None = None, keep: Callable[[Run], bool] = lambda run: True) -> None:
        store = store or RunStore()
        super().__init__(store.folder)
        self._runs = [run for run in store.all() if keep(run)]

    def all(self, keys: Collection[str] | None = None) -> list[Run]:
        """The runs, by the names of their folders; only those whose settings have one of `keys`."""
        return [run for run in self._runs if keys is None or run.config.key in keys]


def count_sources(store: RunStore | None = None) -> dict[str, int]:
    """Whose images the stored runs are on, with the number of runs; data sets that are not the lab's by name too."""
    runs = (store or RunStore()).all()
    own = [run.config.dataset for run in runs if run.config.dataset not in LAB_DATASETS]
    return dict(Counter([run.source for run in runs] + own))


def choose_runs(asked: str = "", store: RunStore | None = None) -> tuple[str, Snapshot]:
    """The stored runs on images of one source, or of one data set that is not the lab's.

    Parameters
    ----------
    asked : str
        A source or the name of a data set, as `count_sources` has them; nothing chooses phantoms where there are runs
        on phantoms, or no runs at all, else the source of most runs.

    Returns
    -------
    source : str
    runs : Snapshot

    Raises
    ------
    StoreError
        If there are no such runs; the sentence names what there is.
    """
    store = Snapshot(store)
    known = count_sources(store)
    sources = {run.source.casefold(): run.source for run in store.all()}
    if not asked:
        chosen = "phantom" if "phantom" in known or not known else max(sources.values(), key=lambda name: known[name])
        return chosen, Snapshot(store, lambda run: run.source == chosen)
    source, name = sources.get(asked.casefold()), dataset_name(asked)
    if source is not None:
        return source, Snapshot(store, lambda run: run.source == source)
    if name in known and name not in LAB_DATASETS:
        runs = Snapshot(store, lambda run: run.config.dataset == name)
        return runs.all()[0].source, runs
    there = ", ".join(f"{name} ({number})" for name, number in known.items()) or "none at all"
    raise StoreError(f"No stored run is on images of {asked!r}; there are runs on {there}.")


def other_runs(store: RunStore) -> dict[str, Run]:
    """Runs that no task of the lab shows, by the name of their folder: other settings, data sets, or too short."""
    planned = [config for task in lab.TITLES for config in lab.runs(task).values()]
    shown: dict[str, int] = {}
    for config in planned + [run.config for run in lab.training_list()]:
        shown[config.key] = min(config.epochs, shown.get(config.key, config.epochs))
    return {
        run.path.name: run for run in store.all() if run.path and run.epochs < shown.get(run.config.key, run.epochs + 1)
    }


def stored_runs(config: RunConfig, store: RunStore | None = None) -> list[Run]:
    """Stored runs with these settings, on whatever images: phantoms first, then by source; at most `config.epochs`.

    Runs with fewer epochs come with those they have.
    """
    store = store or RunStore()
    found = [run.first(min(run.epochs, config.epochs)) for run in store.all({config.key})]
    return sorted(found, key=lambda run: (run.source != "phantom", run.source))


def all_stored(source: str = "phantom", store: RunStore | None = None) -> dict[str, Run]:
    """All stored runs on images of one source, by the name of their folder."""
    return {run.path.name: run for run in (store or RunStore()).all() if run.source == source and run.path}


def task_runs(task: str, source: str = "phantom", store: RunStore | None = None) -> dict[str, Run]:
    """The stored runs of a task at the report's settings, by label, as far as they are there and long enough."""
    return _by_label(lab.runs(task), source, store)


def shown_runs(task: str, source: str = "phantom", store: RunStore | None = None) -> dict[str, Run]:
    """What there is to show of a task: its stored runs, or, while one is missing, small ones that stand in for them."""
    runs = task_runs(task, source, store)
    small = _by_label(lab.stand_ins(task), source, store)
    return small if missing(task, runs) and len(small) == len(lab.runs(task)) else runs


def missing(task: str, runs: Mapping[str, Run]) -> list[str]:
    """The labels of a task's runs that are not stored."""
    return [label for label in lab.runs(task) if label not in runs]


def _by_label(configs: Mapping[str, RunConfig], source: str, store: RunStore | None) -> dict[str, Run]:
    keys = {config.key for config in configs.values()}
    by_key = {run.config.key: run for run in (store or RunStore()).all(keys) if run.source == source}
    return {
        label: by_key[config.key].first(config.epochs)
        for label, config in configs.items()
        if config.key in by_key and by_key[config.key].epochs >= config.epochs
    }
