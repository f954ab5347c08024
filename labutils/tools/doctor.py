"""What may be wrong on this machine, and what to type: `labutils doctor`; nothing here trains or imports TensorFlow."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from labutils import machine, paths
from labutils.errors import LabError

if TYPE_CHECKING:
    from labutils.frames import Table

SMALLEST_DISK = 2.0  # gigabytes: phantoms, the cache of decoded images and a few runs
SMALLEST_MEMORY = 4.0  # gigabytes: the largest network of the lab trains beside an open browser
LOOKED_AT = 200  # files of a data set whose headers are read; `labutils data audit` reads all, whole


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found, and what to do about it (empty if all is well)."""

    name: str
    found: str
    remedy: str = ""


Found = tuple[str, str]
"""What was found, and what to do about it."""


def looks() -> dict[str, Callable[[], Found]]:
    """What is looked at, by name: Python, packages, machine, images, disk and stored runs."""
    here = {"Python": _python, "packages": _packages, "backend": _backend, "devices": _devices}
    here |= {"precision": _precision, "cores": _cores, "keras.json": _keras_json, "kernelspec": _kernelspec}
    return here | _images() | {"results": _results, "disk": _disk, "stored runs": _runs}


def examine() -> list[Check]:
    """Look at everything; a look that fails in a way nobody foresaw is a cross like any other, with the reason."""
    checks = []
    for name, look in looks().items():
        try:
            found, remedy = look()
        except LabError as error:
            found, remedy = "not usable", str(error)
        except Exception as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            found = f"could not be looked at ({reason})"
            remedy = "see whether `labutils runs` works, and report this"
        checks.append(Check(name, found, remedy))
    return checks


def table() -> "Table":
    """What `examine` finds, as a table; a dash where nothing is to be done."""
    from labutils.evaluate.tables import as_table

    return as_table({c.name: {"found": c.found, "to do": c.remedy or "-"} for c in examine()}, "check")


def _python() -> Found:
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return f"{platform.python_version()} on {platform.system()}", "" if good else "use Python 3.11, 3.12 or 3.13"


def _packages() -> Found:
    from packaging.requirements import Requirement

    file = paths.ROOT / "requirements.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    # A line that names a package goes on with its hashes.
    pinned = [Requirement(line.removesuffix(" \\")) for line in lines if line[:1].isalnum()]
    wanted, other = [r for r in pinned if r.marker is None or r.marker.evaluate()], []
    for requirement in wanted:
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            installed = "missing"
        if installed == "missing" or not requirement.specifier.contains(installed, prereleases=True):
            other.append(f"{requirement.name} {installed}")
    if not other:
        return f"{len(wanted)} as pinned in requirements.txt", ""
    shown = ", ".join(other[:5]) + (" ..." if len(other) > 5 else "")
    return f"{len(other)} differ: {shown}", "pip install -r requirements.txt"


def _backend() -> Found:
    name = machine.installed_backend()
    found = f"{name} {version(name)}, Keras {version('keras')}"
    with suppress(PackageNotFoundError):
        wrong = "pip uninstall tensorflow-metal: with it networks are known to train wrongly, without a word"
        return f"{found}, tensorflow-metal {version('tensorflow-metal')}", wrong
    return found, ""


def _devices() -> Found:
    command, cards = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], list[str]()
    with suppress(OSError, subprocess.SubprocessError):  # no NVIDIA driver
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        cards = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    found = f"{machine.processor()}; {', '.join(cards) or 'no graphics card'}"
    if cards and machine.backend() == "tensorflow":
        found += " (not used by TensorFlow as installed here; KERAS_BACKEND=jax or torch uses it)"
    if platform.system() == "Darwin" and "Apple" in machine.processor():
        if platform.machine() != "arm64":
            return found, "use a Python for Apple silicon (arm64): this one is for Intel, and is translated as it runs"
        found += "; Apple silicon, whose graphics processor the lab does not use"
    return found, ""


def _precision() -> Found:
    asked, units = machine.precision(), machine.bfloat16_units()
    there = f"the processor has {'' if units else 'no '}units for bfloat16"
    if asked == "bfloat16" and not units:
        slow = "unset LABUTILS_PRECISION: without the units bfloat16 is several times slower"
        return f"bfloat16, and {there}", slow
    used = {"auto": "float32" if not units else "auto: bfloat16 where it is measured to be faster"}.get(asked, asked)
    return f"{used}; {there}", ""


def _cores() -> Found:
    memory = machine.memory()
    said = "memory unknown" if memory is None else f"{memory / 1e9:.1f} GB of memory"
    found = f"{machine.cores()}, of which a training uses {min(machine.threads(), machine.cores())}; {said}"
    small = memory is not None and memory < SMALLEST_MEMORY * 1e9
    return found, "take a smaller image_size or n_base: the largest networks need more" if small else ""


def _keras_json() -> Found:
    said = machine.keras_settings()
    ours = {name: allowed[0] for name, allowed in machine.KERAS_CHOICES.items()}
    other = [f"{name} {said[name]}" for name in ours if said.get(name, ours[name]) != ours[name]]
    return f"says {', '.join(other)}; the lab does not follow it" if other else "nothing unusual", ""


def _kernelspec() -> Found:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    install = f"{Path(sys.executable).name} -m ipykernel install --sys-prefix"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # IPython's on a home that cannot be written to: it takes another place
            command = KernelSpecManager().get_kernel_spec("python3").argv
    except NoSuchKernel:
        return "no kernel python3", install
    if command and os.path.isabs(command[0]):  # a bare name stands for the Python that starts the kernel
        program = shutil.which(command[0])
        # Not `samefile`: the Pythons of two environments may be links to one.
        if program is None or Path(program).parent.resolve() != Path(sys.executable).parent.resolve():
            return f"python3 is the kernel of another Python, {command[0]}", install
    return "python3, of this Python", ""


def _images() -> dict[str, Callable[[], Found]]:
    """A look at each data set: the lab's, and one's own."""
    from labutils.data.layouts import DATASETS
    from labutils.data.locate import own_folders

    try:
        folders = {name: found[0].name for name, found in own_folders().items()}
    except LabError as error:
        found = "not usable", str(error)
        return {"images": lambda: found}
    lab = {name: one.title for name, one in DATASETS.items()}
    return {f"images of {folder}": partial(_images_of, name) for name, folder in (lab | folders | lab).items()}


def _images_of(name: str) -> Found:
    from labutils.data.locate import find_place, find_source

    if find_place(name) is None:
        return "phantoms, drawn on first use", ""
    source, counted, files = find_source(name), list[str](), list[Path]()
    for what, split in (("training", source.train), ("validation", source.validation), ("exam", source.exam)):
        if split:
            counts = Counter(source.class_names[label] for label in split.labels.tolist())
            files += split.files
            shown = ", ".join(f"{counts[name]} {name}" for name in source.class_names)
            if len(source.class_names) > 3:
                each = " to ".join(map(str, sorted({min(counts.values()), max(counts.values())})))
                shown = f"{each} in each of {len(counts)} classes"
            counted.append(f"{len(split.files)} {what} ({shown})")
    kind, bad = _headers(files)
    found = f"{source.title.split(': ', 1)[-1]}; {'; '.join(counted)}; {kind}"
    if not bad:
        return found, ""
    named = f"{bad[0].parent.name}/{bad[0].name}" + (f" and {len(bad) - 1} more" if len(bad) > 1 else "")
    return f"{found}; no images: {named}", f"labutils data audit {name}"


def _headers(files: Sequence[Path]) -> tuple[str, list[Path]]:
    """Size and kind of the files, from the headers of some of them, and which of these are no images."""
    from PIL import Image

    from labutils.data.images import FORMATS

    sizes: Counter[tuple[int, int]] = Counter()
    modes, bad = Counter[str](), []
    for file in files[:: max(1, len(files) // LOOKED_AT)]:
        try:
            with Image.open(file, formats=FORMATS) as image:
                sizes[image.size] += 1
                modes[image.mode] += 1
        except Exception:  # Pillow raises whatever a broken file leads to
            bad.append(file)
    if not sizes:
        return "none of them readable", bad
    (width, height), _ = sizes.most_common(1)[0]
    others = f" and {len(sizes) - 1} other sizes" if len(sizes) > 1 else ""
    return f"{width}x{height} pixels{others}, {' and '.join(sorted(modes))}", bad


def _results() -> Found:
    folder = paths.results_dir()
    above = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=above):  # what permissions say is not what a file system allows
            return f"{paths.short(folder)} writable", ""
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return f"{paths.short(folder)} not writable ({reason})", "set LABUTILS_RESULTS to a folder of your own"


def _disk() -> Found:
    folder, free = paths.generated_dir(), shutil.disk_usage(paths.ROOT).free / 1e9
    enough = free >= SMALLEST_DISK
    found = "enough free space" if enough else f"only {free:.1f} GB free space"
    if os.access(folder, os.W_OK):
        return found, "" if enough else "make room"
    remedy = f"make {paths.short(folder)} writable: phantoms and the cache of decoded images are written there"
    return f"{found}, but {paths.short(folder)} is not writable", remedy


def _runs() -> Found:
    from labutils.runs import RunStore

    store = RunStore()
    good, damaged = len(store.all()), [folder.name for folder in store.damaged()]
    remedy = f"labutils runs rm {damaged[0]}" if damaged else ""
    return f"{good} readable" + (f", {len(damaged)} damaged" if damaged else ""), remedy
