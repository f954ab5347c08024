"""Every kind of control, all in one notebook: what it does, how soon it answers, what is left when it is closed."""

import os
import statistics
from pathlib import Path

import psutil
import pytest
from helpers import patience
from page_helpers import (
    CONTROLS,
    POLL,
    TRAINED,
    act,
    change_theme,
    check_no_errors,
    check_no_violation,
    controls_notebook,
    open_notebook,
    picture,
    run_all,
)
from use_helpers import use_everything

TIMES = 3
"""How often each knob is moved to see how soon it answers."""
ANSWER = """async ([box, input, place]) => {
  const answered = new Promise((done) => {
    const observer = new MutationObserver((changes) => {
      if (changes.every((change) => change.target.parentElement?.closest("label"))) return;
      observer.disconnect();
      done();
    });
    observer.observe(box, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  const started = performance.now();
  if (input.type === "range") input.value = place;
  else if (input.type === "checkbox") input.checked = !input.checked;
  else if (input.tagName === "SELECT") input.selectedIndex = place;
  if (input.tagName === "BUTTON") input.click();
  else input.dispatchEvent(new Event(input.type === "range" ? "input" : "change"));
  await answered;
  await new Promise(requestAnimationFrame);
  return performance.now() - started;
}"""
"""Move a knob, and give the milliseconds until the control shows an answer, the knob's own words not counted."""
TRAIN = """async (box) => {
  const started = performance.now();
  const seen = {};
  const watch = () => {
    const said = [...box.querySelectorAll("p")].map((p) => p.textContent);
    const epoch = /after (\\d+) epoch/.exec(said.filter((text) => !text.startsWith("Recorded")).join())?.[1];
    if (epoch) seen[epoch] ??= performance.now() - started;
  };
  const observer = new MutationObserver(watch);
  observer.observe(box, { subtree: true, childList: true, characterData: true });
  [...box.querySelectorAll("button")].find((button) => button.textContent === "Train").click();
  const status = (wanted) => new Promise((done) => {
    const asked = setInterval(() => box.dataset.status === wanted && (clearInterval(asked), done()), 20);
  });
  await status("training");
  await status("ready");
  watch();
  observer.disconnect();
  return seen;
}"""
"""Train, and give for each epoch the milliseconds from the click until its point was there."""


@pytest.fixture(scope="module")
def controls(page, lab):
    """The page with every control."""
    open_notebook(page, lab, controls_notebook(lab, *CONTROLS, more=["print('answered', 6 * 7)"]))
    run_all(page)
    page.wait_for_selector(".labutils[data-status=ready]")
    return page


def kernel_seconds(lab):
    """Processor seconds of the kernel so far."""
    started = psutil.Process(lab.server.pid).children(recursive=True)
    return sum(sum(one.cpu_times()[:2]) for one in started if "ipykernel" in " ".join(one.cmdline()))


def page_seconds(session):
    """Processor seconds of the page's thread so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in metrics if one["name"] == "TaskDuration")


def knobs(box):
    """The knobs of a control: name, element, and places to move it to."""
    for slider in box.locator("input[type=range]:enabled").all():
        last = int(slider.get_attribute("max"))
        if last:
            here = int(slider.input_value())
            yield slider, [(here + (k + 1) * max(1, last // 7)) % (last + 1) for k in range(TIMES)]
    for menu in box.locator("select:enabled").all():
        if (count := menu.locator("option").count()) > 1:
            yield menu, [(k + 1) % count for k in range(TIMES)]
    for other in box.locator("input[type=checkbox]").all():
        yield other, [0] * TIMES
    if box.get_attribute("aria-label") == "You against the network":
        yield box.get_by_role("button").first, [0, 0, 0]


def name_of(knob):
    return knob.evaluate("(x) => x.closest('label')?.innerText.split('\\n')[0] || 'an answer'")


def keep(capsys, name, text):
    """Print a table, and write it beside the screenshots if there are any."""
    with capsys.disabled():
        print(f"\n{text}")
    if folder := os.environ.get("LABUTILS_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.txt").write_text(text + "\n", encoding="utf-8")


def test_every_control_answers_soon(controls, lab, capsys):
    """150 ms on a quiet machine; the table says what it took here, and how much of it was work."""
    session = controls.context.new_cdp_session(controls)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    rows, medians = [("control", "knob", "answers after", "page works", "kernel works")], []
    for box in controls.locator(".labutils[role=group]:not([data-status])").all():
        for knob, places in knobs(box):
            before = page_seconds(session), kernel_seconds(lab)
            took = [controls.evaluate(ANSWER, [box.element_handle(), knob.element_handle(), place]) for place in places]
            after = page_seconds(session), kernel_seconds(lab)
            works = [1e3 * (b - a) / len(places) for a, b in zip(before, after, strict=True)]
            medians.append(statistics.median(took))
            said = [f"{ms:.0f} ms" for ms in (medians[-1], *works)]
            rows.append((box.get_attribute("aria-label")[:42], name_of(knob)[:26], *said))
    keep(capsys, "answers", "\n".join(f"{a:44}{b:28}{c:>14}{d:>12}{e:>14}" for a, b, c, d, e in rows))
    assert len(medians) > len(CONTROLS)
    assert max(medians) < 1e3 * patience(0.15)


def test_a_run_shows_its_first_point_soon_and_is_soon_over(controls, lab, capsys):
    """1 s to the first point, 15 s in all, on a quiet machine; the table says what the kernel had to do meanwhile."""
    box = controls.locator(".labutils[data-status]")
    before = kernel_seconds(lab)
    seen = {int(epoch): ms / 1e3 for epoch, ms in box.evaluate(TRAIN).items()}
    assert "Done: learning rate 1e-3: after 30 epochs" in box.inner_text()
    works = kernel_seconds(lab) - before
    text = f"playground: first point after {seen[1]:.1f} s, all after {seen[30]:.1f} s"
    keep(capsys, "playground", f"{text}; the kernel worked {works:.1f} s")
    assert seen[1] < patience(1) and seen[30] < patience(15)
    box.get_by_role("button", name="Reset").click()
    controls.wait_for_function("(box) => !box.innerText.includes('Done')", arg=box.element_handle(), polling=POLL)


def test_the_playground_trains_pauses_stops_and_resets(controls):
    box = controls.locator(".labutils[data-status]")
    rate = box.get_by_role("slider", name="learning rate")
    assert rate.get_attribute("aria-valuetext") == "1e-3"
    box.get_by_role("button", name="Train").click()
    controls.wait_for_selector(".labutils[data-status=training]")
    assert rate.is_disabled()
    controls.wait_for_function(TRAINED, arg=box.element_handle(), polling=POLL)
    pause = box.get_by_role("button", name="Pause")
    pause.click()
    controls.wait_for_selector(".labutils[data-status=paused]")
    act(controls, box, box.get_by_role("button", name="Continue").click)
    act(controls, box, lambda: None)  # an epoch more
    pause.click()
    controls.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    controls.wait_for_selector(".labutils[data-status=ready]")
    assert "Stopped: learning rate 1e-3" in box.inner_text()
    picture(controls, "playground")
    box.get_by_role("button", name="Reset").click()
    controls.wait_for_function(
        "!document.querySelector('.labutils[data-status]').innerText.includes('Stopped')", polling=POLL
    )
    check_no_errors(controls)


def test_the_focus_of_the_keyboard_is_seen(controls):
    controls.keyboard.press("Tab")  # from here on the keyboard is what moves the focus
    for kind in ("[tabindex='0']", "input[type=range]", "select", "button:enabled", "input[type=checkbox]"):
        element = controls.locator(f".labutils {kind}, .labutils{kind}").first
        element.focus()
        outline = element.evaluate("(x) => getComputedStyle(x).outlineStyle + ' ' + getComputedStyle(x).outlineWidth")
        assert outline == "solid 2px", kind


def test_the_instruments_move_with_keys_and_mouse(controls, axe):
    """Every control but the playground and the range test, in both themes."""
    assert controls.locator(".labutils-still:visible").count() == 0, "a still picture goes when its control is there"
    assert use_everything(controls) == len(CONTROLS)
    scrubber = controls.get_by_role("group", name="Epoch by epoch")
    scrubber.get_by_role("slider", name="epoch").focus()
    controls.keyboard.press("Home")
    assert "epoch 1 of" in scrubber.locator("[role=status]").inner_text()
    threshold = controls.get_by_role("group", name="Threshold and prevalence")
    threshold.get_by_role("slider", name="threshold").focus()
    controls.keyboard.press("End")
    assert "from 1.00 on" in threshold.locator("[role=status]").inner_text()
    breaking = controls.get_by_role("group", name="Break the network")
    breaking.get_by_role("button", name="Surprise me").click()
    controls.wait_for_selector("text=All 200 validation images under this change: accuracy")
    check_no_violation(controls, axe)
    picture(controls, "instruments")
    change_theme(controls, "Dark")
    check_no_violation(controls, axe)
    picture(controls, "instruments-dark")
    change_theme(controls, "Light")
    check_no_errors(controls)


def test_the_range_test_is_live(controls):
    controls.get_by_role("button", name="Do it again").click()
    controls.wait_for_function("/test, [2-9]0 steps|test, [0-9]{3} steps/.test(document.body.innerText)", polling=POLL)
    check_no_errors(controls)


def test_a_notebook_opened_again_shows_its_still_pictures(controls, lab):
    name = controls.evaluate("() => window.jupyterapp.shell.currentWidget.context.path")
    controls.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    controls.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    controls.goto(f"{lab.url}/lab/tree/{name}?reset")
    controls.wait_for_selector(".labutils-still:visible")
    cells = controls.locator(".jp-CodeCell", has_text="widgets.").all()
    assert len(cells) == len(CONTROLS)
    for cell in cells:
        cell.locator(".labutils-still img").first.wait_for()
        assert all(image.get_attribute("alt") for image in cell.locator(".labutils-still img").all())
        assert "Run this cell to move it." in cell.inner_text()
    for left in ("Error displaying widget", "Loading widget"):
        assert controls.locator(f"text={left}").locator("visible=true").count() == 0
    picture(controls, "reopened")
