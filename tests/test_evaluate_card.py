"""The evidence card: a sentence of at most 20 words, a verdict for two kinds of readers, a picture, details."""

import re

import pytest
from evaluate_helpers import make_run, with_exam
from helpers import made_up_run, tiny_dataset

from labutils import audit, evaluate, lab
from labutils.evaluate.card import READING, reading
from labutils.evaluate.claims import CLAIMS, RIVAL, UNDECIDED, Part, Verdict
from labutils.evaluate.findings import Condition, Finding, Setting
from labutils.evaluate.rules import BELOW, BETTER, REACHED, SAME, WORSE
from labutils.evaluate.sentences import HEADLINES, NO_EXAM, NO_VERDICT, Said, disagreements, headline
from labutils.statistics import Estimate

NUMBER = Estimate(-0.123, -0.456, 0.789)


def verdict(holds, *parts, known="reproduced", evidence="0.8", exam="0.9"):
    return Verdict(
        "C4", "task1c", "VGG16 is better", evidence, known, "rule", "phantom", "document", holds, exam, parts
    )


def part(word, measure="accuracy", names=("VGG16", "AlexNet")):
    return Part(Condition(measure, names), Finding(word, "", NUMBER), [Setting(name, None) for name in names])


def test_no_headline_has_more_than_twenty_words():
    conditions = [condition for claim in CLAIMS.values() for condition in claim.conditions]
    assert {condition.measure for condition in conditions} <= set(HEADLINES)
    for condition in conditions:
        rival = "skin-vgg16-b8-lr1e-05, the best of 30 other runs"
        settings = [Setting(rival if name == RIVAL else name, None) for name in condition.names]
        for word in HEADLINES[condition.measure]:
            said = headline(verdict("reproduced", Part(condition, Finding(word, str(NUMBER), NUMBER), settings))).text
            assert len(said.split()) <= 20, said


@pytest.mark.parametrize(("measure", "word"), [(name, word) for name, words in HEADLINES.items() for word in words])
def test_a_headline_is_held_against_its_finding(measure, word):
    said = headline(verdict("reproduced", part(word, measure)))
    [finding] = said.findings
    known = finding._replace(evidence=f"{finding.evidence} {said.text}")
    assert disagreements(Said(said.text, (known,))) == []
    for other in set(HEADLINES[measure]) - {word}:
        assert disagreements(Said(said.text, (known._replace(word=other),))), other


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([part(SAME)], "VGG16 and AlexNet are equally accurate: POINTS."),
        ([part(UNDECIDED)], "VGG16 or AlexNet: which is more accurate could be chance: POINTS."),
        ([part(BELOW, "over-fitting", ("b16",))], "b16 does not over-fit: its loss ends LOSS above its lowest."),
        ([part(REACHED, "best", tuple("abcdefg"))], "a is the best of 7 settings."),
        ([part(BETTER, "narrower gap", tuple("abcd"))], "On average over 2 pairs the gap gets narrower: by POINTS."),
        (
            [part(BETTER), part(UNDECIDED, "lowest loss"), part(WORSE, "lowest loss")],
            "VGG16 has a higher loss than AlexNet, by 0.123 [-0.789, 0.456].",
        ),
        (
            [part(BETTER), part(UNDECIDED, "lowest loss")],
            "VGG16 or AlexNet: which loss is lower could be chance: by LOSS.",
        ),
    ],
)
def test_the_headline_is_what_decides(parts, said):
    said = said.replace("POINTS", "-12.3 [-45.6, +78.9] points").replace("LOSS", "-0.123 [-0.456, 0.789]")
    assert headline(verdict("reproduced", *parts)).text == said


@pytest.mark.parametrize(
    ("given", "student", "said"),
    [
        (verdict("reproduced", part(BETTER)), "holds here", "VGG16 is more accurate"),
        (verdict("not reproduced", part(WORSE)), "does not hold here", "VGG16 is less accurate"),
        (verdict("undecided", part(UNDECIDED)), "could be chance", "VGG16 or AlexNet"),
        (verdict("undecided", part(BETTER)), "cannot be told here", "VGG16 is more accurate"),
        (verdict("undecided", known="undecided", evidence="short", exam="short"), "cannot be told here", NO_VERDICT),
        (verdict("built into the phantoms", part(BETTER)), "built into the phantoms", "VGG16 is more"),
        (verdict("missing"), "holds here", NO_EXAM),
        (verdict("missing", known="undecided"), "could be chance", NO_EXAM),
        (verdict("missing", known="missing"), "not judged here", "The runs that this sentence is about"),
    ],
)
def test_a_verdict_has_a_reading_for_students(given, student, said):
    assert reading(given) == student
    assert headline(given).text.startswith(said)
    assert set(READING.values()) >= {student} or student == "cannot be told here"


def runs_of(task, exam=0.9, **settings):
    runs = {label: make_run(config, **settings) for label, config in lab.runs(task).items()}
    return {label: with_exam(run, exam, noise=i) if exam else run for i, (label, run) in enumerate(runs.items())}


@pytest.fixture
def card(shown, results, monkeypatch):
    """The parts of a card: what is displayed first, the picture's alt text, the details."""
    monkeypatch.setattr("labutils.plots.figure.in_notebook", lambda: True)

    def displayed(*args, **options):
        shown.clear()
        evaluate.card(*args, **options)
        *head, picture, _, details = shown
        assert picture["image/png"].startswith(b"\x89PNG")
        return "".join(one["text/html"] for one in head), picture["text/plain"], details

    return displayed


def test_a_card_has_a_sentence_a_verdict_a_picture_and_every_table_below(card):
    runs = runs_of("task1c", wrong=30)
    head, alt, details = card(runs, task="task1c", said="VGG16", more={"Gap": evaluate.gap_table(runs)})
    assert "The report says: VGG16 classifies better than AlexNet." in head and 'title="C4: ' in head
    assert f"VGG16 (you said): {evaluate.exam_accuracy([runs['VGG16']])} (one seed), lab report" in alt
    shown = details["text/html"]
    titles = re.findall("<h4>(.*?)</h4>", shown)
    assert shown.count("overflow-x: auto") == len(titles) == 7
    assert titles[0] == "Runs" and {"Gap", "In sentences"} < {*titles} and titles[-1] == "On real images"
    for table in (audit.run_table(runs, task="task1c"), evaluate.paired_table(runs), evaluate.gap_table(runs)):
        assert all(str(cell) in details["text/plain"] for cell in table.to_numpy().ravel())


def test_without_an_exam_the_validation_images_are_shown_and_said(card):
    runs = runs_of("task1c", exam=0, wrong=30)
    head, alt, _ = card(runs, task="task1c")
    assert NO_EXAM in head and "best validation accuracy: Skin" in alt and "0.850 [0.794, 0.893] (200 images)" in alt
    one_sat = runs | {"VGG16": with_exam(runs["VGG16"], 0.9)}
    assert "best validation accuracy: Skin" in card(one_sat, task="task1c")[1], "all on the same images, or none"


def test_other_seeds_of_the_store_and_real_images_stand_in_the_picture(card, monkeypatch):
    runs = runs_of("task1c")
    run = runs["VGG16"]
    other = with_exam(make_run(run.config.with_(seed=1)), 0.8, noise=5)
    real = make_run(run.config, wrong=50, source=lab.REAL)
    monkeypatch.setattr("labutils.runs.store.RunStore.all", lambda self, keys=None: [other, real])
    _, alt, _ = card(runs)
    assert f"VGG16: {evaluate.exam_accuracy([run, other])} (2 seeds)" in alt
    assert "real images 0.750 [0.686, 0.805] (200 validation images)" in alt


def test_own_images_need_no_task_and_one_run_no_pair(card):
    runs = {"mine": make_run(lab.runs("task1b")["lr 1e-5"], source="my-images")}
    head, alt, details = card(runs)
    assert head == "" and alt.startswith("How accurate the settings are") and "lab report" not in alt
    assert re.findall("<h4>(.*?)</h4>", details["text/html"]) == ["Runs"]


def test_a_quick_run_on_a_few_small_images_is_shown_and_not_judged(card):
    data = tiny_dataset()
    runs = {label: made_up_run(config.with_(epochs=2), data) for label, config in lab.runs("task1b").items()}
    head, alt, details = card(runs, data, task="task1b")
    assert "cannot be told here" in head and NO_VERDICT in head and "(10 images)" in alt
    told = audit.against_simple(runs, data).text.partition(":")[0]
    assert alt.startswith(re.sub(r"[Tt]he best network on .*?, (.*?),", r"\1", told)), "one rule says who wins"
    assert "simple numbers" in alt and "too few to judge" in details["text/plain"]


def test_stand_ins_and_nine_classes(card):
    small = {label: with_exam(make_run(c), 0.9) for label, c in lab.stand_ins("task8").items()}
    head, *_ = card(small, task="task8")
    assert "Only small stand-ins are stored" in head
    _, alt, details = card(runs_of("task4", n=225, wrong=40), task="task4")
    assert "lab report" not in alt, "its accuracy is another quantity there"
    assert "The best of each network" in details["text/html"] and "In pairs" not in details["text/html"]


def test_without_a_run_it_says_so(shown, results, capsys):
    evaluate.card({}, task="task1b")
    assert shown == [] and "not here yet" in capsys.readouterr().out
