"""The README's picture: a notebook as a reader sees it, from its committed outputs.

    python benchmarks/screenshot.py [task1b]

Needs Chromium (Debian: apt-get install chromium). The picture shows the part from the learning curves on.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from PIL import Image

from labutils import paths

WIDTH, HEIGHT = 1000, 1150


def main(task: str) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("No Chromium found. Install it (Debian: apt-get install chromium) and run this again.")
    notebook = nbformat.read(paths.notebooks_dir() / f"{task}.ipynb", as_version=4)
    start = next(i for i, cell in enumerate(notebook.cells) if "plots.learning_curves(" in cell.source)
    notebook.cells = [notebook.cells[0], *notebook.cells[start:]]
    notebook.cells[0].source = notebook.cells[0].source.splitlines()[0]
    page, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "page.html").write_text(page, encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--disable-background-networking", f"--user-data-dir={folder}/profile"]
        command += [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={folder}/page.png", f"file://{folder}/page.html"]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        with Image.open(Path(folder) / "page.png") as picture:
            small = picture.convert("RGB").quantize(128)
            small.save(paths.ROOT / "results" / "screenshot.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "task1b")
