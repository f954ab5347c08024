"""The search: resumable, stored as text, honest about what it was chosen from."""

from dataclasses import replace

import pytest
from helpers import made_up_run, state_of, tiny_config, tiny_dataset

from labutils import plots
from labutils.config import scientific
from labutils.runs.run import write_run
from labutils.runs.store import RunStore
from labutils.training import search

DATASET = tiny_dataset()


@pytest.fixture
def trained(monkeypatch):
    """Replace training by made-up runs; the list of what was asked for."""
    asked = []

    def train(config, dataset, **options):
        asked.append(config)
        return made_up_run(config, dataset)

    monkeypatch.setattr("labutils.training.train", train)
    return asked


def test_a_study_goes_on_where_it_stopped(results, trained):
    base = tiny_config(epochs=3)
    search.study(base, DATASET, 2)
    study = search.study(base, DATASET, 4)
    assert len(trained) == 4 and len(study.trials) == 4
    search.study(base, DATASET, 4)
    assert len(trained) == 4, "finished trials are not trained again"


def test_stopped_or_not_it_draws_the_same(results, trained, tmp_path, monkeypatch):
    base = tiny_config(epochs=3)
    for n in (1, 2, 3, 4, 5, 6):
        search.study(base, DATASET, n)
    piecewise = [(c.learning_rate, c.n_base, c.dropout) for c in trained]
    trained.clear()
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path / "other"))
    search.study(base, DATASET, 6)
    assert [(c.learning_rate, c.n_base, c.dropout) for c in trained] == piecewise


def test_reading_a_study_changes_no_file(results, trained):
    base = tiny_config(epochs=3)
    search.study(base, DATASET, 2)
    file = next(results.rglob("*.study.jsonl"))
    before = file.read_bytes()
    study = search.study(base, DATASET, 2, train_missing=False)
    assert file.read_bytes() == before and len(study.trials) == 2


def test_without_permission_to_train_nothing_is_written(results, trained, capsys):
    study = search.study(tiny_config(epochs=3), DATASET, 3, train_missing=False)
    assert not trained and not study.trials and not list(results.rglob("*.jsonl"))
    assert "0 of 3 trials" in capsys.readouterr().out


def test_tables_name_the_best_and_what_it_was_chosen_from(results, trained):
    base = tiny_config(epochs=3)
    study = search.study(base, DATASET, 3)
    table = search.trial_table(study)
    assert table["best val accuracy"].tolist() == sorted(table["best val accuracy"], reverse=True)
    by_hand = {name: made_up_run(base, DATASET) for name in ("one", "other")}
    chosen = search.finalists(study, base, DATASET, by_hand)
    assert list(chosen) == ["by hand: one"], "the trials' runs are not stored"
    # All made-up trials are equally good: the first is the best.
    stored = replace(made_up_run(trained[0], DATASET), path=RunStore().path_of(trained[0], DATASET.fingerprint))
    stored.path.parent.mkdir(parents=True)
    write_run(stored, state_of(stored), None)
    chosen = search.finalists(study, base, DATASET, by_hand)
    assert list(chosen)[1].startswith("by search: lr ") and list(chosen.values())[1].config == trained[0]
    compared = search.comparison_table(study, chosen, n_by_hand=2)
    assert compared["chosen from"].tolist() == [2, 3] and compared["epochs"].tolist() == [3, 3]


def test_the_figure_tells_of_every_trial(results, trained, tmp_path):
    study = search.study(tiny_config(epochs=3), DATASET, 3)
    plots.search_trials(study, DATASET, tmp_path / "trials.png")
    words = plots.alt_text(tmp_path / "trials.png")
    assert "3 trials" in words and "course data" in words
    assert words.count(f"{study.best_value:.3f} at ") == 3, "all made-up trials are equally good"
    for config in trained:
        assert scientific(config.learning_rate) in words and f"b{config.n_base}: " in words


def test_without_a_trial_there_is_no_figure(results, tmp_path, capsys):
    study = search.study(tiny_config(), DATASET, 3, train_missing=False)
    plots.search_trials(study, DATASET, tmp_path / "trials.png")
    assert "no trial to draw yet" in capsys.readouterr().out and not (tmp_path / "trials.png").exists()
