"""The student's own folder, `my-lab/`: copies of the notebooks that nobody overwrites, and JupyterLab on them.

A copy is made when the folder is opened and the copy is not there. What it was made from is kept as a fingerprint, so
that a newer version can be told of; it is taken only when asked for, and the old copy stays beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from labutils import lab, paths
from labutils.course import cells
from labutils.errors import StoreError

VERSIONS = ".versions.json"
SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
"""Without it JupyterLab asks whether to fetch news, in a box over the notebook, although there are none to fetch."""
UNPAIRED = '# Copies are not paired with scripts.\nformats = ""\n'


def open_lab(show_browser: bool = True, port: int | None = None) -> int:
    """JupyterLab on the student's folder, until it is stopped.

    Returns
    -------
    int
        Its status.
    """
    folder = paths.my_lab_dir()
    return subprocess.call(command(folder, show_browser, port), env=environment(folder))


def command(folder: Path, show_browser: bool = True, port: int | None = None) -> list[str]:
    """The command that opens JupyterLab: no question about news, no note of newer versions, no network."""
    options = [
        f"--ServerApp.root_dir={folder.resolve()}",
        "--LabApp.default_url=/lab/tree/index.ipynb",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
    ]
    options += [] if show_browser else ["--no-browser"]
    options += [f"--ServerApp.port={port}"] if port else []
    return [sys.executable, "-m", "jupyterlab", *options]


def environment(folder: Path) -> dict[str, str]:
    """The variables that JupyterLab is started with: it finds `SETTINGS` in the student's folder, as defaults."""
    config = folder.resolve() / ".jupyter"
    (config / "labconfig").mkdir(parents=True, exist_ok=True)
    (config / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    more = os.environ.get("JUPYTER_CONFIG_PATH")
    return os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join([str(config), *([more] if more else [])])}


def make_copies(folder: Path | None = None) -> list[str]:
    """Make the copies that are not there, and say which others have a newer version.

    Parameters
    ----------
    folder : Path, optional
        `my-lab/` unless given.

    Returns
    -------
    list of str
        Lines for the student.

    Raises
    ------
    StoreError
        If the folder cannot be written to.
    """
    folder = folder or paths.my_lab_dir()
    lines, made = [], 0
    versions = _read_versions(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "jupytext.toml").write_text(UNPAIRED, encoding="utf-8")
        for source in sorted(paths.notebooks_dir().glob("*.ipynb")):
            notebook = cells.students_version(cells.read(source))
            newest, copy = cells.fingerprint(notebook), folder / source.name
            if not copy.exists():
                _write(notebook, copy)
                versions[source.stem] = newest
                made += 1
            elif versions.get(source.stem) != newest:
                lines.append(
                    f"{source.stem}: there is a newer version. `labutils lab --reset {source.stem}` takes it, and "
                    "keeps yours beside it."
                )
        _write_versions(folder, versions)
    except OSError as error:
        raise StoreError(f"{paths.shown(folder)} cannot be written to ({error.strerror}).") from None
    if made:
        lines.insert(0, f"{made} notebooks copied to {paths.shown(folder)}. They are yours: nothing overwrites them.")
    return lines


def reset(task: str, folder: Path | None = None) -> str:
    """Take the newest version of a notebook; the old copy stays beside it.

    Returns
    -------
    str
        What was done.

    Raises
    ------
    NotebookError
        If there is no such notebook.
    """

    task = lab.find_notebook(task).stem
    folder = folder or paths.my_lab_dir()
    copy = folder / f"{task}.ipynb"
    said = f"{task}: a new copy."
    if copy.exists():
        old = next(f for n in range(1, 10_000) if not (f := folder / f"{task}-old-{n}.ipynb").exists())
        copy.rename(old)
        said = f"{task}: a new copy; yours is now {old.name}."
    make_copies(folder)
    return said


def _write(notebook: Any, file: Path) -> None:
    import nbformat

    growing = file.with_suffix(".tmp")
    nbformat.write(notebook, growing)
    growing.replace(file)


def _read_versions(folder: Path) -> dict[str, str]:
    try:
        versions = json.loads((folder / VERSIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # then every copy is said to have a newer version, and none is touched
    return versions if isinstance(versions, dict) else {}


def _write_versions(folder: Path, versions: dict[str, str]) -> None:
    (folder / VERSIONS).write_text(json.dumps(versions, indent=1, sort_keys=True) + "\n", encoding="utf-8")
