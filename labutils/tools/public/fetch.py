"""Public images that anybody may fetch: which there are, from where, under what licence, and `fetch`.

To offer another one, add a line to `DOWNLOADS`.
"""

import errno
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from labutils import paths
from labutils.data.layouts import CLASSES_FILE, DATASETS
from labutils.data.locate import dataset_name
from labutils.errors import DataError
from labutils.paths import shown
from labutils.runs.disk import read_json, reason
from labutils.tools.public import archives
from labutils.tools.public.download import download

MANIFEST = "source.json"
"""File beside the images that says where they come from; its presence means that they are complete."""


@dataclass(frozen=True)
class Collection:
    """A published set of images: what it is, what one may do with it, whom to name, and how its archive is read."""

    title: str
    licence: str
    citation: str
    class_names: tuple[str, ...]
    unpack: Callable[[Path, Path], None]


@dataclass(frozen=True)
class Download:
    """One archive of a collection: the data set it stands in for, image side in pixels, address, checksums, size.

    `largest` is the number of bytes that it has at most: of a MedMNIST file, 10,015 images as they are.
    """

    dataset: str
    size: int
    url: str
    file_name: str
    md5: str
    largest: int
    collection: Collection
    sha256: str | None = None


DERMAMNIST = Collection(
    title="DermaMNIST of MedMNIST+ (dermoscopy, from HAM10000)",
    licence="CC BY-NC 4.0 (name the authors; not for commercial use)",
    citation=(
        "Yang et al. (2023), MedMNIST v2, Sci. Data 10:41; Tschandl, Rosendahl and Kittler (2018), "
        "The HAM10000 dataset, Sci. Data 5:180161"
    ),
    class_names=("Mel", "Nev"),
    unpack=partial(archives.unpack_medmnist, classes={"Mel": 4, "Nev": 5}, wanted=(500, 100)),
)

_REGIONS = ("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT")
MEDNIST = Collection(
    title="MedNIST (six kinds of radiological images, 64x64)",
    licence="CC BY-SA 4.0 (name the authors; share alike)",
    citation=(
        "MedNIST, put together by B. J. Erickson (Mayo Clinic) from sets of TCIA, the RSNA Bone Age Challenge "
        "and the NIH Chest X-ray dataset; offered by Project MONAI"
    ),
    class_names=_REGIONS,
    unpack=partial(archives.unpack_folders, classes={name: name for name in _REGIONS}, wanted=(100, 25)),
)

_ZENODO = "https://zenodo.org/records/10519652/files/"
_MONAI = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
# fmt: off
DOWNLOADS: tuple[Download, ...] = (
    Download("skin", 128, _ZENODO + "dermamnist_128.npz?download=1", "dermamnist_128.npz", "2defd784463fa5243564e855ed717de1", 500_000_000, DERMAMNIST),  # noqa: E501
    Download("skin", 224, _ZENODO + "dermamnist_224.npz?download=1", "dermamnist_224.npz", "8974907d8e169bef5f5b96bc506ae45d", 1_520_000_000, DERMAMNIST),  # noqa: E501
    Download("x_ray", 64, _MONAI + "MedNIST.tar.gz", "MedNIST.tar.gz", "0bc7306e7427e00ad1c5526a6677552d", 100_000_000, MEDNIST),  # noqa: E501
)
# fmt: on
"""What can be fetched; the first size of a data set is fetched unless another is asked for.

Checksums are md5, as published. The first download of a file writes its sha256 down beside the images, and later ones
are compared with that; one that a maintainer has seen goes into the line here, and holds from the first.
"""


def fetch(name: str, size: int | None = None, folder: Path | None = None, show: Callable[[str], None] = print) -> Path:
    """Fetch public images and lay them out like the course's; the folder with `train` and `test` comes back.

    Does nothing if they are there. A call that was interrupted leaves no half data set, and the next one goes on.

    Parameters
    ----------
    name : str
        `skin` or `x_ray`.
    size : int, optional
        Side of the images in pixels, as offered; None takes the first offered (128 for skin).
    folder : Path, optional
        Where the folder of the data set goes; by default `data/public`, where the loader looks.
    show : callable
        Called with the licence and citation before anything is fetched, and with what was done after.

    Raises
    ------
    DataError
        If there is no such download, it fails, or the folder holds something that was not fetched.
    """
    from filelock import FileLock

    wanted = find_download(name, size)
    one, parent = wanted.collection, paths.generated_dir() / "public" if folder is None else Path(folder)
    target, arriving = parent / DATASETS[wanted.dataset].title, parent / ".downloads" / wanted.file_name
    try:
        parent.mkdir(parents=True, exist_ok=True)
        # Two fetches at once would write into the same files: the second waits, and finds the work done.
        with FileLock(parent / f".{target.name}.lock"):
            told = _manifest(target)
            if told.get("md5") != wanted.md5:
                told = {}
            elif (told.get("seed"), told.get("images")) == (archives.SEED, _count(target)):
                show(f"{shown(target)} is there already: {one.title}.")
                return target
            rights = f"Licence: {one.licence}\nPlease cite: {one.citation}\nFrom: {wanted.url}"
            show(f"{one.title}, {wanted.size}x{wanted.size}\n{rights}")
            # What the same file had when it was fetched before.
            before = re.fullmatch("[0-9a-f]{64}", str(told.get("sha256")))
            sha256 = wanted.sha256 or (before and before[0])
            archive = download(wanted.url, arriving, wanted.md5, wanted.largest, sha256)
            _lay_out(wanted, archive, target)
            archive.unlink()
    except OSError as error:
        why = f"{shown(parent)} cannot be written ({reason(error)}). Mend that, and run the same command again."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            arriving.with_name(f"{arriving.name}.part").unlink(missing_ok=True)
            why = f"The disk that holds {shown(parent)} is full. Nothing half-written was left; make room and run the "
            why += "same command again."
        raise DataError(why) from None
    show(f"{shown(target)} is ready. `labutils data audit {wanted.dataset}` says what to know before training on it.")
    return target


def find_download(name: str, size: int | None = None) -> Download:
    """The entry of `DOWNLOADS` for a data set and an image size; a `DataError` that lists them if there is none."""
    if not (offered := [one for one in DOWNLOADS if one.dataset == dataset_name(name)]):
        names = " and ".join(dict.fromkeys(one.dataset for one in DOWNLOADS))
        raise DataError(f"There are no public images for {name!r}: they can be fetched for {names}.")
    if not (matching := [one for one in offered if size in (None, one.size)]):
        sizes = " or ".join(str(one.size) for one in offered)
        raise DataError(f"Public images of {name} are not offered at size {size}: ask for {sizes} (pixels).")
    return matching[0]


def _manifest(target: Path) -> dict:
    """What was written down when images were fetched; nothing where none were, or that cannot be read."""
    if target.exists() and not (target / MANIFEST).exists():
        raise DataError(
            f"{shown(target)} was not written by `labutils data fetch` (it has no {MANIFEST}) and is left as it "
            "is. Move it away, and run the same command again."
        )
    try:
        return read_json(target / MANIFEST)
    except (OSError, ValueError):
        return {}


def _count(folder: Path) -> int:
    return sum(1 for split in ("train", "test") for _ in (folder / split).glob("*"))


def _lay_out(wanted: Download, archive: Path, target: Path) -> None:
    """Write the images beside `target` and put them in place in one step."""
    from pooch import file_hash

    growing, one = target.with_name(f".{target.name}.partial"), wanted.collection
    shutil.rmtree(growing, ignore_errors=True)
    try:
        growing.mkdir()
        one.unpack(archive, growing)
        told = {name: getattr(wanted, name) for name in ("url", "md5", "size")}
        told |= {name: getattr(one, name) for name in ("title", "licence", "citation")}
        told |= {"sha256": file_hash(str(archive)), "seed": archives.SEED, "images": _count(growing)}
        others = one.class_names != DATASETS[wanted.dataset].words
        classes = {CLASSES_FILE: {"class_names": one.class_names}} if others else {}
        for name, content in ({MANIFEST: told} | classes).items():
            (growing / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        growing.rename(target)
    finally:
        shutil.rmtree(growing, ignore_errors=True)
