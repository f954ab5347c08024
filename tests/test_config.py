"""Settings of a run: what is allowed, what it is called, and which runs are the same."""

import json
import re

import pytest
from helpers import tiny_config

from labutils import paths
from labutils.config import Augmentation, RunConfig, as_list
from labutils.errors import ParameterError


def settings(**changes):
    return {"dataset": "skin", "model": "vgg16", "learning_rate": 1e-5, "epochs": 100, **changes}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("learning_rate", 0, "lr (learning_rate) is 0: it must be a number above 0 and at most 1"),
        ("learning_rate", "abc", "lr (learning_rate) is 'abc': it must be a number"),
        ("learning_rate", "1e-5", "write 1.0e-05 with a decimal point"),
        ("learning_rate", True, "lr (learning_rate) is True"),
        ("learning_rate", float("nan"), "lr (learning_rate) is nan"),
        ("epochs", -1, "n_epoch (epochs) is -1: it must be a whole number from 1"),
        ("epochs", 2.5, "n_epoch (epochs) is 2.5"),
        ("epochs", "10", "n_epoch (epochs) is '10'"),
        ("batch_size", 0, "batch_s (batch_size) is 0"),
        ("image_size", 7, "image_size is 7: it must be a whole number from 32 to 1024"),
        ("dropout", 1, "dropout is 1: it must be a rate, at least 0 and below 1"),
        ("channels", 2, "channels is 2: it must be 1 (grey) or 3 (colour)"),
        ("dataset", "../brain", "dataset is '../brain': it must be skin, bone or x_ray, or the name of a folder"),
        ("dataset", 3, "dataset is 3: it must be skin, bone or x_ray"),
        ("seed", -1, "seed is -1"),
        ("dense", (), "dense is ()"),
        ("dense", (64, 0), "dense is (64, 0)"),
        ("rate", 1, "rate is not a setting of a run; there are dataset, model"),
    ],
)
def test_a_bad_value_is_refused_in_one_sentence_that_names_it(name, value, shown):
    with pytest.raises(ParameterError) as caught:
        RunConfig(**settings(**{name: value}))
    assert shown in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value._render_traceback_() == [f"ParameterError: {caught.value}"]


def test_the_keys_of_stored_runs_stay():
    folders = list((paths.ROOT / "results" / "runs").glob("*/config.json"))
    assert folders
    for file in folders:
        values = json.loads(file.read_text(encoding="utf-8"))
        config = RunConfig(**{name: values[name] for name in RunConfig.model_fields if name in values})
        assert file.parent.name.startswith(f"{config.slug}-{config.key}-")


def test_a_missing_setting_is_named():
    with pytest.raises(ParameterError, match="model is missing: give lenet, alexnet or vgg16"):
        RunConfig(dataset="skin", learning_rate=1e-5, epochs=1)


CHANGES = {"dataset": "bone", "model": "alexnet", "learning_rate": 1.1e-5, "batch_size": 9, "n_base": 9, "seed": 1}
CHANGES |= {"dense": (64, 63), "dropout": 0.1, "batch_norm": True, "spatial_dropout": 0.1, "image_size": 64}
CHANGES |= {"channels": 3, "n_train": 10, "n_val": 10, "augmentation": Augmentation(shift=0.1)}


@pytest.mark.parametrize("name", RunConfig.model_fields)
def test_every_other_setting_makes_another_run(name):
    first, other = RunConfig(**settings()), RunConfig(**settings(**{name: CHANGES.get(name, 150)}))
    assert (other.key == first.key) == (name == "epochs"), "a longer run is the same run"
    assert other.slug != first.slug or name in ("epochs", "learning_rate")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"dense": (64, 64)}, {}),
        ({"dense": [64, 64]}, {}),
        ({"augmentation": {"shift": 0.1}}, {"augmentation": Augmentation(shift=0.1)}),
        ({"dataset": "Skin"}, {}),
        ({"dataset": "X-ray"}, {"dataset": "x_ray"}),
        ({"dataset": "Chest 2"}, {"dataset": "chest_2"}),
    ],
)
def test_the_same_run_asked_for_in_two_ways_is_one_run(one, other):
    assert RunConfig(**settings(**one)) == RunConfig(**settings(**other))
    assert RunConfig(**settings(**one)).key == RunConfig(**settings(**other)).key


def test_the_longest_name_can_be_a_folder_everywhere():
    long = {"learning_rate": 0.000123456789, "dropout": 0.123456789, "spatial_dropout": 0.123456789, "n_base": 1024}
    long |= {"dataset": "x_ray", "model": "alexnet", "dense": (1024, 512, 128), "batch_norm": True, "channels": 3}
    long |= {"augmentation": Augmentation(rotation=90), "batch_size": 65_536, "image_size": 1024}
    slug = tiny_config(**long, n_train=100_000, n_val=100_000, seed=2**31 - 1).slug
    assert re.fullmatch(r"[a-z0-9_.-]+", slug) and len(slug) < 140


def test_a_copy_is_checked_like_a_new_one():
    config = RunConfig(**settings())
    assert config.with_(epochs=3).epochs == 3
    assert config.with_(model="lenet").dense == (128,)
    with pytest.raises(ParameterError, match=r"n_epoch \(epochs\) is 0"):
        config.with_(epochs=0)


@pytest.mark.parametrize(("value", "several"), [(1e-5, [1e-5]), ([1, 2], [1, 2]), ("skin", ["skin"])])
def test_one_value_or_several(value, several):
    assert as_list(value) == several
