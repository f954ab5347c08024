"""Small networks: the phenomena that the playgrounds promise really show, and a run can be paused and stopped."""

import numpy as np
import pytest

from labutils.course.widgets import small


@pytest.fixture(scope="module")
def skin():
    return small.small_dataset("skin", "phantom")


@pytest.fixture(scope="module")
def networks():
    return small.Networks()


KEPT = {}
"""Runs that more than one test looks at."""


def run(task, dataset, networks, epochs, **chosen):
    """The first epochs of a playground's run; a knob is given by the words of its choice."""
    play = small.PLAYS[task]
    places = {
        knob.name: [words for words, _ in knob.choices].index(chosen[knob.name])
        for knob in play.knobs
        if knob.name in chosen
    }
    settings = small.settings_for(task, places)
    if (settings, epochs) not in KEPT:
        done = []
        KEPT[settings, epochs] = small.train_small(
            settings, dataset, done.append, should_stop=lambda: len(done) >= epochs, networks=networks
        )
    return KEPT[settings, epochs]


def end(history, name):
    """The mean of the last five epochs: one epoch of a small network is noise."""
    return float(np.mean(history[name][-5:]))


def test_every_task_that_trains_has_a_playground():
    from labutils import lab

    assert [task for task in lab.TITLES if task not in small.PLAYS] == ["task3", "task7"]


@pytest.mark.parametrize("task", small.PLAYS)
def test_settings_are_those_of_the_controls(task):
    settings = small.settings_for(task)
    assert settings.config.image_size == small.SIZE and settings.config.batch_size == small.BATCH
    for knob in small.PLAYS[task].knobs:
        for place, (words, value) in enumerate(knob.choices):
            changed = small.settings_for(task, {knob.name: place})
            assert words in small.settings_in_words(task, {knob.name: place})
            where = changed if knob.name in ("classes", "elementwise") else changed.config
            assert getattr(where, knob.name) == value


def test_images_are_few_small_and_balanced(skin):
    assert skin.x_train.shape == (400, 48, 48, 1) and skin.x_val.shape == (200, 48, 48, 1)
    assert skin.y_train.mean() == skin.y_val.mean() == 0.5


def test_rates_stall_learn_and_die(skin, networks):
    """Task 1B: 1e-5 hardly starts, 3e-3 learns and then over-fits, 1e-1 jumps off and never learns.

    When the validation loss is lowest differs from processor to processor; how far it is from the training loss at
    the end does not.
    """
    stalls = run("task1b", skin, networks, 4, learning_rate="1e-5")
    assert min(stalls["loss"]) > 0.67
    learns = run("task1b", skin, networks, small.EPOCHS, learning_rate="3e-3")
    assert max(learns["val_accuracy"]) > 0.7 and min(learns["val_loss"]) < 0.6
    assert end(learns, "val_loss") > end(learns, "loss") + 0.1 and end(learns, "accuracy") > 0.8
    dies = run("task1b", skin, networks, 4, learning_rate="1e-1")
    assert dies["loss"][0] > 0.8 and abs(dies["loss"][-1] - np.log(2)) < 0.1
    assert abs(dies["val_accuracy"][-1] - 0.5) <= 0.1


def test_dropout_closes_the_gap(skin, networks):
    """Task 5A: the gap in loss at the end, on training images measured as they went by.

    Whether so much dropout learns at all within thirty epochs depends on the processor; the gap does not.
    """
    without, dropped = (run("task5a", skin, networks, small.EPOCHS, dropout=rate) for rate in ("0", "0.8"))
    gaps = [end(history, "val_loss") - end(history, "loss") for history in (without, dropped)]
    assert gaps[1] < 0.5 * gaps[0] and gaps[0] > 0.1, gaps


def test_batch_norm_starts_fast_and_validation_waits(skin, networks):
    """Task 5B: after five epochs the training images are learned, which takes the other network far longer."""
    normed = run("task5b", skin, networks, 5, batch_norm="on")
    plain = run("task5b", skin, networks, 5, batch_norm="off")
    assert normed["loss"][-1] < 0.5 * plain["loss"][-1]
    assert normed["val_accuracy"][-1] < normed["accuracy"][-1] - 0.1


def test_element_wise_accuracy_is_high_before_anything_is_learned(networks):
    """Task 4: one yes or no per class is right eight times of nine by saying no."""
    x_ray = small.small_dataset("x_ray", "phantom")
    history = run("task4", x_ray, networks, 1, elementwise="one yes or no per class")
    assert history["val_elementwise"][0] > 0.85 > history["val_accuracy"][0]
    three = small.first_classes(x_ray, 3)
    assert three.class_names == x_ray.class_names[:3] and set(three.y_train) == {0, 1, 2} == set(three.y_val)


def test_a_run_pauses_goes_on_and_stops(skin, networks):
    asked, grown = [], []

    def pausing():
        asked.append(len(grown))
        return asked.count(1) in (1, 2)  # twice after the first epoch

    history = small.train_small(
        small.settings_for("task1b"), skin, grown.append, pausing, lambda: len(grown) >= 3, networks
    )
    assert asked.count(1) == 3 and [len(h["loss"]) for h in grown] == [1, 2, 3]
    assert all(len(values) == 3 for values in history.values())


def test_a_warm_network_gives_the_run_of_a_new_one(skin):
    def one_epoch(networks):
        done = []
        return small.train_small(settings, skin, done.append, should_stop=lambda: bool(done), networks=networks)

    settings = small.settings_for("task1b", {"learning_rate": 5})
    new = one_epoch(small.Networks())
    warm = small.Networks()
    warm.warm_up(small.settings_for("task1b", {"learning_rate": 8}), skin)
    assert np.allclose(new["val_loss"], one_epoch(warm)["val_loss"], atol=2e-4)
    assert np.allclose(new["val_loss"], one_epoch(warm)["val_loss"], atol=2e-4), "a second run begins anew"


def test_a_generator_of_the_readers_changes_every_image(skin, networks):
    seen = []

    def generator(image, rng):
        seen.append(rng.random())
        return image[::-1]

    settings = small.settings_for("task8", {"augmentation": 4}, generator)
    done = []
    small.train_small(settings, skin, done.append, should_stop=lambda: bool(done), networks=networks)
    assert len(seen) == 400 and len(set(seen)) == 400
