"""Weights and checkpoints that come from elsewhere: read from the file itself, of the network's shapes, or refused."""

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
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
OUTSIDE = h5py.ExternalLink("outside.h5", "/values")


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


def first_array(make: Callable) -> Callable[[Path], None]:
    """Put something else where the first array was; its values lie in other files too."""

    def harm(file: Path) -> None:
        outside = file.with_name("outside.h5")
        with h5py.File(file, "a") as archive:
            name = next(f"000/{layer}/{array}" for layer in archive["000"] for array in archive["000"][layer])
            values = archive[name][...]
            del archive[name]
            with h5py.File(outside, "w") as other:
                other["values"] = values
            outside.with_suffix(".raw").write_bytes(values.tobytes())
            make(archive, name, values, outside)

    return harm


def aliased(archive, name, values, outside):
    archive["elsewhere"] = values
    archive[name] = h5py.SoftLink("/elsewhere")


def stored_outside(archive, name, values, outside):
    raw = str(outside.with_suffix(".raw"))
    archive.create_dataset(name, values.shape, values.dtype, external=[(raw, 0, values.nbytes)])


def virtual(archive, name, values, outside):
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource(str(outside), "values", values.shape)
    archive.create_virtual_dataset(name, layout)


def array(value) -> Callable[[Path], None]:
    return first_array(lambda archive, name, values, _: archive.update({name: np.full(values.shape, value)}))


def epoch(value) -> Callable[[Path], None]:
    def harm(file: Path) -> None:
        with h5py.File(file, "a") as archive:
            del archive.attrs["epoch"]
            if value is not None:
                archive.attrs["epoch"] = value

    return harm


def replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
    return lambda file: (file.unlink(), make(file))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (first_array(lambda archive, name, *_: archive.update({name: OUTSIDE})), "kernel is a link"),
        (first_array(aliased), "kernel is a link"),
        (first_array(stored_outside), "kernel leads out of the file"),
        (first_array(virtual), "kernel leads out of the file"),
        (
            first_array(lambda archive, name, *_: archive.create_dataset(name, (2**20, 2**20), "f4", chunks=(9, 9))),
            r"kernel is float32 \(1048576, 1048576\), expected float16",
        ),
        (first_array(lambda archive, name, *_: archive.create_group(name)), "kernel is no array"),
        (first_array(lambda *_: None), "kernel is missing"),
        (array(np.float16("nan")), "kernel holds values that are no numbers: the training has diverged"),
        (array(b"a"), r"kernel is \|S1 "),
        (epoch(-1), "it is from epoch 0, 3 are stored"),
        (epoch(4), "it is from epoch 5, 3 are stored"),
        *((epoch(value), "does not say which epoch") for value in ("first", 1.5, [1, 2], None)),
        (replaced(os.mkfifo), "is a pipe, an ordinary file was expected"),
        (replaced(lambda file: file.symlink_to("/dev/zero")), "is a link, an ordinary file was expected"),
        (lambda file: os.truncate(file, 10**9), "has 1,000,000,000 bytes"),
        (lambda file: file.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50)), ""),
        (lambda file: file.write_bytes(b""), ""),
    ],
)
def test_weights_that_are_not_the_networks_are_a_sentence(stored, harm, said):
    file = stored.path / "best.h5"
    harm(file)
    with pytest.raises(StoreError, match=rf"best\.h5 is damaged or belongs to another network \(.*{said}.*Restore it"):
        load_best(stored)


def test_weights_beyond_float16_are_kept(model, tmp_path):
    from labutils.training.backend import compiled_model

    model = compiled_model(tiny_config(batch_norm=True), 2, "float32")
    variable = next(v for v in model.weights if "moving_variance" in v.path)
    variable.assign(np.full(variable.shape, 1e6))
    with (tmp_path / "best.h5").open("wb") as file:
        write_weights(model, file, 0)
    with h5py.File(tmp_path / "best.h5") as archive:
        kept = [archive[f"{i:03d}/{v.path}"][...] for i, v in enumerate(model.weights)]
    assert {k.dtype.itemsize for k in kept} == {2, 4} and max(k.max() for k in kept) == 1e6


@pytest.mark.parametrize(
    "other", [{}, {"weight_000": np.ones((1, 2))}, {"weight_000": np.full((5, 5, 1, 2), "a")}], ids=str
)
def test_a_checkpoint_of_another_network_is_a_sentence(model, other):
    from labutils.training.backend import compiled_model

    with pytest.raises(StoreError, match=r"does not fit the network at .*Remove checkpoint/state\.npz"):
        restore(compiled_model(tiny_config(), 2, "float32"), other)
