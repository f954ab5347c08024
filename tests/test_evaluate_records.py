"""Conclusions as records: written, judged again on other runs, and refused in a sentence where they are not sound."""

import json

import pytest
from evaluate_helpers import make_run, with_exam

from labutils import lab, paths
from labutils.config import RunConfig
from labutils.errors import ParameterError
from labutils.evaluate import CLAIMS, records
from labutils.evaluate.findings import Condition
from labutils.evaluate.records import ALTERED, NOT_JUDGED, OTHER, SAME
from labutils.tools.report import claims_words

EPOCHS = lab.runs("task1c")["VGG16"].epochs
SAT = {"VGG16": 0.9, "AlexNet": 0.7}


def networks(vgg=20, alexnet=60, sat=None, **more):
    """Runs for C4, that VGG16 is better than AlexNet, wrong on so many of 200 validation images; three seeds."""
    runs = {}
    for seed in range(3 if sat else 1):
        for name, wrong in (("VGG16", vgg), ("AlexNet", alexnet)):
            run = make_run(lab.runs("task1c", seed=seed)[name], wrong, **more)
            runs[f"{name} {seed}"] = with_exam(run, sat[name] + seed / 500, noise=seed) if sat else run
    return runs


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
        assert (record.conditions, record.rule) == (CLAIMS[name].conditions, CLAIMS[name].rule)
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
    found, because = records.judge_again(c4(file), runs)
    assert found == word and because.startswith(why)


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("text", "VGG16 classifies worse than AlexNet", ALTERED),
        ("conditions.0.rule", "is not", ALTERED),
        ("rule", "whoever is taller", ALTERED),
        ("runs.VGG16.dropout", 0.5, ALTERED),
        ("verdict.validation", "not reproduced", OTHER),
        ("verdict.numbers", "none", SAME),
    ],
)
def test_what_is_altered_is_noticed(file, path, value, word):
    assert records.judge_again(c4(changed(file, path, value)), networks(sat=SAT))[0] == word


def test_a_rule_that_is_not_the_labs_is_not_judged_by(file):
    record = c4(changed(file, "rule", "as the lab did in 2030"))
    record = record.model_copy(update={"hash": record.made_of()})
    word, why = records.judge_again(record, networks())
    assert word == NOT_JUDGED and why.startswith("here the rule is: VGG16 more accurate than AlexNet")


def test_a_conclusion_of_ones_own_is_judged(file):
    """Another task, other settings, other names: what the lab has never asked."""
    plain = RunConfig(dataset="skin", model="lenet", learning_rate=1e-3, epochs=4)
    kinds = {"plain": plain, "dropped": plain.with_(dropout=0.3)}
    asked = Condition("accuracy", ("dropped", "plain"))
    settings = {name: config.model_dump(mode="json") for name, config in kinds.items()}
    own = {"id": "Own 1", "task": "my own", "text": "dropout helps", "runs": settings, "rule": f"{asked.words}."}
    own = c4(file).model_dump(mode="json") | own | {"conditions": [asked]}
    record = records.Record.model_validate(own)
    record = record.model_copy(update={"hash": record.made_of()})
    runs = {name: make_run(kinds[name], wrong) for name, wrong in (("plain", 60), ("dropped", 20))}
    assert records.judge_again(record, runs)[0] == SAME
    assert records.judge_again(record, networks())[1] == "Not stored, or not trained here: dropped; plain."


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("conditions.0.measure", "speed", "claims.4: 'speed', 'is' is nothing that is measured here."),
        ("conditions.0.rule", "was", "claims.4: 'accuracy', 'was' is nothing that is measured here."),
        ("conditions.0.names", ["VGG16"], "claims.4: accuracy is not of 1 settings."),
        ("conditions.0.limits", [0.5], "claims.4: accuracy takes 0 limits, not 1."),
        ("conditions.0.names", ["VGG16", "GPT"], "claims.4: 'GPT' is not among the runs."),
        ("conditions.0.says", "is", "claims.4.conditions.1.says: Unexpected keyword argument."),
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


def test_the_stored_conclusions_are_what_the_stored_runs_say():
    said, differs = claims_words("phantom", str(paths.ROOT / "results/claims.json"))
    assert not differs and said.endswith(f"{len(CLAIMS)} conclusions: {len(CLAIMS)} same.")
