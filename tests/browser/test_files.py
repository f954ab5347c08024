"""Pages that are opened as files, without kernel or server: results on own images, and verdicts that are contested."""

from page_helpers import check_no_errors, check_no_violation
from use_helpers import move_controls

from labutils import audit, evaluate, lab
from labutils.course.widgets.verdict import static_verdict
from labutils.data import load_dataset
from labutils.evaluate.rules import contested
from labutils.runs.store import find
from labutils.tools import own


def test_the_page_of_results_moves_and_without_scripts_its_words_are_there(open_file, tmp_path, monkeypatch, axe):
    runs = {label: run for label, run in find(lab.runs("task1b")).items() if label != "lr 1e-6"}
    skin = load_dataset("skin", source="phantom", progress=False)
    judged, simple = audit.audit(skin), audit.baseline_table(skin)
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path))
    address = own.write_page(skin, judged, simple, runs).as_uri()
    page = open_file(address)
    page.locator(".labutils").nth(len(runs)).wait_for()
    for box in page.locator(".labutils").all():
        move_controls(page, box)
    check_no_violation(page, axe)
    check_no_errors(page)
    words = open_file(address, java_script_enabled=False).locator(".labutils-alone").all_inner_texts()
    assert len(words) == len(runs) + 1 and words[0].startswith("lr 1e-4, epoch ") and "sensitivity" in words[-1]


def test_a_verdict_is_contested_in_the_page(open_file, tmp_path, axe):
    file = tmp_path / "verdict.html"
    text = f"<!doctype html><html lang='en'><title>Verdicts</title><body>{static_verdict('task1c')}</body></html>"
    file.write_text(text, encoding="utf-8")
    page = open_file(file.as_uri())
    box = page.locator(".labutils")
    said = box.locator("p[role=status]")
    assert "No conclusion flips." in said.inner_text()
    box.locator("input[type=range]").first.press("Home")
    with contested(level=0.001):
        (strict,) = evaluate.judge_task(find(lab.runs("task1c")), "task1c")
    assert "1 of 1 conclusions flip: C4." in said.inner_text()
    row = box.get_by_role("table", name="conclusions that flip").get_by_role("row").nth(1).inner_text()
    value, low, high = (f"{100 * number:+.1f}" for number in strict.parts[0].finding.estimate)
    assert f"reproduced\t{strict.holds}" in row and f"{value} [{low}, {high}] points: {strict.holds}" in row
    move_controls(page, box)
    box.get_by_role("button", name="The lab's rules").click()
    assert "No conclusion flips." in said.inner_text()
    check_no_violation(page, axe)
    check_no_errors(page)
