"""What a training starts from and leaves: images that fit its settings, the numbers to go on from, the best weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.errors import StoreError
from labutils.runs.disk import open_regular
from labutils.runs.run import Run

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the run, the state to go on from, and the best weights as HDF5, None if as before."""

    run: Run
    checkpoint: dict[str, np.ndarray]
    best_weights: bytes | None


def check_dataset(config: RunConfig, dataset: Dataset) -> None:
    """Refuse images that are not those the settings speak of, with a ValueError."""
    found = {"dataset": dataset.name, "image_size": dataset.image_size, "channels": dataset.channels}
    for name, got in found.items():
        if got != (asked := getattr(config, name)):
            raise ValueError(f"The images have {name} {got!r}, the run asks for {asked!r}: load them with the same.")
    for name, n in (("n_train", len(dataset.y_train)), ("n_val", len(dataset.y_val))):
        if (asked := getattr(config, name)) not in (None, n):
            raise ValueError(f"There are {n} images, the run's {name} is {asked}: load them with the same.")


def state_of(model: "keras.Model") -> dict[str, np.ndarray]:
    """All numbers that the next epoch depends on: weights and the optimizer's."""
    return {name: _numpy(variable) for name, variable in _numbered(model)}


def restore(model: "keras.Model", state: dict[str, np.ndarray]) -> None:
    """Put back what `state_of` returned; a StoreError if it belongs to another network."""
    for name, variable in _numbered(model):
        saved = state.get(name)
        if saved is None or saved.shape != tuple(variable.shape) or saved.dtype.kind not in "fiu":
            raise StoreError(
                f"The checkpoint does not fit the network at {variable.path}. Remove checkpoint/state.npz in the "
                "run's folder: its stored epochs stay, and a longer training starts again from the first epoch."
            )
        variable.assign(saved)


def write_weights(model: "keras.Model", file: BinaryIO, epoch: int) -> None:
    """Write the weights and the epoch's index as HDF5: an array per variable, float16 unless it does not fit."""
    import h5py

    with h5py.File(file, "w") as archive:
        archive.attrs["epoch"] = epoch
        for i, variable in enumerate(model.weights):
            values = _numpy(variable)
            # A training that diverges may have moving averages that float16 cannot hold.
            values = values.astype(np.float16) if np.abs(values).max() < np.finfo(np.float16).max else values
            archive.create_dataset(f"{i:03d}/{variable.path}", data=values)


def read_weights(model: "keras.Model", file: Path) -> int:
    """Put the weights that `write_weights` wrote into a network of the same shape; their epoch (from 0) comes back.

    Only arrays in the file itself are read: HDF5 may lead to other files. A ValueError or OSError says what is wrong.
    """
    import h5py

    most = 4 * sum(int(np.prod(variable.shape)) for variable in model.weights)
    with open_regular(file, 2 * most + 1_000_000), h5py.File(file, "r") as archive:
        weights = [
            _array_inside(archive, f"{i:03d}/{variable.path}", tuple(variable.shape))
            for i, variable in enumerate(model.weights)
        ]
        epoch = archive.attrs.get_id("epoch") if "epoch" in archive.attrs else None
        if epoch is None or epoch.shape != () or epoch.dtype.kind not in "iu":
            raise ValueError("it does not say which epoch it is from")
        number = int(archive.attrs["epoch"])
    for variable, values in zip(model.weights, weights, strict=True):
        variable.assign(values)
    return number


def _array_inside(archive: Any, path: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array of weights that lies in this HDF5 file, float32."""
    import h5py

    found = archive
    for name in path.split("/"):
        link = found.get(name, getlink=True) if isinstance(found, h5py.Group) else None
        if link is None:
            raise ValueError(f"{path} is missing")
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{path} is a link")
        found = found[name]
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"{path} is no array")
    if found.is_virtual or found.external:
        raise ValueError(f"{path} leads out of the file")
    if found.shape != shape or found.dtype.kind != "f" or found.dtype.itemsize > 4:
        raise ValueError(f"{path} is {found.dtype} {found.shape}, expected float16 or float32 {shape}")
    values = found[...].astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError(f"{path} holds values that are no numbers: the training has diverged")
    return values


def _numbered(model: "keras.Model") -> Iterator[tuple[str, Any]]:
    for prefix, variables in (("weight", model.weights), ("optimizer", model.optimizer.variables)):
        for i, variable in enumerate(variables):
            yield f"{prefix}_{i:03d}", variable


def _numpy(variable: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(variable))
