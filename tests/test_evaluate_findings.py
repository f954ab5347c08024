"""From a number and its limits to a word, and from the word to what a claim says of it."""

import numpy as np
import pytest
from evaluate_helpers import make_run

from labutils.config import RunConfig
from labutils.evaluate import findings as f
from labutils.evaluate import rules
from labutils.statistics import Estimate

LEVELS = [((0.8, 0.9), rules.REACHED), ((0.89, 0.91), rules.UNDECIDED), ((0.9, 0.95), rules.BELOW)]
EPOCHS = [(25, rules.REACHED), (26, rules.UNDECIDED), (50, rules.BELOW), (101, rules.BELOW)]


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


def climbs(reaches: int):
    """A run of 100 epochs whose training accuracy comes to its highest in this one."""
    curve = np.where(np.arange(1, 101) < reaches, 0.6, 0.9)
    config = RunConfig(dataset="skin", model="vgg16", learning_rate=1e-5, epochs=100)
    return f.Setting("a", make_run(config, accuracy=curve))


def test_a_limit_belongs_to_what_is_said_beyond_it():
    for limits, word in LEVELS:
        assert f.Condition("training accuracy", ("a",), limits=limits).known(climbs(1)).word == word
    for epoch, word in EPOCHS:
        assert f.Condition("far fewer epochs", ("a", "b")).known(climbs(epoch), climbs(50)).word == word


def test_what_holds_is_never_held_with_its_contrary():
    for word in {word for words in rules.HOLDS.values() for word in words}:
        said = {rule: f.Finding(word, "").holds(rule) for rule in rules.HOLDS}
        assert said[rules.IS] is None or said[rules.IS] is not said[rules.IS_NOT], word
    assert all(f.Finding(rules.UNDECIDED, "").holds(rule) is None for rule in rules.HOLDS)


@pytest.mark.parametrize("name, measure", f.MEASURES.items())
def test_every_measure_has_its_test_in_words(name, measure):
    rule = f.Condition(name, ("one", "other"), limits=(0.25, 0.75)).words
    assert "one" in rule and not set("{}") & set(rule)
