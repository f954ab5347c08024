"""Whatever lies in a run's folder: read, or one sentence that names file and fault; the other runs are listed."""

import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import made_up_run, state_of, tiny_config, tiny_dataset

from labutils.errors import LabError, StoreError, visible
from labutils.runs.run import ExamResult, read_run, read_start, write_run
from labutils.runs.store import RunStore
from labutils.tools.cli import main

DATASET = tiny_dataset()


def store_run(folder: Path, seed: int = 0) -> Path:
    config = tiny_config(epochs=3, seed=seed)
    place = RunStore(folder).path_of(config, DATASET.fingerprint)
    exam = ExamResult((0, 2), np.full((2, 6, 1), 0.25, np.float16), np.arange(6) % 2, "0123456789ab")
    run = replace(made_up_run(config, DATASET), path=place, exam=exam)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_run(run, state_of(run), None)
    return place


def json_with(name: str, **changes: object) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        values = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(values | changes))

    return harm


def provenance(**changes: object) -> Callable[[Path], None]:
    return json_with("provenance.json", **changes)


def stretch(**changes: object) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        (first,) = json.loads((folder / "provenance.json").read_text())["stretches"]
        provenance(stretches=[first | changes])(folder)

    return harm


def text(name: str, content: str | bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def exchange(name: str, old: str, new: str) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        content = (folder / name).read_text()
        assert old in content
        (folder / name).write_text(content.replace(old, new, 1))

    return harm


def cell(column: str, value: str) -> Callable[[Path], None]:
    """Another value in the history's second epoch."""

    def harm(folder: Path) -> None:
        lines = (folder / "history.csv").read_text().splitlines()
        cells = lines[2].split(",")
        cells[lines[0].split(",").index(column)] = value
        (folder / "history.csv").write_text("\n".join([*lines[:2], ",".join(cells), *lines[3:]]) + "\n")

    return harm


def pipe(name: str) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return harm


def link(name: str, target: str) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return harm


def as_folder(name: str) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return harm


def sparse(name: str, size: int) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        with (folder / name).open("r+b") as handle:
            handle.truncate(size)

    return harm


def header(shape: str, kind: str = "'<f2'", content: bytes = b"") -> Callable[[Path], None]:
    """A NumPy file that says this of itself."""
    said = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    said += b" " * (-(len(said) + 11) % 64) + b"\n"
    return text("val_predictions.npy", b"\x93NUMPY\x01\x00" + len(said).to_bytes(2, "little") + said + content)


def predicted(value: float) -> Callable[[Path], None]:
    """Another value where a prediction is above one half, so that the accuracy stays."""

    def harm(folder: Path) -> None:
        predictions = np.load(folder / "val_predictions.npy")
        predictions[tuple(np.argwhere(predictions > 0.5)[0])] = value
        if np.isnan(value):
            predictions[:] = value
            np.save(folder / "val_predictions.npy", predictions)
            zeros = json.dumps(float(np.mean(DATASET.y_val == 0)))
            lines = (folder / "history.csv").read_text().splitlines()
            column = lines[0].split(",").index("val_accuracy")
            rows = [line.split(",") for line in lines[1:]]
            rows = [[*row[:column], zeros, *row[column + 1 :]] for row in rows]
            (folder / "history.csv").write_text("\n".join([lines[0], *map(",".join, rows)]) + "\n")
        np.save(folder / "val_predictions.npy", predictions)

    return harm


def exam(**changes: Callable) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        with np.load(folder / "exam.npz") as archive:
            values = dict(archive)
        np.savez(folder / "exam.npz", **{k: changes[k](v) if k in changes else v for k, v in values.items()})

    return harm


def bomb(folder: Path) -> None:
    with (
        zipfile.ZipFile(folder / "exam.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("epochs.npy", "w") as member,
    ):
        for _ in range(70):
            member.write(bytes(1_000_000))


ESCAPE = "\x1b[2J\x1b]0;owned\x07"
HARM = {
    "stretch is text": (provenance(stretches=["x"]), "provenance.json: stretches.0 is 'x'"),
    "stretches is an object": (provenance(stretches={"a": 1}), "stretches is {'a': 1}: input should be a valid list"),
    "no stretch": (provenance(stretches=[]), "stretches is []"),
    "ended in words": (stretch(ended="yesterday"), "ended is 'yesterday': it should be a time such as 2026-01-31T"),
    "ended in year 0": (stretch(ended="0000-01-01T00:00:00Z"), "ended is '0000-01-01T00:00:00Z'"),
    "threads in words": (stretch(threads="many"), "threads is 'many': input should be a valid integer"),
    "threads below 1": (stretch(threads=0), "threads is 0"),
    "threads without end": (stretch(threads=10**30), "threads is 1000000000"),
    "a module as backend": (stretch(backend="this"), "backend is 'this': input should be 'tensorflow', 'jax' or"),
    "a path as backend": (stretch(backend="../evil"), "backend is '../evil'"),
    "seconds without end": (stretch(seconds=float("inf")), "seconds is inf: input should be a finite number"),
    "precision unknown": (stretch(precision="int4"), "precision is 'int4'"),
    "escape in device": (stretch(device=ESCAPE), r"device is '\x1b[2J\x1b]0;owned\x07': it holds control characters"),
    "escape in source": (provenance(source=ESCAPE), r"source is '\x1b[2J\x1b]0;owned\x07'"),
    "right to left": (provenance(source="a\u202eb"), r"source is 'a\u202eb': it holds control characters"),
    "half a character": (provenance(source="\ud800"), r"source is '\ud800'"),
    "source of a megabyte": (provenance(source="x" * 10**6), "source is 'xxxxxxxxxxxx...xxxxxxxxxxxxx'"),
    "source is a list": (provenance(source=["phantom"]), "source is ['phantom']"),
    "fingerprint a number": (provenance(fingerprint=7), "fingerprint is 7"),
    "fingerprint a path": (provenance(fingerprint="../../x"), "fingerprint is '../../x'"),
    "classes as text": (provenance(class_names="ab"), "class_names is 'ab'"),
    "one class twice": (provenance(class_names=["Mel", "Mel"]), "class_names holds one name twice"),
    "parameters in words": (provenance(parameters="many"), "parameters is 'many'"),
    "losses in words": (provenance(first_losses=["a"]), "first_losses.0 is 'a'"),
    "counts below 0": (provenance(counts={"train": {"Mel": -1}}), "counts.train.Mel is -1"),
    "format is true": (provenance(format=True), "format True, this version of labutils reads 1"),
    "provenance a list": (text("provenance.json", "[1, 2]"), "provenance.json: holds list, an object was expected"),
    "nested": (text("provenance.json", "[" * 10**5 + "]" * 10**5), "is not JSON (nested too deeply)"),
    "many digits": (text("provenance.json", '{"format": ' + "9" * 5000 + "}"), "is not JSON (Exceeds the limit"),
    "merge marks": (exchange("provenance.json", "{", "<<<<<<< HEAD\n{"), "is not JSON (Expecting value"),
    "not UTF-8": (text("provenance.json", b"\xff\xfe{"), "provenance.json: 'utf-8' codec can't decode"),
    "200 MB of JSON": (sparse("provenance.json", 200_000_000), "has 200,000,000 bytes, at most 4,000,000 were"),
    "a pipe": (pipe("config.json"), "config.json: is a pipe, an ordinary file was expected"),
    "a link to a device": (link("config.json", "/dev/zero"), "config.json: is a link, an ordinary file was expected"),
    "a folder": (as_folder("config.json"), "config.json: is a folder"),
    "config a list": (text("config.json", "[]"), "config.json: holds list, an object was expected"),
    "rate no number": (json_with("config.json", learning_rate=float("nan")), "lr (learning_rate) is nan"),
    "a long name": (json_with("config.json", dataset="x" * 10**6), "config.json: dataset is 'xxx"),
    "escape in a name": (json_with("config.json", dataset=ESCAPE), r"dataset is '\x1b[2J\x1b]0;owned\x07'"),
    "escape in a setting": (json_with("config.json", **{ESCAPE: 1}), r"\x1b[2J\x1b]0;owned\x07 is not a setting"),
    "layers without end": (json_with("config.json", dense=[10**12]), "dense is (1000000000000,)"),
    "history a pipe": (pipe("history.csv"), "history.csv: is a pipe"),
    "seconds inf": (cell("seconds", "inf"), "history.csv: seconds of epoch 2 is inf"),
    "seconds nan": (cell("seconds", "nan"), "history.csv: seconds of epoch 2 is nan"),
    "accuracy above 1": (cell("accuracy", "7"), "history.csv: accuracy of epoch 2 is 7, 0 to 1 was expected"),
    "loss below 0": (cell("loss", "-3"), "history.csv: loss of epoch 2 is -3"),
    "escape for a number": (cell("loss", ESCAPE), "could not convert string to float: '\\x1b"),
    "a row too short": (exchange("history.csv", "\n2,", "\n2\n2,"), "history.csv: row 2 has not the 6 columns"),
    "a row too long": (exchange("history.csv", "\n2,", "\n2,1,"), "history.csv: row 2 has not the 6 columns"),
    "a long cell": (cell("loss", "1" * 10**6), "history.csv: is not a table (field larger than field limit"),
    "a huge table": (sparse("history.csv", 3 * 10**9), "history.csv: has 3,000,000,000 bytes"),
    "label too large": (exchange("val_files.csv", ",1\n", f",{10**30}\n"), "val_files.csv: it has labels other than"),
    "label a fraction": (exchange("val_files.csv", ",1\n", ",0.5\n"), "labels other than 0 to 1: '0.5'"),
    "no image": (text("val_files.csv", "file,label\n"), "val_predictions.npy is float16"),
    "predictions a pipe": (pipe("val_predictions.npy"), "val_predictions.npy: is a pipe"),
    "predictions 2 GB": (sparse("val_predictions.npy", 2 * 10**9), "val_predictions.npy: has 2,000,000,000 bytes"),
    "shape without end": (
        header(f"({10**12}, 10, 1)"),
        "says that it holds (1000000000000",
    ),
    "shape below 0": (header("(-1,)"), "says that it holds (-1,) float16"),
    "65 dimensions": (header(str((1,) * 65), content=b"00"), "val_predictions.npy: "),
    "objects": (header("(1,)", "'|O'"), "holds object, numbers were expected"),
    "records": (header("(1,)", "[('a', '<f2')]"), "numbers were expected"),
    "above 1": (predicted(1.5), "val_predictions.npy: holds 1.5, probabilities from 0 to 1 were expected"),
    "no numbers": (predicted(float("nan")), "has no numbers in epoch 1, whose val_loss is one"),
    "exam a pipe": (pipe("exam.npz"), "exam.npz: is a pipe"),
    "exam a bomb": (bomb, "exam.npz: unpacks to 70,000,000 bytes, at most 64,000,000 were expected"),
    "exam fractional": (exam(epochs=lambda e: e + 0.5), "exam.npz: the epochs and labels are not whole numbers"),
    "exam too early": (exam(epochs=lambda e: e - 9), "exam.npz: the epochs are not in order"),
    "exam empty": (exam(epochs=lambda e: e[:0], predictions=lambda p: p[:0]), "exam.npz: "),
    "exam labels": (exam(y=lambda y: y + 9), "exam.npz: it has labels other than 0 to 1"),
    "exam outputs": (exam(predictions=lambda p: np.repeat(p, 5, 2)), "the predictions are float16 (2, 6, 5)"),
    "exam above 1": (exam(predictions=lambda p: p + np.float16(1)), "exam.npz: holds 1.25"),
    "exam escape": (exam(fingerprint=lambda f: np.array(ESCAPE)), r"the fingerprint is '\x1b[2J"),
    "exam without labels": (lambda folder: np.savez(folder / "exam.npz", epochs=[1]), "'predictions' is missing"),
}


@pytest.mark.parametrize("kind", HARM)
def test_what_cannot_be_read_is_one_line_and_the_others_are_listed(results, kind):
    harm, said = HARM[kind]
    bad, good = store_run(results / "runs"), store_run(results / "runs", seed=1)
    harm(bad)
    listed = CliRunner().invoke(main, ["runs"])
    assert listed.exit_code == 0, listed.exception
    lines = {line.split()[0]: line for line in listed.output.splitlines()}
    assert set(lines) == {bad.name, good.name} and "best accuracy" in lines[good.name]
    assert "DAMAGED" in lines[bad.name] and said in lines[bad.name]
    assert lines[bad.name].isprintable() and len(lines[bad.name]) < 1000
    with pytest.raises(StoreError, match=re.escape(visible(said))):
        read_run(bad)


@pytest.mark.parametrize("name", ["skin\x1b[2Jx", "skin\nall is well", "skin\udcff"])
def test_a_folders_name_is_shown_and_not_obeyed(results, name):
    bad = store_run(results / "runs")
    (bad / "config.json").unlink()
    bad.rename(bad.with_name(name))
    (line,) = CliRunner().invoke(main, ["runs"]).output.splitlines()
    assert line.isprintable() and line.startswith(visible(name)) and "DAMAGED" in line


def test_a_sentence_shows_what_it_quotes_and_keeps_its_lines():
    error = LabError("a\x1b[2J\nb\u200b")
    assert str(error) == "a\\x1b[2J\nb\\u200b" and error.args == (str(error),)


def test_verify_says_so_and_goes_on(results):
    bad = store_run(results / "runs")
    stretch(backend="this")(bad)
    done = CliRunner().invoke(main, ["verify", bad.name])
    assert done.exit_code == 2 and "backend is 'this'" in done.output and "1 cannot be verified" in done.output


def test_a_name_of_an_image_is_shown_by_verify(results, monkeypatch):
    from labutils.training.verify import Verification

    said = [Verification("run", problem=f"prediction for {ESCAPE} differs")]
    monkeypatch.setattr("labutils.tools.verify.verify_all", lambda *_: said)
    store_run(results / "runs")
    assert "\x1b" not in CliRunner().invoke(main, ["verify", "--all"], color=True).output


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: (file.unlink(), os.mkfifo(file)),
        lambda file: (file.unlink(), file.symlink_to("/dev/zero")),
        lambda file: np.savez(file, epochs=np.array(3), losses=np.zeros((2, 3)), exam_x_1=np.ones(2)),
        lambda file: np.savez(file, epochs=np.array(-1), losses=np.zeros((2, 3))),
        lambda file: np.savez(file, epochs=np.array(3), losses=np.zeros((2, 2))),
        lambda file: np.savez(file, epochs=np.array(3), losses=np.full((2, 3), "a")),
        lambda file: np.savez(file, epochs=np.array("three"), losses=np.zeros((2, 3))),
        lambda file: np.savez(file, losses=np.zeros((2, 3))),
        lambda file: file.write_bytes(b"PK\x05\x06" + bytes(18)),
    ],
)
def test_a_checkpoint_that_cannot_be_gone_on_from_is_a_sentence(tmp_path, harm):
    folder = store_run(tmp_path)
    harm(folder / "checkpoint" / "state.npz")
    with pytest.raises(StoreError, match=r"state\.npz is damaged \(.+\)\. Remove this file: the stored epochs stay"):
        read_start(folder)


def test_every_run_of_the_lab_is_readable():
    assert not RunStore().damaged()
    assert RunStore().all()


def test_files_of_a_run_may_be_more_than_this_version_knows(tmp_path):
    folder = store_run(tmp_path)
    provenance(colour="red")(folder)
    stretch(moon="full", first_epoch=1)(folder)
    assert read_run(folder).provenance["colour"] == "red"
    shutil.rmtree(folder)
