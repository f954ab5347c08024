"""The lines that notebooks call, on a few small images as in quick live runs: they show words, and need no widget."""

import pytest
from helpers import made_up_run, tiny_config, tiny_dataset

from labutils.course import widgets


@pytest.fixture
def shown(monkeypatch):
    kept = []
    monkeypatch.setattr("IPython.display.display", lambda item, **kwargs: kept.append(item))
    return kept


@pytest.mark.parametrize("classes", [2, 9])
@pytest.mark.parametrize(
    "line",
    [
        lambda run, data: widgets.epoch_scrubber({"a": run, "b": run}, data),
        lambda run, data: widgets.against_network(run, data),
        lambda run, data: widgets.equal_time({"a": run}),
        lambda run, data: widgets.drop_map(data),
        lambda run, data: widgets.architecture_strip(run.config, data.n_classes, run, data),
        lambda run, data: widgets.break_the_network(run, data),
        lambda run, data: widgets.monte_carlo_dropout(run, data),
        lambda run, data: widgets.threshold(run),
    ],
)
def test_a_line_shows_its_words_and_asks_for_nothing(shown, line, classes):
    data = tiny_dataset(classes=classes, n_val=18)
    config = tiny_config() if classes == 2 else tiny_config(dataset="x_ray")
    line(made_up_run(config, data), data)
    assert shown and all(item["text/plain"].strip() and item["text/html"] for item in shown)
    assert not any("widget-view" in str(list(item)) for item in shown)
