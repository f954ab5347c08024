"""The numbers of the controls in the page: Python and JavaScript give the same, and both are right on small cases."""

import base64
import gzip
import json
import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from course_helpers import in_node, needs_node
from evaluate_helpers import make_run, run_from_predictions
from helpers import made_up_run, tiny_config, tiny_dataset
from scipy.stats import binomtest

from labutils import lab
from labutils.course import student, widgets
from labutils.course.widgets import instruments
from labutils.course.widgets.control import STATIC, module
from labutils.evaluate.metrics import reliability_curve
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


def in_page(script, data, folder):
    return in_node("numbers", script, data, folder)


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
        assert here["p"] == pytest.approx(binomtest(only_mine, apart, 0.5).pvalue if apart else 1.0)
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
    run = made_up_run(tiny_config(), tiny_dataset())
    widgets.against_network(run, tiny_dataset(), n=4)
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
