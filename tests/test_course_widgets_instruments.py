"""The numbers of the controls in the page: Python and JavaScript give the same, digit for digit."""

import base64
import gzip
import itertools
import json
import math
import re
import subprocess
from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from course_helpers import in_node, needs_node
from evaluate_helpers import make_run, run_from_predictions
from helpers import made_up_run, tiny_config, tiny_dataset
from scipy import stats
from scipy.special import stdtr, stdtrit

from labutils import evaluate, lab, statistics
from labutils.course import student, widgets
from labutils.course.widgets import instruments, verdict
from labutils.course.widgets.control import STATIC, module
from labutils.evaluate import rules
from labutils.evaluate.effects import Sample, Spread, measure_effect
from labutils.evaluate.metrics import reliability_curve
from labutils.evaluate.rules import contested
from labutils.runs.store import RunStore, find
from labutils.statistics import wilson_interval


def random_run(dataset="skin", epochs=4, n=60, seed=0):
    """A run whose probabilities have ties, halves and extremes among them."""
    rng = np.random.default_rng(seed)
    config, classes = lab.runs("task1b" if dataset == "skin" else "task4").popitem()[1], 2 if dataset == "skin" else 9
    y = rng.integers(0, classes, n)
    if classes == 9:
        return run_from_predictions(config, rng.dirichlet(np.ones(classes), (epochs, n)), y)
    p = np.round(rng.uniform(0, 1, (epochs, n, 1)), 2)
    p[:, :6, 0] = [0, 0.5, 0.5, 1, 0.1, 0.9]
    return run_from_predictions(config, p, y)


in_page, contested_in_page = (partial(in_node, module) for module in ("numbers", "verdict"))


def same(here, wanted):
    """Whether the page has found the numbers of a tuple of ours."""
    numbers = {name: value if isinstance(value, list) else pytest.approx(value) for name, value in wanted.items()}
    return here == {name: None if wanted[name] is None else value for name, value in numbers.items()}


@needs_node
@pytest.mark.parametrize("dataset", ["skin", "x_ray"])
def test_the_page_computes_an_epoch_as_python_does(dataset, tmp_path):
    run = random_run(dataset)
    script = "const run = unpack(data); result = [0, 1, 2, 3].map((e) => atEpoch(run, e));"
    for epoch, here in enumerate(in_page(script, instruments.packed(run), tmp_path)):
        assert same(here, instruments.at_epoch(run, epoch))


@needs_node
def test_the_page_computes_calibration_and_a_threshold_as_python_does(tmp_path):
    run = random_run()
    cases = [(t, q) for t in (0, 0.25, 0.5, 0.9, 1) for q in (0.001, 0.05, 0.5)]
    script = """const run = unpack(data.run);
      result = [reliability(run, 2), data.cases.map(([t, q]) => atThreshold(run, t, q, 1))];"""
    bins, found = in_page(script, {"run": instruments.packed(run), "cases": cases}, tmp_path)
    wanted = reliability_curve(run, 2)
    assert [bin["images"] for bin in bins] == [bin.images for bin in wanted]
    assert [bin["observed"] for bin in bins] == pytest.approx([bin.observed.value for bin in wanted])
    for here, (t, q) in zip(found, cases, strict=True):
        assert same(here, instruments.at_threshold(run, t, q, 1))


@needs_node
def test_the_page_judges_answers_with_what_it_was_given(tmp_path):
    """Wilson's interval and McNemar's p of every result come with the images: the page only counts."""
    data = instruments.contest_data(*contestants(2), n=10)
    truth, network = np.array(data["truth"]), np.array(data["network"])
    cases = [*np.random.default_rng(3).integers(0, 2, (10, 10)), truth, network]
    script = "result = data.cases.map((one) => judgeAnswers(one, data));"
    found = in_page(script, data | {"cases": [case.tolist() for case in cases]}, tmp_path)
    for answers, here in zip(cases, found, strict=True):
        mine, its = answers == truth, network == truth
        only_mine, only_its = int((mine & ~its).sum()), int((its & ~mine).sum())
        apart = only_mine + only_its
        assert (here["right"], here["onlyYou"], here["onlyNetwork"]) == (mine.sum(), only_mine, only_its)
        assert here["interval"] == pytest.approx(wilson_interval(int(mine.sum()), 10))
        assert here["p"] == pytest.approx(stats.binomtest(only_mine, apart, 0.5).pvalue if apart else 1.0)
        assert here["bothWrong"] == np.flatnonzero(~mine & ~its).tolist()


@needs_node
@pytest.mark.parametrize(
    "kind", sorted(path.stem for path in STATIC.glob("*.js") if path.stem not in ("numbers", "page"))
)
def test_every_module_is_javascript(kind, tmp_path):
    (tmp_path / "module.mjs").write_text(module(kind))
    subprocess.run(["node", "--check", "module.mjs"], cwd=tmp_path, check=True, timeout=60)
    assert "http" not in module(kind).replace("http://www.w3.org/2000/svg", ""), "everything comes with the package"


def test_predictive_values_follow_bayes():
    run = make_run(lab.runs("task1b")["lr 1e-5"].with_(epochs=1), wrong=[40])
    now = instruments.at_threshold(run, 0.5, 0.01)
    assert (now["tp"] + now["fn"], now["fp"] + now["tn"]) == (100, 100)
    ill, alarms = now["sensitivity"] * 0.01, (1 - now["specificity"]) * 0.99
    assert now["ppv"] == pytest.approx(ill / (ill + alarms)) and now["ppv"] < 0.1 < now["sensitivity"]


def test_a_contest_takes_the_classes_in_turn_and_gives_nothing_away():
    run = make_run(lab.runs("task1b")["lr 1e-5"].with_(epochs=1))
    chosen = instruments.contest_images(run, 20)
    assert len(set(chosen.tolist())) == 20 and run.y_val[chosen].sum() == 10
    assert run.y_val[chosen].tolist() != sorted(run.y_val[chosen].tolist())


def contestants(classes):
    dataset = tiny_dataset(classes=classes)
    return made_up_run(tiny_config(dataset=dataset.name), dataset), dataset


def test_a_contest_is_kept_when_its_last_image_is_answered(shown, reader, students_folder):
    run, dataset = contestants(2)
    widgets.against_network(run, dataset, n=4)
    widget, truth = shown[-1], shown[-1].data["truth"]
    widget.state = {"answers": truth[:3]}
    assert student.answers("quiz") == {}
    widget.state = {"answers": [*truth[:3], 1 - truth[3]]}
    (kept,) = student.answers("quiz").values()
    network = int(np.equal(widget.data["network"], truth).sum())
    assert kept == {"right": 3, "network": network, "of": 4, "against": run.label}


@pytest.mark.parametrize("classes", [2, 9])
def test_a_contest_shows_what_its_names_mean(classes):
    run, dataset = contestants(classes)
    shown = instruments.contest_data(run, dataset, n=4)["examples"]
    pixels = np.frombuffer(base64.b64decode(shown["bytes"]), np.uint8).reshape(-1, shown["side"], shown["side"])
    each = shown["each"]
    wanted = [i for k in range(classes) for i in np.flatnonzero(dataset.y_train == k)[:each]]
    assert each == 2 and np.allclose(pixels / 255, dataset.x_train[wanted][..., 0], atol=1 / 255)
    few = np.flatnonzero(dataset.y_train > 0)
    less = replace(dataset, x_train=dataset.x_train[few], y_train=dataset.y_train[few])
    assert instruments.contest_data(run, less, n=4)["examples"] is None, "a class without an image has no example"


def test_what_stands_alone_names_no_file_and_holds_no_image():
    runs = {"a </script>": random_run(epochs=2, n=20), "b": random_run(epochs=2, n=20, seed=1)}
    pages = widgets.standing_alone(runs)
    assert list(pages) == ["Epoch by epoch", "Threshold: a </script>", "Threshold: b"]
    for page in pages.values():
        assert page.count("<script") == page.count("</script>") == 1 and "export" not in page
        packed = re.search(r'previousElementSibling, "([^"]*)"', page)[1]
        values = json.loads(gzip.decompress(base64.b64decode(packed)))
        assert not any(file in f"{page}{values}" for file in runs["b"].val_files)
        assert values["data"].get("images") is None and values["data"].keys() & {"run", "runs"}
    assert '<div class="labutils-alone"><pre>a &lt;/script&gt;, epoch 1 of 2' in pages["Epoch by epoch"]
    assert list(widgets.standing_alone({"many": random_run("x_ray", epochs=2, n=20)})) == ["Epoch by epoch"]
    assert widgets.standing_alone({}) == {}


def test_images_in_the_page_are_the_images_scaled_down():
    images = np.random.default_rng(0).random((3, 96, 96, 1), np.float32)
    packed = instruments.sprite(images)
    pixels = np.frombuffer(base64.b64decode(packed["bytes"]), np.uint8).reshape(3, 48, 48, 1)
    assert packed["side"] == 48 and abs(pixels[1, 0, 0, 0] - 255 * images[1, :2, :2].mean()) < 1


# Verdicts by the reader's rules: the page says what Python says.


@pytest.fixture(scope="module")
def stored():
    """The stored runs on phantoms, and what the page gets of them."""
    runs = {run.path.name: run for run in RunStore().all() if run.source == "phantom" and run.path}
    return runs, json.loads(json.dumps(verdict.contested_data(runs)))


def close(here, wanted, relative=1e-10):
    return here == pytest.approx(wanted, rel=relative, abs=1e-12)


@needs_node
def test_quantiles_tails_and_exact_tests_are_those_of_python(tmp_path):
    levels, freedoms = [0.0005, 0.005, 0.025, 0.05, 0.1, 0.4], [0.7, 1, 2, 3.37, 14, 97.5, 640, 1000, 1e4]
    grid = [list(itertools.product(one, freedoms)) for one in (levels, [0, 0.01, 0.7, 1.96, 2.9, 6, 30, -1.3])]
    pairs = [(a, b) for a in range(0, 90, 11) for b in range(0, 140, 23)]
    tables = [([a, 140], [b, 200]) for a in (0, 3, 70, 129, 140) for b in (0, 10, 100, 170, 200)]
    script = """result = [data[0].map((x) => tQuantile(...x)), data[1].map((x) => tAbove(...x)),
      data[2].map((x) => signTest(...x)), data[3].map((x) => fisherTest(...x)),
      data[3].map(([one]) => wilson(one, 0.02)), holm([0.01, 0.04, 0.03])];"""
    found = contested_in_page(script, [*grid, pairs, tables], tmp_path)
    quantiles, tails, signs, fishers, ends, adjusted = found
    for (chance, freedom), here in zip(grid[0], quantiles, strict=True):
        assert close(here, stats.norm.isf(chance) if freedom > 1000 else stdtrit(freedom, 1 - chance)), freedom
    for (value, freedom), here in zip(grid[1], tails, strict=True):
        wanted = stats.norm.sf(value) if freedom > 1000 else stdtr(freedom, -value)
        assert here == pytest.approx(wanted, rel=1e-10), (value, freedom)
    assert close(signs, [statistics.sign_test(*pair) for pair in pairs])
    wanted = [stats.fisher_exact([[a, m - a], [b, n - b]])[1] for (a, m), (b, n) in tables]
    assert fishers == pytest.approx(wanted, rel=1e-9, abs=1e-40)
    for here, (one, _) in zip(ends, tables, strict=True):
        assert close(here, list(statistics.wilson_interval(*one, 0.98)))
    assert adjusted == list(statistics.holm({"a": 0.01, "b": 0.04, "c": 0.03}).values())


@needs_node
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
    for one, (level, margin), (here, reached) in zip(
        effects, chosen, contested_in_page(script, data, tmp_path), strict=True
    ):
        with contested(level):
            word, (value, *ends), p, wanted = one.word(margin), [*one.interval()], one.p, one.at_least(margin)
        assert (here["word"], reached) == (word, wanted), one
        assert close([here["value"], here["p"]], [value, p])
        assert here["low"] is None or close([here["low"], here["high"]], ends)
        assert (here["low"] is None) == math.isinf(ends[0])
        words[word] += 1
    assert min(words[word] for word in ("better", "worse", "no difference that matters", "undecided")) > 5


@needs_node
@pytest.mark.parametrize(
    "level, factor, seeds", [(0.05, 1, 8), (0.001, 0.25, 1), (0.1, 2, 3), (0.2, 0.5, 8), (0.01, 5, 8)]
)
def test_the_page_judges_the_stored_runs_as_python_does(stored, level, factor, seeds, tmp_path):
    runs, data = stored
    script = """result = [true, false].map((onExam) =>
      data.claims.map((claim) => judged(claim, { ...data.chosen, onExam }, data)));"""
    pages = contested_in_page(script, data | {"chosen": {"level": level, "factor": factor, "seeds": seeds}}, tmp_path)
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
