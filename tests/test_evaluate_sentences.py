"""Every sentence made from runs is reached, says what its finding says, and agrees with the claims' verdicts."""

import re
from dataclasses import replace

import numpy as np
import pytest
from evaluate_helpers import make_run, run_from_predictions, with_exam

from labutils import evaluate, lab
from labutils.evaluate import rules as r
from labutils.evaluate import sentences as s

CONFIG = lab.runs("task5a")["no dropout"]
ELSEWHERE = {"wrong": 24, "shift": 60}


def run(**settings):
    return make_run(CONFIG, **settings)


def says(name, *about, **words):
    return s.sentence(name, *about, **words).text


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
    "high, said",
    [
        (np.r_[rising(10)[:50], np.full(50, 0.995)], "goes the same way faster.*over-fitting, which starts earlier"),
        (rising(10), "goes the same way faster.*stays down"),
        (np.r_[rising(10)[:50], np.full(50, 0.97)], "goes the same way faster.*over-fits after that cannot be told"),
        (np.full(100, 0.51), "is too high: its validation loss never gets away from guessing"),
        (rising(5, top=0.65), "does not come as low"),
        (rising(80), "is no faster here"),
    ],
)
def test_what_the_highest_rate_does(high, said):
    assert re.search(said, says("rate", rates(high, rising(50))))


def test_a_rate_that_diverges_is_too_high():
    runs = rates(rising(10), rising(50))
    broken = runs["lr 1e-4"].history | {"val_loss": np.full(100, np.nan)}
    runs["lr 1e-4"] = replace(runs["lr 1e-4"], history=broken)
    assert "is too high" in says("rate", runs)
    assert says("rate", {"lr 1e-5": runs["lr 1e-5"]}) == s.NOT_HERE


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"loss": 0.69, "confidence": 0.51}, "barely started"),
        ({"loss": 0.5, "confidence": np.linspace(0.5, 0.8, 50)}, "unfinished"),
        ({"loss": 0.3, "confidence": 0.8}, "has arrived"),
    ],
)
def test_whether_a_small_rate_has_started(settings, said):
    assert said in says("started", run(**settings))


WIDE = {"accuracy": 0.98}
CLIMBS = {"confidence": [0.8] * 30 + [0.97] * 20}
# Each sentence that a finding chooses: what it is about, the word that is found, and what is said of it.
CHOSEN = [
    (
        "gap",
        (WIDE, {"accuracy": 0.88}),
        r.BETTER,
        r"The gap gets smaller: \+13.0 points without dropout, \+3.0 with it",
    ),
    ("gap", (WIDE, {"accuracy": 0.99, "wrong": 60}), r.WORSE, "The gap gets wider, not smaller"),
    ("gap", (WIDE, {"accuracy": 0.983}), r.SAME, "The gap stays as it is"),
    ("gap", (WIDE, {"accuracy": 0.985, "shift": 2}), r.BELOW, "The gap does not get smaller"),
    ("gap", (WIDE, {"accuracy": 0.97, **ELSEWHERE}), r.UNDECIDED, "Whether the gap changes cannot be told here"),
    ("over-fitting", ({"wrong": [20] * 30 + [50] * 20} | CLIMBS,), r.REACHED, "wrong more often, and more sure"),
    ("over-fitting", ({"wrong": 40} | CLIMBS,), r.REACHED, "not wrong more often, but more sure"),
    ("over-fitting", ({"wrong": 40},), r.BELOW, "does not over-fit"),
    (
        "over-fitting",
        ({"wrong": 40, "confidence": [0.8] * 30 + [0.9] * 20},),
        r.UNDECIDED,
        "over-fits .* cannot be told",
    ),
    ("catch up", (WIDE, {"wrong": 80}), r.BETTER, "Spatial dropout does not catch up: it lacks .* The gap"),
    ("catch up", (WIDE, {"wrong": 30}), r.CLOSE, "Spatial dropout catches up: what it may lack.* gap"),
    ("catch up", (WIDE, {"wrong": 10}), r.WORSE, "Spatial dropout catches up"),
    ("catch up", ({"wrong": 34, "shift": 60}, {"wrong": 26}), r.NO_BETTER, "Spatial dropout catches up"),
    ("catch up", (WIDE, {"wrong": 34, "shift": 60}), r.UNDECIDED, "Whether spatial dropout catches up cannot be told"),
]


@pytest.mark.parametrize("name, settings, word, said", CHOSEN)
def test_a_finding_chooses_its_sentence(name, settings, word, said):
    text, findings = s.sentence(name, *(run(**own) for own in settings))
    assert findings[0].word == word and re.match(f"(The val.*)?.*{said}", text), (findings[0], text)


def test_every_word_that_a_sentence_has_is_reached():
    for templates, name in ((s.GAP, "gap"), (s.SURENESS, "over-fitting")):
        assert set(templates) == {word for told, _, word, _ in CHOSEN if told == name}


@pytest.mark.parametrize(
    "normed, said",
    [
        (
            {"wrong": 10},
            r"Batch normalization makes the better network here: \+15.0 points on the validation images, Mc",
        ),
        ({"wrong": 80}, "Batch normalization makes the worse network here"),
        (ELSEWHERE, "Whether batch normalization makes the better network cannot be told"),
        ({"wrong": 41}, "Whether batch normalization makes the better network cannot be told"),
    ],
)
def test_which_network_is_better_on_validation(normed, said):
    assert re.match(said, says("better", [run(wrong=40)], [run(**normed)], what="Batch normalization"))


@pytest.mark.parametrize(
    "right, said",
    [
        (0.9, r"makes the better network here: \+10.0 .*on the exam, 1000 images, 9 seeds"),
        (0.7, "makes the worse network here"),
        (0.8, "makes no difference that matters"),
        (0.808, "cannot be told"),
    ],
)
def test_which_network_is_better_on_the_exam(right, said):
    def seeds(share):
        moved = enumerate((0, 0.004, -0.004) * 3)
        return [with_exam(make_run(CONFIG.with_(seed=seed)), share + by, noise=0) for seed, by in moved]

    assert re.search(said, says("better", seeds(0.8), seeds(right), what="Dropout"))


def made_up(config, rng):
    """A run that is anything from poor to good, calm to over-fitted."""
    half = config.epochs // 2
    return make_run(
        config,
        wrong=int(rng.integers(10, 60)),
        shift=int(rng.integers(0, 2) * rng.integers(0, 60)),
        accuracy=float(rng.uniform(0.75, 1.0)),
        confidence=np.repeat([0.8, rng.choice([0.8, 0.85, 0.9, 0.95])], [half, config.epochs - half]),
    )


HELD = {"reproduced": True, "not reproduced": False, "undecided": None}
# What is said, by whether the claim on the same measure holds, does not, or cannot be told.
GAP_SAYS = {True: "gets smaller", False: "gets wider|stays as it is|does not get smaller", None: "cannot be told"}
RISE_SAYS = {False: "above its minimum, and the accuracy", True: "does not over-fit", None: "cannot be told"}
BETTER_SAYS = {True: "makes the better", False: "makes the worse", None: "cannot be told"}


@pytest.mark.parametrize("claim_id", ["C19", "C22", "C23"])
def test_no_sentence_contradicts_the_verdict_on_the_same_runs(claim_id):
    """On made-up runs of every outcome: C19 is about over-fitting, C22 about one gap, C23 about one accuracy."""
    rng, seen, claim = np.random.default_rng(3), set(), evaluate.CLAIMS[claim_id]
    for _ in range(30):
        runs = {name: made_up(config, rng) for name, config in claim.needs.items()}
        holds = HELD[evaluate.judge(claim_id, runs).verdict]
        seen.add(holds)
        if claim_id == "C19":
            text, expected = says("over-fitting", runs["b16"]), RISE_SAYS
            onset = evaluate.gap_table(runs)["over-fits from epoch"].iloc[0]
            assert (onset == "-") is (holds is True) and (onset == "cannot be told") is (holds is None)
        elif claim_id == "C22":
            text, expected = says("gap", *runs.values()), GAP_SAYS
        else:
            with_, without = runs.values()
            text, expected = says("better", [without], [with_], what="Dropout"), BETTER_SAYS
        assert re.search(expected[holds], text), (holds, text)
    assert seen == {True, False, None}


@pytest.mark.parametrize(
    "plain, normed, said",
    [
        (0.7, 0.8, "normalized network is ahead at every epoch"),
        (0.8, 0.7, "plain network is ahead at every epoch"),
        (np.linspace(0.5, 0.85, 50), 0.7, "normalized network is ahead until epoch 2[0-9], then the plain one"),
        (0.7 + 0.1 * np.sin(np.arange(50) / 6), 0.7, "lead changes [2-9] times"),
    ],
)
def test_who_is_ahead(plain, normed, said):
    assert re.search(said, says("lead", run(wrong=10, confidence=plain), run(wrong=10, confidence=normed)))


def test_whether_accuracy_and_auc_agree_on_the_order():
    good, poor = run(wrong=20), run(wrong=60)
    same = says("depth", {"VGG16": good, "AlexNet": poor})
    assert "the order is VGG16, AlexNet. AUC puts them in the same order; on the validation images the paired" in same
    assert "tests tell VGG16 and AlexNet apart" in same
    y = np.arange(200) % 2
    ranks = np.where(y == 1, 0.9, 0.6)[None, :, None]  # every image on its side of the other class, half of it wrong
    apart = run_from_predictions(CONFIG.with_(epochs=1), ranks, y)
    assert "AUC in another: AlexNet, VGG16" in says("depth", {"VGG16": good, "AlexNet": apart})
    assert "no paired test tells any two apart" in says("depth", {"a": good, "b": run(wrong=22)})


def test_how_the_parameters_compare_depends_on_the_size_of_the_images():
    assert "nearly the same number of parameters" in says("parameters", lab.runs("task1c"))
    at_64 = says("parameters", lab.runs("task1c", image_size=64))
    assert re.search(r"VGG16 has [0-9.]+ times the parameters of AlexNet", at_64)


def test_whether_the_reports_setting_is_the_best_of_each_network():
    def tuned(*wrong):
        labels = [f"{net} {own}" for net in ("LeNet", "AlexNet") for own in ("(1) lr 1e-5", "(5) dropout 0.4")]
        configs = lab.runs("task4")
        return {name: make_run(configs[name], wrong=n, n=225) for name, n in zip(labels, wrong, strict=True)}

    said = says("tuned", tuned(20, 10, 10, 60))
    assert "LeNet: the report's choice, (5), has the highest accuracy here too." in said
    assert "has (1) lr 1e-5, and the paired test tells them apart (p < 0.001)" in said
    close = says("tuned", tuned(11, 12, 10, 10))
    assert "and the paired test cannot tell them apart" in close
    assert "AlexNet: the report's choice, (5), has the highest accuracy here too." in close, "as good is the highest"


@pytest.mark.parametrize(
    "accuracies, said",
    [
        ((0.90, 0.91, 0.92), "narrows the gap at every seed"),
        ((0.99, 1.0, 0.995), "widens the gap at every seed"),
        ((0.90, 0.99, 0.92), "narrows the gap on average, not at every seed"),
        ((0.90,), "With one seed it cannot be said"),
    ],
)
def test_whether_an_effect_shows_at_every_seed(accuracies, said):
    without = [run(**WIDE) for _ in accuracies]
    assert said in says("effect at every seed", without, [run(accuracy=value) for value in accuracies])


def test_without_runs_a_sentence_says_so():
    one = run()
    for name, *about in (
        ("rate", {}),
        ("started", None),
        ("gap", one, None),
        ("over-fitting", None),
        ("better", [], [one]),
        ("lead", None, one),
        ("catch up", one, None),
        ("depth", {"a": one}),
        ("effect at every seed", [], []),
        ("effect at every seed", [one], [one, one]),
        ("tuned", {}),
    ):
        assert says(name, *about) == s.NOT_HERE
    assert says("tuned", {"another": one}).count(s.NOT_HERE) == 2
    with pytest.raises(ValueError, match="no sentence 'gaps'; there are rate, started, gap"):
        s.sentence("gaps")


def test_what_is_told_is_wrapped_between_words(capsys):
    evaluate.tell("gap", run(**WIDE), run(accuracy=0.88), what="word-word " * 30, label="b8")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("b8: The gap gets smaller: +13.0 points without word-word word-word")
    assert len(lines) > 3 and all(len(line) <= 90 for line in lines)
