"""What is cached is what would be decoded; anything wrong with it and it is made again, unasked."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from labutils import paths
from labutils.data import cache, images
from labutils.errors import DataError

FILES = [f"train/{number:02}.png" for number in range(20)]
IMAGE = 4 * 32 * 32  # bytes
HEAD = 128


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder of twenty small images, and a cache of its own."""
    monkeypatch.setattr(paths, "generated_dir", lambda: tmp_path / "generated")
    folder = tmp_path / "Skin"
    (folder / "train").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for file in FILES:
        Image.fromarray(rng.integers(0, 256, (40, 50), dtype=np.uint8)).save(folder / file)
    return folder


@pytest.fixture
def decoded(monkeypatch):
    """How many images were decoded instead of mapped, call by call."""
    calls, real = [], images.iterate_images

    def counted(files, *settings):
        calls.append(len(files))
        return real(files, *settings)

    monkeypatch.setattr(images, "iterate_images", counted)
    return calls


def load(root, files=FILES, size=32, channels=1):
    return cache.load_entry("Skin-train", root, files, size, channels, progress=False)[:2]


def entry(root, suffix):
    (file,) = (root.parent / "generated" / "cache").glob(f"*{suffix}")
    return file


def test_second_time_is_mapped_and_equal(root, decoded):
    direct, _ = images.load_images([root / file for file in FILES], 32, progress=False)
    decoded.clear()
    (first, digest), (second, again) = load(root), load(root)
    assert decoded == [20] and digest == again
    np.testing.assert_array_equal(first, direct)
    np.testing.assert_array_equal(second, direct)
    assert type(second) is np.ndarray and isinstance(second.base, np.memmap) and not second.flags.writeable


def test_other_settings_and_versions_are_other_entries(root, decoded, monkeypatch):
    load(root)
    assert load(root, size=40)[0].shape == (20, 40, 40, 1)
    assert load(root, channels=3)[0].shape == (20, 32, 32, 3)
    assert load(root, files=FILES[:6])[0].shape == (6, 32, 32, 1)
    load(root)
    assert decoded == [20, 20, 20, 6]
    monkeypatch.setattr(images, "VERSION", images.VERSION + 1)
    load(root)
    assert len(decoded) == 5


def test_changed_file_is_decoded_and_the_old_entry_removed(root, decoded):
    before, digest = load(root)
    os.utime(root / FILES[3], ns=(1, 1))
    assert load(root)[1] == digest, "touched, not changed"
    Image.new("L", (40, 50), 255).save(root / FILES[3])
    after, new_digest = load(root)
    assert decoded == [20, 20, 20] and new_digest != digest
    assert after[3].min() > 0.999 and before[3].min() < 1
    assert entry(root, ".npy").exists(), "one alone"


@pytest.mark.parametrize(
    ("suffix", "harm"),
    [
        (".npy", lambda data: data[:-100]),
        (".npy", lambda data: b"\0garbage" * 100),
        (".npy", lambda data: data[:8192] + bytes(4096) + data[12288:]),
        (".npy", lambda data: data[:HEAD] + data[-IMAGE:] + data[HEAD + IMAGE : -IMAGE] + data[HEAD : HEAD + IMAGE]),
        (".npy", lambda data: data[:-7] + bytes([data[-7] ^ 4]) + data[-6:]),
        *((suffix, lambda data, other=other: other) for suffix in (".npy", ".json") for other in (None, b"")),
        *((".json", lambda data, other=other: other) for other in (b"{}", b"[1]", b'{"dig')),
        (".json", lambda data: b'{"digest": "x", "sums": "y"}'),
    ],
)
def test_damaged_entry_is_made_again(root, decoded, suffix, harm):
    """Cut, garbage, a page of zeros, two images exchanged, a flipped bit, gone, empty; a poor record."""
    pixels, digest = load(root)
    good, file = np.array(pixels), entry(root, suffix)
    data = harm(file.read_bytes())
    file.unlink()
    if data is not None:
        file.write_bytes(data)
    for _ in range(2):
        pixels, again = load(root)
        np.testing.assert_array_equal(pixels, good)
        assert again == digest
    assert decoded == [20, 20]


@pytest.mark.parametrize(
    ("harm", "says"),
    [(lambda file: file.write_bytes(b"no image"), "is not an image"), (os.remove, r"cannot be read")],
)
def test_entry_is_complete_or_absent(root, harm, says):
    harm(root / FILES[-1])
    with pytest.raises(DataError, match=rf"19\.png {says}"):
        load(root)
    cache_folder = root.parent / "generated" / "cache"
    assert {file.suffix for file in cache_folder.glob("*")} <= {".lock"}


def test_what_a_killed_writer_left_is_cleared(root):
    load(root)
    stale = entry(root, ".npy").rename(entry(root, ".npy").with_suffix(".npy.tmp"))
    load(root)
    assert not stale.exists()


@pytest.mark.parametrize("trouble", ["a full disk", "the cache is a file"])
def test_trouble_costs_the_cache_and_not_the_data(root, monkeypatch, trouble):
    _, digest = load(root)
    monkeypatch.setattr(paths, "generated_dir", lambda: root.parent / "other")
    if trouble == "a full disk":
        error = OSError(errno.ENOSPC, "No space left on device")
        monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(error))
    else:
        (root.parent / "other").mkdir()
        (root.parent / "other" / "cache").touch()
    with pytest.warns(UserWarning, match=r"cannot be written \(.*\): the images are decoded anew every time"):
        pixels, same = load(root)
    assert pixels.shape == (20, 32, 32, 1) and same == digest and not pixels.flags.writeable


def test_two_at_once_decode_once(root, decoded):
    with ThreadPoolExecutor(3) as pool:
        digests = {digest for _, digest in pool.map(load, [root] * 3)}
    assert len(digests) == 1 and decoded == [20]
