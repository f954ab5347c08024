"""What may be wrong on this machine, and what to type: `labutils doctor`."""

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from labutils import paths

if TYPE_CHECKING:
    from labutils.frames import Table

SMALLEST_DISK = 2.0
"""Gigabytes that phantoms, the cache of decoded images and a few runs need."""


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found, and what to do about it (empty if all is well)."""

    name: str
    found: str
    remedy: str = ""


def examine() -> list[Check]:
    """Look at Python, packages, disk, images and stored runs; trains nothing and imports no TensorFlow."""
    return [_python(), _packages(), _machine(), _disk(), *_images(), _runs()]


def table(checks: list[Check]) -> "Table":
    """The checks as a table; a dash where nothing is to be done."""
    from labutils.evaluate.tables import as_table

    return as_table({c.name: {"found": c.found, "to do": c.remedy or "-"} for c in checks}, "check")


def _python() -> Check:
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    found = f"{platform.python_version()} on {platform.system()}"
    return Check("Python", found, "" if good else "use Python 3.11, 3.12 or 3.13")


def _packages() -> Check:
    from packaging.requirements import Requirement

    pinned = [Requirement(line) for line in _pins()]
    wanted = [r for r in pinned if r.marker is None or r.marker.evaluate()]
    other = []
    for requirement in wanted:
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            other.append(f"{requirement.name} missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            other.append(f"{requirement.name} {installed}")
    if not other:
        return Check("packages", f"{len(wanted)} as pinned in requirements.txt")
    shown = ", ".join(other[:5]) + (" ..." if len(other) > 5 else "")
    return Check("packages", f"{len(other)} differ: {shown}", "pip install -r requirements.txt")


def _pins() -> list[str]:
    file = paths.ROOT / "requirements.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def _machine() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    remedy = "" if backend in ("tensorflow", "jax", "torch") else "set KERAS_BACKEND to tensorflow, jax or torch"
    return Check("machine", f"{cores} cores, Keras backend {backend}", remedy)


def _disk() -> Check:
    free = shutil.disk_usage(paths.ROOT).free / 1e9
    writable = all(os.access(folder, os.W_OK) for folder in (paths.ROOT / "data", paths.results_dir().parent))
    remedy = "make room" if free < SMALLEST_DISK else ""
    if not writable:
        remedy = "make data/ and results/ writable, or set LABUTILS_RESULTS"
    enough = "enough" if free >= SMALLEST_DISK else f"only {free:.1f} GB"
    return Check("disk", f"{enough} free space, {'writable' if writable else 'not writable'}", remedy)


def _images() -> list[Check]:
    from labutils.data.errors import DataError
    from labutils.data.layouts import DATASETS
    from labutils.data.sources import existing, find_source

    checks = []
    try:
        there = existing()
    except DataError:
        there = []
    for name, layout in DATASETS.items():
        found, remedy = "phantoms, drawn on first use", ""
        if name in there:
            try:
                source = find_source(name)
                splits = f"{len(source.train.files)} training, {len(source.validation.files)} validation"
                found = f"{source.title.split(': ', 1)[-1]}, {splits}"
            except DataError as error:
                found, remedy = "not usable", str(error)
        checks.append(Check(f"images of {layout.folder}", found, remedy))
    return checks


def _runs() -> Check:
    from labutils.runs import RunStore, StoreError, read_run

    good, damaged = 0, []
    for folder in RunStore():
        try:
            read_run(folder)
            good += 1
        except StoreError:
            damaged.append(folder.name)
    remedy = f"labutils runs rm {damaged[0]}" if damaged else ""
    return Check("stored runs", f"{good} readable" + (f", {len(damaged)} damaged" if damaged else ""), remedy)
