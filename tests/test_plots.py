"""Figures: what is drawn, what the alt text says, and that nothing leaks into a notebook's output."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from evaluate_helpers import CLASS_NAMES, run_from_predictions
from matplotlib import pyplot
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text
from PIL import Image
from sklearn.metrics import roc_auc_score

from labutils import audit, plots
from labutils.config import RunConfig
from labutils.errors import ParameterError
from labutils.evaluate import flattery
from labutils.plots.charts import GREY, TRAINING, VALIDATION, Line, Panel, apart, as_image, chart, ticks
from labutils.plots.evidence import mean_roc
from labutils.plots.figure import WIDEST, as_png, one_axes
from labutils.plots.live import draw_live
from labutils.plots.pictures import MEASURES
from labutils.plots.seen import LONGEST, loss_top, title_of, title_of_compared
from labutils.runs.run import Run
from labutils.statistics import wilson_interval


def make_run(epochs=100, dataset="skin", seed=0, skill=0.7, speed=0.05, source="phantom", **settings) -> Run:
    """A made-up run that looks like a real one: losses fall, accuracies rise, validation is noisy."""
    rng, classes = np.random.default_rng(seed), len(CLASS_NAMES[dataset])
    n, y_val = 25 * classes, np.repeat(np.arange(classes), 25)
    progress = 1 - np.exp(-speed * np.arange(1, epochs + 1))
    margin = progress[:, None] * rng.normal(skill, 0.7, n) * 2.2 + rng.normal(0, 0.3, n)
    scores = rng.normal(0, 0.4, (1, n, classes)) * progress[:, None, None] * (classes > 2)
    scores[:, np.arange(n), y_val] += (1 if classes == 2 else 2) * (margin + rng.normal(0, 0.1, (epochs, n)))
    p = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    accuracy = 1 / classes + (0.97 - 1 / classes) * progress + rng.normal(0, 0.005, epochs)
    loss = np.log(classes) * (1 - 0.8 * progress) + rng.normal(0, 0.005, epochs)
    config = RunConfig(**{"dataset": dataset, "model": "vgg16", "learning_rate": 1e-5, "epochs": epochs, **settings})
    return run_from_predictions(config, p[..., 1:] if classes == 2 else p, y_val, accuracy, loss, source)


def make_dataset(class_names=("Mel", "Nev"), channels=1, each=6):
    rng = np.random.default_rng(1)
    n = each * len(class_names)
    return SimpleNamespace(  # the few fields that a figure reads
        name="skin" if len(class_names) == 2 else "x_ray",
        x_train=rng.uniform(0, 1, (n, 32, 32, channels)).astype(np.float32),
        y_train=np.repeat(np.arange(len(class_names)), each),
        class_names=tuple(class_names),
        source="phantom",
        x_val=rng.uniform(0, 1, (50, 32, 32, channels)).astype(np.float32),
        y_val=np.repeat(np.arange(2), 25),
        files_val=make_run(epochs=1).val_files,
    )


@pytest.fixture
def drawn(monkeypatch):
    """The figures and alt texts of the test, in the order they were drawn."""
    kept = []
    monkeypatch.setattr("labutils.plots.figure.as_png", lambda figure, alt: kept.append((figure, alt)))
    return kept


@pytest.fixture
def picture(drawn):
    """Draw something; the figure and its alt text."""
    return lambda draw, *about, **how: draw(*about, **how) or drawn[-1]


def texts(figure):
    return " ".join(artist.get_text() for artist in figure.findobj(Text))


def lines(axes, style):
    return [line for line in axes.get_lines() if line.get_linestyle() == style and len(line.get_xdata()) > 2]


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_learning_curves_show_every_run_with_training_dashed_and_validation_solid(picture, n):
    runs = {f"run {i}": make_run(seed=i, epochs=30) for i in range(n)}
    figure, alt = picture(plots.learning_curves, runs)
    assert len(figure.axes) == 2 * n and all(label in alt for label in runs)
    data = [line.get_ydata() for axes in figure.axes for line in axes.get_lines()]
    raw = [line.get_ydata() for axes in figure.axes for line in lines(axes, "-")]
    for kind in ("loss", "accuracy"):
        for run in runs.values():
            assert any(np.array_equal(run.history[kind], shown) for shown in data)
            assert any(np.array_equal(run.history[f"val_{kind}"], shown) for shown in raw)
    named = {one.get_text().replace("\n", " "): one.get_color() for one in figure.findobj(Annotation) if one.get_text()}
    assert named == {"training": TRAINING, "validation": VALIDATION, "guessing": GREY}
    assert "phantom" in texts(figure) and "phantom" in alt


def test_the_line_to_beat_is_that_of_the_largest_class(drawn):
    run = make_run()
    plots.learning_curves({"a": replace(run, y_val=np.where(np.arange(len(run.y_val)) % 5 == 0, 0, 1))})
    dotted = [line for axes in drawn[0][0].axes for line in axes.lines if line.get_linestyle() == ":"]
    assert [line.get_ydata()[0] for line in dotted] == pytest.approx([-0.8 * np.log(0.8) - 0.2 * np.log(0.2), 0.8])


def test_panels_of_a_kind_share_their_scale(drawn):
    plots.learning_curves({"slow": make_run(speed=0.002), "fast": make_run(epochs=60, speed=0.1)})
    loss_a, loss_b, accuracy_a, accuracy_b = drawn[0][0].axes
    assert loss_a.get_ylim() == loss_b.get_ylim() and loss_a.get_xlim() == loss_b.get_xlim()
    assert accuracy_a.get_ylim() == accuracy_b.get_ylim() != loss_a.get_ylim()


def test_the_best_epoch_and_that_of_the_lowest_loss_are_marked_and_told(picture):
    run = make_run(epochs=5)
    run.history["val_accuracy"][:] = [0.5, 0.84, 0.7, 0.84, 0.6]
    run.history["val_loss"][:] = [0.7, 0.6, 0.5, 0.4251, 0.9]
    figure, alt = picture(plots.learning_curves, {"lr 1e-5": run})
    marked = [line.get_xydata()[0].tolist() for line in figure.axes[1].get_lines() if line.get_marker() == "o"]
    assert marked == [[2, 0.84]]
    assert "best validation accuracy 0.840 at epoch 2; lowest validation loss 0.425 at epoch 4" in alt


def test_several_seeds_give_a_mean_and_a_band(drawn):
    seeds = [make_run(seed=i, epochs=20) for i in range(3)]
    plots.learning_curves({"dropout": seeds})
    axes = drawn[0][0].axes[0]
    mean = np.mean([run.history["val_loss"] for run in seeds], axis=0)
    assert np.allclose(lines(axes, "-")[0].get_ydata(), mean) and len(axes.collections) == 2
    best = np.mean([run.history["val_accuracy"].max() for run in seeds])
    assert f"3 seeds, mean ± standard deviation): best validation accuracy {best:.3f}" in drawn[0][1]


def test_one_epoch_can_be_seen(drawn):
    plots.learning_curves({"short": make_run(epochs=1)})
    assert all(any(line.get_marker() == "." for line in axes.get_lines()) for axes in drawn[0][0].axes)


def test_without_a_run_the_notebook_goes_on(drawn, capsys):
    for draw in (plots.learning_curves, plots.compare_curves, plots.roc_curve, plots.accuracy_intervals):
        draw({})
    plots.accuracy_by_images(None)
    plots.validation_against_exam(flattery("skin", []))
    assert capsys.readouterr().out.count("no run to draw yet") == 6 and not drawn


def test_compared_curves_differ_in_more_than_colour(picture):
    runs = {f"run {i}": make_run(seed=i, epochs=40) for i in range(7)}
    figure, alt = picture(plots.compare_curves, runs, "val_loss")
    looks = {(str(line.get_linestyle()), line.get_marker()) for line in figure.axes[0].get_lines()}
    assert len({style for style, _ in looks}) >= 4 and len({marker for _, marker in looks} - {"None"}) == 7
    assert "Validation loss of 7 runs on Skin (phantom images). run 0: lowest 0." in alt
    assert {*runs} <= {one.get_text() for one in figure.findobj(Annotation)}


@pytest.mark.parametrize(
    ("classes", "channels", "n", "shown"), [(2, 1, 8, 8), (2, 3, 3, 2), (2, 1, 50, 12), (9, 1, 8, 9), (9, 3, 18, 18)]
)
def test_sample_grid_shows_equally_many_of_every_class_as_far_as_there_are(picture, classes, channels, n, shown):
    names = ("Mel", "Nev") if classes == 2 else tuple(f"C{i}" for i in range(1, 10))
    dataset = make_dataset(names, channels)
    figure, alt = picture(plots.sample_grid, dataset, n=n)
    assert len(figure.axes) == shown
    for axes in figure.axes:
        pixels = axes.get_images()[0].get_array()
        same = [np.array_equal(np.squeeze(image), pixels) for image in dataset.x_train]
        assert axes.get_title() == names[dataset.y_train[int(np.argmax(same))]] and any(same)
    assert "phantom" in texts(figure) and f". {shown} training images of " in alt


def test_saved_figure_is_repeatable_and_carries_its_alt_text(tmp_path):
    first, second = (tmp_path / "new" / f"{name}.png" for name in ("a", "b"))
    for file in (first, second):
        assert plots.learning_curves({"lr": make_run(epochs=3)}, save=file) is None
    assert first.read_bytes() == second.read_bytes()
    assert "Learning curves of 1 run" in plots.alt_text(first) and not pyplot.get_fignums()
    with pytest.raises(ValueError, match=r"figure\.pdf .* \.png"):
        plots.learning_curves({"lr": make_run(epochs=3)}, save=tmp_path / "figure.pdf")


def test_the_style_of_the_notebook_does_not_change_a_figure(tmp_path):
    plots.sample_grid(make_dataset(), save=tmp_path / "a.png")
    with matplotlib.rc_context({"font.size": 30, "figure.facecolor": "red", "image.cmap": "jet"}):
        plots.sample_grid(make_dataset(), save=tmp_path / "b.png")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_notebook_output_is_the_image_with_alt_text_and_the_words(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace())
    monkeypatch.setattr("IPython.display.display", lambda data, metadata=None, **_: shown.append((data, metadata)))
    plots.learning_curves({"lr < 1": make_run(epochs=3)})
    (image, metadata), (words, _) = shown
    assert image["image/png"].startswith(b"\x89PNG")
    assert image["text/plain"] == metadata["image/png"]["alt"] and "lr < 1: best" in image["text/plain"]
    assert words["text/html"].startswith("<details>") and "lr &lt; 1: best" in words["text/html"]
    monkeypatch.setenv("LABUTILS_PROGRESS", "bar")  # JupyterLab draws an image/png without its alt text
    plots.learning_curves({"lr < 1": make_run(epochs=3)})
    assert '<img alt="lr &lt; 1 has' in shown[2][0]["text/html"] and "image/png" not in shown[2][0]


@pytest.fixture
def live(monkeypatch):
    """A notebook's cell: a clock that the test sets, the words of every picture, and `end` of the cell."""
    clock = SimpleNamespace(now=100.0, pictures=[], handlers=[])

    def show_first(data, **kwargs):
        assert kwargs["display_id"] is True and data["text/html"].startswith("<img alt=")
        clock.pictures.append(data["text/plain"])
        return SimpleNamespace(update=lambda data, **kwargs: clock.pictures.append(data["text/plain"]))

    events = SimpleNamespace(
        register=lambda name, handler: clock.handlers.append(handler),
        unregister=lambda name, handler: clock.handlers.remove(handler),
    )
    clock.shell = SimpleNamespace(events=events, execution_count=1)
    clock.end = lambda: [handler(None) for handler in list(clock.handlers)]
    monkeypatch.setenv("LABUTILS_PROGRESS", "bar")
    monkeypatch.setattr("labutils.plots.live.time.monotonic", lambda: clock.now)
    monkeypatch.setattr("IPython.get_ipython", lambda: clock.shell)
    monkeypatch.setattr("IPython.display.display", show_first)
    return clock


def epochs_drawn(pictures, label):
    return [int(match[1]) for words in pictures if (match := re.search(rf"{label}: epoch (\d+)", words))]


def test_live_curves_are_drawn_at_once_now_and_then_and_at_the_end_of_the_cell(live, monkeypatch):
    run, grow = make_run(epochs=12), plots.live_curves()
    for epochs in range(1, 13):
        grow(run.first(epochs))
        live.now += 0.25
    live.end()
    assert epochs_drawn(live.pictures, run.label) == [1, 3, 5, 7, 9, 11, 12] and not live.handlers
    for how in ("log", "none"):
        monkeypatch.setenv("LABUTILS_PROGRESS", how)
        plots.live_curves()(run)
    assert len(live.pictures) == 7


def test_live_curves_of_a_cell_are_one_figure_with_the_names_of_the_tables(live):
    first, second = make_run(epochs=3), make_run(epochs=3, learning_rate=1e-4)
    grow = plots.live_curves({"slow": first.config, "fast": second.config})
    grow(first)
    grow(second.first(1))
    assert "slow: epoch 3" in live.pictures[-1] and "fast: epoch 1" in live.pictures[-1]
    live.end()
    live.shell.execution_count = 2  # another cell begins a figure of its own
    grow(first.first(2))
    assert "fast" not in live.pictures[-1]


def test_live_curves_of_fit_stand_beside_the_two_fits_before(live):
    import keras

    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    x, y = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 1])
    network.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    for label in ("first", "second", "third", "fourth", "fourth"):
        live.shell.execution_count += 1
        network.fit(x, y, validation_data=(x, y), epochs=3, verbose=0, callbacks=[plots.live_fit(label)])
    assert epochs_drawn(live.pictures, "fourth")[-1] == 3
    assert [name for name in ("first", "second", "third") if name in live.pictures[-1]] == ["second", "third"]
    with pytest.raises(ParameterError, match="There is no val_loss to draw: compile with"):
        network.fit(x, y, verbose=0, callbacks=[plots.live_fit("first")])


def test_axes_of_live_curves_do_not_magnify_nothing():
    run, flat = make_run(epochs=5), np.linspace(0.6938, 0.6930, 5)
    svg = draw_live({"flat": replace(run, history=run.history | {"loss": flat, "val_loss": flat})})
    points = re.findall(r'polyline points="([^"]+)"', svg)[0].split()
    assert np.ptp([float(point.split(",")[1]) for point in points]) < 1


@pytest.mark.parametrize("dataset", ["skin", "x_ray"])
def test_confusion_matrix_counts_every_image_once(drawn, dataset):
    run = make_run(dataset=dataset, epochs=30)
    plots.confusion_matrix(run, epoch=-1)
    ((figure, alt),) = drawn
    n = len(run.class_names)
    numbers = np.array([int(text.get_text()) for text in figure.axes[0].texts]).reshape(n, n)
    assert np.array_equal(numbers.sum(axis=1), np.bincount(run.y_val))
    assert np.trace(numbers) / len(run.y_val) == run.history["val_accuracy"][-1]
    assert "epoch 30" in alt and f"{run.class_names[1]}: {numbers[1, 1]} of 25 right" in alt
    mistakes = numbers[~np.eye(n, dtype=bool)]
    assert [int(number) for number in re.findall(r"(\d+) taken for", alt)] == mistakes[mistakes > 0].tolist()


def test_roc_curve_has_the_area_it_states(picture):
    runs = {"a": make_run(epochs=20), "b": make_run(epochs=20, skill=0.3, seed=1)}
    figure, alt = picture(plots.roc_curve, runs)
    _, *curves = figure.axes[0].get_lines()
    for curve, (label, run) in zip(curves, runs.items(), strict=True):
        area = np.trapezoid(curve.get_ydata(), curve.get_xdata())
        assert area == pytest.approx(roc_auc_score(run.y_val, run.val_predictions[run.best_epoch, :, 0]))
        assert f"{label}: area {area:.3f} [" in alt
    assert len({curve.get_linestyle() for curve in curves}) == 2
    assert figure.axes[0].get_xlabel().startswith("Mel taken for Nev")


def test_mean_roc_of_several_classes_has_the_mean_area(drawn):
    run = make_run(dataset="x_ray", epochs=10, skill=0.5)
    scores = run.val_predictions[run.best_epoch].astype(float)
    x, y = mean_roc([(run.y_val == k, scores[:, k]) for k in range(9)])
    wanted = roc_auc_score(run.y_val, scores / scores.sum(axis=1, keepdims=True), multi_class="ovr")
    assert np.trapezoid(y, x) == pytest.approx(wanted, abs=0.01)
    assert (np.diff(x) >= 0).all() and (np.diff(y) >= 0).all() and (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    plots.roc_curve({"LeNet": run})
    assert "(mean of 9 classes)" in drawn[0][1]
    positive = np.arange(6) < 3
    x, y = mean_roc([(positive, positive.astype(float))] * 2)
    assert np.trapezoid(y, x) == 1, "perfect answers go through the corner"


def test_reliability_counts_all_images_and_names_the_event(drawn):
    for run, event in ((make_run(epochs=9), "Nev"), (make_run(dataset="x_ray", epochs=9), "the chosen class")):
        plots.reliability(run)
        figure, alt = drawn[-1]
        assert sum(bar.get_height() for bar in figure.axes[1].patches) == len(run.y_val)
        assert f"Probability of {event}: " in alt and f"predicted probability of {event}" in texts(figure)


def test_accuracy_intervals_show_runs_seeds_and_the_report(picture):
    runs = {"Skin": [make_run(epochs=5, seed=k) for k in (0, 1)], "mine": make_run(dataset="bone", epochs=5)}
    figure, alt = picture(plots.accuracy_intervals, runs, task="task3")
    dots = [line for line in figure.axes[0].get_lines() if line.get_marker() == "o" and len(line.get_xdata())]
    values = [run.history["val_accuracy"].max() for run in (*runs["Skin"], runs["mine"])]
    assert [dot.get_xdata()[0] for dot in dots] == pytest.approx(values)
    assert alt.count("lab report 0.850") == alt.count("lab report") == 2
    ends = [segment[:, 0] for bars in figure.axes[0].collections for segment in bars.get_segments()]
    assert np.allclose(ends[2], wilson_interval(round(values[2] * 50), 50))


@pytest.mark.parametrize("n", [1, 6, 10])
def test_images_row_shows_each_image_under_its_title(drawn, n):
    plots.images_row([np.full((8, 8), i / 10) for i in range(n)], [f"number {i}" for i in range(n)])
    axes = drawn[0][0].axes
    assert [one.get_title() for one in axes] == [f"number {i}" for i in range(n)]
    assert all((one.get_images()[0].get_array() == i / 10).all() for i, one in enumerate(axes))


def test_gradcam_grid_names_truth_answer_and_where_the_heat_is(picture):
    run, dataset = make_run(epochs=8), make_dataset()
    p = run.val_predictions[run.best_epoch, :, 0]
    right, wrong = (int(np.flatnonzero((p > 0.5) & (run.y_val == label))[0]) for label in (1, 0))
    heat = np.zeros((2, 32, 32))
    heat[0, 2:8, 24:30] = 1
    figure, alt = picture(plots.gradcam_grid, run, dataset, [right, wrong], heat)
    for said in (f"right: Nev ({p[right]:.2f})", "WRONG: Nev", "no region"):
        assert said in texts(figure)
    assert f"Nev recognised with {p[right]:.2f}, heat around the top right, about 5 % of the image" in alt
    assert f"Mel taken for Nev with {p[wrong]:.2f}, no region speaks for it" in alt
    assert np.array_equal(figure.axes[1].get_images()[0].get_array(), dataset.x_val[wrong, ..., 0])


def test_what_does_not_fit_together_is_refused():
    run, dataset = make_run(epochs=2), make_dataset()
    others = SimpleNamespace(**vars(dataset) | {"files_val": dataset.files_val[::-1]})
    for refused, told in (
        (lambda: plots.images_row([np.zeros((4, 4))] * 2, ["one"]), "2 images and 1 titles"),
        (lambda: plots.gradcam_grid(run, dataset, [0], np.zeros((2, 32, 32))), "1 images and 2 heat maps"),
        (lambda: plots.gradcam_grid(run, others, [0], np.zeros((1, 32, 32))), "was validated on other images"),
        (lambda: plots.compare_curves({"a": run}, "f1"), "'f1': it must be val_accuracy"),
        (lambda: plots.extremes(dataset, "beauty"), "no measure of an image: there are brightness"),
    ):
        with pytest.raises(ValueError, match=told):
            refused()


@pytest.mark.parametrize("measure", MEASURES)
def test_extremes_are_the_least_and_the_most(drawn, measure):
    data = make_dataset(each=3)
    plots.extremes(data, measure, n=1)
    values = np.sort(MEASURES[measure][1](data.x_train[..., 0]))
    assert len(set(values.tolist())) > 1, "it tells images apart"
    assert measure != "brightness" or values == pytest.approx(np.sort(data.x_train.mean(axis=(1, 2, 3))))
    alt = drawn[0][1]
    assert alt.startswith(f"Least {measure}: 1 ") and f", {values[0]:.3f}; with the most" in alt
    assert alt.endswith(f" {values[-1]:.3f}.")


def test_the_hardest_are_those_nearest_to_one_half(drawn, capsys):
    p = np.linspace(0.05, 0.93, 50).astype(np.float16)[None, :, None]
    plots.hardest(make_dataset(), replace(make_run(epochs=1), val_predictions=p), n=1)
    assert re.search(r"least sure: (Mel, p 0\.51|Nev, p 0\.49|Mel, p 0\.50|Nev, p 0\.50)\.$", drawn[0][1])
    plots.hardest(make_dataset(), None)
    assert "No run is stored" in capsys.readouterr().out


@pytest.mark.parametrize("lesion", [0.0, 0.4])
def test_hairs_are_no_fine_texture(lesion):
    rng = np.random.default_rng(0)
    smooth, rough = (0.6 + rng.normal(0, spread, (64, 64)) for spread in (0.01, 0.03))
    for skin in (smooth, rough):
        skin[20:44, 20:44] -= lesion
    smooth[:, [5, 6, 30, 31, 50, 51]] = smooth[[20, 21], :] = 0.1
    hairy, textured = MEASURES["fine texture"][1](np.stack([smooth, rough]))
    assert hairy < textured


FIGURES = {name for name, one in vars(plots).items() if callable(one)} - {"alt_text", "live_curves", "live_fit"}


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_every_figure_can_be_saved_and_read_in_a_window_of_a_thousand_pixels(name, tmp_path, monkeypatch):
    """The notebook's column is 870 pixels wide there: what is wider is made smaller. Letters have 11 pixels or more."""
    kept = []
    monkeypatch.setattr("labutils.plots.figure.as_png", lambda *about: kept.append(about) or as_png(*about))
    run, rgb = make_run(epochs=4), make_dataset(channels=3)
    runs = {f"LeNet ({i}) dropout 0.4, batch 16": make_run(epochs=40, seed=i) for i in range(7)}
    trial = SimpleNamespace(value=0.5, params={"learning_rate": 1e-5, "n_base": 4})
    ways = {
        "confusion_matrix": [(run,), (make_run(dataset="x_ray", epochs=4),)],
        "reliability": [(run,)],
        "sample_grid": [(rgb, 12)],
        "images_row": [(list(rgb.x_train[:7]), list("abcdefg"))],
        "extremes": [(rgb, "contrast")],
        "hardest": [(rgb, run)],
        "real_curves": [("task1b",)],
        "accuracy_by_images": [(audit.growth(),)],
        "validation_against_exam": [(flattery("skin"),)],
        "gradcam_grid": [(run, rgb, range(7), np.zeros((7, 32, 32)))],
        "search_trials": [(SimpleNamespace(get_trials=lambda **_: [trial]), rgb)],
    }
    file = tmp_path / "figure.png"
    for arguments in ways.get(name, [(runs,), ({"run": run},)]):
        assert getattr(plots, name)(*arguments, save=file) is None
        assert file.stat().st_size > 2000 and len(plots.alt_text(file)) > 40
    for figure, alt in kept:
        width = figure.get_figwidth()
        smaller = min(1, 870 / (figure.dpi * width))
        for one in figure.findobj(Text):
            if one.get_text() and one.get_visible():
                assert one.get_fontsize() * figure.dpi / 72 * smaller >= 11, (alt[:40], one.get_text())
        box = figure.get_tightbbox()
        assert width <= WIDEST and box.x0 > -0.1 and box.x1 < width + 0.1, (alt[:40], "a text leaves the figure")


def test_a_name_from_outside_is_no_formula(drawn):
    """A `$` in the name of a class or a label is a `$`: matplotlib would read a formula, and raise if it is none."""
    names = ("Mel$^", r"$\frac{1$")
    run = replace(make_run(epochs=4), class_names=names)
    plots.learning_curves({r"$x_{ lr": run, "$b$": run})
    plots.confusion_matrix(run)
    plots.roc_curve({"$c_": run})
    plots.sample_grid(make_dataset(names))
    assert len(drawn) == 4 and all(as_png(*one) for one in drawn)
    rates = [SimpleNamespace(value=0.5, params={"learning_rate": rate, "n_base": 4}) for rate in (2e-6, 1e-4)]
    plots.search_trials(SimpleNamespace(get_trials=lambda **_: rates), make_dataset(channels=3))
    figure = drawn[4][0]
    figure.canvas.draw()
    shown = [tick.get_text() for tick in figure.axes[0].get_xticklabels(which="both")]
    assert {"1e-5", "1e-4"} <= set(shown) and "$" not in "".join(shown), "nor has a logarithmic axis any"


# The exam.


def test_every_line_is_named_at_its_end_and_the_title_is_the_finding(picture):
    found = replace(audit.growth(), title="What was found")
    figure, alt = picture(plots.accuracy_by_images, found)
    axes = figure.axes[0]
    labels = {one.get_text(): one.xy[1] for one in figure.findobj(Annotation) if one.get_text()}
    assert set(labels) == {"AlexNet", "linear, forty numbers", "forest, forty numbers", "ceiling"}
    bottom, top = axes.get_ylim()
    assert min(b - a for a, b in pairwise(sorted(labels.values()))) >= 0.05 * (top - bottom), "names do not overlap"
    assert figure.get_suptitle() == "What was found" and alt.startswith("What was found.")
    forest = [step.simple["simple numbers, forest"].accuracy for step in found.steps if step.simple]
    shown = [list(line.get_ydata()) for line in axes.get_lines()]
    assert forest in shown and [step.network.value for step in found.steps if step.network] in shown
    assert axes.get_xscale() == "log" and "phantom" in alt
    for n in found.missing:
        assert f"{n:,}" in axes.get_title(loc="left") and "no run yet with" in alt


def test_runs_whose_interval_holds_the_exam_are_marked(picture):
    found = flattery("skin")
    figure, alt = picture(plots.validation_against_exam, found)
    points = [line for line in figure.axes[0].get_lines() if line.get_marker() in ("o", "s")]
    counts = {line.get_marker(): len(line.get_xdata()) for line in points}
    assert counts == {"o": found.held, "s": len(found.rows) - found.held}
    assert f"interval holds it: {found.held}" in texts(figure)
    assert found.title in figure.get_suptitle() and alt.endswith(found.said.text)


# Small charts as SVG.


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 1.5), (1, 100), (0.6, 1), (-4, 4), (0, 30)])
def test_ticks_are_round_and_inside(low, high):
    found = ticks(low, high)
    assert 3 <= len(found) <= 9 and low - 1e-9 <= found[0] and found[-1] <= high + 1e-9
    assert np.allclose(np.diff(found), found[1] - found[0])


def test_a_chart_is_well_formed_and_names_its_lines():
    panel = Panel(
        "loss < 1", (0, 10), (0, 1), "epoch", [Line([1, 2], [0.5, 2.0], "a & b"), Line([1], [0.2])], guess=0.5
    )
    svg = chart([panel, panel])
    ElementTree.fromstring(svg)
    assert "a &amp; b" in svg and "loss &lt; 1" in svg and svg.count("<circle") == 2


def test_what_leaves_the_axes_stays_at_their_end():
    panel = Panel("", (0, 1), (0, 1), "")
    assert panel.down(7) == panel.down(1) < panel.down(0.5) < panel.down(0) == panel.down(-3)
    logarithmic = Panel("", (1e-6, 1), (0, 1), "", log_x=True)
    assert logarithmic.across(1e-3) == pytest.approx((logarithmic.across(1e-6) + logarithmic.across(1)) / 2)


def test_an_image_carries_its_words():
    image = as_image("<svg/>", 'says "so"')
    assert 'alt="says &quot;so&quot;"' in image
    assert base64.b64decode(re.search(r"base64,([^\"]+)", image)[1]) == b"<svg/>"


@pytest.mark.parametrize("draw", [plots.learning_curves, plots.compare_curves])
@pytest.mark.parametrize(
    ("said", "shown"), [("run 1", "run 1, small (you said)"), ("about equal", "You said: about equal"), ("", "")]
)
def test_what_a_reader_has_predicted_is_drawn_in(drawn, draw, said, shown):
    draw({name: make_run(seed=seed, epochs=8) for seed, name in enumerate(("run 0", "run 1, small"))}, said=said)
    figure, alt = drawn[0]
    assert shown in alt and shown in texts(figure)
    assert ("you said" in alt.lower()) == ("you said" in texts(figure).lower()) == bool(said)


# What is seen.


def history(loss, accuracy=0.8, trained=0.9, n=40):
    """Curves over `n` epochs; numbers stand for curves that do not move."""
    columns = {"val_loss": loss, "val_accuracy": accuracy, "accuracy": trained}
    return {name: np.broadcast_to(np.asarray(values, dtype=float), n) for name, values in columns.items()}, np.log(2)


FALLS, RISES = np.linspace(0.69, 0.3, 40), np.r_[np.linspace(0.69, 0.3, 10), np.linspace(0.32, 1.5, 30)]
LOST = np.r_[np.full(12, 0.5), np.full(28, np.nan)]


@pytest.mark.parametrize(
    ("runs", "title"),
    [
        ({"a": history(RISES, trained=1.0)}, r"a over-fits from epoch \d+ on and learns by heart"),
        ({"a": history(RISES)}, r"a over-fits from epoch \d+ on"),
        ({"a": history(0.69)}, "a barely starts in 40 epochs"),
        ({"a": history(FALLS)}, "a still gets better at epoch 40"),
        ({"a": history(0.4)}, r"a levels off at accuracy 0\.80"),
        ({"a": history(LOST)}, "a diverges at epoch 13"),
        ({"a": history(0.4, n=4)}, r"a has accuracy 0\.80 at epoch 4"),
        ({"a": history(0.4), "b": history(0.41)}, "Both runs level off"),
        ({"a": history(0.4), "b": history(RISES)}, r"b over-fits from epoch \d+ on; a levels off at accuracy 0\.80"),
        (
            {**{str(i): history(RISES) for i in range(4)}, "b": history(0.69)},
            "4 of 5 runs over-fit; b barely starts .*",
        ),
        ({"a" * 80: history(0.69), "b": history(LOST)}, "b diverges at epoch 13; one of 2 runs barely starts .*"),
    ],
)
def test_a_title_says_what_its_curves_do(runs, title):
    said = title_of(runs)
    assert re.fullmatch(title, said) and len(said) <= LONGEST


@pytest.mark.parametrize(
    ("curves", "quantity", "title"),
    [
        ({"a": [0.5, 0.9], "b": [0.7, 0.6]}, "val_accuracy", "a comes highest: 0.90; b only to 0.70"),
        ({"a": [0.5, 0.9], "b": [0.7, 0.6]}, "loss", "a comes lowest: 0.50; b only to 0.60"),
        ({"a": [0.5, 0.6], "b": [0.7, 0.605]}, "val_accuracy", "b comes highest: 0.70; a only to 0.60"),
        (
            {"a": [0.5, 0.6], "b": [0.4, 0.605]},
            "val_accuracy",
            "Highest validation accuracy: 0.60 in all runs, or nearly",
        ),
        ({"a": [0.5, np.nan], "b": [np.nan]}, "val_loss", "Lowest validation loss: 0.50"),
        ({"a": [np.nan]}, "val_loss", "No validation loss is a number"),
        ({"a" * 40: [0.1], "b" * 40: [0.9]}, "accuracy", "Accuracy: 0.90 to 0.10"),
    ],
)
def test_a_title_names_who_comes_farthest(curves, quantity, title):
    assert title_of_compared({name: np.array(values) for name, values in curves.items()}, quantity) == title


@pytest.mark.parametrize(
    ("curves", "low", "high"),
    [
        ([FALLS], 0.69, 0.75),  # guessing is always there
        ([np.r_[9.0, FALLS]], 0.69, 0.75),  # a first epoch
        ([np.r_[FALLS, 9.0, FALLS]], 0.69, 0.75),  # a single one
        ([RISES], 1.5, 1.6),  # a rise stays
        ([RISES * 9], 2.0, 2.2),  # as far as it says something
        ([LOST, np.r_[0.5, np.inf, 0.5]], 0.69, 0.75),
    ],
)
def test_a_loss_axis_ends_above_what_matters(curves, low, high):
    assert low <= loss_top(curves, np.log(2)) <= high


@pytest.mark.parametrize("draw", [plots.learning_curves, lambda runs: plots.compare_curves(runs, "val_loss")])
def test_what_lies_above_a_loss_axis_is_said(drawn, draw):
    calm, spiky = make_run(epochs=40), make_run(epochs=40, seed=1)
    spiky.history["val_loss"][4] = 7.25
    draw({"calm": calm, "spiky": spiky})
    figure, alt = drawn[0]
    said = "▲ spiky is above the axis: 7.25 at epoch 5."
    assert said in alt and said in texts(figure).replace("\n", " ") and "calm is above" not in alt
    assert max(axes.get_ylim()[1] for axes in figure.axes) < 2
    marks = [list(line.get_xdata()) for line in figure.findobj(Line2D) if line.get_marker() == "^"]
    assert [place for place in marks if len(place) == 1] == [[5]]


@pytest.mark.parametrize("draw", [plots.learning_curves, lambda runs: plots.compare_curves(runs, "val_loss")])
@pytest.mark.parametrize("start", [0, 5])
def test_runs_that_diverge_are_drawn_and_named(drawn, draw, start):
    bad, good = make_run(epochs=40), make_run(epochs=40, seed=1)
    history = bad.history | {"val_loss": np.r_[bad.history["val_loss"][:start], np.full(40 - start, np.nan)]}
    bad = replace(bad, history=history)
    for runs in ({"bad": bad, "good": good}, {"bad": bad}):
        draw(runs)
        assert "bad" in drawn[-1][1] and as_png(*drawn[-1])


def test_a_curve_is_drawn_smoothed_with_the_raw_one_behind_it(drawn):
    long = make_run(epochs=60)
    for run in (make_run(epochs=29), long):
        plots.compare_curves({"run": run})
    (short, few), (figure, many) = (
        ([line for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 2], texts(figure).replace("\n", " "))
        for figure, _ in drawn
    )
    assert len(short) == 1 and "mean over" not in few and "mean over 10 epochs" in many
    raw, thick = (line.get_ydata() for line in figure)
    assert np.array_equal(raw, long.history["val_accuracy"]) and np.diff(thick).std() < np.diff(raw).std() / 2
    assert thick[[0, 30, -1]] == pytest.approx([raw[0], raw[25:36].mean(), raw[-1]])
    assert figure[0].get_zorder() <= figure[1].get_zorder()


@pytest.mark.parametrize("wanted", [[0, 0, 0], [5, 5, 5.5, 9], [10, 10], [2], [0, 5, 10]])
def test_names_at_lines_stand_apart_and_near(wanted):
    places = apart(wanted, [1, 2, 1, 1][: len(wanted)], 0, 10)
    sizes = [1, 2, 1, 1]
    assert all(b - a >= (sizes[i] + sizes[i + 1]) / 2 - 1e-9 for i, (a, b) in enumerate(pairwise(places)))
    assert min(places) >= 0 and max(places) <= 10
    if all(b - a >= 2 for a, b in pairwise(wanted)):
        assert places == wanted


@pytest.mark.parametrize(("side", "most"), [(0, 60), (128, 3)])
def test_a_file_is_small_and_looks_the_same(side, most):
    figure, axes = one_axes(4, 3)
    if side:
        axes.imshow(np.random.default_rng(0).uniform(0, 1, (side, side)), cmap="gray", vmin=0, vmax=1)
    else:
        axes.plot([0, 1], [0, 1], color=TRAINING)
    png, full = as_png(figure, "words"), io.BytesIO()
    shown = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)
    drawn = np.asarray(figure.canvas.buffer_rgba(), dtype=int)[..., :3]
    assert np.abs(shown - drawn).max() <= most and np.abs(shown - drawn).mean() < 1.5
    assert tuple(shown[0, 0]) == (255, 255, 255) and png == as_png(figure, "words")
    Image.fromarray(drawn.astype(np.uint8)).save(full, format="png")
    assert len(png) < 0.6 * len(full.getvalue())
