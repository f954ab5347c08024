"""Parameters that lie: text that counts as True, names that nobody reads, lists with nothing in them."""

import nbformat
import pytest
from notebook_helpers import write

from labutils import parameters
from labutils.errors import LabError, ParameterError
from labutils.tools.execution import read_script, scripts

DECLARED = """lr: list = [1e-4, 1e-5]  # rate, or several
n_epoch: int = 100  # epochs, a whole number from 1
dropout: float = 0.0  # share of units
n_train: int = None  # images; None takes all
source: str = "auto"  # images: "course" # or another
reuse: bool = True  # False trains anew
"""
WITH_PARAMETERS = [script for script in scripts() if 'tags=["parameters"]' in script.read_text(encoding="utf-8")]


def run_cells(*cells):
    """What a kernel makes of a notebook's cells, the last of which asks for the check."""
    namespace = {"In": [""]}
    for cell in cells:
        namespace["In"].append(cell)
        exec(cell, namespace)
    parameters.check(namespace)


def test_a_declaration_is_read_with_its_kind_default_and_meaning():
    known = parameters.read_parameters(DECLARED)
    assert list(known) == ["lr", "n_epoch", "dropout", "n_train", "source", "reuse"]
    assert known["lr"].kind == "list" and known["lr"].default == [1e-4, 1e-5]
    assert known["source"].meaning == 'images: "course" # or another'


@pytest.mark.parametrize(
    "given",
    [
        *("", "reuse = False", "lr = 1e-3", "lr = [1e-3]", "lr = 1", "n_train = None", "n_train = 64", "dropout = 0"),
        "best: dict = {}\nrate = 'text'\nn: int = 'x'",  # names of later cells are nobody's business
        "import numpy as np\nlr, n_epoch = np.linspace(1e-5, 1e-4, 3).tolist(), np.int64(3)",
    ],
)
def test_what_is_of_its_kind_passes(given):
    run_cells(DECLARED, given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("reuse = 'false'", "reuse is 'false': it must be True or False."),
        ("reuse = 1", "reuse is 1: it must be True or False."),
        ("reuse = None", "it must be True or False."),
        ("lr = []", r"lr is \[\]: it must be a number, or a list with at least one."),
        ("lr = ['1e-4']", "it must be a number, or a list with at least one."),
        ("lr = '[1e-4, 1e-5]'", "papermill's -p takes no lists"),
        ("lr = [True]", "it must be a number"),
        ("dropout = '1e-1'", r"it must be a number \(YAML reads it as text: write 1.0e-01"),
        ("dropout = 'high'", "it must be a number.$"),
        ("dropout = float('nan')", "dropout is nan: it must be a number."),
        ("n_epoch = 10.0", "n_epoch is 10.0: it must be a whole number."),
        ("n_epoch = '10'", "n_epoch is '10': it must be a whole number."),
        ("n_epoch = True", "it must be a whole number."),
        ("n_epoch = None", "it must be a whole number."),
        ("n_train = 'all'", "it must be a whole number, or None."),
        ("source = 3", "source is 3: it must be text."),
        ("# Parameters\nlrate = 1e-3", "no parameter 'lrate'. Did you mean lr"),
        ("# Parameters\nlearning_rate = 1e-3", "Did you mean lr"),
        ("# Parameters\nzzz = 1e-3", "no parameter 'zzz'. There are lr, n_epoch, dropout"),
    ],
)
def test_what_would_be_taken_for_something_else_is_one_sentence(given, words):
    with pytest.raises(ParameterError, match=words) as refused:
        run_cells(DECLARED, given)
    assert "\n" not in str(refused.value)


def test_a_name_added_by_hand_is_refused_and_a_cell_of_magics_passed_over():
    with pytest.raises(ParameterError, match=r"no parameter 'n_epochs'\. Did you mean n_epoch"):
        parameters.check({"In": ["", "%matplotlib inline", DECLARED + "n_epochs = 3"], "reuse": False})


def test_every_way_in_has_the_same_rule(tmp_path):
    known = parameters.read_parameters(DECLARED)
    for given in ({"reuse": "false"}, {"lr": []}, {"n_epoch": 1.5}, {"lrate": 1}):
        cell = "# Parameters\n" + "\n".join(f"{name} = {value!r}" for name, value in given.items())
        with pytest.raises(ParameterError) as in_jupyter:
            run_cells(DECLARED, cell)
        with pytest.raises(ParameterError) as before:
            parameters.check_given(known, given)
        assert str(before.value).split(" There are")[0] == str(in_jupyter.value).split(" There are")[0]
    notebook = write(tmp_path, "1", parameters=DECLARED)
    assert parameters.parameters_of(notebook) == known


def test_what_is_no_notebook_is_refused(tmp_path):
    file = tmp_path / "broken.ipynb"
    file.write_text("{")
    with pytest.raises(LabError, match=r"broken\.ipynb cannot be read as a notebook"):
        parameters.parameters_of(file)


def test_papermill_itself_ends_with_the_sentence(tmp_path):
    import papermill

    notebook = write(tmp_path, "from labutils import parameters\nparameters.check(globals())\nraise SystemExit")
    with pytest.raises(papermill.PapermillExecutionError, match="no parameter 'b'"):
        papermill.execute_notebook(str(notebook), str(tmp_path / "out.ipynb"), {"b": 1e-3}, progress_bar=False)
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    error = next(item for cell in executed.cells for item in cell.get("outputs", []) if item.output_type == "error")
    assert error.traceback == ["ParameterError: There is no parameter 'b'. There are a."]


@pytest.mark.parametrize("script", WITH_PARAMETERS, ids=lambda script: script.stem)
def test_every_notebook_asks_for_the_check_before_it_does_anything(script):
    cells = [cell for cell in read_script(script).cells if cell.cell_type == "code"]
    known = parameters.read_parameters(cells[0].source)
    assert known and cells[1].source.count("parameters.check(globals())\n") == 1
    before, after = cells[1].source.split("parameters.check(globals())\n")
    assert "(" not in before and "load_dataset(" in after
    for parameter in known.values():
        parameters.check_value(parameter, parameter.default)
        assert parameter.meaning
