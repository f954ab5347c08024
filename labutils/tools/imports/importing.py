"""`import_images`: a source becomes a data set of one's own, and goes on where it was stopped.

Everything is made in a hidden folder beside the data sets; only what is complete gets its name. `import.csv` in the
data set names nobody; the key, beside the data set, tells which file and patient each picture was.
"""

import csv
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from labutils import paths
from labutils.audit import duplicates
from labutils.data.description import FILE
from labutils.data.layouts import DATASETS, MOST_CLASSES, SUFFIXES
from labutils.data.locate import OURS, own_folders
from labutils.errors import DataError
from labutils.paths import ALLOWED_NAME, dataset_name, shown
from labutils.tools.imports.pictures import Converted, Staging
from labutils.tools.imports.sources import EXAMPLES, SEVERAL, Found, Item, Wanted, ask_for_patients, find_items
from labutils.tools.imports.split import SPLITS, join_groups, split_groups
from labutils.tools.imports.tables import NOBODY, TABLES, plain
from labutils.tools.public.archives import unpack_zip

RECORD = "import.csv"
RECORD_COLUMNS = ("file", "split", "class", "patient", "kept with", "width", "height", "grey levels")
KEY, KEY_COLUMNS = "key.csv", ("source", "became", "patient")

Show = Callable[[str], Any]
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_QUOTED = 10  # how many problems a message lists
_MOST_ALIKE = 0.5  # share of images in one group of pictures alike from which likeness says nothing


@dataclass(frozen=True)
class Placed:
    """One picture in the data set: what it was and became, where, whose it is, and with which it is kept (numbers)."""

    item: Item
    made: Converted
    file: str
    split: int
    patient: int
    unit: int


def import_images(source: Path, name: str, wanted: Wanted, show: Show) -> Path:
    """Make a data set of a folder of images, of a CSV, or of DICOM files; nothing that is there is overwritten.

    Parameters
    ----------
    source : Path
        A folder with a folder for each class, at any depth below; a CSV with file and label columns; a folder whose
        files tell their class by name or, of DICOM, by an attribute (`wanted.label`). A ZIP file counts as the folder
        that is in it.
    name : str
        What the data set is to be called: its folder in `data/`, or in `LABUTILS_DATA`, which comes back.
    wanted : Wanted
    show : callable
        Gets each line of what is said about it.

    Raises
    ------
    DataError
        If something cannot be imported, or nothing tells which images are of one patient and `wanted.group` is not
        `none`; what is done by then is kept, and the same call goes on from there.
    """
    from filelock import FileLock, Timeout

    wanted, target = _check(wanted, source), _target(name)
    lock, unpacked = _beside(target, "lock"), _beside(target, "unpacked")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            try:
                zipped = source.suffix.lower() == ".zip" and source.is_file()
                _import(unpack_zip(source, unpacked) if zipped else source, target, wanted, show)
            finally:
                shutil.rmtree(unpacked, ignore_errors=True)
        with suppress(OSError):  # Windows may hold it for a moment
            lock.unlink()
    except Timeout:
        raise DataError(f"Another import of {target.name} is running: wait until it has ended.") from None
    except OSError as error:
        raise DataError(
            f"{shown(target)} cannot be written ({error.strerror or error}). Make room, or set LABUTILS_DATA to a "
            "folder of yours; then type the same again."
        ) from None
    return target


def _import(source: Path, target: Path, wanted: Wanted, show: Show) -> None:
    found = find_items(source, wanted)
    if not found.items and not found.problems:
        raise DataError(f"{shown(source)} holds no images: expected are DICOM files, or {', '.join(SUFFIXES)}.")
    ours = DATASETS.get(str(dataset_name(target.name)))
    expected = wanted.classes or (ours.words if ours else ())
    for item in found.items:
        if expected and item.label not in expected:
            found.problems[item.name] = f"{item.name} is of class {item.label!r}, which is none of {_quote(expected)}."
    found.items = [item for item in found.items if item.name not in found.problems]
    _refuse(found, wanted)
    if wanted.group != NOBODY:
        ask_for_patients(found.items)
    # Said before an hour of work: what is wrong already.
    _deal(found.items, _patients(found.items, wanted), _classes(found.items, expected, target), wanted)
    staging = Staging(_beside(target, "importing"), found.items, wanted.window)
    if staging.done:
        show(f"Going on: {len(staging.done)} of {len(found.items)} pictures are made already.")
    found.problems = staging.convert()
    _refuse(found, wanted)
    found.items = [item for item in found.items if item.name in staging.done]
    class_names = _classes(found.items, expected, target)
    placed = _place(found.items, staging, class_names, wanted, show)
    _write_down(staging.made, target, placed, class_names, found)
    os.rename(staging.made, target)
    shutil.rmtree(staging.folder, ignore_errors=True)
    for line in _describe(target, placed, class_names, found):
        show(line)


def _check(wanted: Wanted, source: Path) -> Wanted:
    total, shares = sum(wanted.shares), wanted.shares
    if len(shares) not in (2, 3) or not all(0 < one < np.inf for one in shares):
        raise DataError("--shares is for train, validation and test: two or three numbers above 0, such as 70,15,15.")
    if wanted.window is not None and not wanted.window[0] < wanted.window[1]:
        raise DataError("--window is the values that are black and white, the smaller first, such as -1000,400.")
    if wanted.seed < 0:
        raise DataError(f"--seed is {wanted.seed}: it must be a whole number from 0 on.")
    if wanted.several not in ("", *SEVERAL):
        raise DataError(f"--several is {wanted.several!r}: it must be {' or '.join(SEVERAL)}.")
    # In a table, labels are a column.
    patterns = {"group": wanted.group, "label": "" if source.suffix.lower() in TABLES else wanted.label}
    for option, pattern in patterns.items():
        try:
            re.compile(pattern)
        except re.error as error:
            raise DataError(f"--{option} {pattern!r} is no pattern ({error}): try {EXAMPLES[option]!r}.") from None
    return replace(wanted, classes=tuple(map(plain, wanted.classes)), shares=tuple(one / total for one in shares))


def _target(name: str) -> Path:
    if (known := dataset_name(name)) is None or name in OURS:
        raise DataError(f"{name!r} cannot be the name of a data set: it must be {ALLOWED_NAME}.")
    target = paths.data_dir() / (DATASETS[known].title if known in DATASETS else name)
    if there := own_folders().get(known, [target] if target.exists() else []):
        raise DataError(f"{shown(there[0])} is there already, and nothing is overwritten: choose another name.")
    # Where an import was killed at its very end, the key is its own.
    if (key := _beside(target, KEY)).exists() and not _beside(target, "importing").exists():
        raise DataError(f"{shown(key)} is the key of an earlier import: move it away, or choose another name.")
    return target


def _beside(target: Path, what: str) -> Path:
    """A hidden place beside a data set, or its key, which is to be seen."""
    return target.with_name(f"{'' if what == KEY else '.'}{target.name}.{what}")


def _quote(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))  # a space at an end would not be seen


def _refuse(found: Found, wanted: Wanted) -> None:
    """Name what cannot be imported; or leave it out, where that is wanted."""
    problems, found.problems = found.problems, {}
    if wanted.leave_out or not problems:
        found.left_out |= {name: problem.partition("\n")[0] for name, problem in problems.items()}
        return
    said = [problem.partition("\n") for problem in problems.values()]
    lines = [what for what, _, _ in said[:_QUOTED]]
    lines += [f"... and {len(said) - _QUOTED} more files."] if len(said) > _QUOTED else []
    remedies = dict.fromkeys(remedy for _, _, remedy in said if remedy)
    raise DataError("\n".join([*lines, *remedies, "Or leave such files out: --leave-out."]))


def _classes(items: Sequence[Item], expected: tuple[str, ...], target: Path) -> tuple[str, ...]:
    """The classes in label order: as expected, else by name."""
    there = {item.label: item for item in reversed(items)}
    for label, item in there.items():
        if _NOT_IN_NAMES.search(label) or label.startswith(".") or label != label.rstrip(" ."):
            raise DataError(f"{item.name} is of class {label!r}, which cannot be the name of a folder. Change it.")
    if missing := [name for name in expected if name not in there]:
        raise DataError(f"There is no image of {_quote(missing)}: {target.name} needs images of every class.")
    if len({name.casefold() for name in there}) < len(there):
        alike = _quote(sorted(there, key=str.casefold))
        raise DataError(f"Some classes differ in upper and lower case only ({alike}): write them alike.")
    if not 2 <= len(there) <= MOST_CLASSES:
        said = f"one class, {next(iter(there))!r}" if len(there) == 1 else f"{len(there)} classes"
        raise DataError(f"The source has {said}: two or more (at most {MOST_CLASSES}) are needed.")
    return expected or tuple(sorted(there, key=str.casefold))


def _place(
    items: Sequence[Item], staging: Staging, class_names: tuple[str, ...], wanted: Wanted, show: Show
) -> list[Placed]:
    """Give every picture its side of the split, and its name."""
    groups = _patients(items, wanted)
    labels: dict[int, dict[str, str]] = {}
    for item, group in zip(items, groups.tolist(), strict=True):
        labels.setdefault(group, {}).setdefault(item.label, item.name)
    if several := [those for those in labels.values() if len(those) > 1]:
        show(
            f"{len(several)} {'patient has' if len(several) == 1 else 'patients have'} images of more than one class "
            f"(that of {next(iter(several[0].values()))}: {', '.join(sorted(several[0]))}): "
            "all stay on one side. If that cannot be, a label is wrong."
        )
    units = _join([staging.done[item.name] for item in items], groups, show)
    splits = _deal(items, units, class_names, wanted)
    # Numbers that follow neither the order of the files nor that of their dates.
    order = np.random.default_rng(wanted.seed).permutation(len(items))
    files, placed, digits = Counter[int](), list[Placed](), len(str(len(items)))
    for index in order.tolist():
        item, patient = items[index], int(groups[index]) + 1
        files[patient] += 1
        stem = f"patient{patient:0{digits}}_{files[patient]:02}" if item.group else f"{len(placed) + 1:0{digits}}"
        file = f"{SPLITS[splits[index]]}/{item.label}/{stem}.png"
        staging.place(item, file)
        placed.append(Placed(item, staging.done[item.name], file, int(splits[index]), patient, int(units[index])))
    return sorted(placed, key=lambda one: one.file)


def _deal(items: Sequence[Item], groups: np.ndarray, class_names: tuple[str, ...], wanted: Wanted) -> np.ndarray:
    labels = np.array([class_names.index(item.label) for item in items])
    return split_groups(labels, groups, wanted.shares, class_names, wanted.seed)


def _patients(items: Sequence[Item], wanted: Wanted) -> np.ndarray:
    """A number for each patient, in an order that says nothing; whose image nobody knows is a patient of its own."""
    names = [f"patient {item.group}" if item.group else f"image {item.name}" for item in items]
    unique, positions = np.unique(names, return_inverse=True)
    return np.random.default_rng(wanted.seed).permutation(len(unique))[positions]


def _join(made: Sequence[Converted], groups: np.ndarray, show: Show) -> np.ndarray:
    """The groups that have to stay together: patients, and those whose pictures are nearly the same."""
    _, first, same = np.unique([one.checksum for one in made], return_index=True, return_inverse=True)
    alike = duplicates.group_similar(np.stack([made[index].thumbnail for index in first]))
    joined = join_groups(groups, first[alike][same])
    largest, most = Counter(joined.tolist()).most_common(1)[0][1], Counter(groups.tolist()).most_common(1)[0][1]
    if largest > _MOST_ALIKE * len(made) and largest > most:
        show(
            f"{largest} of {len(made)} pictures are alike, so likeness cannot tell copies from others: they are split "
            "by patient alone, and `labutils data audit` will call them leaks."
        )
        return groups
    if (linked := len(set(groups.tolist())) - len(set(joined.tolist()))) > 0:
        show(f"Pictures that are nearly the same stay on one side: {linked} patients were joined to others.")
    return joined


def _write_down(
    folder: Path, target: Path, placed: Sequence[Placed], class_names: tuple[str, ...], found: Found
) -> None:
    """The record and `dataset.yaml`, in the folder that is to become the data set, and the key beside it."""
    import yaml

    def write(file: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([columns, *rows])

    together, rows = dict[int, set[int]](), []
    for one in placed:
        together.setdefault(one.unit, set()).add(one.patient)
    for one in placed:
        kept = " ".join(map(str, sorted(together[one.unit] - {one.patient})))
        told = (one.made.width, one.made.height, one.made.levels)
        rows.append((one.file, SPLITS[one.split], one.item.label, one.patient, kept, *told))
    write(folder / RECORD, RECORD_COLUMNS, rows)
    known = [(one.item.name, one.file, one.item.group) for one in placed]
    known += [(name, f"left out: {why}", "") for name, why in found.left_out.items()]
    write(_beside(target, KEY), KEY_COLUMNS, sorted(known))
    with (folder / FILE).open("w", encoding="utf-8") as stream:
        said = {"title": target.name, "classes": list(class_names)}
        yaml.safe_dump(said, stream, allow_unicode=True, sort_keys=False, default_flow_style=None)


def _describe(target: Path, placed: Sequence[Placed], class_names: tuple[str, ...], found: Found) -> list[str]:
    lines = [*found.notes]
    for split in sorted({one.split for one in placed}):
        here = [one for one in placed if one.split == split]
        each = ", ".join(f"{name} {sum(one.item.label == name for one in here)}" for name in class_names)
        whose = f" of {len({one.patient for one in here})} patients" if found.groups_by else ""
        lines.append(f"  {SPLITS[split]:<10} {len(here)} images{whose} ({each})")
    levels = Counter(one.made.levels for one in placed)
    lines.append("  grey levels: " + "; ".join(f"{words} ({count})" for words, count in levels.most_common()))
    lines.append(f"  patients told by {found.groups_by or 'nothing: each image is taken for a patient'}")
    if burned := sum(one.item.burned_in for one in placed):
        lines.append(
            f"  {burned} files say that text is burned into the picture: look at them before you hand them on."
        )
    if left := list(found.left_out):
        lines.append(f"  {len(left)} files were left out: {', '.join(left[:3])}{', ...' if len(left) > 3 else ''}")
    name, key = dataset_name(target.name), shown(_beside(target, KEY))
    lines.append(f"{shown(target)} is ready: dataset = {name!r}. {RECORD} in it says what became of each picture;")
    return [*lines, f"{key} says which file and patient each was: keep it apart, and do not hand it on."]
