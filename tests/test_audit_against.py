"""Networks against simple models, by hand-made answers: four words, and where more images bring a network up."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_helpers import make_run, right_about, simple_model, with_exam
from helpers import tiny_dataset

from labutils import audit, lab
from labutils.audit import baselines
from labutils.audit.against import growth, simple_effect
from labutils.audit.baselines import RINGS, Simple
from labutils.evaluate import metrics
from labutils.evaluate.sentences import NOT_HERE
from labutils.evaluate.tables import group_seeds
from labutils.runs.store import RunStore

CONFIG = lab.runs("task1b")["lr 1e-5"]
FOREST, LINEAR = "simple numbers, forest", "simple numbers, linear"


def networks(*shares, config=CONFIG, n=1000, noise=1, wrong=30):
    """One setting whose seeds got these shares of the exam right."""
    return [
        with_exam(make_run(config.with_(seed=seed), wrong=wrong), share, n=n, noise=noise)
        for seed, share in enumerate(shares)
    ]


def knowing(monkeypatch, validation, on_exam, fingerprint="exam of skin"):
    """As if simple models had been measured: what they are right about on the validation images and on an exam."""
    simple = Simple(simple_model(FOREST, validation), simple_model(FOREST, on_exam), fingerprint)
    monkeypatch.setattr("labutils.audit.baselines.simple_of", lambda run, sees: simple)


@pytest.mark.parametrize(
    ("shares", "simple", "noise", "says"),
    [
        ((0.80, 0.81, 0.79), 0.90, 1, "Task 1B's network, lr 1e-5, loses to some forty simple numbers (forest) on"),
        ((0.90, 0.91, 0.89), 0.80, 1, "Task 1B's network, lr 1e-5, wins against"),
        ((0.85, 0.85, 0.85), 0.85, 0, "Task 1B's network, lr 1e-5, ties with"),
        ((0.85, 0.86, 0.84), 0.86, 1, "Whether Task 1B's network, lr 1e-5, is better than"),
        ((0.80,), 0.84, 1, "Whether Task 1B's network, lr 1e-5, is better than"),  # what other seeds do is unknown
    ],
)
def test_one_of_four_words(results, monkeypatch, shares, simple, noise, says):
    knowing(monkeypatch, right_about(0.7, 200)[None], right_about(simple, noise=0)[None])
    said = audit.against_simple({"lr 1e-5": networks(*shares, noise=noise)}, task="task1b")
    difference = f"{100 * (np.mean(shares) - simple) + 0.0:+.1f}"
    assert said.text.startswith(says)
    assert f"{np.mean(shares):.3f} against {simple:.3f}, {difference} [" in said.text
    (finding,) = said.findings
    assert finding.basis.startswith("on the exam, 1000 images") and finding.estimate.value == finding.effect.value


def test_a_linear_model_has_no_seeds_and_a_forest_adds_its_own(results):
    shares = (0.80, 0.82, 0.81)
    runs, network = networks(*shares), np.stack([right_about(share, noise=1) for share in shares])
    linear, forest = right_about(0.85)[None], np.stack([right_about(share) for share in (0.85, 0.83, 0.87)])
    rest = network - network.mean(axis=0) - network.mean(axis=1, keepdims=True) + network.mean()
    for right in (linear, forest):
        effect = simple_effect(runs, simple_model(LINEAR, right))
        assert effect.value == pytest.approx(0.81 - 0.85)
        by_image = (network.mean(axis=0) - right.mean(axis=0)).var(ddof=1)
        expected = network.mean(axis=1).var(ddof=1) / 3
        expected += (by_image - rest.var() * 3000 / 1998 / 3) / 1000 + 1 / 1002**2
        if len(right) > 1:
            expected += right.mean(axis=1).var(ddof=1) / len(right)
        assert effect.error**2 == pytest.approx(expected)


def test_the_better_network_is_chosen_on_the_validation_images_and_all_are_counted(results, monkeypatch):
    knowing(monkeypatch, right_about(0.7, 200)[None], right_about(0.85)[None])
    runs = {
        "better on the exam": networks(0.95, 0.94, 0.95, wrong=40),
        "better on validation": networks(0.70, 0.71, 0.70, wrong=20),
        "never sat it": [replace(run, exam=None) for run in networks(0.7, wrong=60)],
    }
    text = audit.against_simple(runs, task="task1b").text
    assert text.startswith("Task 1B's best network, better on validation, loses to")
    assert text.endswith("Of all 2 networks, with allowance for their number (Holm): 1 wins, 1 loses.")


@pytest.mark.parametrize(
    ("wrong", "simple", "word", "says"),
    [
        (60, 0.95, "worse", "The network on Skin (PHANTOM), a, loses to"),
        (10, 0.75, "better", "The network on Skin (PHANTOM), a, wins against"),
        (52, 0.78, "undecided", "Whether the network on Skin (PHANTOM), a, is better than"),
        (30, None, "equally good", "The network on Skin (PHANTOM), a, ties with"),  # the same answers
    ],
)
def test_without_a_common_exam_the_validation_images_decide(results, monkeypatch, wrong, simple, word, says):
    runs = networks(0.9, 0.9, 0.9, wrong=wrong)
    right = right_about(simple, 200) if simple else metrics.correct(runs[0])
    knowing(monkeypatch, right[None], right_about(0.5)[None], fingerprint="another exam")
    said = audit.against_simple({"a": runs})
    assert said.findings[0].word == word and said.text.startswith(says)
    assert "on the validation images" in said.text and "McNemar p" in said.text


def test_every_set_of_images_has_its_sentence(results, monkeypatch):
    knowing(monkeypatch, right_about(0.7, 200)[None], right_about(0.85)[None])
    runs = {name: networks(0.9, 0.9, 0.9, config=CONFIG.with_(dataset=name)) for name in ("skin", "bone")}
    text = audit.against_simple(runs, task="task3").text
    assert text.count("Task 3's network on Skin (PHANTOM), skin,") == 1
    assert text.count("Task 3's network on Bone (PHANTOM), bone,") == 1


def test_what_is_not_here_is_said(results, capsys):
    assert audit.against_simple({}).text == NOT_HERE
    audit.tell_simple({"a": networks(0.9)[0]}, task="task1b")
    assert " ".join(capsys.readouterr().out.split()) == NOT_HERE


@pytest.mark.parametrize("name", ["skin", "bone", "x_ray"])
def test_the_answers_in_results_are_to_the_exam_of_the_stored_runs(name):
    runs = [run for run in RunStore().all() if (run.config.dataset, run.source) == (name, "phantom") and run.exam]
    networks = group_seeds({run.label: run for run in runs if baselines.simple_of(run)})
    run = max(networks.values(), key=len)[0]
    for sees in (baselines.SIMPLE, RINGS):
        (finding,) = audit.against_simple(networks, sees=sees).findings
        simple = baselines.simple_of(run, sees)
        assert finding.basis.startswith("on the exam") and simple.fingerprint == run.exam.fingerprint
        assert simple.exam.right.shape[1] == len(run.exam.y)


# More training images.


GROWN = lab.learning_curve()[1000].with_(epochs=3)


def steps(shares):
    """Three seeds for each number of training images, with these shares of the exam right."""
    runs = [make_run(GROWN.with_(seed=seed)) for seed in range(3)]
    return {
        n: [with_exam(run, share + (seed - 1) / 100, noise=1) for seed, run in enumerate(runs)]
        for n, share in shares.items()
    }


@pytest.fixture
def simple(results):
    """Forests that know .80 to .83 of the exam, linear models .78, at each number of training images."""
    for place, n in enumerate(lab.learning_curve()):
        models = [simple_model(LINEAR, right_about(0.78)[None])]
        models.append(simple_model(FOREST, right_about(0.80 + place / 100)[None]))
        for which, exam in enumerate(("exam of skin", "another exam")):
            data, known = replace(tiny_dataset(), fingerprint=f"{which}{n:011}"), baselines.OnExam(exam, n, models)
            baselines.keep(baselines.EXAM, data, baselines.ON_EXAM, known)


@pytest.mark.parametrize(
    ("shares", "title"),
    [
        ({200: 0.6, 1000: 0.7, 2000: 0.90, 4000: 0.92}, "With 2,000 training images the network wins against a forest"),
        ({200: 0.6, 1000: 0.7}, "Up to 1,000 training images the network does not catch up with a forest"),
        ({1000: 0.7, 4000: 0.83}, "With 4,000 training images the network cannot be told from a forest"),
    ],
)
def test_the_title_says_where_the_network_catches_up(simple, shares, title):
    found = growth(steps(shares))
    assert found.title.startswith(title) and found.said.text.startswith(found.title)
    assert len(found.said.findings) == len(shares)
    assert found.missing == [n for n in lab.learning_curve() if n not in shares]
    assert ("Not trained yet" in found.said.text) == bool(found.missing)
    assert [step.training for step in found.steps] == list(lab.learning_curve())
    forest = [step.simple[FOREST].accuracy for step in found.steps]
    assert forest == pytest.approx([0.80, 0.81, 0.82, 0.83])


def test_without_runs_or_kept_answers_there_is_nothing_to_say(results, monkeypatch):
    assert growth({}) is None
    assert growth({1000: [make_run(GROWN)]}) is None, "it has not sat the exam"
    assert audit.growth() is None, "nothing is stored here"
    found = growth(steps({1000: 0.8}))
    assert found.title == "" and not found.said.findings and not found.steps[0].simple


def test_in_results_simple_models_are_kept_at_every_step():
    found = growth()
    assert [step.training for step in found.steps if len(step.simple) == 2] == list(lab.learning_curve())
    forest = [step.simple[found.rival].accuracy for step in found.steps]
    assert forest == sorted(forest), "more images do not harm a forest"
