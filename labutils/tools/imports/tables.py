"""Tables of what is to be imported: a CSV, as spreadsheets, pandas and archives write it, row by row.

One row is one picture: its file, its class (in a column of labels, or in a column for each class with a single 1 in
every row, as ISIC has it), and its patient where a column tells.
"""

import csv
import io
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from labutils.data.layouts import SUFFIXES
from labutils.errors import DataError
from labutils.paths import shown
from labutils.tools.imports import dicom

FILE_COLUMNS = ("file", "filename", "file_name", "filepath", "path", "image", "image_path", "image_id", "dicom")
LABEL_COLUMNS = ("label", "class", "target", "diagnosis", "dx", "finding", "category")
GROUP_COLUMNS = ("patient", "patient_id", "patientid", "patient id", "subject", "subject_id", "lesion_id", "case_id")
"""Columns that are taken without asking, in lower case; of those for patients, the first that is there."""

NO_LABEL = ("nan", "null", "n/a", "#n/a", "<na>")
"""What programs write where nothing was, in lower case."""

QUOTED = 3
"""How many names a sentence quotes."""

_TABLES = (".csv", ".tsv", ".txt")


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
class Row:
    """A file that was found or named; `group` is what its table says, None where that says nothing."""

    file: Path
    name: str
    label: str | None
    group: str | None = None


def read_table(table: Path, wanted: Wanted) -> tuple[list[Row], str]:
    """The rows of a table, and the column that tells patients apart (empty if none does).

    Raises
    ------
    DataError
        If it is no CSV, lacks a column, a row is not complete, or files are not there or named twice.
    """
    if table.suffix.lower() not in _TABLES:
        raise DataError(
            f"{shown(table)} is neither a folder nor a CSV. Give the folder that holds the images, or save the table "
            "as CSV."
        )
    try:
        text = _text(table)
        lines = list(csv.reader(io.StringIO(text), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise DataError(f"{shown(table)} is no CSV ({error}): save it as one, with a header.") from None
    header = [name.strip() for name in lines[0]] if lines else []
    rows = [(number, line) for number, line in enumerate(lines[1:], start=2) if any(cell.strip() for cell in line)]
    if not rows:
        raise DataError(f"{shown(table)} holds no rows: expected is a header with file and label, and a row for each.")
    files = _column(table, header, wanted.file, FILE_COLUMNS, "file")
    group = _group_column(table, header, wanted)
    one_hot = [] if wanted.label else _one_hot(header, rows, (files, group))
    labels = [] if one_hot else [_column(table, header, wanted.label, LABEL_COLUMNS, "label")]
    folder, found, missing, seen = wanted.images or table.parent, [], [], dict[Path, int]()
    for number, line in rows:
        if len(line) <= max(files, *labels, *one_hot):
            raise DataError(f"{shown(table)}, line {number}, has {len(line)} of {len(header)} columns. Mend it.")
        name = line[files].strip()
        label = next((header[c] for c in one_hot if float(line[c]) == 1), "") if one_hot else line[labels[0]].strip()
        if not name or not label or label.casefold() in NO_LABEL:
            raise DataError(f"{shown(table)}, line {number}, has no {'label' if name else 'file'}. Fill or remove it.")
        file = _find_file(folder, name)
        if file is None:
            missing.append(name)
            continue
        if file in seen:
            raise DataError(f"{shown(table)} names {name} twice, in lines {seen[file]} and {number}. Remove one.")
        seen[file] = number
        patient = None if group is None else "".join(line[group : group + 1]).strip()
        if patient == "":
            raise DataError(f"{shown(table)}, line {number}, has no {header[group or 0]}. Fill it, or remove the line.")
        found.append(Row(file, name, label, patient))
    if missing:
        more = f" and {len(missing) - QUOTED} more" if len(missing) > QUOTED else ""
        raise DataError(
            f"{shown(table)} names {', '.join(missing[:QUOTED])}{more}, but {shown(folder)} holds no such "
            f"{'file' if len(missing) == 1 else 'files'}. Say with --images where they are, or remove the lines."
        )
    return found, "" if group is None else header[group]


def is_keyword(text: str) -> bool:
    """Whether a text is the name of a DICOM attribute, such as PatientID."""
    if not re.fullmatch("[A-Z][A-Za-z0-9]+", text):
        return False
    try:
        from pydicom.datadict import tag_for_keyword
    except ImportError:
        return False
    return tag_for_keyword(text) is not None


def _group_column(table: Path, header: list[str], wanted: Wanted) -> int | None:
    """The column of patients: as asked for, else one that is called so; a pattern and an attribute are no column."""
    if wanted.group in header:
        return header.index(wanted.group)
    if wanted.group:
        if re.fullmatch(r"\w+", wanted.group) and not is_keyword(wanted.group):
            raise DataError(f"{shown(table)} has no column {wanted.group}: there are {', '.join(header)}.")
        return None
    lower = [name.casefold() for name in header]
    return next((lower.index(name) for name in GROUP_COLUMNS if name in lower), None)


def _one_hot(header: list[str], rows: list[tuple[int, list[str]]], others: tuple[int | None, ...]) -> list[int]:
    """The columns of classes where every row has a single 1 and zeros; none if that is not so."""
    if any(name.casefold() in LABEL_COLUMNS for name in header):
        return []
    lines = [line for _, line in rows]
    if min(map(len, lines)) < len(header):
        return []
    columns = [c for c in range(len(header)) if c not in others and {_number(line[c]) for line in lines} <= {0.0, 1.0}]
    single = all(sum(float(line[c]) for c in columns) == 1 for line in lines)
    return columns if len(columns) >= 2 and single else []


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


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
    plain = name.replace("\\", "/")
    places = [plain]
    if re.match(r"/|[A-Za-z]+:", plain):
        # A path of the machine that wrote the table: its last folders may be here too.
        parts = plain.split("/")
        places += ["/".join(parts[start:]) for start in range(1, len(parts)) if parts[start]]
    # A Mac writes accents apart from their letters.
    forms = dict.fromkeys(unicodedata.normalize(form, place) for place in places for form in ("NFC", "NFD"))
    for path in (folder / place for place in dict.fromkeys([*places, *forms])):
        # Tables of archives often leave the ending out.
        for ending in ("", *SUFFIXES, *dicom.SUFFIXES):
            # Not Path.is_file: what stands there may be no name at all.
            if os.path.isfile(f"{path}{ending}"):
                return Path(os.path.normpath(f"{path}{ending}"))
    return None


def _text(table: Path) -> str:
    content = table.read_bytes()
    try:
        text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        # What a spreadsheet writes where the system is not set to UTF-8.
        text = content.decode("cp1252", "replace")
    # A Mac's spreadsheet ends lines in its own way.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)
