"""Made-up bytes, names and numbers into every reader: what comes back is what was asked for, or one sentence.

Small numbers of examples, the same every time: what is found once becomes a case of its own in the tests of its module.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import STRETCH, made_up_run, state_of, tiny_config, tiny_dataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labutils.config import RunConfig
from labutils.data.layouts import DATASETS, find_files
from labutils.errors import DataError, LabError, ParameterError, StoreError, visible
from labutils.paths import dataset_name
from labutils.runs.run import check_provenance, read_run, read_start, write_run
from labutils.tools.public.fetch import find_download

DATASET = tiny_dataset()
FILES = ("config.json", "provenance.json", "history.csv", "val_files.csv", "val_predictions.npy")
few = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)

cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
json_says = st.recursive(
    cells, lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text(max_size=10), one, max_size=4), max_leaves=8
)


def one_sentence(error: LabError) -> bool:
    return len(str(error)) < 2000 and all(line.isprintable() for line in str(error).split("\n")) and bool(str(error))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A stored run that every example starts from."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    run = replace(made_up_run(tiny_config(epochs=3), DATASET), path=folder)
    write_run(run, state_of(run), None)
    return folder


def with_file(whole: Path, name: str, content: bytes, read: Callable[[Path], object] = read_run) -> None:
    """Read the run with other bytes in one of its files."""
    before = (whole / name).read_bytes()
    (whole / name).write_bytes(content)
    try:
        read(whole)
    except StoreError as error:
        assert one_sentence(error) and (whole.name in str(error) or name in str(error))
    finally:
        (whole / name).write_bytes(before)


@few
@given(st.sampled_from((*FILES, "checkpoint/state.npz")), st.data())
def test_files_with_other_bytes(whole, name, data):
    content = bytearray((whole / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    with_file(whole, name, data.draw(st.just(bytes(content[:cut])) | st.binary(max_size=300)), read_start)


@few
@given(st.sampled_from(["config.json", "provenance.json"]), st.data())
def test_json_with_other_values(whole, name, data):
    values = json.loads((whole / name).read_text())
    values[data.draw(st.sampled_from(sorted(values)) | st.text(max_size=8))] = data.draw(json_says)
    with_file(whole, name, json.dumps(values).encode())


@few
@given(st.sampled_from([*STRETCH, "ended", "precision", "versions", "commit", "onednn"]), json_says)
def test_stretches_with_other_values(name, value):
    told = {"format": 1, "source": "course", "fingerprint": "0a", "class_names": ["Mel", "Nev"]}
    try:
        check_provenance(told | {"stretches": [STRETCH | {name: value}]})
    except ValueError as error:
        assert name in str(error) and len(str(error)) < 1000


@few
@given(st.lists(st.lists(st.text(max_size=8), max_size=8), max_size=4))
def test_histories_of_any_cells(whole, rows):
    head = (whole / "history.csv").read_bytes().splitlines()[0]
    body = "\n".join(",".join(cells) for cells in rows).encode("utf-8", "surrogatepass")
    with_file(whole, "history.csv", head + b"\n" + body)


@few
@given(st.sampled_from(sorted(RunConfig.model_fields)), json_says | st.binary(max_size=5))
def test_parameters_of_a_run(name, value):
    asked = {"dataset": "skin", "model": "lenet", "learning_rate": 1e-4, "epochs": 3} | {name: value}
    try:
        config = RunConfig(**asked)
    except ParameterError as error:
        assert name in str(error) and one_sentence(error)
    else:
        assert RunConfig(**json.loads(json.dumps(config.model_dump(mode="json")))) == config
        assert len(config.key) == 8 and config.slug.isprintable() and "/" not in config.slug


@few
@given(st.text(max_size=80) | json_says)
def test_names_of_data_sets(text):
    name = dataset_name(text)
    assert name is None or (dataset_name(name) == name and name.isprintable() and not set("/\\.:\0") & set(name))


@few
@given(st.text() | st.characters(categories=["Cc", "Cf", "Cs"]))
def test_what_is_shown_is_one_printable_line(text):
    assert visible(text).isprintable() and visible(visible(text)) == visible(text)


@few
@given(st.text(max_size=20), st.none() | st.integers())
def test_the_registry_of_downloads(name, size):
    try:
        assert find_download(name, size).largest > 0
    except DataError as error:
        assert one_sentence(error)


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20)


@few
@given(st.sampled_from(sorted(DATASETS)), st.lists(names, max_size=5), st.booleans())
def test_names_of_images(name, files, as_folders):
    with tempfile.TemporaryDirectory() as root:
        for split in ("train", "test"):
            (Path(root) / split).mkdir()
            for file in {*files} - {".", ".."}:
                place = Path(root) / split / (f"{file}/1.png" if as_folders else f"{file}.png")
                place.parent.mkdir(exist_ok=True)
                place.write_bytes(b"")
        try:
            for split in find_files(name, Path(root)):
                assert len(split.files) == len(split.labels) > 0
        except LabError as error:
            assert str(error)


def test_the_examples_can_fail(whole):
    """A reader that lets other errors through is noticed."""
    with pytest.raises(KeyError):
        with_file(whole, "config.json", b"{}", lambda folder: {}["nothing"])
    assert np.isfinite(read_run(whole).history["loss"]).all()
