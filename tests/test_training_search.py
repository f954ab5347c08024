"""The search: the same trials whenever it is asked for, answered by stored runs, honest about what it chose from."""

from dataclasses import replace

import pytest
from helpers import made_up_run, state_of, tiny_config, tiny_dataset

from labutils import lab, plots
from labutils.config import scientific
from labutils.runs.store import RunStore
from labutils.training import search

DATASET = tiny_dataset()
BASE = tiny_config(epochs=3)


@pytest.fixture
def trained(results, monkeypatch):
    """Made-up runs are stored in place of training; the list of what was asked for."""
    asked = []

    def train_all(configs, dataset, store):
        asked.extend(configs.values())
        made = {label: made_up_run(config, dataset) for label, config in configs.items()}
        return {label: store.put(run, state_of(run), None) for label, run in made.items()}

    monkeypatch.setattr("labutils.training.train_all", train_all)
    return asked


def test_stopped_or_not_it_draws_the_same_and_trains_nothing_twice(trained, tmp_path, monkeypatch):
    for n in range(1, 7):
        assert len(search.finished(search.study(BASE, DATASET, n))) == n
    piecewise = list(trained)
    assert len({config.key for config in piecewise}) == 6
    again = search.study(BASE, DATASET, 6, train_missing=False)
    assert len(search.finished(again)) == 6 and trained == piecewise
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path / "other"))
    search.study(BASE, DATASET, 6)
    assert trained[6:] == piecewise


def test_without_permission_to_train_it_ends_before_the_first_trial_that_is_missing(trained, capsys):
    search.study(BASE, DATASET, 3)
    RunStore().remove(RunStore().path_of(trained[1], DATASET.fingerprint).name)
    capsys.readouterr()
    found = search.study(BASE, DATASET, 3, train_missing=False)
    assert len(search.finished(found)) == 1 and len(trained) == 3
    said = "Search: 1 of 3 trials are stored; set train_missing = True to train the others.\n"
    assert capsys.readouterr().out == said


def test_the_stored_runs_of_the_lab_answer_the_search_of_task_4(monkeypatch):
    """With another version of Optuna, which draws otherwise, they would not."""
    monkeypatch.delenv("LABUTILS_RESULTS", raising=False)
    base = next(iter(lab.runs("task4").values()))
    (stored,) = RunStore().all([base.key])
    images = replace(DATASET, fingerprint=stored.fingerprint)
    found = search.study(base, images, 10, train_missing=False)
    assert len(search.finished(found)) == 10


def test_tables_name_the_best_and_what_it_was_chosen_from(trained):
    study = search.study(BASE, DATASET, 3)
    table = search.trial_table(study)
    assert table["best val accuracy"].tolist() == sorted(table["best val accuracy"], reverse=True)
    by_hand = {name: made_up_run(BASE, DATASET) for name in ("one", "other")}
    chosen = search.finalists(study, BASE, DATASET, by_hand)
    # All made-up trials are equally good: the first is the best.
    first, by_search = chosen
    assert first == "by hand: one" and by_search.startswith("by search: lr ")
    assert chosen[by_search].config == trained[0]
    compared = search.comparison_table(study, chosen, n_by_hand=2)
    assert compared["chosen from"].tolist() == [2, 3] and compared["epochs"].tolist() == [3, 3]


def test_the_figure_tells_of_every_trial(trained, tmp_path):
    study = search.study(BASE, DATASET, 3)
    plots.search_trials(study, DATASET, tmp_path / "trials.png")
    words = plots.alt_text(tmp_path / "trials.png")
    assert "3 trials" in words and "course data" in words
    assert words.count(f"{study.best_value:.3f} at ") == 3, "all made-up trials are equally good"
    for config in trained:
        assert scientific(config.learning_rate) in words and f"b{config.n_base}: " in words


def test_without_a_trial_there_is_no_figure(results, tmp_path, capsys):
    study = search.study(BASE, DATASET, 3, train_missing=False)
    plots.search_trials(study, DATASET, tmp_path / "trials.png")
    assert "no trial to draw yet" in capsys.readouterr().out and not (tmp_path / "trials.png").exists()
