"""Decoded images on disk, mapped into memory instead of decoded again.

An entry is found by the files it was made from and the settings: pixels (`.npy`), and what they must add up to
(`.json`). Anything wrong with it, and it is made again. Deleting the folder is always safe.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labutils import paths
from labutils.data import images
from labutils.errors import DataError
from labutils.paths import shown

CHUNK = 1 << 20  # bytes read at a time when an entry is checked: few enough to stay in the processor's own memory


class Entry(NamedTuple):
    """Decoded images of one split: `pixels` (n, size, size, channels), float32 in [0, 1], read-only.

    `digest` is a SHA-256 over the decoded pixels of all files, in order; `depth` how many bits files of 16 bits were
    found to use, 0 where all of them say so themselves.
    """

    pixels: np.ndarray
    digest: str
    depth: int


def load_entry(
    label: str,
    root: Path,
    files: Sequence[str],
    size: int,
    channels: int,
    progress: bool = True,
    window: tuple[float, float] | None = None,
    check: Callable[[], None] = lambda: None,
) -> Entry:
    """The images of `files`, relative to `root`, from the cache if they are there, else decoded and kept.

    `label` is the entry's name on disk, `size` the side in pixels; `check` is called before images are decoded. A
    DataError names every file that cannot be read.
    """
    slot, key = _identify(label, root, files, size, channels, window)
    folder = paths.generated_dir() / "cache"
    place, shape = folder / f"{slot}-{key}", (len(files), size, size, channels)
    if (found := _open(place, shape)) is not None:
        return found
    check()
    # Imported here: opening what is cached needs no lock.
    from filelock import FileLock

    paths_to_read = [root / file for file in files]
    levels = images.find_levels(paths_to_read, window)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{slot}.lock"):
            # Another kernel may have made it while this one waited.
            if (found := _open(place, shape)) is None:
                # What else has this name is from writers that were killed, or older than the files.
                for old in folder.glob(f"{slot}-*"):
                    # On Windows an entry that another kernel still maps cannot be removed; it will go next time.
                    with suppress(OSError):
                        old.unlink()
                _make(place, paths_to_read, shape, levels, progress)
                found = _open(place, shape)
    except (OSError, NotImplementedError) as error:
        # A full or read-only disk, or one without locks: slower, but no reason to stop.
        reason = getattr(error, "strerror", None) or error
        warnings.warn(
            f"{shown(folder)} cannot be written ({reason}): the images are decoded anew every time.",
            stacklevel=2,
        )
    if found is not None:
        return found
    pixels, hashes = images.load_images(paths_to_read, size, channels, progress, levels)
    pixels.flags.writeable = False
    return Entry(pixels, _digest(hashes), levels.depth)


def _identify(
    label: str, root: Path, files: Sequence[str], size: int, channels: int, window: tuple[float, float] | None
) -> tuple[str, str]:
    """The name that an entry shares with its successors, and the key of the files' present state."""
    place = os.path.abspath(root)
    slot = f"{label}-{len(files)}x{size}x{size}x{channels}-{hashlib.sha256(os.fsencode(place)).hexdigest()[:8]}"
    state = hashlib.sha256(f"{images.VERSION} {size} {channels} ".encode() + os.fsencode(place))
    if window is not None:
        state.update(f"{window} ".encode())
    for file in files:
        try:
            status = os.stat(f"{place}/{file}")
        except OSError as error:
            raise DataError(f"{shown(root / file)} cannot be read ({error.strerror}). Put it back.") from None
        state.update(os.fsencode(file) + f"\0{status.st_size} {status.st_mtime_ns}\n".encode())
    return slot, state.hexdigest()[:16]


def _open(entry: Path, shape: tuple[int, ...]) -> Entry | None:
    """An entry, or None if it is absent or anything about it is wrong."""
    array_file, sums_file = _files(entry)
    try:
        recorded = json.loads(sums_file.read_text(encoding="utf-8"))
        mapped = np.load(array_file, mmap_mode="r", allow_pickle=False)
        if mapped.shape != shape or mapped.dtype != np.float32 or recorded["sums"] != _sums(array_file, mapped.offset):
            return None
        # A plain array over the same map: slicing a memmap object costs much more.
        return Entry(mapped.view(np.ndarray), str(recorded["digest"]), int(recorded["depth"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def _make(entry: Path, files: Sequence[Path], shape: tuple[int, ...], levels: images.Levels, progress: bool) -> None:
    """Writes an entry image by image; it has its name only once it is complete."""
    array_file, sums_file = _files(entry)
    growing = array_file.with_suffix(".npy.tmp")
    hashes: list[str] = []
    try:
        with open(growing, "wb") as stream:
            descr = np.lib.format.dtype_to_descr(np.dtype(np.float32))
            np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
            offset = stream.tell()
            # Written, not mapped: a full disk is an error here, and the end of the process under a map.
            for block, block_hashes in images.iterate_images(files, shape[1], shape[3], progress, levels):
                stream.write(np.ascontiguousarray(block).data)
                hashes += block_hashes
        sums = _sums(growing, offset)
        os.replace(growing, array_file)
    finally:
        growing.unlink(missing_ok=True)
    growing = sums_file.with_suffix(".json.tmp")
    growing.write_text(json.dumps({"digest": _digest(hashes), "depth": levels.depth, "sums": sums}), encoding="utf-8")
    os.replace(growing, sums_file)


def _sums(array_file: Path, offset: int) -> str:
    """A checksum over everything behind the header, quick enough for every opening; no protection against intent."""
    hashed = hashlib.sha256()
    buffer = np.empty(CHUNK // 8, np.uint64)
    with open(array_file, "rb") as stream:
        stream.seek(offset)
        while count := stream.readinto(buffer.data.cast("B")):
            buffer.view(np.uint8)[count:] = 0
            hashed.update(buffer.reshape(-1, 1024).sum(axis=1, dtype=np.uint64).tobytes())
    return hashed.hexdigest()[:32]


def _files(entry: Path) -> tuple[Path, Path]:
    return entry.with_name(entry.name + ".npy"), entry.with_name(entry.name + ".json")


def _digest(hashes: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()
