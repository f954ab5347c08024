"""One image file to numbers, and many at once on all cores.

The pixels are those of scikit-image, `resize(imread(file, as_gray=True), (size, size), anti_aliasing=True)`, at a
fraction of the time: of a JPEG much larger than asked for, Pillow decodes only the coarse part. `resize` blurs with a
Gaussian and then interpolates linearly: one narrow matrix for each side does both.
"""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from labutils import machine
from labutils.data import greylevels
from labutils.data.greylevels import Levels
from labutils.data.sniff import find_damage, what_it_is
from labutils.errors import DataError
from labutils.paths import shown
from labutils.progress import bar

VERSION = 1  # raised when the same files give other pixels than before: caches and fingerprints of older versions lapse

GREY_WEIGHTS = (0.2125, 0.7154, 0.0721)
"""Red, green, blue: the luminance weights of scikit-image's `rgb2gray` (Rec. 709)."""

ORIENTATION = 0x0112  # EXIF tag that tells which way up a photograph was taken

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP")
"""What is opened, whatever a file's name says: Pillow knows others, some of which start programs (EPS)."""

LARGE = 16_000_000  # pixels from which pictures are decoded one at a time: a few hundred megabytes each
MIN_SIDE = 8
MAX_PIXELS = 80_000_000
MARGIN = 8
"""How many times larger than asked for a JPEG still is when its fine part is left out.

The result then differs by less than one grey level of 255 from that of the whole, even at edges from black to
white (by two where a glaring colour meets white); at 4 it is two levels there, at 2 ten.
"""
BLOCK = 16  # images that a thread decodes, at most, before it reports back
_MAY_BE_DEEP = (b"\x89PNG", b"II", b"MM")  # PNG and TIFF

_one_large = Lock()


def read_image(file: Path, channels: int = 1, levels: Levels | None = None) -> np.ndarray:
    """One image file at its own size, upright, on white where it is transparent; float32 in [0, 1].

    It is (height, width) for one channel (grey), (height, width, 3) for three (colour). A DataError says that the file
    is no image, is damaged, too small or too large, has several frames, or holds values that are not brightnesses.
    """
    return _to_float(_decode(file, None, levels)[0], channels)


def find_levels(files: Sequence[Path], window: tuple[float, float] | None = None) -> Levels:
    """How grey levels of more than 8 bits are to be read, all files of a split alike; by `window` if it is given."""
    if window is not None:
        return Levels(window)
    with ThreadPoolExecutor(machine.cores()) as pool:
        return Levels(None, max(pool.map(_undeclared_bits, files), default=0))


def _undeclared_bits(file: Path) -> int:
    from PIL import Image

    with suppress(Exception), open(file, "rb") as stream:  # what cannot be read is named when it is decoded
        if not stream.read(4).startswith(_MAY_BE_DEEP):  # by their first bytes: names may be wrong
            return 0
    with suppress(Exception), Image.open(file, formats=FORMATS) as image:
        if image.mode.startswith("I;16") and image.width * image.height <= MAX_PIXELS:
            with _room(image.width * image.height):
                return 0 if greylevels.declared_bits(image, file) else greylevels.needed_bits(np.asarray(image))
    return 0


def load_images(
    files: Sequence[Path], size: int, channels: int = 1, progress: bool = True, levels: Levels | None = None
) -> tuple[np.ndarray, list[str]]:
    """Images decoded and scaled on all cores: (n, size, size, channels), float32 in [0, 1], in the order of `files`.

    With them the SHA-256 of each file's pixels before scaling. A DataError names every file that cannot be read.
    """
    pixels, hashes = np.empty((len(files), size, size, channels), np.float32), list[str]()
    for block, block_hashes in iterate_images(files, size, channels, progress, levels):
        pixels[len(hashes) : len(hashes) + len(block)] = block
        hashes += block_hashes
    return pixels, hashes


def iterate_images(
    files: Sequence[Path], size: int, channels: int = 1, progress: bool = True, levels: Levels | None = None
) -> Iterator[tuple[np.ndarray, list[str]]]:
    """As `load_images`, a few images at a time and in order, so that a large folder need not fit into memory."""
    # Threads, not processes: decoding and the products run outside Python's lock, and threads work in a notebook
    # on every system.
    workers, levels = machine.cores(), levels or find_levels(files)
    # Few images may be large ones: every core should have some.
    block = max(1, min(BLOCK, len(files) // (4 * workers)))
    blocks = deque(files[start : start + block] for start in range(0, len(files), block))
    waiting: deque[Future[tuple[np.ndarray, list[str], list[DataError]]]] = deque()
    problems: list[DataError] = []
    shown_bar = bar(progress, total=len(files), desc="Reading images", unit="image", delay=1, leave=False)
    with shown_bar, ThreadPoolExecutor(workers) as pool:
        while blocks or waiting:
            while blocks and len(waiting) < 2 * workers:
                waiting.append(pool.submit(_load_block, blocks.popleft(), size, channels, levels))
            pixels, hashes, found = waiting.popleft().result()
            problems += found
            shown_bar.update(len(pixels))
            if not problems:
                yield pixels, hashes
    if problems:
        others = f"\n... and {len(problems) - 10} more files." if len(problems) > 10 else ""
        raise DataError("\n".join(map(str, problems[:10])) + others)


def _apply(image: np.ndarray, rows: Any, columns: Any) -> np.ndarray:
    """The image that two matrices of `_weights`, (size, height) and (size, width), make of `image`."""
    (height, width), size = image.shape[:2], rows.shape[0]
    narrow = (rows @ np.asarray(image, np.float32).reshape(height, -1)).reshape(size, width, -1)
    turned = np.ascontiguousarray(narrow.transpose(1, 0, 2)).reshape(width, -1)
    result = (columns @ turned).reshape(size, size, -1).transpose(1, 0, 2)
    return np.clip(result, 0, 1)  # rounding may leave the weights' sum a hair above 1


@lru_cache(maxsize=512)
def _weights(side: int, size: int, step: int) -> Any:
    """The sparse matrix, (size, ceil(side / step)), that scales a side given at 1 / `step` of it, blurred as needed."""
    from scipy import sparse

    factor = side / size
    # scikit-image's width of the Gaussian, less what the means have blurred already.
    variance = max(0.0, (factor - 1) / 2) ** 2 - (step**2 - 1) / 12
    radius = int(4 * variance**0.5 + 0.5)
    offsets = np.arange(-radius, radius + 1)
    bell = np.exp(-0.5 * offsets**2 / variance) if radius else np.ones(1)
    bell /= bell.sum()
    # Each result lies between two pixels, at a distance of `right` from the left one.
    middles = (np.arange(size) + 0.5) * factor - 0.5
    left = np.floor(middles).astype(np.int64)
    right = middles - left
    columns = np.concatenate([left[:, None] + offsets, left[:, None] + 1 + offsets], axis=1)
    shares = np.concatenate([(1 - right)[:, None] * bell, right[:, None] * bell], axis=1)
    # Beyond its border an image is continued as in a mirror that stands on its last pixel.
    columns = np.abs((columns + side - 1) % (2 * side - 2) - (side - 1))
    rows = np.repeat(np.arange(size), columns.shape[1])
    shape = (size, -(-side // step))
    return sparse.csr_array((shares.ravel().astype(np.float32), (rows, columns.ravel() // step)), shape=shape)


def _load_block(
    files: Sequence[Path], size: int, channels: int, levels: Levels
) -> tuple[np.ndarray, list[str], list[DataError]]:
    pixels = np.zeros((len(files), size, size, channels), np.float32)
    hashes, problems = [], []
    for index, file in enumerate(files):
        try:
            decoded, (height, width), step = _decode(file, size, levels)
            sides = _weights(height, size, step), _weights(width, size, step)
            with _room(height * width // step**2):  # as floats it is four times as large
                scaled = _apply(_to_float(decoded, channels), *sides)
        except DataError as error:
            problems.append(error)
            continue
        pixels[index] = scaled.reshape(size, size, channels)
        hashed = hashlib.sha256(f"{decoded.dtype.str} {decoded.shape}".encode())
        hashed.update(np.ascontiguousarray(decoded).data)
        hashes.append(hashed.hexdigest())
    return pixels, hashes, problems


def _decode(file: Path, size: int | None, levels: Levels | None = None) -> tuple[np.ndarray, tuple[int, int], int]:
    """Pixels as stored (uint8, uint16 or float32), full height and width, and the scale they were decoded at."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file, formats=FORMATS) as image, _room(image.width * image.height):
            _check_header(image, file)
            is_jpeg = image.format in ("JPEG", "MPO")
            if is_jpeg and (damage := find_damage(file.read_bytes())):
                raise DataError(f"{shown(file)} is damaged ({damage}). Copy it again, or remove it.")
            width, height = image.size
            step = 1
            if size is not None and is_jpeg:
                step = next((step for step in (8, 4, 2) if min(width, height) >= MARGIN * step * size), 1)
            if step > 1:
                image.draft(None, (width // step, height // step))
            orientation = image.getexif().get(ORIENTATION, 1)
            if greylevels.is_deep(image):
                # Before it is turned: a turned copy has lost what the file declares.
                decoded = _turn(greylevels.to_brightness(image, file, levels or Levels()), orientation)
            else:
                greylevels.check_shallow(image, file)
                decoded = _to_array(image if orientation == 1 else ImageOps.exif_transpose(image))
            if step == 1:
                return decoded, decoded.shape[:2], step
            # The orientations from 5 on lie on their side.
            return decoded, (width, height) if orientation >= 5 else (height, width), step
    except (DataError, MemoryError):
        raise
    except Exception as error:
        raise DataError(f"{shown(file)} {_unreadable(file, error)}") from None


def _room(pixels: int) -> Any:
    """Large pictures wait for each other: each of the threads with one of its own would fill the memory."""
    return _one_large if pixels > LARGE else nullcontext()


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Upright by EXIF's number, 1 to 8, as Pillow's `exif_transpose` does it."""
    flips = {2: (1,), 3: (0, 1), 4: (0,), 5: (), 6: (1,), 7: (0, 1), 8: (0,)}
    if orientation >= 5 and orientation in flips:
        pixels = pixels.T
    return np.ascontiguousarray(np.flip(pixels, flips.get(orientation, ())))


def _check_header(image: Any, file: Path) -> None:
    from PIL import Image

    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Image.DecompressionBombError
    if min(width, height) < MIN_SIDE:
        raise DataError(
            f"{shown(file)} is {width}x{height} pixels: there is nothing to see below {MIN_SIDE}x{MIN_SIDE}. "
            "Replace or remove it."
        )
    # A camera's MPO is a JPEG with previews behind the picture; anything else with frames is a film or a stack.
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise DataError(
            f"{shown(file)} holds {frames} frames: one picture is expected. Save the frame you mean as PNG."
        )


def _to_array(image: Any) -> np.ndarray:
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB"))


def _to_float(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Stored pixels as float32 in [0, 1]: (height, width) for one channel, (height, width, 3) for three."""
    scale = 1.0 if pixels.dtype.kind == "f" else 1.0 / np.iinfo(pixels.dtype).max
    if pixels.ndim == 2:
        grey = np.multiply(pixels, scale, dtype=np.float32)
        return grey if channels == 1 else np.repeat(grey[:, :, None], 3, axis=2)
    if pixels.shape[2] == 4:
        alpha = np.multiply(pixels[:, :, 3:], scale, dtype=np.float32)
        colour = np.multiply(pixels[:, :, :3], scale, dtype=np.float32) * alpha + (1 - alpha)
        scale = 1.0
    else:
        colour = pixels
    if channels == 3:
        return np.multiply(colour, scale, dtype=np.float32)
    grey = np.multiply(colour[:, :, 0], GREY_WEIGHTS[0] * scale, dtype=np.float32)
    for channel in (1, 2):
        grey += np.multiply(colour[:, :, channel], GREY_WEIGHTS[channel] * scale, dtype=np.float32)
    return grey


def _unreadable(file: Path, error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, Image.DecompressionBombError):
        many = f"more than {MAX_PIXELS // 1_000_000} million pixels"
        return f"has {many}, which would fill the memory. Scale it down, or remove it."
    if isinstance(error, PermissionError):
        return "may not be read by you: change its permissions, or copy it to a folder of yours."
    if isinstance(error, FileNotFoundError):
        return "has gone while the images were read. Put it back, or load again."
    if file.stat().st_size == 0:
        return "is empty (0 bytes). Copy it again, or remove it."
    if isinstance(error, UnidentifiedImageError):
        return what_it_is(file)
    # Only the reason: the text of an OSError may hold the whole path.
    return f"is damaged ({getattr(error, 'strerror', None) or error}). Copy it again, or remove it."
