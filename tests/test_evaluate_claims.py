"""Every claim must be able to come out in all three ways, and say when it cannot be judged at all."""

import dataclasses

import numpy as np
import pytest
from evaluate_helpers import make_run

from labutils import evaluate
from labutils.evaluate import findings as f
from labutils.evaluate import lab
from labutils.evaluate.metrics import Estimate


def make_runs(task, **settings_by_label):
    """Runs of a task; keys of `settings_by_label` are labels, the rest is given to `make_run`."""
    return {label: make_run(lab.runs(task)[label], **settings) for label, settings in settings_by_label.items()}


def pair(task, first, second, *settings):
    """Two runs of a task, each with its own settings of `make_run`."""
    return make_runs(task, **dict(zip((first, second), settings, strict=True)))


GOOD, BAD = {"wrong": 20}, {"wrong": 60}
ELSEWHERE = {"wrong": 24, "shift": 60}
"""A little better than 30 wrong images, but on other images: the interval of the difference is wide."""

RATES = ("lr 1e-4", "lr 1e-5", "lr 1e-6")


def rates(*settings):
    return make_runs("task1b", **dict(zip(RATES, settings, strict=True)))


def gaps(task, pairs, wide, narrow):
    """Runs for pairs of labels: the first of each pair as `wide`, the second as `narrow`."""
    return make_runs(task, **{label: s for pair in pairs for label, s in zip(pair, (wide, narrow), strict=True)})


WIDE, NARROW = {"accuracy": 0.98}, {"accuracy": 0.88}
SAME_GAP = {"accuracy": 0.90}
UNSURE_GAP = {"accuracy": 0.90, **ELSEWHERE}

BONE_PAIRS = [("b8", "b8, dropout 0.2"), ("b16", "b16, dropout 0.2")]
X_RAY_PAIRS = [(f"{name} (1) lr 1e-5", f"{name} (5) dropout 0.4") for name in ("LeNet", "AlexNet")]
TUNED = ("LeNet (5) dropout 0.4", "AlexNet (5) dropout 0.4")
DROPOUT = ("no dropout", "dropout 0.4")
NORM = ("no batch norm", "batch norm")
SPATIAL = ("no spatial dropout", "spatial dropout 0.1")
AUGMENTED = ("no augmentation", "augmentation")


def climbing(epochs_to_top, epochs=50, top=0.95):
    """A training accuracy that rises evenly from 0.5 to `top` within so many epochs, and stays there."""
    return np.minimum(0.5 + (top - 0.5) * np.arange(epochs) / (epochs_to_top - 1), top)


def normalised(epochs, epochs_dropout):
    plain = {"accuracy": climbing(50, top=0.90)}
    labels = ("no dropout", "dropout 0.4", "batch norm", "batch norm, dropout 0.4")
    curves = (plain, plain, {"accuracy": climbing(epochs)}, {"accuracy": climbing(epochs_dropout)})
    return make_runs("task5b", **dict(zip(labels, curves, strict=True)))


def confident(*stretches):
    """Settings of a run whose confidence changes: (epochs, confidence) each; 0.8 gives the lowest loss."""
    return {"wrong": 40, "confidence": np.concatenate([[value] * epochs for epochs, value in stretches])}


FLAT = {"wrong": 40, "confidence": 0.8}
OVERFITS_AT_80 = confident((20, 0.6), (60, 0.8), (70, 0.95))
OVERFITS_AT_20 = confident((20, 0.8), (130, 0.95))
OVERFITS_A_LITTLE = confident((20, 0.6), (60, 0.8), (70, 0.9))


def learning(epochs_needed, epochs=150):
    """A validation loss that comes down evenly for so many epochs."""
    return {"wrong": 10, "confidence": np.minimum(0.55 + 0.35 * np.arange(epochs) / epochs_needed, 0.90)}


def lab_best(skin, bone, plain_skin, plain_bone):
    own = make_runs("task9", Skin=skin, Bone=bone)
    plain = make_runs("task3", Skin=plain_skin, Bone=plain_bone)
    return own | {f"plain {label}": run for label, run in plain.items()}


PERFECT, POOR = {"wrong": 0}, {"wrong": 60}

CASES = {
    "C1": {
        "reproduced": lambda: rates(BAD, GOOD, BAD),
        "not reproduced": lambda: rates(GOOD, BAD, BAD),
        "undecided": lambda: rates({"wrong": 30}, ELSEWHERE, BAD),
    },
    "C2": {
        "reproduced": lambda: rates(
            {"wrong": 40, "accuracy": 0.99, "confidence": [0.8] * 50 + [0.97] * 50}, GOOD, GOOD
        ),
        "not reproduced": lambda: rates({"wrong": 40, "accuracy": 0.99}, GOOD, GOOD),
        "undecided": lambda: rates({"wrong": 40, "accuracy": 0.94, "confidence": [0.8] * 50 + [0.97] * 50}, GOOD, GOOD),
    },
    "C3": {
        "reproduced": lambda: rates(GOOD, GOOD, {"loss": 0.69, "confidence": 0.51}),
        "not reproduced": lambda: rates(GOOD, GOOD, {"loss": 0.69, "confidence": 0.8}),
        "undecided": lambda: rates(GOOD, GOOD, {"loss": 0.62, "confidence": 0.51}),
    },
    "C4": {
        "reproduced": lambda: pair("task1c", "AlexNet", "VGG16", BAD, GOOD),
        "not reproduced": lambda: pair("task1c", "AlexNet", "VGG16", GOOD, BAD),
        "undecided": lambda: pair("task1c", "AlexNet", "VGG16", {"wrong": 30}, ELSEWHERE),
    },
    "C5": {
        "reproduced": lambda: pair("task1d", "b8", "b16", {"wrong": 30}, {"wrong": 30}),
        "not reproduced": lambda: pair("task1d", "b8", "b16", BAD, GOOD),
        "undecided": lambda: pair("task1d", "b8", "b16", {"wrong": 30}, ELSEWHERE),
    },
    "C6": {
        "reproduced": lambda: pair("task1d", "b16", "b16, dropout 0.2", BAD, GOOD),
        "not reproduced": lambda: pair("task1d", "b16", "b16, dropout 0.2", GOOD, BAD),
        "undecided": lambda: pair("task1d", "b16", "b16, dropout 0.2", {"wrong": 30}, ELSEWHERE),
    },
    "C7": {
        "reproduced": lambda: gaps("task2", BONE_PAIRS, WIDE, NARROW),
        "not reproduced": lambda: gaps("task2", BONE_PAIRS, SAME_GAP, SAME_GAP),
        "undecided": lambda: gaps("task2", BONE_PAIRS, SAME_GAP, UNSURE_GAP),
    },
    "C8": {
        "reproduced": lambda: pair("task3", "Skin", "Bone", BAD, GOOD),
        "not reproduced": lambda: pair("task3", "Skin", "Bone", GOOD, BAD),
        "undecided": lambda: pair("task3", "Skin", "Bone", {"wrong": 30}, {"wrong": 24}),
    },
    "C9": {
        "reproduced": lambda: pair("task4", *TUNED, {"wrong": 9, "n": 225}, {"wrong": 12, "n": 225}),
        "not reproduced": lambda: pair("task4", *TUNED, GOOD, BAD),
        "undecided": lambda: pair("task4", *TUNED, {"wrong": 30}, ELSEWHERE),
    },
    "C10": {
        "reproduced": lambda: gaps("task4", X_RAY_PAIRS, WIDE, NARROW),
        "not reproduced": lambda: gaps("task4", X_RAY_PAIRS, NARROW, WIDE),
        "undecided": lambda: gaps("task4", X_RAY_PAIRS, SAME_GAP, UNSURE_GAP),
    },
    "C11": {
        "reproduced": lambda: pair("task5a", *DROPOUT, WIDE, NARROW),
        "not reproduced": lambda: pair("task5a", *DROPOUT, WIDE, WIDE),
        "undecided": lambda: pair("task5a", *DROPOUT, WIDE, {"accuracy": 0.98, **ELSEWHERE}),
    },
    "C12": {
        "reproduced": lambda: normalised(10, 20),
        "not reproduced": lambda: normalised(10, 1000),
        "undecided": lambda: normalised(10, 40),
    },
    "C13": {
        "reproduced": lambda: pair("task5c", *NORM, BAD, GOOD),
        "not reproduced": lambda: pair("task5c", *NORM, {"wrong": 30}, {"wrong": 30, "confidence": 0.6}),
        "undecided": lambda: pair("task5c", *NORM, {"wrong": 30}, ELSEWHERE),
    },
    "C14": {
        "reproduced": lambda: pair("task5d", *NORM, FLAT, OVERFITS_AT_80),
        "not reproduced": lambda: pair("task5d", *NORM, FLAT, OVERFITS_AT_20),
        "undecided": lambda: pair("task5d", *NORM, FLAT, OVERFITS_A_LITTLE),
    },
    "C15": {
        "reproduced": lambda: pair("task6a", *SPATIAL, learning(60), learning(140)),
        "not reproduced": lambda: pair("task6a", *SPATIAL, learning(140), learning(60)),
        "undecided": lambda: pair("task6a", *SPATIAL, learning(110), learning(125)),
    },
    "C16": {
        "reproduced": lambda: pair("task6b", *SPATIAL, WIDE, NARROW),
        "not reproduced": lambda: pair("task6b", *SPATIAL, {**WIDE, **GOOD}, {**NARROW, **BAD}),
        "undecided": lambda: pair("task6b", *SPATIAL, WIDE, {"accuracy": 0.80, "wrong": 34, "shift": 60}),
    },
    "C17": {
        "reproduced": lambda: pair("task8", *AUGMENTED, {**WIDE, **BAD}, {**NARROW, **GOOD}),
        "not reproduced": lambda: pair("task8", *AUGMENTED, {**WIDE, **BAD}, {"accuracy": 0.999, "wrong": 60}),
        "undecided": lambda: pair("task8", *AUGMENTED, WIDE, NARROW),
    },
    "C18": {
        "reproduced": lambda: lab_best(GOOD, PERFECT, BAD, POOR),
        "not reproduced": lambda: lab_best(GOOD, GOOD, BAD, POOR),
        "undecided": lambda: lab_best(GOOD, PERFECT, BAD, {"wrong": 1}),
    },
}


def test_the_cases_cover_all_eighteen_claims():
    assert list(evaluate.CLAIMS) == list(CASES) == [f"C{i}" for i in range(1, 19)]


@pytest.mark.parametrize("word", ["reproduced", "not reproduced", "undecided"])
@pytest.mark.parametrize("claim_id", CASES)
def test_every_claim_can_come_out_in_all_three_ways(claim_id, word):
    verdict = evaluate.judge(claim_id, CASES[claim_id][word]())
    assert verdict.verdict == word, verdict.evidence
    assert "epochs, too few" not in verdict.evidence
    assert verdict.source == "phantom"


@pytest.mark.parametrize("claim_id", CASES)
def test_a_claim_without_its_runs_names_what_is_absent(claim_id):
    claim = evaluate.CLAIMS[claim_id]
    verdict = evaluate.judge(claim_id, {})
    assert verdict.verdict == "missing"
    assert all(name in verdict.evidence for name in claim.needs)
    runs = CASES[claim_id]["reproduced"]()
    needed = {config.key: name for name, config in claim.needs.items()}
    label = next(label for label, run in runs.items() if run.config.key in needed)
    name = needed[runs.pop(label).config.key]
    partial = evaluate.judge(claim_id, runs)
    assert partial.verdict == "missing"
    assert partial.evidence == f"Not stored, or not trained here: {name}."


@pytest.mark.parametrize("claim_id", CASES)
def test_runs_that_are_too_short_are_not_judged(claim_id):
    runs = {label: run.first(2) for label, run in CASES[claim_id]["reproduced"]().items()}
    verdict = evaluate.judge(claim_id, runs)
    assert verdict.verdict == "undecided"
    assert " 2 of " in verdict.evidence and "too few to judge" in verdict.evidence


def test_longer_runs_are_cut_to_the_length_of_the_report():
    runs = CASES["C3"]["reproduced"]()
    config = lab.runs("task1b")["lr 1e-6"].with_(epochs=200)
    longer = make_run(config, loss=[0.69] * 100 + [0.1] * 100, confidence=[0.51] * 100 + [0.9] * 100)
    assert evaluate.judge("C3", runs | {"lr 1e-6": longer}) == evaluate.judge("C3", runs)


def test_runs_are_recognised_by_their_settings_not_by_their_labels():
    runs = CASES["C4"]["reproduced"]()
    swapped = dict(zip(reversed(list(runs)), runs.values(), strict=True))
    assert evaluate.judge("C4", swapped) == evaluate.judge("C4", runs)
    other = {label: dataclasses.replace(run, config=run.config.with_(dropout=0.1)) for label, run in runs.items()}
    assert evaluate.judge("C4", other).verdict == "missing"


def test_image_size_and_number_of_images_may_differ_and_the_smallest_seed_is_judged():
    runs = CASES["C4"]["reproduced"]()
    large = {
        label: dataclasses.replace(run, config=run.config.with_(image_size=224, channels=3, n_train=500, seed=3))
        for label, run in runs.items()
    }
    assert evaluate.judge("C4", large).verdict == "reproduced"
    contrary = {f"{label}, seed 0": run for label, run in CASES["C4"]["not reproduced"]().items()}
    assert evaluate.judge("C4", large | contrary).verdict == "not reproduced"


def test_of_seeds_beside_the_usual_one_the_smallest_is_judged():
    def with_seed(word, seed):
        runs = CASES["C4"][word]()
        return {
            f"{label}, seed {seed}": dataclasses.replace(run, config=run.config.with_(seed=seed))
            for label, run in runs.items()
        }

    assert evaluate.judge("C4", with_seed("reproduced", 2) | with_seed("not reproduced", 1)).verdict == "not reproduced"
    assert evaluate.judge("C4", with_seed("not reproduced", 2) | with_seed("reproduced", 1)).verdict == "reproduced"


def test_a_gap_that_narrows_in_one_pair_and_widens_in_the_other_does_not_narrow():
    first, second = BONE_PAIRS
    runs = gaps("task2", [first], WIDE, NARROW) | gaps("task2", [second], NARROW, WIDE)
    verdict = evaluate.judge("C7", runs)
    assert verdict.verdict == "not reproduced"
    assert "+13.0 against +3.0, +3.0 against +13.0, narrower by +0.0 [+0.0, +0.0] points" in verdict.evidence


def test_claims_are_not_judged_across_different_images():
    runs = pair("task1c", "AlexNet", "VGG16", GOOD, {"wrong": 20, "n": 100})
    with pytest.raises(evaluate.ComparisonError, match="different images"):
        evaluate.judge("C4", runs)


def test_an_unknown_claim_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'C19' is not a claim; there are C1, C2, .*C18"):
        evaluate.judge("C19", {})


def test_the_best_of_the_lab_is_sought_among_all_runs_on_the_same_images():
    runs = CASES["C18"]["reproduced"]()
    better = make_run(lab.runs("task5a")["dropout 0.4"], wrong=1)
    verdict = evaluate.judge("C18", runs | {"5A": better})
    assert verdict.verdict == "not reproduced"
    assert f"{better.config.slug}, the best of 2 other runs" in verdict.evidence
    for elsewhere in ({"n": 100}, {"source": "course"}):
        perfect = make_run(lab.runs("task5a")["dropout 0.4"], wrong=0, **elsewhere)
        assert evaluate.judge("C18", runs | {"5A": perfect}).verdict == "reproduced"


def test_judge_all_is_one_task_or_all():
    runs = CASES["C1"]["reproduced"]()
    assert [v.id for v in evaluate.judge_all(runs, "task1b")] == ["C1", "C2", "C3"]
    assert [v.id for v in evaluate.judge_all(runs)] == list(CASES)
    assert {v.verdict for v in evaluate.judge_all(runs)[3:]} == {"missing"}


def test_evidence_quotes_the_numbers_it_rests_on():
    runs = CASES["C4"]["reproduced"]()
    assert evaluate.judge("C4", runs).evidence == "accuracy 0.900 (VGG16), 0.700 (AlexNet), McNemar p < 0.001."
    unsure = CASES["C4"]["undecided"]()
    p = evaluate.mcnemar(unsure["VGG16"], unsure["AlexNet"]).p
    assert evaluate.judge("C4", unsure).evidence.endswith(f", McNemar p = {p:.3f}.")


def test_rules_are_one_line_and_quote_their_margins():
    for claim in evaluate.CLAIMS.values():
        assert "\n" not in claim.rule and claim.rule.endswith(".")
        assert claim.task in lab.TITLES


@pytest.mark.parametrize(
    "estimate, holds",
    [
        (Estimate(0.10, 0.05, 0.15), True),
        (Estimate(0.10, -0.01, 0.20), None),
        (Estimate(0.01, 0.005, 0.03), None),
        (Estimate(0.01, 0.005, 0.015), False),
        (Estimate(-0.10, -0.20, 0.01), False),
    ],
)
def test_something_is_at_least_as_large_as_a_margin(estimate, holds):
    assert f.at_least(estimate, 0.02) is holds


def test_between_two_limits_nothing_is_said():
    assert [f.between(x, no=0.90, yes=0.97) for x in (0.97, 0.95, 0.90)] == [True, None, False]
    assert [f.between(x, no=0.10, yes=0.05) for x in (0.05, 0.07, 0.10)] == [True, None, False]


def test_far_fewer_epochs():
    assert [f.faster(n, 50, 0.5) for n in (25, 26, 50, None)] == [True, None, False, False]


def test_points_have_no_negative_zero():
    assert [f.points(x) for x in (-0.0001, 0.035, -0.1)] == ["+0.0", "+3.5", "-10.0"]
