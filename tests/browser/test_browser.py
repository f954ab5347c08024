"""What a student sees: every notebook in JupyterLab, every control moved with mouse and keys, no error anywhere.

`make test-browser` runs everything; `pytest tests/browser -k "not other"` leaves out most of the notebooks. Screenshots
lie in the folder that `LABUTILS_SCREENSHOTS` names, if it names one.
"""

import itertools

import nbformat
import pytest
from page_helpers import (
    POLL,
    SCROLL,
    change_theme,
    check_no_errors,
    check_no_violation,
    controls_notebook,
    open_again,
    open_notebook,
    picture,
    run_all,
)
from use_helpers import answer_questions, use_everything

from labutils import lab as tasks
from labutils import paths
from labutils.course import cells

NOTEBOOKS = sorted(path.stem for path in paths.notebooks_dir().glob("*.ipynb") if path.stem in tasks.NOTEBOOKS)
FIRST = ("task1b", "task3", "task5a", "task7")
"""Notebooks that between them have every kind of control."""
SCREENS = 10
"""Of 1280 by 900 pixels with JupyterLab's own bars, at most, down to what is folded away under *Going further*."""
LESSON = """() => {
  const box = window.jupyterapp.shell.currentWidget.content.outerNode;
  const cells = [...box.querySelectorAll(".jp-Cell")];
  const last = cells.find((x) => x.innerText.trim().startsWith("Going further")) ?? cells.at(-1);
  const line = box.querySelector(".cm-line").getBoundingClientRect().height;
  return [last.getBoundingClientRect().bottom - cells[0].getBoundingClientRect().top, line, box.clientHeight];
}"""
"""How high a lesson is, a line of its code, and a screen."""
TOO_WIDE = """() => [...document.querySelectorAll(".labutils, .labutils-still, .jp-RenderedHTMLCommon")]
  .filter((x) => x.scrollWidth > x.clientWidth + 1)
  .filter((x) => getComputedStyle(x.closest(".jp-OutputArea-output") ?? x).overflowX === "visible")
  .map((x) => x.outerHTML.slice(0, 120))"""


def screens(page, name):
    """How many screens a student reads: a copy has no solution in it."""
    page.evaluate(SCROLL, 0)
    pixels, line, screen = page.evaluate(LESSON)
    sources = [cell.source for cell in nbformat.read(paths.notebooks_dir() / f"{name}.ipynb", 4).cells]
    read = itertools.takewhile(lambda source: not source.startswith("## Going further"), sources)
    solved = [source for source in read if cells.BEGIN in source]
    lines = sum(len(x.splitlines()) - len(cells.without_solution(x).splitlines()) for x in solved)
    print(f"{name}: {(pixels - line * lines) / screen:.2f} screens")
    return (pixels - line * lines) / screen


def try_notebook(page, lab, axe, name):
    open_notebook(page, lab, f"{name}.ipynb")
    run_all(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    assert screens(page, name) <= SCREENS, "longer than a lesson"
    page.set_viewport_size({"width": 1200, "height": 1400})
    picture(page, name)
    used = use_everything(page)
    assert used or name in ("index", "own"), "every notebook has something to do"
    answer_questions(page)
    check_no_violation(page, axe)
    page.set_viewport_size({"width": 1000, "height": 1400})
    assert page.evaluate(TOO_WIDE) == []
    change_theme(page, "Dark")
    picture(page, f"{name}-used-narrow-dark")
    change_theme(page, "Light")
    check_no_errors(page)


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name in FIRST])
def test_a_notebook(page, lab, axe, name):
    try_notebook(page, lab, axe, name)


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name not in FIRST])
def test_the_other_notebooks(page, lab, axe, name):
    try_notebook(page, lab, axe, name)


def test_an_answered_question_is_there_when_its_notebook_is_opened_again(page, lab, axe):
    """Without a kernel: what was asked, what was chosen, and what the runs said; no control that is gone."""
    cells = "from labutils import course", 'course.ask("task1b", 1)', 'course.ask("task7", 1)'
    name = controls_notebook(lab, more=cells)
    open_notebook(page, lab, name)
    run_all(page)
    box = page.locator(".labutils[role=radiogroup]").first
    box.get_by_role("button", name="Commit").click()
    assert "Choose one, then commit." in box.inner_text() and page.locator(".labutils-still:visible").count() == 0
    assert answer_questions(page) == 2
    check_no_violation(page, axe)
    boxes = page.locator(".labutils[role=radiogroup]").all()
    said = [box.get_by_role("status").inner_text() for box in boxes]
    chosen = [box.locator("label").nth(1).inner_text().strip() for box in boxes]
    open_again(page, lab, name)
    for still, lines, choice in zip(page.locator(".labutils-still").all(), said, chosen, strict=True):
        assert f"{choice} (you said)" in still.inner_text()
        assert all(line in still.inner_text() for line in filter(None, lines.splitlines()))
    page.wait_for_selector("text=Error displaying widget", state="attached")  # and out of sight
    page.wait_for_function("!document.body.innerText.match(/Error displaying widget|Loading widget/)", polling=POLL)
    picture(page, "questions-reopened")


COLUMNS_IN_SIGHT = """(table) => {
  const box = table.closest("[style*=overflow-x]").getBoundingClientRect();
  const heads = [...table.querySelectorAll("thead tr:first-child th")].slice(1);
  return heads.filter((x) => x.getBoundingClientRect().right <= box.right + 1).length;
}"""


def test_a_card_shows_a_picture_a_sentence_and_a_verdict_and_the_rest_on_a_click(page, lab, axe):
    cells = (
        "from labutils import evaluate, training",
        "from labutils.runs.store import find",
        'evaluate.card(find(lab.runs("task5a")), skin, task="task5a", said="no dropout")',
    )
    open_notebook(page, lab, controls_notebook(lab, more=cells))
    page.set_viewport_size({"width": 1000, "height": 1400})
    run_all(page)
    card = page.locator(".labutils-card")
    assert "The report says" in card.inner_text() and card.locator("[title^='C11: ']").count() == 1
    details = page.locator(".labutils-details")
    assert details.locator("table").count() > 3 and details.locator("table:visible").count() == 0
    assert "(you said)" in page.locator(".jp-OutputArea img").get_attribute("alt")
    picture(page, "card")
    details.locator("summary").first.press("Enter")
    page.wait_for_selector(".labutils-details table:visible")
    counts = [table.evaluate(COLUMNS_IN_SIGHT) for table in details.locator("table").all()]
    assert max(counts) <= 7, counts
    assert page.evaluate(TOO_WIDE) == []
    check_no_violation(page, axe)
    picture(page, "card-open")
    change_theme(page, "Dark")
    picture(page, "card-open-dark")
    change_theme(page, "Light")
    check_no_errors(page)
