"""Verdicts that are contested, in a page that is opened as a file: no kernel, no server."""

from page_helpers import check_no_errors, check_no_violation, watch_errors
from use_helpers import move_controls

from labutils import evaluate, lab
from labutils.course.widgets.verdict import static_verdict
from labutils.evaluate.rules import contested
from labutils.runs.store import find


def test_a_verdict_is_contested_in_the_page(browser, tmp_path, axe):
    file = tmp_path / "verdict.html"
    file.write_text(
        f"<!doctype html><html lang='en'><title>Verdicts</title><body>{static_verdict('task1c')}</body></html>"
    )
    opened = browser.new_page()
    watch_errors(opened)
    opened.goto(file.as_uri())
    box = opened.locator(".labutils")
    said = box.locator("p[role=status]")
    assert "No conclusion flips." in said.inner_text()
    level = box.locator("input[type=range]").first
    level.focus()
    opened.keyboard.press("Home")
    with contested(level=0.001):
        (strict,) = evaluate.judge_task(find(lab.runs("task1c")), "task1c")
    assert "1 of 1 conclusions flip: C4." in said.inner_text()
    row = box.get_by_role("table", name="conclusions that flip").get_by_role("row").nth(1).inner_text()
    value, low, high = (f"{100 * number:+.1f}" for number in strict.parts[0].finding.estimate)
    assert f"reproduced\t{strict.holds}" in row and f"{value} [{low}, {high}] points: {strict.holds}" in row
    move_controls(opened, box)
    box.get_by_role("button", name="The lab's rules").click()
    assert "No conclusion flips." in said.inner_text()
    check_no_violation(opened, axe)
    check_no_errors(opened)
    opened.close()
