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
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from labutils.audit import duplicates
from labutils.data.images import read_image
from labutils.data.layouts import find_files, read_classes
from labutils.errors import DataError
from labutils.tools.public import archives, download
from labutils.tools.public import fetch as public

REGIONS = ("Hand", "HeadCT", "CXR")


class Server(ThreadingHTTPServer):
    """Serves `content`; `cut` breaks the connection after that many bytes, `status` answers with an error.

    `ranges` is whether it knows parts, `told` the length that is told where it is not the true one (empty: none).
    """

    daemon_threads = True
    content, status, ranges, told = b"", 200, True, None

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cut, self.asked, self.paths = [], [], []  # the Range header of every request, and for what it was
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.asked.append(asked)
        server.paths.append(self.path)
        start = int(asked[len("bytes=") : -1]) if asked and server.ranges else 0
        if server.status != 200 or start >= len(server.content):
            self.send_error(server.status if server.status != 200 else 416)
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


def medmnist(seed, n=12, twins=0):
    """A file like MedMNIST's; the first `twins` images of each validation class are copies of training images."""
    arrays, rng = {}, np.random.default_rng(seed)
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


def mednist(seed, n=12, extra=()):
    """A file like MedNIST's, with members of other names and kinds."""
    file, rng = io.BytesIO(), np.random.default_rng(seed)
    members = {"MedNIST/README.md": b"what this is"}
    for region in (*REGIONS, "Unused"):
        for number in range(n):
            jpeg = io.BytesIO()
            Image.fromarray(make_picture(rng)).convert("L").save(jpeg, "JPEG", quality=95)
            members[f"MedNIST/{region}/{number:06}.jpeg"] = jpeg.getvalue()
            members[f"MedNIST/{region}/._{number:06}.jpeg"] = b"left by macOS"
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, kind in [*((name, tarfile.REGTYPE) for name in members), *extra]:
            member, content = tarfile.TarInfo(name), members.get(name, b"")
            member.type, member.linkname, member.size = kind, "/etc/hostname", len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


SKIN, ARRAYS = medmnist(1)
XRAY = mednist(3)
HOW = {  # what stands in for a collection: how it is unpacked, its classes, how many images are wanted
    "skin": (public.DERMAMNIST, archives.unpack_medmnist, {"Mel": 4, "Nev": 5}, (8, 3)),
    "x_ray": (public.MEDNIST, archives.unpack_folders, {name: name for name in REGIONS}, (6, 1)),
}


@pytest.fixture
def offer(server, monkeypatch):
    """Puts content on the server and on the list of downloads, of which it may be told what is changed."""
    monkeypatch.setattr(download, "ATTEMPTS", 1)

    def do(content, name="skin", wanted=None, **changes):
        server.content = content
        collection, unpack, classes, usual = HOW[name]
        how = partial(unpack, classes=classes, wanted=wanted or usual)
        collection = replace(collection, unpack=how, class_names=tuple(classes))
        md5, url = hashlib.md5(content).hexdigest(), f"{server.address}/archive"
        entry = public.Download(name, 48, url, "archive.bin", md5, 10_000_000, collection)
        monkeypatch.setattr(public, "DOWNLOADS", (replace(entry, **changes),))

    return do


def visible(folder):
    """What a person or the loader sees: everything whose name does not start with a dot."""
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def fetch(name, folder):
    said = []
    return public.fetch(name, folder=folder, show=said.append), said


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
        images, labels = (np.concatenate([ARRAYS[f"{part}_{what}"] for part in parts]) for what in ("images", "labels"))
        for file, label in zip(split.files, split.labels, strict=True):
            assert labels[(images == np.asarray(Image.open(file))).all(axis=(1, 2, 3))].tolist() == [[4 + label]]
    assert "CC BY-NC 4.0" in said[0] and "Tschandl" in said[0] and server.address in said[0]
    manifest = json.loads((folder / public.MANIFEST).read_text())
    assert manifest["images"] == 22 and "CC BY-NC" in manifest["licence"]
    again, _ = fetch("skin", tmp_path / "again")
    files = [{str(p.relative_to(one)): p.read_bytes() for p in one.rglob("*.png")} for one in (folder, again)]
    assert files[0] == files[1] and len(files[0]) == 22, "the choice depends on the seed alone"


def test_lookalikes_of_training_images_stay_out_of_validation(offer, monkeypatch, tmp_path):
    # Every training image of the file is taken, so that each of its twins has to be recognised.
    offer(medmnist(2, twins=3)[0], wanted=(12, 6))
    folder, _ = fetch("skin", tmp_path)
    assert most_alike(folder) < archives.TOO_ALIKE
    monkeypatch.setattr(duplicates, "SIMILAR", 2.0)
    monkeypatch.setattr(archives, "TOO_ALIKE", 2.0)
    (folder / public.MANIFEST).write_text("{}")
    assert most_alike(fetch("skin", tmp_path)[0]) > 0.9


def test_x_ray_has_its_own_classes(offer, tmp_path):
    offer(XRAY, "x_ray")
    folder, _ = fetch("xray", tmp_path)
    assert read_classes("x_ray", folder).shown == REGIONS
    train, validation = find_files("x_ray", folder)
    assert np.bincount(train.labels).tolist() == [6] * 3 and np.bincount(validation.labels).tolist() == [1] * 3
    # The files are those of the archive, byte for byte.
    with tarfile.open(fileobj=io.BytesIO(XRAY)) as tar:
        known = {tar.extractfile(m).read(): m.name.split("/")[1] for m in tar if "/0" in m.name}
    for split in (train, validation):
        assert [known[file.read_bytes()] for file in split.files] == [REGIONS[label] for label in split.labels]


@pytest.mark.parametrize(
    ("changes", "served", "says"),
    [
        ({"md5": "0" * 32}, {}, r"archive\.bin .* not the file that was expected \(its md5 is not 0000"),
        ({"sha256": "0" * 64}, {}, r"not the file that was expected \(its sha256 is not 0000"),
        ({}, {"status": 500}, r"is in trouble \(it answered 500 .*try again later"),
        ({}, {"status": 404}, r"does not give out .*404.*The address may have changed"),
        ({"url": "http://127.0.0.1:9/archive"}, {}, "no connection.*goes on where it stopped"),
        ({"largest": 100_000}, {}, "it has more than 100,000 bytes"),
        ({"largest": 100_000}, {"told": ""}, "it has more than 100,000 bytes"),
        ({"largest": 100_000}, {"told": "0"}, "not the file that was expected"),
        ({"largest": 100_000}, {"told": "many"}, "not the file that was expected"),
    ],
)
def test_what_cannot_be_fetched_is_not_kept(server, offer, tmp_path, changes, served, says):
    offer(SKIN, **changes)
    vars(server).update(served)
    with pytest.raises(DataError, match=says):
        fetch("skin", tmp_path)
    assert visible(tmp_path) == [] and not any(file.stat().st_size for file in (tmp_path / ".downloads").iterdir())


def test_a_second_call_does_nothing_unless_a_file_was_lost_and_then_wants_the_same_sha256(server, offer, tmp_path):
    offer(SKIN)
    folder, _ = fetch("skin", tmp_path)
    manifest, train = folder / public.MANIFEST, folder / "train"
    told, before = json.loads(manifest.read_text()), train.stat().st_mtime_ns
    assert told["sha256"] == hashlib.sha256(server.content).hexdigest()
    _, said = fetch("skin", tmp_path)
    assert len(server.asked) == 1 and "there already" in said[0] and train.stat().st_mtime_ns == before
    next(train.iterdir()).unlink()
    manifest.write_text(json.dumps(told | {"sha256": "1" * 64}))  # as if another file with this md5 had come
    with pytest.raises(DataError, match=r"its sha256 is not 1111"):
        fetch("skin", tmp_path)
    for nonsense in (None, 3, "1" * 63, "../" * 20):
        manifest.write_text(json.dumps(told | {"sha256": nonsense}))
        fetch("skin", tmp_path)
        assert json.loads(manifest.read_text()) == told and len(list(train.iterdir())) == 16
        next(train.iterdir()).unlink()


@pytest.mark.parametrize(("ranges", "attempts"), [(True, 1), (False, 1), (True, 2), (False, 2)])
def test_a_connection_that_breaks_goes_on_where_it_stopped(server, offer, monkeypatch, tmp_path, ranges, attempts):
    offer(SKIN)
    server.ranges, server.cut = ranges, [60_000]
    monkeypatch.setattr(download, "ATTEMPTS", attempts)
    part = tmp_path / ".downloads" / "archive.bin.part"
    if attempts == 1:
        with pytest.raises(DataError, match="goes on where it stopped"):
            fetch("skin", tmp_path)
        assert visible(tmp_path) == [] and 40_000 < part.stat().st_size <= 60_000
    fetch("skin", tmp_path)
    assert visible(tmp_path) == ["Skin"] and len(server.asked) == 2
    assert server.asked[0] is None and 40_000 < int(server.asked[1].strip("bytes=-")) <= 60_000
    part.write_bytes(SKIN)  # one that is complete needs no bytes
    (tmp_path / "Skin" / public.MANIFEST).write_text("{}")
    fetch("skin", tmp_path)
    assert server.asked[2:] == [f"bytes={len(SKIN)}-"] if ranges else len(server.asked) == 3


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "REG") for name in ("../x.jpeg", "MedNIST/../../x.jpeg", "/tmp/x.jpeg", "C:\\x.jpeg", "..\\x.jpeg")),
        *(("MedNIST/Hand/x.jpeg", kind) for kind in ("SYM", "LNK", "FIFO")),
    ],
)
def test_unsafe_archive_is_refused(offer, tmp_path, name, kind):
    offer(mednist(9, 1, extra=[(name, getattr(tarfile, f"{kind}TYPE"))]), "x_ray")
    with pytest.raises(DataError, match="nothing was unpacked") as caught:
        fetch("x_ray", tmp_path / "public")
    assert repr(name) in str(caught.value)
    assert visible(tmp_path / "public") == [] and visible(tmp_path) == ["public"]


@pytest.mark.parametrize("where", ["requests.get", "PIL.Image.Image.save"])
@pytest.mark.parametrize(
    ("stop", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "is full"),
        (OSError(errno.EFBIG, ""), r"cannot be written .the file is larger than .* allows.. Mend that"),
        (KeyboardInterrupt(), "^$"),
    ],
)
def test_what_stops_it_leaves_nothing_that_is_seen(server, offer, monkeypatch, tmp_path, where, stop, says):
    offer(SKIN)
    with monkeypatch.context() as patch, pytest.raises((DataError, KeyboardInterrupt), match=says):
        patch.setattr(where, Mock(side_effect=stop))
        fetch("skin", tmp_path)
    assert visible(tmp_path) == []
    assert not list(tmp_path.rglob("*.part")) and not list(tmp_path.glob("*.partial"))
    # What a killed process leaves behind does not get into the next attempt, which need not fetch again.
    (tmp_path / ".Skin.partial" / "train").mkdir(parents=True)
    (tmp_path / ".Skin.partial" / "train" / "Mel_9999.png").write_bytes(b"")
    folder, _ = fetch("skin", tmp_path)
    assert visible(folder) == ["source.json", "test", "train"] and len(find_files("skin", folder)[0].files) == 16
    assert len(server.asked) == 1


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
        ("skin", medmnist(13, n=2)[0], "8 are needed"),
        ("x_ray", b"\x1f\x8b\x08" + bytes(100), "is damaged"),
        ("x_ray", mednist(13, 0, [("MedNIST/Hand/1.jpeg", tarfile.REGTYPE)]), "cannot be read"),
        ("x_ray", b"no archive at all", "is damaged"),
        ("x_ray", mednist(13, n=2), "6 are needed"),
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


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("address", ["", "http://127.0.0.1:9", "socks5://127.0.0.1:9", "http://", "nonsense:x:y"])
def test_a_proxy_is_asked_and_one_that_refuses_or_is_none_is_a_sentence(
    server, offer, monkeypatch, tmp_path, address, scheme
):
    """As that of a clinic, which wants a password."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", address or server.address)
    offer(SKIN, url=f"{scheme}://images.invalid/archive")
    server.status = 407
    with pytest.raises(DataError, match=r"archive\.bin could not be fetched .*proxy.*HTTPS_PROXY"):
        fetch("skin", tmp_path)
    assert bool(server.paths) == (not address) and visible(tmp_path) == []
    if (address, scheme) == ("", "http"):
        server.status = 200
        fetch("skin", tmp_path)
        assert server.paths == ["http://images.invalid/archive"] * 2 and visible(tmp_path) == ["Skin"]
