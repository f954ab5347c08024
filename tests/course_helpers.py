"""The exercises as the notebooks hold them, and a small task notebook, for the tests of the course."""

import json
import re
import shutil
import subprocess

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_helpers import KERNEL

from labutils.course import cells
from labutils.course.check import name_of
from labutils.course.widgets.control import STATIC
from labutils.tools.execution import read_script, scripts

SECRET = "The reference says: by chance alone."


def exercise_cells():
    """The cell with its solution and the cell that checks it, by the exercise's name and its notebook."""
    found = {}
    for script in scripts():
        source = ""
        for cell in read_script(script).cells:
            if cells.kind(cell) == "exercise":
                source = cell.source
            elif cells.kind(cell) == "check":
                found[name_of(re.match(r"check\.exercise\((\w+)", cell.source)[1]), script.stem] = source, cell.source
    return found


CELLS = {name: both for (name, _), both in exercise_cells().items()}


def solution(name):
    """The solved cell, without marks."""
    return re.sub(rf"^[ \t]*({cells.BEGIN}|{cells.END})\n?", "", CELLS[name][0], flags=re.M)


def written(source, check="check.f(f)"):
    """What a cell defines: the function that its check is given."""
    namespace = {}
    exec(compile(source, "exercise", "exec"), namespace)
    return namespace[re.sub(r".*\(|\)", "", check)]


def small_notebook() -> nbformat.NotebookNode:
    """Title, question, exercise, check, answer, reference answer; executed, and paired like the lab's own."""
    exercise, check = CELLS["mcnemar"]
    done = [new_output("stream", name="stdout", text="mcnemar: right for all 4 inputs.\n")]
    made = [
        new_markdown_cell("# Task 3: small"),
        new_code_cell("from labutils import course\nfrom labutils.course import check"),
        new_code_cell('course.ask("task7", 1)', metadata={"tags": ["predict"]}),
        new_markdown_cell("Could the difference be chance? Write McNemar's exact test."),
        new_code_cell(exercise, metadata={"tags": ["exercise"]}, execution_count=2),
        new_code_cell(check, metadata={"tags": ["check"]}, execution_count=3, outputs=done),
        new_markdown_cell("*Your answer (double-click to write):*", metadata={"tags": ["answer"]}),
        new_markdown_cell(
            "When you have written yours, open ours.\n\n<details><summary><b>Reference answer</b></summary>\n\n"
            f"{SECRET}\n\n</details>"
        ),
    ]
    notebook = new_notebook(cells=made, metadata={"kernelspec": KERNEL})
    notebook.metadata["jupytext"] = {"formats": "ipynb,py:percent"}
    notebook.metadata["labutils"] = {"seconds": 3}
    return notebook


needs_node = pytest.mark.skipif(
    shutil.which("node") is None, reason="there is no node to run the page's functions with"
)


def in_node(module, script, data, folder):
    """What `result` is after `script`, with `data` and the functions of a module of `static/` at hand."""
    code = (STATIC / f"{module}.js").read_text(encoding="utf-8").replace("export default { render };", "")
    (folder / "data.json").write_text(json.dumps(data))
    head = "import fs from 'fs';\nconst data = JSON.parse(fs.readFileSync('data.json'));\nlet result;\n"
    (folder / "run.mjs").write_text(f"{code}\n{head}{script}\nfs.writeFileSync('out.json', JSON.stringify(result));")
    subprocess.run(["node", "run.mjs"], cwd=folder, check=True, timeout=120)
    return json.loads((folder / "out.json").read_text())
