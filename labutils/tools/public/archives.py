"""Turn a downloaded archive into a folder of images in the course's layout: check, choose, write.

Images are chosen by a fixed seed. Neither kind of archive says which patient or lesion an image shows, so a
validation image that looks like a training image is passed over, in whichever of the eight orientations it comes.
That keeps out copies, also brightened, turned or saved again. It cannot keep out a second photograph of the same
lesion from further away, or another slice of the same patient's scan: only ids could, and there are none.

Fetching is the business of `download`; which archives there are is written in `public`.
"""

import io
import tarfile
from collections import defaultdict
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypeVar

import numpy as np

from labutils.audit import duplicates
from labutils.errors import DataError

SEED = 20
"""Seed of the choice of images."""

TOO_ALIKE = 0.7
"""Correlation of edges and texture from which a candidate for validation is taken only if there is no other.

Below `duplicates.SIMILAR`, from which it is never taken: passing one over by mistake costs nothing.
"""

_SPARE = 4  # candidates for each validation image wanted
_SUFFIXES = (".jpg", ".jpeg", ".png")

Image = np.ndarray | bytes
"""Pixels, uint8, or a file as it is."""

Item = TypeVar("Item")


def unpack_medmnist(archive: Path, folder: Path, classes: dict[str, int], wanted: tuple[int, int]) -> None:
    """Write images of a MedMNIST file (`.npz`) as PNG, which loses nothing.

    Training images come from the file's own training part, validation images from its validation and test parts.
    Keeping to these parts is not enough: in DermaMNIST they were found to share lesions (Abhishek, Jain and
    Hamarneh 2025, Sci. Data 12:196).

    Parameters
    ----------
    archive : Path
        With the arrays `train_images` (n, size, size, 3) uint8, `train_labels` (n, 1), and `val_` and `test_` alike.
    folder : Path
        Gets `train/Mel_0001.png`, `test/Mel_0001.png` and so on.
    classes : dict
        Class name -> its label in the file.
    wanted : (int, int)
        Training and validation images per class.

    Raises
    ------
    DataError
        If the file is not of this form or holds too few images.
    """
    chosen: dict[str, list[tuple[str, int]]] = {}
    images: dict[tuple[str, int], Image] = {}
    try:
        with np.load(archive, allow_pickle=False) as arrays:
            labels = {part: arrays[f"{part}_labels"].ravel() for part in ("train", "val", "test")}
            for name, label in classes.items():
                train, rest = (
                    [(part, int(i)) for part in parts for i in np.flatnonzero(labels[part] == label)]
                    for parts in (("train",), ("val", "test"))
                )
                chosen[name] = _draw(train, label)[: wanted[0]] + _draw(rest, label)[: _SPARE * wanted[1]]
            for part in labels:
                # One part at a time: at 224x224 the largest takes a gigabyte.
                pixels = arrays[f"{part}_images"]
                images |= {at: pixels[at[1]] for at in {at for one in chosen.values() for at in one} if at[0] == part}
    except Exception as error:  # there is no end to what readers raise on damaged files
        raise DataError(f"{archive.name} is not a MedMNIST file ({error}). Fetch it again.") from None
    train_images = {name: [images[at] for at in one if at[0] == "train"] for name, one in chosen.items()}
    spare_images = {name: [images[at] for at in one if at[0] != "train"] for name, one in chosen.items()}
    _write(archive.name, folder, train_images, spare_images, wanted)


def unpack_folders(archive: Path, folder: Path, classes: dict[str, str], wanted: tuple[int, int]) -> None:
    """Write images of a tar archive with one folder per class, as the files they are.

    No name in the archive becomes a path on this disk. An archive that tries (`../x`, `/x`, a link) is refused as
    a whole: whoever made it meant harm, or made a mistake elsewhere too.

    Parameters
    ----------
    archive : Path
        `.tar` or `.tar.gz`.
    folder : Path
        Gets `train/Hand_0001.jpeg`, `test/Hand_0001.jpeg` and so on.
    classes : dict
        Class name -> its folder in the archive.
    wanted : (int, int)
        Training and validation images per class.

    Raises
    ------
    DataError
        If the archive is damaged or unsafe, or holds too few images.
    """
    members: dict[str, list[str]] = defaultdict(list)
    content: dict[str, Image] = {}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                _check_member(archive.name, member)
                path = PurePosixPath(member.name)
                if member.isreg() and path.suffix.lower() in _SUFFIXES and not path.name.startswith("."):
                    members[path.parent.name].append(member.name)
        chosen = {
            name: _draw(sorted(members[inside]), number)[: wanted[0] + _SPARE * wanted[1]]
            for number, (name, inside) in enumerate(classes.items())
        }
        needed = {name for one in chosen.values() for name in one}
        # Read from front to back once more: jumping about in a compressed archive starts from its front each time.
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.name in needed and (file := tar.extractfile(member)):
                    content[member.name] = file.read()
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{archive.name} is damaged ({error}). Fetch it again.") from None
    train = {name: [content[at] for at in one[: wanted[0]]] for name, one in chosen.items()}
    spare = {name: [content[at] for at in one[wanted[0] :]] for name, one in chosen.items()}
    _write(archive.name, folder, train, spare, wanted)


def _draw(items: list[Item], stream: int) -> list[Item]:
    """The items in random order, the same on every machine; `stream` gives each class its own."""
    order = np.random.default_rng([SEED, stream]).permutation(len(items))
    return [items[i] for i in order]


def _check_member(archive: str, member: tarfile.TarInfo) -> None:
    posix, windows = PurePosixPath(member.name), PureWindowsPath(member.name)
    if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise DataError(
            f"{archive} holds {member.name!r}, a name that leads out of its folder; nothing was unpacked. "
            "Do not use this archive, and tell whoever offers it."
        )
    if not (member.isreg() or member.isdir()):
        raise DataError(
            f"{archive} holds {member.name!r}, which is a link or a device instead of a file; nothing was unpacked. "
            "Do not use this archive, and tell whoever offers it."
        )


def _write(
    archive: str,
    folder: Path,
    train: dict[str, list[Image]],
    spare: dict[str, list[Image]],
    wanted: tuple[int, int],
) -> None:
    seen = np.stack([_thumbnail(archive, image) for images in train.values() for image in images] or [_BLANK])
    for name in train:
        thumbnails = np.stack([_thumbnail(archive, image) for image in spare[name]] or [_BLANK])
        alike = duplicates.similarity_to(thumbnails, seen)
        # As drawn, those that look like nothing in training; after them the others, the most alike last.
        order = np.argsort(np.maximum(alike, TOO_ALIKE), kind="stable")[: len(spare[name])]
        validation = [spare[name][i] for i in order if alike[i] < duplicates.SIMILAR][: wanted[1]]
        for split, images, number in (("train", train[name], wanted[0]), ("test", validation, wanted[1])):
            if len(images) < number:
                raise DataError(
                    f"{archive} holds {len(images)} usable images of {name} for {split}: {number} are needed. "
                    "Ask for fewer in labutils/tools/public/fetch.py."
                )
            (folder / split).mkdir(parents=True, exist_ok=True)
            for position, image in enumerate(images, start=1):
                _write_image(folder / split / f"{name}_{position:04d}", image)


def _write_image(path: Path, image: Image) -> None:
    from PIL import Image as Pillow

    if isinstance(image, bytes):
        path.with_suffix(".png" if image.startswith(b"\x89PNG") else ".jpg").write_bytes(image)
    else:
        Pillow.fromarray(image).save(path.with_suffix(".png"))


_BLANK = np.zeros((duplicates.THUMBNAIL, duplicates.THUMBNAIL), dtype=np.float32)


def _thumbnail(archive: str, image: Image) -> np.ndarray:
    from PIL import Image as Pillow

    try:
        opened = (
            Pillow.open(io.BytesIO(image), formats=("JPEG", "PNG"))
            if isinstance(image, bytes)
            else Pillow.fromarray(image)
        )
        grey = np.asarray(opened.convert("L"), dtype=np.float32) / 255
    except Exception as error:
        raise DataError(f"{archive} holds an image that cannot be read ({error}). Fetch it again.") from None
    return duplicates.make_thumbnail(grey)
