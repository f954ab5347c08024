"""A training run from click to disk: killed, stopped, extended, asked for twice; in real processes where it matters."""

import random
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from helpers import made_up_run, patience, python_path, start_python, state_of, tiny_config, tiny_dataset, wait_until

from labutils import lab
from labutils.data.exam import Exam
from labutils.errors import StoreError
from labutils.models import build_model
from labutils.runs.run import read_run, read_start, write_run
from labutils.runs.store import RunStore, lab_store
from labutils.training import epoch, load_best, train, train_all, with_weights
from labutils.training.checkpoint import check_dataset
from labutils.training.epoch import fit, fixed_part, predict

DATASET = tiny_dataset()
training = import_module("labutils.training.train")  # the package has a function of that name

# Everything that is drawn at random while training: order, both dropouts, augmentation; and what batch norm remembers.
RESTLESS = """
from helpers import tiny_config, tiny_dataset
from labutils.config import Augmentation
config = tiny_config(
    dropout=0.3, spatial_dropout=0.2, batch_norm=True, batch_size=5,
    augmentation=Augmentation(rotation=10, shift=0.1, horizontal_flip=True),
)
dataset = tiny_dataset()
"""
# Says where it is and takes its time, so that it can be killed anywhere.
TALKING = """
import time
from labutils import progress
from labutils.training import backend
backend.STEPS_AT_ONCE = 1
def steps(self, done):
    print("step", flush=True)
    time.sleep(0.05)
progress.Progress.steps = steps
"""
# Says when it takes a step, and takes it when another process says that it waits.
WAITED_FOR = """
import pathlib, time
from labutils import progress
def steps(self, done):
    print("step", flush=True)
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
progress.Progress.steps = steps
"""
# Takes a step for every line that it is sent.
OBEDIENT = """
import sys
from labutils import progress
from labutils.training import backend
backend.STEPS_AT_ONCE = 1
progress.Progress.steps = lambda self, done: sys.stdin.readline()
"""


def train_code(epochs: int, before: str = "") -> str:
    return f"{RESTLESS}{before}\nfrom labutils.training import train\ntrain(config.with_(epochs={epochs}), dataset)"


def take_steps(process, steps: int) -> None:
    process.stdin.write("\n" * steps)
    process.stdin.flush()


def wait_for_epochs(folder: Path, epochs: int) -> int:
    """Epochs that are stored, once there are so many."""
    found = [0]

    def enough() -> bool:
        # Read while epochs of milliseconds are written, its files may be two epochs apart.
        with suppress(StoreError):
            for place in RunStore(folder / "runs"):
                if start := read_start(place):  # with its checkpoint, which comes last
                    found.append(start[0].epochs)
        return found[-1] >= epochs

    wait_until(enough)
    return found[-1]


def only_run(folder: Path):
    (place,) = RunStore(folder / "runs")
    return read_run(place)


def assert_same_history(run, other) -> None:
    assert run.epochs == other.epochs
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(run.history[name], other.history[name], atol=1e-6, rtol=0, err_msg=name)
    np.testing.assert_array_equal(run.val_predictions, other.val_predictions)


@pytest.fixture(scope="module")
def restless():
    names: dict = {}
    exec(RESTLESS, names)
    return names["config"], names["dataset"]


@pytest.fixture(scope="module")
def undisturbed(restless):
    """The same six epochs, trained in one go."""
    config, dataset = restless
    return fit(config.with_(epochs=6), dataset, show=False).run


def test_a_run_killed_and_stopped_goes_on_as_if_it_never_had(results, restless, undisturbed):
    seed = random.randrange(10**6)
    print(f"moments drawn with seed {seed}")
    moments = random.Random(seed)
    steps = moments.randint(5, 19)  # of six epochs of five steps
    process = start_python(train_code(6, OBEDIENT), results)
    take_steps(process, steps)
    left = wait_for_epochs(results, steps // 5)
    time.sleep(moments.uniform(0, 0.1))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert only_run(results).epochs == left == steps // 5

    process = start_python(train_code(6, OBEDIENT), results)
    take_steps(process, 5 + moments.randint(0, 4))
    kept = wait_for_epochs(results, left + 1)
    time.sleep(moments.uniform(0, 0.1))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate("\n", timeout=patience(10))
    assert only_run(results).epochs == kept == left + 1
    assert f"stopped, {kept} of 6 epochs are finished and kept. Run the same again to go on from there." in err

    config, dataset = restless
    assert train(config.with_(epochs=6), dataset).status == "extended"
    run = only_run(results)
    assert_same_history(run, undisturbed)
    assert [s["first_epoch"] for s in run.provenance["stretches"]] == [1, left + 1, kept + 1]


def test_four_epochs_extended_to_six_are_six_epochs(results, restless, undisturbed, capsys):
    config, dataset = restless
    train(config.with_(epochs=4), dataset)
    assert train(config.with_(epochs=3), dataset).epochs == 3 and only_run(results).epochs == 4
    said = capsys.readouterr().out
    assert re.search(r"parameters, 20 steps\n.*: trained 4 epochs in \d+ s on course data.\n", said)
    assert "reused, 3 of 4 stored epochs" in said
    train(config.with_(epochs=6), dataset)
    assert ": extended from 4 to 6 epochs" in capsys.readouterr().out
    assert_same_history(only_run(results), undisturbed)
    process = start_python(train_code(6) + "\nimport sys; print('keras' in sys.modules)", results)
    said, error = process.communicate(timeout=patience(30))
    assert process.returncode == 0, error
    assert said.splitlines()[-2:] == [said.splitlines()[0], "False"]
    assert ": reused, 6 stored epochs on course data." in said


def test_two_processes_that_ask_for_one_run_train_it_once(tmp_path):
    processes = [start_python(train_code(20, WAITED_FOR), tmp_path) for _ in range(2)]

    def listen(process) -> str:
        said = ""
        for line in process.stdout:
            said += line
            if ": waiting, " in line:
                (tmp_path / "go").touch()
        assert process.wait(patience(10)) == 0, process.stderr.read()
        return said

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(listen, processes), key=len)
    assert ": waiting, another process trains it." in said[0]
    assert ": reused, 20 stored epochs" in said[0]
    assert ": trained 20 epochs" in said[1]
    assert "step" not in said[0]


def test_the_stop_button_of_a_notebook_keeps_finished_epochs(tmp_path, monkeypatch):
    from jupyter_client.manager import start_new_kernel

    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path))
    monkeypatch.setenv("LABUTILS_PROGRESS", "log")
    monkeypatch.setenv("PYTHONPATH", python_path())
    manager, client = start_new_kernel(startup_timeout=patience(10), kernel_name="python3")
    try:
        client.execute(train_code(2000, TALKING))
        said, steps, shown = "", 0, []
        while True:
            message = client.get_iopub_msg(timeout=patience(10))
            if message["msg_type"] == "stream":
                said += message["content"]["text"]
                if steps != 99 and said.count("step") > 12:
                    steps = 99
                    manager.interrupt_kernel()
            if message["msg_type"] == "error":
                shown = message["content"]["traceback"]
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle" and steps == 99:
                break
        kept = only_run(tmp_path).epochs
        assert kept >= 2
        (sentence,) = shown
        assert f"stopped, {kept} of 2000 epochs are finished and kept." in sentence
        client.execute_interactive(
            f"run = train(config.with_(epochs={kept + 1}), dataset); print('status', run.status)",
            timeout=patience(10),
            output_hook=lambda m: shown.append(m["content"].get("text", "")),
        )
        assert "status extended" in "".join(shown)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def assert_says_where_it_came_from(run, results: Path) -> None:
    told = read_run(run.path).provenance
    assert (told["source"], told["fingerprint"], told["parameters"]) == ("course", DATASET.fingerprint, 2161)
    (stretch,) = told["stretches"]
    assert (stretch["first_epoch"], stretch["backend"], stretch["threads"]) == (1, "tensorflow", 1)
    assert set(stretch["versions"]) == {"python", "keras", "numpy", "tensorflow"}
    assert told["counts"]["validation"] == {"Mel": 5, "Nev": 5} and len(told["first_losses"]) == 3
    texts = [file.read_text() for file in run.path.iterdir() if file.suffix in (".json", ".csv")]
    assert not [text for text in texts if str(Path.home()) in text or str(results) in text]


def test_a_run_is_trained_then_reused_then_trained_anew_beside(results, capsys):
    config, seen = tiny_config(), []
    run = train(config, DATASET, on_epoch=seen.append)
    assert [r.epochs for r in seen] == [1, 2]
    assert (run.status, run.epochs, run.path) == ("trained", 2, RunStore().path_of(config, DATASET.fingerprint))
    again = train(config, DATASET, label="my run")
    assert again.status == "reused"
    assert_same_history(again, run)
    assert_says_where_it_came_from(run, results)
    stamp = (run.path / "history.csv").stat().st_mtime_ns
    anew = train(config, DATASET, reuse=False)
    assert (anew.status, anew.path) == ("trained", None)
    assert_same_history(anew, run)
    assert (run.path / "history.csv").stat().st_mtime_ns == stamp
    assert capsys.readouterr().out.splitlines()[2:] == [
        "my run: reused, 2 stored epochs on course data.",
        "skin-lenet-b2-lr0.001-dense8-32px: 2,161 parameters, 6 steps",
        "skin-lenet-b2-lr0.001-dense8-32px: trained 2 epochs anew; not stored, the stored run stays.",
    ]


def test_a_training_that_diverges_is_stored_read_back_and_extended(results, monkeypatch):
    monkeypatch.setattr("labutils.training.epoch.predict", lambda model, x: np.full((len(x), 1), np.nan, np.float32))
    config = tiny_config(learning_rate=1, epochs=2)
    assert np.isnan(train(config, DATASET).history["val_loss"]).all()
    assert train(config, DATASET).status == "reused"
    assert train(config.with_(epochs=3), DATASET).status == "extended"


def test_a_shorter_run_than_the_one_left_beside_is_its_beginning(results):
    store, config = RunStore(), tiny_config(epochs=3)
    place = store.path_of(config, DATASET.fingerprint)
    short, long = (made_up_run(config.with_(epochs=n), DATASET) for n in (1, 5))
    write_run(replace(short, path=place), state_of(short), None)
    (place / "checkpoint" / "state.npz").unlink()
    beside, _ = store.workplace(config, DATASET.fingerprint)
    write_run(replace(long, path=beside), state_of(long), None)
    run = train(config, DATASET)
    assert (run.epochs, read_run(place).epochs) == (3, 5)


def test_the_best_weights_predict_what_the_run_stored(results):
    run = train(tiny_config(epochs=4, learning_rate=0.01, batch_norm=True), DATASET)
    model, number = load_best(run)
    assert number == run.best_epoch
    np.testing.assert_allclose(np.asarray(model(DATASET.x_val)), run.val_predictions[number], atol=2e-3)
    older = (run.path / "best.h5").rename(run.path / "best.weights.h5")
    assert load_best(run)[1] == run.best_epoch
    older.unlink()
    with pytest.raises(StoreError, match=r"best weights of skin-lenet.* are not stored"):
        load_best(run)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_size": 64}, "The images have image_size 32, the run asks for 64"),
        ({"channels": 3}, "The images have channels 1, the run asks for 3"),
        ({"n_train": 12}, "There are 24 images, the run's n_train is 12"),
        ({"n_val": 12}, "There are 10 images, the run's n_val is 12"),
    ],
)
def test_images_that_the_settings_do_not_speak_of_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        check_dataset(tiny_config(**changes), DATASET)


def put(config, **changes):
    run = replace(made_up_run(config, DATASET), **changes)
    return RunStore().put(run, state_of(run), None)


def test_small_runs_stand_in_for_those_that_are_left_out(results, monkeypatch, capsys):
    asked = {"a": tiny_config(epochs=3), "b": tiny_config(epochs=3, dropout=0.4)}
    planned = [lab.Planned("a", "task1b", label, config) for label, config in asked.items()]
    monkeypatch.setattr(lab, "training_list", lambda: planned)
    for config in (asked["a"], asked["a"].with_(**lab.SMALL)):
        put(config)
    assert list(train_all(asked, DATASET, train_missing=False)) == ["a"], "not all of the small ones are stored"
    put(asked["b"].with_(**lab.SMALL))
    capsys.readouterr()
    found = train_all(asked, DATASET, train_missing=False)
    assert [(label, run.config.n_base) for label, run in found.items()] == [("a, small", 8), ("b, small", 8)]
    said = capsys.readouterr().out
    assert "b: not stored yet. To train 3 epochs here takes about" in said
    assert "Not stored: b. Small ones stand in: 8 filters, images of 64 pixels." in said
    put(asked["b"])
    assert list(train_all(asked, DATASET, train_missing=False)) == ["a", "b"]


def test_the_labs_run_goes_on_in_a_students_folder(students_folder, results):
    shorter = train(tiny_config(epochs=1), DATASET, store=lab_store())
    run = train(tiny_config(epochs=2), DATASET)
    assert (run.status, run.path.parent) == ("extended", students_folder / "runs")
    assert load_best(run)[1] == run.best_epoch
    assert read_run(shorter.path).epochs == 1 and [found.epochs for found in RunStore().all()] == [2]


def test_every_run_is_trained_on_the_images_of_its_data_set(results):
    bone = replace(DATASET, name="bone", fingerprint="b" * 12)
    configs = {"Bone": tiny_config(dataset="bone"), "Skin": tiny_config()}
    for config, images in zip(configs.values(), (bone, DATASET), strict=True):
        put(config, provenance=made_up_run(config, images).provenance)
    prints = {label: run.fingerprint for label, run in train_all(configs, DATASET, bone).items()}
    assert list(prints.items()) == [("Bone", "b" * 12), ("Skin", DATASET.fingerprint)]
    with pytest.raises(ValueError, match="The images have dataset 'skin', the run asks for 'bone'"):
        train_all(configs, DATASET)


def test_a_small_network_is_looked_into_where_the_weights_of_a_large_one_are_not_stored(results, monkeypatch, capsys):
    monkeypatch.setattr(lab, "SMALL", {"n_base": 2, "image_size": 32})
    large = replace(made_up_run(tiny_config(n_base=32, image_size=128), DATASET), path=None)
    assert with_weights(large) is large, "no small one is stored"
    small = train(tiny_config(), DATASET)
    capsys.readouterr()
    assert with_weights(small) is small, "it has its own"
    assert capsys.readouterr().out == ""
    assert with_weights(large).path == small.path
    said = capsys.readouterr().out
    assert f"The best weights of {large.label} are not stored. A small network stands in" in said
    other = replace(large, provenance=large.provenance | {"source": "public"})
    assert with_weights(other) is other, "on images of another source"
    (small.path / "best.h5").unlink()
    assert with_weights(large) is large, "the small one came without them too"


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ([0.7, 0.6, np.nan, np.nan, np.nan], "It diverged: from epoch 3 on its loss is no number. Try a lower"),
        ([0.7, 0.8, 0.8, 0.8, 0.75], "It diverged: after 5 epochs its loss is 0.750, after the first it was 0.700."),
        ([0.7, 0.8], ""),
        ([0.7, 0.8, 0.69, 0.8, 0.9], ""),
    ],
)
def test_a_run_that_learned_nothing_says_so(results, loss, said, capsys):
    config = tiny_config(epochs=len(loss))
    put(config, history=made_up_run(config, DATASET).history | {"loss": np.array(loss)})
    train(config, DATASET, label="a")
    told = capsys.readouterr().out.strip()
    assert told.startswith(f"a: reused, {len(loss)} stored epochs on course data. {said}".strip())
    assert ("diverged" in told) == bool(said)


def test_the_exam_is_sat_at_three_epochs_and_changes_nothing(monkeypatch):
    config, sat = tiny_config(epochs=4, learning_rate=0.01), []
    images = tiny_dataset(n_val=6, seed=1)
    answers = Exam(images.x_val, images.y_val, images.files_val, "e" * 12)
    monkeypatch.setattr("labutils.training.epoch.exam_images", lambda *_: sat.append(1) or answers)
    plain = fit(config, DATASET, show=False).run
    run = fit(config, DATASET, exam_at=frozenset({2, 4}), show=False).run
    assert plain.exam is None and len(sat) == 2
    wanted = {r.best_epoch for r in (run, run.first(2))} | {r.lowest_loss_epoch for r in (run, run.first(2))} | {1, 3}
    assert set(run.exam.epochs) == wanted and run.exam.fingerprint == "e" * 12
    assert run.exam.predictions.shape == (len(wanted), 6, 1)
    right = 24 * run.exam.training
    np.testing.assert_allclose(right, np.round(right), err_msg="of all 24 training images")
    small = fit(config, tiny_dataset(n_train=10, n_val=10), exam_at=frozenset({4}), show=False).run
    fixed = small.history["fixed_accuracy"][list(small.exam.epochs)]  # as many as validation images: here all
    np.testing.assert_allclose(small.exam.training, fixed)
    np.testing.assert_array_equal(run.val_predictions, plain.val_predictions)
    np.testing.assert_array_equal(run.history["loss"], plain.history["loss"])


def test_a_network_built_by_hand_is_compared_layer_by_layer_with_the_runs(capsys):
    import keras

    config = tiny_config(dropout=0.4, n_base=2)
    network = build_model(config)
    training.same_network(network, config)
    own = len(network.layers) - 1  # without its input
    assert capsys.readouterr().out.startswith(f"The network of the runs: {own} layers in the ")
    training.same_network(network, config.with_(dropout=0.2))
    assert re.match("Another network than the runs': layer .* is Dropout 0.4, and Dropout 0.2", capsys.readouterr().out)
    other_size = keras.models.clone_model(build_model(config.with_(image_size=64)))
    training.same_network(other_size, config)
    assert "its images are (64, 64, 1), and (32, 32, 1) was expected" in capsys.readouterr().out


def test_what_is_measured_after_every_epoch_is_not_copied_every_time(monkeypatch):
    """TensorFlow keeps what `predict` was fed: 13 MB an epoch, half a gigabyte a run, were seen to pile up."""
    fed = []
    monkeypatch.setattr(epoch, "predict", lambda model, images: fed.append(images) or predict(model, images))
    fit(tiny_config(epochs=3), DATASET, show=False)
    assert len(fed) == 6 and len({id(images) for images in fed}) == 2


@pytest.mark.parametrize(
    ("name", "train", "validation", "measured"),
    [
        ("chest", (50, 50), (25, 25), [25, 25]),
        ("chest", (80, 20), (10, 10), [10, 10]),
        ("chest", (80, 20), (30, 30), [30, 20]),  # all there are
        ("chest", (7, 40, 9), (5, 6, 0), [5, 6, 0]),
        ("chest", (5, 5), (10, 10), [5, 5]),
        ("skin", (50, 50), (25, 25), [28, 22]),  # as stored runs were measured
    ],
)
def test_training_images_are_measured_of_each_class_as_in_validation(name, train, validation, measured):
    labels = {f"y_{split}": np.repeat(np.arange(len(n)), n) for split, n in (("train", train), ("val", validation))}
    data = replace(tiny_dataset(), name=name, class_names=tuple("abc"[: len(train)]), **labels)
    part = fixed_part(data)
    assert np.bincount(data.y_train[part], minlength=len(train)).tolist() == measured
    assert part.tolist() == sorted({*part.tolist()}) == fixed_part(data).tolist()
