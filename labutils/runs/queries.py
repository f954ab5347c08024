"""Which of the stored runs a notebook, the report or a table asks for; every question is answered from `RunStore.all`.

Where runs lie and how they are read is the business of `store` and `files`.
"""

from collections.abc import Mapping

from labutils import lab
from labutils.config import RunConfig
from labutils.runs.files import Run
from labutils.runs.store import RunStore


def stored_runs(config: RunConfig, store: RunStore | None = None) -> list[Run]:
    """Stored runs with these settings, on whatever images: phantoms first, then by source; at most `config.epochs`.

    Runs with fewer epochs come with those they have.
    """
    store = store or RunStore()
    found = [run.first(min(run.epochs, config.epochs)) for run in store.all() if run.config.key == config.key]
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
    by_key = {run.config.key: run for run in (store or RunStore()).all() if run.source == source}
    return {
        label: by_key[config.key].first(config.epochs)
        for label, config in configs.items()
        if config.key in by_key and by_key[config.key].epochs >= config.epochs
    }
