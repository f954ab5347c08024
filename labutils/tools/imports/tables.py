"""Tables of what is to be imported: a CSV, as spreadsheets, pandas and archives write it, a picture in each row."""

import csv
import filecmp
import io
import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from labutils.data.layouts import SUFFIXES
from labutils.data.listing import LEFTOVERS
from labutils.errors import DataError
from labutils.paths import shown
from labutils.tools.imports import dicom

FILE_COLUMNS = (
    *("file", "filename", "file_name", "filepath", "path", "dicom"),
    *("image", "image_path", "image_id", "image_name", "image index", "isic_id"),
)
LABEL_COLUMNS = ("label", "class", "target", "diagnosis", "dx", "finding", "finding labels", "category")
GROUP_COLUMNS = ("patient", "patient_id", "patientid", "patient id", "subject", "subject_id", "lesion_id", "case_id")
"""Columns that are taken without asking, in lower case; of those for patients, the first that is there."""

NOBODY = "none"
"""What is asked for as group where nobody knows which images are of one patient, or each is of another."""

NO_LABEL = ("nan", "null", "n/a", "#n/a", "<na>")
"""What programs write where nothing was, in lower case."""

TABLES = (".csv", ".tsv", ".txt")
QUOTED = 3  # names in a sentence


@dataclass(frozen=True)
class Row:
    """A file that was found or named; label and group are what its folder or table says, None where that is nothing."""

    file: Path
    name: str
    label: str | None
    group: str | None = None


def plain(text: str) -> str:
    """What is the same is written alike: accents as one letter with theirs (a Mac has two), and 1.0 as 1."""
    return re.sub(r"^([+-]?\d+)\.0+\Z", r"\1", unicodedata.normalize("NFC", text))


def read_table(
    table: Path, file: str = "", label: str = "", group: str = "", images: Path | None = None
) -> tuple[list[Row], str]:
    """The rows of a table, and the column that tells patients apart (empty if none does).

    `file`, `label` and `group` are columns that were asked for; those with usual names are found, and a group may be
    something else than a column. The files are in `images`, or in folders there; by default beside the table. A
    DataError says that it is no CSV, lacks a column, a row is not complete, or files are not there, named twice, or in
    several folders and not the same.
    """
    header, rows = _read(table)
    file = _column(table, header, file, FILE_COLUMNS, "file")
    group = _group_column(table, header, group)
    one_hot = [] if label else _one_hot(header, [row for _, row in rows], (file, group))
    label = "" if one_hot else _column(table, header, label, LABEL_COLUMNS, "label")
    folder = images or table.parent
    below = cache(lambda: _files_below(folder))  # only where something is not at once where it should be
    found, missing, seen = list[Row](), list[str](), dict[Path, int]()
    for number, row in rows:
        here = f"{shown(table)}, line {number},"
        if not {file, *(one_hot or [label])} <= row.keys():
            raise DataError(f"{here} has {len(row)} of {len(header)} columns. Mend it.")
        name, said = row[file], row[label] if label else next(one for one in one_hot if plain(row[one]) == "1")
        if not name or not said or said.casefold() in NO_LABEL:
            raise DataError(f"{here} has no {'label' if name else 'file'}. Fill or remove it.")
        if not (places := _find_file(folder, name, below)):
            missing.append(name)
            continue
        if len(places) > 1:
            where = " and ".join(file.relative_to(folder).as_posix() for file in places[:2])
            raise DataError(
                f"{here} names {name}, which may be {where}, and they are not the same. Say with --images which folder "
                "is meant, or write it into the table."
            )
        if (first := seen.setdefault(places[0], number)) != number:
            raise DataError(f"{shown(table)} names {name} twice, in lines {first} and {number}. Remove one.")
        if group and not row.get(group):
            raise DataError(f"{here} has no {group}. Fill it, or remove the line.")
        found.append(Row(places[0], name, plain(said), plain(row[group]) if group else None))
    if missing:
        more = f" and {len(missing) - QUOTED} more" if len(missing) > QUOTED else ""
        raise DataError(
            f"{shown(table)} names {', '.join(missing[:QUOTED])}{more}, but {shown(folder)} holds no such "
            f"{'file' if len(missing) == 1 else 'files'}, nor do the folders in it. "
            "Say with --images where they are, or remove the lines."
        )
    return found, group


def _read(table: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The names of the columns, and each row that says something: its number, and its cells by column."""
    if table.suffix.lower() not in TABLES:
        raise DataError(
            f"{shown(table)} is neither a folder nor a CSV. Give the folder that holds the images, or save the table "
            "as CSV."
        )
    content = table.read_bytes()
    try:
        text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:  # what a spreadsheet writes where the system is not set to UTF-8
        text = content.decode("cp1252", "replace")
    # A Mac's spreadsheet ends lines in its own way.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    try:
        lines = [[cell.strip() for cell in line] for line in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error as error:
        raise DataError(f"{shown(table)} is no CSV ({error}): save it as one, with a header.") from None
    # A short row has fewer cells, said where one of those is needed.
    rows = [(at, dict(zip(lines[0], line, strict=False))) for at, line in enumerate(lines[1:], start=2) if any(line)]
    if not rows:
        raise DataError(f"{shown(table)} holds no rows: expected is a header with file and label, and a row for each.")
    return lines[0], rows


def _column(table: Path, header: list[str], asked: str, usual: tuple[str, ...], what: str) -> str:
    if asked and asked not in header:
        raise DataError(f"{shown(table)} has no column {asked}: there are {', '.join(header)}.")
    fitting = [asked] if asked else [name for name in header if name.casefold() in usual]
    if len(fitting) != 1:
        found = f"has {' and '.join(fitting)}, which may both be the {what}" if fitting else f"has no column {what}"
        raise DataError(f"{shown(table)} {found}: there are {', '.join(header)}. Say which with --{what} COLUMN.")
    return fitting[0]


def _group_column(table: Path, header: list[str], asked: str) -> str:
    """The column of patients: as asked for, else one that is called so; a pattern and an attribute are no column."""
    if asked:
        # A word, but no attribute of DICOM: a pattern would have more in it.
        is_column = asked in header or (re.fullmatch(r"\w+", asked) and not dicom.is_keyword(asked))
        return _column(table, header, asked, (), "group") if is_column and asked != NOBODY else ""
    usual = {name.casefold(): name for name in reversed(header)}
    return next((usual[name] for name in GROUP_COLUMNS if name in usual), "")


def _one_hot(header: list[str], rows: list[dict[str, str]], others: tuple[str, ...]) -> list[str]:
    """The columns of classes where every row has a single 1 and zeros; none if that is not so."""
    if any(name.casefold() in LABEL_COLUMNS for name in header) or any(row.keys() < set(header) for row in rows):
        return []
    columns = [name for name in header if name not in others and {plain(row[name]) for row in rows} <= {"0", "1"}]
    single = all(sum(plain(row[name]) == "1" for name in columns) == 1 for row in rows)
    return columns if len(columns) >= 2 and single else []


def _find_file(folder: Path, name: str, below: Callable[[], dict[str, list[Path]]]) -> list[Path]:
    """The file of a row, by the longest end of its path that is there, else in a folder below; none, or several."""
    path = name.replace("\\", "/").removeprefix("./")
    places, parts = [path], path.split("/")
    if re.match(r"/|[A-Za-z]+:", path):  # of the machine that wrote the table: its last folders may be here too
        places += ["/".join(parts[start:]) for start in range(1, len(parts)) if parts[start]]
    # A Mac writes accents apart from their letters.
    forms = [unicodedata.normalize(form, place) for place in places for form in ("NFC", "NFD")]
    places, endings = list(dict.fromkeys([*places, *forms])), ("", *SUFFIXES, *dicom.SUFFIXES)
    for place in places:
        # Tables of archives often leave the ending out.
        for ending in endings:
            # Not Path.is_file: what stands there may be no name at all.
            if os.path.isfile(f"{folder / place}{ending}"):
                return [Path(os.path.normpath(f"{folder / place}{ending}"))]
    for place in places:
        called = [f"{place}{ending}" for ending in endings]
        near = [(file, f"/{one}") for one in called for file in below().get(one.rpartition("/")[2], ())]
        if there := [file for file, end in near if file.as_posix().endswith(end)]:
            return [there[0], *(file for file in there[1:] if not filecmp.cmp(there[0], file, shallow=False))]
    return []


def _files_below(folder: Path) -> dict[str, list[Path]]:
    """Every file in the folders below, by name; links are followed, but not in a circle."""
    found, seen = dict[str, list[Path]](), {os.path.realpath(folder)}
    for place, folders, files in os.walk(folder, followlinks=True):
        inside = {name: os.path.realpath(os.path.join(place, name)) for name in sorted(folders)}
        visible = [name for name in inside if not name.startswith(".") and name.casefold() not in LEFTOVERS]
        folders[:] = [name for name in visible if inside[name] not in seen]
        seen |= {*inside.values()}
        for name in files:
            found.setdefault(name, []).append(Path(place, name))
    return {name: sorted(files) for name, files in found.items()}
