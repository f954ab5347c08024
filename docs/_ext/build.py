"""Build the site: `make site`, or `python docs/_ext/build.py`, puts it into `site/`.

The sources are laid out in `.site/` as they are in the repository, so that links lead on; notebooks get controls that
move there (`alive`), and some pages are written from the stored runs (`pages`).
"""

import base64
import hashlib
import html
import io
import re
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import alive
import nbformat
import pages
from PIL import Image
from sphinx.cmd.build import build_main

from labutils import lab, paths
from labutils.course import cells
from labutils.course.widgets.control import STATIC

ROOT = paths.ROOT
WORK, SITE = ROOT / ".site", ROOT / "site"
SOURCES = WORK / "sources"
COPIED = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/rules.md",
    "docs/claims.md",
    "docs/instructor.md",
    "results/README.md",
    "results/REPORT.md",
    "data/README.md",
    "docs/conf.py",
]
PACKED = re.compile(
    r'(?P<control><div class="labutils-alone">.*previousElementSibling, )"(?P<packed>[^"]{20000,})"\)', re.S
)


def main() -> int:
    """Lay out the sources and build the pages; the status of Sphinx."""
    shutil.rmtree(WORK, ignore_errors=True)
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
    quiet = ["-q", "-W", "--keep-going", "-j2"]
    status = build_main([*quiet, "-d", str(WORK / "doctrees"), str(SOURCES), str(WORK / "html")])
    if not status:
        shutil.rmtree(SITE, ignore_errors=True)
        (WORK / "html").rename(SITE)
        print(f"written: {paths.short(SITE / 'index.html')}")
    return status


def write_notebook(name: str) -> None:
    """One notebook as a source of its page."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    if name != "own":  # its runs are on images that are not here
        alive.enliven(notebook)
    _students(notebook)
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            for j, output in enumerate(cell.outputs):
                if shown := _shown(output, f"{name}-{i}-{j}"):
                    content = PACKED.sub(_apart, pages.in_notebook(pages.STYLES.sub("", shown), name))
                    cell.outputs[j] = nbformat.v4.new_output("display_data", {"text/html": content})
            if cell.metadata.get("jupyter", {}).get("source_hidden"):
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, SOURCES / "notebooks" / f"{name}.ipynb")


def _students(notebook: Any) -> None:
    """Leave solutions and what was said of them to those who have written their own; reference answers stay folded."""
    for cell in notebook.cells:
        if cells.BEGIN in cell.source:
            cell.source = cells.without_solution(cell.source)
        if cells.kind(cell) in ("exercise", "check") and cell.cell_type == "code":
            cell.outputs = []


def _apart(found: re.Match) -> str:
    """What a control was packed into, as a script of its own: several pages may share it, and pages stay small."""
    name = hashlib.sha256(found["packed"].encode()).hexdigest()[:12]
    file = SOURCES / "_static/packed" / f"{name}.js"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f'(window.labutilsPacked ??= {{}})["{name}"] = "{found["packed"]}";\n', encoding="utf-8")
    script = f'<script src="../_static/packed/{file.name}"></script>'
    return f'{script}{found["control"]}labutilsPacked["{name}"])'


def _shown(output: Any, name: str) -> str:
    """An output as HTML; its picture is a file of fewer colours, with the alt text and the size of the old one."""
    data = output.get("data", {})
    if "image/png" not in data:
        return data.get("text/html", "")
    file = SOURCES / "_static/pictures" / f"{name}.png"
    file.parent.mkdir(exist_ok=True)
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as image:
        width, height = image.size
        image.convert("RGB").quantize(dither=Image.Dither.NONE).save(file, optimize=True)
    alt = html.escape(output.metadata.get("image/png", {}).get("alt", ""), quote=True)
    size = f'width="{width}" height="{height}"'
    return f'<img loading="lazy" {size} alt="{alt}" src="../_static/pictures/{file.name}">'


if __name__ == "__main__":
    sys.exit(main())
