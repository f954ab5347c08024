"""From a source to a data set that the lab loads: written down, nobody named, gone on with after a stop."""

import csv
import re
import shutil
import signal
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from dicom_helpers import radiograph, shipped, write, write_patients
from filelock import FileLock
from PIL import Image

from labutils import paths
from labutils.audit import audit
from labutils.data.dataset import load_dataset
from labutils.data.exam import load_exam
from labutils.data.images import read_image
from labutils.tools.cli import main
from labutils.tools.imports import pictures


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A place of its own for data, and what the package writes."""
    monkeypatch.setattr(paths, "ROOT", tmp_path / "home")
    monkeypatch.setenv("LABUTILS_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.fixture
def source(home):
    """Eight pictures of each of two classes, every one of another patient."""
    return write(home / "source", *(f"{('Normal', 'Sick')[number // 8]}/case{number}.png" for number in range(16)))


def do(source, name="Chest", *options, status=0):
    """What is said by the command, which ends like this."""
    result = CliRunner().invoke(main, ["data", "import", *map(str, (source, name, *options))])
    assert result.exit_code == status, result.output
    return result.output


def rows(file):
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def record(home):
    return rows(home / "data" / "Chest" / "import.csv")


def became(home):
    """The files of the data set by what they were."""
    return {row["source"]: row["became"] for row in rows(home / "data" / "Chest.key.csv")}


def sides_of(home):
    """On which sides of the split each patient's images are."""
    found = {}
    for row in record(home):
        found.setdefault(row["patient"], set()).add(row["split"])
    return list(found.values())


def test_dicom_becomes_a_data_set(home):
    said = do(write_patients(home / "source"))
    assert "patients told by PatientID" in said and "12 bits (40)" in said
    data = load_dataset("chest", 32, progress=False)
    assert data.class_names == ("Normal", "Pneumonia") and len(data.y_train) == 28
    # Ten patients of each class: one and two of them for validation and exam, in turn.
    sizes = len(data.y_val), len(load_exam("chest", 32, progress=False).y)
    assert data.majority == 0.5 and sorted(sizes) == [4, 8]
    # Everything that was there is written down, and nobody is named but in the key.
    place, key = home / "data" / "Chest", rows(home / "data" / "Chest.key.csv")
    assert len(record(home)) == len(key) == 40
    assert "DOE" not in " ".join(map(str, place.rglob("*"))) + (place / "import.csv").read_text()
    for row in key:
        number = 2 * int(row["patient"].removeprefix("DOE")) + int(row["source"][-1])
        assert np.abs(read_image(place / row["became"]) - radiograph(number) / 255).max() < 2 / 255
        with Image.open(place / row["became"]) as image:
            image.load()
            assert not image.info and image.mode == "I;16"
    assert [len(sides) for sides in sides_of(home)] == [1] * 20 and not audit("chest").leakage
    assert not list((home / "data").glob(".*importing"))


def test_nothing_is_overwritten(home, source):
    do(source)
    before = sorted((home / "data").rglob("*"))
    for name in ("Chest", "chest", "CHEST"):
        assert "is there already, and nothing is overwritten" in do(source, name, status=2)
    (home / "data" / "Chest").rename(home / "elsewhere")
    assert "is the key of an earlier import" in do(source, status=2)
    (home / "elsewhere").rename(home / "data" / "Chest")
    assert sorted((home / "data").rglob("*")) == before


def test_the_same_seed_gives_the_same_data_set(home, source):
    names = "A1", "A2", "🩻 A3"
    for name, seed in zip(names, (3, 3, 4), strict=True):
        do(source, name, "--seed", seed)
    keys = [(home / "data" / f"{name}.key.csv").read_text() for name in names]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("zipped", [False, True])
def test_goes_on_where_it_was_killed(home, source, monkeypatch, zipped):
    real, made, most = pictures.convert, [], 5
    if zipped:
        source = Path(shutil.make_archive(str(home / "packed"), "zip", home, "source"))

    def convert(item, *rest):
        if len(made) == most:
            raise KeyboardInterrupt
        made.append(item.name)
        return real(item, *rest)

    monkeypatch.setattr("labutils.machine.cores", lambda: 1)
    monkeypatch.setattr(pictures, "convert", convert)
    assert "Aborted" in do(source, status=1)
    journal = home / "data" / ".Chest.importing" / "journal.jsonl"
    assert not (home / "data" / "Chest").exists()
    finished = journal.read_text().count("\n")
    journal.write_text(journal.read_text() + '{"name": "Normal/cas')  # as a process leaves it that is killed
    made, most = [], None
    assert do(source).startswith(f"Going on: {finished} of 16 pictures are made already.\n")
    assert len(made) == 16 - finished
    do(source, "Again")
    once, again = (
        {file.name: file.read_bytes() for file in (home / "data" / name).rglob("*.png")} for name in ("Chest", "Again")
    )
    assert once == again and len(once) == 16
    left = sorted(file.name for file in (home / "data").iterdir())
    assert left == ["Again", "Again.key.csv", "Chest", "Chest.key.csv"]


def test_killed_while_names_were_given(source, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("labutils.tools.imports.importing.os.rename", lambda *_: signal.raise_signal(signal.SIGINT))
        do(source, status=1)
    do(source)
    assert len(load_dataset("chest", 32, progress=False).y_train) > 8


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("../x.png", {}, "a name that leads out of its folder; nothing was unpacked"),
        ("/tmp/x.png", {}, "a name that leads out of its folder"),
        ("a\\..\\..\\x.png", {}, "a name that leads out of its folder"),
        ("a/x.png", {"external_attr": 0o120777 << 16}, "is a link or a device"),
        ("a/x.png", {"file_size": 2_000_000_000}, r"would be 2,000,000,\d+ bytes when unpacked"),
        ("a/x.png", {"flag_bits": 1}, "cannot be unpacked .*encrypted"),
        ("a/x.png", {"CRC": 1}, "cannot be unpacked .*CRC"),
        ("a/x.png", None, "source.zip cannot be unpacked"),
    ],
)
def test_a_zip_that_is_not_to_be_unpacked(home, name, changes, says):
    """Of one of its files the list of contents says something else; or it is no archive."""
    file = home / "source.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("b/y.png", b"whole")
        archive.writestr(name, b"whole")
        for key, value in (changes or {}).items():
            setattr(archive.getinfo(name), key, value)
    if changes is None:
        file.write_bytes(b"no archive")
    before = sorted(home.iterdir())
    assert re.search(says, do(file, status=2))
    assert sorted(home.iterdir()) == before and [file.name for file in (home / "data").iterdir()] == [".Chest.lock"]


def test_copies_stay_on_one_side(home, source):
    for number in range(4):  # the same picture again, brighter, under the name of another patient
        picture = Image.open(source / "Normal" / f"case{number}.png").point(lambda value: min(255, value + 10))
        picture.save(source / "Normal" / f"case{900 + number}.png")
    assert "4 patients were joined to others" in do(source)
    files = became(home)
    for number in range(4):
        assert len({files[f"Normal/case{n}.png"].partition("/")[0] for n in (number, 900 + number)}) == 1
    assert not audit("chest").leakage


def test_a_source_made_of_one_picture_is_split_by_patient_and_that_is_said(home):
    write(home / "source", *(f"{'ab'[n % 2]}/case{n}.png" for n in range(10)), picture=lambda _: radiograph(0))
    assert "10 of 10 pictures are alike" in do(home / "source", "Chest", "--shares", "80,20")
    do(home / "source", "Other")


def test_a_table_with_classes_in_order(source):
    lines = [f"Normal/case{n}.png,well,{n // 2}" for n in range(8)]
    lines += [f"Sick/case{n}.png,{'ill' if n % 3 else 'odd'},{n}" for n in range(8, 16)]
    (source / "labels.csv").write_text("\n".join(["file,label,who", *lines]))
    asked = (source / "labels.csv", "Chest", "--group", "who", "--shares", "80,20", "--classes", "well,ill")
    assert "is of class 'odd', which is none of 'well', 'ill'" in do(*asked, status=2)
    assert "3 files were left out: Sick/case9.png" in do(*asked, "--leave-out")
    assert load_dataset("chest", 32, progress=False).class_names == ("well", "ill")


def test_a_patient_with_two_labels_is_told_and_kept_on_one_side(home, source):
    assert "6 patients have images of more than one class" in do(source, "Chest", "--group", r"(\d)\.png")
    assert [len(sides) for sides in sides_of(home)] == [1] * 10


HAM = {
    f"HAM_{n // 2:07},ISIC_{n:07},{'mel' if n // 2 % 2 else 'nv'},histo,50": f"images_part_{1 + n % 2}/ISIC_{n:07}.jpg"
    for n in range(24)
}
FRAC = {
    f"IMG{n:07}.jpg,1,0,{n % 2}": f"images/{'Fractured' if n % 2 else 'Non_fractured'}/IMG{n:07}.jpg" for n in range(12)
}
NIH = {
    f"{n // 2:08}_{n % 2:03}.png,{'Mass' if n // 2 % 2 else 'No Finding'},0,{n // 2}": f"images_{n % 3:03}/images/"
    f"{n // 2:08}_{n % 2:03}.png"
    for n in range(24)
}


@pytest.mark.parametrize(
    ("header", "table", "asked", "told"),
    [
        ("lesion_id,image_id,dx,dx_type,age", HAM, (), "the column lesion_id"),
        ("image_id,hand,leg,fractured", FRAC, ("--label", "fractured", "--group", "none"), "nothing"),
        ("Image Index,Finding Labels,Follow-up #,Patient ID", NIH, (), "the column Patient ID"),
    ],
    ids=["HAM10000", "FracAtlas", "NIH"],
)
@pytest.mark.parametrize("moved", [False, True])
def test_a_table_of_pictures_in_folders_below(home, header, table, asked, told, moved):
    """As these sets are handed out; and with the table elsewhere, so that --images says where."""
    folder = write(home / "source", *table.values())
    file = (home if moved else folder) / "table.csv"
    file.write_text("\n".join([header, *table]))
    assert f"patients told by {told}" in do(file, "Chest", *asked, *(("--images", folder) if moved else ()))
    assert len(record(home)) == len(table) and len(sides_of(home)) == 12
    became_class = {name: file.split("/")[1] for name, file in became(home).items()}
    for line in table:
        cells = dict(zip(header.split(","), line.split(","), strict=True))
        name = next(cells[one] for one in ("image_id", "Image Index") if one in cells)
        assert became_class[name] == next(cells[one] for one in ("dx", "fractured", "Finding Labels") if one in cells)
    verdict = {row.check: row.verdict for row in audit("chest").rows}["Same id, in training and validation"]
    assert verdict.startswith("look: nobody knows" if told == "nothing" else "fine")


@pytest.mark.parametrize(
    ("name", "asked", "takes"),
    [
        ("{c}/{i}.png", r"'patient\(\[0-9\]\+\)'\. If", None),
        ("{c}/{p}-{n}.png", r"of 'Normal/0-0\.png' it takes '0'", "([^/]+)[-_][0-9]+[.]"),
        ("{c}/IM-{p:04}-{n:04}.png", "it takes 'IM-0000'", "([^/]+)[-_][0-9]+[.]"),
        ("{c}/Doe {p}/{n}.png", "it takes 'Doe 0'", "([^/]+)/[^/]+$"),
        ("{c}/person{p}_virus_{n}.png", "", None),
        ("{c}/patient{p:05}/study1/view{n}.png", "", None),
        ("{c}/lesion {p}/{n}.png", "", None),
    ],
)
def test_who_the_patients_are_has_to_be_said(home, name, asked, takes):
    names = [name.format(c=("Normal", "Sick")[i // 12], p=i // 2, n=i % 2, i=i) for i in range(24)]
    folder = write(home / "source", *names)
    if not asked:
        assert "told by the numbers of patients or lesions in names" in do(folder)
    else:
        said = do(folder, status=2)
        assert "Nothing tells which images are of one patient" in said and re.search(asked, said)
        assert said.endswith("or nobody knows: --group none.\n") and not (home / "data" / "Chest").exists()
        said = do(folder, "Chest", "--group", takes or "none")
        assert ("nobody knows" in said) == (takes is None) == (" patients (" not in said)
    assert len(sides_of(home)) == (24 if asked and not takes else 12)


def test_patients_of_some_images_only_are_not_enough(home, source):
    (source / "Sick" / "case15.png").rename(source / "Sick" / "unnamed.png")
    assert "Nothing tells whose 1 of 16 images are, such as 'Sick/unnamed.png'" in do(source, status=2)
    do(source, "Chest", "--group", "none")
    assert not any("patient" in file for file in became(home).values())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("../Chest",), "cannot be the name of a data set"),
        (("phantoms",), "cannot be the name of a data set"),
        (("Skin",), "is of class 'Normal', which is none of 'Mel', 'Nev'"),
        (("Chest", "--shares", "70"), "numbers with a comma"),
        (("Chest", "--shares", "90,10,0"), "two or three numbers above 0"),
        (("Chest", "--shares", "nan,1"), "two or three numbers above 0"),
        (("Chest", "--seed", "-1"), "--seed is -1: it must be a whole number from 0 on"),
        (("Chest", "--window", "400,-1000"), "the smaller first"),
        (("Chest", "--group", "case("), "--group 'case\\(' is no pattern"),
        (("Chest", "--label", "(Normal"), "--label '\\(Normal' is no pattern"),
        (("Chest", "--several", "last"), "must be first or single"),
        (("Chest", "--group", r"(\w+)/"), "patients cannot be dealt out|has images of 1 patient"),
        (("Chest", "--classes", "Normal"), "is of class 'Sick', which is none of 'Normal'\\.\n(.*\n)*Or leave such"),
        (("Chest", "--classes", "Normal,Sick,Well"), "There is no image of 'Well'"),
        (("Chest", "--label", "Modality"), "carries no Modality"),
        (("Chest", "--label", "x"), "fits nothing in 'Normal/case0.png'(.|\n)* 6 more files(.|\n)*Give(.|\n)*Or leave"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(home, source, arguments, says):
    assert re.search(says, do(source, *arguments, status=2))
    assert not [file for file in (home / "data").iterdir() if file.is_dir()]


def test_broken_files_are_all_named_and_left_out_if_asked(home, source):
    (source / "Sick" / "case98.png").write_bytes(b"<html>not found</html>")
    (source / "Sick" / "case99.dcm").write_bytes((shipped("MR_truncated.dcm")).read_bytes())
    for word in ("case98.png is not an image", "case99.dcm is damaged", "--leave-out"):
        assert word in do(source, status=2)
    assert not (home / "data" / "Chest").exists()
    assert "2 files were left out: Sick/case98.png, Sick/case99.dcm" in do(source, "Chest", "--leave-out")
    assert sum(place.startswith("left out") for place in became(home).values()) == 2
    assert len(load_dataset("chest", 32, progress=False).y_train) > 8


def test_deep_and_coloured_images_keep_what_they_show(home, source):
    dark = (radiograph(99) // 8).astype(np.uint16) * 257
    colour = np.stack([radiograph(n) for n in (1, 2, 3)], axis=2)
    for name, pixels in (("98", dark), ("97", colour)):
        Image.fromarray(pixels).save(source / "Sick" / f"case{name}.png")
    (source / "Sick" / "case96.dcm").write_bytes(shipped("SC_rgb_rle.dcm").read_bytes())
    do(source, "Chest", "--group", r"case(\d+)")
    files, told = became(home), {row["file"]: row["grey levels"] for row in record(home)}
    deep, coloured, dicom = (
        home / "data" / "Chest" / files[f"Sick/case{name}"] for name in ("98.png", "97.png", "96.dcm")
    )
    assert np.abs(read_image(deep) - dark / 65535).max() < 1e-4
    assert np.abs(read_image(coloured, 3) - colour / 255).max() < 1e-6
    assert read_image(dicom, 3)[5, 50].tolist() == [1, 0, 0]
    assert told[files["Sick/case96.dcm"]] == "colour (RGB), 8 bits for each"


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_12_bits_in_16_are_as_bright_as_they_were_meant(home, ending):
    names = [f"{'ab'[n % 2]}/case{n}.{ending}" for n in range(8)]
    deep = write(home / "source", *names, picture=lambda n: np.rint(radiograph(n) / 255 * 4095).astype(np.uint16))
    assert "grey levels: 12 bits (8)" in do(deep)
    for number, name in enumerate(names):
        pixels = read_image(home / "data" / "Chest" / became(home)[name])
        assert np.abs(pixels - radiograph(number) / 255).max() < 1e-3


def test_two_at_a_time_wait(home, source):
    with FileLock(home / "data" / ".Chest.lock"):
        assert "Another import of Chest is running" in do(source, status=2)
