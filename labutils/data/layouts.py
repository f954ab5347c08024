"""Which files make up a data set and which class each belongs to; no image is opened here.

`train/Mel_0001.jpg`, with the class in the file's name, and `train/Mel/0001.jpg`, with a folder for each class. Nothing
is skipped but what an operating system leaves behind: any other file that is no image of a known class is refused.
"""

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from labutils.data.description import CLASSES_FILE, FILE, Description, describe
from labutils.data.listing import alike, composed, list_folder, mode_of, only_one
from labutils.errors import DataError
from labutils.paths import shown

__all__ = ["CLASSES_FILE", "DATASETS", "Split", "find_exam", "find_files", "find_folder", "read_classes"]


@dataclass(frozen=True)
class Split:
    """The files of training or validation, by class and then by name; `labels` are (n,) int64."""

    files: tuple[Path, ...]
    labels: np.ndarray


def _lab(folder: str, *words: str, **aliases: str) -> Description:
    return Description(folder, words, words, aliases=aliases)


DATASETS: dict[str, Description] = {  # the data sets of the lab: their folders as title, their classes in label order
    # The other names are those of ISIC's archive.
    "skin": _lab("Skin", "Mel", "Nev", melanoma="Mel", nevus="Nev", naevus="Nev", nevi="Nev"),
    "bone": _lab("Bone", "AFF", "NFF"),
    "x_ray": _lab("X_ray", *(f"C{number}" for number in range(1, 10))),
}

TRAIN_FOLDERS = ("train",)
VALIDATION_FOLDERS = ("validation", "val", "valid")
EXAM_FOLDERS = ("test",)
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp")
MOST_CLASSES = 1000  # more than these in the names of files are numbers of images rather than classes


def find_files(name: str, folder: Path) -> tuple[Split, Split]:
    """The training and the validation files: of `train` and one of `validation`, `val`, `test`, in any letter case.

    Beside `validation`, `test` is the exam. A DataError says that a folder is missing, empty or ambiguous, a class has
    no image, or a file is not an image of exactly one class.
    """
    classes = read_classes(name, folder)
    rest = VALIDATION_FOLDERS if _find_exam_folder(folder) else (*EXAM_FOLDERS, *VALIDATION_FOLDERS)
    train, validation = (_find_split(folder, wanted) for wanted in (TRAIN_FOLDERS, rest))
    return _read_split(train, classes), _read_split(validation, classes)


def find_exam(name: str, folder: Path) -> Split | None:
    """The files of a data set's exam, or None: of `test`, where it stands beside `train` and `validation`."""
    return _read_split(exam, read_classes(name, folder)) if (exam := _find_exam_folder(folder)) else None


def _find_exam_folder(folder: Path) -> Path | None:
    has_validation = folder.is_dir() and find_folder(folder, VALIDATION_FOLDERS)
    return find_folder(folder, EXAM_FOLDERS) if has_validation else None


def read_classes(name: str, folder: Path) -> Description:
    """The classes of a folder: as `dataset.yaml` or `classes.json` names them, else the lab's, else its own.

    Its own are the folders in `train`, or the first words of its files' names. A DataError says that a file cannot be
    used, or that nothing tells which classes there are.
    """
    said, found = describe(folder), DATASETS.get(name)
    title = said.title or (found.title if found else composed(folder.name))
    if said.words:
        return replace(said, title=title)
    if found is None:
        words = _words_of_folders(_find_split(folder, TRAIN_FOLDERS))
        found = Description(words=words, shown=words)
    return replace(found, title=title, window=said.window)


def _words_of_folders(train: Path) -> tuple[str, ...]:
    entries = list_folder(train)
    words = [composed(entry.name) for entry in entries if stat.S_ISDIR(mode_of(entry))]
    if not words:
        first = (re.match(r"[^\W_]+", composed(os.path.splitext(entry.name)[0])) for entry in entries)
        # A number that is glued to letters, as in Normal0001, counts images; one that is alone with a letter, C1, not.
        found = [re.sub(r"(?<=[^\W\d_]{2})\d+$", "", word[0]) if word else "" for word in first]
        words = list(dict.fromkeys(found))
        if "" in words or len(words) > max(1, len(entries) // 2):
            words = []
    words = sorted({word.casefold(): word for word in words}.values(), key=str.casefold)
    if not 2 <= len(words) <= MOST_CLASSES:
        raise DataError(
            f"{shown(train)} does not tell which classes there are: it should hold one folder for each, or files that "
            "begin with the name of their class, such as Normal_0001.jpg; or list them in "
            f"{shown(train.parent / FILE)}: `classes: [Normal, Pneumonia]`."
        )
    return tuple(words)


def find_folder(parent: Path, wanted: Sequence[str]) -> Path | None:
    """The one entry of `parent` with one of the `wanted` names, in any letter case, or None; a DataError if two."""
    found = [Path(entry) for entry in list_folder(parent) if alike(entry.name) in wanted]
    return only_one(parent, found) if found else None


def _find_split(folder: Path, wanted: Sequence[str]) -> Path:
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"{shown(folder)} {found}: it should be a folder that holds train and test.")
    if found_folder := find_folder(folder, wanted):
        return found_folder
    raise DataError(
        f"{shown(folder)} holds no folder {' or '.join(wanted[:3])}: "
        "it should hold train and test (or train and validation) with the images in them."
    )


def _read_split(folder: Path, classes: Description) -> Split:
    entries, labels = list_folder(folder), classes.labels
    folders = [entry for entry in entries if stat.S_ISDIR(mode_of(entry))]
    loose = [entry for entry in entries if entry not in folders]
    if unknown := [entry for entry in folders if alike(entry.name) not in labels]:
        known = ", ".join(map(repr, classes.words))
        raise DataError(
            f"{shown(unknown[0].path)!r} is a folder that is no class of {classes.title} ({known}). "
            f"Rename it to its class, move it away, or list your own classes in {shown(folder.parent / FILE)}."
        )
    if folders and loose:
        raise DataError(
            f"{shown(folder)} holds folders for classes ({folders[0].name}) and files beside them ({loose[0].name}): "
            "sort every image into the folder of its class, or have no folders at all."
        )
    pattern = _pattern(classes.words)
    found = [(labels[_class_in_name(entry, pattern, classes)], entry) for entry in loose]
    # A lesion's name may be written out in a file too, where its folder says which class it is.
    # Bare numbers and letters are left alone: class 2 is not meant by every 2 in a name.
    pattern = _pattern([w for w in (*classes.words, *classes.aliases) if len(w) > 1 and not w.isdigit()])
    for class_folder in folders:
        label = labels[alike(class_folder.name)]
        entries = list_folder(Path(class_folder))
        for entry in entries:
            _check_image(entry)
            said = {labels[word] for word in pattern.findall(_stem(entry))}
            if said and label not in said:
                raise DataError(
                    f"{shown(entry.path)} lies in the folder of {classes.words[label]}, but its name says "
                    f"{classes.words[min(said)]}. Move it to its class, or rename it."
                )
        found += [(label, entry) for entry in entries]
    if not found:
        raise DataError(f"{shown(folder)} holds no images. Put the images of {classes.title} into it.")
    found.sort(key=lambda item: (item[0], composed(item[1].name)))
    present = [label for label, _ in found]
    if absent := {*range(len(classes.words))} - {*present}:
        empty = [classes.words[label] for label in sorted(absent)]
        raise DataError(
            f"{shown(folder)} holds no image of {', '.join(empty)}: {classes.title} needs images of every class "
            f"({', '.join(classes.words)}) in training and in validation."
        )
    return Split(tuple(Path(entry) for _, entry in found), np.array(present, dtype=np.int64))


def _class_in_name(entry: os.DirEntry[str], pattern: re.Pattern[str], classes: Description) -> str:
    _check_image(entry)
    said = set(pattern.findall(_stem(entry)))
    if len(said) == 1:
        return said.pop()
    names, title = classes.words, classes.title
    expected = f"{', '.join(names[:-1])} or {names[-1]}"
    if not said:
        raise DataError(
            f"{shown(entry.path)} matches no class of {title}: its name should contain {expected}. Rename or remove it."
        )
    both = " and ".join(class_name for class_name in names if alike(class_name) in said)
    raise DataError(
        f"{shown(entry.path)} matches two classes of {title}, {both}: its name should contain one of {expected}. "
        "Rename it."
    )


def _stem(entry: os.DirEntry[str]) -> str:
    return alike(os.path.splitext(entry.name)[0])


def _pattern(names: Sequence[str]) -> re.Pattern[str]:
    """Finds class names that are words of their own: C1 is neither in `c10_3` nor in `abc1`, Mel is in `mel0001`."""
    # After a name that ends in a digit nothing may follow that reads on; after letters, a number may.
    # The longest first: "Normal tissue" is not "Normal".
    longest = sorted(map(alike, names), key=len, reverse=True)
    words = [re.escape(name) + (r"(?![^\W_])" if name[-1].isdigit() else r"(?![^\W\d_])") for name in longest]
    # Not re.IGNORECASE, which takes the Turkish letters for the Latin i: they are no class's when names are compared.
    return re.compile(rf"(?<![^\W_])({'|'.join(words) or '(?!)'})")  # (?!) matches nothing


def _check_image(entry: os.DirEntry[str]) -> None:
    mode = mode_of(entry)
    if stat.S_ISDIR(mode):
        raise DataError(f"{shown(entry.path)} is a folder inside a class: move its images up, or move it away.")
    if not stat.S_ISREG(mode):
        raise DataError(f"{shown(entry.path)} is not an ordinary file. Remove it.")
    if not entry.name.lower().endswith(SUFFIXES):
        raise DataError(
            f"{shown(entry.path)} is not an image that can be read here ({', '.join(SUFFIXES)}). "
            "Convert it, or move it out of the folder."
        )
