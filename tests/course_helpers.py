"""A small task notebook for the tests of copies and of the instructor's folder."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_helpers import KERNEL

from labutils.course.exercises import EXERCISES

SECRET = "The reference says: by chance alone."


def small_notebook() -> nbformat.NotebookNode:
    """Title, question, exercise, check, answer, reference answer; executed, and paired like the lab's own."""
    exercise = EXERCISES["mcnemar"]
    done = [new_output("stream", name="stdout", text="mcnemar: right for all 4 inputs.\n")]
    cells = [
        new_markdown_cell("# Task 3: small"),
        new_code_cell("from labutils import check, course"),
        new_code_cell('course.ask("task7", 1)', metadata={"tags": ["predict"]}),
        new_markdown_cell(exercise.question),
        new_code_cell(exercise.source, metadata={"tags": ["exercise"]}, execution_count=2),
        new_code_cell(exercise.test, metadata={"tags": ["check"]}, execution_count=3, outputs=done),
        new_markdown_cell("*Your answer:*", metadata={"tags": ["answer"]}),
        new_markdown_cell(
            "When you have written yours, open ours.\n\n<details><summary><b>Reference answer</b></summary>\n\n"
            f"{SECRET}\n\n</details>"
        ),
    ]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    notebook.metadata["jupytext"] = {"formats": "ipynb,py:percent"}
    notebook.metadata["labutils"] = {"seconds": 3}
    return notebook


def write_small(folder: Path, name: str = "task3") -> Path:
    """The small notebook as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(small_notebook(), folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"
