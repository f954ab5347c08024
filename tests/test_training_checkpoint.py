"""Weights and checkpoints that come from elsewhere: read from the file itself, of the network's shapes, or refused."""

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import made_up_run, state_of, tiny_config, tiny_dataset

from labutils.errors import StoreError
from labutils.runs.run import Run, write_run
from labutils.runs.store import RunStore
from labutils.training import load_best
from labutils.training.backend import import_keras
from labutils.training.checkpoint import restore, write_weights

DATASET = tiny_dataset()


@pytest.fixture(scope="module")
def model():
    import_keras()
    from labutils.models import build_model

    return build_model(tiny_config(epochs=3), n_classes=2)


@pytest.fixture
def stored(tmp_path, model, monkeypatch) -> Run:
    """A made-up run of three epochs with this network's weights."""
    monkeypatch.setattr("labutils.models.build_model", lambda *_, **__: model)  # once for all: it takes a while
    run, weights = made_up_run(tiny_config(epochs=3), DATASET), io.BytesIO()
    write_weights(model, weights, epoch=1)
    run = replace(run, path=RunStore(tmp_path).path_of(run.config, DATASET.fingerprint))
    write_run(run, state_of(run), weights.getvalue())
    return run


def in_place_of_the_first(make: Callable) -> Callable[[Path], None]:
    """Put something else where the first array was."""

    def harm(file: Path) -> None:
        import h5py

        outside = file.with_name("outside.h5")
        with h5py.File(file, "a") as archive:
            name = next(f"000/{layer}/{array}" for layer in archive["000"] for array in archive["000"][layer])
            values = archive[name][...]
            del archive[name]
            with h5py.File(outside, "w") as other:
                other["values"] = values
            (outside.with_suffix(".raw")).write_bytes(values.tobytes())
            make(archive, name, values, outside)

    return harm


def linked(archive, name, values, outside):
    import h5py

    archive[name] = h5py.ExternalLink(outside.name, "/values")


def aliased(archive, name, values, outside):
    import h5py

    archive["elsewhere"] = values
    archive[name] = h5py.SoftLink("/elsewhere")


def stored_outside(archive, name, values, outside):
    raw = str(outside.with_suffix(".raw"))
    archive.create_dataset(name, values.shape, values.dtype, external=[(raw, 0, values.nbytes)])


def virtual(archive, name, values, outside):
    import h5py

    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource(str(outside), "values", values.shape)
    archive.create_virtual_dataset(name, layout)


def huge(archive, name, values, outside):
    archive.create_dataset(name, (2**20, 2**20), np.float32, chunks=(1024, 1024))


def a_group(archive, name, values, outside):
    archive.create_group(name)


def nothing(archive, name, values, outside):
    pass


def no_numbers(archive, name, values, outside):
    archive[name] = np.full(values.shape, np.nan, np.float16)


def text(archive, name, values, outside):
    archive[name] = np.full(values.shape, b"a")


def epoch(value) -> Callable[[Path], None]:
    def harm(file: Path) -> None:
        import h5py

        with h5py.File(file, "a") as archive:
            del archive.attrs["epoch"]
            if value is not None:
                archive.attrs["epoch"] = value

    return harm


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def link(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")


def large(file: Path) -> None:
    with file.open("r+b") as handle:
        handle.truncate(10**9)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (in_place_of_the_first(linked), "kernel is a link"),
        (in_place_of_the_first(aliased), "kernel is a link"),
        (in_place_of_the_first(stored_outside), "kernel leads out of the file"),
        (in_place_of_the_first(virtual), "kernel leads out of the file"),
        (in_place_of_the_first(huge), r"kernel is float32 \(1048576, 1048576\), expected float16"),
        (in_place_of_the_first(a_group), "kernel is no array"),
        (in_place_of_the_first(nothing), "kernel is missing"),
        (in_place_of_the_first(no_numbers), "kernel holds values that are no numbers: the training has diverged"),
        (in_place_of_the_first(text), r"kernel is \|S1 "),
        (epoch(-1), "it is from epoch 0, 3 are stored"),
        (epoch(4), "it is from epoch 5, 3 are stored"),
        (epoch("first"), "does not say which epoch"),
        (epoch(1.5), "does not say which epoch"),
        (epoch([1, 2]), "does not say which epoch"),
        (epoch(None), "does not say which epoch"),
        (pipe, "is a pipe, an ordinary file was expected"),
        (link, "is a link, an ordinary file was expected"),
        (large, "has 1,000,000,000 bytes"),
        (lambda file: file.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50)), ""),
        (lambda file: file.write_bytes(b""), ""),
    ],
)
def test_weights_that_are_not_the_networks_are_a_sentence(stored, harm, said):
    file = stored.path / "best.h5"
    harm(file)
    with pytest.raises(StoreError, match=rf"best\.h5 is damaged or belongs to another network \(.*{said}.*Restore it"):
        load_best(stored)


def test_weights_under_the_name_of_earlier_versions_are_read(stored, model):
    (stored.path / "best.h5").rename(stored.path / "best.weights.h5")
    read, number = load_best(stored)
    assert number == 1
    for ours, theirs in zip(read.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize(
    "other", [{}, {"weight_000": np.ones((1, 2))}, {"weight_000": np.full((5, 5, 1, 2), "a")}], ids=str
)
def test_a_checkpoint_of_another_network_is_a_sentence(model, other):
    from labutils.training.backend import compiled_model

    with pytest.raises(StoreError, match=r"does not fit the network at .*Remove checkpoint/state\.npz"):
        restore(compiled_model(tiny_config(), 2, "float32"), other)
