"""Every outcome of a sentence that is made from runs is reached, and says what the runs show."""

import dataclasses
import re

import numpy as np
import pytest
from evaluate_helpers import make_run, run_from_predictions, with_exam

from labutils import evaluate, lab
from labutils.evaluate import sentences as s

CONFIG = lab.runs("task5a")["no dropout"]
ELSEWHERE = {"wrong": 24, "shift": 60}


def run(**settings):
    return make_run(CONFIG, **settings)


def rates(high, low):
    """Runs at two rates from confidences by epoch."""
    configs = lab.runs("task1b")
    return {
        label: make_run(configs[label].with_(epochs=100), wrong=20, confidence=confidence)
        for label, confidence in (("lr 1e-4", high), ("lr 1e-5", low))
    }


def rising(epochs, top=0.85):
    return np.minimum(0.5 + (top - 0.5) * np.arange(1, 101) / epochs, top)


@pytest.mark.parametrize(
    "high, says",
    [
        (np.r_[rising(10)[:50], np.full(50, 0.995)], "goes the same way faster.*over-fitting, which starts earlier"),
        (rising(10), "goes the same way faster.*stays down"),
        (np.full(100, 0.51), "is too high: its validation loss never gets away from guessing"),
        (rising(5, top=0.65), "does not come as low"),
        (rising(80), "is no faster here"),
    ],
)
def test_what_the_highest_rate_does(high, says):
    assert re.search(says, s.rate_sentence(rates(high, rising(50))))


def test_a_rate_that_diverges_is_too_high():
    runs = rates(rising(10), rising(50))
    broken = runs["lr 1e-4"].history | {"val_loss": np.full(100, np.nan)}
    runs["lr 1e-4"] = dataclasses.replace(runs["lr 1e-4"], history=broken)
    assert "is too high" in s.rate_sentence(runs)
    assert s.rate_sentence({"lr 1e-5": runs["lr 1e-5"]}) == s.NOT_HERE


@pytest.mark.parametrize(
    "settings, says",
    [
        ({"loss": 0.69, "confidence": 0.51}, "barely started"),
        ({"loss": 0.5, "confidence": np.linspace(0.5, 0.8, 50)}, "unfinished"),
        ({"loss": 0.3, "confidence": 0.8}, "has arrived"),
    ],
)
def test_whether_a_small_rate_has_started(settings, says):
    assert says in s.started_sentence(run(**settings))


@pytest.mark.parametrize(
    "with_, says",
    [
        ({"accuracy": 0.88}, "The gap gets smaller: \\+13.0 points without dropout, \\+3.0 with it."),
        ({"accuracy": 0.99, "wrong": 60}, "gets wider, not smaller"),
        ({"accuracy": 0.983}, "stays as it is"),
        ({"accuracy": 0.97, **ELSEWHERE}, "cannot be told here"),
    ],
)
def test_whether_a_gap_gets_smaller(with_, says):
    assert re.search(says, s.gap_sentence(run(accuracy=0.98), run(**with_)))


@pytest.mark.parametrize(
    "settings, says",
    [
        ({"wrong": [20] * 30 + [50] * 20, "confidence": [0.8] * 30 + [0.95] * 20}, "wrong more often, and more sure"),
        ({"wrong": 40, "confidence": [0.8] * 30 + [0.97] * 20}, "not wrong more often, but more sure"),
        ({"wrong": 40}, "does not over-fit"),
    ],
)
def test_what_a_rising_loss_comes_with(settings, says):
    assert says in s.sureness_sentence(run(**settings))


@pytest.mark.parametrize(
    "normed, says",
    [
        ({"wrong": 10}, "Batch normalization makes the better network here: \\+15.0 points on the validation images"),
        ({"wrong": 80}, "Batch normalization makes the worse network here"),
        (ELSEWHERE, "Whether batch normalization makes the better network cannot be told"),
    ],
)
def test_which_network_is_better_on_validation(normed, says):
    assert re.match(says, s.norm_sentence([run(wrong=40)], [run(**normed)]))


@pytest.mark.parametrize(
    "right, says",
    [
        (0.9, "makes the better network here: \\+10.0 .*on the exam, 1000 images, 3 seeds"),
        (0.7, "makes the worse network here"),
        (0.8, "makes no difference that matters"),
        (0.808, "cannot be told"),
    ],
)
def test_which_network_is_better_on_the_exam(right, says):
    def seeds(share):
        return [with_exam(make_run(CONFIG.with_(seed=n)), share + d, noise=0) for n, d in enumerate((0, 0.004, -0.004))]

    assert re.search(says, s.regularizer_sentence(seeds(0.8), seeds(right), "Dropout"))


@pytest.mark.parametrize(
    "plain, normed, says",
    [
        (0.7, 0.8, "normalized network is ahead at every epoch"),
        (0.8, 0.7, "plain network is ahead at every epoch"),
        (np.linspace(0.5, 0.85, 50), 0.7, "normalized network is ahead until epoch 2[0-9], then the plain one"),
        (0.7 + 0.1 * np.sin(np.arange(50) / 6), 0.7, "lead changes [2-9] times"),
    ],
)
def test_who_is_ahead(plain, normed, says):
    sentence = s.lead_sentence(run(wrong=10, confidence=plain), run(wrong=10, confidence=normed))
    assert re.search(says, sentence)


@pytest.mark.parametrize(
    "spatial, says",
    [
        ({"wrong": 80}, "does not catch up"),
        ({"wrong": 30}, "Spatial dropout catches up"),
        ({"wrong": 34, "shift": 60}, "catches up cannot be told"),
    ],
)
def test_whether_spatial_dropout_catches_up(spatial, says):
    sentence = s.spatial_catch_up(run(accuracy=0.98), run(accuracy=0.9, **spatial))
    assert says in sentence and "gap" in sentence


def test_whether_accuracy_and_auc_agree_on_the_order():
    good, poor = run(wrong=20), run(wrong=60)
    same = s.depth_sentence({"VGG16": good, "AlexNet": poor})
    assert "the order is VGG16, AlexNet. AUC puts them in the same order; on the validation images the paired" in same
    assert "tests tell VGG16 and AlexNet apart" in same
    y = np.arange(200) % 2
    ranks = np.where(y == 1, 0.9, 0.6)[None, :, None]  # every image on its side of the other class, half of it wrong
    apart = run_from_predictions(CONFIG.with_(epochs=1), ranks, y)
    other = s.depth_sentence({"VGG16": good, "AlexNet": apart})
    assert "AUC in another: AlexNet, VGG16" in other
    assert "no paired test tells any two apart" in s.depth_sentence({"a": good, "b": run(wrong=22)})


def test_how_the_parameters_compare_depends_on_the_size_of_the_images():
    at_128 = s.parameters_sentence(lab.runs("task1c"))
    at_64 = s.parameters_sentence(lab.runs("task1c", image_size=64))
    assert "nearly the same number of parameters" in at_128
    assert re.search(r"VGG16 has [0-9.]+ times the parameters of AlexNet", at_64)


def settings(**wrong):
    labels = ["(1) lr 1e-5", "(5) dropout 0.4"]
    configs = lab.runs("task4")
    return {
        f"{network} {label}": make_run(configs[f"{network} {label}"], wrong=wrong[f"{network}{label[1]}"], n=225)
        for network in ("LeNet", "AlexNet")
        for label in labels
    }


def test_whether_the_reports_setting_is_the_best_of_each_network():
    sentence = s.tuned_sentence(settings(LeNet1=20, LeNet5=10, AlexNet1=10, AlexNet5=60))
    assert "LeNet: the report's choice, (5), has the highest accuracy here too." in sentence
    assert "has (1) lr 1e-5, and the paired test tells them apart (p < 0.001)" in sentence
    close = s.tuned_sentence(settings(LeNet1=11, LeNet5=12, AlexNet1=10, AlexNet5=10))
    assert "and the paired test cannot tell them apart" in close
    assert "AlexNet: the report's choice, (5), has the highest accuracy here too." in close, (
        "as good is the highest too"
    )


@pytest.mark.parametrize(
    "accuracies, says",
    [
        ((0.90, 0.91, 0.92), "narrows the gap at every seed"),
        ((0.99, 1.0, 0.995), "widens the gap at every seed"),
        ((0.90, 0.99, 0.92), "narrows the gap on average, not at every seed"),
        ((0.90,), "With one seed it cannot be said"),
    ],
)
def test_whether_an_effect_shows_at_every_seed(accuracies, says):
    without = [run(accuracy=0.98) for _ in accuracies]
    assert says in s.effect_sentence(without, [run(accuracy=value) for value in accuracies])


def test_without_runs_a_sentence_says_so():
    one = run()
    for sentence in (
        s.rate_sentence({}),
        s.started_sentence(None),
        s.gap_sentence(one, None),
        s.sureness_sentence(None),
        s.norm_sentence([], [one]),
        s.regularizer_sentence([], [one], "Dropout"),
        s.lead_sentence(None, one),
        s.spatial_catch_up(one, None),
        s.depth_sentence({"a": one}),
        s.effect_sentence([], []),
    ):
        assert sentence == s.NOT_HERE
    assert s.tuned_sentence({}).count(s.NOT_HERE) == 2


def test_sentences_are_whole_and_exported():
    for name in (name for name in vars(s) if name.endswith("_sentence") and not name.startswith("_")):
        assert name in evaluate.__all__
    for sentence in (
        s.gap_sentence(run(accuracy=0.98), run(accuracy=0.9)),
        s.lead_sentence(run(), run(confidence=0.7)),
    ):
        assert sentence[0].isupper() and sentence.endswith(".")


def test_a_pair_is_the_first_two_runs_or_none():
    assert s.pair({}) == (None, None)
    assert s.pair({"a": 1}) == (1, None)
    assert s.pair({"a": 1, "b": 2, "c": 3}) == (1, 2)


def test_what_is_said_is_wrapped_between_words(capsys):
    s.say("A short one.", "word-word " * 30)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "A short one." and len(lines) > 3
    assert all(len(line) <= 90 and set(line.split()) == {"word-word"} for line in lines[1:])
