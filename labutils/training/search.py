"""A small hyperparameter search with Optuna, for Task 4: settings drawn, trained briefly, and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labutils.config import RunConfig, scientific
from labutils.data.dataset import Dataset
from labutils.evaluate import best
from labutils.evaluate.tables import as_table
from labutils.runs.run import Run
from labutils.runs.store import RunStore

if TYPE_CHECKING:
    import optuna

    from labutils.frames import Table

EPOCHS = 30  # epochs of one trial, unless the run that it starts from has fewer


def study(base: RunConfig, dataset: Dataset, n_trials: int, train_missing: bool = True) -> optuna.Study:
    """A study of learning rate, width and dropout with `n_trials` trials, which maximizes the best validation accuracy.

    A trial is drawn by the tree-structured Parzen estimator (Bergstra et al., 2011) from `base.seed` and from what the
    trials before it reached, and is an ordinary stored run. Asked for again, it is therefore the same settings, and the
    stored run answers: a study that was stopped goes on as one that was not. All other settings are those of `base`.
    Without `train_missing` the study ends before the first trial whose run is not stored, and says so.
    """
    import optuna

    from labutils.training import train_all

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    store, found = RunStore(), optuna.create_study(direction="maximize")
    for number in range(n_trials):
        found.sampler = optuna.samplers.TPESampler(seed=base.seed + number, n_startup_trials=5)
        trial = found.ask()
        drawn = {
            "learning_rate": trial.suggest_float("learning_rate", 1e-6, 1e-3, log=True),
            "n_base": trial.suggest_categorical("n_base", [4, 8, 16]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.6, step=0.1),
        }
        config = trial_config(base, drawn)
        run = store.find(config, dataset.fingerprint)
        if run is None or run.epochs < config.epochs:
            if not train_missing:
                stored = f"{number} of {n_trials} trials are stored"
                print(f"Search: {stored}; set train_missing = True to train the others.")
                break
            (run,) = train_all({f"trial {number}": config}, dataset, store=store).values()
        found.tell(trial, float(run.first(config.epochs).history["val_accuracy"].max()))
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


def finalists(found: optuna.Study, base: RunConfig, dataset: Dataset, runs: Mapping[str, Run]) -> dict[str, Run]:
    """The best of the `runs` set by hand and the best one searched for (`study`), by what they are called; those of
    them that there are."""
    chosen = {}
    if runs:
        label, run = max(runs.items(), key=lambda item: best(item[1]).accuracy.value)
        chosen[f"by hand: {label}"] = run
    if trials := finished(found):
        config = trial_config(base, max(trials, key=lambda trial: trial.value or 0.0).params)
        if searched := RunStore().find(config, dataset.fingerprint):
            rate, dropout = scientific(config.learning_rate), f"dropout {config.dropout:.1f}"
            chosen[f"by search: lr {rate}, b{config.n_base}, {dropout}"] = searched
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


def settings_of(drawn: Mapping[str, Any]) -> dict[str, Any]:
    """What Optuna has drawn, as settings of a run: the learning rate to two digits."""
    return {**drawn, "learning_rate": float(f"{drawn['learning_rate']:.2g}")}


def trial_config(base: RunConfig, drawn: Mapping[str, Any]) -> RunConfig:
    """The run of a trial: `EPOCHS` long at most."""
    return base.with_(epochs=min(base.epochs, EPOCHS), **settings_of(drawn))


def finished(found: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that were trained to their end."""
    import optuna

    return found.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
