"""What is to be imported: which file, class and patient each picture is; from a folder, a table, or DICOM itself."""

import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from pathlib import Path
from typing import Any

from labutils.data.layouts import EXAM_FOLDERS, SUFFIXES, TRAIN_FOLDERS, VALIDATION_FOLDERS
from labutils.data.listing import list_folder, mode_of
from labutils.errors import DataError
from labutils.paths import shown
from labutils.progress import bar
from labutils.tools.imports import dicom
from labutils.tools.imports.tables import NOBODY, QUOTED, Row, plain, read_table

SEVERAL = ("first", "single")
"""What may be done where an image has several labels, `A|B`: take the first, or images with a single one only."""

EXAMPLES = {"label": "([A-Z]+)_", "group": "patient([0-9]+)"}  # patterns of file names, by what they tell
_SPLITS = (*TRAIN_FOLDERS, *VALIDATION_FOLDERS, *EXAM_FOLDERS)


@dataclass(frozen=True)
class Wanted:
    """What was asked for.

    `file`, `label` and `group` are columns of a table; label and group may be an attribute of DICOM or a pattern of
    file names too, group also `NOBODY`. `images` is where a table's files are, in folders at any depth; `classes` are
    those there may be, in label order, `several` one of `SEVERAL`; `shares` of train, validation and test (two for no
    exam); `window` the values that are black and white; `leave_out` says that what cannot be used is left out and
    written down.
    """

    file: str = ""
    label: str = ""
    group: str = ""
    images: Path | None = None
    classes: tuple[str, ...] = ()
    several: str = ""
    shares: tuple[float, ...] = (70, 15, 15)
    seed: int = 0
    window: tuple[float, float] | None = None
    leave_out: bool = False


@dataclass(frozen=True)
class Item:
    """One picture: its file, its name relative to the source, its class, what stands for its patient; of DICOM more.

    `pixels` is how many DICOM says that there are, `burned_in` whether it says that text is burned into the picture.
    """

    file: Path
    name: str
    label: str
    group: str
    is_dicom: bool = False
    pixels: int = 0
    burned_in: bool = False


@dataclass
class Found:
    """What a source holds.

    `left_out` are files that are not imported and why, `problems` those that should be and cannot (a sentence, and in a
    line below what to do); `groups_by` says what tells patients apart, empty where nothing does.
    """

    items: list[Item] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    groups_by: str = ""
    notes: list[str] = field(default_factory=list)


def find_items(source: Path, wanted: Wanted) -> Found:
    """The pictures of a folder or of a table, see `import_images`; what is wrong with single files is among them.

    A DataError says that there is no such source, or what is wrong with the table.
    """
    if not source.exists():
        raise DataError(f"{shown(source)} does not exist. Give a folder, or a CSV with file and label columns.")
    found = Found()
    if source.is_dir():
        rows = [_row_of(file.relative_to(source), source, wanted) for file in _walk(source)]
        found.notes += _tell_of_inner_folders(rows)
        if any(row.name.partition("/")[0].casefold() in _SPLITS for row in rows):
            found.notes.append("The source is split into train and others already: it is put together and split anew.")
    elif not source.is_file():  # nobody writes to a pipe
        raise DataError(f"{shown(source)} is neither a folder nor a CSV. Give the folder that holds the images.")
    else:
        rows, column = read_table(source, wanted.file, wanted.label, wanted.group, wanted.images)
        # Said by the table itself: a pattern or an attribute would be asked for.
        wanted = replace(wanted, group=column or wanted.group)
        if column.casefold() == "lesion_id":
            found.notes.append(f"{column} tells lesions apart: of a patient with several, some may be on each side.")
    if wanted.several == "first" and (several := sum("|" in (row.label or "") for row in rows)):
        found.notes.append(f"Of {several} images with several labels the first one counts.")
    for row in bar(iterable=rows, desc="Looking at files", unit="file", delay=1, leave=False):
        try:
            found.items += _items(row, wanted, found)
        except DataError as error:
            found.problems[row.name] = str(error)
    if wanted.group == NOBODY:
        found.notes.append("Each image is taken for a patient of its own, as asked for: nobody knows, says the audit.")
    else:
        _group_by_names(found)
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for entry in list_folder(folder):
        yield from _walk(Path(entry)) if stat.S_ISDIR(mode_of(entry)) else (Path(entry),)


def _row_of(name: Path, source: Path, wanted: Wanted) -> Row:
    folders = [*dropwhile(lambda part: part.casefold() in _SPLITS, name.parts[:-1])]
    return Row(source / name, name.as_posix(), None if wanted.label or not folders else plain(folders[0]))


def _tell_of_inner_folders(rows: list[Row]) -> list[str]:
    """A word where folders inside those of the classes are called alike everywhere: they may be the classes."""
    inside: dict[str, set[str]] = {}
    for row in rows:
        if row.label is not None:
            parts = [plain(part) for part in row.name.split("/")]
            below = parts[parts.index(row.label) + 1 :]
            inside.setdefault(row.label, set()).add(below[0] if len(below) > 1 else "")
    names = set[str]().union(*inside.values())
    if "" in names or not 2 <= len(names) < len(inside) or any(len(found) < 2 for found in inside.values()):
        return []
    return [
        f"The outermost folders are taken for classes ({', '.join(sorted(inside)[:QUOTED])}, ...). "
        f"If {', '.join(sorted(names)[:QUOTED])} in them are the classes, remove what was written, and give a table "
        "with a file, a label and a patient in each row."
    ]


def _items(row: Row, wanted: Wanted, found: Found) -> Iterator[Item]:
    """A row as an item; none, with a word in `found.left_out`, for what is not to be imported."""
    if row.file.exists() and not row.file.is_file():
        raise DataError(f"{shown(row.file)} is not an ordinary file. Remove it.")
    header = dicom.read_header(row.file) if dicom.is_dicom(row.file) else None
    if header is None and row.file.suffix.lower() not in SUFFIXES:
        found.left_out[row.name] = "no image"
    elif header is not None and dicom.is_directory(header):
        found.left_out[row.name] = "a table of contents (DICOMDIR)"
    else:
        of_dicom: tuple[Any, ...] = ()
        if header is not None:
            dicom.check_picture(header, row.file, bool(wanted.group))
            burned_in = str(header.get("BurnedInAnnotation", "")).upper() == "YES"
            of_dicom = True, header.Rows * header.Columns, burned_in
        if (label := _label(row, wanted, header)) is None:
            found.left_out[row.name] = f"several labels ({row.label})"
            return
        group, by = _group(row, wanted, header)
        found.groups_by = found.groups_by or by
        yield Item(row.file, row.name, label, group, *of_dicom)


def _label(row: Row, wanted: Wanted, header: Any) -> str | None:
    """The class of a file; None if it has several, and such are not wanted."""
    if row.label is None and not wanted.label:
        raise DataError(
            f"{shown(row.file)} lies in no folder of a class.\nExpected is a folder for each class, a CSV with file "
            "and label columns, or --label with an attribute of DICOM, such as BodyPartExamined, or a pattern of file "
            "names, such as '([A-Z]+)_'."
        )
    if row.label is None:
        return plain(_ask("label", wanted.label, row, header))
    labels = [plain(label.strip()) for label in row.label.split("|") if label.strip()]
    if len(labels) < 2 or wanted.several == "single":
        return row.label if len(labels) < 2 else None
    asked = [label for label in labels if label in wanted.classes]
    if wanted.several == "first" or len(asked) == 1:
        return (asked or labels)[0]
    raise DataError(
        f"{row.name} has several labels ({row.label}).\nAn image has one class here: say which labels are classes "
        "(--classes A,B: the one of these counts), take the first (--several first), or only images with a single "
        "label (--several single)."
    )


def _group(row: Row, wanted: Wanted, header: Any) -> tuple[str, str]:
    """What stands for the patient of a file, and what tells it."""
    if wanted.group == NOBODY:
        return "", ""
    if row.group is not None:
        return row.group, f"the column {wanted.group}"
    if wanted.group:
        by = wanted.group if dicom.is_keyword(wanted.group) else f"the pattern {wanted.group}"
        return _ask("group", wanted.group, row, header), by
    patient = _attribute(header, "PatientID")
    if header is not None and not patient:
        raise DataError(
            f"{shown(row.file)} carries no PatientID: say with --group which files belong together "
            "(another attribute, such as StudyInstanceUID, a column, or a pattern of file names; none if nobody knows)."
        )
    return (patient, "PatientID") if patient else ("", "")


def _ask(option: str, how: str, row: Row, header: Any) -> str:
    """What an attribute of DICOM, or a pattern of file names, says about a file."""
    if dicom.is_keyword(how):
        value = _attribute(header, how)
        if not value:
            cannot = "tell its class" if option == "label" else "tell whose it is"
            raise DataError(f"{shown(row.file)} carries no {how}: --{option} cannot {cannot}.")
        return value
    match = re.search(how, row.name)
    if match is None:
        raise DataError(
            f"--{option} {how!r} fits nothing in {row.name!r}.\nGive a column of the table, an attribute of DICOM, or "
            f"a pattern such as {EXAMPLES[option]!r}."
        )
    return match[1] if match.groups() and match[1] is not None else match[0]


def _attribute(header: Any, keyword: str) -> str:
    value = None if header is None else header.get(keyword)
    return "" if value is None else str(value).strip()


def _group_by_names(found: Found) -> None:
    """Names of files, and of folders below the class's, that speak of patients are believed; no running numbers are."""
    from labutils.audit.duplicates import LESION, PATIENT, read_id

    for index, item in enumerate(found.items):
        folders = [part for part in item.name.split("/")[:-1] if plain(part) != item.label]
        ids = [read_id(item.name, ()), *(read_id(f"{part}.", ()) for part in reversed(folders))]
        told = next((one for prefix in (PATIENT, LESION) for one in ids if one.startswith(prefix)), "")
        if told and not item.group:
            found.items[index] = replace(item, group=told)
            found.groups_by = found.groups_by or "the numbers of patients or lesions in names"


def ask_for_patients(items: Sequence[Item]) -> None:
    """A DataError says what to do where nothing tells whose some images are."""
    if not (silent := [item.name for item in items if not item.group]):
        return
    name, pattern, shows = silent[0], EXAMPLES["group"], ""
    if "/" in name.partition("/")[2]:  # folders below those of the classes
        pattern = "([^/]+)/[^/]+$"
    elif re.search(r"\d[-_]\d+\.\w+$", name):  # the last of two numbers may count pictures
        pattern = "([^/]+)[-_][0-9]+[.]"
    if match := re.search(pattern, name):
        shows = f" (of {name!r} it takes {match[1]!r})"
    whose = "which images are of one patient"
    if len(silent) < len(items):
        whose = f"whose {len(silent)} of {len(items)} images are, such as {name!r}"
    raise DataError(
        f"Nothing tells {whose}: a patient on both sides makes every result look better than it is.\n"
        "Say with --group what tells: a column of the table, an attribute of DICOM, or a pattern of names such as "
        f"{pattern!r}{shows}. If each image is of another patient, or nobody knows: --group {NOBODY}."
    )
