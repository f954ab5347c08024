"""Tables that set runs side by side: their numbers against scikit-learn's, against counting, and hand-made runs."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_helpers import make_run, with_exam
from sklearn.metrics import brier_score_loss, recall_score, roc_auc_score

from labutils import evaluate, lab
from labutils.evaluate import contrasts
from labutils.evaluate.compare import p_value
from labutils.statistics import holm

CONFIG = lab.runs("task1b")["lr 1e-5"].with_(epochs=3)


@pytest.fixture
def pair():
    return {"a": make_run(CONFIG, wrong=30), "b": make_run(CONFIG, wrong=50, shift=10)}


def test_pairs_count_who_is_right_alone(pair):
    a, b = (evaluate.correct(run) for run in pair.values())
    row = contrasts.paired_table(pair).loc["a against b"]
    assert row["only the first is right"] == int((a & ~b).sum())
    assert row["only the second is right"] == int((~a & b).sum())
    assert row["p (exact McNemar)"] == f"{evaluate.mcnemar(pair['a'], pair['b']).p:.3f}"


def test_three_runs_make_three_pairs_and_one_none(pair):
    assert len(contrasts.paired_table(pair | {"c": pair["a"]})) == 3
    assert contrasts.paired_table({"a": pair["a"]}).empty


def test_several_tests_are_adjusted_and_the_table_says_how_many_there_are(pair):
    runs = pair | {"c": make_run(CONFIG, wrong=55, shift=10)}
    table = contrasts.paired_table(runs)
    p = {f"{x} against {y}": evaluate.mcnemar(runs[x], runs[y]).p for x, y in (("a", "b"), ("a", "c"), ("b", "c"))}
    assert table["p adjusted (Holm)"].to_dict() == {name: p_value(value) for name, value in holm(p).items()}
    assert table["p adjusted (Holm)"].to_dict() != table["p (exact McNemar)"].to_dict()
    assert "3 tests" in table.note and "up to 14%" in table.note and table.note in table._repr_html_()
    assert "p adjusted (Holm)" not in contrasts.paired_table(pair) and not contrasts.paired_table(pair).note


def test_settings_are_compared_on_the_exam_over_their_seeds(pair):
    seeds = {
        name: [with_exam(make_run(CONFIG.with_(seed=seed)), right, noise=seed) for seed in range(3)]
        for name, right in {"good": 0.9, "poor": 0.8}.items()
    }
    row = contrasts.exam_table(seeds | {"not sat": list(pair.values())})
    assert list(row.index) == ["good against poor"]
    assert row.iloc[0]["the first is"] == "better" and row.iloc[0]["seen on"] == "1000 images, 3 seeds"
    assert row.iloc[0]["first"].startswith("0.900") and row.iloc[0]["second"].startswith("0.800")
    assert contrasts.exam_table({"a": list(pair.values())}).empty


def test_several_pairs_on_the_exam_are_adjusted_and_the_table_says_so(monkeypatch):
    settings = {
        name: [with_exam(make_run(CONFIG.with_(seed=seed)), right, noise=9) for seed in range(2)]
        for name, right in {"a": 0.80, "b": 0.785, "c": 0.80, "d": 0.80}.items()
    }
    two = contrasts.exam_table({name: settings[name] for name in "ab"})
    assert two.iloc[0]["the first is"] == "better" and "Holm" not in two.note
    table = contrasts.exam_table(settings)
    assert "6 pairs" in table.note and "Holm" in table.note
    asked = {}
    monkeypatch.setattr(
        contrasts, "adjusted_words", lambda effects, _: asked.update(effects) or dict.fromkeys(effects, "?")
    )
    assert set(contrasts.exam_table(settings)["the first is"]) == {"?"} and list(asked) == list(table.index)


def test_the_gap_is_shown_both_ways_with_what_lies_between():
    run = make_run(CONFIG, wrong=40, accuracy=0.85)
    fixed = replace(run, history=run.history | {"fixed_accuracy": np.full(3, 0.95)})
    table = contrasts.gap_both_ways({"before": run, "now": fixed})
    by, like, between = table.columns
    assert "as it went by" in by and "measured like validation" in like
    assert table.loc["before", by].startswith("0.050") and table.loc["before", like] == "-"
    assert table.loc["now", by].startswith("0.050") and table.loc["now", like].startswith("0.150")
    assert table.loc["now", between] == "-10.0 points"
    assert "measured like validation" in contrasts.gap_table({"now": fixed}).note


def test_gap_is_training_minus_validation():
    run = make_run(CONFIG, wrong=40, accuracy=0.95)
    row = contrasts.gap_table({"a": run}).loc["a"]
    assert row["train accuracy, last 3 epochs"] == "0.950" and row["val accuracy, last 3 epochs"] == "0.800"
    assert row["gap [95 % interval]"].startswith("0.150")


def test_a_run_of_one_epoch_has_no_last_ten():
    assert "train accuracy, last epoch" in contrasts.gap_table({"a": make_run(CONFIG.with_(epochs=1))})
    assert "val accuracy, last 10 epochs" in contrasts.gap_table({"a": make_run(CONFIG.with_(epochs=12))})


def test_the_gap_is_the_difference_of_the_two_columns_beside_it():
    run = make_run(CONFIG.with_(epochs=30), wrong=40, accuracy=list(np.linspace(0.5, 0.99, 30)))
    row = contrasts.gap_table({"a": run}).loc["a"]
    train, val = (float(row[f"{name} accuracy, last 10 epochs"]) for name in ("train", "val"))
    assert float(row["gap [95 % interval]"].split()[0]) == pytest.approx(train - val, abs=0.0011)


def test_first_epoch_at_an_accuracy():
    run = make_run(CONFIG, accuracy=[0.5, 0.8, 0.9])
    assert contrasts.reach_table({"a": run}, 0.8).loc["a", "first epoch at 0.800"] == "2"
    assert contrasts.reach_table({"a": run}, 0.95).loc["a", "first epoch at 0.950"] == "never"


def test_quality_agrees_with_scikit_learn(pair):
    run = pair["a"]
    p = run.val_predictions[run.best_epoch, :, 0].astype(float)
    row = contrasts.quality_table({"a": run}).loc["a"]
    assert row["AUC [95 % interval]"].startswith(f"{roc_auc_score(run.y_val, p):.3f}")
    assert row["Brier score"] == f"{brier_score_loss(run.y_val, p):.3f}"
    recall = recall_score(run.y_val, p > 0.5, average=None)
    for name, value in zip(run.class_names, recall, strict=True):
        assert row[f"recall {name}"].startswith(f"{value:.3f}")


def test_choosing_the_epoch_on_noise_flatters():
    """Twenty epochs of pure guessing: the best of them looks better than guessing, an honest choice does not."""
    rng = np.random.default_rng(1)
    from evaluate_helpers import run_from_predictions

    guesses = rng.uniform(0, 1, (20, 200, 1))
    run = run_from_predictions(CONFIG.with_(epochs=20), guesses, np.arange(200) % 2)
    row = contrasts.choice_table({"noise": run}, repeats=200).loc["noise"]
    assert float(row["best of all epochs"]) > 0.54
    assert abs(float(row["epoch chosen on other images"]) - 0.5) < 0.04


def test_sources_stand_side_by_side_and_phantoms_are_named():
    runs = [make_run(CONFIG, wrong=30), make_run(CONFIG, wrong=60, source="HAM10000 selection")]
    table = contrasts.truth_table(runs, lab.reported("task1b")["lr 1e-5"])
    assert list(table.columns) == ["report", "PHANTOM", "HAM10000 selection"]
    assert table.loc["best val accuracy", "report"] == "0.85"
    assert table.loc["best val accuracy", "PHANTOM"].startswith("0.850")


def test_networks_in_numbers():
    table = contrasts.network_table(lab.runs("task1e"))
    assert table.loc["LeNet", "parameters"] == "2,098,657"
    assert table.loc["VGG16", "convolutions"] == 13


def test_the_best_of_every_network_and_what_may_be_as_good():
    alexnet = CONFIG.with_(model="alexnet")
    runs = {
        "a": make_run(CONFIG, wrong=30),
        "b": make_run(CONFIG.with_(seed=1), wrong=31),
        "c": make_run(CONFIG.with_(seed=2), wrong=90),
        "d": make_run(alexnet, wrong=20),
    }
    table = contrasts.best_table(runs)
    assert table["best"].to_dict() == {"VGG16": "a", "AlexNet": "d"}
    assert table["others that may be as good (McNemar, Holm)"].to_dict() == {"VGG16": "1 of 2", "AlexNet": "0 of 0"}


def test_time_is_the_median_and_names_the_machine():
    run = make_run(CONFIG)
    run = replace(run, history=run.history | {"seconds": np.array([9.0, *[2.0] * (run.epochs - 1)])})
    run = replace(run, provenance=run.provenance | {"stretches": [{"device": "a laptop", "threads": 2}]})
    row = contrasts.time_table({"a": run}).loc["a"]
    assert row["seconds an epoch (median)"] == "2.0" and row["trained on"] == "a laptop, 2 threads"


def test_a_table_without_rows_says_so():
    for table in (contrasts.gap_table, contrasts.paired_table, contrasts.quality_table, contrasts.choice_table):
        assert table({}).empty
    assert repr(contrasts.gap_table({})) == "No run to show yet."
    assert contrasts.paired_table({})._repr_html_() == "<p>Nothing to compare yet: this needs two runs.</p>"


def test_tables_are_read_from_the_left_and_in_full(pair):
    html = contrasts.paired_table(pair).assign(long="word " * 40)._repr_html_()
    assert "text-align: left" in html and "word " * 39 in html
