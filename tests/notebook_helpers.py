"""Small notebooks for the tests of what executes them."""

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def write(folder, *sources, parameters="a: int = 1  # a number"):
    """A notebook with one parameters cell and these code cells."""
    cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]})] + [new_code_cell(s) for s in sources]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    notebook.metadata["jupytext"] = {"formats": "ipynb,py:percent"}
    file = folder / "small.ipynb"
    nbformat.write(notebook, file)
    return file
