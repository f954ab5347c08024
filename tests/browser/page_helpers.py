"""What the browser tests share: a notebook opened and run in JupyterLab, its controls, pictures of it, its errors."""

import os
import re
from pathlib import Path

import nbformat

POLL = 50
"""Milliseconds between two looks at a page that is waited for: looking at every frame costs more than the page."""
HARMLESS = re.compile(
    # JupyterLab takes its splash away twice where the theme is changed twice in a moment: the last of them.
    r"favicon|Failed to load resource|ResizeObserver|vega|kernel-metadata|'removeChild' on 'Node'.*jlab_core",
    re.I | re.S,
)
OPEN = """async (path) => {
  const { shell, commands, serviceManager } = window.jupyterapp;
  for (const opened of [...shell.widgets("main")]) {
    if (opened.context) opened.context.model.dirty = false;
    opened.dispose();
  }
  await serviceManager.sessions.shutdownAll();
  await commands.execute("docmanager:open", { path, factory: "Notebook" });
}"""
"""Close what is open, with its kernel, and open a notebook: in the same page, which takes seconds to load."""
READY = """(path) => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return context?.path === path && context.isReady && context.session?.kernel?.status === "idle";
}"""
RUN_ALL = """async (limit) => {
  const done = window.jupyterapp.commands.execute("notebook:run-all-cells");
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error("still running")), limit));
  await Promise.race([done, late]);
}"""
SAYS = """(box) => [...box.querySelectorAll("[role=status], img, svg polyline, svg circle, table, canvas")]
  .map((x) => x.textContent + (x.src ?? x.getAttribute("points") ?? x.getAttribute("aria-label") ?? "")).join()"""
TRAINED = """(box) => [...box.querySelectorAll("p")]
  .some((p) => /after \\d+ epoch/.test(p.textContent) && !p.textContent.startsWith("Recorded"))"""
"""Whether a playground says what came of a training; what was recorded does not count."""
CHANGED = f"([box, before]) => ({SAYS})(box) !== before"
SERIOUS = """async () => {
  const parts = [...document.querySelectorAll(".labutils, .labutils-still, .jp-OutputArea img")];
  const found = parts.length ? (await axe.run(parts)).violations : [];
  const serious = found.filter((v) => ["serious", "critical"].includes(v.impact));
  return serious.map((v) => [v.id, v.nodes[0].html.slice(0, 200)]);
}"""
CHANGE_THEME = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
SCROLL = """async (screen) => {
  const box = window.jupyterapp.shell.currentWidget.content.outerNode;
  box.scrollTo({ top: screen * box.clientHeight, behavior: "instant" });
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return Math.ceil(box.scrollHeight / box.clientHeight);
}"""
"""Show one screen of a notebook; give how many there are."""
IMPORTS = """
from labutils import lab, plots
from labutils.course import widgets
from labutils.data import load_dataset
from labutils.runs.store import RunStore
skin = load_dataset("skin", source="phantom")
run = RunStore().find(lab.runs("task1b")["lr 1e-5"], skin.fingerprint)
dropped = RunStore().find(lab.runs("task5a")["dropout 0.4"], skin.fingerprint)
"""
CONTROLS = {
    "playground": 'widgets.playground("task1b", source="phantom")',
    "scrubber": 'widgets.epoch_scrubber({"lr 1e-5": run}, skin)',
    "threshold": "widgets.threshold(run)",
    "contest": "widgets.against_network(run, skin, n=4)",
    "winner": "widgets.winners_curse()",
    "interval": "widgets.interval_slider()",
    "boxes": 'widgets.four_boxes({"lr 1e-5": run, "dropout": dropped})',
    "maps": "widgets.drop_map(skin)",
    "norm": "widgets.norm_view()",
    "equal time": 'widgets.equal_time({"lr 1e-5": run})',
    "breaking": "widgets.break_the_network(run, skin)",
    "features": "widgets.feature_maps(run, skin)",
    "passes": "widgets.monte_carlo_dropout(dropped, skin)",
    "matrix": 'widgets.explore_epochs(plots.confusion_matrix, {"lr 1e-5": run})',
    "reliability": 'widgets.explore_epochs(plots.reliability, {"lr 1e-5": run})',
    "range": 'widgets.lr_range_test(source="phantom")',
}
"""Every kind of control, in one notebook: they share a kernel."""


def open_notebook(page, lab, name):
    """Open a notebook of the server's folder, with a kernel of its own, in a window of 1200 by 1400 pixels."""
    page.set_viewport_size({"width": 1200, "height": 1400})
    page.evaluate(OPEN, name)
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_function(READY, arg=name, polling=POLL)


def run_all(page, limit=300_000):
    """Run every cell, and wait until the last one has ended."""
    page.evaluate(RUN_ALL, limit)


def open_again(page, lab, name):
    """Save a notebook, end its kernel, and open it as a reader does who comes back."""
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    page.goto(f"{lab.url}/lab/tree/{name}?reset")
    page.wait_for_selector(".labutils-still:visible")


def controls_notebook(lab, *names, more=()):
    """Write a notebook of some controls; its name."""
    sources = [IMPORTS.strip(), *(CONTROLS[name] for name in names), *more]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    file = f"controls-{len(names)}-{names[0] if names else 'none'}.ipynb"
    nbformat.write(notebook, lab.folder / file)
    return file


def picture(page, name):
    """The notebook from its top to its end, one file for each screen, where `LABUTILS_SCREENSHOTS` names a folder."""
    folder = os.environ.get("LABUTILS_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for screen in range(page.evaluate(SCROLL, 0)):
            page.evaluate(SCROLL, screen)
            page.screenshot(path=f"{folder}/{name}-{screen + 1:02}.png")


def change_theme(page, theme):
    """JupyterLab's "Light" or "Dark"."""
    page.evaluate(CHANGE_THEME, f"JupyterLab {theme}")
    changed = "(light) => document.body.dataset.jpThemeLight === light"
    page.wait_for_function(changed, arg=str(theme == "Light").lower(), polling=POLL)


def act(page, box, action):
    """Do something to a control, and wait until it shows something else."""
    before = box.evaluate(SAYS)
    action()
    page.wait_for_function(CHANGED, arg=[box.element_handle(), before], polling=POLL)


def watch_errors(page):
    """From now on `page.errors` are those of the page and its console."""
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(f"{error}\n{error.stack}"))
    page.on("console", lambda said: page.errors.append(said.text) if said.type == "error" else None)


def check_no_errors(page):
    """No error in a cell, in a control, in the page's console; a page that is a file fetches nothing."""
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts() == []
    assert page.locator(".jp-OutputArea-output .ansi-red-fg").count() == 0
    assert page.locator(".labutils", has_text="Error:").all_inner_texts() == []
    assert [error for error in page.errors if not HARMLESS.search(error)] == []
    assert getattr(page, "asked", set()) <= {"file", "data", "blob"}


def check_no_violation(page, axe):
    """No serious violation of the rules of accessibility, by axe-core."""
    page.evaluate(axe)
    assert page.evaluate(SERIOUS) == []
