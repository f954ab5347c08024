"""Every kind of control, all in one notebook: what it does, how soon it answers, what is left when it is closed."""

import statistics
import time

import pytest
from helpers import patience
from page_helpers import (
    CONTROLS,
    POLL,
    TRAINED,
    change_theme,
    check_no_errors,
    check_no_violation,
    controls_notebook,
    open_again,
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


@pytest.fixture(scope="module")
def controls(page, lab):
    """The page with every control."""
    open_notebook(page, lab, controls_notebook(lab, *CONTROLS, more=["print('answered', 6 * 7)"]))
    run_all(page)
    page.wait_for_selector(".labutils[data-status=ready]")
    return page


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


def test_every_control_answers_soon(controls, capsys):
    """150 ms on a quiet machine; what each took here is printed."""
    medians = {}
    for box in controls.locator(".labutils[role=group]:not([data-status])").all():
        for knob, places in knobs(box):
            took = [controls.evaluate(ANSWER, [box.element_handle(), knob.element_handle(), place]) for place in places]
            name = knob.evaluate("(x) => x.closest('label')?.innerText.split('\\n')[0] || 'an answer'")
            medians[f"{box.get_attribute('aria-label')}: {name}"] = statistics.median(took)
    with capsys.disabled():
        print("", *(f"{name} after {ms:.0f} ms" for name, ms in medians.items()), sep="\n")
    assert len(medians) > len(CONTROLS)
    assert max(medians.values()) < 1e3 * patience(0.15)


def test_a_run_shows_its_first_point_soon_is_soon_over_and_ends_with_the_stop_key(controls):
    """1 s to the first point, 15 s in all, on a quiet machine."""
    box = controls.locator(".labutils[data-status]")
    rate, train, reset = box.get_by_role("slider"), *(box.get_by_role("button", name=n) for n in ("Train", "Reset"))
    gone = "(box) => !/Done|Stopped/.test(box.innerText)"
    assert rate.get_attribute("aria-valuetext") == "1e-3"
    started = time.monotonic()
    train.click()
    controls.wait_for_function(TRAINED, arg=box.element_handle(), polling=POLL)
    assert time.monotonic() - started < patience(1) and rate.is_disabled()
    controls.wait_for_selector(".labutils[data-status=ready]")
    assert time.monotonic() - started < patience(15)
    assert "Done: learning rate 1e-3: after 30 epochs" in box.inner_text()
    reset.click()
    controls.wait_for_function(gone, arg=box.element_handle(), polling=POLL)
    train.click()
    controls.wait_for_function(TRAINED, arg=box.element_handle(), polling=POLL)
    controls.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    controls.wait_for_selector(".labutils[data-status=ready]")
    assert "Stopped: learning rate 1e-3" in box.inner_text()
    picture(controls, "playground")
    reset.click()
    controls.wait_for_function(gone, arg=box.element_handle(), polling=POLL)
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
    scrubber.get_by_role("slider", name="epoch").press("Home")
    assert "epoch 1 of" in scrubber.locator("[role=status]").inner_text()
    threshold = controls.get_by_role("group", name="Threshold and prevalence")
    threshold.get_by_role("slider", name="threshold").press("End")
    assert "from 1.00 on" in threshold.locator("[role=status]").inner_text()
    controls.get_by_role("button", name="Surprise me").click()
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
    open_again(controls, lab, name)
    cells = controls.locator(".jp-CodeCell", has_text="widgets.").all()
    assert len(cells) == len(CONTROLS)
    for cell in cells:
        cell.locator(".labutils-still img").first.wait_for()
        assert all(image.get_attribute("alt") for image in cell.locator(".labutils-still img").all())
        assert "Run this cell to move it." in cell.inner_text()
    for left in ("Error displaying widget", "Loading widget"):
        assert controls.locator(f"text={left}").locator("visible=true").count() == 0
    picture(controls, "reopened")
