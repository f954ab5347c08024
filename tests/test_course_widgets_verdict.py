"""Verdicts by the reader's rules: the page says what Python says, word for word and digit for digit."""

import itertools
import json
import math
from collections import Counter

import numpy as np
import pytest
from course_helpers import in_node, needs_node
from scipy import stats
from scipy.special import stdtr, stdtrit

from labutils import evaluate, lab, statistics
from labutils.course import widgets
from labutils.course.widgets import verdict
from labutils.evaluate import rules
from labutils.evaluate.effects import Sample, Spread, measure_effect
from labutils.evaluate.rules import contested
from labutils.runs.store import RunStore, find

pytestmark = needs_node


@pytest.fixture(scope="module")
def stored():
    """The stored runs on phantoms, and what the page gets of them."""
    runs = {run.path.name: run for run in RunStore().all() if run.source == "phantom" and run.path}
    return runs, json.loads(json.dumps(verdict.contested_data(runs)))


def in_page(script, data, folder):
    return in_node("verdict", script, data, folder)


def close(here, wanted, relative=1e-10):
    return here == pytest.approx(wanted, rel=relative, abs=1e-12)


def test_quantiles_and_tails_are_those_of_scipy(tmp_path):
    levels, freedoms = [0.0005, 0.005, 0.025, 0.05, 0.1, 0.4], [0.7, 1, 2, 3.37, 14, 97.5, 640, 1000, 1e4]
    values = [0, 0.01, 0.7, 1.96, 2.9, 6, 30, -1.3]
    grid = [list(itertools.product(one, freedoms)) for one in (levels, values)]
    script = "result = [data[0].map((x) => tQuantile(...x)), data[1].map((x) => tAbove(...x))];"
    quantiles, tails = in_page(script, grid, tmp_path)
    normal = stats.norm
    for (chance, freedom), here in zip(grid[0], quantiles, strict=True):
        assert close(here, normal.isf(chance) if freedom > 1000 else stdtrit(freedom, 1 - chance)), (chance, freedom)
    for (t, freedom), here in zip(grid[1], tails, strict=True):
        wanted = normal.sf(t) if freedom > 1000 else stdtr(freedom, -t)
        assert here == pytest.approx(wanted, rel=1e-10), (t, freedom)


def test_exact_tests_and_wilson_are_those_of_python(tmp_path):
    pairs = [(a, b) for a in range(0, 90, 11) for b in range(0, 140, 23)]
    tables = [([a, 140], [b, 200]) for a in (0, 3, 70, 129, 140) for b in (0, 10, 100, 170, 200)]
    script = """result = [data[0].map((x) => signTest(...x)), data[1].map((x) => fisherTest(...x)),
      data[1].map(([one]) => wilson(one, 0.02)), holm([0.01, 0.04, 0.03])];"""
    signs, fishers, ends, adjusted = in_page(script, [pairs, tables], tmp_path)
    assert close(signs, [statistics.sign_test(*pair) for pair in pairs])
    wanted = [stats.fisher_exact([[a, m - a], [b, n - b]])[1] for (a, m), (b, n) in tables]
    assert fishers == pytest.approx(wanted, rel=1e-9, abs=1e-40)
    for here, (one, _) in zip(ends, tables, strict=True):
        assert close(here, list(statistics.wilson_interval(*one, 0.98)))
    assert adjusted == list(statistics.holm({"a": 0.01, "b": 0.04, "c": 0.03}).values())


def test_words_of_effects_are_those_of_python(tmp_path):
    """Made-up settings with one seed and more, alike or not, on the same images and on others, known and unknown."""
    rng = np.random.default_rng(0)
    priors = [Spread(2e-4, 12.5), Spread(4e-4, 9, alike=False), Spread(), Spread(alike=False), None]
    effects, chosen = [], []
    for _ in range(300):
        weights = [[1.0, -1.0], [1.0], [0.5, -0.5, 0.5, -0.5]][rng.integers(3)]
        images = int(rng.choice([1, 60]))
        samples = []
        for weight in weights:
            seeds = rng.normal(rng.normal(0.8, 0.05), 0.02, (rng.integers(1, 6), 1)) + rng.normal(0, 0.05, images)
            samples.append(Sample(weight, seeds, str(rng.integers(2)), float(rng.choice([0, 1e-5]))))
        effects.append(measure_effect(samples, 0.3, priors[rng.integers(len(priors))]))
        chosen.append([float(rng.choice(verdict.LEVELS)), float(rng.choice([0.01, 0.03, 0.1]))])
    data = {"effects": [verdict.effects_data(one) for one in effects], "chosen": chosen}
    data |= {"limits": {"ACCURACY_MARGIN": 1}, "holds": rules.HOLDS}
    script = """result = data.effects.map((test, i) => {
      const [level, factor] = data.chosen[i];
      const read = (measure, limit) =>
        found({ measure, rule: "is" }, { ...test, limit }, { level, factor }, data);
      return [read("accuracy", null), read("wide gap", factor).holds];
    });"""
    words = Counter()
    for one, (level, margin), (here, reached) in zip(effects, chosen, in_page(script, data, tmp_path), strict=True):
        with contested(level):
            word, (value, *ends), p, wanted = one.word(margin), [*one.interval()], one.p, one.at_least(margin)
        assert (here["word"], reached) == (word, wanted), one
        assert close([here["value"], here["p"]], [value, p])
        assert here["low"] is None or close([here["low"], here["high"]], ends)
        assert (here["low"] is None) == math.isinf(ends[0])
        words[word] += 1
    assert min(words[word] for word in ("better", "worse", "no difference that matters", "undecided")) > 5


@pytest.mark.parametrize(
    "level, factor, seeds", [(0.05, 1, 8), (0.001, 0.25, 1), (0.1, 2, 3), (0.2, 0.5, 8), (0.01, 5, 8)]
)
def test_the_page_judges_the_stored_runs_as_python_does(stored, level, factor, seeds, tmp_path):
    runs, data = stored
    script = """result = [true, false].map((onExam) =>
      data.claims.map((claim) => judged(claim, { ...data.chosen, onExam }, data)));"""
    pages = in_page(script, data | {"chosen": {"level": level, "factor": factor, "seeds": seeds}}, tmp_path)
    with contested(level, factor):
        claims = evaluate.judge_all(verdict.first_seeds(runs, seeds))
    for own, exam, known in zip(claims, *pages, strict=True):
        parts, here = [*own.parts], exam["parts"]
        assert exam["word"] == own.holds, own
        if seeds == 8:  # on validation one seed is judged; others are only the best of all others
            parts, here = [*parts, *own.known], here + known["parts"]
            assert known["word"] == own.verdict, own
        assert [told["word"] for told in here] == [part.finding.word for part in parts]
        for (_, finding, _), told in zip(parts, here, strict=True):
            if finding.estimate and "value" in told:
                assert close([told["value"], told["low"], told["high"]], list(finding.estimate), 1e-9), own.id
            p = finding.effect.p if finding.effect else finding.p
            assert p is None or close(told["p"], p, 1e-9), own.id


def test_rules_are_the_labs_again_after_a_contest():
    run = find(lab.runs("task1b"))["lr 1e-5"]
    usual = evaluate.accuracy(run)
    with pytest.raises(ZeroDivisionError), contested(0.2, 3):
        narrow = evaluate.accuracy(run)
        assert rules.margin(0.01) == pytest.approx(0.03) and usual.low < narrow.low < narrow.high < usual.high
        raise ZeroDivisionError
    assert evaluate.accuracy(run) == usual and rules.margin(0.01) == 0.01


def test_a_notebook_says_what_can_be_contested(capsys):
    widgets.contest_verdicts(find(lab.runs("task1c")), "task1c")
    assert capsys.readouterr().out.count("on the exam and all stored seeds: 1 ") == 2, "in words and in the page"
