"""Build the site: `make site`, or `python docs/_ext/build.py`, puts it into `site/`.

The sources are laid out in `.site/` as they are in the repository, so that links lead on; notebooks get controls that
move there (`alive`), and some pages are written from the stored runs (`pages`).
"""

import re
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import alive
import nbformat
import pages
from sphinx.cmd.build import build_main

from labutils import lab, paths
from labutils.course.widgets.control import STATIC

ROOT = paths.ROOT
SOURCES, SITE = ROOT / ".site" / "sources", ROOT / "site"
COPIED = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/rules.md",
    "docs/instructor.md",
    "results/README.md",
    "results/REPORT.md",
    "data/README.md",
    "docs/conf.py",
]
REPORT = "results/REPORT.md"
STYLES = re.compile(r"<style[ >].*?</style>", re.S)
"""Styles of a notebook's outputs: a page has them once, in `site.css`."""
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


def main() -> int:
    """Lay out the sources and build the pages; the status of Sphinx."""
    shutil.rmtree(SOURCES, ignore_errors=True)
    for name in COPIED:
        target = SOURCES / (Path(name).name if name == "docs/conf.py" else name)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / name).read_text(encoding="utf-8")
        target.write_text(pages.linked(text, name) if name.endswith(".md") else text, encoding="utf-8")
    for picture in (*ROOT.glob("results/task*/*.png"), ROOT / "results/screenshot.png"):
        target = SOURCES / picture.relative_to(ROOT)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(picture, target)
    shutil.copytree(ROOT / "docs/_static", SOURCES / "_static")
    with (SOURCES / "_static/site.css").open("a", encoding="utf-8") as css:
        css.write((STATIC / "page.css").read_text(encoding="utf-8"))
    (SOURCES / "notebooks").mkdir()
    with ProcessPoolExecutor(2, initializer=alive.work_from, initargs=(ROOT / "notebooks",)) as workers:
        written = workers.map(write_notebook, sorted(lab.NOTEBOOKS, key=lambda name: name != "task4"))
        pages.write_all(SOURCES)
        list(written)
    shutil.rmtree(SITE, ignore_errors=True)
    status = build_main(
        ["-q", "-W", "--keep-going", "-j2", "-d", str(ROOT / ".site/doctrees"), str(SOURCES), str(SITE)]
    )
    if not status:
        print(f"written: {paths.short(SITE / 'index.html')}")
    return status


def write_notebook(name: str) -> None:
    """One notebook as a source of its page."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    if name != "own":  # its runs are on images that are not here
        alive.enliven(notebook)
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs = [_for_page(output, SOURCES, f"{name}-{i}-{j}") for j, output in enumerate(cell.outputs)]
            if cell.metadata.get("jupyter", {}).get("source_hidden"):
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, SOURCES / "notebooks" / f"{name}.ipynb")


def _for_page(output: Any, folder: Path, name: str) -> Any:
    """An output whose picture is a file, with its alt text, and whose styles are those of the site."""
    data = output.get("data", {})
    if "image/png" in data:
        output = nbformat.v4.new_output("display_data", {"text/html": alive._html_of(output)})
        data = output["data"]
    if "text/html" in data:
        html = STYLES.sub("", data["text/html"])
        output["data"] = {"text/html": html}
    return output


if __name__ == "__main__":
    sys.exit(main())
