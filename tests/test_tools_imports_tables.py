"""Tables as programs and archives write them: patients and paths of other machines are found, the unclear is asked."""

import unicodedata
from pathlib import Path

import pytest

from labutils.errors import DataError
from labutils.tools.imports.sources import find_items
from labutils.tools.imports.tables import Wanted, read_table

FILES = ("Bild ä1.png", "Bild ä2.png", "Bild ä3.png", "Bild ä4.png")


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        (tmp_path / name).touch()
    return tmp_path


def read(folder, text, encoding="utf-8", **wanted):
    (folder / "labels.csv").write_bytes(text.encode(encoding))
    rows, column = read_table(folder / "labels.csv", Wanted(**wanted))
    return [(row.file.name, row.label, row.group) for row in rows], column


def lines(header, *cells):
    return "\n".join([header, *(f"{name},{cell}" for name, cell in zip(FILES, cells, strict=True))])


@pytest.mark.parametrize("column", ["patient", "Patient_ID", "PatientID", "lesion_id"])
def test_a_column_of_patients_is_taken_without_asking(folder, column):
    found, taken = read(folder, lines(f"file,label,{column}", "a,7", "b,7", "a,8", "b,9"))
    assert taken == column and [group for _, _, group in found] == ["7", "7", "8", "9"]
    assert find_items(folder / "labels.csv", Wanted(), progress=False).groups_by == f"the column {column}"


def test_patients_go_before_lesions_and_what_was_asked_for_before_both(folder):
    text = lines("file,label,lesion_id,patient_id,who", "a,1,2,3", "b,1,2,3", "a,1,2,3", "b,1,2,3")
    assert read(folder, text)[1] == "patient_id"
    assert read(folder, text, group="who")[1] == "who"
    assert read(folder, text, group=r"ä(\d)")[1] == ""


@pytest.mark.parametrize(
    "before", ["C:\\Users\\Dr. Müller\\", "/home/clinic/scans/", "\\\\server\\share\\", "file:///C:/x/"]
)
def test_paths_of_the_machine_that_wrote_the_table(folder, before):
    text = "file,label\n" + "\n".join(f"{before}{name},{'ab'[n % 2]}" for n, name in enumerate(FILES))
    assert [name for name, _, _ in read(folder, text)[0]] == list(FILES)


def test_the_longest_end_of_a_path_that_is_here_counts(folder):
    (folder / "2").mkdir()
    (folder / "2" / FILES[0]).touch()
    (folder / "labels.csv").write_text(f"file,label\nD:/all/2/{FILES[0]},a\nD:/all/1/{FILES[0]},b\n", encoding="utf-8")
    found = read_table(folder / "labels.csv", Wanted())[0]
    assert [row.file.parent for row in found] == [folder / "2", folder]
    # A path from here on is what it says.
    with pytest.raises(DataError, match="holds no such file"):
        read(folder, f"file,label\n3/{FILES[0]},a\n")


def test_accents_apart_from_their_letters(folder):
    text = lines("file,label", "a", "b", "a", "b")
    for form in ("NFC", "NFD"):
        assert len(read(folder, unicodedata.normalize(form, text))[0]) == 4


def test_old_line_ends(folder):
    assert len(read(folder, lines("file,label", "a", "b", "a", "b").replace("\n", "\r"))[0]) == 4


def test_a_column_for_each_class(folder):
    found, _ = read(folder, lines("image,MEL,NV,BKL", "1.0,0.0,0.0", "0,1,0", "0,0,1", "1,0,0"))
    assert [label for _, label, _ in found] == ["MEL", "NV", "BKL", "MEL"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (lines("image,MEL,NV", "1,0", "1,1", "0,1", "0,1"), "has no column label"),
        (lines("image,MEL,NV", "1,0", "0.4,0.6", "0,1", "0,1"), "has no column label"),
        (lines("file,label", "a", "nan", "b", "b"), "line 3, has no label"),
        (lines("file,label", "a", "b", "#N/A", "b"), "line 4, has no label"),
        (f"file,label\n{FILES[0]},a\n./{FILES[0]},b\n", "twice, in lines 2 and 3"),
        (f"file,label\n{FILES[0]},a\nC:\\x\\{FILES[0]},b\n", "twice, in lines 2 and 3"),
        (f"file,label\n{'x' * 5000},a\n", "holds no such file"),
        ("file,label\n/,a\n", "holds no such file"),
        (f'file,label\n"{"x" * 140_000},a\n', "is no CSV"),
        (lines("file,label,patient", "a,1", "b,", "a,2", "b,3"), "line 3, has no patient"),
    ],
)
def test_what_is_unclear_is_asked(folder, text, says):
    with pytest.raises(DataError, match=says):
        read(folder, text)


def test_a_spreadsheet_is_to_be_saved_as_csv(tmp_path):
    Path(tmp_path / "labels.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"labels\.xlsx is neither .* save the table as CSV"):
        find_items(tmp_path / "labels.xlsx", Wanted(), progress=False)
