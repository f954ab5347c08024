"""What the notebook `own` says about one's own images: cost before training, the exam, a page to keep."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_helpers import right_about, simple_model
from helpers import made_up_run, tiny_config, tiny_dataset
from picture_helpers import write_noise

from labutils import audit, training
from labutils.audit import baselines
from labutils.audit.baselines import OnExam, better_simple, stored_baselines
from labutils.audit.judge import Audit, Row
from labutils.frames import Table
from labutils.runs.run import ExamResult
from labutils.tools import own
from labutils.training.epoch import planned_lengths


def with_exam(classes=2):
    """A made-up run and its images, with an exam of 30 images of which it gets the first class right."""
    dataset = tiny_dataset(classes=classes)
    run = made_up_run(tiny_config(dataset=dataset.name), dataset)
    y = np.arange(30) % classes
    outputs = run.val_predictions.shape[2]
    predictions = np.zeros((1, 30, outputs), np.float16)
    predictions[..., 0] = 0.25 if outputs == 1 else 1
    exam = ExamResult((run.best_epoch,), predictions, y, "0")
    return dataset, replace(run, exam=exam)


@pytest.mark.parametrize("classes", [2, 5])
def test_exam_table_counts_the_exams_images(classes):
    dataset, run = with_exam(classes)
    row = own.exam_table({"lenet": run}, dataset).iloc[0]
    assert row["images"] == 30 and row["accuracy [95 % interval]"].startswith(f"{1 / classes:.3f} [")
    recalls = [row[f"recall {name}"][:5] for name in dataset.class_names]
    assert recalls == ["1.000"] + ["0.000"] * (classes - 1)


def test_no_exam_says_why(tmp_path):
    dataset, run = with_exam()
    dataset, runs = replace(dataset, root=tmp_path), {"lenet": replace(run, exam=None)}

    def why(*more, among=dataset):
        write_noise(tmp_path, splits=("train", "validation", *more), count=1)
        return own.exam_table(runs, among).nothing

    assert "no folder test" in why()
    assert "trained before" in why("test")
    assert "only the runs of the lab" in why(among=replace(dataset, source="phantom"))
    assert own.exam_table({}, dataset).nothing == "No run to show yet."


def test_the_simple_model_that_validation_chose_sits_the_same_exam(results, monkeypatch):
    dataset, run = with_exam()
    models = [simple_model(one.name, right_about(0.8, 30)[None]) for one in stored_baselines(dataset)]
    sat = OnExam("0", 24, models)
    for room in (own, baselines):
        monkeypatch.setattr(room, "exam_baselines", lambda _: sat)
    top = better_simple(dataset, sat).exam
    table = own.exam_table({"lenet": run}, dataset)
    assert table.index.tolist() == ["lenet", f"no network: {top.name}"]
    assert table.iloc[1][["images", "accuracy [95 % interval]"]].tolist() == [30, top.shown()]
    assert "on the exam" in audit.against_simple({"lenet": run}, dataset).text
    without = {"lenet": replace(run, exam=None)}
    assert "on the validation images" in audit.against_simple(without, dataset).text
    assert own.exam_table(without, dataset).empty, "no exam, no row"
    sat = replace(sat, fingerprint="1")
    assert own.exam_table({"lenet": run}, dataset).index.tolist() == ["lenet"], "the runs sat another exam"


def test_own_data_sets_sit_the_exam_at_the_end_and_others_as_planned():
    assert planned_lengths(tiny_config(dataset="chest", epochs=7)) == {7}
    assert planned_lengths(tiny_config(dataset="skin", epochs=7)) == frozenset()


def test_what_takes_too_long_is_said_and_left_out(results, capsys, monkeypatch):
    dataset, configs = tiny_dataset(), {"short": tiny_config(), "long": tiny_config(epochs=1000)}
    monkeypatch.setattr(training, "estimate_seconds", lambda config, *_: 10.0 * config.epochs)
    assert list(own.affordable(configs, dataset, 60)) == ["short"]
    said = capsys.readouterr().out
    assert "short: to train 2 epochs on 24 images takes about 20 s." in said
    assert "long: to train 1000 epochs" in said and "more than max_minutes = 60" in said
    monkeypatch.setattr(training, "find", lambda config, _: made_up_run(config, dataset))
    assert list(own.affordable(configs, dataset, 0)) == ["short", "long"]
    assert "long: its 1000 epochs are stored." in capsys.readouterr().out
    assert not own.affordable(configs, dataset, 0, reuse=False)


def test_the_page_holds_everything_and_nothing_from_outside(results, capsys):
    dataset, run = with_exam()
    judged = Audit("Chest", (Row("Images", "24 <b>images", "fine"),))
    simple = Table({"accuracy": ["0.6"]}, index=["forest"])
    file = own.write_page(dataset, judged, simple, {"lenet": run})
    text = file.read_text(encoding="utf-8")
    assert capsys.readouterr().out.startswith("written: ")
    assert file == results / "own" / f"skin-{dataset.fingerprint}.html"
    parts = ["Audit", "24 &lt;b&gt;images", "forest", "data:image/png", "Confusion matrix", "run on the exam", "1.000"]
    assert not [part for part in [*parts, "<h2>Epoch by epoch</h2>", "<h2>Threshold: lenet</h2>"] if part not in text]
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "") and str(results) not in text
    assert "No run to show yet." in own.write_page(dataset, judged, simple, {}).read_text(encoding="utf-8")
