"""A small hyperparameter search with Optuna, for Task 4: settings drawn, trained briefly, and compared.

Every trial is an ordinary stored run; the study itself is a text file beside the results, so that it goes on where it
stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from labutils import paths
from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.evaluate.tables import as_table
from labutils.runs import Run, RunStore

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

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    store = store or RunStore()
    short = base.with_(epochs=min(base.epochs, EPOCHS))
    name = f"{short.slug}-{short.key}-{dataset.fingerprint[:6]}-{short.epochs}epochs"
    file = paths.results_dir() / "task4" / f"{name}.study.jsonl"
    found = optuna.create_study(study_name=name, direction="maximize")
    if file.exists() or train_missing:
        file.parent.mkdir(parents=True, exist_ok=True)
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(file)))
        # Creating a study writes to the file even where it is there already.
        if not storage.get_all_studies():
            optuna.create_study(storage=storage, study_name=name, direction="maximize")
        found = optuna.load_study(storage=storage, study_name=name)
    finished = len(_finished(found))
    if finished < n_trials and not train_missing:
        print(f"Search: {finished} of {n_trials} trials are stored; set train_missing = True to train the others.")
        return found

    def objective(trial: optuna.Trial) -> float:
        config = short.with_(
            learning_rate=float(f"{trial.suggest_float('learning_rate', 1e-6, 1e-3, log=True):.2g}"),
            n_base=trial.suggest_categorical("n_base", [4, 8, 16]),
            dropout=trial.suggest_float("dropout", 0.0, 0.6, step=0.1),
        )
        run = train(config, dataset, store=store, label=f"trial {trial.number}")
        return float(run.history["val_accuracy"].max())

    # A sampler of its own for every number of finished trials: a study that was stopped draws as one that was not.
    for done in range(finished, n_trials):
        found.sampler = optuna.samplers.TPESampler(seed=base.seed + done, n_startup_trials=5)
        found.optimize(objective, n_trials=1)
    return found


def trial_table(found: optuna.Study) -> Table:
    """One row per finished trial, the best first."""
    trials = sorted(_finished(found), key=lambda trial: (-(trial.value or 0.0), trial.number))
    rows = {
        trial.number: {
            "learning rate": f"{trial.params['learning_rate']:.2g}",
            "n_base": trial.params["n_base"],
            "dropout": f"{trial.params['dropout']:.1f}",
            "best val accuracy": f"{trial.value:.3f}",
        }
        for trial in trials
    }
    return as_table(rows, "trial", "No trial is stored yet.")


def comparison_table(found: optuna.Study, runs: Mapping[str, Run]) -> Table:
    """The best trial beside the best of the runs set by hand, each with its interval and what it was chosen from."""
    from labutils.evaluate import best, wilson_interval

    rows = {}
    if runs:
        label, run = max(runs.items(), key=lambda item: best(item[1]).accuracy.value)
        rows["by hand"] = {"setting": label, "best val accuracy": str(best(run).accuracy), "chosen from": len(runs)}
    trials = _finished(found)
    if trials and runs:
        top, n = max(trials, key=lambda trial: trial.value or 0.0), len(next(iter(runs.values())).y_val)
        low, high = wilson_interval(round((top.value or 0.0) * n), n)
        setting = ", ".join(f"{name} {value:.2g}" for name, value in top.params.items())
        accuracy = f"{top.value:.3f} [{low:.3f}, {high:.3f}]"
        rows["by search"] = {"setting": setting, "best val accuracy": accuracy, "chosen from": len(trials)}
    return as_table(rows, "found", "Nothing to compare yet: no run is stored.")


def _finished(found: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    import optuna

    return found.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
