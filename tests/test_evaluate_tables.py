"""Tables: what is in them is computed, text, and marked with where the images came from."""

import dataclasses
import subprocess
import sys

import pytest
from evaluate_helpers import make_run

from labutils import evaluate
from labutils.evaluate import lab


def make_runs(task, **settings):
    return {label: make_run(config, **settings) for label, config in lab.runs(task).items()}


def test_run_table_shows_our_numbers_beside_the_reports():
    # The best epoch is the most confident one: its loss is the highest, not the lowest.
    runs = make_runs("task1b", wrong=[31] * 40 + [30] + [31] * 59, confidence=[0.8] * 40 + [0.95] + [0.8] * 59)
    table = evaluate.run_table(runs, lab.reported("task1b"))
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


def test_run_table_without_a_report_has_no_columns_for_it():
    columns = evaluate.run_table(make_runs("task1b")).columns
    assert not [c for c in columns if "report" in c]


def test_what_the_report_does_not_say_is_a_dash():
    table = evaluate.run_table(make_runs("task5b"), lab.reported("task5b"))
    assert table.loc["batch norm", "report: accuracy"] == "-"
    assert table.loc["batch norm", "report: train accuracy"] == "1.0000"
    other = make_runs("task1b") | {"lr 1e-3": make_run(lab.runs("task1b", learning_rate=1e-3)["lr 1e-5"])}
    assert evaluate.run_table(other, lab.reported("task1b")).loc["lr 1e-3", "report: loss"] == "-"


def test_training_columns_appear_where_the_report_quotes_training():
    assert "train accuracy at best epoch" in evaluate.run_table(make_runs("task5a"), lab.reported("task5a"))
    assert "train accuracy at best epoch" not in evaluate.run_table(make_runs("task5c"), lab.reported("task5c"))


def test_many_classes_show_the_element_wise_figure_beside_categorical_accuracy():
    runs = {"LeNet": make_run(lab.runs("task4")["LeNet (5) dropout 0.4"], wrong=45, n=225)}
    row = evaluate.run_table(runs, lab.reported("task4")).loc["LeNet"]
    assert row["best val accuracy [95 % interval]"].startswith("0.800 ")
    # A wrong image is wrong in two of nine columns.
    assert row["element-wise accuracy"] == f"{1 - 0.2 * 2 / 9:.4f}"


@pytest.mark.parametrize("source, shown", [("phantom", "PHANTOM"), ("course", "course"), ("public", "public")])
def test_every_table_names_the_data(source, shown):
    runs = make_runs("task1b", source=source)
    assert set(evaluate.run_table(runs)["data"]) == {shown}
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


def test_seeds_are_grouped_under_what_they_share():
    config = lab.runs("task5a")["no dropout"]
    runs = {f"no dropout, seed {s}": with_seed(make_run(config), s) for s in (1, 2)}
    assert list(evaluate.group_seeds(runs)) == ["no dropout"]
    longer = {"no dropout, seed 0": make_run(config.with_(epochs=60))}
    assert list(evaluate.group_seeds(runs | longer)) == ["no dropout", "no dropout, seed 0"], "no run of one is lost"


def test_runs_of_different_lengths_or_sources_are_not_one_group():
    config = lab.runs("task5a")["no dropout"]
    run = make_run(config)
    runs = {"a": run, "b": with_seed(run.first(20), 1), "c": with_seed(make_run(config, source="course"), 2)}
    assert [len(group) for group in evaluate.group_seeds(runs).values()] == [1, 1, 1]


def test_tables_of_no_runs_are_empty():
    assert len(evaluate.run_table({}, lab.reported("task1b"))) == len(evaluate.seed_table({})) == 0
    assert set(evaluate.verdict_table(evaluate.judge_all({}, "task1b"))["verdict"]) == {"missing"}


def test_class_table_has_recall_and_auc_of_every_class():
    run = make_run(lab.runs("task4")["LeNet (5) dropout 0.4"], wrong=45, n=225)
    table = evaluate.class_table(run)
    assert list(table.index) == list(run.class_names)
    assert table.loc["C1", "images"] == 25
    assert table.loc["C1", "recall [95 % interval]"] == str(evaluate.class_recall(run)["C1"])
    two = evaluate.class_table(make_run(lab.runs("task1b")["lr 1e-5"]))
    assert two.loc["Mel", "AUC [95 % interval]"] == two.loc["Nev", "AUC [95 % interval]"]


def test_verdict_table_shows_claim_evidence_verdict_and_rule():
    verdicts = evaluate.judge_all(make_runs("task1b"))
    table = evaluate.verdict_table(verdicts)
    assert list(table.index) == [f"C{i}" for i in range(1, 19)]
    first = table.loc["C1"]
    assert first["task"] == "1B"
    assert (first["claim"], first["evidence"]) == (verdicts[0].claim, verdicts[0].evidence)
    assert (first["verdict"], first["rule"]) == (verdicts[0].verdict, verdicts[0].rule)
    assert table.loc["C7", "verdict"] == "missing"
    assert table.loc["C7", "data"] == "-"


def test_tables_are_the_same_text_every_time():
    def html():
        runs = make_runs("task1b", wrong=40)
        tables = [
            evaluate.run_table(runs, lab.reported("task1b")),
            evaluate.seed_table(evaluate.group_seeds(runs)),
            evaluate.verdict_table(evaluate.judge_all(runs)),
        ]
        return "".join(table.to_html() for table in tables)

    assert html() == html()


def test_the_evidence_loads_nothing_heavy_before_it_is_needed():
    code = "import sys, labutils.evaluate; print(sorted({'keras', 'tensorflow', 'scipy', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
