"""What a student sees: every notebook in JupyterLab, every control moved with mouse and keys, no error anywhere.

`make test-browser` runs everything; `pytest tests/browser -k "not other"` leaves out most of the notebooks. Screenshots
lie in the folder that `LABUTILS_SCREENSHOTS` names, if it names one.
"""

import pytest
from page_helpers import change_theme, check_no_errors, check_no_violation, open_notebook, picture, run_all
from use_helpers import answer_questions, use_everything

from labutils import lab as tasks
from labutils import paths

NOTEBOOKS = sorted(path.stem for path in paths.notebooks_dir().glob("*.ipynb") if path.stem in tasks.NOTEBOOKS)
FIRST = ("task1b", "task3", "task5a", "task7")
"""Notebooks that between them have every kind of control."""
TOO_WIDE = """() => [...document.querySelectorAll(".labutils, .labutils-still, .jp-RenderedHTMLCommon")]
  .filter((x) => x.scrollWidth > x.clientWidth + 1)
  .filter((x) => getComputedStyle(x.closest(".jp-OutputArea-output") ?? x).overflowX === "visible")
  .map((x) => x.outerHTML.slice(0, 120))"""


def try_notebook(page, lab, axe, name):
    open_notebook(page, lab, f"{name}.ipynb")
    run_all(page)
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


def test_axe_is_here(axe):
    if axe is None:
        pytest.skip("axe-core could not be fetched with npm: accessibility was not checked (apt-get install npm)")


def test_tasks_have_notebooks():
    assert set(tasks.TITLES) <= set(NOTEBOOKS)
