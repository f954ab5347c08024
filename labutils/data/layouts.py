"""Which files make up a data set and which class each belongs to; no image is opened here.

Both layouts of the course are understood: `train/Mel_0001.jpg`, with the class in the file's name, and
`train/Mel/0001.jpg`, with one folder for each class. Nothing is skipped but what an operating system leaves
behind: any other file that is no image of a known class is an error that names it.
"""

import json
import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labutils.data.errors import DataError, shown


@dataclass(frozen=True)
class Layout:
    """One data set of the lab: what its folder is called and its classes, in label order."""

    name: str
    folder: str
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Split:
    """The files of training or validation, by class and then by name; `labels` are (n,) int64."""

    files: tuple[Path, ...]
    labels: np.ndarray


DATASETS: dict[str, Layout] = {
    "skin": Layout("skin", "Skin", ("Mel", "Nev")),
    "bone": Layout("bone", "Bone", ("AFF", "NFF")),
    "x_ray": Layout("x_ray", "X_ray", tuple(f"C{number}" for number in range(1, 10))),
}

TRAIN_FOLDERS = ("train",)
VALIDATION_FOLDERS = ("test", "validation", "val")
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp")
CLASSES_FILE = "classes.json"
# Left behind by Windows and by archives packed on macOS; names that start with a dot are left out as well.
LEFTOVERS = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx")


def find_files(name: str, folder: Path) -> tuple[Split, Split]:
    """The training and the validation files of a data set.

    Parameters
    ----------
    name : str
        `skin`, `bone` or `x_ray`.
    folder : Path
        The folder that holds `train` and one of `test`, `validation`, `val`; letter case does not matter.

    Returns
    -------
    tuple of Split
        Training, validation.

    Raises
    ------
    DataError
        If a folder is missing, empty or ambiguous, a class has no image, or a file is not an image of exactly one
        class.
    """
    names = read_class_names(name, folder)
    train = _find_split(folder, TRAIN_FOLDERS)
    validation = _find_split(folder, VALIDATION_FOLDERS)
    return _read_split(train, names, name), _read_split(validation, names, name)


def read_class_names(name: str, folder: Path) -> tuple[str, ...]:
    """The classes in label order: those of `classes.json` in `folder` if there is one, else the course's.

    Raises
    ------
    DataError
        If `classes.json` is not of the form `{"class_names": ["Hand", "Knee"]}`.
    """
    file = folder / CLASSES_FILE
    try:
        names = tuple(json.loads(file.read_text(encoding="utf-8"))["class_names"])
    except (FileNotFoundError, NotADirectoryError):
        return DATASETS[name].class_names
    except (OSError, ValueError, KeyError, TypeError):
        names = ()
    different = {str(class_name).casefold() for class_name in names}
    if len(names) < 2 or len(different) < len(names) or not all(isinstance(n, str) and n.strip() for n in names):
        raise DataError(
            f'{shown(file)} does not list classes: it should read {{"class_names": ["Hand", "Knee"]}}, '
            "with two or more different names. Mend or remove it."
        )
    return names


def find_folder(parent: Path, wanted: Sequence[str]) -> Path | None:
    """The one entry of `parent` with one of the `wanted` names, in any letter case; None if there is none.

    Raises
    ------
    DataError
        If there are two, or `parent` cannot be listed.
    """
    found = [Path(entry) for entry in _list(parent) if entry.name.casefold() in wanted]
    if len(found) > 1:
        both = " and ".join(path.name for path in found)
        raise DataError(f"{shown(parent)} holds {both}: only one of them can be used. Move the other away.")
    return found[0] if found else None


def _find_split(folder: Path, wanted: Sequence[str]) -> Path:
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"{shown(folder)} {found}: it should be a folder that holds train and test.")
    found_folder = find_folder(folder, wanted)
    if found_folder is None:
        raise DataError(
            f"{shown(folder)} holds no folder {' or '.join(wanted)}: "
            "it should hold train and test (or train and validation) with the images in them."
        )
    return found_folder


def _read_split(folder: Path, names: tuple[str, ...], name: str) -> Split:
    title = DATASETS[name].folder
    entries = _list(folder)
    folders = [entry for entry in entries if stat.S_ISDIR(_mode(entry))]
    loose = [entry for entry in entries if not stat.S_ISDIR(_mode(entry))]
    labels = {class_name.casefold(): label for label, class_name in enumerate(names)}
    unknown = [entry for entry in folders if entry.name.casefold() not in labels]
    if unknown:
        raise DataError(
            f"{shown(unknown[0].path)} is a folder that is no class of {title} ({', '.join(names)}). "
            "Rename it to its class, or move it away."
        )
    if folders and loose:
        raise DataError(
            f"{shown(folder)} holds folders for classes ({folders[0].name}) and files beside them ({loose[0].name}): "
            "sort every image into the folder of its class, or have no folders at all."
        )
    pattern = _pattern(names)
    found: list[tuple[int, str, Path]] = []
    for entry in loose:
        found.append((labels[_class_in_name(entry, pattern, names, title)], entry.name, Path(entry)))
    for class_folder in folders:
        label = labels[class_folder.name.casefold()]
        for entry in _list(Path(class_folder)):
            _check_image(entry)
            said = set(map(str.casefold, pattern.findall(os.path.splitext(entry.name)[0])))
            if said and names[label].casefold() not in said:
                raise DataError(
                    f"{shown(entry.path)} lies in the folder of {names[label]}, but its name says "
                    f"{names[labels[said.pop()]]}. Move it to its class, or rename it."
                )
            found.append((label, entry.name, Path(entry)))
    return _sorted_split(folder, found, names, title)


def _sorted_split(folder: Path, found: list[tuple[int, str, Path]], names: tuple[str, ...], title: str) -> Split:
    if not found:
        raise DataError(f"{shown(folder)} holds no images. Put the images of {title} into it.")
    # macOS stores accents apart from their letters: composed, names sort alike everywhere.
    found.sort(key=lambda item: (item[0], unicodedata.normalize("NFC", item[1])))
    labels = np.array([label for label, _, _ in found], dtype=np.int64)
    empty = [class_name for label, class_name in enumerate(names) if label not in set(labels.tolist())]
    if empty:
        raise DataError(
            f"{shown(folder)} holds no image of {', '.join(empty)}: "
            f"{title} needs images of every class ({', '.join(names)}) in training and in validation."
        )
    return Split(tuple(path for _, _, path in found), labels)


def _class_in_name(entry: os.DirEntry[str], pattern: re.Pattern[str], names: tuple[str, ...], title: str) -> str:
    _check_image(entry)
    said = set(map(str.casefold, pattern.findall(os.path.splitext(entry.name)[0])))
    if len(said) == 1:
        return said.pop()
    expected = f"{', '.join(names[:-1])} or {names[-1]}"
    if not said:
        raise DataError(
            f"{shown(entry.path)} matches no class of {title}: its name should contain {expected}. Rename or remove it."
        )
    both = " and ".join(class_name for class_name in names if class_name.casefold() in said)
    raise DataError(
        f"{shown(entry.path)} matches two classes of {title}, {both}: its name should contain one of {expected}. "
        "Rename it."
    )


def _pattern(names: Sequence[str]) -> re.Pattern[str]:
    """Finds class names that are words of their own: C1 is neither in `C10_3` nor in `ABC1`, Mel is in `Mel0001`."""
    # After a name that ends in a digit nothing may follow that reads on; after letters, a number may.
    words = [re.escape(name) + (r"(?![^\W_])" if name[-1].isdigit() else r"(?![^\W\d_])") for name in names]
    return re.compile(rf"(?<![^\W_])({'|'.join(words)})", re.IGNORECASE)


def _check_image(entry: os.DirEntry[str]) -> None:
    mode = _mode(entry)
    if stat.S_ISDIR(mode):
        raise DataError(f"{shown(entry.path)} is a folder inside a class: move its images up, or move it away.")
    if not stat.S_ISREG(mode):
        raise DataError(f"{shown(entry.path)} is not an ordinary file. Remove it.")
    if not entry.name.lower().endswith(SUFFIXES):
        raise DataError(
            f"{shown(entry.path)} is not an image that can be read here ({', '.join(SUFFIXES)}). "
            "Convert it, or move it out of the folder."
        )


def _list(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            visible = [e for e in entries if not e.name.startswith(".") and e.name.casefold() not in LEFTOVERS]
    except PermissionError:
        raise DataError(
            f"{shown(folder)} may not be read by you: change its permissions, or copy it to a folder of yours."
        ) from None
    except OSError as error:
        raise DataError(f"{shown(folder)} cannot be listed ({error.strerror}): check the folder.") from None
    return sorted(visible, key=lambda entry: entry.name)


def _mode(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_mode
    except OSError as error:
        what = "is a link that leads nowhere" if entry.is_symlink() else "cannot be read"
        raise DataError(
            f"{shown(entry.path)} {what} ({error.strerror}). Put the image itself there, or remove it."
        ) from None
