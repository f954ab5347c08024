"""What more training images do: where a network catches up with simple models, said only where it was tried."""

from dataclasses import replace

import pytest
from evaluate_helpers import make_run, right_about, simple_model, with_exam
from helpers import tiny_dataset

from labutils import audit, lab
from labutils.audit import baselines
from labutils.audit.against import growth

CONFIG = lab.learning_curve()[1000].with_(epochs=3)


def steps(**shares):
    """Three seeds for each number of training images, `n200=0.6`, with these shares of the exam right."""
    runs = [make_run(CONFIG.with_(seed=seed)) for seed in range(3)]
    return {
        int(n[1:]): [with_exam(run, share + (seed - 1) / 100, noise=1) for seed, run in enumerate(runs)]
        for n, share in shares.items()
    }


@pytest.fixture
def simple(results):
    """Forests that know .80 to .83 of the exam, linear models .78, at each number of training images."""
    for place, n in enumerate(lab.learning_curve()):
        data = replace(tiny_dataset(), fingerprint=f"{n:012}")
        models = [
            simple_model("simple numbers, linear", right_about(0.78)[None]),
            simple_model("simple numbers, forest", right_about(0.80 + place / 100)[None]),
        ]
        baselines.keep(baselines.EXAM, data, baselines.ON_EXAM, baselines.OnExam("exam of skin", n, models))
        other = baselines.OnExam("another exam", n, models)
        baselines.keep(baselines.EXAM, replace(data, fingerprint=f"f{n:011}"), baselines.ON_EXAM, other)


@pytest.mark.parametrize(
    ("shares", "title"),
    [
        (
            {"n200": 0.6, "n1000": 0.7, "n2000": 0.90, "n4000": 0.92},
            "With 2,000 training images the network wins against a forest on",
        ),
        ({"n200": 0.6, "n1000": 0.7}, "Up to 1,000 training images the network does not catch up with a forest"),
        ({"n1000": 0.7, "n4000": 0.83}, "With 4,000 training images the network cannot be told from a forest"),
    ],
)
def test_the_title_says_where_the_network_catches_up(simple, shares, title):
    found = growth(steps(**shares))
    assert found.title.startswith(title) and found.said.text.startswith(found.title)
    assert len(found.said.findings) == len(shares)
    assert found.missing == [n for n in lab.learning_curve() if f"n{n}" not in shares]
    assert ("Not trained yet" in found.said.text) == bool(found.missing)
    assert [step.training for step in found.steps] == list(lab.learning_curve())
    forest = [step.simple["simple numbers, forest"].accuracy for step in found.steps]
    assert forest == pytest.approx([0.80, 0.81, 0.82, 0.83])


def test_without_runs_or_kept_answers_there_is_nothing_to_say(simple, monkeypatch, tmp_path):
    assert growth({}) is None
    assert growth({1000: [make_run(CONFIG)]}) is None, "it has not sat the exam"
    assert audit.growth() is None, "nothing is stored here"
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path / "empty"))
    found = growth(steps(n1000=0.8))
    assert found.title == "" and not found.said.findings and not found.steps[0].simple


def test_in_results_simple_models_are_kept_at_every_step():
    found = growth()
    assert [step.training for step in found.steps if len(step.simple) == 2] == list(lab.learning_curve())
    forest = [step.simple[found.rival].accuracy for step in found.steps]
    assert forest == sorted(forest), "more images do not harm a forest"
