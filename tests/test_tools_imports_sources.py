"""What a source holds: folders, tables as programs write them, and sentences for what is unclear in them."""

import os
import re
import unicodedata

import pytest
from dicom_helpers import shipped, write, write_dicom
from PIL import Image

from labutils.errors import DataError
from labutils.tools.imports.sources import Wanted, find_items

FILES = ("Bild ä1.png", "Bild ä2.png", "Bild ä3.png", "Bild ä4.png")


def items(source, **wanted):
    return find_items(source, Wanted(**wanted))


def table(folder, text, encoding="utf-8", **wanted):
    """What is found in a table beside four pictures."""
    (write(folder, *FILES) / "labels.csv").write_bytes(text.encode(encoding))
    return items(folder / "labels.csv", **wanted)


def lines(header, *cells):
    """A table of the four pictures."""
    return "\n".join([header, *(f"{name},{cell}" for name, cell in zip(FILES, cells, strict=True))])


def labels(found):
    return [one.label for one in found.items]


@pytest.mark.parametrize(
    ("names", "pattern", "expected"),
    [
        (("Normal/a.png", "Normal/x/y/b.jpg", "Sick/c.png"), "", ["Normal", "Normal", "Sick"]),
        (("train/Normal/a.png", "test/Sick/c.png"), "", ["Sick", "Normal"]),
        (("train/B\u00f6sartig/a.png", "test/Bo\u0308sartig/a.png"), "", ["Bösartig", "Bösartig"]),
        (("AFF_1.png", "NFF_2.png"), "([A-Z]+)_", ["AFF", "NFF"]),
        (("AFF_1.png", "NFF_2.png"), "AFF|NFF", ["AFF", "NFF"]),
        (("test/Mel_1.png", "train/Nev_2.png"), "(Mel|Nev)", ["Mel", "Nev"]),
        (("P1/sick/a.png", "P2/well/b.png"), "/(sick|well)/", ["sick", "well"]),
    ],
)
def test_folders_at_any_depth_or_names_tell_the_class(tmp_path, names, pattern, expected):
    write(tmp_path, *names)
    (tmp_path / "notes.txt").write_text("seen by nobody")
    found = items(tmp_path, label=pattern)
    assert labels(found) == expected and not found.problems and found.left_out == {"notes.txt": "no image"}
    assert [one.name for one in found.items] == sorted(names)
    assert any("split anew" in note for note in found.notes) == ("train" in found.items[-1].name)


def test_what_tells_patients_apart(tmp_path):
    write(tmp_path, "x/case1_a.png", "x/case1_b.png", "y/case2_a.png")
    assert [one.group for one in items(tmp_path).items] == ["patient 1", "patient 1", "patient 2"]
    assert [one.group for one in items(tmp_path, group="_([ab])").items] == ["a", "b", "a"]
    for option in ("group", "label"):
        problems = list(items(tmp_path, **{option: r"z\d"}).problems.values())
        assert len(problems) == 3 and f"--{option} 'z\\\\d' fits nothing in 'x/case1_a.png'" in problems[0]


def test_dicom_tells_class_and_patient(tmp_path):
    for name, patient, part, burned in (
        ("IM1", "A", "CHEST", "NO"),
        ("IM2", "B", "HAND", "YES"),
        ("IM3", "", "HAND", ""),
    ):
        told = {"PatientID": patient, "BodyPartExamined": part, "BurnedInAnnotation": burned}
        write_dicom(tmp_path / name, StudyInstanceUID="1.2.3", **told)
    found = items(tmp_path, label="BodyPartExamined")
    assert [(one.label, one.group, one.burned_in) for one in found.items] == [
        ("CHEST", "A", False),
        ("HAND", "B", True),
    ]
    assert "carries no PatientID: say with --group" in found.problems["IM3"] and found.groups_by == "PatientID"
    found = items(tmp_path, label="BodyPartExamined", group="StudyInstanceUID")
    assert [one.group for one in found.items] == ["1.2.3"] * 3
    assert "lies in no folder of a class" in items(tmp_path).problems["IM1"]
    assert "IM1 carries no ViewPosition: --label" in items(tmp_path, label="ViewPosition").problems["IM1"]


def test_tables_of_contents_are_left_out(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "DICOMDIR").write_bytes((shipped("CT_small.dcm").parent / "dicomdirtests/DICOMDIR").read_bytes())
    assert items(tmp_path).left_out == {"a/DICOMDIR": "a table of contents (DICOMDIR)"}


def test_nobody_waits_for_a_pipe_and_sources_that_are_none(tmp_path):
    write(tmp_path, "Normal/a.png", "Sick/b.png")
    os.mkfifo(tmp_path / "Sick" / "c.png")
    assert items(tmp_path).problems["Sick/c.png"].endswith("Sick/c.png is not an ordinary file. Remove it.")
    os.mkfifo(tmp_path / "x.csv")
    (tmp_path / "labels.xlsx").write_bytes(b"PK\x03\x04")
    none = "is neither a folder nor a CSV"
    said = {"x.csv": none, "Sick/b.png": none, "labels.xlsx": f"{none}.*save the table as CSV", "no": "does not exist"}
    for name, says in said.items():
        with pytest.raises(DataError, match=says):
            items(tmp_path / name)


def test_folders_of_patients_with_folders_of_classes_in_them(tmp_path):
    write(tmp_path, *(f"P{n}/{name}/a.png" for n in range(5) for name in ("Normal", "Sick")))
    assert "If Normal, Sick in them are the classes" in items(tmp_path).notes[0]
    write(tmp_path / "other", *(f"{name}/P{n}/a.png" for n in range(5) for name in ("Normal", "Sick")))
    assert not any("in them" in note for note in items(tmp_path / "other").notes)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("file,label,patient\nBild ä1.png,Normal,1\nBild ä2.png,Läsion,2\n", "utf-8-sig"),
        ("file;label;patient\r\nBild ä1.png;Normal;1\r\nBild ä2.png;Läsion;2\r\n", "cp1252"),
        ("file\tlabel\tpatient\nBild ä1.png\tNormal\t1\nBild ä2.png\tLäsion\t2\n", "utf-16"),
        ('patient,DX,Image_ID\n1,Normal,"Bild ä1"\n2,Läsion,"Bild ä2"\n\n', "utf-8"),
        ("file,label,patient\rBild ä1.png, Normal ,1.0\rBild ä2.png,Läsion,2\r", "utf-8"),
        (unicodedata.normalize("NFD", "file,label,patient\nBild ä1.png,Normal,1\nBild ä2.png,Läsion,2\n"), "utf-8"),
    ],
)
def test_tables_as_programs_write_them(tmp_path, text, encoding):
    found = table(tmp_path, text, encoding)
    told = [(one.file.name, one.label, one.group) for one in found.items]
    assert told == [("Bild ä1.png", "Normal", "1"), ("Bild ä2.png", "Läsion", "2")]


@pytest.mark.parametrize(
    ("columns", "group", "taken"),
    [
        ("patient", "", "patient"),
        ("Patient_ID", "", "Patient_ID"),
        ("PatientID", "", "PatientID"),
        # Patients go before lesions, and what was asked for before both.
        ("lesion_id,patient_id,who", "", "patient_id"),
        ("lesion_id,patient_id,who", "who", "who"),
        ("patient", r"ä(\d)", None),
    ],
)
def test_what_tells_patients_of_a_table_apart(tmp_path, columns, group, taken):
    cells = [",".join([label, *(f"{one}{n // 2}" for one in columns.split(","))]) for n, label in enumerate("abab")]
    found = table(tmp_path, lines(f"file,label,{columns}", *cells), group=group)
    assert found.groups_by == (f"the column {taken}" if taken else f"the pattern {group}")
    assert [one.group for one in found.items] == [f"{taken}{n // 2}" if taken else f"{n + 1}" for n in range(4)]


@pytest.mark.parametrize(
    "before", ["C:\\Users\\Dr. Müller\\", "/home/clinic/scans/", "\\\\server\\share\\", "file:///C:/x/"]
)
def test_paths_of_the_machine_that_wrote_the_table(tmp_path, before):
    text = "file,label\n" + "\n".join(f"{before}{name},{'ab'[n % 2]}" for n, name in enumerate(FILES))
    assert [one.file.name for one in table(tmp_path, text).items] == list(FILES)


def test_the_longest_end_of_a_path_that_is_here_counts(tmp_path):
    write(tmp_path, f"2/{FILES[0]}")
    found = table(tmp_path, f"file,label\nD:/all/2/{FILES[0]},a\nD:/all/1/{FILES[0]},b\n")
    assert [one.file.parent for one in found.items] == [tmp_path / "2", tmp_path]
    # A path from here on is what it says.
    with pytest.raises(DataError, match="holds no such file"):
        table(tmp_path, f"file,label\n3/{FILES[0]},a\n")


@pytest.mark.parametrize(
    ("files", "name", "expected"),
    [
        (("one/a.png",), "a.png", "one/a.png"),
        (("one/two/a.jpg",), "a", "one/two/a.jpg"),
        (("one/a.png", "a.png"), "a.png", "a.png"),  # as it is written goes before
        (("x/one/a.png", "x/two/a.png"), "two/a.png", "x/two/a.png"),
        (("one/a.png", "two/a.png=one/a.png"), "a.png", "one/a.png"),  # the same picture twice
        (("one/a.png", ".hidden/a.png", "@eaDir/a.png"), "a.png", "one/a.png"),
        (("one/a.png", "two/a.png"), "a.png", "names a.png, which may be one/a.png and two/a.png"),
        (("images/a.jpg", "masks/a.png"), "a", "names a, which may be images/a.jpg and masks/a.png"),
        (("images/a.jpg", "masks/a.png"), "a.png", "masks/a.png"),
        (("one/a.png",), "b.png", "holds no such file, nor do the folders in it"),
        (("one/ä.png",), unicodedata.normalize("NFD", "ä.png"), "one/ä.png"),
    ],
)
def test_pictures_of_a_table_in_folders_below(tmp_path, files, name, expected):
    for number, file in enumerate(files):
        file, _, same = file.partition("=")
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (20, 20), 0 if same else number).save(tmp_path / file)
    (tmp_path / files[0]).with_name("again").symlink_to(tmp_path)  # a circle
    (tmp_path / "labels.csv").write_text(f"file,label\n{name},x\n", encoding="utf-8")
    if " " not in expected:
        (item,) = items(tmp_path / "labels.csv").items
        assert item.file.relative_to(tmp_path).as_posix() == expected and item.name == name
    else:
        with pytest.raises(DataError) as error:
            items(tmp_path / "labels.csv")
        assert expected in str(error.value) and "--images" in str(error.value)


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        ("image,MEL,NV,BKL", ("1.0,0.0,0.0", "0,1,0", "0,0,1", "1,0,0"), ["MEL", "NV", "BKL", "MEL"]),
        ("image,MEL,NV,", ("1,0,7", "0,1,8", "0,1,9", "1,0,"), ["MEL", "NV", "NV", "MEL"]),
        # One label is saved as another kind of number.
        ("file,label", ("0", "1", "1.0", "0.0"), ["0", "1", "1", "0"]),
        ("file,label", ("1.5", "v1.0", "1.5", "1.0.0"), ["1.5", "v1.0", "1.5", "1.0.0"]),
    ],
)
def test_labels_of_tables(tmp_path, header, cells, expected):
    assert labels(table(tmp_path, lines(header, *cells))) == expected


SEVERAL = lines("file,label", "Well", "Effusion|Mass", "Mass | Effusion", "Effusion")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"several": "first"}, ["Well", "Effusion", "Mass", "Effusion"]),
        ({"several": "single"}, ["Well", "Effusion"]),
        ({"classes": ("Well", "Effusion")}, ["Well", "Effusion", "Effusion", "Effusion"]),
        ({"classes": ("Well", "Effusion", "Mass"), "several": "first"}, ["Well", "Effusion", "Mass", "Effusion"]),
        ({}, ["Well", "Effusion"]),  # what is not said is not guessed
        ({"classes": ("Well", "Effusion", "Mass")}, ["Well", "Effusion"]),
    ],
)
def test_several_labels_of_one_image(tmp_path, wanted, expected):
    found, several = table(tmp_path, SEVERAL, **wanted), wanted.get("several")
    assert labels(found) == expected
    told = found.left_out if several == "single" else found.problems
    assert list(told) == list(FILES[1:3] if len(expected) < 4 else ())
    assert ("2 images with several labels" in " ".join(found.notes)) == (several == "first")
    for problem in found.problems.values():
        assert re.search(r"\(.+\|.+\)(.|\n)*--classes A,B(.|\n)*--several first(.|\n)*--several single", problem)


@pytest.mark.parametrize(
    ("text", "wanted", "says"),
    [
        (f"file,label\n{FILES[0]},x\nno.png,y\n", {}, r"names no\.png, but .* holds no such file"),
        (lines("name,label", *"xxyy"), {}, r"has no column file: there are name, label.*--file COLUMN"),
        (lines("file,kind", *"xxyy"), {}, "has no column label"),
        (lines("file,label,class", "x,y", "x,y", "y,x", "x,y"), {}, "label and class, which may both be the label"),
        (lines("file,label", *"xxyy"), {"label": "kind"}, "has no column kind: there are file, label"),
        (lines("file,label", *"xxyy"), {"group": "patient"}, "has no column patient"),
        (lines("file,label", "x", "", "y", "y"), {}, "line 3, has no label"),
        (lines("file,label", "a", "nan", "b", "b"), {}, "line 3, has no label"),
        (lines("file,label", "a", "b", "#N/A", "b"), {}, "line 4, has no label"),
        (f"file,label\n{FILES[0]}\n", {}, "line 2, has 1 of 2 columns"),
        (lines("file,label,who", "x,1", "x,", "y,2", "y,3"), {"group": "who"}, "line 3, has no who"),
        (lines("file,label,patient", "a,1", "b,", "a,2", "b,3"), {}, "line 3, has no patient"),
        ("file,label\n", {}, "holds no rows"),
        ("", {}, "holds no rows"),
        (lines("image,MEL,NV", "1,0", "1,1", "0,1", "0,1"), {}, "has no column label"),
        (lines("image,MEL,NV", "1,0", "0.4,0.6", "0,1", "0,1"), {}, "has no column label"),
        (f"file,label\n{FILES[0]},a\n./{FILES[0]},b\n", {}, "twice, in lines 2 and 3"),
        (f"file,label\n{FILES[0]},a\nC:\\x\\{FILES[0]},b\n", {}, "twice, in lines 2 and 3"),
        (f"file,label\n{'x' * 5000},a\n", {}, "holds no such file"),
        ("file,label\n/,a\n", {}, "holds no such file"),
        (f'file,label\n"{"x" * 140_000},a\n', {}, "is no CSV"),
    ],
)
def test_what_is_wrong_with_a_table(tmp_path, text, wanted, says):
    with pytest.raises(DataError, match=says):
        table(tmp_path, text, **wanted)
