"""What runs show on the exam: at which epoch, over which seeds, and what is said where it was not sat."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_helpers import make_run, stored_spreads, with_exam

from labutils import lab
from labutils.errors import ComparisonError
from labutils.evaluate import exam
from labutils.runs.run import ExamResult
from labutils.statistics import wilson_interval

CONFIG = lab.runs("task5a")["no dropout"].with_(epochs=20)


def seeds(*rates, **settings):
    return [
        with_exam(make_run(CONFIG.with_(seed=seed), **settings), rate, noise=seed) for seed, rate in enumerate(rates)
    ]


def test_accuracy_is_read_at_the_best_validation_epoch():
    run = make_run(CONFIG, wrong=[60] * 5 + [20] + [60] * 14)
    sat = with_exam(run, [0.95, 0.9, 0.5])  # the exam's own best epoch is another
    assert sat.best_epoch == 5 and sat.exam.epochs == (0, 5, 19)
    value, *interval = exam.exam_accuracy([sat])
    assert value == pytest.approx(0.9, abs=0.001) and (*interval,) == wilson_interval(round(value * 1000), 1000)


def test_the_mean_over_the_seeds_that_sat_it_has_an_interval_over_both():
    one, three = exam.exam_accuracy(seeds(0.8)), exam.exam_accuracy(seeds(0.7, 0.8, 0.9))
    assert three.value == pytest.approx(0.8, abs=0.001)
    assert three.high - three.low > 3 * (one.high - one.low), "the seeds are far apart"
    assert exam.exam_accuracy(seeds(1.0, 1.0)).high == 1.0
    some = [*seeds(0.7, 0.8), make_run(CONFIG.with_(seed=2))]
    assert exam.exam_accuracy(some).value == pytest.approx(0.75, abs=0.001)
    assert exam.effect("accuracy", some, some[:2]).seeds == 2


def test_what_seeds_do_is_read_from_the_labs_runs_alone(results, monkeypatch):
    asked = []
    monkeypatch.setattr("labutils.paths.in_my_lab", lambda: True)
    monkeypatch.setattr("labutils.runs.store.RunStore.all", lambda self: asked.append(self.folders) or [])
    assert exam.prior("accuracy").freedom == 0 and asked == [(results / "runs",)], "no student's run moves a verdict"


def test_without_an_exam_or_on_different_ones_nothing_is_said():
    run, sat = make_run(CONFIG), with_exam(make_run(CONFIG, wrong=[60] * 5 + [20] + [60] * 14), 0.8)
    assert run.exam is None and exam.exam_accuracy([run]) is None and exam.exam_accuracy([]) is None
    with pytest.raises(exam.NoExamError, match=f"no exam is stored for {run.config.slug}"):
        exam.effect("accuracy", [run], [run])
    lacking = replace(sat, exam=sat.exam.first(3))
    with pytest.raises(exam.NoExamError, match="not stored at the epoch of its best accuracy"):
        exam.effect("accuracy", [lacking], [lacking])
    exam.same_exam([sat], [sat])
    with pytest.raises(ComparisonError, match="different exams"):
        exam.same_exam([sat], [replace(sat, exam=replace(sat.exam, fingerprint="other"))])


def ranked(sure, right):
    """Three seeds with so many right answers, whose wrong ones are as `sure` as given."""
    runs = []
    for run in seeds(*[right] * 3):
        y, own = run.exam.y, run.exam.predictions.astype(float)
        wrong = (own[..., 0] > 0.5) != y
        own[wrong] = np.where(y == 1, 0.5 - sure, 0.5 + sure)[None].repeat(len(own), 0)[wrong][:, None]
        runs.append(replace(run, exam=replace(run.exam, predictions=own)))
    return runs


def test_auc_stands_beside_accuracy_and_says_where_it_disagrees():
    modest, sure = ranked(0.01, 0.80), ranked(0.45, 0.85)
    assert exam.effect("accuracy", sure, modest).word(0.01) == "better"
    area = exam.effect("AUC", sure, modest)
    assert area.value < -0.05 and area.word(0.01) == "worse"
    words = exam.area_words(sure, modest, "better")
    assert words.startswith(f"{100 * area.value:+.1f} [") and words.endswith(" and disagrees: worse")
    assert "disagrees" not in exam.area_words(sure, modest, "worse") + exam.area_words(sure, modest, "undecided")


def test_differences_of_accuracy_and_loss_and_how_they_are_put_into_words():
    good, poor = seeds(*[0.9] * 3), seeds(*[0.8] * 3)
    more, lower = (exam.effect(kind, good, poor) for kind in ("accuracy", "loss"))
    assert more.value == pytest.approx(0.1, abs=0.001) and more.word(0.01) == "better"
    assert lower.value == pytest.approx(0.1 * np.log(0.8 / 0.2), abs=0.005) and lower.word(0.02) == "better"
    words = exam.effect_words(more)
    assert words.startswith("+10.0 points [+") and words.endswith("]: better (margin 1 point; 1000 images, 3 seeds)")
    assert "margin 0.02" in exam.effect_words(lower, 0.02)


def test_losses_are_compared_where_the_validation_loss_is_lowest_and_rise_from_there_to_the_end():
    run = make_run(CONFIG, wrong=40, confidence=[0.6] * 5 + [0.8] * 10 + [0.95] * 5)
    later, sooner = with_exam(run, [0.7, 0.9, 0.7]), with_exam(run, [0.7, 0.8, 0.9])
    assert later.exam.epochs == (run.best_epoch, run.lowest_loss_epoch, 19) == (0, 5, 19)
    assert exam.effect("loss", [later], [sooner]).value == pytest.approx(0.1 * np.log(4), abs=0.005)
    assert exam.effect("rise", [later]).value == pytest.approx(0.2 * np.log(4), abs=0.005)


def gap_run(fixed, seen=None, seed=0, **settings):
    """A run with 80 % on the exam, this accuracy on a fixed part of the training images, and this on all of them."""
    run = with_exam(make_run(CONFIG.with_(seed=seed), **settings), 0.8)
    history = run.history if fixed is None else run.history | {"fixed_accuracy": np.full(20, fixed)}
    training = np.append(np.full(len(run.exam.epochs) - 1, 0.5), np.nan if seen is None else seen)
    provenance = run.provenance | {"counts": {"train": {"Mel": 500, "Nev": 500}}}
    return replace(run, history=history, exam=replace(run.exam, training=training), provenance=provenance)


PLAIN, FIXED, WHOLE = gap_run(None, accuracy=0.85), gap_run(0.95, accuracy=0.85), gap_run(0.95, 0.9)


@pytest.mark.parametrize(
    "runs, gap, basis",
    [
        ([WHOLE], 0.10, "on all its images"),
        ([FIXED], 0.15, "on a fixed part (200 of 1000 images), whose choice is in the interval"),
        ([PLAIN], 0.05, "training as it went by, images and units as the step had them"),
        ([gap_run(None, 0.9)], 0.10, "on all its images"),
        ([WHOLE, gap_run(0.95, seed=1)], 0.125, "on all its images in 1 of 2 runs, else a fixed part (200 of 1000"),
    ],
)
def test_the_gap_to_the_exam_is_that_of_all_training_images_where_they_were_measured(runs, gap, basis):
    assert exam.gap_effect((runs,)).value == pytest.approx(gap, abs=0.001) and basis in exam.gap_basis(runs)


def test_gaps_are_compared_like_with_like():
    assert exam.gap_effect(([FIXED], [PLAIN])).value == pytest.approx(0.0, abs=0.001)
    assert "as it went by" in exam.gap_basis([FIXED], [PLAIN])
    assert exam.gap_effect(([FIXED], [WHOLE])).value == pytest.approx(0.05)


@pytest.mark.parametrize("lacking, seeds", [(1, 1), (3, 3), (1, 3), (0, 3)])
def test_what_another_part_of_the_training_images_would_have_given_does_not_average_out(lacking, seeds):
    runs = [gap_run(0.95, None if seed < lacking else 0.95, seed) for seed in range(seeds)]
    expected = (lacking / seeds) ** 2 * (0.95 * 0.05 / 200 + 1 / 202**2) * (1 - 200 / 1000)
    assert exam.gap_effect((runs,)).of_part == pytest.approx(expected)


class Sat:
    """What `exam` reads of a run: which training and exam images it has right; the part comes first."""

    best_epoch = lowest_loss_epoch = 9
    epochs, y_val, provenance = 10, np.zeros(200), {"counts": {"train": {"all": 1000}}}

    def __init__(self, trained, right, whole):
        self.history = {"fixed_accuracy": np.full(10, trained[:200].mean())}
        y, training = np.ones(len(right), int), np.array([trained.mean() if whole else np.nan])
        self.class_names = ("Mel", "Nev")
        self.exam = ExamResult((9,), np.where(right, 0.9, 0.1)[None, :, None], y, "exam", training)


def narrower(measured, shared, rng, repeats=500):
    """How often two settings with the same gap are said to differ; `measured`: which seeds saw all training images.

    Each setting has 100 training images of 1000 wrong, the same at every seed; so many of them, `shared`, are those of
    the other setting too. Seeds move the exam as far as they move stored gaps.
    """
    spreads, said = stored_spreads("gap"), 0
    for _ in range(repeats):
        order, sides = rng.permutation(1000), []
        for own in (order[100 : 200 - shared], order[200 : 300 - shared]):
            trained = ~np.isin(np.arange(1000), [*own, *order[:shared]])
            levels = 0.8 + rng.choice(spreads) * rng.normal(size=len(measured))
            sides.append([Sat(trained, rng.random(1000) < p, m) for p, m in zip(levels, measured, strict=True)])
        said += exam.gap_effect(tuple(sides)).word(0.01) in ("better", "worse")
    return said / repeats


@pytest.mark.parametrize("shared", [0, 70])
@pytest.mark.parametrize("measured", [[False] * 3, [True] * 3, [False] + [True] * 3, [False] * 3 + [True] * 5])
def test_a_gap_is_wrongly_called_narrower_in_six_of_a_hundred_cases_at_most(measured, shared):
    found = narrower(measured, shared, np.random.default_rng(1))
    assert found <= 0.06


def test_leaving_out_which_part_was_measured_would_be_wrong_more_often(monkeypatch):
    monkeypatch.setattr(exam, "_part", lambda runs: 0.0)
    assert narrower([False] * 3, 0, np.random.default_rng(1)) > 0.10
