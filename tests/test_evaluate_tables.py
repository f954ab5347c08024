"""Tables: what is in them is computed, text, and marked with where the images came from."""

import dataclasses
import subprocess
import sys
from html import escape
from itertools import combinations

import numpy as np
import pytest
from evaluate_helpers import make_run, with_exam
from sklearn.metrics import brier_score_loss, recall_score, roc_auc_score

from labutils import audit, evaluate, lab
from labutils.evaluate import compare, metrics
from labutils.evaluate.effects import adjusted_words
from labutils.evaluate.exam import effect
from labutils.evaluate.rules import ACCURACY_MARGIN
from labutils.evaluate.tables import as_table
from labutils.statistics import holm, p_value


def make_runs(task, **settings):
    return {label: make_run(config, **settings) for label, config in lab.runs(task).items()}


def test_run_table_shows_our_numbers_beside_the_reports():
    # The best epoch is the most confident one: its loss is the highest, not the lowest.
    runs = make_runs("task1b", wrong=[31] * 40 + [30] + [31] * 59, confidence=[0.8] * 40 + [0.95] + [0.8] * 59)
    table = audit.run_table(runs, task="task1b")
    assert list(table.index) == list(runs)
    row = table.loc["lr 1e-5"]
    loss = runs["lr 1e-5"].history["val_loss"]
    assert row.to_dict() == {
        "epochs": 100,
        "best val accuracy [95 % interval]": "0.850 [0.794, 0.893]",
        "best epoch": 41,
        "lowest val loss": f"{loss.min():.4f}",
        "val loss at best epoch": f"{loss[40]:.4f}",
        "report: accuracy": "0.8500",
        "report: loss": "0.4255",
        "data": "PHANTOM",
    }


def test_what_the_report_does_not_say_is_a_dash_and_without_one_there_is_no_column():
    table = audit.run_table(make_runs("task5b"), task="task5b")
    assert table.loc["batch norm", "report: accuracy"] == "-"
    assert table.loc["batch norm", "report: highest train accuracy"] == "1.0000"
    other = {"lr 1e-3": make_run(lab.runs("task1b", learning_rate=1e-3)["lr 1e-5"])}
    assert audit.run_table(other, task="task1b").loc["lr 1e-3", "report: loss"] == "-"
    assert not [column for column in audit.run_table(other).columns if "report" in column]


def test_training_numbers_stand_beside_the_same_quantity_of_the_report():
    accuracy, loss = np.linspace(0.5, 0.95, 50), np.linspace(0.6, 0.1, 50)
    accuracy[-1], loss[-1] = 0.9, 0.2
    run = make_run(lab.runs("task5a")["no dropout"], wrong=[20] + [40] * 49, accuracy=accuracy, loss=loss)
    row = audit.run_table({"no dropout": run}, task="task5a").loc["no dropout"]
    assert row["best epoch"] == 1, "where training accuracy is 0.5"
    assert (row["highest train accuracy"], row["report: highest train accuracy"]) == (f"{accuracy[-2]:.4f}", "0.9309")
    assert (row["lowest train loss"], row["report: lowest train loss"]) == (f"{loss[-2]:.4f}", "0.1748")
    assert row["final train accuracy"] == "0.9000"
    assert "highest train accuracy" not in audit.run_table(make_runs("task5c"), task="task5c")


def test_many_classes_show_both_accuracies_and_the_reports_under_its_own_name():
    config = lab.runs("task4")["LeNet (5) dropout 0.4"].with_(epochs=2)
    # The first epoch has more images right; in the second, every image's nine answers are undecided, and eight right.
    runs = {"LeNet (5) dropout 0.4": make_run(config, wrong=[45, 54], n=225)}
    table = audit.run_table(runs, task="task4")
    row = table.loc["LeNet (5) dropout 0.4"]
    assert row["best val accuracy [95 % interval]"].startswith("0.800 ")
    # A wrong image is wrong in two of nine columns.
    assert row["highest element-wise accuracy"] == f"{1 - 0.2 * 2 / 9:.4f}"
    assert row["report: element-wise accuracy"] == "0.9872"
    assert "report: accuracy" not in table and "report: loss" not in table


def test_the_exam_has_a_column_where_a_run_has_sat_it():
    runs = make_runs("task1b")
    assert not [name for name in audit.run_table(runs) if "exam" in name]
    sat = runs | {"lr 1e-5": with_exam(runs["lr 1e-5"], 0.9)}
    column = audit.run_table(sat)["exam accuracy at best epoch [95 % interval]"]
    assert column["lr 1e-5"] == str(evaluate.exam_accuracy([sat["lr 1e-5"]])) and column["lr 1e-4"] == "-"


@pytest.mark.parametrize("source, shown", [("phantom", "PHANTOM"), ("course", "course"), ("public", "public")])
def test_every_table_names_the_data(source, shown):
    runs = make_runs("task1b", source=source)
    assert set(audit.run_table(runs)["data"]) == {shown}
    assert set(evaluate.seed_table(evaluate.group_seeds(runs))["data"]) == {shown}
    assert set(evaluate.verdict_table(evaluate.judge_all(runs, "task1b"))["data"]) == {shown}


def with_seed(run, seed):
    return dataclasses.replace(run, config=run.config.with_(seed=seed))


def test_seed_table_gives_mean_spread_and_range():
    config = lab.runs("task5a")["no dropout"]
    runs = {f"seed {s}": with_seed(make_run(config, wrong=w), s) for s, w in [(2, 20), (0, 30), (1, 40)]}
    runs["alone"] = make_run(lab.runs("task5a")["dropout 0.4"])
    groups = evaluate.group_seeds(runs)
    assert {name: [r.config.seed for r in group] for name, group in groups.items()} == {
        "seed 2": [0, 1, 2],
        "alone": [0],
    }
    table = evaluate.seed_table(groups)
    assert table.loc["seed 2", "best val accuracy, mean ± sd (range)"] == "0.850 ± 0.050 (0.800 to 0.900)"
    assert table.loc["seed 2", "seeds"] == "seed 0, 1, 2"
    assert table.loc["alone", "best val accuracy, mean ± sd (range)"] == "0.850 (one seed)"
    exam = "exam accuracy, mean [95 % interval over seeds and images]"
    assert set(table[exam]) == {"-"}
    sat = [with_exam(run, 0.8, noise=run.config.seed) for run in groups["seed 2"]]
    assert evaluate.seed_table({"sat": sat}).loc["sat", exam] == str(evaluate.exam_accuracy(sat))


def test_seeds_are_grouped_under_what_they_share():
    config = lab.runs("task5a")["no dropout"]
    run = make_run(config)
    runs = {f"no dropout, seed {s}": with_seed(run, s) for s in (1, 2)}
    assert list(evaluate.group_seeds(runs)) == ["no dropout"]
    longer = {"no dropout, seed 0": make_run(config.with_(epochs=60))}
    assert list(evaluate.group_seeds(runs | longer)) == ["no dropout", "no dropout, seed 0"], "no run of one is lost"
    others = {"a": run, "b": with_seed(run.first(20), 1), "c": with_seed(make_run(config, source="course"), 2)}
    assert [len(group) for group in evaluate.group_seeds(others).values()] == [1, 1, 1], "other lengths and sources"


def test_tables_of_no_runs_say_so():
    for table in (audit.run_table, evaluate.gap_table, evaluate.quality_table):
        assert repr(table({})) == "No run to show yet."
    assert len(evaluate.seed_table({})) == 0
    assert evaluate.paired_table({})._repr_html_() == "<p>Nothing to compare yet: this needs two runs.</p>"
    verdicts = evaluate.verdict_table(evaluate.judge_all({}, "task1b"))
    assert all(text.startswith("missing: ") for text in verdicts["what the lab could know"])


def test_class_table_has_recall_and_auc_of_every_class():
    run = make_run(lab.runs("task4")["LeNet (5) dropout 0.4"], wrong=45, n=225)
    table = evaluate.class_table(run)
    assert list(table.index) == list(run.class_names)
    assert table.loc["C1", "images"] == 25
    assert table.loc["C1", "recall [95 % interval]"] == str(evaluate.class_recall(run)["C1"])
    two = evaluate.class_table(make_run(lab.runs("task1b")["lr 1e-5"]))
    assert two.loc["Mel", "AUC [95 % interval]"] == two.loc["Nev", "AUC [95 % interval]"]


def test_verdict_table_shows_both_verdicts_with_their_numbers_and_the_rule():
    verdicts = evaluate.judge_all(make_runs("task1b"))
    table = evaluate.verdict_table(verdicts)
    assert list(table.index) == list(evaluate.CLAIMS)
    first = table.loc["C1"]
    assert first["task"] == "1B"
    assert first["claim"] == verdicts[0].claim
    assert first["what the lab could know"] == f"{verdicts[0].verdict}: {verdicts[0].evidence}"
    assert first["what holds for these images"] == f"missing: {verdicts[0].exam}"
    assert table.loc["C7", "what the lab could know"].startswith("missing: ")
    assert table.loc["C7", "data"] == "-"
    assert "1 point of accuracy" in repr(table) and "1 point of accuracy" in table._repr_html_()
    assert f"\nC1: {verdicts[0].rule}\n" in repr(table)
    assert f"<li>C1: {escape(verdicts[0].rule)}</li>" in table._repr_html_().split("</table>")[1]
    assert "task" not in evaluate.verdict_table(evaluate.judge_all(make_runs("task1b"), "task1b"))


def test_real_images_stand_beside_what_was_found_here():
    here, there = evaluate.judge_all(make_runs("task1b"), "task1b"), "what the lab could know: HAM10000 selection"
    real = evaluate.judge_all(make_runs("task1b", source=lab.REAL), "task1b")
    table = evaluate.real_table(here, real[1:])
    assert list(table.index) == [verdict.id for verdict in here[1:]]
    assert list(table.columns) == ["claim", "what the lab could know: PHANTOM", there]
    assert table.loc["C2"].tolist() == [here[1].claim, here[1].verdict, f"{real[1].verdict}: {real[1].evidence}"]
    assert "No run on real images" in repr(evaluate.real_table(here, []))
    nothing = evaluate.real_table(evaluate.judge_all({}, "task1b"), real)
    assert list(nothing.columns) == ["claim", "what the lab could know: these images", there]
    assert set(nothing["what the lab could know: these images"]) == {"missing"}


def test_the_evidence_loads_nothing_heavy_before_it_is_needed():
    code = "import sys, labutils.evaluate; print(sorted({'keras', 'tensorflow', 'scipy', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_whole_number_stays_one_beside_a_row_that_has_nothing_there():
    table = as_table({"a": {"epochs": 100, "x": "1"}, "b": {"x": "2"}}, "run")
    assert table.loc["a", "epochs"] == 100 and str(table.loc["a", "epochs"]) == "100"
    assert table.loc["b", "epochs"] == "-"


CONFIG = lab.runs("task1b")["lr 1e-5"].with_(epochs=3)


@pytest.fixture
def pair():
    return {"a": make_run(CONFIG, wrong=30), "b": make_run(CONFIG, wrong=50, shift=10)}


def test_pairs_count_who_is_right_alone_and_several_tests_are_adjusted(pair):
    runs = pair | {"c": make_run(CONFIG, wrong=55, shift=10)}
    table, two = evaluate.paired_table(runs), evaluate.paired_table(pair)
    a, b = (metrics.correct(run) for run in pair.values())
    p = {f"{x} against {y}": compare.mcnemar(runs[x], runs[y]).p for x, y in combinations(runs, 2)}
    counted = {"only the first is right": int((a & ~b).sum()), "only the second is right": int((~a & b).sum())}
    row = two.loc["a against b"].drop("difference [95 % interval]")
    assert row.to_dict() == counted | {"p (exact McNemar)": f"{p['a against b']:.3f}"} and not two.note
    assert table["p adjusted (Holm)"].to_dict() == {name: p_value(value) for name, value in holm(p).items()}
    assert table["p adjusted (Holm)"].to_dict() != table["p (exact McNemar)"].to_dict()
    assert "3 tests" in table.note and "up to 14%" in table.note and table.note in table._repr_html_()
    assert evaluate.paired_table({"a": pair["a"]}).empty


def on_exam(**right):
    """Settings of three seeds each, by their shares of right answers."""
    return {
        name: [with_exam(make_run(CONFIG.with_(seed=seed)), share, noise=9) for seed in range(3)]
        for name, share in right.items()
    }


def test_settings_are_compared_on_the_exam_over_their_seeds_and_several_are_adjusted(pair):
    settings = on_exam(a=0.80, b=0.775, c=0.80, d=0.80)
    two = evaluate.exam_table({name: settings[name] for name in "ab"} | {"not sat": list(pair.values())})
    row = two.loc["a against b"]
    assert list(two.index) == ["a against b"] and "Holm" not in two.note
    assert (row["the first is"], row["seen on"]) == ("better", "1000 images, 3 seeds")
    assert row["first"].startswith("0.800") and row["second"].startswith("0.775")
    table = evaluate.exam_table(settings)
    pairs = {f"{a} against {b}": effect("accuracy", settings[a], settings[b]) for a, b in combinations(settings, 2)}
    assert table["the first is"].to_dict() == adjusted_words(pairs, ACCURACY_MARGIN)
    assert "6 pairs" in table.note and "Holm" in table.note
    assert evaluate.exam_table({"a": list(pair.values())}).empty


def test_the_gap_is_shown_both_ways_with_what_lies_between():
    run = make_run(CONFIG, wrong=40, accuracy=0.85)
    fixed = dataclasses.replace(run, history=run.history | {"fixed_accuracy": np.full(3, 0.95)})
    table = evaluate.gap_table({"before": run, "now": fixed}, both_ways=True)
    by, like, between = table.columns
    assert "as it went by" in by and "measured like validation" in like
    assert table.loc["before", by].startswith("0.050") and table.loc["before", like] == "-"
    assert table.loc["now", by].startswith("0.050") and table.loc["now", like].startswith("0.150")
    assert table.loc["now", between] == "-10.0 points"
    note = "measured like validation, nothing dropped or changed, on a fixed part of the training images (200); "
    assert note in evaluate.gap_table({"now": fixed}).note and "part" not in evaluate.gap_table({"was": run}).note


def test_the_gap_is_the_difference_of_the_two_columns_beside_it():
    run = make_run(CONFIG.with_(epochs=30), wrong=40, accuracy=list(np.linspace(0.5, 0.99, 30)))
    row = evaluate.gap_table({"a": run}).loc["a"]
    train, val = (float(row[f"{name} accuracy, last 10 epochs"]) for name in ("train", "val"))
    assert val == 0.8 and float(row["gap [95 % interval]"].split()[0]) == pytest.approx(train - val, abs=0.0011)
    for epochs, last in ((3, "last 3 epochs"), (1, "last epoch"), (12, "last 10 epochs")):
        assert f"train accuracy, {last}" in evaluate.gap_table({"a": make_run(CONFIG.with_(epochs=epochs))})


def test_small_tables():
    run = make_run(CONFIG, accuracy=[0.5, 0.8, 0.9])
    stretches = {"stretches": [{"device": "a laptop", "threads": 2}]}
    timed = dataclasses.replace(run, provenance=run.provenance | stretches)
    timed.history["seconds"] = np.array([9.0, 2.0, 2.0])
    networks = evaluate.network_table(lab.runs("task1e"))
    assert evaluate.reach_table({"a": run}, 0.8).loc["a", "first epoch at 0.800"] == "2"
    assert evaluate.reach_table({"a": run}, 0.95).loc["a", "first epoch at 0.950"] == "never"
    assert evaluate.time_table({"a": timed}).loc["a"].tolist() == ["2.0", 3, "a laptop, 2 threads"]
    assert (networks.loc["LeNet", "parameters"], networks.loc["VGG16", "convolutions"]) == ("2,098,657", 13)


def test_quality_agrees_with_scikit_learn(pair):
    run = pair["a"]
    p = run.val_predictions[run.best_epoch, :, 0].astype(float)
    row = evaluate.quality_table({"a": run}).loc["a"]
    assert row["AUC [95 % interval]"].startswith(f"{roc_auc_score(run.y_val, p):.3f}")
    assert row["Brier score"] == f"{brier_score_loss(run.y_val, p):.3f}"
    recall = recall_score(run.y_val, p > 0.5, average=None)
    for name, value in zip(run.class_names, recall, strict=True):
        assert row[f"recall {name}"].startswith(f"{value:.3f}")


def test_the_best_of_every_network_and_what_may_be_as_good():
    alexnet = CONFIG.with_(model="alexnet")
    runs = {
        "a": make_run(CONFIG, wrong=30),
        "b": make_run(CONFIG.with_(seed=1), wrong=31),
        "c": make_run(CONFIG.with_(seed=2), wrong=90),
        "d": make_run(alexnet, wrong=20),
    }
    table = evaluate.best_table(runs)
    assert table["best"].to_dict() == {"VGG16": "a", "AlexNet": "d"}
    assert table["others that may be as good (McNemar, Holm)"].to_dict() == {"VGG16": "1 of 2", "AlexNet": "0 of 0"}


def test_tables_are_read_from_the_left_and_in_full(pair):
    html = evaluate.paired_table(pair).assign(long="word " * 40)._repr_html_()
    assert "text-align: left" in html and "word " * 39 in html
