"""What is to be imported: which file, of which class, of which patient; from a folder, a table, or DICOM's own words.

Nothing is read but tables and the headers of DICOM files.
"""

import csv
import io
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labutils.data.layouts import EXAM_FOLDERS, SUFFIXES, TRAIN_FOLDERS, VALIDATION_FOLDERS
from labutils.data.listing import list_folder, mode_of
from labutils.errors import DataError
from labutils.imports import dicom
from labutils.paths import shown
from labutils.progress import bar

FILE_COLUMNS = ("file", "filename", "file_name", "filepath", "path", "image", "image_path", "image_id", "dicom")
LABEL_COLUMNS = ("label", "class", "target", "diagnosis", "dx", "finding", "category")
"""Columns that are taken without asking, in lower case."""

_SPLITS = (*TRAIN_FOLDERS, *VALIDATION_FOLDERS, *EXAM_FOLDERS)
_TABLES = (".csv", ".tsv", ".txt")
_QUOTED = 3


@dataclass(frozen=True)
class Wanted:
    """What was asked for; see `import_images`."""

    file: str = ""
    label: str = ""
    group: str = ""
    images: Path | None = None
    classes: tuple[str, ...] = ()
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

    `left_out` are files that are not imported and why, `problems` those that should be and cannot; `groups_by` says
    what tells patients apart, empty where nothing does.
    """

    items: list[Item] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    groups_by: str = ""
    notes: list[str] = field(default_factory=list)


def find_items(source: Path, wanted: Wanted, progress: bool = True) -> Found:
    """The pictures of a folder or of a table.

    Parameters
    ----------
    source : Path
        A folder whose folders are classes, a folder of DICOM files, or a table (CSV) with file and label columns.
    wanted : Wanted
    progress : bool
        Whether a progress bar may be shown while headers are read.

    Raises
    ------
    DataError
        If a table lacks a column or names files that are not there, or nothing tells the classes or patients.
    """
    if not source.exists():
        raise DataError(f"{shown(source)} does not exist. Give a folder, or a CSV with file and label columns.")
    found = Found()
    if source.is_dir():
        rows: list[_Row] = [_row_of(source, file, wanted) for file in _walk(source)]
    elif source.suffix.lower() in _TABLES:
        rows = _read_table(source, wanted)
    else:
        raise DataError(f"{shown(source)} is neither a folder nor a CSV. Give the folder that holds the images.")
    if any(row.file.relative_to(source).parts[0].casefold() in _SPLITS for row in rows if source.is_dir()):
        found.notes.append("The source is split into train and others already: it is put together and split anew.")
    shown_bar = bar(progress, iterable=rows, desc="Looking at files", unit="file", delay=1, leave=False)
    for row in shown_bar:
        try:
            item = _item(row, wanted, found)
        except DataError as error:
            found.problems[row.name] = str(error)
            continue
        if item is not None:
            found.items.append(item)
    _check_groups(found, wanted)
    return found


@dataclass(frozen=True)
class _Row:
    """A file that was found or named; `group` is what its table says, None where that says nothing."""

    file: Path
    name: str
    label: str | None
    group: str | None = None


def _walk(folder: Path) -> Iterator[Path]:
    for entry in list_folder(folder):
        if stat.S_ISDIR(mode_of(entry)):
            yield from _walk(Path(entry))
        else:
            yield Path(entry)


def _row_of(source: Path, file: Path, wanted: Wanted) -> _Row:
    folders = list(file.relative_to(source).parts[:-1])
    while folders and folders[0].casefold() in _SPLITS:
        folders = folders[1:]
    return _Row(file, file.relative_to(source).as_posix(), None if wanted.label or not folders else folders[0])


def _item(row: _Row, wanted: Wanted, found: Found) -> Item | None:
    """A row as an item; None, with a word in `found.left_out`, for what is no picture."""
    if not dicom.is_dicom(row.file):
        if row.file.suffix.lower() not in SUFFIXES:
            found.left_out[row.name] = "no image"
            return None
        if row.label is None:
            raise DataError(_no_class(row.file))
        group, by = _group(row, wanted, None)
        found.groups_by = found.groups_by or by
        return Item(row.file, row.name, row.label, group)
    header = dicom.read_header(row.file)
    if dicom.is_directory(header):
        found.left_out[row.name] = "a table of contents (DICOMDIR)"
        return None
    dicom.check_picture(header, row.file, bool(wanted.group))
    label = row.label if row.label is not None else _attribute(header, wanted.label)
    if not label:
        raise DataError(_no_class(row.file, wanted.label))
    group, by = _group(row, wanted, header)
    found.groups_by = found.groups_by or by
    burned_in = str(header.get("BurnedInAnnotation", "")).upper() == "YES"
    return Item(row.file, row.name, label, group, True, header.Rows * header.Columns, burned_in)


def _group(row: _Row, wanted: Wanted, header: Any) -> tuple[str, str]:
    """What stands for the patient of a file, and what tells it."""
    if row.group is not None:
        return row.group, f"the column {wanted.group}"
    if not wanted.group:
        patient = _attribute(header, "PatientID")
        if header is not None and not patient:
            raise DataError(
                f"{shown(row.file)} carries no PatientID: say with --group which files belong together "
                "(another attribute, such as StudyInstanceUID, a column, or a pattern of file names)."
            )
        return (patient, "PatientID") if patient else ("", "")
    if _is_keyword(wanted.group):
        value = _attribute(header, wanted.group)
        if not value:
            raise DataError(f"{shown(row.file)} carries no {wanted.group}: --group cannot tell whose it is.")
        return value, wanted.group
    match = re.search(wanted.group, row.name)
    if match is None:
        raise DataError(
            f"--group {wanted.group!r} fits nothing in {row.name}: give a column of the table, an attribute of DICOM, "
            r"or a pattern such as 'patient(\d+)'."
        )
    return match[1] if match.groups() and match[1] is not None else match[0], f"the pattern {wanted.group}"


def _check_groups(found: Found, wanted: Wanted) -> None:
    if found.groups_by or not found.items or wanted.group:
        return
    from labutils.audit.duplicates import read_id

    # Names that speak of patients are believed; anything else might be a running number.
    named = [read_id(item.name, ()) for item in found.items]
    if all(name.startswith("patient ") for name in named):
        found.items = [
            Item(item.file, item.name, item.label, name) for item, name in zip(found.items, named, strict=True)
        ]
        found.groups_by = "the patients' numbers in file names"
        return
    found.notes.append(
        "Nothing tells which images are of one patient: each is taken for a patient of its own. "
        "If that is wrong, remove what was written and say it with --group."
    )


def _is_keyword(text: str) -> bool:
    """Whether a text is the name of a DICOM attribute, such as PatientID."""
    if not re.fullmatch("[A-Z][A-Za-z0-9]+", text):
        return False
    try:
        from pydicom.datadict import tag_for_keyword
    except ImportError:
        return False
    return tag_for_keyword(text) is not None


def _attribute(header: Any, keyword: str) -> str:
    if header is None or not keyword:
        return ""
    value = header.get(keyword)
    return "" if value is None else str(value).strip()


def _no_class(file: Path, keyword: str = "") -> str:
    if keyword:
        return f"{shown(file)} says nothing about {keyword}, which should tell its class."
    return (
        f"{shown(file)} lies in no folder of a class: expected is a folder for each class, a CSV with file and label "
        "columns, or --label with an attribute of DICOM, such as BodyPartExamined."
    )


def _read_table(table: Path, wanted: Wanted) -> list[_Row]:
    lines = list(csv.reader(io.StringIO(_text(table)), delimiter=_delimiter(table)))
    header = [name.strip() for name in lines[0]] if lines else []
    rows = [(number, line) for number, line in enumerate(lines[1:], start=2) if any(cell.strip() for cell in line)]
    if not rows:
        raise DataError(f"{shown(table)} holds no rows: expected is a header with file and label, and a row for each.")
    columns = [_column(table, header, wanted.file, FILE_COLUMNS, "file")]
    columns.append(_column(table, header, wanted.label, LABEL_COLUMNS, "label"))
    group = header.index(wanted.group) if wanted.group in header else None
    if wanted.group and group is None and re.fullmatch(r"\w+", wanted.group) and not _is_keyword(wanted.group):
        raise DataError(f"{shown(table)} has no column {wanted.group}: there are {', '.join(header)}.")
    folder, found, missing, seen = wanted.images or table.parent, [], [], dict[str, int]()
    for number, line in rows:
        if len(line) <= max(columns):
            raise DataError(f"{shown(table)}, line {number}, has {len(line)} of {len(header)} columns. Mend it.")
        name, label = (line[column].strip() for column in columns)
        if not name or not label:
            raise DataError(f"{shown(table)}, line {number}, has no {'label' if name else 'file'}. Fill or remove it.")
        if name in seen:
            raise DataError(f"{shown(table)} names {name} twice, in lines {seen[name]} and {number}. Remove one.")
        seen[name] = number
        file = _find_file(folder, name)
        if file is None:
            missing.append(name)
            continue
        patient = line[group].strip() if group is not None and group < len(line) else None
        if patient == "":
            raise DataError(f"{shown(table)}, line {number}, has no {wanted.group}. Fill it, or remove the line.")
        found.append(_Row(file, name, label, patient))
    if missing:
        more = f" and {len(missing) - _QUOTED} more" if len(missing) > _QUOTED else ""
        raise DataError(
            f"{shown(table)} names {', '.join(missing[:_QUOTED])}{more}, but {shown(folder)} holds no such "
            f"{'file' if len(missing) == 1 else 'files'}. Say with --images where they are, or remove the lines."
        )
    return found


def _column(table: Path, header: list[str], asked: str, usual: tuple[str, ...], what: str) -> int:
    if asked:
        if asked not in header:
            raise DataError(f"{shown(table)} has no column {asked}: there are {', '.join(header)}.")
        return header.index(asked)
    fitting = [index for index, name in enumerate(header) if name.casefold() in usual]
    if len(fitting) != 1:
        several = " and ".join(header[index] for index in fitting)
        found = f"has {several}, which may both be the {what}" if fitting else f"has no column {what}"
        raise DataError(f"{shown(table)} {found}: there are {', '.join(header)}. Say which with --{what} COLUMN.")
    return fitting[0]


def _find_file(folder: Path, name: str) -> Path | None:
    path = folder / name.replace("\\", "/")
    # Tables of archives often leave the ending out.
    for candidate in (path, *(path.with_name(path.name + ending) for ending in (*SUFFIXES, *dicom.SUFFIXES))):
        if candidate.is_file():
            return candidate
    return None


def _text(table: Path) -> str:
    content = table.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What a spreadsheet writes where the system is not set to UTF-8.
        return content.decode("cp1252", "replace")


def _delimiter(table: Path) -> str:
    first = _text(table).split("\n", 1)[0]
    return max(",;\t", key=first.count)
