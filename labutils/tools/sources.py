"""Whose images the stored runs are on, and which of them a report is about."""

from collections import Counter
from collections.abc import Sequence

from labutils import lab
from labutils.errors import StoreError
from labutils.paths import LAB_DATASETS, dataset_name
from labutils.runs.run import Run


def count_sources(runs: Sequence[Run]) -> dict[str, int]:
    """Whose images the runs are on, with the number of runs; data sets that are not the lab's by name too."""
    own = [run.config.dataset for run in runs if run.config.dataset not in LAB_DATASETS]
    return dict(Counter([run.source for run in runs] + own))


def choose_runs(asked: str, runs: Sequence[Run]) -> tuple[str, list[Run]]:
    """The runs on images of one source, or of one data set that is not the lab's; and that source.

    Parameters
    ----------
    asked : str
        A source or the name of a data set, as `count_sources` has them; nothing chooses phantoms where there are runs
        on phantoms, or no runs at all, else the source of most runs.
    runs : sequence of Run

    Raises
    ------
    StoreError
        If there are no such runs; the sentence names what there is.
    """
    known = count_sources(runs)
    sources = {run.source.casefold(): run.source for run in runs}
    chosen, name = sources.get(asked.casefold()), dataset_name(asked)
    if not asked:
        chosen = "phantom" if "phantom" in known or not known else max(sources.values(), key=lambda name: known[name])
    elif chosen is None and name in known and name not in LAB_DATASETS:
        of_it = [run for run in runs if run.config.dataset == name]
        return of_it[0].source, of_it
    if chosen is None:
        there = ", ".join(f"{name} ({number})" for name, number in known.items()) or "none at all"
        raise StoreError(f"No stored run is on images of {asked!r}; there are runs on {there}.")
    return chosen, [run for run in runs if run.source == chosen]


def other_runs(runs: Sequence[Run]) -> dict[str, Run]:
    """Runs that no task of the lab shows, by the name of their folder: other settings, data sets, or too short."""
    planned = [config for task in lab.TITLES for config in lab.runs(task).values()]
    shown: dict[str, int] = {}
    for config in planned + [run.config for run in lab.training_list()]:
        shown[config.key] = min(config.epochs, shown.get(config.key, config.epochs))
    return {run.path.name: run for run in runs if run.path and run.epochs < shown.get(run.config.key, run.epochs + 1)}
