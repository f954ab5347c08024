"""Notebooks run by a machine: parameters checked, errors found wherever they hide, hanging kernels stopped."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from helpers import wait_until
from notebook_helpers import write

from labutils import lab
from labutils.tools.execution import execute as ex


def test_values_are_read_as_typed():
    typed = {"1e-5": 1e-5, "[1e-4, 1e-5]": [1e-4, 1e-5], "None": None, "True": True, "phantom": "phantom"}
    assert {text: ex.parse_value(text) for text in typed} == typed


def test_unknown_parameter_is_refused_and_the_known_are_listed(tmp_path):
    with pytest.raises(ex.NotebookError, match=r"no parameter 'b'[^$]* There are:\n  a = 1  a number"):
        ex.execute(write(tmp_path, "a"), {"b": 2}, output=tmp_path / "out.ipynb")


@pytest.mark.parametrize(("name", "value"), [("train_missing", "false"), ("reuse", 0), ("lr", [])])
def test_a_parameter_that_would_be_taken_for_another_value_is_refused(name, value):
    with pytest.raises(ex.NotebookError, match=rf"{name} is .*: it must "):
        ex.find_notebooks(["task1b"], {name: value})


def test_unknown_task_is_refused_and_the_known_are_listed():
    with pytest.raises(ex.NotebookError, match=r"no notebook 'task99'.*task1b"):
        lab.find_notebook("task99")
    assert lab.find_notebook("1B") == lab.find_notebook("task1b")


def test_what_a_run_says_reaches_the_outcome_and_small_numbers_the_run(tmp_path):
    lines = "print('x: trained 2 epochs in 1 s on phantoms.')\nprint('y: reused, 3 stored epochs on phantoms.')"
    table = "import pandas as pd\npd.DataFrame({'verdict': ['reproduced', 'undecided', 'not reproduced']})"
    notebook, heard = write(tmp_path, "assert a == 1e-5", lines, table, parameters="a: float = 1  # a number"), []
    done = ex.execute(notebook, {"a": 1e-5}, output=tmp_path / "out.ipynb", show=heard.append)
    assert done.error == ""
    assert done.trained == {"trained": 1, "extended": 0, "reused": 1}
    assert done.verdicts == {"reproduced": 1, "not reproduced": 1, "undecided": 1, "missing": 0}
    assert heard[0].startswith("x: trained")
    written = nbformat.read(done.output, as_version=4)
    assert "a = 1e-05" in written.cells[1].source
    assert "jupytext" not in written.metadata, "a later sync would write a .py beside the output"


def test_an_error_ends_in_its_sentence(tmp_path):
    source = (
        "from labutils.config import RunConfig\nRunConfig(dataset='skin', model='vgg16', learning_rate=0, epochs=1)"
    )
    done = ex.execute(write(tmp_path, source), output=tmp_path / "out.ipynb")
    assert done.error.startswith("ParameterError: lr (learning_rate) is 0: it must be a number above 0")


def test_an_error_inside_a_widget_counts(tmp_path):
    """papermill reports success; all it keeps is this, in the state of the widgets."""
    notebook = nbformat.read(write(tmp_path, "1"), as_version=4)
    assert ex.widget_error(notebook) == ""
    error = {"output_type": "error", "ename": "RuntimeError", "evalue": "inside", "traceback": []}
    states = {"one": {"state": {"value": 3}}, "two": {"state": {"outputs": [error]}}}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": states}}
    assert ex.widget_error(notebook) == "in a widget: RuntimeError: inside"


def test_a_hanging_notebook_is_stopped_after_one_retry(tmp_path):
    notebook, heard = write(tmp_path, "import time\ntime.sleep(600)"), []
    done = ex.execute(notebook, output=tmp_path / "out.ipynb", limit=6, show=heard.append)
    assert "took longer than 6 s, twice" in done.error
    assert sum("trying once more" in line for line in heard) == 1


def test_a_notebook_leaves_with_the_process_that_asked_and_leaves_no_file(tmp_path):
    if not Path("/proc").exists():
        pytest.skip("needs /proc")
    pid = tmp_path / "pid"
    here = f"import os, pathlib, time\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))"
    file = write(tmp_path, here, "time.sleep(600)")
    code = "import sys\nfrom pathlib import Path\nfrom labutils.tools.execution.execute import execute\n"
    code += "execute(Path(sys.argv[1]), output=Path(sys.argv[2]))"
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-c", code, str(file), str(tmp_path / "out.ipynb")]
    process = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(tmp_path / "temporary")})
    try:
        wait_until(lambda: pid.exists() and pid.read_text())
        assert list((tmp_path / "temporary").rglob("*.json")), "what the kernel is reached by"
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: not Path(f"/proc/{pid.read_text()}").exists())
    wait_until(lambda: not list((tmp_path / "temporary").iterdir()))
