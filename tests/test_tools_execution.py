"""Notebooks run by a machine: errors found wherever they hide, hanging kernels stopped; committed ones from scripts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from helpers import start_python, wait_until
from notebook_helpers import write

from labutils import lab, paths
from labutils.tools import execution


def test_values_are_read_as_typed():
    typed = {"1e-5": 1e-5, "[1e-4, 1e-5]": [1e-4, 1e-5], "None": None, "True": True, "phantom": "phantom"}
    assert {text: execution.parse_value(text) for text in typed} == typed


def test_what_a_run_says_reaches_the_outcome_and_small_numbers_the_run(tmp_path):
    lines = "print('x: trained 2 epochs in 1 s on phantoms.')\nprint('y: reused, 3 stored epochs on phantoms.')"
    table = "import pandas as pd\npd.DataFrame({'verdict': ['reproduced', 'undecided', 'not reproduced']})"
    given = f"import os\nassert a == 1e-5 and os.environ['LABUTILS_RESULTS'] == {str(tmp_path / 'own')!r}"
    notebook, heard = write(tmp_path, given, lines, table, parameters="a: float = 1  # a number"), []
    places = {"output": tmp_path / "out.ipynb", "results": tmp_path / "own"}
    done = execution.execute(notebook, {"a": 1e-5}, show=heard.append, **places)
    assert done.error == "" and heard[0].startswith("x: trained")
    assert done.trained == {"trained": 1, "extended": 0, "reused": 1}
    assert done.verdicts == {"reproduced": 1, "not reproduced": 1, "undecided": 1, "missing": 0}
    written = nbformat.read(done.output, as_version=4)
    assert "a = 1e-05" in written.cells[1].source
    assert "jupytext" not in written.metadata, "a later sync would write a .py beside the output"


def test_an_error_inside_a_widget_counts(tmp_path):
    """papermill reports success; all it keeps is this, in the state of the widgets."""
    notebook = nbformat.read(write(tmp_path, "1"), as_version=4)
    assert execution.widget_error(notebook) == ""
    error = {"output_type": "error", "ename": "RuntimeError", "evalue": "inside", "traceback": []}
    states = {"one": {"state": {"value": 3}}, "two": {"state": {"outputs": [error]}}}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": states}}
    assert execution.widget_error(notebook) == "in a widget: RuntimeError: inside"


def test_a_hanging_notebook_is_stopped_after_one_retry(tmp_path):
    notebook, heard = write(tmp_path, "import time\ntime.sleep(600)"), []
    done = execution.execute(notebook, output=tmp_path / "out.ipynb", limit=6, show=heard.append)
    assert "took longer than 6 s, twice" in done.error
    assert sum("trying once more" in line for line in heard) == 1


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
def test_a_notebook_leaves_with_the_process_that_asked_and_leaves_no_file(tmp_path):
    pid = tmp_path / "pid"
    here = f"import os, pathlib, time\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))"
    code = "from pathlib import Path\nfrom labutils.tools.execution import execute\n"
    code += f"execute(Path({str(write(tmp_path, here, 'time.sleep(600)'))!r}), output=Path('out.ipynb'))"
    (tmp_path / "temporary").mkdir()
    process = start_python(code, tmp_path, TMPDIR=str(tmp_path / "temporary"))
    try:
        wait_until(lambda: pid.exists() and pid.read_text())
        assert list((tmp_path / "temporary").rglob("*.json")), "what the kernel is reached by"
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: not Path(f"/proc/{pid.read_text()}").exists())
    wait_until(lambda: not list((tmp_path / "temporary").iterdir()))


def script(folder, says="print(n_epoch)"):
    """The script of a notebook that prints something, and shows a slider."""
    shows = "from ipywidgets import IntSlider\n\nIntSlider(2, 1, 3)"
    notebook = nbformat.read(write(folder, says, shows, parameters="n_epoch: int = 3  # epochs"), as_version=4)
    jupytext.write(notebook, folder / "small.py", fmt="py:percent")
    return folder / "small.py"


def test_outputs_are_carried_over_and_nothing_else_but_the_time_taken(tmp_path):
    file, built = script(tmp_path), []
    there = file.with_suffix(".ipynb")
    for _ in range(2):
        assert execution.build(file) == ""
        built.append(nbformat.read(there, as_version=4))
        took = built[-1].metadata.pop("labutils")
        assert took == {"seconds": execution.seconds_taken(there)} and took["seconds"] in range(1, 600)
    notebook, again = built
    assert notebook == again
    assert notebook.cells[1].outputs[0].text == "3\n"
    assert [cell.id for cell in notebook.cells] == ["cell-00", "cell-01", "cell-02"]
    assert "widgets" not in notebook.metadata and "papermill" not in notebook.metadata
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
    assert all("widget-view" not in str(cell.get("outputs")) for cell in notebook.cells)
    assert execution.seconds_taken(file) is None and execution.seconds_taken(tmp_path / "none.ipynb") is None
    script(tmp_path, "print(nothing)")
    before = there.read_bytes()
    assert "NameError" in execution.build(file)
    assert there.read_bytes() == before, "a script that fails leaves the notebook as it was"


def test_a_reference_is_of_the_script_with_what_was_injected_and_no_pictures(tmp_path):
    file = script(tmp_path)
    execution.build(file)
    script(tmp_path, "from matplotlib import pyplot\nprint('new')\npyplot.plot([1])")
    assert execution.build(file, tmp_path / "reference") == ""
    notebook = nbformat.read(tmp_path / "reference" / "small.ipynb", as_version=4)
    assert "n_epoch = 2" in notebook.cells[1].source
    outputs = str([cell.get("outputs") for cell in notebook.cells])
    assert "new" in outputs and "<Figure size" in outputs and "image/png" not in outputs


def test_quick_settings_are_known_to_every_training_notebook():
    common = {name for name in execution.QUICK if name not in ("seeds", "n_trial")}
    for script in execution.scripts():
        if script.stem not in ("index", "task7"):
            known = {*execution.fitting(script.with_suffix(".ipynb"), execution.QUICK)}
            # In `own` the cost decides, and nothing is left out for being the lab's.
            assert common - ({"train_missing"} if script.stem == "own" else set()) <= known, script.stem


def test_strays_in_the_folder_are_no_tasks_not_compared_and_not_seen_by_git(tmp_path, monkeypatch):
    """Somebody has typed `papermill task7.ipynb out.ipynb` in a lab of one task, and opened the result."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("conftest.py", "pyproject.toml", ".gitignore"):
        shutil.copy(paths.ROOT / name, tmp_path)
    for ending in ("py", "ipynb"):
        shutil.copy(paths.notebooks_dir() / f"task7.{ending}", folder)
        shutil.copy(paths.notebooks_dir() / f"task7.{ending}", folder / f"out.{ending}")
    command = [sys.executable, "-m", "pytest", "--nbval", "--collect-only", "-q", "-p", "no:cacheprovider", "notebooks"]
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT)}
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
    assert "task7.ipynb" in said and "out.ipynb" not in said, said
    if shutil.which("git"):
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        listed = subprocess.run(["git", "ls-files", "--others", "--exclude-standard"], cwd=folder, capture_output=True)
        assert listed.stdout.decode().split() == ["task7.ipynb", "task7.py"]
    monkeypatch.setattr(paths, "notebooks_dir", lambda: folder)
    assert [script.name for script in execution.scripts()] == ["task7.py"] and lab.all_tasks() == ["task7"]
