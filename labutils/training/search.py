"""A small hyperparameter search with Optuna, for Task 4: settings drawn, trained briefly, and compared.

Every trial is an ordinary stored run; the study itself is a text file beside the results, so that it goes on where it
stopped.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labutils import paths
from labutils.config import RunConfig, scientific
from labutils.data.dataset import Dataset
from labutils.evaluate import best
from labutils.evaluate.tables import as_table
from labutils.runs.disk import clear_errors
from labutils.runs.run import Run
from labutils.runs.store import RunStore

if TYPE_CHECKING:
    import optuna

    from labutils.frames import Table

EPOCHS = 30
"""Epochs of one trial, unless the run that it starts from has fewer."""


def study(
    base: RunConfig, dataset: Dataset, n_trials: int, train_missing: bool = True, store: RunStore | None = None
) -> optuna.Study:
    """A study of learning rate, width and dropout with at least `n_trials` trials.

    Parameters
    ----------
    base : RunConfig
        All other settings.
    dataset : Dataset
    n_trials : int
        Finished trials wanted, those of earlier calls included.
    train_missing : bool
        False trains nothing on phantoms at the lab's default settings, and says how many trials there are.
    store : RunStore, optional

    Returns
    -------
    optuna.Study
        Maximizes the best validation accuracy. Trials are drawn by the tree-structured Parzen estimator
        (Bergstra et al., 2011) from `base.seed`.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    from labutils.training import train
    from labutils.training.journal import mend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    store = store or RunStore()
    short = _shortened(base)
    name = f"{short.slug}-{short.key}-{dataset.fingerprint[:6]}-{short.epochs}epochs"
    file = paths.results_dir() / "task4" / f"{name}.study.jsonl"
    found = optuna.create_study(study_name=name, direction="maximize")
    if os.path.lexists(file) or train_missing:
        mend(file, _can_be_ours)
        with clear_errors(file.parent):
            file.parent.mkdir(parents=True, exist_ok=True)
            storage = optuna.storages.JournalStorage(JournalFileBackend(str(file)))
        # Creating a study writes to the file even where it is there already.
        there = name in [study.study_name for study in storage.get_all_studies()]
        if train_missing and not there:
            optuna.create_study(storage=storage, study_name=name, direction="maximize")
        if train_missing or there:
            found = optuna.load_study(storage=storage, study_name=name)
    done = len(finished(found))
    if done < n_trials and not train_missing:
        print(f"Search: {done} of {n_trials} trials are stored; set train_missing = True to train the others.")
        return found

    def objective(trial: optuna.Trial) -> float:
        drawn = {
            "learning_rate": trial.suggest_float("learning_rate", 1e-6, 1e-3, log=True),
            "n_base": trial.suggest_categorical("n_base", [4, 8, 16]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.6, step=0.1),
        }
        config = short.with_(**settings_of(drawn))
        run = train(config, dataset, store=store, label=f"trial {trial.number}")
        return float(run.history["val_accuracy"].max())

    # A sampler of its own for every number of finished trials: a study that was stopped draws as one that was not.
    for number in range(done, n_trials):
        found.sampler = optuna.samplers.TPESampler(seed=base.seed + number, n_startup_trials=5)
        found.optimize(objective, n_trials=1)
    return found


def trial_table(found: optuna.Study) -> Table:
    """One row per finished trial, the best first."""
    trials = sorted(finished(found), key=lambda trial: (-(trial.value or 0.0), trial.number))
    rows = {
        trial.number: {
            "learning rate": scientific(settings_of(trial.params)["learning_rate"]),
            "n_base": trial.params["n_base"],
            "dropout": f"{trial.params['dropout']:.1f}",
            "best val accuracy": f"{trial.value:.3f}",
        }
        for trial in trials
    }
    return as_table(rows, "trial", "No trial is stored yet.")


def finalists(
    found: optuna.Study, base: RunConfig, dataset: Dataset, runs: Mapping[str, Run], store: RunStore | None = None
) -> dict[str, Run]:
    """The best run set by hand and the best one searched for, by what they are called; those of them that there are.

    Parameters
    ----------
    found : optuna.Study
        From `study`, with the same `base` and `dataset`.
    runs : mapping of str to Run
        Set by hand, by label.
    """
    chosen = {}
    if runs:
        label, run = max(runs.items(), key=lambda item: best(item[1]).accuracy.value)
        chosen[f"by hand: {label}"] = run
    trials = finished(found)
    if trials:
        settings = settings_of(max(trials, key=lambda trial: trial.value or 0.0).params)
        run_found = (store or RunStore()).find(_shortened(base).with_(**settings), dataset.fingerprint)
        if run_found is not None:
            rate, dropout = scientific(settings["learning_rate"]), f"dropout {settings['dropout']:.1f}"
            chosen[f"by search: lr {rate}, b{settings['n_base']}, {dropout}"] = run_found
    return chosen


def comparison_table(found: optuna.Study, chosen: Mapping[str, Run], n_by_hand: int) -> Table:
    """The finalists with the intervals of their accuracies, their epochs, and the number they were chosen from."""
    rows = {
        label: {
            "best val accuracy": str(best(run).accuracy),
            "epochs": run.epochs,
            "chosen from": n_by_hand if label.startswith("by hand") else len(finished(found)),
        }
        for label, run in chosen.items()
    }
    return as_table(rows, "found", "Nothing to compare yet: no run is stored.")


def _shortened(base: RunConfig) -> RunConfig:
    return base.with_(epochs=min(base.epochs, EPOCHS))


def _can_be_ours(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether a finished trial has settings of a run, all that are searched, and an accuracy."""
    drawn = settings_of(trial.params)
    RunConfig(dataset="skin", model="lenet", epochs=1, **drawn)
    return set(drawn) == {"learning_rate", "n_base", "dropout"} and 0 <= float(trial.value or 0.0) <= 1


def settings_of(drawn: Mapping[str, Any]) -> dict[str, Any]:
    """What Optuna has drawn, as settings of a run: the learning rate to two digits."""
    return {**drawn, "learning_rate": float(f"{drawn['learning_rate']:.2g}")}


def finished(found: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that were trained to their end."""
    import optuna

    return found.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
