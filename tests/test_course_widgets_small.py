"""Small networks: which tasks have a playground, with what settings and images."""

import pytest

from labutils import lab
from labutils.course.widgets import small


def test_every_task_that_trains_has_a_playground():
    assert [task for task in lab.TITLES if task not in small.PLAYS] == ["task3", "task7"]


@pytest.mark.parametrize("task", small.PLAYS)
def test_the_run_of_a_playground_is_that_of_its_knobs(task):
    start = small.config_for(task)
    assert (start.image_size, start.batch_size, start.epochs) == (small.SIZE, small.BATCH, small.EPOCHS)
    for knob in small.PLAYS[task].knobs:
        for _, value in knob.choices:
            config = small.config_for(task, **{knob.name: value})
            assert knob.name in ("classes", "elementwise") or getattr(config, knob.name) == value


def test_images_are_few_small_and_balanced():
    skin = small.small_dataset("skin", "phantom")
    assert skin.x_train.shape == (400, 32, 32, 1) and skin.x_val.shape == (200, 32, 32, 1)
    assert skin.y_train.mean() == skin.y_val.mean() == 0.5
