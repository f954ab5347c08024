"""What a source holds: folders, tables as clinics write them, and sentences for what is missing in them."""

import os

import pytest
from dicom_helpers import shipped, write_dicom
from PIL import Image

from labutils.errors import DataError
from labutils.tools.imports.sources import Wanted, find_items


def pictures(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (20, 20), 9).save(folder / name)


def table(folder, text, encoding="utf-8"):
    (folder / "labels.csv").write_bytes(text.encode(encoding))
    return folder / "labels.csv"


def items(source, **wanted):
    return find_items(source, Wanted(**wanted), progress=False)


def test_folders_at_any_depth_and_what_is_no_image(tmp_path):
    pictures(tmp_path, "Normal/a.png", "Normal/x/y/b.jpg", "Sick/c.png")
    (tmp_path / "Normal" / "notes.txt").write_text("seen by nobody")
    found = items(tmp_path)
    assert [(one.name, one.label) for one in found.items] == [
        ("Normal/a.png", "Normal"),
        ("Normal/x/y/b.jpg", "Normal"),
        ("Sick/c.png", "Sick"),
    ]
    assert found.left_out == {"Normal/notes.txt": "no image"}
    assert "each is taken for a patient of its own" in found.notes[0]


def test_a_source_that_is_split_already(tmp_path):
    pictures(tmp_path, "train/Normal/a.png", "test/Sick/c.png")
    found = items(tmp_path)
    assert [one.label for one in found.items] == ["Sick", "Normal"] and "split anew" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("file,label,patient\na.png,Normal,1\nb.png,Läsion,2\n", "utf-8-sig"),
        ("file;label;patient\r\na.png;Normal;1\r\nb.png;Läsion;2\r\n", "cp1252"),
        ("file\tlabel\tpatient\na.png\tNormal\t1\nb.png\tLäsion\t2\n", "utf-16"),
        ('patient,DX,Image_ID\n1,Normal,"a"\n2,Läsion,"b"\n\n', "utf-8"),
    ],
)
def test_tables_as_spreadsheets_write_them(tmp_path, text, encoding):
    pictures(tmp_path, "a.png", "b.png")
    found = items(table(tmp_path, text, encoding), group="patient")
    assert [(one.file.name, one.label, one.group) for one in found.items] == [
        ("a.png", "Normal", "1"),
        ("b.png", "Läsion", "2"),
    ]


@pytest.mark.parametrize(
    ("text", "wanted", "says"),
    [
        ("file,label\na.png,x\nmissing.png,y\n", {}, r"names missing\.png, but .* holds no such file"),
        ("name,label\na.png,x\n", {}, r"has no column file: there are name, label.*--file COLUMN"),
        ("file,kind\na.png,x\n", {}, "has no column label"),
        ("file,label,class\na.png,x,y\n", {}, "label and class, which may both be the label"),
        ("file,label\na.png,x\n", {"label": "kind"}, "has no column kind: there are file, label"),
        ("file,label\na.png,x\n", {"group": "patient"}, "has no column patient"),
        ("file,label\na.png,x\na.png,y\n", {}, "names a.png twice, in lines 2 and 3"),
        ("file,label\na.png,\n", {}, "line 2, has no label"),
        ("file,label\na.png\n", {}, "line 2, has 1 of 2 columns"),
        ("file,label,who\na.png,x,\n", {"group": "who"}, "line 2, has no who"),
        ("file,label\n", {}, "holds no rows"),
        ("", {}, "holds no rows"),
    ],
)
def test_what_is_wrong_with_a_table(tmp_path, text, wanted, says):
    pictures(tmp_path, "a.png")
    with pytest.raises(DataError, match=says):
        items(table(tmp_path, text), **wanted)


def test_what_tells_patients_apart(tmp_path):
    pictures(tmp_path, "x/case1_a.png", "x/case1_b.png", "y/case2_a.png")
    assert [one.group for one in items(tmp_path).items] == ["patient 1", "patient 1", "patient 2"]
    assert [one.group for one in items(tmp_path, group="_([ab])").items] == ["a", "b", "a"]
    found = items(tmp_path, group=r"z\d")
    assert all("fits nothing" in problem for problem in found.problems.values()) and len(found.problems) == 3


def test_dicom_tells_class_and_patient(tmp_path):
    write_dicom(tmp_path / "IM1", PatientID="A", BodyPartExamined="CHEST", StudyInstanceUID="1.2.3")
    write_dicom(tmp_path / "IM2", PatientID="B", BodyPartExamined="HAND", BurnedInAnnotation="YES")
    write_dicom(tmp_path / "IM3", PatientID="", BodyPartExamined="HAND")
    found = items(tmp_path, label="BodyPartExamined")
    assert [(one.label, one.group, one.burned_in) for one in found.items] == [
        ("CHEST", "A", False),
        ("HAND", "B", True),
    ]
    assert "carries no PatientID: say with --group" in found.problems["IM3"] and found.groups_by == "PatientID"
    found = items(tmp_path, label="BodyPartExamined", group="StudyInstanceUID")
    assert found.items[0].group == "1.2.3" and len(found.items) == 3
    assert "lies in no folder of a class" in items(tmp_path).problems["IM1"]


def test_tables_of_contents_are_left_out(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "DICOMDIR").write_bytes((shipped("CT_small.dcm").parent / "dicomdirtests/DICOMDIR").read_bytes())
    assert items(tmp_path).left_out == {"a/DICOMDIR": "a table of contents (DICOMDIR)"}


def test_nobody_waits_for_a_pipe(tmp_path):
    pictures(tmp_path, "Normal/a.png", "Sick/b.png")
    os.mkfifo(tmp_path / "Sick" / "c.png")
    assert items(tmp_path).problems["Sick/c.png"].endswith("Sick/c.png is not an ordinary file. Remove it.")
    os.mkfifo(tmp_path / "x.csv")
    with pytest.raises(DataError, match=r"x\.csv is neither a folder nor a CSV"):
        items(tmp_path / "x.csv")


def test_folders_of_patients_with_folders_of_classes_in_them(tmp_path):
    pictures(tmp_path, *(f"P{n}/{name}/a.png" for n in range(5) for name in ("Normal", "Sick")))
    assert "If Normal, Sick in them are the classes" in items(tmp_path).notes[0]
    pictures(tmp_path / "other", *(f"{name}/P{n}/a.png" for n in range(5) for name in ("Normal", "Sick")))
    assert not any("in them" in note for note in items(tmp_path / "other").notes)


def test_sources_that_are_none(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        items(tmp_path / "nothing")
    pictures(tmp_path, "a.png")
    with pytest.raises(DataError, match="is neither a folder nor a CSV"):
        items(tmp_path / "a.png")
