"""Every claim must be able to come out in all three ways, on validation and on the exam, and never raise."""

from dataclasses import FrozenInstanceError, replace
from functools import cache

import numpy as np
import pytest
from evaluate_helpers import make_run, with_exam
from helpers import STRETCH

from labutils import evaluate, lab
from labutils.evaluate.claims import BUILT_IN, RIVAL, WORDS, with_stored
from labutils.evaluate.compare import mcnemar
from labutils.evaluate.findings import Setting, ceiling_of
from labutils.runs import RunStore


def climbing(epochs_to_top, epochs=50, top=0.95):
    """A training accuracy that rises evenly from 0.5 to `top` within so many epochs, and stays there."""
    return {"accuracy": np.minimum(0.5 + (top - 0.5) * np.arange(epochs) / (epochs_to_top - 1), top)}


def confident(*stretches):
    """Settings of a run whose confidence changes: (epochs, confidence) each; 0.8 gives the lowest loss."""
    return {"wrong": 40, "confidence": np.concatenate([[value] * epochs for epochs, value in stretches])}


def learning(epochs_needed, epochs=150, wrong=10):
    """A validation loss that comes down evenly for so many epochs."""
    return {"wrong": wrong, "confidence": np.minimum(0.55 + 0.35 * np.arange(epochs) / epochs_needed, 0.90)}


def straying(by, epochs=50):
    """A validation accuracy that jumps to and fro, by so many images of 200."""
    return {"wrong": 30 + by * (np.arange(epochs) % 2)}


KINDS = ("document", "ours", "built in")
GOOD, FAIR, BAD, PERFECT = {"wrong": 20}, {"wrong": 30}, {"wrong": 60}, {"wrong": 0}
FEW, MORE = {"wrong": 9, "n": 225}, {"wrong": 12, "n": 225}
ELSEWHERE = {"wrong": 24, "shift": 60}
"""A little better than 30 wrong images, but on other images: the interval of the difference is wide."""
WIDE, NARROW = {"accuracy": 0.98}, {"accuracy": 0.88}
SAME_GAP, UNSURE_GAP = {"accuracy": 0.90}, {"accuracy": 0.90, **ELSEWHERE}
FLAT, POORER = {"wrong": 40}, {"wrong": 80}
OVERFIT = {"wrong": 40, "confidence": [0.8] * 50 + [0.97] * 50}
OVERFITS_AT_80 = confident((20, 0.6), (60, 0.8), (70, 0.95))
OVERFITS_AT_20 = confident((20, 0.8), (130, 0.95))
PLAIN = climbing(50, top=0.90)
BETTER = (GOOD, BAD), (BAD, GOOD), (ELSEWHERE, FAIR)
NARROWS = (WIDE, NARROW), (NARROW, WIDE), (SAME_GAP, UNSURE_GAP)


def sevens(five, others):
    return [{"wrong": wrong, "n": 225} for wrong in (five, *[others] * 6)] * 2


# By claim: settings of the runs that it needs, in its order, that reproduce it, that do not, and that cannot tell.
CASES = {
    "C1": ((GOOD, BAD, BAD), (BAD, GOOD, BAD), (ELSEWHERE, FAIR, BAD)),
    "C2": [(shape | {"accuracy": end},) for shape, end in ((OVERFIT, 0.99), (FLAT, 0.99), (OVERFIT, 0.94))],
    "C3": BETTER,
    "C4": BETTER,
    "C5": ((FAIR, FAIR), (GOOD, BAD), (ELSEWHERE, FAIR)),
    "C6": BETTER,
    "C7": ((WIDE, NARROW) * 2, (SAME_GAP, SAME_GAP) * 2, (SAME_GAP, UNSURE_GAP) * 2),
    "C8": BETTER,
    "C9": ((MORE, FEW), *BETTER[1:]),
    "C10": [pair * 2 for pair in NARROWS],
    "C11": ((WIDE, NARROW), (WIDE, WIDE), (WIDE, WIDE | ELSEWHERE)),
    "C12": [(climbing(10), PLAIN, climbing(epochs), PLAIN) for epochs in (20, 1000, 40)],
    "C13": ((GOOD, BAD), (FAIR | {"confidence": 0.6}, FAIR), (ELSEWHERE, FAIR)),
    "C14": ((OVERFITS_AT_80, POORER), (OVERFITS_AT_20, POORER), (OVERFITS_AT_80, FLAT)),
    "C15": ((learning(60), learning(140)), (learning(140), learning(60)), (learning(100), learning(125, wrong=9))),
    "C16": ((WIDE, NARROW), (WIDE | GOOD, NARROW | BAD), (WIDE, {"accuracy": 0.80, "wrong": 34, "shift": 60})),
    "C17": ((NARROW | GOOD, WIDE | BAD), ({"accuracy": 0.999} | BAD, WIDE | BAD), (NARROW, WIDE)),
    "C18": ((GOOD, PERFECT, BAD, BAD), (GOOD, GOOD, BAD, BAD), (GOOD, PERFECT, BAD, {"wrong": 1})),
    "C19": [(FLAT,), *((confident((50, 0.8), (50, end)),) for end in (0.97, 0.9))],
    "C20": ((GOOD, FLAT, BAD), ({"wrong": 39}, FLAT, GOOD), (ELSEWHERE, FAIR, BAD)),
    "C21": (sevens(10, 60), sevens(60, 10), sevens(10, 12)),
    "C22": NARROWS,
    "C23": BETTER,
    "C24": (
        (learning(20, 50), learning(70, 80)) * 2,
        (learning(45, 50), learning(20, 80)) * 2,
        (learning(33, 50), learning(42, 80, wrong=9)) * 2,
    ),
    "C25": [pair * 2 for pair in NARROWS],
    "C26": ((FEW, FEW), *BETTER[1:]),
    "C27": BETTER,
    "C28": [pair * 2 for pair in BETTER],
    "C29": ((WIDE, NARROW), (WIDE, WIDE), (WIDE, WIDE | ELSEWHERE)),
    "C30": [(straying(by), straying(8)) * 2 for by in (4, 8, 7)],
    "C31": [(straying(by, 80), straying(8, 80)) for by in (4, 8, 7)],
}
WAYS = ("reproduced", "not reproduced", "undecided")
RIVALS = {"C18": {f"plain {name}": config for name, config in lab.runs("task3").items() if name in ("Skin", "Bone")}}
"""What else is there to be the best of all others."""


def made(claim_id, settings):
    """The runs that a claim needs, by name, with these settings in order."""
    needs = evaluate.CLAIMS[claim_id].needs | RIVALS.get(claim_id, {})
    return {name: make_run(config, **own) for (name, config), own in zip(needs.items(), settings, strict=True)}


@cache
def case(claim_id, word):
    """Runs with which a claim comes out so; of what the drawing decides they are on real images."""
    source = "course" if evaluate.CLAIMS[claim_id].built_in else "phantom"
    runs = made(claim_id, CASES[claim_id][WAYS.index(word)])
    return {label: replace(run, provenance={"source": source}) for label, run in runs.items()}


def nine():
    """Task 9's runs alone."""
    return {name: case("C18", "reproduced")[name] for name in ("Skin", "Bone")}


def reseed(runs, *seeds):
    """The same runs at other seeds."""
    return {
        f"{label}, seed {seed}": replace(run, config=run.config.with_(seed=seed))
        for seed in seeds
        for label, run in runs.items()
    }


def test_claims_are_of_three_kinds():
    assert list(evaluate.CLAIMS) == list(CASES) == [f"C{i}" for i in range(1, 32)]
    kinds = {kind: [name for name, claim in evaluate.CLAIMS.items() if claim.kind == kind] for kind in KINDS}
    assert kinds["built in"] == ["C2", "C3", "C8", "C28"] and kinds["ours"] == ["C7", "C29"]
    assert sum(map(len, kinds.values())) == len(evaluate.CLAIMS)
    assert evaluate.judge("C7", {}).kind == "ours"


@pytest.mark.parametrize("word", WAYS)
@pytest.mark.parametrize("claim_id", CASES)
def test_every_claim_can_come_out_in_all_three_ways_and_without_an_exam_says_why(claim_id, word):
    verdict = evaluate.judge(claim_id, case(claim_id, word))
    assert verdict.verdict == word, verdict.evidence
    assert "epochs, too few" not in verdict.evidence and verdict.exam.endswith(".")
    # What is read from whole curves needs none.
    assert verdict.holds in ("missing", "undecided", "not reproduced")
    assert verdict.holds != "missing" or "no exam is stored for" in verdict.exam


def seeds_on_exam(runs, right, seeds=3, n=1000):
    """Runs at several seeds, each with an exam; `right` by label: the share of right answers."""
    return {
        label: with_exam(run, right[label.rpartition(", seed")[0]], noise=run.config.seed, n=n)
        for label, run in reseed(runs, *range(seeds)).items()
    }


# Claims that the exam decides: shares of right answers with which they hold, and with which they do not.
ON_EXAM = {
    "C4": ((0.9, 0.8), (0.8, 0.8)),
    "C5": ((0.8, 0.8), (0.9, 0.8)),
    "C6": ((0.9, 0.8), (0.8, 0.9)),
    "C9": ((0.8, 0.8), (0.8, 0.9)),
    "C11": ((0.8, 0.9), (0.9, 0.8)),
    "C13": ((0.9, 0.8), (0.8, 0.8)),
    "C20": ((0.95, 0.9, 0.8), (0.9, 0.8, 0.9)),
    "C22": ((0.8, 0.9), (0.9, 0.8)),
    "C23": ((0.9, 0.8), (0.8, 0.8)),
}


@pytest.mark.parametrize("claim_id", ON_EXAM)
def test_the_exam_decides_in_both_directions(claim_id):
    for shares, word in zip(ON_EXAM[claim_id], WAYS, strict=False):
        runs = made(claim_id, [{"accuracy": 0.95}] * len(shares))
        verdict = evaluate.judge(claim_id, seeds_on_exam(runs, dict(zip(runs, shares, strict=True)), 8, n=4500))
        assert verdict.holds == word, verdict.exam
        assert "margin 1 point" in verdict.exam or "gap" in verdict.exam


def test_seeds_far_apart_leave_the_exam_undecided():
    runs = case("C4", "reproduced")
    near, far = (seeds_on_exam(runs, {"VGG16": a, "AlexNet": b}) for a, b in ((0.82, 0.80), (0.95, 0.6)))
    verdict = evaluate.judge("C4", {label: (far if "seed 1" in label else near)[label] for label in near})
    assert verdict.holds == "undecided" and "3 seeds" in verdict.exam


def test_what_is_undecided_says_how_many_seeds_more_it_would_take():
    runs = seeds_on_exam(case("C4", "reproduced"), {"VGG16": 0.812, "AlexNet": 0.8}, n=4000, seeds=2)
    for label, run in runs.items():
        run.history["seconds"][:] = 24.0 if "VGG16" in label else 0.0  # 150 epochs of it make an hour
    verdict = evaluate.judge("C4", runs)
    assert verdict.holds == "undecided"
    table = evaluate.power_table([verdict, evaluate.judge("C1", {})])
    assert list(table.index) == ["C4, accuracy: VGG16, AlexNet"] and "80%" in table.note
    row = table.loc["C4, accuracy: VGG16, AlexNet"]
    assert row["seeds"] == "2"
    needed = [int(cell.split(" ")[0]) for cell in row.iloc[1:]]
    assert [cell.split("(")[1] for cell in row.iloc[1:]] == [f"{n - 2}.0 h)" for n in needed]
    twice, estimated = row["if it is twice the margin"], row["if it is as estimated"]
    assert int(twice.split(" ")[0]) < int(estimated.split(" ")[0]), "1.2 points are harder to see than 2"
    assert evaluate.power_table([evaluate.judge("C29", made("C29", (WIDE, NARROW)))]).empty


def test_one_seed_decides_what_is_more_than_seeds_make_elsewhere():
    runs = case("C4", "undecided")
    far, near = (evaluate.judge("C4", seeds_on_exam(runs, {"VGG16": a, "AlexNet": 0.8}, seeds=1)) for a in (0.9, 0.815))
    assert (far.verdict, far.holds, near.holds) == ("undecided", "reproduced", "undecided")
    assert "1 seed, others assumed to differ as elsewhere in the lab" in far.exam


@pytest.mark.parametrize("claim_id", ["C12", "C15", "C24", "C30", "C31"])
def test_curves_are_judged_over_the_seeds_that_are_stored(claim_id):
    runs = case(claim_id, "reproduced")
    one, three = evaluate.judge(claim_id, runs), evaluate.judge(claim_id, reseed(runs, 0, 1, 2))
    assert one.holds == "undecided" and "how far seeds move it is unknown" in one.exam
    assert three.holds == "reproduced" and "over 3 seeds" in three.exam


def test_over_fitting_is_judged_on_the_exam_too():
    run = make_run(lab.runs("task1d")["b16"], **confident((20, 0.6), (30, 0.8), (50, 0.97)))
    seeds = reseed({"b16": run}, 0, 1)
    for right, word in (([0.9, 0.9, 0.7], "not reproduced"), (0.9, "reproduced")):
        verdict = evaluate.judge("C19", {label: with_exam(one, right) for label, one in seeds.items()})
        assert verdict.holds == word and "exam loss ends" in verdict.exam


def test_the_ceiling_of_phantoms_is_what_near_one_means():
    runs = case("C18", "reproduced")
    real = {label: replace(run, provenance={"source": "course"}) for label, run in runs.items()}
    assert evaluate.judge("C18", runs).evidence.endswith("the ceiling 0.973.")
    assert evaluate.judge("C18", real).evidence.endswith("the ceiling 1.000.")
    assert ceiling_of(make_run(lab.runs("task4")["LeNet (1) lr 1e-5"], n=225)) is None


@pytest.mark.parametrize("claim_id", CASES)
def test_a_claim_without_its_runs_names_what_is_absent(claim_id):
    claim, runs = evaluate.CLAIMS[claim_id], dict(case(claim_id, "reproduced"))
    verdict = evaluate.judge(claim_id, {})
    assert verdict.verdict == "missing" and all(name in verdict.evidence for name in claim.needs)
    needed = {config.key: name for name, config in claim.needs.items()}
    name = needed[runs.pop(next(label for label, run in runs.items() if run.config.key in needed)).config.key]
    partial = evaluate.judge(claim_id, runs)
    assert (partial.verdict, partial.evidence) == ("missing", f"Not stored, or not trained here: {name}.")


@pytest.mark.parametrize("word", ["reproduced", "not reproduced"])
def test_stand_ins_are_judged_while_runs_are_missing_and_named_as_what_they_are(word):
    runs = case("C17", word)
    small = {f"{name}, small": replace(run, config=run.config.with_(**lab.SMALL)) for name, run in runs.items()}
    verdict = evaluate.judge("C17", {"augmentation": runs["augmentation"], **small})
    said = f"Only small stand-ins are stored (8 filters, images of 64 pixels); they say {word}: "
    assert verdict.verdict == verdict.holds == "undecided" and verdict.evidence.startswith(said)
    assert evaluate.judge("C17", runs | small).verdict == word


@pytest.mark.parametrize("claim_id", CASES)
def test_runs_that_are_too_short_are_not_judged(claim_id):
    verdict = evaluate.judge(claim_id, {label: run.first(2) for label, run in case(claim_id, "reproduced").items()})
    assert verdict.verdict == "undecided"
    assert " 2 of " in verdict.evidence and "too few to judge" in verdict.evidence


def test_longer_runs_are_cut_to_the_length_of_the_report():
    runs, config = case("C1", "reproduced"), lab.runs("task1b")["lr 1e-6"].with_(epochs=200)
    longer = make_run(config, wrong=[60] * 100 + [10] * 100)
    assert evaluate.judge("C1", runs | {"lr 1e-6": longer}) == evaluate.judge("C1", runs)


def test_runs_are_recognised_by_their_settings_not_by_their_labels():
    runs = case("C4", "reproduced")
    swapped = dict(zip(reversed(list(runs)), runs.values(), strict=True))
    assert evaluate.judge("C4", swapped) == evaluate.judge("C4", runs)
    other = {label: replace(run, config=run.config.with_(dropout=0.1)) for label, run in runs.items()}
    assert evaluate.judge("C4", other).verdict == "missing"


def test_image_size_and_number_of_images_may_differ_and_the_smallest_seed_is_judged():
    yes, no = case("C4", "reproduced"), case("C4", "not reproduced")
    assert evaluate.judge("C29", made("C11", (WIDE, NARROW))).verdict == "missing", "of few images"
    changes = {"image_size": 224, "channels": 3, "n_train": 500, "seed": 3}
    large = {label: replace(run, config=run.config.with_(**changes)) for label, run in yes.items()}
    assert evaluate.judge("C4", large).verdict == "reproduced"
    assert evaluate.judge("C4", large | reseed(no, 0)).verdict == "not reproduced"
    assert evaluate.judge("C4", reseed(yes, 2) | reseed(no, 1)).verdict == "not reproduced"
    assert evaluate.judge("C4", reseed(no, 2) | reseed(yes, 1)).verdict == "reproduced"


def test_a_gap_that_narrows_in_one_pair_and_widens_in_the_other_does_not_narrow():
    verdict = evaluate.judge("C7", made("C7", (WIDE, NARROW, NARROW, WIDE)))
    assert verdict.verdict == "not reproduced"
    assert "+13.0 against +3.0, +3.0 against +13.0, narrower by +0.0 [-1.0, +1.0] points" in verdict.evidence


@pytest.mark.parametrize("claim_id", CASES)
@pytest.mark.parametrize("change", ["n_val", "source", "labels", "short", "one"])
def test_no_claim_raises_whatever_the_runs_are(claim_id, change):
    runs = dict(case(claim_id, "reproduced"))
    label, run = next(iter(runs.items()))
    changed = {
        "n_val": lambda: make_run(run.config, n=99),
        "source": lambda: make_run(run.config, source="a hospital"),
        "labels": lambda: replace(run, y_val=run.y_val[::-1].copy()),
        "short": lambda: run.first(1),
        "one": lambda: run,
    }[change]()
    verdict = evaluate.judge(claim_id, {label: run} if change == "one" else runs | {label: changed})
    assert verdict.verdict in WORDS and verdict.holds in WORDS
    assert verdict.evidence and verdict.exam


def test_what_cannot_be_compared_is_undecided_and_the_reason_is_said():
    others = evaluate.judge("C4", made("C4", (GOOD, {"wrong": 20, "n": 100})))
    assert others.verdict == "undecided" and "validated on different images" in others.evidence
    alone = evaluate.judge("C18", nine())
    assert alone.verdict == "undecided" and "no other run on the same images" in alone.evidence


@pytest.mark.parametrize("claim_id", [name for name, claim in evaluate.CLAIMS.items() if claim.built_in])
def test_what_the_drawing_decides_has_a_word_of_its_own_on_phantoms(claim_id):
    for word in ("reproduced", "not reproduced"):
        runs = case(claim_id, word)
        drawn = {label: replace(run, provenance={"source": "phantom"}) for label, run in runs.items()}
        verdict = evaluate.judge(claim_id, drawn)
        assert (verdict.verdict, verdict.holds, verdict.kind) == (BUILT_IN, BUILT_IN, "built in")
        assert verdict.evidence.startswith("Not a question for phantoms: ") and f"They say {word}: " in verdict.evidence
        assert evaluate.counts([verdict]) == {word: int(word == BUILT_IN) for word in WORDS}


@pytest.mark.parametrize("onsets, holds", [((70, 80, 85), True), ((20, 21, 23), False), ((60, 150, 150), None)])
def test_the_onset_of_over_fitting_comes_out_both_ways_over_seeds(onsets, holds):
    config, seeds = lab.runs("task5d")["batch norm"], []
    for seed, onset in enumerate(onsets):
        settings = confident((20, 0.6), (max(onset - 20, 0), 0.8), (150, 0.95))
        seeds.append(make_run(config.with_(seed=seed), wrong=40, confidence=settings["confidence"][:150]))
    condition = evaluate.CLAIMS["C14"].conditions[2]
    assert condition.found(Setting("batch norm", seeds[0], seeds)).holds(condition.rule) is holds


def test_there_is_no_verdict_across_sources():
    real = {"source": "course"}
    runs = made("C8", (GOOD | real, BAD))
    verdict = evaluate.judge("C8", runs)
    assert (verdict.verdict, verdict.holds) == ("undecided", "undecided")
    assert verdict.evidence == "No verdict across sources: Bone on course images; Skin on phantom images."
    whole = evaluate.judge("C8", runs | {"Skin too": make_run(lab.runs("task3")["Skin"], **(BAD | real))})
    assert (whole.verdict, whole.source) == ("reproduced", "course"), "one source has all that it needs"


def test_the_best_of_the_lab_is_sought_among_all_runs_on_the_same_images():
    runs, config = case("C18", "reproduced"), lab.runs("task5a")["dropout 0.4"]
    better = make_run(config, wrong=1)
    verdict = evaluate.judge("C18", runs | {"5A": better})
    assert verdict.verdict == "not reproduced"
    assert f"{better.config.slug}, the best of 2 other runs" in verdict.evidence
    perfect = [make_run(config, wrong=0, **elsewhere) for elsewhere in ({"n": 100}, {"source": "course"})]
    smaller = replace(better, provenance=better.provenance | {"fingerprint": "the same in another size"})
    for other in (*perfect, smaller):
        assert evaluate.judge("C18", runs | {"5A": other}).verdict == "reproduced"


def test_the_rival_on_the_exam_is_the_setting_that_is_best_there_over_its_seeds():
    """The lucky run on validation would flatter a claim: its setting is worse than it looked."""
    own = {name: with_exam(run, 0.85) for name, run in nine().items()}
    lucky, modest = lab.runs("task5a")["dropout 0.4"], lab.runs("task8")["augmentation"]
    own["plain Bone"] = with_exam(make_run(lab.runs("task3")["Bone"], **BAD), 0.7)
    own["lucky"] = with_exam(make_run(lucky, wrong=10), 0.75)
    own |= {f"{seed}": with_exam(make_run(modest.with_(seed=seed), wrong=40), 0.8) for seed in range(2)}
    verdict = evaluate.judge("C18", own)
    assert f"{lucky.slug}, the best of 3 other runs" in verdict.evidence
    assert f"{modest.slug}, the best of 2 other settings +5.0" in verdict.exam


def test_all_claims_are_judged_or_those_of_a_task_and_an_unknown_one_is_refused():
    runs = case("C1", "reproduced")
    assert [v.id for v in evaluate.judge_all(runs, "task1b")] == ["C1", "C2", "C3"]
    assert [v.id for v in evaluate.judge_all(runs)] == list(CASES)
    assert {v.verdict for v in evaluate.judge_all(runs)[3:]} == {"missing"}
    with pytest.raises(ValueError, match=r"'C32' is not a claim; there are C1, C2, .*C31"):
        evaluate.judge("C32", {})


def test_evidence_quotes_the_numbers_it_rests_on():
    told = evaluate.judge("C4", case("C4", "reproduced")).evidence
    assert told == "accuracy 0.900 (VGG16), 0.700 (AlexNet), McNemar p < 0.001."
    unsure = case("C4", "undecided")
    p = mcnemar(unsure["VGG16"], unsure["AlexNet"]).p
    assert evaluate.judge("C4", unsure).evidence.endswith(f", McNemar p = {p:.3f}.")


def test_rules_are_one_line_and_quote_their_margins():
    for claim in evaluate.CLAIMS.values():
        assert claim.rule.endswith(".") and not set("\n{}") & set(claim.rule)
        assert claim.task in lab.TITLES
        for condition in claim.conditions:
            named = [name for name in condition.names if name != RIVAL]
            assert condition.words in claim.rule and condition.names[0] in condition.words
            assert all(name in claim.needs for name in named)
            with pytest.raises(FrozenInstanceError):
                condition.names = ("another",)


def stored(config, seed=0, fingerprint="f" * 12, **settings):
    run = make_run(config.with_(seed=seed), **settings)
    more = {"fingerprint": fingerprint, "class_names": list(run.class_names), "stretches": [STRETCH]}
    run = replace(run, provenance=run.provenance | more)
    return RunStore().put(run, {"epochs": np.array(run.epochs)}, None)


def test_a_notebook_gets_other_seeds_and_other_tasks_from_the_store_and_nothing_else(results):
    config = lab.runs("task5c")["no batch norm"]
    own = {"no batch norm": stored(config)}
    seed = stored(config, seed=1)
    elsewhere = [stored(lab.runs("task5b")[name]) for name in ("dropout 0.4", "batch norm, dropout 0.4")]
    normed = stored(lab.runs("task5c")["batch norm"])  # of this task, and the notebook does not show it
    stored(config, seed=2, source="a hospital", fingerprint="0" * 12)
    stored(config, seed=2, fingerprint="1" * 12)  # the same settings on other images
    together = with_stored(own, "task5c")
    assert next(iter(together)) == "no batch norm"
    assert {run.path for run in together.values()} == {run.path for run in (*own.values(), seed, *elsewhere)}
    both = own | {"batch norm": normed}
    told = [evaluate.judge("C24", runs).verdict for runs in (both, with_stored(both, "task5c"))]
    assert told[0] == "missing" != told[1]
    assert evaluate.judge("C13", together).verdict == "missing"


def test_a_shorter_run_of_a_notebook_is_not_replaced_by_the_stored_one(results):
    config = lab.runs("task5a")["no dropout"]
    stored(config)
    stored(config, seed=1)
    short = {"no dropout": replace(RunStore().all()[0], path=None).first(5)}
    together = with_stored(short, "task5a")
    assert sorted(run.config.seed for run in together.values()) == [0, 1]
    assert together["no dropout"].epochs == 5
    seeds = evaluate.with_seeds(short)["no dropout"]
    assert [(run.config.seed, run.epochs) for run in seeds] == [(0, 5), (1, 5)]
