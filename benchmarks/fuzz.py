"""Made-up bytes into the two readers of files that come from anywhere, led by what of the code they reach.

`python benchmarks/fuzz.py images` (or `archives`) goes on until something is found, or for as long as
`-max_total_time=300` says; what stands after the name is libFuzzer's. It needs atheris (Linux), which is not among the
lab's requirements: `pip install atheris`. A finding is anything but a picture, or a folder of them, or a `DataError`:
another exception, more than 2 GB, more than 20 s, a file outside the folder. It is written to `crash-...`, `oom-...` or
`timeout-...` here, and belongs into the tests of the module that it concerns.
"""

import io
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import atheris  # type: ignore[import-not-found]
import numpy as np

with atheris.instrument_imports(include=["labutils", "PIL", "tarfile", "zipfile"]):
    from PIL import Image

    from labutils.data.images import FORMATS, find_levels, read_image
    from labutils.errors import DataError
    from labutils.tools.public import archives

LIMITS = ("-rss_limit_mb=2000", "-malloc_limit_mb=2000", "-timeout=20", "-max_len=20000")
HOME = Path(tempfile.mkdtemp())
CLASSES = ("Mel", "Nev")


def read_picture(content: bytes) -> None:
    """As one image of a data set."""
    file = HOME / "image"
    file.write_bytes(content)
    try:
        pixels = read_image(file, 1, find_levels([file]))
    except DataError:
        return
    assert pixels.dtype == np.float32 and pixels.ndim == 2 and 0 <= pixels.min() <= pixels.max() <= 1.0001


def unpack(content: bytes) -> None:
    """As a download and as a source of an import: `.npz` and ZIP if it begins as one, else a tar archive."""
    file, folder = HOME / "archive", HOME / "images"
    file.write_bytes(content)
    readers = [
        lambda: archives.unpack_medmnist(file, folder, {name: i for i, name in enumerate(CLASSES)}, (1, 1)),
        lambda: archives.unpack_zip(file, folder),
    ]
    if not content.startswith(b"PK"):
        readers = [lambda: archives.unpack_folders(file, folder, {name: name for name in CLASSES}, (1, 1))]
    for read in readers:
        folder.mkdir(exist_ok=True)
        try:
            read()
        except DataError:
            pass
        finally:
            shutil.rmtree(folder)
        assert [path.name for path in HOME.iterdir()] == [file.name], "something was written elsewhere"


def pictures() -> Iterator[bytes]:
    """Small whole images of every format that is read, to start from."""
    ramp = np.add.outer(np.arange(16), np.arange(16)) * 8
    modes = {"L": np.uint8, "RGB": np.uint8, "RGBA": np.uint8, "1": bool, "P": np.uint8, "I;16": np.uint16, "F": "f4"}
    for mode, dtype in modes.items():
        shape = (*ramp.shape, len(mode)) if mode.startswith("RGB") else ramp.shape
        values = np.broadcast_to(ramp.reshape(*ramp.shape, *[1] * (len(shape) - 2)), shape).astype(dtype)
        image = Image.fromarray(values, None if mode in ("1", "I;16", "F") else "L" if mode == "P" else mode)
        image = image.convert("P") if mode == "P" else image
        for form in FORMATS:
            stream = io.BytesIO()
            try:
                image.save(stream, form)
            except (OSError, ValueError):  # a format that knows no such mode
                continue
            yield stream.getvalue()


def packed() -> Iterator[bytes]:
    """A small whole archive of either kind."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    parts = ("train", "val", "test")
    arrays = {f"{part}_images": images for part in parts} | {
        f"{part}_labels": np.arange(4)[:, None] % 2 for part in parts
    }
    for save in (np.savez, np.savez_compressed):
        stream = io.BytesIO()
        save(stream, **arrays)
        yield stream.getvalue()
    for how in ("w", "w:gz"):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode=how) as tar:  # type: ignore[call-overload]
            for number, image in enumerate(images):
                file = io.BytesIO()
                Image.fromarray(image).save(file, "PNG")
                member = tarfile.TarInfo(f"all/{CLASSES[number % 2]}/{number}.png")
                member.size = file.tell()
                tar.addfile(member, io.BytesIO(file.getvalue()))
        yield stream.getvalue()


READERS = {"images": (read_picture, pictures), "archives": (unpack, packed)}


def main() -> None:
    """Start libFuzzer with what is whole; it never comes back."""
    if sys.argv[1:2] not in [[name] for name in READERS]:
        sys.exit(f"Say what to read: {' or '.join(READERS)}.")
    read, examples = READERS[sys.argv[1]]
    with tempfile.TemporaryDirectory() as corpus:
        for number, content in enumerate(examples()):
            read(content)
            (Path(corpus) / str(number)).write_bytes(content)
        atheris.Setup([sys.argv[0], *LIMITS, *sys.argv[2:], corpus], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
