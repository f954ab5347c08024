"""One image file to numbers, and many at once on all cores. What belongs to which class is not known here.

The pixels are those of scikit-image, `resize(imread(file, as_gray=True), (size, size), anti_aliasing=True)`, at a
fraction of the time: Pillow decodes, `scaling` scales, and of a JPEG much larger than asked for only the coarse part
is decoded.
"""

import hashlib
import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from labutils.data.errors import DataError, shown
from labutils.data.scaling import apply_weights, resize_image, weights

__all__ = ["iterate_images", "load_images", "read_image", "resize_image"]

VERSION = 1
"""Raised when the same files give other pixels than before: caches and fingerprints of older versions lapse."""

GREY_WEIGHTS = (0.2125, 0.7154, 0.0721)
"""Red, green, blue: the luminance weights of scikit-image's `rgb2gray` (Rec. 709)."""

ORIENTATION = 0x0112
"""EXIF tag that tells which way up a photograph was taken."""

PHOTOMETRIC = 262
"""TIFF tag that tells whether zero is white (0) or black (1)."""

MIN_SIDE = 8
MAX_PIXELS = 80_000_000
MARGIN = 8
"""How many times larger than asked for a JPEG still is when its fine part is left out.

The result then differs by less than one grey level of 255 from that of the whole, even at edges from black to
white (by two where a glaring colour meets white); at 4 it is two levels there, at 2 ten.
"""
BLOCK = 16
"""Images that a thread decodes, at most, before it reports back."""


def read_image(file: Path, channels: int = 1) -> np.ndarray:
    """One image at its own size, upright, on white where it is transparent.

    Parameters
    ----------
    file : Path
        JPEG, PNG, TIFF, BMP, GIF or WebP with one frame.
    channels : int
        1 (grey) or 3 (colour).

    Returns
    -------
    ndarray
        (height, width) for one channel, (height, width, 3) for three; float32 in [0, 1].

    Raises
    ------
    DataError
        If the file is no image, is damaged, too small or too large, has several frames, or holds values that are
        not brightnesses.
    """
    return _to_float(_decode(file, None)[0], channels)


def load_images(
    files: Sequence[Path], size: int, channels: int = 1, progress: bool = True
) -> tuple[np.ndarray, list[str]]:
    """Images decoded and scaled on all cores.

    Returns
    -------
    pixels : ndarray
        (n, size, size, channels), float32 in [0, 1], in the order of `files`.
    hashes : list of str
        SHA-256 of the decoded pixels of each file, before scaling.

    Raises
    ------
    DataError
        Names every file that cannot be read.
    """
    pixels = np.empty((len(files), size, size, channels), np.float32)
    hashes: list[str] = []
    for block, block_hashes in iterate_images(files, size, channels, progress):
        pixels[len(hashes) : len(hashes) + len(block)] = block
        hashes += block_hashes
    return pixels, hashes


def iterate_images(
    files: Sequence[Path], size: int, channels: int = 1, progress: bool = True
) -> Iterator[tuple[np.ndarray, list[str]]]:
    """As `load_images`, a few images at a time and in order, so that a large folder need not fit into memory."""
    # Threads, not processes: decoding and the products run outside Python's lock, and threads work in a notebook
    # on every system.
    from tqdm.auto import tqdm

    workers = _cores()
    # Few images may be large ones: every core should have some.
    block = max(1, min(BLOCK, len(files) // (4 * workers)))
    blocks = deque(files[start : start + block] for start in range(0, len(files), block))
    waiting: deque[Future[tuple[np.ndarray, list[str], list[DataError]]]] = deque()
    problems: list[DataError] = []
    bar = tqdm(
        total=len(files),
        desc="Reading images",
        unit="image",
        delay=1,
        leave=False,
        disable=not (progress and _watched()),
    )
    with bar, ThreadPoolExecutor(workers) as pool:
        while blocks or waiting:
            while blocks and len(waiting) < 2 * workers:
                waiting.append(pool.submit(_load_block, blocks.popleft(), size, channels))
            pixels, hashes, found = waiting.popleft().result()
            problems += found
            bar.update(len(pixels))
            if not problems:
                yield pixels, hashes
    if problems:
        raise _together(problems)


def _load_block(files: Sequence[Path], size: int, channels: int) -> tuple[np.ndarray, list[str], list[DataError]]:
    pixels = np.zeros((len(files), size, size, channels), np.float32)
    hashes, problems = [], []
    for index, file in enumerate(files):
        try:
            decoded, (height, width), step = _decode(file, size)
            sides = weights(height, size, step), weights(width, size, step)
            scaled = apply_weights(_to_float(decoded, channels), *sides)
        except DataError as error:
            problems.append(error)
            continue
        pixels[index] = scaled.reshape(size, size, channels)
        header = f"{decoded.dtype.str} {decoded.shape}".encode()
        hashed = hashlib.sha256(header)
        hashed.update(np.ascontiguousarray(decoded).data)
        hashes.append(hashed.hexdigest())
    return pixels, hashes, problems


def _decode(file: Path, size: int | None) -> tuple[np.ndarray, tuple[int, int], int]:
    """Pixels as stored (uint8, uint16 or float32), full height and width, and the scale they were decoded at."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            _check_header(image, file)
            width, height = image.size
            step = 1
            if size is not None and image.format in ("JPEG", "MPO"):
                step = _step(min(width, height), size)
            if step > 1:
                image.draft(None, (width // step, height // step))
            orientation = image.getexif().get(ORIENTATION, 1)
            decoded = _to_array(image if orientation == 1 else ImageOps.exif_transpose(image), file)
            if step == 1:
                return decoded, decoded.shape[:2], step
            # The orientations from 5 on lie on their side.
            return decoded, (width, height) if orientation >= 5 else (height, width), step
    except (DataError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise DataError(_too_large(file)) from None
    except Exception as error:
        raise DataError(_unreadable(file, error)) from None


def _step(side: int, size: int) -> int:
    return next((step for step in (8, 4, 2) if side >= MARGIN * step * size), 1)


def _check_header(image: Any, file: Path) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise DataError(_too_large(file))
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


def _to_array(image: Any, file: Path) -> np.ndarray:
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)
        # Radiographs in TIFF may count from white; Pillow turns only 8-bit ones round.
        white_is_zero = image.format == "TIFF" and image.tag_v2.get(PHOTOMETRIC) == 0
        return 65535 - values if white_is_zero else values
    if image.mode == "F":
        return _check_floats(np.asarray(image), file)
    if image.mode == "I":
        raise DataError(
            f"{shown(file)} holds 32-bit whole numbers, whose range nobody knows. Save it as 8- or 16-bit PNG."
        )
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB"))


def _check_floats(values: np.ndarray, file: Path) -> np.ndarray:
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise DataError(f"{shown(file)} holds {bad} values that are no numbers (NaN or infinite). Mend or remove it.")
    if values.min() < 0 or values.max() > 1:
        raise DataError(
            f"{shown(file)} holds values from {values.min():.4g} to {values.max():.4g}: "
            "brightness should lie between 0 and 1. Scale it, or save it as 8- or 16-bit PNG."
        )
    return values.astype(np.float32)


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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _watched() -> bool:
    """Whether to show a bar: as `LABUTILS_PROGRESS` says, else in a terminal or a notebook that a person runs."""
    if asked := os.environ.get("LABUTILS_PROGRESS"):
        return asked == "bar"
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return sys.stderr.isatty()
    # Programs that run notebooks, papermill and nbval among them, cannot answer input().
    return bool(getattr(kernel, "_allow_stdin", True))


def _together(problems: list[DataError]) -> DataError:
    first, others = str(problems[0]), len(problems) - 1
    if not others:
        return problems[0]
    more = "".join(f"\n{problem}" for problem in problems[1:10])
    return DataError(f"{first}{more}" + (f"\n... and {others - 9} more files." if others > 9 else ""))


def _too_large(file: Path) -> str:
    return (
        f"{shown(file)} has more than {MAX_PIXELS // 1_000_000} million pixels, which would fill the memory. "
        "Scale it down, or remove it."
    )


def _unreadable(file: Path, error: Exception) -> str:
    if isinstance(error, PermissionError):
        return f"{shown(file)} may not be read by you: change its permissions, or copy it to a folder of yours."
    if isinstance(error, FileNotFoundError):
        return f"{shown(file)} has gone while the images were read. Put it back, or load again."
    if file.stat().st_size == 0:
        return f"{shown(file)} is empty (0 bytes). Copy it again, or remove it."
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return f"{shown(file)} is not an image, whatever its name says. Replace or remove it."
    # Only the reason: the text of an OSError may hold the whole path.
    reason = getattr(error, "strerror", None) or error
    return f"{shown(file)} is damaged ({reason}). Copy it again, or remove it."
