"""What may be wrong on this machine, and what to type: `labutils doctor`."""

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from labutils import machine, paths
from labutils.errors import ParameterError

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
    """The lines of requirements.txt that name a package, without their hashes."""
    file = paths.ROOT / "requirements.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [line.removesuffix(" \\") for line in lines if line[:1].isalnum()]


def _machine() -> Check:
    cores = machine.cores()
    try:
        return Check("machine", f"{cores} cores, Keras backend {machine.backend()}")
    except ParameterError as error:
        return Check("machine", str(error), "set KERAS_BACKEND to tensorflow, jax or torch")


def _disk() -> Check:
    free = shutil.disk_usage(paths.ROOT).free / 1e9
    writable = all(os.access(folder, os.W_OK) for folder in (paths.ROOT / "data", paths.results_dir().parent))
    remedy = "make room" if free < SMALLEST_DISK else ""
    if not writable:
        remedy = "make data/ and results/ writable, or set LABUTILS_RESULTS"
    enough = "enough" if free >= SMALLEST_DISK else f"only {free:.1f} GB"
    return Check("disk", f"{enough} free space, {'writable' if writable else 'not writable'}", remedy)


def _images() -> list[Check]:
    from labutils.data.layouts import DATASETS
    from labutils.data.locate import find_place, find_source, own_folders
    from labutils.errors import DataError

    checks = []
    try:
        own = own_folders()
    except DataError as error:
        return [Check("images", "not usable", str(error))]
    for name in dict.fromkeys([*DATASETS, *own]):
        title = DATASETS[name].folder if name in DATASETS else own[name].name
        found, remedy, there = "phantoms, drawn on first use", "", True
        try:
            there = find_place(name) is not None
        except DataError as error:
            found, remedy, there = "not usable", str(error), False
        if there:
            try:
                source = find_source(name)
                splits = f"{len(source.train.files)} training, {len(source.validation.files)} validation"
                found = f"{source.title.split(': ', 1)[-1]}, {splits}"
            except DataError as error:
                found, remedy = "not usable", str(error)
        checks.append(Check(f"images of {title}", found, remedy))
    return checks


def _runs() -> Check:
    from labutils.runs import RunStore

    store = RunStore()
    good, damaged = len(store.all()), [folder.name for folder in store.damaged()]
    remedy = f"labutils runs rm {damaged[0]}" if damaged else ""
    return Check("stored runs", f"{good} readable" + (f", {len(damaged)} damaged" if damaged else ""), remedy)
