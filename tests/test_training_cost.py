"""What a training costs, before it begins: a step is one way forward and two back, on every image of every epoch."""

import pytest
from helpers import tiny_config

from labutils.models import describe
from labutils.training import cost


@pytest.mark.parametrize(("epochs", "images"), [(1, 100), (10, 100), (1, 1000)])
def test_seconds_are_the_operations_by_half_of_what_a_product_reaches(monkeypatch, epochs, images):
    monkeypatch.setattr(cost, "_product_speed", lambda: 1e9)
    config = tiny_config(epochs=epochs)
    operations = 6 * describe(config, 2).multiply_adds * epochs * images
    assert cost.estimate_seconds(config, images) == pytest.approx(operations / 0.5e9)
