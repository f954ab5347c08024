"""A reader's hands: every control of a page moved with mouse and keys."""

from functools import partial

import pytest
from page_helpers import POLL, TRAINED, act


def move_slider(page, box, slider):
    """One step with a key, and to another place with the mouse; what stands beside it says so."""
    there = slider.get_attribute("aria-valuetext")
    at_end = slider.input_value() == slider.get_attribute("max")
    act(page, box, lambda: slider.press("ArrowLeft" if at_end else "ArrowRight"))
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
        count, place = menu.locator("option").count(), menu.evaluate("(x) => x.selectedIndex")
        if count > 1:
            act(page, box, partial(menu.press, "ArrowUp" if place == count - 1 else "ArrowDown"))
            act(page, box, partial(menu.select_option, index=(menu.evaluate("(x) => x.selectedIndex") + 1) % count))
    for tick in box.locator("input[type=checkbox]").all():
        act(page, box, tick.click)
        act(page, box, partial(tick.press, "Space"))


def try_playground(page, box):
    """Move its knobs with mouse and keys, train an epoch or two, pause, go on, and go back."""
    for slider in box.locator("input[type=range]").all():
        start, size = slider.get_attribute("aria-valuetext"), slider.bounding_box()
        slider.click(position={"x": 4, "y": size["height"] / 2})
        lowest = slider.get_attribute("aria-valuetext")
        page.keyboard.press("End")
        assert slider.get_attribute("aria-valuetext") != lowest
        for _ in range(int(slider.input_value())):
            if slider.get_attribute("aria-valuetext") != start:
                page.keyboard.press("ArrowLeft")
        assert slider.get_attribute("aria-valuetext") == start
    for menu in box.locator("select").all():
        menu.select_option(index=menu.locator("option").count() - 1)
        menu.select_option(index=0)
    box.get_by_role("button", name="Train").click()
    page.wait_for_function(TRAINED, arg=box.element_handle(), polling=POLL)
    box.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".labutils[data-status=paused]")
    act(page, box, box.get_by_role("button", name="Continue").click)
    box.get_by_role("button", name="Reset").press("Enter")
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
    """Choose an answer of every question with the keyboard and commit to it; give how many there were."""
    boxes = page.locator(".labutils[role=radiogroup]").all()
    for box in boxes:
        before = box.inner_text()
        box.get_by_role("radio").first.press("Space")
        page.keyboard.press("ArrowDown")
        box.get_by_role("button", name="Commit").press("Enter")
        told = "([box, before]) => box.innerText !== before"
        page.wait_for_function(told, arg=[box.element_handle(), before], polling=POLL)
        assert box.get_by_role("radio").nth(1).is_checked()
    return len(boxes)
