"""All notebooks as one PDF to read offline, `dist/labutils.pdf`: `make offline`. Nothing is executed.

nbconvert makes one page of their cells and outputs, Chromium prints it.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook

from labutils import lab, paths
from labutils.course.mine import BROWSERS

LIMIT = 600  # seconds


def main(target: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"No browser that prints was found: one of {', '.join(BROWSERS)} is needed.")
    whole = new_notebook()
    for name in lab.NOTEBOOKS:
        notebook = nbformat.read(paths.notebooks_dir() / f"{name}.ipynb", as_version=4)
        for number, cell in enumerate(notebook.cells):
            cell.id = f"{name}-{number}"
        whole.cells += [*notebook.cells, new_markdown_cell('<div style="break-after: page"></div>')]
    # No scripts, which would be fetched from elsewhere: what moves in JupyterLab has a picture.
    exporter = HTMLExporter(mathjax_url="", require_js_url="", widget_renderer_url="", embed_images=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    page = target.with_suffix(".html")
    page.write_text(exporter.from_notebook_node(whole)[0], encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--no-pdf-header-footer", f"--print-to-pdf={target}"]
    subprocess.run([*command, page.as_uri()], check=True, timeout=LIMIT, stderr=subprocess.DEVNULL)  # of buses, fonts
    page.unlink()
    print(f"written: {paths.short(target)}, {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(paths.ROOT / "dist" / "labutils.pdf")
