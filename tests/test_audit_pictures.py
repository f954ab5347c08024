"""What is measured of each picture."""

import numpy as np
from picture_helpers import COUNTS, write_set
from PIL import Image

from labutils.audit.pictures import measure_files
from labutils.data.locate import find_source


def measured(folder):
    return measure_files(find_source(folder))


def test_every_picture_is_measured_and_a_broken_one_is_kept_with_its_problem(tmp_path):
    folder = write_set(tmp_path / "Skin")
    (folder / "train" / "Mel_0003.png").write_bytes(b"nothing")
    found = measured(folder)
    assert len(found.files) == 2 * sum(COUNTS.values()) == len(found.readable)
    assert [file for file, good in zip(found.files, found.readable, strict=True) if not good] == ["train/Mel_0003.png"]
    assert set(found.modes) == {"L", ""} and found.sizes.max() == 72
    assert found.in_validation.sum() == 2 * COUNTS["test"]
    assert found.thumbnails[~found.readable].sum() == 0


def test_the_same_picture_in_another_format_has_the_same_checksum(tmp_path):
    folder = write_set(tmp_path / "Skin")
    with Image.open(folder / "train" / "Mel_0001.png") as picture:
        picture.convert("RGB").save(folder / "train" / "Mel_0002.bmp")
    (folder / "train" / "Mel_0002.png").unlink()
    found = measured(folder)
    one, two = (found.files.index(f"train/{name}") for name in ("Mel_0001.png", "Mel_0002.bmp"))
    assert found.checksums[one] == found.checksums[two]
    assert found.checksums[one] not in np.delete(found.checksums, [one, two])
