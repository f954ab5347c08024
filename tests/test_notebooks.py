"""The notebooks: pairs that agree, one structure, outputs fit to be committed. nbval runs them."""

import ast
import os
import re
import tomllib

import nbformat
import numpy as np
import pytest

from labutils import lab, paths
from labutils.config import Augmentation, RunConfig, as_list, scientific
from labutils.data import Dataset
from labutils.tools.execution import read_script, scripts, seconds_taken

SCRIPTS = scripts()
NAMES = [script.stem for script in SCRIPTS]
REFERENCES = paths.ROOT / "tests" / "reference"


def tags(cell):
    return cell.metadata.get("tags", [])


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def notebook(name):
    return nbformat.read(paths.notebooks_dir() / f"{name}.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def differences(script, notebook):
    """Where a notebook does not hold the cells of its script."""
    ours, theirs = ([(c.cell_type, c.source, tags(c)) for c in n.cells] for n in (read_script(script), notebook))
    found = [] if len(ours) == len(theirs) else [f"{len(ours)} cells in the .py, {len(theirs)} in the .ipynb"]
    return found + [f"cell {number}" for number, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b]


def test_pair_agrees(name, notebook):
    assert differences(paths.notebooks_dir() / f"{name}.py", notebook) == []


def test_every_task_has_its_notebook_and_script():
    assert set(NAMES) >= {*lab.TITLES, "index"}
    assert [n for n in NAMES if not (paths.notebooks_dir() / f"{n}.ipynb").is_file()] == []


def test_structure(name, notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown" and first.source.startswith("# ")
    if name == "index":
        return
    assert sum("parameters" in tags(cell) for cell in notebook.cells) == 1
    headings = re.findall(r"^## (.+)$", "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown"), re.M)
    built = [] if name in ("task3", "task7") else ["Build it", "Play"]
    wanted = ["Parameters", "Predict", "Look", *built, "The evidence", "Explore", "Write", "Answer", "Summary"]
    further = [cell for cell in notebook.cells if cell.source.startswith("## Going further")]
    if further:  # folded, and after everything that the next notebook builds on
        assert further[0].metadata == {"jp-MarkdownHeadingCollapsed": True} and headings[-1] == "Going further"
        shown = "".join(c.source for c in notebook.cells[notebook.cells.index(further[0]) :])
        wanted += ["Going further"]
        if "## Explore" not in str(notebook.cells):
            assert "widgets." in shown, "an instrument is somewhere"
            wanted.remove("Explore")
    if name == "own":  # the question is the reader's, and so is the answer
        wanted = ["Parameters", "Setup", "Look", "The evidence", "Exam", "Explore", "Results to keep", "Summary"]
    assert [heading for heading in headings if heading in wanted] == wanted


def test_cells_are_short(notebook):
    lengths = sorted(len(c.source.splitlines()) for c in code_cells(notebook) if "parameters" not in tags(c))
    # A network on show is as long as it is, and an exercise holds its docstring too.
    shown = [c for c in code_cells(notebook) if "Sequential" in c.source or {"exercise", "parameters"} & {*tags(c)}]
    assert max(len(c.source.splitlines()) for c in code_cells(notebook) if c not in shown) <= 15
    assert lengths[-1] <= 30
    assert lengths[len(lengths) // 2] <= 6
    assert not any(cell.source.rstrip().endswith(";") for cell in code_cells(notebook))


ASKED = re.compile(r"\b(?:audit|augment|check|course|evaluate|plots|training|widgets)\.\w+\(")
IN_SIGHT = re.compile(r"^(?:evaluate|audit)\.(?:\w+_table|audit)\(", re.M)


@pytest.mark.parametrize("task", [*lab.TITLES, "own"])
def test_a_notebook_is_short_and_shows_two_tables_at_most(task):
    notebook = read_script(paths.notebooks_dir() / f"{task}.py")
    prose = sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")
    tables, calls = (sum(len(what.findall(c.source)) for c in code_cells(notebook)) for what in (IN_SIGHT, ASKED))
    wide = [line for c in code_cells(notebook) if "parameters" not in tags(c) for line in c.source.splitlines()]
    assert prose <= 700 and tables <= 2 and calls <= 25
    assert [line for line in wide if len(line) > 88 and '"""' not in line and not line.startswith("    In ")] == []


@pytest.mark.parametrize("task", [task for task in lab.TITLES if task not in ("task3", "task7")])
def test_a_network_is_written_out_compiled_and_fitted_before_the_evidence(task):
    cells = read_script(paths.notebooks_dir() / f"{task}.py").cells
    titles = {cell.source.splitlines()[0]: place for place, cell in enumerate(cells) if cell.source.startswith("## ")}
    built = "\n".join(cell.source for cell in cells[titles["## Build it"] : titles["## The evidence"]])
    for part in ("import keras", "keras.Sequential(", ".compile(", ".fit(", "plots.live_fit(", "  # <- change this: "):
        assert part in built, f"{part} is missing"
    proved = "\n".join(cell.source for cell in cells[titles["## The evidence"] :])
    assert re.search(r"training\.same_network\(\s*(build\(|built\b)", proved), "not the network of the runs"


def test_parameters_and_setup_are_folded(name):
    cells = [cell for cell in read_script(paths.notebooks_dir() / f"{name}.py").cells if cell.cell_type == "code"]
    wanted = [{"source_hidden": True}] * (0 if name == "index" else 1 if name == "own" else 2)
    assert [cell.metadata.get("jupyter") for cell in cells[: len(wanted)]] == wanted
    assert all("parameters" in tags(cell) for cell in cells[: len(wanted[:1])])


def test_every_code_cell_was_executed_in_order(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_reading_a_notebook_does_not_begin_with_waiting(name):
    """From top to bottom with the stored runs, measured when it was built; looking at a prediction loads TensorFlow.

    On a processor on which importing TensorFlow alone takes seven seconds: elsewhere it is about half. The network that
    a reader builds trains for another ten or twenty.
    """
    script = (paths.notebooks_dir() / f"{name}.py").read_text(encoding="utf-8")
    predicts = any(word in script for word in ("show_gradcam", "import keras", "feature_maps"))
    seconds = seconds_taken(paths.notebooks_dir() / f"{name}.ipynb")
    assert seconds is not None, "build it: labutils build"
    assert seconds <= (60 if ".fit(" in script else 30 if predicts else 20), "slow, or built on a busy machine"


def test_outputs_are_fit_to_be_committed(notebook):
    assert "widgets" not in notebook.metadata and "papermill" not in notebook.metadata
    for cell in code_cells(notebook):
        assert set(cell.metadata) <= {"tags", "jupyter"}
        assert "check" not in tags(cell) or "4 of 4 points" in str(cell.outputs), "the solution is none"
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            text = str(output.get("text", "")) + str(output.get("data", {}).get("text/html", ""))
            assert not re.search(r"(/home/|/root/|/tmp/|/Users/|[A-Z]:\\|Warning|site-packages)", text)
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


def test_links_lead_somewhere(notebook):
    for cell in notebook.cells:
        for target in re.findall(r"\]\((?!https?:|#|attachment:)([^)#]+)", cell.source):
            assert (paths.notebooks_dir() / target).exists(), target


def test_tasks_are_spelled_one_way(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"\b[Tt]ask ?[0-9][a-e]\b(?!\.ipynb)|\bTASK\b", re.sub(r"`[^`]*`", "", cell.source))


def whole_dataset(name):
    """A data set as a notebook loads it, without its images: what a run on it takes from them."""
    images, asked = (np.zeros((1, 128, 128, 1), np.float32), np.zeros(1, np.int64)), {"n_train": None, "n_val": None}
    return Dataset(name, *images, *images, ("a", "b"), ("t",), ("v",), "phantom", "0", paths.ROOT, asked)


def configs_of(name):
    """The configurations that a notebook builds from its default parameters, without running the rest of it."""
    cells = [c.source for c in read_script(paths.notebooks_dir() / f"{name}.py").cells if c.cell_type == "code"]
    namespace: dict = {f.__name__: f for f in (Augmentation, RunConfig, as_list, scientific)}
    namespace |= {data: whole_dataset(data) for data in ("skin", "bone", "x_ray")}
    exec(cells[0], namespace)  # the parameters: literals only
    for statement in ast.parse("\n".join(cells[1:])).body:
        text = ast.unparse(statement)
        if re.match(r"(settings|base|wide|vgg16|with_spatial|changes|networks|configs) \|?= ", text) or (
            isinstance(statement, ast.For) and "configs" in text
        ):
            exec(text, namespace)
    return namespace["configs"]


def test_default_parameters_are_the_reports(name):
    """What the notebook runs, as opened, is what the lab's list holds, under the same labels."""
    if name in ("index", "task7", "own"):
        pytest.skip(f"{name} trains nothing of its own")
    assert configs_of(name) == lab.runs(name)


@pytest.mark.skipif(not REFERENCES.is_dir(), reason="no reference notebooks")
def test_references_hold_the_notebooks_cells(name):
    """An edited cell makes its reference stale: write it again with `labutils build --references`."""
    reference = nbformat.read(REFERENCES / f"{name}.ipynb", as_version=4)
    reference.cells = [cell for cell in reference.cells if "injected-parameters" not in tags(cell)]
    assert differences(paths.notebooks_dir() / f"{name}.py", reference) == []
    counts = [cell.execution_count for cell in code_cells(reference)]
    assert None not in counts


def contents_manager(folder):
    """JupyterLab's way to the files, with jupytext."""
    from jupyter_server.services.contents.largefilemanager import LargeFileManager
    from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class

    manager = build_sync_jupytext_contents_manager_class(LargeFileManager)()
    manager.root_dir = str(folder)
    return manager


@pytest.mark.parametrize("newer", ["ipynb", "py"])
def test_jupyterlab_opens_every_pair(tmp_path, newer):
    """A clone sets file times at random; jupytext's contents manager must open pairs with either file newer."""
    for script in SCRIPTS:
        for file in (script, script.with_suffix(".ipynb")):
            copy = tmp_path / file.name
            copy.write_bytes(file.read_bytes())
            age = 0 if file.suffix == f".{newer}" else 1000
            os.utime(copy, (1_700_000_000 - age, 1_700_000_000 - age))
        model = contents_manager(tmp_path).get(f"{script.stem}.ipynb")
        assert len(model["content"]["cells"]) == len(read_script(script).cells)


def test_jupyterlab_opens_a_pair_that_papermill_has_prepared(tmp_path):
    """papermill gives every cell tags; with the filter of pyproject.toml the empty ones are no difference."""
    import papermill

    wanted = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["jupytext"]
    script, notebook = tmp_path / "task7.py", str(tmp_path / "task7.ipynb")
    text = (paths.notebooks_dir() / script.name).read_text(encoding="utf-8")
    own = f"cell_metadata_filter: {wanted['cell_metadata_filter']}"
    script.write_text(re.sub("cell_metadata_filter: .*", own, text), encoding="utf-8")
    nbformat.write(read_script(script), notebook)
    papermill.execute_notebook(notebook, notebook, prepare_only=True)
    os.utime(script, (1_700_000_000, 1_700_000_000))
    assert nbformat.read(notebook, as_version=4).cells[0].metadata["tags"] == []
    model = contents_manager(tmp_path).get("task7.ipynb")
    assert len(model["content"]["cells"]) == len(read_script(script).cells)
