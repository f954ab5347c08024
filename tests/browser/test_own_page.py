"""The page of results on one's own images, opened as a file: no kernel, no server, and its controls move."""

import pytest
from page_helpers import check_no_errors, check_no_violation, watch_errors
from use_helpers import move_controls

from labutils import audit, lab
from labutils.data import load_dataset
from labutils.runs.store import find
from labutils.tools import own


@pytest.fixture
def written(tmp_path, monkeypatch):
    """The page of two runs of the lab, and what it should begin with."""
    runs = {label: run for label, run in find(lab.runs("task1b")).items() if label != "lr 1e-6"}
    skin = load_dataset("skin", source="phantom", progress=False)
    judged, simple = audit.audit(skin), audit.baseline_table(skin)
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path))
    return own.write_page(skin, judged, simple, runs), runs


def test_the_page_of_results_moves(browser, written, axe):
    file, runs = written
    opened = browser.new_page()
    watch_errors(opened)
    asked = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(file.as_uri())
    opened.locator(".labutils").nth(len(runs)).wait_for()
    for box in opened.locator(".labutils").all():
        move_controls(opened, box)
    check_no_violation(opened, axe)
    check_no_errors(opened)
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}, "nothing is fetched"
    opened.close()


def test_without_scripts_its_words_are_there(browser, written):
    file, runs = written
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(file.as_uri())
    words = opened.locator(".labutils-alone").all_inner_texts()
    assert len(words) == len(runs) + 1 and words[0].startswith("lr 1e-4, epoch ") and "sensitivity" in words[-1]
    context.close()
