"""From a source to a data set that the lab loads: written down, nobody named, gone on with after a stop."""

import csv
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from dicom_helpers import radiograph, shipped, write_patients
from PIL import Image

from labutils import paths
from labutils.audit import audit
from labutils.data.dataset import load_dataset
from labutils.data.exam import load_exam
from labutils.data.images import read_image
from labutils.errors import DataError
from labutils.tools.cli.data import data as command
from labutils.tools.imports import import_images, pictures


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A place of its own for data, and what the package writes."""
    monkeypatch.setattr(paths, "ROOT", tmp_path / "home")
    monkeypatch.setenv("LABUTILS_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(command, ["import", *map(str, arguments)])


def do(source, name="Chest"):
    """The lines that are said."""
    said = []
    import_images(source, name, show=said.append)
    return said


def rows(file):
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def became(home, name="Chest"):
    """The files of a data set by what they were."""
    return {row["source"]: row["became"] for row in rows(home / "data" / f"{name}.key.csv")}


def write_pictures(folder, n=8, classes=("Normal", "Sick"), start=0):
    for number in range(n):
        for label, name in enumerate(classes):
            file = folder / name / f"case{start + n * label + number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(radiograph(start + n * label + number)).save(file)
    return folder


def test_dicom_becomes_a_data_set(home):
    result = run(write_patients(home / "source"), "Chest")
    assert result.exit_code == 0, result.output
    assert "patients told by PatientID" in result.output and "12 bits (40)" in result.output
    data = load_dataset("chest", 32, progress=False)
    assert data.class_names == ("Normal", "Pneumonia") and len(data.y_train) == 28
    # Ten patients of each class: one and two of them for validation and exam, in turn.
    sizes = len(data.y_val), len(load_exam("chest", 32, progress=False).y)
    assert data.majority == 0.5 and sorted(sizes) == [4, 8]
    # Everything that was there is written down, and nobody is named but in the key.
    record, key = rows(home / "data" / "Chest" / "import.csv"), rows(home / "data" / "Chest.key.csv")
    assert len(record) == len(key) == 40 and len({row["patient"] for row in record}) == 20
    inside = " ".join(str(file) for file in (home / "data" / "Chest").rglob("*"))
    assert "DOE" not in inside + (home / "data" / "Chest" / "import.csv").read_text()
    splits = {}
    for row in key:
        splits.setdefault(row["patient"], set()).add(row["became"].split("/")[0])
        file = home / "data" / "Chest" / row["became"]
        number = 2 * int(row["patient"].removeprefix("DOE")) + int(row["source"][-1])
        assert np.abs(read_image(file) - radiograph(number) / 255).max() < 2 / 255
        with Image.open(file) as image:
            image.load()
            assert not image.info and image.mode == "I;16"
    assert all(len(found) == 1 for found in splits.values())
    assert not audit("chest").leakage
    assert not list((home / "data").glob(".*importing"))


def test_nothing_is_overwritten(home):
    source = write_pictures(home / "source")
    do(source)
    before = sorted((home / "data").rglob("*"))
    for name in ("Chest", "chest", "CHEST"):
        assert "is there already, and nothing is overwritten" in run(source, name).output
    (home / "data" / "Chest").rename(home / "elsewhere")
    assert "is the key of an earlier import" in run(source, "Chest").output
    (home / "elsewhere").rename(home / "data" / "Chest")
    assert sorted((home / "data").rglob("*")) == before


def test_a_name_with_a_pictogram(home):
    assert run(write_pictures(home / "source"), "🩻 Chest").exit_code == 0
    data = load_dataset("🩻 chest", 32, progress=False)
    assert data.root == home / "data" / "🩻 Chest" and data.name == "🩻_chest"
    assert data.run(model="lenet", learning_rate=1e-3, epochs=1).slug.startswith("🩻_chest-lenet")
    assert audit("🩻_Chest").title == "🩻 Chest: course data"


def test_the_same_seed_gives_the_same_data_set(home):
    source = write_pictures(home / "source")
    said = [run(source, name, "--seed", seed).exit_code for name, seed in (("A1", 3), ("A2", 3), ("A3", 4))]
    keys = [(home / "data" / f"{name}.key.csv").read_text() for name in ("A1", "A2", "A3")]
    assert said == [0, 0, 0] and keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("zipped", [False, True])
def test_goes_on_where_it_was_killed(home, monkeypatch, zipped):
    source, real, made = write_pictures(home / "source"), pictures.convert, []
    if zipped:
        source = Path(shutil.make_archive(str(home / "packed"), "zip", home, "source"))

    def convert(item, *rest):
        if len(made) == 5:
            raise KeyboardInterrupt
        made.append(item.name)
        return real(item, *rest)

    monkeypatch.setattr("labutils.machine.cores", lambda: 1)
    monkeypatch.setattr(pictures, "convert", convert)
    with pytest.raises(KeyboardInterrupt):
        do(source)
    journal = home / "data" / ".Chest.importing" / "journal.jsonl"
    assert not (home / "data" / "Chest").exists()
    finished = journal.read_text().count("\n")
    journal.write_text(journal.read_text() + '{"name": "Normal/cas')  # as a process leaves it that is killed
    made.clear()
    monkeypatch.setattr(pictures, "convert", lambda item, *rest: (made.append(item.name), real(item, *rest))[1])
    said = do(source)
    assert said[0] == f"Going on: {finished} of 16 pictures are made already." and len(made) == 16 - finished
    do(source, "Again")
    files = [
        {file.name: file.read_bytes() for file in (home / "data" / name).rglob("*.png")} for name in ("Chest", "Again")
    ]
    assert files[0] == files[1] and len(files[0]) == 16
    left = sorted(file.name for file in (home / "data").iterdir())
    assert left == ["Again", "Again.key.csv", "Chest", "Chest.key.csv"]


def test_killed_while_names_were_given(home, monkeypatch):
    source = write_pictures(home / "source")

    def rename(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("labutils.tools.imports.importing.os.rename", rename)
        do(source)
    do(source)
    assert len(load_dataset("chest", 32, progress=False).y_train) > 8


def write_zip(file, name, changes):
    """A ZIP file with a picture of this name, of which its list of contents says something else."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("b/y.png", b"whole")
        archive.writestr(name, b"whole")
        for key, value in changes.items():
            setattr(archive.getinfo(name), key, value)
    return file


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
    source = write_zip(home / "source.zip", name, changes or {})
    if changes is None:
        source.write_bytes(b"no archive")
    before = sorted(home.iterdir())
    result = run(source, "Chest")
    assert result.exit_code == 2 and re.search(says, result.output), result.output
    assert sorted(home.iterdir()) == before and [file.name for file in (home / "data").iterdir()] == [".Chest.lock"]


def test_copies_stay_on_one_side(home):
    source = write_pictures(home / "source", n=12)
    for number in range(4):  # the same picture again, brighter, under the name of another patient
        picture = Image.open(source / "Normal" / f"case{number}.png").point(lambda value: min(255, value + 10))
        picture.save(source / "Normal" / f"case{900 + number}.png")
    assert "4 patients were joined to others" in do(source)[0]
    sides = {name: file.split("/")[0] for name, file in became(home).items()}
    assert all(sides[f"Normal/case{n}.png"] == sides[f"Normal/case{900 + n}.png"] for n in range(4))
    assert not audit("chest").leakage


def test_a_source_made_of_one_picture_is_split_by_patient_and_that_is_said(home):
    for number in range(10):
        (home / "source" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(radiograph(0)).save(home / "source" / "ab"[number % 2] / f"case{number}.png")
    result = run(home / "source", "Chest", "--shares", "80,20")
    assert result.exit_code == 0 and "10 of 10 pictures are alike" in result.output
    assert run(home / "source", "Other").exit_code == 0


def test_a_table_with_classes_in_order(home):
    write_pictures(home / "source")
    lines = [f"Normal/case{n}.png,well,{n // 2}" for n in range(8)] + [
        f"Sick/case{n}.png,ill,{n}" for n in range(8, 16)
    ]
    (home / "source" / "labels.csv").write_text("file,label,who\n" + "\n".join(lines))
    result = run(home / "source" / "labels.csv", "Chest", "--group", "who", "--classes", "well,ill")
    assert result.exit_code == 0, result.output
    assert load_dataset("chest", 32, progress=False).class_names == ("well", "ill")
    result = run(home / "source" / "labels.csv", "Other", "--group", "who", "--classes", "well,sick")
    assert result.exit_code == 2 and "is of class 'ill', which is none of 'well', 'sick'" in result.output
    lines = [line.replace(",ill,", ",odd,") if n % 3 == 0 else line for n, line in enumerate(lines)]
    (home / "source" / "labels.csv").write_text("file,label,who\n" + "\n".join(lines))
    result = run(home / "source" / "labels.csv", "Other", "--classes", "ill,well", "--shares", "80,20", "--leave-out")
    assert result.exit_code == 0 and "3 files were left out: Sick/case9.png" in result.output, result.output


def test_a_patient_with_two_labels_is_told_and_kept_on_one_side(home):
    write_pictures(home / "source", n=10)
    result = run(home / "source", "Chest", "--group", r"case\d?(\d)")
    assert "10 patients have images of more than one class" in result.output
    sides = {}
    for row in rows(home / "data" / "Chest" / "import.csv"):
        sides.setdefault(row["patient"], set()).add(row["split"])
    assert len(sides) == 10 and all(len(found) == 1 for found in sides.values())


def write_table(source, header, rows):
    """A table, and a picture of its own for every row: the cells, and the file from the table's folder on."""
    for number, file in enumerate(rows.values()):
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(radiograph(number)).save(source / file)
    (source / "table.csv").write_text("\n".join([header, *rows]))
    return source / "table.csv"


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
    ("header", "table", "asked", "told", "patients"),
    [
        ("lesion_id,image_id,dx,dx_type,age", HAM, (), "the column lesion_id", 12),
        ("image_id,hand,leg,fractured", FRAC, ("--label", "fractured", "--group", "none"), "nothing", 12),
        ("Image Index,Finding Labels,Follow-up #,Patient ID", NIH, (), "the column Patient ID", 12),
    ],
    ids=["HAM10000", "FracAtlas", "NIH"],
)
@pytest.mark.parametrize("moved", [False, True])
def test_a_table_of_pictures_in_folders_below(home, header, table, asked, told, patients, moved):
    """As these sets are handed out; and with the table elsewhere, so that --images says where."""
    source = write_table(home / "source", header, table)
    if moved:
        source = source.rename(home / "moved.csv")
        asked += ("--images", home / "source")
    result = run(source, "Chest", *asked)
    assert result.exit_code == 0, result.output
    assert f"patients told by {told}" in result.output
    record = rows(home / "data" / "Chest" / "import.csv")
    assert len(record) == len(table) and len({row["patient"] for row in record}) == patients
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
    for i in range(24):
        file = home / "source" / name.format(c=("Normal", "Sick")[i // 12], p=i // 2, n=i % 2, i=i)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(radiograph(i)).save(file)
    result = run(home / "source", "Chest")
    if not asked:
        assert result.exit_code == 0 and "told by the numbers of patients or lesions in names" in result.output
    else:
        assert result.exit_code == 2 and "Nothing tells which images are of one patient" in result.output
        assert re.search(asked, result.output) and result.output.endswith("or nobody knows: --group none.\n")
        assert not (home / "data" / "Chest").exists()
        result = run(home / "source", "Chest", "--group", takes or "none")
        assert result.exit_code == 0, result.output
        assert ("nobody knows" in result.output) == (takes is None) == (" patients (" not in result.output)
    found = {row["patient"] for row in rows(home / "data" / "Chest" / "import.csv")}
    assert len(found) == (24 if asked and not takes else 12)


def test_patients_of_some_images_only_are_not_enough(home):
    source = write_pictures(home / "source")
    (source / "Sick" / "case15.png").rename(source / "Sick" / "unnamed.png")
    assert "Nothing tells whose 1 of 16 images are, such as 'Sick/unnamed.png'" in run(source, "Chest").output
    assert run(source, "Chest", "--group", "none").exit_code == 0
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
        (("Chest", "--classes", "Normal"), "is of class 'Sick', which is none of 'Normal'\\.\n.*\nOr leave such"),
        (("Chest", "--classes", "Normal,Sick,Well"), "There is no image of 'Well'"),
        (("Chest", "--label", "Modality"), "carries no Modality"),
        (("Chest", "--label", "x"), "fits nothing in 'Normal/case0.png'(.|\n)*Give a column(.|\n)*Or leave"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(home, arguments, says):
    source = write_pictures(home / "source", n=3)
    result = run(source, *arguments)
    assert result.exit_code == 2 and "Traceback" not in result.output
    assert re.search(says, result.output), result.output
    assert not [file for file in (home / "data").iterdir() if file.is_dir()]


def test_broken_files_are_all_named_and_left_out_if_asked(home):
    source = write_pictures(home / "source")
    (source / "Sick" / "case98.png").write_bytes(b"<html>not found</html>")
    (source / "Sick" / "case99.dcm").write_bytes((shipped("MR_truncated.dcm")).read_bytes())
    for word in ("case98.png is not an image", "case99.dcm is damaged", "--leave-out"):
        assert word in run(source, "Chest").output
    assert not (home / "data" / "Chest").exists()
    result = run(source, "Chest", "--leave-out")
    assert result.exit_code == 0 and "2 files were left out: Sick/case98.png, Sick/case99.dcm" in result.output
    left = [row for row in rows(home / "data" / "Chest.key.csv") if row["became"].startswith("left out")]
    assert len(left) == 2 and len(load_dataset("chest", 32, progress=False).y_train) > 8


def test_deep_and_coloured_images_keep_what_they_show(home):
    source = write_pictures(home / "source")
    dark = (radiograph(99) // 8).astype(np.uint16) * 257
    Image.fromarray(dark).save(source / "Sick" / "case98.png")
    colour = np.stack([radiograph(n) for n in (1, 2, 3)], axis=2)
    Image.fromarray(colour).save(source / "Sick" / "case97.png")
    do(source)
    files = {name: home / "data" / "Chest" / file for name, file in became(home).items()}
    assert np.abs(read_image(files["Sick/case98.png"]) - dark / 65535).max() < 1e-4
    assert np.abs(read_image(files["Sick/case97.png"], 3) - colour / 255).max() < 1e-6


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_12_bits_in_16_are_as_bright_as_they_were_meant(home, ending):
    source = home / "source"
    for number in range(8):
        values = np.rint(radiograph(number) / 255 * 4095).astype(np.uint16)
        (source / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(source / "ab"[number % 2] / f"case{number}.{ending}")
    assert "grey levels: 12 bits (8)" in "\n".join(do(source))
    for name, file in became(home).items():
        number = int(re.search(r"\d", name)[0])
        assert np.abs(read_image(home / "data" / "Chest" / file) - radiograph(number) / 255).max() < 1e-3


def test_colour_of_dicom_is_kept_and_written_down(home):
    source = write_pictures(home / "source")
    (source / "Sick" / "case97.dcm").write_bytes(shipped("SC_rgb_rle.dcm").read_bytes())
    assert run(source, "Skins", "--group", r"case(\d+)").exit_code == 0
    file = became(home, "Skins")["Sick/case97.dcm"]
    record = {row["file"]: row["grey levels"] for row in rows(home / "data" / "Skins" / "import.csv")}
    assert record[file] == "colour (RGB), 8 bits for each"
    assert read_image(home / "data" / "Skins" / file, 3)[5, 50].tolist() == [1, 0, 0]


def test_two_at_a_time_wait(home):
    from filelock import FileLock

    source = write_pictures(home / "source", n=3)
    with FileLock(home / "data" / ".Chest.lock"), pytest.raises(DataError, match="Another import of Chest is running"):
        do(source)
