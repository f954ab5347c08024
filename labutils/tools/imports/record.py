"""What is written down about an import, and what is said in the end.

`import.csv` in the data set tells what became of each picture and names nobody; the key, beside the data set, tells
which file and which patient each was: whoever imports keeps it.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labutils.data.description import FILE
from labutils.paths import dataset_name, shown
from labutils.tools.imports.pictures import Converted
from labutils.tools.imports.sources import Found, Item
from labutils.tools.imports.split import SPLITS

RECORD = "import.csv"
RECORD_COLUMNS = ("file", "split", "class", "patient", "kept with", "width", "height", "grey levels")
KEY_COLUMNS = ("source", "became", "patient")


@dataclass(frozen=True)
class Placed:
    """One picture in the data set: what it was, where it is, whose it is (a number), with which it is kept together."""

    item: Item
    file: str
    split: int
    patient: int
    unit: int


def key_file(target: Path) -> Path:
    """Where the key of a data set lies: beside its folder."""
    return target.with_name(f"{target.name}.key.csv")


def write_record(folder: Path, placed: Sequence[Placed], done: dict[str, Converted]) -> None:
    together: dict[int, set[int]] = {}
    for one in placed:
        together.setdefault(one.unit, set()).add(one.patient)
    rows = []
    for one in placed:
        made, others = done[one.item.name], sorted(together[one.unit] - {one.patient})
        kept = " ".join(map(str, others))
        split = SPLITS[one.split]
        rows.append((one.file, split, one.item.label, one.patient, kept, made.width, made.height, made.levels))
    _write_table(folder / RECORD, RECORD_COLUMNS, rows)


def write_key(file: Path, placed: Sequence[Placed], found: Found) -> None:
    rows = [(one.item.name, one.file, one.item.group) for one in placed]
    rows += [(name, f"left out: {why}", "") for name, why in {**found.left_out, **found.problems}.items()]
    _write_table(file, KEY_COLUMNS, sorted(rows))


def _write_table(file: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])


def write_description(folder: Path, title: str, class_names: tuple[str, ...]) -> None:
    import yaml

    said = {"title": title, "classes": list(class_names)}
    text = yaml.safe_dump(said, allow_unicode=True, sort_keys=False, default_flow_style=None)
    (folder / FILE).write_text(text, encoding="utf-8")


def describe(
    target: Path, placed: Sequence[Placed], class_names: tuple[str, ...], done: dict[str, Converted], found: Found
) -> list[str]:
    lines = [*found.notes]
    for split in sorted({one.split for one in placed}):
        here = [one for one in placed if one.split == split]
        each = ", ".join(f"{name} {sum(one.item.label == name for one in here)}" for name in class_names)
        lines.append(
            f"  {SPLITS[split]:<10} {len(here)} images of {len({one.patient for one in here})} patients ({each})"
        )
    levels = Counter(done[one.item.name].levels for one in placed)
    lines.append("  grey levels: " + "; ".join(f"{words} ({count})" for words, count in levels.most_common()))
    by = found.groups_by or "nothing: each image is taken for a patient"
    lines.append(f"  patients told by {by}")
    if burned := sum(one.item.burned_in for one in placed):
        lines.append(
            f"  {burned} files say that text is burned into the picture: look at them before you hand them on."
        )
    if left := {**found.left_out, **found.problems}:
        shown_names = ", ".join(list(left)[:3]) + (", ..." if len(left) > 3 else "")
        lines.append(f"  {len(left)} files were left out: {shown_names}")
    name = dataset_name(target.name)
    lines.append(f"{shown(target)} is ready: dataset = {name!r}. {RECORD} in it says what became of each picture;")
    lines.append(
        f"{shown(key_file(target))} says which file and patient each was: keep it apart, and do not hand it on."
    )
    return lines
