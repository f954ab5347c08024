"""Tables: what is in them is computed, text, and marked with where the images came from."""

import dataclasses
import subprocess
import sys
from html import escape
from itertools import combinations

import numpy as np
import pytest
from evaluate_helpers import make_run, with_exam

from labutils import audit, evaluate, lab
from labutils.evaluate import compare
from labutils.evaluate.effects import adjusted_words
from labutils.evaluate.exam import effect
from labutils.evaluate.rules import ACCURACY_MARGIN
from labutils.evaluate.tables import as_table
from labutils.statistics import holm, p_value


def make_runs(task, **settings):
    return {label: make_run(config, **settings) for label, config in lab.runs(task).items()}


def test_columns_stand_where_they_have_something_to_say():
    """Training where the report quotes it, the report where there is one, the exam where it was sat."""
    columns = {task: set(audit.run_table(make_runs(task), task=task)) for task in ("task5a", "task5c")}
    trained = {"highest train accuracy", "report: highest train accuracy", "lowest train loss", "final train accuracy"}
    assert trained <= columns["task5a"] and not trained & columns["task5c"]
    other = {"lr 1e-3": make_run(lab.runs("task1b", learning_rate=1e-3)["lr 1e-5"])}
    assert audit.run_table(other, task="task1b").loc["lr 1e-3", "report: loss"] == "-"
    assert not [column for column in audit.run_table(other).columns if "report" in column]
    runs = make_runs("task1b")
    sat = runs | {"lr 1e-5": with_exam(runs["lr 1e-5"], 0.9)}
    column = audit.run_table(sat)["exam accuracy at best epoch [95 % interval]"]
    assert column["lr 1e-5"] == str(evaluate.exam_accuracy([sat["lr 1e-5"]])) and column["lr 1e-4"] == "-"


def test_many_classes_show_both_accuracies_and_the_reports_under_its_own_name():
    label = "LeNet (5) dropout 0.4"
    # The first epoch has more images right; in the second, every image's nine answers are undecided, and eight right.
    run = make_run(lab.runs("task4")[label].with_(epochs=2), wrong=[45, 54], n=225)
    row = audit.run_table({label: run}, task="task4").loc[label]
    assert row["best val accuracy [95 % interval]"].startswith("0.800 ")
    # A wrong image is wrong in two of nine columns.
    assert row["highest element-wise accuracy"] == f"{1 - 0.2 * 2 / 9:.4f}"
    assert row["report: element-wise accuracy"] == "0.9872"
    assert "report: accuracy" not in row and "report: loss" not in row


@pytest.mark.parametrize("source, shown", [("phantom", "PHANTOM"), ("course", "course"), ("public", "public")])
def test_every_table_names_the_data(source, shown):
    runs = make_runs("task1b", source=source)
    for table in (audit.run_table(runs), evaluate.verdict_table(evaluate.judge_all(runs, "task1b"))):
        assert set(table["data"]) == {shown}


def with_seed(run, seed):
    return dataclasses.replace(run, config=run.config.with_(seed=seed))


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
    assert evaluate.paired_table({})._repr_html_() == "<p>Nothing to compare yet: this needs two runs.</p>"
    verdicts = evaluate.verdict_table(evaluate.judge_all({}, "task1b"))
    assert all(text.startswith("missing: ") for text in verdicts["what the lab could know"])
    assert set(verdicts["data"]) == {"-"}


def test_class_table_has_recall_and_auc_of_every_class():
    run = make_run(lab.runs("task4")["LeNet (5) dropout 0.4"], wrong=45, n=225)
    table, recall = evaluate.class_table(run), str(evaluate.class_recall(run)["C1"])
    assert list(table.index) == list(run.class_names)
    assert table.loc["C1"].tolist() == [25, recall, str(evaluate.auc(run)["C1"])]
    two = evaluate.class_table(make_run(lab.runs("task1b")["lr 1e-5"]))["AUC [95 % interval]"]
    assert two["Mel"] == two["Nev"]


def test_below_verdicts_stand_their_rules():
    verdicts = evaluate.judge_all(make_runs("task1b"))
    table, rule = evaluate.verdict_table(verdicts), verdicts[0].rule
    assert list(table.index) == list(evaluate.CLAIMS) and table.loc["C1", "task"] == "1B"
    assert f"\nC1: {rule}\n" in repr(table)
    assert f"<li>C1: {escape(rule)}</li>" in table._repr_html_().split("</table>")[1]
    assert "task" not in evaluate.verdict_table(verdicts[:3])


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


def test_several_tests_of_pairs_are_adjusted(pair):
    runs = pair | {"c": make_run(CONFIG, wrong=55, shift=10)}
    table, two = evaluate.paired_table(runs), evaluate.paired_table(pair)
    p = {f"{x} against {y}": compare.mcnemar(runs[x], runs[y]).p for x, y in combinations(runs, 2)}
    assert not two.note and "p adjusted (Holm)" not in two
    assert table["p adjusted (Holm)"].to_dict() == {name: p_value(value) for name, value in holm(p).items()}
    assert table["p adjusted (Holm)"].to_dict() != table["p (exact McNemar)"].to_dict()
    assert "3 tests" in table.note and "up to 14%" in table.note and table.note in table._repr_html_()
    assert evaluate.paired_table({"a": pair["a"]}).empty


def test_settings_are_compared_on_the_exam_over_their_seeds_and_several_are_adjusted(pair):
    shares = {"a": 0.80, "b": 0.775, "c": 0.80, "d": 0.80}
    settings = {
        name: [with_exam(make_run(CONFIG.with_(seed=seed)), share, noise=9) for seed in range(3)]
        for name, share in shares.items()
    }
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


def test_a_gap_says_how_many_epochs_it_is_the_mean_of():
    for epochs, last in ((3, "last 3 epochs"), (1, "last epoch"), (12, "last 10 epochs")):
        assert f"train accuracy, {last}" in evaluate.gap_table({"a": make_run(CONFIG.with_(epochs=epochs))})


def test_a_machine_and_a_level_that_is_not_reached():
    run = make_run(CONFIG, accuracy=[0.5, 0.8, 0.9])
    stretches = {"stretches": [{"device": "a laptop", "threads": 2}]}
    timed = dataclasses.replace(run, provenance=run.provenance | stretches)
    timed.history["seconds"] = np.array([9.0, 2.0, 2.0])
    for level, epoch in ((0.8, "2"), (0.95, "never")):
        assert evaluate.reach_table({"a": run}, level).loc["a", f"first epoch at {level:.3f}"] == epoch
    assert evaluate.time_table({"a": timed}).loc["a"].tolist() == ["2.0", 3, "a laptop, 2 threads"]


def test_the_best_of_every_network_and_what_may_be_as_good():
    runs = {name: make_run(CONFIG, wrong=wrong) for name, wrong in (("a", 30), ("b", 31), ("c", 90))}
    table = evaluate.best_table(runs | {"d": make_run(CONFIG.with_(model="alexnet"), wrong=20)})
    assert table["best"].to_dict() == {"VGG16": "a", "AlexNet": "d"}
    assert table["others that may be as good (McNemar, Holm)"].to_dict() == {"VGG16": "1 of 2", "AlexNet": "0 of 0"}
