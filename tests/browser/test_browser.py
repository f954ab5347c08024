"""What a student sees: every notebook in JupyterLab, every control moved with mouse and keys, no error anywhere.

`make test-browser` runs everything; `pytest tests/browser -k "not other"` leaves out most of the notebooks. Screenshots
lie in the folder that `LABUTILS_SCREENSHOTS` names, if it names one.
"""

import os
import re
from pathlib import Path

import nbformat
import pytest

from labutils import lab as tasks
from labutils import paths

NOTEBOOKS = sorted(path.stem for path in paths.notebooks_dir().glob("*.ipynb") if path.stem in tasks.NOTEBOOKS)
FIRST = ("task1b", "task3", "task5a", "task7")
"""Notebooks that between them have every kind of control."""
HARMLESS = re.compile(r"favicon|Failed to load resource|ResizeObserver|vega|kernel-metadata", re.I)
READY = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return context?.isReady && context.session?.kernel?.status === "idle";
}"""
RUN_ALL = """async (limit) => {
  const done = window.jupyterapp.commands.execute("notebook:run-all-cells");
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error("still running")), limit));
  await Promise.race([done, late]);
}"""
SAYS = """(box) => [...box.querySelectorAll("[role=status], img, svg polyline, svg circle, table, canvas")]
  .map((x) => x.textContent + (x.src ?? x.getAttribute("points") ?? x.getAttribute("aria-label") ?? "")).join()"""
CHANGED = f"([box, before]) => ({SAYS})(box) !== before"
SERIOUS = """async () => {
  const parts = [...document.querySelectorAll(".labutils, .labutils-still, .jp-OutputArea img")];
  const found = parts.length ? (await axe.run(parts)).violations : [];
  const serious = found.filter((v) => ["serious", "critical"].includes(v.impact));
  return serious.map((v) => [v.id, v.nodes[0].html.slice(0, 200)]);
}"""
TOO_WIDE = """() => [...document.querySelectorAll(".labutils, .labutils-still, .jp-RenderedHTMLCommon")]
  .filter((x) => x.scrollWidth > x.clientWidth + 1)
  .filter((x) => getComputedStyle(x.closest(".jp-OutputArea-output") ?? x).overflowX === "visible")
  .map((x) => x.outerHTML.slice(0, 120))"""
IMPORTS = """
from labutils import lab, widgets
from labutils.data import load_dataset
from labutils.runs.store import RunStore
skin = load_dataset("skin", source="phantom")
run = RunStore().find(lab.runs("task1b")["lr 1e-5"], skin.fingerprint)
"""
CONTROLS = {
    "playground": 'widgets.playground("task1b", source="phantom")',
    "scrubber": 'widgets.epoch_scrubber({"lr 1e-5": run}, skin)',
    "threshold": "widgets.threshold(run)",
    "contest": "widgets.against_network(run, skin, n=4)",
    "winner": "widgets.winners_curse()",
    "maps": "widgets.drop_map(skin)",
    "norm": "widgets.norm_view()",
    "equal time": 'widgets.equal_time({"lr 1e-5": run})',
    "breaking": "widgets.break_the_network(run, skin)",
    "features": "widgets.feature_maps(run, skin)",
    "range": 'widgets.lr_range_test(source="phantom")',
}


def open_notebook(page, lab, name):
    page.goto(f"{lab.url}/lab/tree/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_function(READY)


def run_all(page, limit=300_000):
    """Run every cell, and wait until the last one has ended and no control is loading."""
    page.evaluate(RUN_ALL, limit)
    page.wait_for_function("!document.querySelector('.labutils[data-status=loading]')")


def picture(page, name):
    folder = os.environ.get("LABUTILS_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def check_no_errors(page):
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts() == []
    assert page.locator(".jp-OutputArea-output .ansi-red-fg").count() == 0
    assert page.locator(".labutils", has_text="Error:").all_inner_texts() == []
    assert [error for error in page.errors if not HARMLESS.search(error)] == []


def check_no_violation(page, axe):
    if axe:
        page.evaluate(axe)
        assert page.evaluate(SERIOUS) == []


def controls_notebook(lab, *names, more=()):
    sources = [IMPORTS, *(CONTROLS[name] for name in names), *more]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    file = f"controls-{len(names)}-{names[0]}.ipynb"
    nbformat.write(notebook, lab.folder / file)
    return file


def act(page, box, action):
    """Do something to a control, and wait until it shows something else."""
    before = box.evaluate(SAYS)
    action()
    page.wait_for_function(CHANGED, arg=[box.element_handle(), before])


def move_slider(page, box, slider):
    """One step with a key, and to another place with the mouse; what stands beside it says so."""
    there = slider.get_attribute("aria-valuetext")
    at_end = slider.input_value() == slider.get_attribute("max")
    slider.focus()
    act(page, box, lambda: page.keyboard.press("ArrowLeft" if at_end else "ArrowRight"))
    stepped = slider.get_attribute("aria-valuetext")
    assert stepped != there
    size = slider.bounding_box()
    share = 0.25 if int(slider.input_value()) > int(slider.get_attribute("max")) / 2 else 0.75
    act(page, box, lambda: slider.click(position={"x": size["width"] * share, "y": size["height"] / 2}))
    assert slider.get_attribute("aria-valuetext") != stepped


def move_controls(page, box):
    """Every slider, menu and box of one control, one after the other."""
    for slider in box.locator("input[type=range]:enabled").all():
        if slider.get_attribute("max") != "0":
            move_slider(page, box, slider)
    for menu in box.locator("select:enabled").all():
        if menu.locator("option").count() > 1:
            menu.focus()
            act(page, box, lambda: page.keyboard.press("ArrowDown"))
            act(page, box, lambda menu=menu: menu.select_option(index=0))
    for tick in box.locator("input[type=checkbox]").all():
        act(page, box, tick.click)
        tick.focus()
        act(page, box, lambda: page.keyboard.press("Space"))


def try_playground(page, box):
    """Move its knobs, train an epoch or two, pause, and go back."""
    for slider in box.locator("input[type=range]").all():
        before = slider.get_attribute("aria-valuetext")
        key = "ArrowLeft" if slider.input_value() == slider.get_attribute("max") else "ArrowRight"
        slider.focus()
        page.keyboard.press(key)
        assert slider.get_attribute("aria-valuetext") != before
        page.keyboard.press("ArrowRight" if key == "ArrowLeft" else "ArrowLeft")
        assert slider.get_attribute("aria-valuetext") == before
    for menu in box.locator("select").all():
        menu.select_option(index=menu.locator("option").count() - 1)
        menu.select_option(index=0)
    box.get_by_role("button", name="Train").click()
    page.wait_for_function("(box) => /after \\d+ epoch/.test(box.innerText)", arg=box.element_handle())
    box.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".labutils[data-status=paused]")
    box.get_by_role("button", name="Reset").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".labutils[data-status=ready]")


def answer_contest(page, box):
    """Every image of a contest, the first with the mouse and the others with keys."""
    act(page, box, box.get_by_role("button").first.click)
    box.focus()
    for _ in range(30):
        if "McNemar" in box.locator("[role=status]").inner_text():
            return
        page.keyboard.press("1")
    pytest.fail("the contest does not end")


def use_everything(page):
    """Use every control on the page, from the top; give how many there were."""
    boxes = page.locator(".labutils[role=group]").all()
    for box in boxes:
        box.scroll_into_view_if_needed()
        title = box.get_attribute("aria-label")
        if box.get_attribute("data-status"):
            try_playground(page, box)
        elif title == "You against the network":
            answer_contest(page, box)
        else:
            move_controls(page, box)
    return len(boxes)


def answer_questions(page):
    """Choose the first answer of every question and commit to it."""
    for box in page.locator(".widget-vbox", has=page.get_by_role("radio")).all():
        before = box.inner_text()
        box.get_by_role("radio").first.click()
        box.get_by_role("button").first.click()
        page.wait_for_function("([box, before]) => box.innerText !== before", arg=[box.element_handle(), before])


def test_the_playground_trains_pauses_stops_and_resets(page, lab):
    open_notebook(page, lab, controls_notebook(lab, "playground", more=["print('answered', 6 * 7)"]))
    run_all(page)
    box = page.locator(".labutils[data-status]")
    assert page.locator(".labutils-still:visible").count() == 0, "the still picture goes when the control is there"
    rate = box.get_by_role("slider", name="learning rate")
    assert rate.get_attribute("aria-valuetext") == "1e-3"
    box.get_by_role("button", name="Train").click()
    page.wait_for_selector(".labutils[data-status=training]")
    assert rate.is_disabled()
    page.wait_for_function("/after \\d+ epoch/.test(document.querySelector('.labutils[data-status]').innerText)")
    page.locator(".jp-CodeCell").last.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=answered 42")
    assert page.locator(".labutils[data-status=training]").count() == 1, "the kernel answers while it trains"
    box.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".labutils[data-status=paused]")
    box.get_by_role("button", name="Continue").click()
    page.wait_for_selector(".labutils[data-status=ready]")
    assert "Done: learning rate 1e-3: after 30 epochs" in box.inner_text()
    picture(page, "playground")
    box.get_by_role("button", name="Train").click()
    page.wait_for_function("/after 1 epoch/.test(document.querySelector('.labutils[data-status]').innerText)")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    page.wait_for_selector(".labutils[data-status=ready]")
    assert "Stopped: learning rate 1e-3" in box.inner_text() and "yours: learning rate 1e-3" in box.inner_text()
    box.get_by_role("button", name="Reset").click()
    page.wait_for_function("!document.querySelector('.labutils[data-status]').innerText.includes('Stopped')")
    check_no_errors(page)


def test_the_instruments_move_with_keys_and_mouse(page, lab, axe):
    """Every control outside a notebook, in both themes."""
    open_notebook(
        page, lab, controls_notebook(lab, *(name for name in CONTROLS if name not in ("playground", "range")))
    )
    run_all(page)
    assert use_everything(page) == len(CONTROLS) - 2
    scrubber = page.get_by_role("group", name="Epoch by epoch")
    scrubber.get_by_role("slider", name="epoch").focus()
    page.keyboard.press("Home")
    assert "epoch 1 of" in scrubber.locator("[role=status]").inner_text()
    threshold = page.get_by_role("group", name="Threshold and prevalence")
    threshold.get_by_role("slider", name="threshold").focus()
    page.keyboard.press("End")
    assert "from 1.00 on" in threshold.locator("[role=status]").inner_text()
    breaking = page.get_by_role("group", name="Break the network")
    breaking.get_by_role("button", name="Surprise me").click()
    page.wait_for_function("/being asked/.test(document.body.innerText)")
    page.wait_for_selector("text=All 200 validation images under this change: accuracy")
    check_no_violation(page, axe)
    picture(page, "instruments")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    check_no_violation(page, axe)
    picture(page, "instruments-dark")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'true'")
    check_no_errors(page)


def test_the_range_test_is_live(page, lab):
    open_notebook(page, lab, controls_notebook(lab, "range"))
    run_all(page)
    page.get_by_role("button", name="Do it again").click()
    page.wait_for_function("/test, [2-9]0 steps|test, [0-9]{3} steps/.test(document.body.innerText)")
    check_no_errors(page)


def test_a_notebook_opened_again_shows_its_still_pictures(page, lab):
    file = controls_notebook(lab, "threshold", "winner")
    open_notebook(page, lab, file)
    run_all(page)
    page.get_by_role("group", name="Threshold and prevalence").wait_for()
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    open_notebook(page, lab, file)
    page.wait_for_selector(".labutils-still:visible")
    assert page.locator(".labutils-still:visible").count() == 2
    for left in ("Error displaying widget", "Loading widget"):
        assert page.locator(f"text={left}").locator("visible=true").count() == 0
    picture(page, "reopened")


def try_notebook(page, lab, axe, name):
    open_notebook(page, lab, f"{name}.ipynb")
    run_all(page)
    used = use_everything(page)
    assert used or name in ("index", "own"), "every notebook has something to do"
    answer_questions(page)
    check_no_violation(page, axe)
    page.set_viewport_size({"width": 1000, "height": 1400})
    assert page.evaluate(TOO_WIDE) == []
    picture(page, name)
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
