"""Two epochs of small trainings, one for each feature, kept as numbers by `python tests/golden_helpers.py`.

They are written anew only when a training is to give other numbers than before. Beside each stands how far it may be
away on another processor, from how that training amplifies rounding.
"""

import json
from pathlib import Path

from helpers import tiny_config, tiny_dataset

from labutils.config import Augmentation, RunConfig
from labutils.data.dataset import Dataset
from labutils.runs.run import Run

FILE = Path(__file__).parent / "golden.json"
FEATURES: dict[str, dict] = {
    "plain": {},
    "dropout, seed, rate and batches": {"dropout": 0.5, "seed": 1, "learning_rate": 1e-4, "batch_size": 5},
    "batch normalization and spatial dropout": {"batch_norm": True, "spatial_dropout": 0.2},
    "augmentation": {"augmentation": Augmentation(rotation=20, shift=0.1, horizontal_flip=True)},
    "several classes": {"dataset": "x_ray"},
}
LEAST = 1e-4
"""Other versions of what multiplies matrices may move more than rounding alone; a fault moves ten times this."""


def settings(feature: str) -> tuple[RunConfig, Dataset]:
    """What is trained."""
    config = tiny_config(**FEATURES[feature])
    return config, tiny_dataset(classes=2 if config.dataset == "skin" else 3)


def numbers(run: Run) -> dict[str, list[float]]:
    """What is compared: the losses of each epoch."""
    return {name: [round(float(loss), 6) for loss in run.history[name]] for name in ("loss", "val_loss", "fixed_loss")}


def write() -> None:
    """Train every feature and keep its numbers."""
    from labutils.training.epoch import fit
    from labutils.training.verify import ROUNDING, measured_bands

    golden = {}
    for feature in FEATURES:
        config, dataset = settings(feature)
        run = fit(config, dataset, precision="float32", show=False).run
        band = float(measured_bands(run, dataset, "float32", ROUNDING["float32"])["loss"].max())
        golden[feature] = {**numbers(run), "band": max(LEAST, float(f"{band:.1g}"))}
    FILE.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
