"""The site, opened from the file system with the network off: it is complete, and every instrument on it moves."""

import re
from collections import Counter
from html import unescape
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from page_helpers import POLL, check_no_errors
from use_helpers import answer_questions, move_controls, use_everything

from labutils import lab, paths
from labutils.course.widgets import experiments

SITE = paths.ROOT / "site"
PAGES = sorted(file.relative_to(SITE).as_posix() for file in SITE.rglob("*.html") if "_static" not in file.parts)
ALIVE = ["contest.html", *(f"notebooks/{task}.html" for task in lab.TITLES)]
LOOKED_AT = ["index.html", "claims.html", "contest.html", "notebooks/index.html"]
LOOKED_AT += [f"notebooks/task{name}.html" for name in ("1b", "1c", "3", "6a", "7")]
"""Pages of every kind, with every kind of control."""
MB = 1_000_000
IDS = re.compile(r'<[^>]*\sid="([^"]*)"')
LINKS = re.compile(r'<(?:a|link|script|img|source)\b[^>]*\s(?:href|src)="([^"]*)"')
SERIOUS = """async () => (await axe.run(document, { resultTypes: ["violations"], preload: false })).violations
  .filter((v) => ["serious", "critical"].includes(v.impact))
  .map((v) => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)])"""
STILL = "() => document.getAnimations().every((one) => one.playState !== 'running')"  # colours fade in
AWAKE = "() => [...document.querySelectorAll('.labutils-alone')].every((x) => x.classList.contains('labutils-live'))"

pytestmark = pytest.mark.skipif(not PAGES, reason="there is no site: make site")


@pytest.fixture
def visit(open_file):
    """Open a page of the site in a theme and a width, and wait for its controls."""

    def go(page, theme="light", width=1280):
        viewport = {"width": width, "height": 900}
        shown = open_file(f"{SITE.as_uri()}/{page}", color_scheme=theme, viewport=viewport)
        shown.wait_for_function(AWAKE, polling=POLL)
        return shown

    return go


def read(page):
    return (SITE / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ALIVE)
def test_every_instrument_moves_and_every_question_answers(visit, name):
    page = visit(name)
    there = page.locator(".labutils-alone").count()
    moved = use_everything(page) if name.endswith("task1b.html") else _without_training(page)
    assert moved + answer_questions(page) == there >= 1
    assert page.locator(".labutils[data-status]").count() <= 1
    check_no_errors(page)


def test_what_is_played_back_is_what_the_kernel_draws(visit):
    page = visit("notebooks/task3.html")
    box = page.get_by_role("group", name="The best of several equally good networks")
    for label, key in (("images", "End"), ("networks", "Home"), ("new study", "End")):
        box.get_by_role("slider", name=label).press(key)
    images, runs, seed = (int(said) for said in box.locator("output").all_inner_texts())
    drawn = experiments.draw_winner(images, runs, seed)
    assert (images, runs) == (5000, 1) and box.locator("div[role=status]").inner_text() == drawn.words
    curves = re.findall(r'<polyline points="([^"]*)"', drawn.picture)
    shown = box.locator("polyline").evaluate_all("(all) => all.map((x) => x.getAttribute('points'))")
    assert curves and curves == shown


def _without_training(page):
    boxes = page.locator(".labutils[role=group]").all()
    for box in boxes:
        if not box.get_attribute("data-status") and box.get_attribute("aria-label") != "You against the network":
            move_controls(page, box)
    return len(boxes)


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_nothing_shuts_a_reader_out(visit, axe, theme, width):
    found = {}
    for name in LOOKED_AT:
        page = visit(name, theme, width)
        check_no_errors(page)
        page.wait_for_function(STILL, polling=POLL)
        page.evaluate(axe)
        serious = page.evaluate(SERIOUS)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if serious or wide > 0:
            found[name] = serious, wide
    assert found == {}


def test_links_lead_somewhere():
    ids = {page: {unescape(one) for one in IDS.findall(read(page))} for page in PAGES}
    lost = []
    for page in PAGES:
        for link in map(unescape, LINKS.findall(read(page))):
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("https", "http", "data", "mailto"), link
                continue
            target = (SITE / page).parent / unquote(parts.path) if parts.path else SITE / page
            name = target.resolve().relative_to(SITE.resolve()).as_posix()
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and name in ids and anchor not in ids[name]):
                lost.append((page, link))
    assert lost == []


def test_the_first_page_says_sentences_and_no_objects():
    text = unescape(re.sub(r"<(script|style).*?</\1>|<[^>]*>", "", read("index.html"), flags=re.S))
    assert len(re.findall(r"built into the phantoms|holds here|could be chance|does not hold", text)) >= 2
    assert not re.search(r"\b[A-Z]\w+\(\w+=|\bnan\b|\bNone\b", text)


def test_claims_lead_to_their_rules_and_runs_to_their_settings():
    claims, runs = read("claims.html"), read("runs.html")
    assert len(re.findall(r'href="docs/rules.html#when-a-difference', claims)) > len(lab.TITLES)
    for task in lab.TITLES:
        text = read(f"notebooks/{task}.html")
        for setting in re.findall(r'href="../runs.html#([^"]*)"', text):
            assert f'id="{setting}"' in runs
        assert not lab.runs(task) or "../runs.html#" in text, task
    for folder in (paths.ROOT / "results/runs").iterdir():
        assert not (folder / "config.json").exists() or folder.name in runs, folder.name


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_valid_and_small_and_come_from_nowhere_else(name):
    text = read(name)
    assert len(text.encode()) < 2 * MB
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(text)
    assert [f"{place}: {error}" for place, error, _ in parser.errors] == []
    ids = Counter(IDS.findall(re.sub(r"<script.*?</script>", "", text, flags=re.S)))
    assert [one for one, count in ids.items() if count > 1] == []
    assert re.findall(r'<(?:script|link|img)\b[^>]*\s(?:src|href)="(https?:[^"]*)"', text) == []


def test_the_site_is_small():
    assert sum(file.stat().st_size for file in SITE.rglob("*") if file.is_file()) < 60 * MB


def test_the_search_finds_pages(visit):
    page = visit("search.html?q=dropout")
    page.wait_for_selector("#search-results li a")
    assert "task5a" in " ".join(link.get_attribute("href") for link in page.locator("#search-results li a").all())
    check_no_errors(page)


def test_a_page_follows_the_theme_and_leads_to_the_next(visit):
    page = visit("notebooks/task1b.html", "dark")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator(".next-page, a.right-next").first.click()
    page.wait_for_url("**/task1c.html")
    check_no_errors(page)
