"""`import_images`: a source becomes a data set of one's own, and goes on where it was stopped.

Everything is made in a hidden folder beside the data sets; only what is complete gets its name. Which files there are
is the business of `sources`, pixels of `dicom` and `pictures`, who goes where of `split`, what is kept of `staging`,
what is written down of `record`.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from labutils import paths
from labutils.audit import duplicates
from labutils.data.layouts import DATASETS, MOST_CLASSES, SUFFIXES
from labutils.data.locate import OURS, own_folders
from labutils.errors import DataError
from labutils.paths import ALLOWED_NAME, dataset_name, shown
from labutils.tools.imports import record
from labutils.tools.imports.pictures import Converted
from labutils.tools.imports.record import Placed
from labutils.tools.imports.sources import Item, Wanted, find_items
from labutils.tools.imports.split import SPLITS, join_groups, split_groups
from labutils.tools.imports.staging import Staging

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_QUOTED = 10  # how many problems a message lists
_MOST_ALIKE = 0.5  # share of images in one group of pictures alike from which likeness says nothing


def import_images(
    source: Path, name: str, wanted: Wanted | None = None, show: Callable[[str], Any] = print, progress: bool = True
) -> Path:
    """Make a data set of a folder of images, of a CSV, or of DICOM files; nothing that is there is overwritten.

    Parameters
    ----------
    source : Path
        A folder with a folder for each class, at any depth below; a CSV with file and label columns; a folder of
        DICOM files, with `wanted.label` naming the attribute that tells the class.
    name : str
        What the data set is to be called: its folder in `data/`, or in `LABUTILS_DATA`.
    wanted : Wanted, optional
        Columns, what tells patients apart, classes, shares of the splits, seed, window.
    show : callable
        Gets each line of what is said about it.
    progress : bool
        Whether progress bars may be shown.

    Returns
    -------
    Path
        The data set's folder.

    Raises
    ------
    DataError
        If something cannot be imported; what is done by then is kept, and the same call goes on from there.
    """
    from filelock import FileLock, Timeout

    wanted, target = _check(wanted or Wanted()), _target(name)
    lock = target.with_name(f".{target.name}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            _import(source, target, wanted, show, progress)
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


def _import(source: Path, target: Path, wanted: Wanted, show: Callable[[str], Any], progress: bool) -> None:
    found = find_items(source, wanted, progress)
    _refuse(found.problems, wanted)
    if not found.items:
        raise DataError(f"{shown(source)} holds no images: expected are DICOM files, or {', '.join(SUFFIXES)}.")
    # Said before an hour of work: what is wrong already.
    _split(found.items, _patients(found.items, wanted), _classes(found.items, wanted, target), wanted)
    staging = Staging(_staging(target), found.items, wanted.window)
    if staging.done:
        show(f"Going on: {len(staging.done)} of {len(found.items)} pictures are made already.")
    found.problems |= staging.convert(progress)
    _refuse(found.problems, wanted)
    items = [item for item in found.items if item.name in staging.done]
    class_names = _classes(items, wanted, target)
    placed = _place(items, staging.done, class_names, wanted, show)
    for one in placed:
        staging.place(one.item, one.file)
    record.write_record(staging.made, placed, staging.done)
    record.write_description(staging.made, target.name, class_names)
    record.write_key(record.key_file(target), placed, found)
    os.rename(staging.made, target)
    shutil.rmtree(staging.folder, ignore_errors=True)
    for line in record.describe(target, placed, class_names, staging.done, found):
        show(line)


def _check(wanted: Wanted) -> Wanted:
    total, shares = sum(wanted.shares), wanted.shares
    if len(shares) not in (2, 3) or min(shares) <= 0:
        raise DataError("--shares is for train, validation and test: two or three numbers above 0, such as 70,15,15.")
    if wanted.window is not None and not wanted.window[0] < wanted.window[1]:
        raise DataError("--window is the values that are black and white, the smaller first, such as -1000,400.")
    try:
        re.compile(wanted.group)
    except re.error as error:
        raise DataError(f"--group {wanted.group!r} is no pattern ({error}): try 'patient([0-9]+)'.") from None
    return Wanted(**{**vars(wanted), "shares": tuple(share / total for share in shares)})


def _target(name: str) -> Path:
    known = dataset_name(name)
    if known is None or name in OURS:
        raise DataError(f"{name!r} cannot be the name of a data set: it must be {ALLOWED_NAME}.")
    target = paths.data_dir() / (DATASETS[known].folder if known in DATASETS else name)
    there = own_folders().get(known) or (target if target.exists() else None)
    if there is not None:
        raise DataError(f"{shown(there)} is there already, and nothing is overwritten: choose another name.")
    # Where an import was killed at its very end, the key is its own.
    if (key := record.key_file(target)).exists() and not _staging(target).exists():
        raise DataError(f"{shown(key)} is the key of an earlier import: move it away, or choose another name.")
    return target


def _staging(target: Path) -> Path:
    return target.with_name(f".{target.name}.importing")


def _refuse(problems: dict[str, str], wanted: Wanted) -> None:
    if not problems or wanted.leave_out:
        return
    listed = list(problems.values())
    more = f"\n... and {len(listed) - _QUOTED} more files." if len(listed) > _QUOTED else ""
    raise DataError("\n".join(listed[:_QUOTED]) + more + "\nOr leave such files out: --leave-out.")


def _classes(items: Sequence[Item], wanted: Wanted, target: Path) -> tuple[str, ...]:
    """The classes in label order: as asked for, as the lab has them, or by name."""
    there: dict[str, Item] = {}
    for item in items:
        there.setdefault(item.label, item)
    layout = DATASETS.get(str(dataset_name(target.name)))
    expected = wanted.classes or (layout.class_names if layout else ())
    for label, item in there.items():
        if expected and label not in expected:
            raise DataError(f"{item.name} is of class {label}, which is none of {', '.join(expected)}.")
        if _NOT_IN_NAMES.search(label) or label.startswith(".") or label != label.rstrip(" ."):
            raise DataError(f"{item.name} is of class {label!r}, which cannot be the name of a folder. Change it.")
    if missing := [name for name in expected if name not in there]:
        raise DataError(f"There is no image of {', '.join(missing)}: {target.name} needs images of every class.")
    if len({name.casefold() for name in there}) < len(there):
        alike = sorted(there, key=str.casefold)
        raise DataError(f"Some classes differ in upper and lower case only ({', '.join(alike)}): write them alike.")
    if not 2 <= len(there) <= MOST_CLASSES:
        said = f"one class, {next(iter(there))}" if len(there) == 1 else f"{len(there)} classes"
        raise DataError(f"The source has {said}: two or more (at most {MOST_CLASSES}) are needed.")
    return expected or tuple(sorted(there, key=str.casefold))


def _place(
    items: Sequence[Item],
    done: dict[str, Converted],
    class_names: tuple[str, ...],
    wanted: Wanted,
    show: Callable[[str], Any],
) -> list[Placed]:
    groups = _patients(items, wanted)
    _tell_of_two_labels(items, groups, show)
    units = _join(items, done, groups, show)
    splits = _split(items, units, class_names, wanted)
    # Numbers that follow neither the order of the files nor that of their dates.
    order = np.random.default_rng(wanted.seed).permutation(len(items))
    files, placed = Counter[int](), []
    digits = len(str(len(items)))
    for index in order.tolist():
        item, patient = items[index], int(groups[index]) + 1
        files[patient] += 1
        stem = f"{sum(files.values()):0{digits}}"
        if item.group:
            stem = f"patient{patient:0{digits}}_{files[patient]:02}"
        file = f"{SPLITS[splits[index]]}/{item.label}/{stem}.png"
        placed.append(Placed(item, file, int(splits[index]), patient, int(units[index])))
    return sorted(placed, key=lambda one: one.file)


def _split(items: Sequence[Item], groups: np.ndarray, class_names: tuple[str, ...], wanted: Wanted) -> np.ndarray:
    labels = np.array([class_names.index(item.label) for item in items])
    return split_groups(labels, groups, wanted.shares, class_names, wanted.seed)


def _patients(items: Sequence[Item], wanted: Wanted) -> np.ndarray:
    """A number for each patient, in an order that says nothing; whose image nobody knows is a patient of its own."""
    names = [f"patient {item.group}" if item.group else f"image {item.name}" for item in items]
    unique, positions = np.unique(names, return_inverse=True)
    return np.random.default_rng(wanted.seed).permutation(len(unique))[positions]


def _tell_of_two_labels(items: Sequence[Item], groups: np.ndarray, show: Callable[[str], Any]) -> None:
    classes: dict[int, set[str]] = {}
    for item, group in zip(items, groups.tolist(), strict=True):
        classes.setdefault(group, set()).add(item.label)
    several = [group for group, labels in classes.items() if len(labels) > 1]
    if several:
        first = next(item for item, group in zip(items, groups.tolist(), strict=True) if group == several[0])
        show(
            f"{len(several)} {'patient has' if len(several) == 1 else 'patients have'} images of more than one class "
            f"(that of {first.name}: {', '.join(sorted(classes[several[0]]))}): all stay on one side. "
            "If that cannot be, a label is wrong."
        )


def _join(
    items: Sequence[Item], done: dict[str, Converted], groups: np.ndarray, show: Callable[[str], Any]
) -> np.ndarray:
    """The groups that have to stay together: patients, and those whose pictures are nearly the same."""
    first: dict[str, int] = {}
    same = [(first.setdefault(done[item.name].checksum, index), index) for index, item in enumerate(items)]
    different = np.array(sorted(first.values()))
    labels = duplicates.group_similar(np.stack([done[items[index].name].thumbnail for index in different]))
    leaders: dict[int, int] = {}
    alike = [
        (leaders.setdefault(label, index), index)
        for label, index in zip(labels.tolist(), different.tolist(), strict=True)
    ]
    joined = join_groups(groups, np.array(same + alike))
    largest, most = Counter(joined.tolist()).most_common(1)[0][1], Counter(groups.tolist()).most_common(1)[0][1]
    if largest > _MOST_ALIKE * len(items) and largest > most:
        show(
            f"{largest} of {len(items)} pictures are alike, so likeness cannot tell copies from others: they are split "
            "by patient alone, and `labutils data audit` will call them leaks."
        )
        return np.asarray(groups)
    if (linked := len(set(groups.tolist())) - len(set(joined.tolist()))) > 0:
        show(f"Pictures that are nearly the same stay on one side: {linked} patients were joined to others.")
    return joined
