"""What a training costs, before it begins."""

import pytest
from helpers import tiny_config

from labutils.models import describe
from labutils.training import cost


@pytest.fixture
def speed(monkeypatch):
    """A machine of exactly a billion operations a second."""
    monkeypatch.setattr(cost, "_product_speed", lambda: 1e9)


def test_a_step_is_one_way_forward_and_two_back():
    config = tiny_config()
    assert cost.training_flops(config) == 6 * describe(config, 2).multiply_adds


@pytest.mark.parametrize(("epochs", "images"), [(1, 100), (10, 100), (1, 1000)])
def test_seconds_grow_with_epochs_and_images(speed, epochs, images):
    one = cost.estimate_seconds(tiny_config(epochs=1), 100)
    assert one > 0
    estimated = cost.estimate_seconds(tiny_config(epochs=epochs), images)
    assert estimated == pytest.approx(one * epochs * images / 100)
