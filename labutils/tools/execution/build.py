"""Committed notebooks, made from their .py: the script is the source, outputs come from an execution.

A notebook is executed as a copy and its outputs are carried over, so that nothing else of the execution (widget state
with its random names, ids) reaches the pair, but for one number: how long it took, in whole seconds, for the index.
"""

import base64
import io
import json
import math
import tempfile
from pathlib import Path
from typing import Any

from labutils import lab, paths
from labutils.tools.execution.execute import execute, fitting

QUICK: dict[str, Any] = {
    "n_epoch": 2,
    "image_size": 32,
    "n_train": 32,
    "n_val": 18,
    "source": "phantom",
    "reuse": False,
    "train_missing": True,
    "seeds": [0, 1],
    "n_trial": 1,
}
"""Parameters with which every notebook trains in seconds: for tests, not for learning."""

LIMIT = 600.0
"""Seconds after which an execution hangs: with stored runs it takes some ten, on a busy machine a few times that."""


def read_script(script: Path) -> Any:
    """The notebook that a percent script stands for, without outputs, with cell ids that do not change."""
    import jupytext

    notebook = jupytext.read(script)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
    return notebook


def build(script: Path) -> str:
    """Write the .ipynb of a .py, with outputs.

    Returns
    -------
    str
        What went wrong, or nothing; the .ipynb is then as it was.
    """
    import nbformat

    notebook = read_script(script)
    error, executed = _execute(script)
    if error:
        return error
    ran = [cell for cell in executed.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for source, target in zip(ran, notebook.cells, strict=True):
        if target.cell_type == "code":
            target.execution_count = source.execution_count
            target.outputs = [_packed(item) for item in source.outputs if _is_lasting(item)]
    # From the start of the kernel to the last cell: papermill's own start is nothing that a student waits for.
    seconds = executed.metadata["papermill"]["duration"]
    notebook.metadata["labutils"] = nbformat.from_dict({"seconds": math.ceil(seconds)})
    nbformat.write(notebook, script.with_suffix(".ipynb"))
    return ""


def build_reference(script: Path, folder: Path) -> str:
    """Execute a notebook live and quick, and keep the executed copy for nbval to compare the training path with.

    Returns
    -------
    str
        What went wrong, or nothing.
    """
    import nbformat

    error, notebook = _execute(script, live=True)
    if error:
        return error
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = nbformat.from_dict({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})
        if cell.cell_type == "code":
            cell.outputs = [item for item in cell.outputs if _is_lasting(item)]
            for item in cell.outputs:  # pictures are never compared; without them the file is small
                item.get("data", {}).pop("image/png", None)
    notebook.metadata = nbformat.from_dict({"kernelspec": notebook.metadata["kernelspec"]})
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / script.with_suffix(".ipynb").name)
    return ""


def _execute(script: Path, live: bool = False) -> tuple[str, Any]:
    """What went wrong, or the executed notebook: of the script, for the committed one may be older."""
    import nbformat

    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        copy, output = place / script.with_suffix(".ipynb").name, place / "out.ipynb"
        nbformat.write(read_script(script), copy)
        outcome = execute(
            copy,
            parameters_for(copy) if live else {},
            output=output,
            folder=script.parent,
            results=place / "results" if live else None,
            limit=LIMIT,
            threads=1 if live else None,  # and float32, as every check: numbers depend on both
            precision="float32" if live else None,
            temporary=place,
        )
        return outcome.error, None if outcome.error else nbformat.read(output, as_version=4)


def parameters_for(script: Path) -> dict[str, Any]:
    """Those of `QUICK` that a notebook has."""
    return fitting(script.with_suffix(".ipynb"), QUICK)


def scripts() -> list[Path]:
    """The sources of the lab's notebooks in their order, and of no others that may lie beside them."""
    named = [paths.notebooks_dir() / f"{name}.py" for name in lab.NOTEBOOKS]
    return [script for script in named if script.is_file()]


def seconds_taken(notebook: Path) -> int | None:
    """How long a committed notebook took from top to bottom when `build` wrote it; None if that is not known."""
    try:
        metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, KeyError):
        return None
    return metadata.get("labutils", {}).get("seconds")


def _packed(output: Any) -> Any:
    """An output whose picture takes as few bytes as it can: it is stored with every version of the notebook."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    data = output.get("data", {})
    if "image/png" in data:
        buffer, words = io.BytesIO(), PngInfo()
        with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as image:
            if "Description" in image.info:  # its alt text
                words.add_text("Description", image.info["Description"])
            image.save(buffer, format="png", pnginfo=words, dpi=image.info.get("dpi"), optimize=True)
        data["image/png"] = base64.b64encode(buffer.getvalue()).decode()
    return output


def _is_lasting(output: Any) -> bool:
    if output.output_type == "stream":
        return output.name == "stdout"
    return "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
