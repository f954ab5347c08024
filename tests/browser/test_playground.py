"""The playground's own training: held against Keras, shown to show what it promises, and used without a kernel."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import patience
from page_helpers import POLL, TRAINED, check_no_errors, controls_notebook, open_notebook, run_all

from labutils.augment import augment_batch
from labutils.config import Augmentation
from labutils.course.widgets import play, small
from labutils.course.widgets.control import module, recorded
from labutils.models import ARCHITECTURES, network

TRAIN = """([data, chosen, epochs]) => {
  const settings = { ...data.fixed, n_base: 8, model: "lenet", learning_rate: 1e-3, ...chosen };
  const { blocks, dense } = data.networks[settings.model];
  Object.assign(settings, { dense, blocks: blocks.map(([n, k, pooled]) => [n * settings.n_base, k, pooled]) });
  const images = ({ bytes, labels }) => ({ pixels: Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)), labels });
  const made = trainer(settings, images(data.images.training), images(data.images.validation), data.measured);
  return [...Array(epochs).keys()].map(() => made.epoch());
}"""
SLOPES = """([settings, pixels, labels, weights]) => {
  const net = network(settings);
  // Where a weight of Keras lies among those that fill up to a multiple of four: (.., inputs, outputs), row by row.
  const places = (one, [outputs, inputs = 1]) => {
    const across = 4 * Math.ceil(outputs / 4);
    const deep = one.values.length / across / (weights[one.name].shape.length === 4 ? 9 : 1);
    return weights[one.name].values.map((_, i) => {
      const row = Math.floor(i / outputs);
      return (Math.floor(row / inputs) * deep + (row % inputs)) * across + (i % outputs);
    });
  };
  net.weights.forEach((one) => {
    one.places = places(one, [...weights[one.name].shape].reverse());
    one.values.fill(0);
    one.places.forEach((place, i) => { one.values[place] = weights[one.name].values[i]; });
  });
  const found = net.predict(Float32Array.from(pixels), labels.length, true);
  const loss = net.lossOf(found, labels) / labels.length;
  net.slopes(found, labels);
  return [loss, Object.fromEntries(net.weights.map((one) => [one.name, one.places.map((i) => one.slopes[i])]))];
}"""

LINES = "(box) => [...box.querySelectorAll('svg polyline')].map((line) => line.getAttribute('points'))"
GUESSED = """(box) => [...box.querySelectorAll("svg[role=img] > g > g")].map((panel) => {
  const texts = [...panel.querySelectorAll("text")].map((one) => [one.textContent, Number(one.getAttribute("y"))]);
  const down = (text, off) => texts.find(([said]) => said === text)[1] + off;
  return (down("guessing", 3) - down("0", -4)) / (down("1", -4) - down("0", -4));
})"""
"""The levels of guessing in both panels, by the ticks beside them."""
KERNEL = """((render, data) => {
  window.model = {
    sent: [], gone: false,
    get: (name) => ({ data })[name],
    on: (name, heard) => { model.hear = heard; },
    off() {},
    send(message) { if (model.gone) throw new Error("Cannot send"); model.sent.push(message); },
  };
  render({ model, el: document.getElementById("here") });
})"""


@pytest.fixture(scope="module")
def engine(browser):
    """A page in which the playground's program is loaded: `run(what, arguments)`, and `train(task, epochs, ...)`."""
    opened = browser.new_page()
    data = {task: play.page_data(task, play.images_of(task, "phantom")) for task in small.PLAYS}
    opened.add_script_tag(content=data["task1b"]["engine"])

    def train(task, epochs, **chosen):
        rows = opened.evaluate(TRAIN, [data[task], small.PLAYS[task].fixed | chosen, epochs])
        return {name: [row[name] for row in rows] for name in rows[0]}

    yield SimpleNamespace(run=opened.evaluate, train=train)
    opened.close()


@pytest.mark.parametrize(
    ("name", "n_base", "classes", "more"),
    [
        ("lenet", 8, 2, {}),
        ("lenet", 2, 3, {"batch_norm": True}),
        ("lenet", 4, 9, {"elementwise": True}),
        ("alexnet", 2, 2, {"batch_norm": True}),
        ("vgg16", 4, 9, {}),
    ],
)
def test_losses_and_gradients_are_those_of_keras(engine, name, n_base, classes, more):
    from labutils.keras_import import import_keras

    keras = import_keras()
    import tensorflow as tf

    rng = np.random.default_rng(0)
    model = network(name, (32, 32, 1), n_base, classes, batch_norm=more.get("batch_norm", False))
    for one in model.trainable_variables:
        one.assign(one + rng.normal(0, 0.1, one.shape) * (len(one.shape) == 1))
    pixels, labels = rng.random((13, 32, 32, 1)).astype(np.float32), rng.integers(0, classes, 13)
    with tf.GradientTape() as tape:
        found = model(pixels, training=True)
        if classes == 2:
            losses = keras.losses.binary_crossentropy(labels[:, None].astype(np.float32), found)
        elif more.get("elementwise"):
            losses = keras.losses.binary_crossentropy(keras.ops.one_hot(labels, classes), found)
        else:
            losses = keras.losses.sparse_categorical_crossentropy(labels, found)
        loss = keras.ops.mean(losses)
    wanted = tape.gradient(loss, {one.path: one for one in model.trainable_variables})
    net = ARCHITECTURES[name]
    blocks = [[n * n_base, k, i in net.pools] for i, (n, k) in enumerate(net.blocks, start=1)]
    settings = {"side": 32, "batch": 16, "blocks": blocks, "dense": play.DENSE_UNITS[name], "classes": classes, **more}
    weights = {
        one.path: {"shape": list(one.shape), "values": np.asarray(one).ravel().tolist()}
        for one in model.trainable_variables
    }
    given, slopes = engine.run(SLOPES, [settings, pixels.ravel().tolist(), labels.tolist(), weights])
    assert given == pytest.approx(float(loss), rel=1e-5) and slopes.keys() == wanted.keys()
    scale = max(float(np.abs(slope).max()) for slope in wanted.values())
    for path, slope in wanted.items():
        slope = np.asarray(slope)
        # What batch normalization takes away again has no slope but rounding.
        size = scale if more.get("batch_norm") and "conv" in path and "bias" in path else np.abs(slope).max()
        assert np.abs(np.reshape(slopes[path], slope.shape) - slope).max() <= 1e-4 * size, path


def test_images_are_changed_as_the_lab_changes_them(engine):
    changes = Augmentation(rotation=180, shift=0.2, horizontal_flip=True, vertical_flip=True)
    images = np.random.default_rng(0).random((8, 32, 32, 1)).astype(np.float32)
    drawn = [np.random.default_rng(i).random(5).tolist() for i in range(8)]
    assert {draws[3] < 0.5 for draws in drawn} == {draws[4] < 0.5 for draws in drawn} == {True, False}
    change = """([image, changes, draws]) => {
      const out = new Float32Array(1024);
      change(image, out, 32, changes, () => draws.shift());
      return [...out];
    }"""
    given = changes.model_dump()
    found = [engine.run(change, [one.ravel().tolist(), given, draws]) for one, draws in zip(images, drawn, strict=True)]
    assert np.abs(np.reshape(found, images.shape) - augment_batch(images, changes, range(8))).max() < 1e-3


def end(history, name):
    """The mean of the last five epochs: one epoch of a small network is noise."""
    return float(np.mean(history[name][-5:]))


def test_rates_stall_learn_and_die(engine):
    """Task 1B: 1e-5 hardly starts, 3e-3 learns and then over-fits, 1e-1 jumps off and never learns."""
    stalls, dies = (engine.train("task1b", 4, learning_rate=rate) for rate in (1e-5, 1e-1))
    learns = engine.train("task1b", small.EPOCHS, learning_rate=3e-3)
    assert min(stalls["loss"]) > 0.67
    assert max(learns["val_accuracy"]) > 0.7 and min(learns["val_loss"]) < 0.6
    assert end(learns, "val_loss") > end(learns, "loss") + 0.1 and end(learns, "accuracy") > 0.8
    assert max(dies["loss"]) > 0.8 and abs(dies["val_accuracy"][-1] - 0.5) <= 0.1


TURNED = Augmentation(rotation=180, shift=0.2, horizontal_flip=True).model_dump()


@pytest.mark.parametrize("chosen", [{"dropout": 0.8}, {"spatial_dropout": 0.2}, {"augmentation": TURNED}], ids=list)
def test_what_is_dropped_or_changed_narrows_the_gap(engine, chosen):
    """Tasks 5A, 6A and 8: the gap in loss at the end, on training images measured as they went by."""
    histories = [engine.train("task6b", small.EPOCHS, **more) for more in ({}, chosen)]
    before, after = (end(history, "val_loss") - end(history, "loss") for history in histories)
    assert after < 0.5 * before and before > 0.1


def test_batch_norm_starts_fast_and_validation_waits(engine):
    """Task 5B: after five epochs the training images are learned, which takes the other network far longer."""
    plain, normed = (engine.train("task5b", 5, batch_norm=on) for on in (False, True))
    assert normed["loss"][-1] < 0.75 * plain["loss"][-1]
    assert normed["val_accuracy"][-1] < normed["accuracy"][-1] - 0.1


def test_element_wise_accuracy_is_high_before_anything_is_learned(engine):
    """Task 4: one yes or no per class is right eight times of nine by saying no; validation has training's loss."""
    history = engine.train("task4", 1, elementwise=True)
    assert history["val_elementwise"][0] > 0.85 > history["val_accuracy"][0]
    for guessed, chosen in ((0.69, {"elementwise": True}), (2.2, {}), (1.1, {"classes": 3})):
        still = engine.train("task4", 1, learning_rate=0, **chosen)
        assert still["val_loss"] == pytest.approx(still["loss"], abs=0.05)
        assert still["loss"] == pytest.approx([guessed], abs=0.15)


@pytest.mark.parametrize("task", small.PLAYS)
def test_recordings_are_what_the_page_trains_today(engine, task):
    start = {knob.name: knob.choices[knob.start][1] for knob in small.PLAYS[task].knobs}
    today, before = engine.train(task, 2, **start), recorded(task)["history"]
    for name in ("loss", "val_loss", "accuracy", "fixed_accuracy"):
        assert today[name] == pytest.approx(before[name][:2], abs=1e-3), f"python benchmarks/record.py {task}"


@pytest.fixture
def static(open_file, tmp_path):
    """Opens a task's playground as a file: no kernel, no server."""

    def open_page(task, change=str):
        file = tmp_path / f"{task}.html"
        control = change(play.static_playground(task))
        file.write_text(f"<!doctype html><html lang='en'><title>{task}</title>{control}</html>", "utf-8")
        page = open_file(file.as_uri())
        return page, page.locator(".labutils")

    return open_page


def press(box, *names, status=""):
    """Press buttons of a playground, and wait for what it says of itself."""
    for name in names:
        box.get_by_role("button", name=name).click()
    if status:
        box.page.wait_for_selector(f".labutils[data-status={status}]", timeout=1e3 * patience(60))


def test_a_file_trains_thirty_epochs_and_compares(static):
    page, box = static("task1b")
    for place in (0, 6):
        box.get_by_role("slider").fill(str(place))
        press(box, "Train", status="training")
        press(box, status="ready")
    text = box.inner_text()
    for said in (
        "Done: learning rate 1e-3: after 30 epochs",
        "recorded: learning rate 1e-3",
        "yours: learning rate 1e-6",
    ):
        assert said in text
    assert box.locator("svg polyline").count() == 12, "training and validation in two panels, three times"
    found = box.evaluate("(box) => box.run.history")
    assert found["val_loss"] == pytest.approx(recorded("task1b")["history"]["val_loss"], abs=0.1)
    assert found["seconds"][-1] < patience(15)
    check_no_errors(page)


def test_every_network_gets_the_same_time(static):
    _, box = static("task1e")
    press(box, "Train", status="training")
    press(box, status="ready")
    ends = [float(line.split()[-1].split(",")[0]) for line in box.evaluate(LINES)]
    assert max(ends) <= 320, "no curve leaves its axes"
    *before, last = box.evaluate("(box) => box.run.history.seconds")
    assert last >= small.PLAYS["task1e"].seconds > before[-1]


@pytest.mark.parametrize(
    ("worker", "said"),
    [
        ("constructor() { throw new Error('no workers here'); }", "in which it would train (no workers here)."),
        ("constructor() { setTimeout(() => this.onerror({})); } postMessage() {} terminate() {}", "it would train."),
    ],
)
def test_a_browser_that_cannot_train_says_so(static, worker, said):
    page, box = static("task1b")
    page.evaluate(f"() => {{ window.Worker = class {{ {worker} }}; }}")
    press(box, "Train", status="failed")
    assert "the browser lets this page start no worker, in which" in box.inner_text() and said in box.inner_text()


def test_a_control_that_fails_leaves_its_picture(static):
    page, box = static("task1b", lambda text: text.replace("begin(el);", "begin(none);"))
    page.wait_for_function("window.failed", polling=POLL)
    assert box.count() == 0 and page.locator(".labutils-alone img").is_visible()


def test_the_level_of_guessing_is_that_of_the_run(static):
    page, box = static("task4")
    press(box, status="ready")
    nine, loss = pytest.approx([np.log(9), 1 / 9], abs=0.02), np.log(3)
    assert box.evaluate(GUESSED) == nine
    box.get_by_role("slider").fill("0")
    for chosen, wanted in (("categorical", loss), ("one yes or no per class", loss - 2 / 3 * np.log(2))):
        box.get_by_role("combobox").select_option(chosen)
        press(box, "Train")
        assert box.evaluate(GUESSED) == pytest.approx([wanted, 1 / 3], abs=0.02)
        page.wait_for_function(TRAINED, arg=box.element_handle(), polling=POLL)
        press(box, "Reset", status="ready")
        assert box.evaluate(GUESSED) == nine
    check_no_errors(page)


@pytest.fixture
def kernel(open_file):
    """Opens a playground whose kernel is this test: `page.evaluate("model...")`; what it was sent is `model.sent`."""

    def open_page(task, engine="", generator=False):
        page = open_file("about:blank")
        page.set_content("<!doctype html><div id=here></div>")
        data = play.page_data(task, play.images_of(task, "phantom"), generator)
        data["engine"] = engine + data["engine"]
        code = module("playground").replace("export default { render };", "").replace("export function", "function")
        page.add_script_tag(content=f"{code}\n{KERNEL}(render, {json.dumps(data)});")
        return page, page.locator(".labutils")

    return open_page


def test_a_kernel_that_is_gone_takes_only_the_generator_along(kernel):
    page, box = kernel("task8", generator=True)
    page.evaluate("model.gone = true")
    press(box, "Train", status="training")
    press(box, status="ready")
    assert "Done: changes to the training images none" in box.inner_text()
    box.get_by_role("combobox").select_option("your generator")
    press(box, "Train", status="failed")
    assert "your generator is gone with the kernel that had it." in box.inner_text()
    assert page.errors == []


def test_images_of_a_run_that_was_left_are_not_trained_on(kernel):
    page, box = kernel("task8", generator=True)
    box.get_by_role("combobox").select_option("your generator")
    press(box, "Train", "Reset", "Train")
    first, second = page.evaluate("model.sent.filter((one) => one.do === 'images').map((one) => one.run)")
    for run, status in ((first, "training"), (second, "failed")):
        page.evaluate("([run]) => model.hear({ run, failed: `of ${run}` }, [])", [run])
        assert box.get_attribute("data-status") == status
    assert f"of {second}" in box.inner_text()


def test_the_focus_is_never_lost_and_nothing_is_said_twice(kernel):
    page, box = kernel("task1b")
    focus = "document.activeElement.textContent"
    page.evaluate("""() => {
      window.heard = [];
      const told = document.querySelector("[role=status]");
      new MutationObserver(() => heard.push(told.textContent)).observe(told, { childList: true });
    }""")
    box.get_by_role("button", name="Train").press("Enter")
    assert page.evaluate(focus) == "Pause"
    page.wait_for_function("box => box.run.history.loss.length > 3", arg=box.element_handle(), polling=POLL)
    assert page.evaluate("heard") == ["Training: the curves grow with every epoch."]
    page.evaluate("model.hear({ stop: true }, [])")
    assert page.evaluate(focus) == "Train" and "Stopped: " in box.inner_text()


def test_a_browser_without_simd_says_so(kernel):
    _, box = kernel("task1b", "WebAssembly.Module = function () { throw new WebAssembly.CompileError('0xfd'); };")
    press(box, "Train", status="failed")
    assert "It cannot be trained: this browser has no WebAssembly SIMD for this page: open it" in box.inner_text()


def test_a_readers_generator_changes_the_images_of_the_page(page, lab):
    """It fails in the second epoch: the first trains on what it gives, and what went wrong is said."""
    source = """
from labutils.course import widgets
seen = []
def turn(image, rng):
    seen.append(len(seen))
    return image[::-1] if len(seen) <= 400 else image[:7]
widgets.playground("task8", "phantom", generator=turn)"""
    open_notebook(page, lab, controls_notebook(lab, more=[source]))
    run_all(page)
    box = page.locator(".labutils[data-status]")
    box.get_by_role("combobox").select_option("your generator")
    press(box, "Train", status="failed")
    assert "your generator: after 1 epoch training loss" in box.inner_text()
    assert "It cannot be trained: ParameterError: generator gives (7, 32, 1)" in box.inner_text()
