"""Committed notebooks, made from their .py: the script is the source, outputs come from an execution.

A notebook is executed as a copy and its outputs are carried over, so that nothing of the execution (timings, widget
state with its random names, ids) reaches the pair.
"""

import tempfile
from pathlib import Path
from typing import Any

from labutils import paths


def read_script(script: Path) -> Any:
    """The notebook that a percent script stands for, without outputs, with cell ids that do not change."""
    import jupytext

    notebook = jupytext.read(script)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
    return notebook


def carry_outputs(executed: Any, notebook: Any) -> None:
    """Copy outputs and execution counts from an executed notebook into the same notebook without them."""
    ran = [cell for cell in executed.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for source, target in zip(ran, notebook.cells, strict=True):
        if target.cell_type == "code":
            target.execution_count = source.execution_count
            target.outputs = [item for item in source.outputs if _is_lasting(item)]


def build(script: Path, limit: float = 600.0) -> str:
    """Write the .ipynb of a .py, with outputs.

    Parameters
    ----------
    script : Path
    limit : float
        Seconds that executing may take.

    Returns
    -------
    str
        What went wrong, or nothing; the .ipynb is then as it was.
    """
    import nbformat

    from labutils.execute import execute

    notebook, target = read_script(script), script.with_suffix(".ipynb")
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / target.name
        nbformat.write(notebook, copy)
        outcome = execute(copy, output=Path(temporary) / "out.ipynb", limit=limit, folder=script.parent)
        if outcome.error:
            return outcome.error
        carry_outputs(nbformat.read(outcome.output, as_version=4), notebook)
    nbformat.write(notebook, target)
    return ""


def scripts() -> list[Path]:
    """The sources of all notebooks."""
    return sorted(paths.notebooks_dir().glob("*.py"))


def _is_lasting(output: Any) -> bool:
    if output.output_type == "stream":
        return output.name == "stdout"
    return "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
