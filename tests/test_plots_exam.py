"""The figures about the exam: what is drawn is what was found, lines are named at their ends, missing runs too."""

from dataclasses import replace
from itertools import pairwise

import pytest
from matplotlib.text import Annotation, Text

from labutils import plots
from labutils.audit.against import growth
from labutils.evaluate import flattery


@pytest.fixture
def drawn(monkeypatch):
    """The figures and alt texts of the test, in the order they were drawn."""
    kept = []
    monkeypatch.setattr("labutils.plots.figure.as_png", lambda figure, alt: kept.append((figure, alt)))
    return kept


def texts(figure):
    return [artist.get_text() for artist in figure.findobj(Text)]


def test_every_line_is_named_at_its_end_and_the_title_is_the_finding(drawn):
    found = replace(growth(), title="What was found")
    plots.accuracy_by_images(found)
    figure, alt = drawn[0]
    labels = {one.get_text(): one.xy[1] for one in figure.findobj(Annotation) if one.get_text()}
    assert set(labels) == {"AlexNet", "linear, forty numbers", "forest, forty numbers", "ceiling"}
    heights = sorted(labels.values())
    bottom, top = figure.axes[0].get_ylim()
    assert min(b - a for a, b in pairwise(heights)) >= 0.05 * (top - bottom), "names do not overlap"
    assert figure.get_suptitle() == "What was found" and alt.startswith("What was found.")
    forest = [step.simple["simple numbers, forest"].accuracy for step in found.steps if step.simple]
    shown = [list(line.get_ydata()) for line in figure.axes[0].get_lines()]
    assert forest in shown and [step.network.value for step in found.steps if step.network] in shown
    assert figure.axes[0].get_xscale() == "log" and "phantom" in alt
    for n in found.missing:
        assert f"{n:,}" in figure.axes[0].get_title(loc="left") and "no run yet with" in alt


def test_runs_whose_interval_holds_the_exam_are_marked(drawn):
    found = flattery("skin")
    plots.validation_against_exam(found)
    figure, alt = drawn[0]
    points = [line for line in figure.axes[0].get_lines() if line.get_marker() in ("o", "s")]
    counts = {line.get_marker(): len(line.get_xdata()) for line in points}
    assert counts == {"o": found.held, "s": len(found.rows) - found.held}
    assert f"interval holds it: {found.held}" in texts(figure)
    assert found.title in figure.get_suptitle() and alt.endswith(found.said.text)


def test_without_runs_a_sentence_stands_in_their_place(drawn, capsys):
    plots.accuracy_by_images(None)
    plots.validation_against_exam(flattery("skin", []))
    assert capsys.readouterr().out.count("no run to draw yet") == 2 and not drawn
