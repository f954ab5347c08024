"""Public images from a local server: what arrives is laid out like the course's; what goes wrong leaves nothing."""

import errno
import hashlib
import io
import json
import tarfile
import threading
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labutils.audit import duplicates
from labutils.data.images import read_image
from labutils.data.layouts import find_files, read_class_names
from labutils.errors import DataError
from labutils.tools.public import archives, download
from labutils.tools.public import fetch as public

REGIONS = ("Hand", "HeadCT", "CXR")


class Server(ThreadingHTTPServer):
    """Serves `content`; `cut` breaks the connection after that many bytes, `status` answers with an error."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.cut, self.status = b"", [], 200
        self.ranges = True
        self.told = None  # the length that is told, where it is not the true one
        self.asked, self.paths = [], []  # the Range header of every request, and for what it was

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/archive"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        server.paths.append(self.path)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(asked[len("bytes=") : -1]) if asked and server.ranges else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if server.told != "":
            self.send_header("Content-Length", server.told or str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cut.pop(0)] if server.cut else body)

    def do_CONNECT(self):  # as a proxy that wants a password
        self.server.paths.append(self.path)
        self.send_error(407)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def make_picture(rng, size=48):
    """A picture unlike any other: coarse random blocks, smoothed a little."""
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def medmnist(rng, n=12, twins=0):
    """A file like MedMNIST's; the first `twins` images of each validation class are copies of training images."""
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = np.stack([make_picture(rng) for _ in range(4 * n)])
        arrays[f"{part}_labels"] = np.repeat([1, 4, 5, 5], n)[:, None].astype(np.uint8)
    for label in (4, 5):
        for late in ("val", "test"):
            train = np.flatnonzero(arrays["train_labels"] == label)
            copies = np.flatnonzero(arrays[f"{late}_labels"] == label)[:twins]
            arrays[f"{late}_images"][copies] = arrays["train_images"][train[:twins], ::-1] // 2 + 60
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue(), arrays


def mednist(rng, n=12, extra=()):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        add(tar, "MedNIST/README.md", b"what this is")
        for region in (*REGIONS, "Unused"):
            for number in range(n):
                jpeg = io.BytesIO()
                Image.fromarray(make_picture(rng)).convert("L").save(jpeg, "JPEG", quality=95)
                add(tar, f"MedNIST/{region}/{number:06}.jpeg", jpeg.getvalue())
                add(tar, f"MedNIST/{region}/._{number:06}.jpeg", b"left by macOS")
        for name, kind in extra:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/hostname"
            tar.addfile(member)
    return file.getvalue()


def add(tar, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


SKIN, ARRAYS = medmnist(np.random.default_rng(1))
XRAY = mednist(np.random.default_rng(3))
UNPACK = {"skin": archives.unpack_medmnist, "x_ray": archives.unpack_folders}
CLASSES = {"skin": {"Mel": 4, "Nev": 5}, "x_ray": {name: name for name in REGIONS}}


@pytest.fixture
def offer(server, monkeypatch):
    """Puts content on the server and on the list of downloads, of which it may be told what is changed."""
    monkeypatch.setattr(download, "ATTEMPTS", 1)

    def do(content, name="skin", wanted=None, **changes):
        server.content = content
        wanted = wanted or {"skin": (8, 3), "x_ray": (6, 1)}[name]
        collection = replace(
            public.DERMAMNIST if name == "skin" else public.MEDNIST,
            unpack=partial(UNPACK[name], classes=CLASSES[name], wanted=wanted),
            class_names=tuple(CLASSES[name]),
        )
        md5 = hashlib.md5(content).hexdigest()
        entry = public.Download(name, 48, server.url, "archive.bin", md5, 10_000_000, collection)
        monkeypatch.setattr(public, "DOWNLOADS", (replace(entry, **changes),))

    return do


def visible(folder: Path):
    """What a person or the loader sees: everything whose name does not start with a dot."""
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def fetch(name, folder, **settings):
    said = []
    return public.fetch(name, folder=folder, show=said.append, **settings), said


def most_alike(folder):
    train, validation = (
        np.stack([duplicates.make_thumbnail(read_image(file)) for file in split.files])
        for split in find_files("skin", folder)
    )
    return duplicates.similarity_to(validation, train).max()


def test_skin_is_laid_out_like_the_course(server, offer, tmp_path):
    offer(SKIN)
    folder, said = fetch("skin", tmp_path)
    assert folder == tmp_path / "Skin" and visible(tmp_path) == ["Skin"]
    assert list((tmp_path / ".downloads").iterdir()) == []
    train, validation = find_files("skin", folder)
    assert np.bincount(train.labels).tolist() == [8, 8] and np.bincount(validation.labels).tolist() == [3, 3]
    assert train.files[0].name == "Mel_0001.png"
    # Lossless, from the right part and with the right label.
    for split, parts in ((train, ("train",)), (validation, ("val", "test"))):
        for file, label in zip(split.files, split.labels, strict=True):
            pixels = np.asarray(Image.open(file))
            labels = [
                ARRAYS[f"{part}_labels"][i, 0]
                for part in parts
                for i in np.flatnonzero((ARRAYS[f"{part}_images"] == pixels).all(axis=(1, 2, 3)))
            ]
            assert labels == [4 + label]
    assert "CC BY-NC 4.0" in said[0] and "Tschandl" in said[0] and server.url in said[0]
    manifest = json.loads((folder / public.MANIFEST).read_text())
    assert manifest["images"] == 22 and "CC BY-NC" in manifest["licence"]
    again, _ = fetch("skin", tmp_path / "again")
    files = [{str(p.relative_to(one)): p.read_bytes() for p in one.rglob("*.png")} for one in (folder, again)]
    assert files[0] == files[1] and len(files[0]) == 22, "the choice depends on the seed alone"


def test_lookalikes_of_training_images_stay_out_of_validation(offer, monkeypatch, tmp_path):
    # Every training image of the file is taken, so that each of its twins has to be recognised.
    offer(medmnist(np.random.default_rng(2), twins=3)[0], wanted=(12, 6))
    folder, _ = fetch("skin", tmp_path)
    assert most_alike(folder) < archives.TOO_ALIKE
    monkeypatch.setattr(duplicates, "SIMILAR", 2.0)
    monkeypatch.setattr(archives, "TOO_ALIKE", 2.0)
    (folder / public.MANIFEST).write_text("{}")
    assert most_alike(fetch("skin", tmp_path)[0]) > 0.9


def test_x_ray_has_its_own_classes(offer, tmp_path):
    offer(XRAY, "x_ray")
    folder, _ = fetch("xray", tmp_path)
    assert read_class_names("x_ray", folder) == REGIONS
    train, validation = find_files("x_ray", folder)
    assert np.bincount(train.labels).tolist() == [6] * 3 and np.bincount(validation.labels).tolist() == [1] * 3
    # The files are those of the archive, byte for byte.
    with tarfile.open(fileobj=io.BytesIO(XRAY)) as tar:
        known = {tar.extractfile(m).read(): m.name.split("/")[1] for m in tar if "/0" in m.name}
    for split in (train, validation):
        for file, label in zip(split.files, split.labels, strict=True):
            assert known[file.read_bytes()] == REGIONS[label]


def test_second_call_does_nothing_unless_a_file_was_lost(server, offer, tmp_path):
    offer(SKIN)
    folder, _ = fetch("skin", tmp_path)
    before = (folder / "train").stat().st_mtime_ns
    _, said = fetch("skin", tmp_path)
    assert len(server.asked) == 1 and "there already" in said[0]
    assert (folder / "train").stat().st_mtime_ns == before
    next((folder / "train").iterdir()).unlink()
    fetch("skin", tmp_path)
    assert len(server.asked) == 2 and len(list((folder / "train").iterdir())) == 16


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"md5": "0" * 32}, 200, r"archive\.bin .* not the file that was expected \(its md5 is not 0000"),
        ({"sha256": "0" * 64}, 200, r"not the file that was expected \(its sha256 is not 0000"),
        ({}, 500, r"is in trouble \(it answered 500 .*try again later"),
        ({}, 404, r"does not give out .*404.*The address may have changed"),
        ({"url": "http://127.0.0.1:9/archive"}, 200, "no connection.*goes on where it stopped"),
    ],
)
def test_what_cannot_be_fetched(server, offer, tmp_path, changes, status, says):
    offer(SKIN, **changes)
    server.status = status
    with pytest.raises(DataError, match=says):
        fetch("skin", tmp_path)
    assert visible(tmp_path) == [] and not any(file.stat().st_size for file in (tmp_path / ".downloads").iterdir())


@pytest.mark.parametrize("told", [None, "", "0", "many"])
def test_a_file_that_is_too_large_is_not_kept(server, offer, tmp_path, told):
    offer(bytes(300_000), largest=100_000)
    server.told = told
    with pytest.raises(DataError, match="not the file that was expected") as caught:
        fetch("skin", tmp_path)
    assert "it has more than 100,000 bytes" in str(caught.value) or told in ("0", "many")
    assert list((tmp_path / ".downloads").iterdir()) == []


def test_a_file_fetched_again_has_the_sha256_that_it_had_at_first(server, offer, tmp_path):
    offer(SKIN)
    folder, _ = fetch("skin", tmp_path)
    manifest = folder / public.MANIFEST
    told = json.loads(manifest.read_text())
    assert told["sha256"] == hashlib.sha256(server.content).hexdigest()
    next((folder / "train").iterdir()).unlink()
    manifest.write_text(json.dumps(told | {"sha256": "1" * 64}))  # as if another file with this md5 had come
    with pytest.raises(DataError, match=r"its sha256 is not 1111"):
        fetch("skin", tmp_path)
    for nonsense in (None, 3, "1" * 63, "../" * 20):
        manifest.write_text(json.dumps(told | {"sha256": nonsense}))
        fetch("skin", tmp_path)
        assert json.loads(manifest.read_text()) == told
        next((folder / "train").iterdir()).unlink()


@pytest.mark.parametrize(("ranges", "attempts"), [(True, 1), (False, 1), (True, 2), (False, 2)])
def test_a_connection_that_breaks_goes_on_where_it_stopped(server, offer, monkeypatch, tmp_path, ranges, attempts):
    offer(SKIN)
    server.ranges, server.cut = ranges, [60_000]
    monkeypatch.setattr(download, "ATTEMPTS", attempts)
    if attempts == 1:
        with pytest.raises(DataError, match="goes on where it stopped"):
            fetch("skin", tmp_path)
        assert visible(tmp_path) == []
        assert 40_000 < (tmp_path / ".downloads" / "archive.bin.part").stat().st_size <= 60_000
    fetch("skin", tmp_path)
    assert visible(tmp_path) == ["Skin"] and len(server.asked) == 2
    assert server.asked[0] is None and 40_000 < int(server.asked[1].strip("bytes=-")) <= 60_000


def test_part_that_is_complete_needs_no_bytes(offer, tmp_path):
    offer(SKIN)
    (tmp_path / ".downloads").mkdir()
    (tmp_path / ".downloads" / "archive.bin.part").write_bytes(SKIN)
    fetch("skin", tmp_path)
    assert visible(tmp_path) == ["Skin"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../x.jpeg", tarfile.REGTYPE),
        ("MedNIST/../../x.jpeg", tarfile.REGTYPE),
        ("/tmp/x.jpeg", tarfile.REGTYPE),
        ("C:\\x.jpeg", tarfile.REGTYPE),
        ("..\\x.jpeg", tarfile.REGTYPE),
        ("MedNIST/Hand/x.jpeg", tarfile.SYMTYPE),
        ("MedNIST/Hand/x.jpeg", tarfile.LNKTYPE),
        ("MedNIST/Hand/x.jpeg", tarfile.FIFOTYPE),
    ],
)
def test_unsafe_archive_is_refused(offer, tmp_path, name, kind):
    offer(mednist(np.random.default_rng(9), 1, extra=[(name, kind)]), "x_ray")
    with pytest.raises(DataError, match="nothing was unpacked") as caught:
        fetch("x_ray", tmp_path / "public")
    assert repr(name) in str(caught.value)
    assert visible(tmp_path / "public") == [] and visible(tmp_path) == ["public"]


@pytest.mark.parametrize("where", ["requests.get", "PIL.Image.Image.save"])
@pytest.mark.parametrize(
    ("code", "says"),
    [(errno.ENOSPC, "is full"), (errno.EFBIG, r"cannot be written .the file is larger than .* allows.. Mend that")],
)
def test_what_the_disk_does_not_take(offer, monkeypatch, tmp_path, where, code, says):
    offer(SKIN)

    def full(*args, **kwargs):
        raise OSError(code, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(where, full)
        with pytest.raises(DataError, match=says):
            fetch("skin", tmp_path)
    assert visible(tmp_path) == []
    assert not list(tmp_path.rglob("*.part")) and not list(tmp_path.glob("*.partial"))
    assert visible(fetch("skin", tmp_path)[0]) == ["source.json", "test", "train"]


def test_interrupted_while_unpacking(server, offer, monkeypatch, tmp_path):
    offer(SKIN)
    save, written = Image.Image.save, []

    def interrupted(image, path):
        written.append(path)
        if len(written) > 5:
            raise KeyboardInterrupt
        save(image, path)

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch("skin", tmp_path)
    assert visible(tmp_path) == []
    # What a killed process leaves behind does not get into the next attempt, which need not fetch again.
    (tmp_path / ".Skin.partial" / "train").mkdir(parents=True)
    (tmp_path / ".Skin.partial" / "train" / "Mel_9999.png").write_bytes(b"")
    folder, _ = fetch("skin", tmp_path)
    assert len(server.asked) == 1 and len(find_files("skin", folder)[0].files) == 16


def test_files_of_somebody_else_are_left_alone(server, offer, tmp_path):
    offer(SKIN)
    mine = tmp_path / "Skin" / "train" / "Mel_0001.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(DataError, match="left as it is"):
        fetch("skin", tmp_path)
    assert mine.read_bytes() == b"mine" and server.asked == []


def misplaced(content: bytes, by: int) -> bytes:
    """A ZIP file that says that its list of contents begins elsewhere."""
    at = len(content) - 6
    told = int.from_bytes(content[at : at + 4], "little") + by
    return content[:at] + told.to_bytes(4, "little") + content[at + 4 :]


def pickled() -> bytes:
    file = io.BytesIO()
    np.savez(file, train_labels=np.array([{}], dtype=object))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("skin", misplaced(SKIN, 10**7), "not a MedMNIST file"),  # found by fuzzing
        ("skin", pickled(), "not a MedMNIST file"),
        ("skin", b"no archive at all", "not a MedMNIST file"),
        ("skin", medmnist(np.random.default_rng(13), n=2)[0], "8 are needed"),
        ("x_ray", b"\x1f\x8b\x08" + bytes(100), "is damaged"),
        ("x_ray", mednist(np.random.default_rng(13), 0, [("MedNIST/Hand/1.jpeg", tarfile.REGTYPE)]), "cannot be read"),
        ("x_ray", b"no archive at all", "is damaged"),
        ("x_ray", mednist(np.random.default_rng(13), n=2), "6 are needed"),
        ("x_ray", XRAY[:-2000], "is damaged"),
    ],
)
def test_archive_of_another_form(offer, tmp_path, name, content, says):
    offer(content, name)
    with pytest.raises(DataError, match=says):
        fetch(name, tmp_path)
    assert visible(tmp_path) == []


def test_what_is_offered():
    assert public.find_download("skin").size == 128 and public.find_download("skin", 224).md5.startswith("8974")
    assert public.find_download("xray").collection is public.MEDNIST
    assert all(len(one.md5) == 32 and one.url.startswith("https://") for one in public.DOWNLOADS)


@pytest.fixture
def proxy(server, monkeypatch):
    """The server is the proxy of a clinic."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, server.url.removesuffix("/archive"))
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.content = SKIN
    return server


def through_proxy(folder, scheme="http"):
    md5 = hashlib.md5(SKIN).hexdigest()
    return download.download(f"{scheme}://images.invalid/skin.npz", folder / "skin.npz", md5, 10_000_000)


def test_a_download_goes_through_the_proxy(tmp_path, proxy):
    assert through_proxy(tmp_path).read_bytes() == SKIN and proxy.paths == ["http://images.invalid/skin.npz"]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("address", [None, "http://127.0.0.1:9", "socks5://127.0.0.1:9", "http://", "nonsense:x:y"])
def test_a_proxy_that_refuses_or_is_none_is_a_sentence(tmp_path, proxy, monkeypatch, address, scheme):
    proxy.status = 407
    if address:
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", address)
    with pytest.raises(DataError, match=r"skin\.npz could not be fetched .*proxy.*HTTPS_PROXY"):
        through_proxy(tmp_path, scheme)
    assert bool(proxy.paths) == (address is None) and not (tmp_path / "skin.npz").exists()
