"""What a student sees: every notebook in JupyterLab, every control moved with mouse and keys.

Screenshots lie in the folder that `LABUTILS_SCREENSHOTS` names, if it names one.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

from labutils import lab as tasks
from labutils import paths

NOTEBOOKS = sorted(path.name for path in paths.notebooks_dir().glob("*.ipynb"))
HARMLESS = re.compile(
    r"favicon|Failed to load resource|widgets-manager|ResizeObserver|404|403|vega|kernel-metadata", re.I
)
READY = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return context?.isReady && context.session?.kernel?.status === "idle";
}"""
RUN_ALL = """async (limit) => {
  const done = window.jupyterapp.commands.execute("notebook:run-all-cells");
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error("still running")), limit));
  await Promise.race([done, late]);
}"""
MOVED = """([k, before]) => {
  const box = document.querySelectorAll(".labutils-live")[k];
  return box.querySelector("[role=status]").innerText !== before;
}"""
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
    "range": 'widgets.lr_range_test(source="phantom")',
    "breaking": "widgets.break_the_network(run, skin)",
}


def open_notebook(page, lab, name):
    page.goto(f"{lab.url}/lab/tree/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_function(READY)


def run_all(page, limit=300_000):
    """Run every cell, and wait until the last one has ended."""
    page.evaluate(RUN_ALL, limit)


def picture(page, name):
    folder = os.environ.get("LABUTILS_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def check_no_errors(page):
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator(".jp-OutputArea-output .ansi-red-fg").count() == 0
    assert [error for error in page.errors if not HARMLESS.search(error)] == []


def controls_notebook(lab, *names):
    cells = [nbformat.v4.new_code_cell(IMPORTS), *(nbformat.v4.new_code_cell(CONTROLS[name]) for name in names)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    file = f"controls-{'-'.join(names)}.ipynb"
    nbformat.write(notebook, lab.folder / file)
    return file


def test_the_playground_trains_pauses_and_resets(page, lab):
    open_notebook(page, lab, controls_notebook(lab, "playground"))
    run_all(page)
    box = page.locator(".labutils[data-status]")
    page.wait_for_selector(".labutils[data-status=ready]")
    assert page.locator(".labutils-still:visible").count() == 0, "the still picture goes when the control is there"
    rate = box.get_by_role("slider", name="learning rate")
    before = rate.get_attribute("aria-valuetext")
    rate.focus()
    page.keyboard.press("ArrowRight")
    assert before == "1e-3" and rate.get_attribute("aria-valuetext") == "3e-3"
    page.keyboard.press("ArrowLeft")
    box.get_by_role("button", name="Train").click()
    page.wait_for_selector(".labutils[data-status=training]")
    assert rate.is_disabled()
    page.wait_for_function("/after \\d+ epoch/.test(document.querySelector('.labutils[data-status]').textContent)")
    box.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".labutils[data-status=paused]")
    box.get_by_role("button", name="Continue").click()
    page.wait_for_selector(".labutils[data-status=ready]")
    assert "after 30 epochs" in box.inner_text()
    picture(page, "playground")
    box.get_by_role("button", name="Reset").click()
    page.wait_for_function("!document.querySelector('.labutils[data-status]').textContent.includes('Done')")
    check_no_errors(page)


def test_the_kernel_stays_free_while_a_playground_trains(page, lab):
    file = controls_notebook(lab, "playground")
    notebook = nbformat.read(lab.folder / file, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("print('answered', 6 * 7)"))
    nbformat.write(notebook, lab.folder / "free.ipynb")
    open_notebook(page, lab, "free.ipynb")
    run_all(page)
    page.wait_for_selector(".labutils[data-status=ready]")
    page.locator(".labutils[data-status]").get_by_role("button", name="Train").click()
    page.wait_for_selector(".labutils[data-status=training]")
    page.locator(".jp-CodeCell").last.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=answered 42")
    assert page.locator(".labutils[data-status=training]").count() == 1


def test_the_instruments_move_with_keys_and_mouse(page, lab):
    open_notebook(page, lab, controls_notebook(lab, "scrubber", "threshold", "contest"))
    run_all(page)
    scrubber = page.get_by_role("group", name="Epoch by epoch")
    scrubber.wait_for()
    said = scrubber.locator("p[role=status]").inner_text()
    scrubber.get_by_role("slider", name="epoch").focus()
    page.keyboard.press("Home")
    assert "epoch 1 of" in scrubber.locator("p[role=status]").inner_text() != said
    threshold = page.get_by_role("group", name="Threshold and prevalence")
    slider = threshold.get_by_role("slider", name="threshold")
    slider.focus()
    page.keyboard.press("End")
    assert "from 1.00 on" in threshold.locator("p[role=status]").inner_text()
    contest = page.get_by_role("group", name="You against the network")
    contest.get_by_role("button", name="Mel (1)").click()
    contest.focus()
    for key in "212":
        page.keyboard.press(key)
    assert "McNemar's p" in contest.locator("p[role=status]").inner_text()
    picture(page, "instruments")
    check_no_errors(page)


def test_the_controls_of_the_kernel_move(page, lab):
    open_notebook(page, lab, controls_notebook(lab, "winner", "maps", "norm"))
    run_all(page)
    boxes = page.locator(".labutils-live")
    boxes.nth(2).wait_for()
    for k in range(3):
        status = boxes.nth(k).get_by_role("status")
        before = status.inner_text()
        boxes.nth(k).get_by_role("slider").first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(MOVED, arg=[k, before])
    picture(page, "kernel-controls")
    check_no_errors(page)


def test_breaking_answers(page, lab):
    open_notebook(page, lab, controls_notebook(lab, "breaking"))
    run_all(page)
    page.wait_for_selector("text=All 200 validation images under this change: accuracy")
    page.get_by_role("button", name="Surprise me").click()
    page.wait_for_selector("text=being measured")
    page.wait_for_selector("text=All 200 validation images under this change: accuracy")
    picture(page, "breaking")
    check_no_errors(page)


def test_a_notebook_opened_again_shows_its_still_pictures(page, lab):
    file = controls_notebook(lab, "threshold", "winner")
    open_notebook(page, lab, file)
    run_all(page)
    page.get_by_role("group", name="Threshold and prevalence").wait_for()
    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
    for session in page.request.get(f"{lab.url}/api/sessions").json():
        page.request.delete(f"{lab.url}/api/sessions/{session['id']}")
    open_notebook(page, lab, file)
    page.wait_for_selector(".labutils-still:visible")
    assert page.locator(".labutils-still:visible").count() == 2
    assert page.locator("text=Error displaying widget").locator("visible=true").count() == 0
    picture(page, "reopened")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_runs(page, lab, name):
    open_notebook(page, lab, name)
    run_all(page)
    page.wait_for_function("![...document.querySelectorAll('.labutils')].some((x) => x.dataset.status === 'loading')")
    picture(page, name.removesuffix(".ipynb"))
    check_no_errors(page)


def test_axe_finds_nothing_serious_in_the_controls(page, lab, tmp_path):
    if shutil.which("npm") is None:
        pytest.skip("there is no npm to fetch axe-core with")
    fetched = subprocess.run(
        ["npm", "pack", "axe-core@4", "--silent"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    if fetched.returncode:
        pytest.skip("axe-core could not be fetched")
    subprocess.run(["tar", "xzf", fetched.stdout.split()[-1]], cwd=tmp_path, check=True)
    open_notebook(page, lab, controls_notebook(lab, "playground", "scrubber", "threshold", "contest"))
    run_all(page)
    page.wait_for_selector(".labutils[data-status=ready]")
    page.add_script_tag(path=str(tmp_path / "package" / "axe.min.js"))
    found = page.evaluate("() => axe.run('.labutils')")
    serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"]) for v in serious] == []


def test_tasks_have_notebooks():
    assert {f"{task}.ipynb" for task in tasks.TITLES} <= set(NOTEBOOKS)
