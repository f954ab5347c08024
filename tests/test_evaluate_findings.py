"""From a number and its limits to a word, and from the word to what a claim says of it."""

import pytest

from labutils.evaluate import findings as f
from labutils.evaluate import rules
from labutils.statistics import Estimate


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


def test_what_holds_is_never_held_with_its_contrary():
    for word in {word for words in rules.HOLDS.values() for word in words}:
        said = {rule: f.Finding(word, "").holds(rule) for rule in rules.HOLDS}
        assert said[rules.IS] is None or said[rules.IS] is not said[rules.IS_NOT], word
    assert all(f.Finding(rules.UNDECIDED, "").holds(rule) is None for rule in rules.HOLDS)


@pytest.mark.parametrize("name, measure", f.MEASURES.items())
def test_every_measure_has_its_test_in_words(name, measure):
    rule = f.Condition(name, ("one", "other"), limits=(0.25, 0.75)).words
    assert "one" in rule and not set("{}") & set(rule)
