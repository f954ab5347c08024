"""Archives to folders of images: downloads into the course's layout (check, choose, write), a ZIP file as it is.

No download says which patient or lesion an image shows, so a validation image that looks like a training image is
passed over, in whichever of the eight orientations it comes: copies, also brightened, turned or saved again. A second
photograph of a lesion from further away, or another slice of a scan, only ids could keep out, and there are none.
"""

import errno
import io
import os
import shutil
import stat
import tarfile
import time
import zipfile
from collections import defaultdict
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from labutils.audit import duplicates
from labutils.data.listing import list_folder
from labutils.errors import DataError

SEED = 20
"""Seed of the choice of images."""

TOO_ALIKE = 0.7
"""Correlation of edges and texture from which a candidate for validation is taken only if there is no other."""

LARGEST = 1_000_000_000
"""Bytes that a ZIP file may hold in any case; more, if it is at most `DENSEST` times as large as the file itself."""

DENSEST = 100
_SPARE = 4  # candidates for each validation image wanted
_SUFFIXES = (".jpg", ".jpeg", ".png")
_BLANK = np.zeros((duplicates.THUMBNAIL, duplicates.THUMBNAIL), dtype=np.float32)

Image = np.ndarray | bytes
"""Pixels, uint8, or a file as it is."""

Chosen = dict[str, tuple[list, list]]
"""Where the images of each class are in an archive: those for training, and candidates for validation."""


def unpack_medmnist(archive: Path, folder: Path, classes: dict[str, int], wanted: tuple[int, int]) -> None:
    """Write images of a MedMNIST file (`.npz`) as PNG, which loses nothing: `train/Mel_0001.png`, `test/Mel_0001.png`.

    Training images come from the file's own training part, validation images from the others; that is not enough: in
    DermaMNIST parts were found to share lesions (Abhishek, Jain and Hamarneh 2025, Sci. Data 12:196). `classes` are
    names with their labels in the file, `wanted` training and validation images per class. A DataError says that the
    file is not of this form, or holds too few images.
    """
    chosen: Chosen = {}
    images: dict[Any, Image] = {}
    try:
        with np.load(archive, allow_pickle=False) as arrays:
            labels = {part: arrays[f"{part}_labels"].ravel() for part in ("train", "val", "test")}
            for name, label in classes.items():
                found = {part: [(part, int(i)) for i in np.flatnonzero(labels[part] == label)] for part in labels}
                train, rest = found["train"], found["val"] + found["test"]
                chosen[name] = _draw(train, label)[: wanted[0]], _draw(rest, label)[: _SPARE * wanted[1]]
            for part in labels:
                # One part at a time: at 224x224 the largest takes a gigabyte.
                pixels = arrays[f"{part}_images"]
                images |= {at: pixels[at[1]] for at in _all(chosen) if at[0] == part}
    except Exception as error:  # there is no end to what readers raise on damaged files
        raise DataError(f"{archive.name} is not a MedMNIST file ({error}). Fetch it again.") from None
    _write(archive.name, folder, chosen, images, wanted)


def unpack_folders(archive: Path, folder: Path, classes: dict[str, str], wanted: tuple[int, int]) -> None:
    """Write images of a tar archive with one folder per class, as the files they are; see `unpack_medmnist`.

    No name in the archive becomes a path on this disk. An archive that tries (`../x`, `/x`, a link) is refused as a
    whole: whoever made it meant harm, or made a mistake elsewhere too. `classes` are names with their folders.
    """
    members: dict[str, list[str]] = defaultdict(list)
    chosen: Chosen = {}
    images: dict[Any, Image] = {}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                _check_member(archive.name, member.name, member.isreg() or member.isdir())
                path = PurePosixPath(member.name)
                if member.isreg() and path.suffix.lower() in _SUFFIXES and not path.name.startswith("."):
                    members[path.parent.name].append(member.name)
        for number, (name, inside) in enumerate(classes.items()):
            drawn = _draw(sorted(members[inside]), number)
            chosen[name] = drawn[: wanted[0]], drawn[wanted[0] :][: _SPARE * wanted[1]]
        needed = _all(chosen)
        # Read from front to back once more: jumping about in a compressed archive starts from its front each time.
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.name in needed and (file := tar.extractfile(member)):
                    images[member.name] = file.read()
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{archive.name} is damaged ({error}). Fetch it again.") from None
    _write(archive.name, folder, chosen, images, wanted)


def unpack_zip(archive: Path, folder: Path) -> Path:
    """Unpack a ZIP file as it is into a folder that is made anew; the folder comes back, or the only one that is in it.

    A DataError says that it is damaged, encrypted or unsafe (see `unpack_folders`), or grows beyond `LARGEST` and
    `DENSEST`; an OSError that the disk is full.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            for member in members:
                _check_member(archive.name, member.filename, not stat.S_ISLNK(member.external_attr >> 16))
            # No more is unpacked of a file than is said here.
            size, most = sum(one.file_size for one in members), max(LARGEST, DENSEST * archive.stat().st_size)
            if size > most:
                raise DataError(
                    f"{archive.name} would be {size:,} bytes when unpacked, more than {most:,}: images do not shrink "
                    "so much; nothing was unpacked. If it is right, unpack it yourself and give the folder."
                )
            for member in members:
                written = opened.extract(member, folder)
                # As it was packed: an import that goes on knows its files by this.
                packed = time.mktime((*member.date_time, 0, 0, -1))
                os.utime(written, (packed, packed))
    except DataError:
        raise
    except Exception as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise
        why = getattr(error, "strerror", None) or error
        raise DataError(
            f"{archive.name} cannot be unpacked ({why}). Copy it again, or unpack it yourself and give the folder."
        ) from None
    while len(inside := list_folder(folder)) == 1 and inside[0].is_dir():
        folder = Path(inside[0])
    return folder


def _check_member(archive: str, name: str, is_plain: bool) -> None:
    """Refuse names that lead elsewhere, and what is neither file nor folder."""
    windows = PureWindowsPath(name)
    leads_out = PurePosixPath(name).is_absolute() or windows.drive or windows.root or ".." in windows.parts
    if leads_out or not is_plain:
        wrong = "a name that leads out of its folder" if leads_out else "which is a link or a device instead of a file"
        refused = f"{archive} holds {name!r}, {wrong}; nothing was unpacked. "
        raise DataError(f"{refused}Do not use this archive, and tell whoever offers it.")


def _draw(items: list, stream: int) -> list:
    """The items in random order, the same on every machine; `stream` gives each class its own."""
    return [items[i] for i in np.random.default_rng([SEED, stream]).permutation(len(items))]


def _all(chosen: Chosen) -> set:
    return {at for train, spare in chosen.values() for at in train + spare}


def _write(archive: str, folder: Path, chosen: Chosen, images: dict[Any, Image], wanted: tuple[int, int]) -> None:
    """Write the images chosen for training, and of the spare ones of each class those that look like none of them."""
    from PIL import Image as Pillow

    thumbnails = {at: _thumbnail(archive, image) for at, image in images.items()}
    seen = np.stack([thumbnails[at] for train, _ in chosen.values() for at in train] or [_BLANK])
    for name, (train, spare) in chosen.items():
        alike = duplicates.similarity_to(np.stack([thumbnails[at] for at in spare] or [_BLANK]), seen)
        # As drawn, those that look like nothing in training; after them the others, the most alike last.
        order = np.argsort(np.maximum(alike, TOO_ALIKE), kind="stable")[: len(spare)]
        validation = [spare[i] for i in order if alike[i] < duplicates.SIMILAR][: wanted[1]]
        for split, places, number in (("train", train, wanted[0]), ("test", validation, wanted[1])):
            if len(places) < number:
                raise DataError(
                    f"{archive} holds {len(places)} usable images of {name} for {split}: {number} are needed. "
                    "Ask for fewer in labutils/tools/public/fetch.py."
                )
            (folder / split).mkdir(parents=True, exist_ok=True)
            for position, at in enumerate(places, start=1):
                image, file = images[at], folder / split / f"{name}_{position:04d}.png"
                if isinstance(image, bytes):
                    file.with_suffix(".png" if image.startswith(b"\x89PNG") else ".jpg").write_bytes(image)
                else:
                    Pillow.fromarray(image).save(file)


def _thumbnail(archive: str, image: Image) -> np.ndarray:
    from PIL import Image as Pillow

    try:
        content = io.BytesIO(image) if isinstance(image, bytes) else None
        opened = Pillow.open(content, formats=("JPEG", "PNG")) if content else Pillow.fromarray(np.asarray(image))
        grey = np.asarray(opened.convert("L"), dtype=np.float32) / 255
    except Exception as error:
        raise DataError(f"{archive} holds an image that cannot be read ({error}). Fetch it again.") from None
    return duplicates.make_thumbnail(grey)
