"""Notebooks run by a machine: executed in a process of their own (`execute`), and committed as they come out (`build`).

Around papermill: parameters are checked before anything starts, a kernel that hangs is stopped and tried once more, and
errors inside widget callbacks, which papermill does not see, count. A committed notebook is made from its .py: outputs
of a copy that is executed are carried over, and of all else (widget state, ids) only how many seconds it took.
"""

import ast
import base64
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labutils import lab, machine, paths
from labutils.errors import NotebookError, ParameterError, TrainingInterrupted
from labutils.machine import leave_with_parent
from labutils.parameters import check_given, parameters_of

if TYPE_CHECKING:
    from labutils.training.workers import Scheduler

TIME_LIMIT = 60 * 60.0
"""Seconds a notebook may take unless told otherwise; training at the report's settings needs more."""

QUICK: dict[str, Any] = {"n_epoch": 2, "image_size": 32, "n_train": 32, "n_val": 18, "source": "phantom"}
QUICK |= {"reuse": False, "train_missing": True, "seeds": [0, 1], "n_trial": 1}
"""Parameters with which every notebook trains in seconds: for tests, not for learning."""

LIMIT = 600.0
"""Seconds after which an execution hangs: with stored runs it takes some ten, on a busy machine a few times that."""

_RUNNING: set[subprocess.Popen] = set()  # executions that are going on, for the stop key


@dataclass(frozen=True)
class Outcome:
    """How one execution of a notebook ended.

    `error` is empty if all went well; `trained` counts runs by what happened to them, `verdicts` the claims by verdict.
    """

    task: str
    output: Path
    seconds: float
    error: str = ""
    trained: Mapping[str, int] = field(default_factory=dict)
    verdicts: Mapping[str, int] = field(default_factory=dict)


def find_notebooks(tasks: Iterable[str], given: Mapping[str, Any]) -> list[Path]:
    """The notebooks of several tasks, which are to get these parameters.

    A NotebookError says that one does not exist, none has one of the parameters, or a value is not of its kind.
    """
    notebooks = [lab.find_notebook(task) for task in tasks]
    known = {name: parameter for notebook in notebooks for name, parameter in parameters_of(notebook).items()}
    nowhere = {name: value for name, value in given.items() if name not in known}
    checks = [(", ".join(notebook.stem for notebook in notebooks), known, nowhere)]
    checks += [(one.stem, dict(parameters_of(one)), fitting(one, given)) for one in notebooks]
    for what, there, asked in checks:
        try:
            check_given(there, asked)
        except ParameterError as error:
            raise NotebookError(f"{what}: {error}") from None
    return notebooks


def fitting(notebook: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the parameters that a notebook has: Task 7, which trains nothing, has no number of epochs."""
    known = parameters_of(notebook)
    return {name: value for name, value in given.items() if name in known}


def parse_value(text: str) -> Any:
    """A parameter's value as typed on the command line: a Python literal (`1e-5`, `[1, 2]`, `None`), else text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def execute(
    notebook: Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    output: Path,
    folder: Path | None = None,
    results: Path | None = None,
    limit: float = TIME_LIMIT,
    threads: int | None = None,
    precision: str | None = None,
    temporary: Path | None = None,
    scheduler: "Scheduler | None" = None,
    show: Callable[[str], None] | None = None,
) -> Outcome:
    """Execute a notebook into `output`, once more if it hangs.

    It runs in `folder`, unless in its own; runs are stored and looked for in `results`, unless in `results/`. It is
    stopped after `limit` seconds; training may use so many `threads`, and the `precision`, unless `LABUTILS_PRECISION`;
    it is done by the workers of a `scheduler`, if one is given. `temporary` is a folder for temporary files, which the
    caller removes, or the notebook's process if the caller is killed. `show` gets every line that the notebook prints.
    """
    import yaml

    output.parent.mkdir(parents=True, exist_ok=True)
    set_to = {"RESULTS": results and results.resolve(), "THREADS": threads, "PRECISION": precision, "PROGRESS": "log"}
    set_to |= {"SCHEDULER": json.dumps(vars(scheduler)) if scheduler else None}
    environment = os.environ | {f"LABUTILS_{name}": str(value) for name, value in set_to.items() if value}
    started = time.monotonic()
    for attempt in ("; trying once more.", "."):
        # A kernel that was stopped may write for a moment more.
        with nullcontext(temporary) if temporary else tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as given:
            file = Path(given, "parameters.yaml")
            file.write_text(yaml.safe_dump(dict(parameters or {})), encoding="utf-8")
            command = [sys.executable, "-m", "labutils.tools.execution", str(given), str(notebook), str(output)]
            command += ["-f", str(file), "--no-progress-bar", "--stdout-file", "-", "-k", "python3"]
            command += ["--cwd", str(folder or notebook.parent)]
            errors = _run(command, environment | {"TMPDIR": str(given)}, limit, show)
        if errors is not None:
            return _read_outcome(notebook.stem, output, time.monotonic() - started, errors)
        if show:
            show(f"{notebook.stem}: stopped after {limit:.0f} s{attempt}")
    return Outcome(notebook.stem, output, time.monotonic() - started, f"took longer than {limit:.0f} s, twice")


def run_notebooks(
    notebooks: list[Path],
    into: Path,
    jobs: int,
    parameters: Mapping[str, Any],
    scheduler: "Scheduler | None" = None,
    **options: Any,
) -> list[Outcome]:
    """Execute notebooks into a folder, `jobs` at a time, each with those of the parameters that it has; see `execute`.

    A ClusterError, before one is executed, says that the scheduler cannot be used. Stopped by hand, it raises a
    TrainingInterrupted: notebooks that have ended are kept, and every finished epoch, or run of a worker.
    """
    options |= {"threads": max(1, machine.cores() // jobs) if jobs > 1 else None, "scheduler": scheduler}
    kept = "Stopped; finished notebooks and epochs are kept. Run the same again to go on from there."
    if scheduler:
        from labutils.training.workers import connect

        kept = (
            "Stopped; notebooks that have ended and runs that have arrived are kept. Workers finish what they are at. "
        )
        kept += "Run the same again for the others."
        with connect(scheduler):
            pass

    def run(notebook: Path) -> Outcome:
        return execute(notebook, fitting(notebook, parameters), output=into / notebook.name, **options)

    with ThreadPoolExecutor(jobs) as pool:
        try:
            return list(pool.map(run, notebooks))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(_RUNNING):
                _stop(process)
    raise TrainingInterrupted(kept)


def _run(
    command: list[str], environment: dict[str, str], limit: float, show: Callable[[str], None] | None
) -> str | None:
    """Run it in a process group of its own, so that it can be stopped; the errors it printed, or None if it hung."""
    options: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(command, stderr=errors, text=True, start_new_session=True, **options) as process,
    ):
        _RUNNING.add(process)
        hung = threading.Event()

        def stop() -> None:
            hung.set()
            _stop(process)

        timer = threading.Timer(min(limit, threading.TIMEOUT_MAX), stop)
        timer.start()
        try:
            for line in process.stdout or []:
                if show and line.strip():
                    show(line.rstrip())
            process.wait()
        finally:
            timer.cancel()
            _stop(process)
            _RUNNING.discard(process)
        errors.seek(0)
        return None if hung.is_set() else errors.read() if process.returncode else ""


def _stop(process: subprocess.Popen) -> None:
    if process.poll() is not None:
        return
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _read_outcome(task: str, output: Path, seconds: float, errors: str) -> Outcome:
    import nbformat

    last = (errors.strip().splitlines() or [""])[-1]
    if not output.exists():
        return Outcome(task, output, seconds, last or "papermill wrote nothing")
    notebook = nbformat.read(output, as_version=4)
    # Left in, a later jupytext --sync would write a .py next to this output.
    notebook.metadata.pop("jupytext", None)
    nbformat.write(notebook, output)
    text, error = "", ""
    for cell in notebook.cells:
        for item in cell.get("outputs", []):
            text += item.get("text", "") if item.output_type == "stream" else item.get("data", {}).get("text/html", "")
            if item.output_type == "error":
                error = f"{item.ename}: {item.evalue}"
    trained = {word: len(re.findall(rf"^.+: {word}\b", text, re.M)) for word in ("trained", "extended", "reused")}
    words = ("reproduced", "not reproduced", "undecided", "missing")
    judged = {word: text.count(f"<td>{word}</td>") for word in words}
    return Outcome(task, output, seconds, error or widget_error(notebook) or last, trained, judged)


def widget_error(notebook: Any) -> str:
    """The first error inside a widget's output area: papermill keeps it in the widget state and reports success."""
    states = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    for state in states.values():
        for item in state.get("state", {}).get("outputs", []):
            if item.get("output_type") == "error":
                return f"in a widget: {item.get('ename')}: {item.get('evalue')}"
    return ""


def read_script(script: Path) -> Any:
    """The notebook that a percent script stands for, without outputs, with cell ids that do not change."""
    import jupytext

    notebook = jupytext.read(script)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
    return notebook


def build(script: Path, reference: Path | None = None) -> str:
    """Write the .ipynb of a .py, with outputs; what went wrong comes back, and then it is as it was.

    Into `reference`, a folder, goes what a live and quick execution gives, for nbval to compare the training path with.
    """
    import nbformat

    notebook, live = read_script(script), reference is not None
    with tempfile.TemporaryDirectory() as temporary:
        # The script as it is now: the committed notebook may be older.
        place, name = Path(temporary), script.with_suffix(".ipynb").name
        nbformat.write(notebook, place / name)
        options: dict[str, Any] = {"folder": script.parent, "limit": LIMIT, "temporary": place}
        if live:  # on one thread and in float32, as every check: numbers depend on both
            options |= {"results": place / "results", "threads": 1, "precision": "float32"}
        given = fitting(place / name, QUICK) if live else {}
        outcome = execute(place / name, given, output=place / "out.ipynb", **options)
        if outcome.error:
            return outcome.error
        executed = nbformat.read(outcome.output, as_version=4)
    if reference is None:
        ran = [cell for cell in executed.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
        # From the start of the kernel to the last cell: papermill's own start is nothing that a student waits for.
        told = {"labutils": {"seconds": math.ceil(executed.metadata["papermill"]["duration"])}}
        notebook.metadata.update(nbformat.from_dict(told))
    else:
        ran, notebook = executed.cells, executed
        notebook.metadata = nbformat.from_dict({"kernelspec": notebook.metadata["kernelspec"]})
        reference.mkdir(parents=True, exist_ok=True)
    for number, (source, target) in enumerate(zip(ran, notebook.cells, strict=True)):
        target.id = f"cell-{number:02d}"
        if reference is not None:
            kept = {name: target.metadata[name] for name in ("tags", "jupyter") if target.metadata.get(name)}
            target.metadata = nbformat.from_dict(kept)
        if target.cell_type == "code":
            target.execution_count = source.execution_count
            # Pictures of a reference are never compared; without them the file is small.
            target.outputs = [_packed(item, reference is None) for item in source.outputs if _is_lasting(item)]
    nbformat.write(notebook, (reference or script.parent) / name)
    return ""


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


def _packed(output: Any, pictured: bool) -> Any:
    """An output whose picture, if it keeps one, takes as few bytes as it can: every version of a notebook is stored."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    data = output.get("data", {})
    if not pictured:
        data.pop("image/png", None)
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


if __name__ == "__main__":  # papermill in a process of its own, see `execute`
    from papermill.cli import papermill

    # Traces are removed by a process that outlives this one: the kernel goes a second later, and may write until then.
    remove = "import shutil, sys, time; time.sleep(3); shutil.rmtree(sys.argv[1], ignore_errors=True)"
    cleaner = [sys.executable, "-c", remove, sys.argv.pop(1)]
    leave_with_parent(lambda: subprocess.Popen(cleaner, start_new_session=True))
    papermill()
