"""Conclusions as records: written, judged again on other runs, and refused in a sentence where they are not sound."""

import json

import pytest
from evaluate_helpers import make_run, with_exam

from labutils import lab
from labutils.config import RunConfig
from labutils.errors import ParameterError
from labutils.evaluate import CLAIMS, records
from labutils.evaluate.findings import Condition
from labutils.evaluate.records import ALTERED, NOT_JUDGED, OTHER, SAME


def networks(vgg=20, alexnet=60, sat=None, **more):
    """Runs for C4, that VGG16 is better than AlexNet, wrong on so many of 200 validation images; three seeds."""
    runs = {}
    for name, wrong in (("VGG16", vgg), ("AlexNet", alexnet)):
        for seed in range(3 if sat else 1):
            config = lab.runs("task1c", seed=seed)[name]
            run = make_run(config, wrong, **more)
            runs[f"{name} {seed}"] = with_exam(run, sat[name] + seed / 500, noise=seed) if sat else run
    return runs


EPOCHS = lab.runs("task1c")["VGG16"].epochs
SAT = {"VGG16": 0.9, "AlexNet": 0.7}


@pytest.fixture
def file(results):
    """What the lab's claims come to on made-up runs of Task 1C."""
    file = results / "claims.json"
    records.write_records(file, networks(sat=SAT))
    return file


def c4(file):
    return next(record for record in records.read_records(file) if record.id == "C4")


def changed(file, path, value):
    """The file with something else at a place of C4: names and numbers, by dots."""
    data = json.loads(file.read_text())
    part = next(claim for claim in data["claims"] if claim["id"] == "C4")
    *before, last = [int(name) if name.isdigit() else name for name in path.split(".")]
    for name in before:
        part = part[name]
    part[last] = value
    file.write_text(json.dumps(data))
    return file


def test_every_claim_is_a_record_that_says_what_was_asked_and_found(file):
    read = {record.id: record for record in records.read_records(file)}
    assert [*read] == [*CLAIMS] and len({record.hash for record in read.values()}) == len(CLAIMS)
    for name, record in read.items():
        assert (record.text, record.runs) == (CLAIMS[name].text, CLAIMS[name].needs)
        assert tuple(asked.condition for asked in record.conditions) == CLAIMS[name].conditions
    assert (read["C4"].verdict.validation, read["C4"].verdict.exam) == ("reproduced", "reproduced")
    assert read["C1"].verdict.exam == "missing"


@pytest.mark.parametrize(
    ("runs", "word", "why"),
    [
        (networks(sat=SAT), SAME, "reproduced (validation); reproduced (exam)."),
        (networks(), SAME, "reproduced (validation)."),
        (networks(source="course"), SAME, "reproduced (validation)."),
        (networks(60, 20), OTHER, "reproduced, here not reproduced (validation). accuracy 0.700 (VGG16), 0.900"),
        (networks(sat={"VGG16": 0.8, "AlexNet": 0.8}), OTHER, "reproduced, here not reproduced (exam). VGG16 over"),
        ({"only": networks()["VGG16 0"]}, NOT_JUDGED, "Not stored, or not trained here: AlexNet."),
        ({name: run.first(5) for name, run in networks().items()}, NOT_JUDGED, f"VGG16: 5 of {EPOCHS} epochs, too few"),
    ],
)
def test_a_record_is_judged_again_on_anyones_runs(file, runs, word, why):
    again = records.judge_again(c4(file), runs)
    assert again[:2] == ("C4", word) and again.why.startswith(why)


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("text", "VGG16 classifies worse than AlexNet", ALTERED),
        ("conditions.0.says", "is not", ALTERED),
        ("conditions.0.rule", "whoever is taller", ALTERED),
        ("runs.VGG16.dropout", 0.5, ALTERED),
        ("verdict.validation", "not reproduced", OTHER),
        ("verdict.numbers", "none", SAME),
    ],
)
def test_what_is_altered_is_noticed(file, path, value, word):
    assert records.judge_again(c4(changed(file, path, value)), networks(sat=SAT)).word == word


def test_a_rule_that_is_not_the_labs_is_not_judged_by(file):
    record = c4(changed(file, "conditions.0.rule", "as the lab did in 2030"))
    record = record.model_copy(update={"hash": record.made_of()})
    again = records.judge_again(record, networks())
    assert again.word == NOT_JUDGED and again.why.startswith("here the rule is: VGG16 more accurate than AlexNet")


def test_a_conclusion_of_ones_own_is_judged(file):
    """Another task, other settings, other names: what the lab has never asked."""
    plain = RunConfig(dataset="skin", model="lenet", learning_rate=1e-3, epochs=4)
    kinds = {"plain": plain, "dropped": plain.with_(dropout=0.3)}
    asked = Condition("accuracy", ("dropped", "plain"))
    settings = {name: config.model_dump(mode="json") for name, config in kinds.items()}
    own = c4(file).model_dump(mode="json") | {
        "id": "Own 1",
        "task": "my own",
        "text": "dropout helps",
        "runs": settings,
    }
    own["conditions"][0] |= {"of": asked.names, "rule": asked.words}
    record = records.Record.model_validate(own)
    record = record.model_copy(update={"hash": record.made_of()})
    runs = {name: make_run(kinds[name], wrong) for name, wrong in (("plain", 60), ("dropped", 20))}
    assert records.judge_again(record, runs)[:2] == ("Own 1", SAME)
    assert records.judge_again(record, networks()).why == "Not stored, or not trained here: dropped; plain."


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("conditions.0.quantity", "speed", "claims.4.conditions.1.quantity: Input should be 'accuracy', "),
        ("conditions.0.of", ["VGG16"], "claims.4.conditions.1: accuracy does not go with 1 settings and 0 limits."),
        ("conditions.0.limits", [0.5], "claims.4.conditions.1: accuracy does not go with 2 settings and 1 limits."),
        ("conditions.0.of", ["VGG16", "GPT"], "claims.4: 'GPT' is not among the runs."),
        ("runs.VGG16.dropout", 7, "claims.4.runs.VGG16: dropout is 7: it must be a rate, at least 0 and below 1."),
        ("verdict.exam", "true", "claims.4.verdict.exam: Input should be 'reproduced', "),
        ("conditions", [], "claims.4: it has no condition to judge."),
        ("colour", "red", "claims.4.colour: Extra inputs are not permitted."),
    ],
)
def test_what_is_not_sound_is_refused_in_a_sentence(file, path, value, told):
    with pytest.raises(ParameterError) as error:
        records.read_records(changed(file, path, value))
    assert str(error.value).startswith(f"{file}, {told}") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read: no such file"),
        ("{", "the whole: Invalid JSON"),
        ('{"format": 2, "claims": []}', "format: Input should be 1."),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, told):
    file = tmp_path / "claims.json"
    if text:
        file.write_text(text)
    with pytest.raises(ParameterError, match=told):
        records.read_records(file)
