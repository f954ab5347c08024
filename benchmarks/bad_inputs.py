"""Type and put what does not belong there, everywhere, and print what each command says: a table in Markdown.

`python benchmarks/bad_inputs.py` runs the commands in this process, in folders that go afterwards; nothing of the
checkout is written to, and nothing is fetched. The exit status is 1 if one of them ends with anything but a sentence.
"""

import io
import json
import os
import shutil
import signal
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
from click.testing import CliRunner
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
TINY = ("train", "--dataset", "skin", "--model", "lenet", "--n-train", "8", "--source", "phantom")
BRIEF = (*TINY, "--lr", "1e-3", "--epochs", "1")
"""A training that would be a matter of seconds, if nothing were wrong."""
LONGEST = 120
"""Seconds that no refusal takes."""
ESCAPE = "\x1b[2J\x1b]0;owned\x07"
TYPED: tuple[tuple[str, ...], ...] = (
    ("nonsense",),
    ("run",),
    ("run", "task99"),
    ("run", ""),
    ("run", ESCAPE),
    ("run", "../task1b"),
    ("run", "task1b", "-p", "lr", "fast"),
    ("run", "task1b", "-p", "lrate", "1e-3"),
    ("run", "task1b", "-p", "lr", "nan"),
    ("run", "task1b", "-p", "n_epoch", "1e99"),
    ("run", "task1b", "-p", "n_epoch", "9" * 5000),
    ("run", "task1b", "-p", "n_epoch", "(" * 300),
    ("run", "task1b", "-p", ESCAPE, "1"),
    ("run", "task1b", "--limit", "-1"),
    ("run", "task1b", "--limit", "nan"),
    ("run", "task1b", "--jobs", "0"),
    ("run", "task1b", "--scheduler", "host"),
    ("run", "task1b", "--scheduler", "tls://127.0.0.1:1"),
    ("run", "task1b", "--out", __file__),
    ("run", "--missing", "--source", "mine"),
    ("run", "--missing", "--quick"),
    (*TINY,),
    (*TINY, "--lr", "0", "--epochs", "1"),
    (*TINY, "--lr", "inf", "--epochs", "1"),
    (*TINY, "--lr", "1e-3", "--epochs", "0"),
    (*TINY, "--lr", "1e-3", "--epochs", "1e5"),
    (*TINY, "--lr", "1e-3", "--epochs", "9" * 30),
    (*BRIEF, "--dense", "[8"),
    (*BRIEF, "--dense", "[-8]"),
    (*BRIEF, "--dense", "[" * 5000),
    (*BRIEF, "--augmentation", '{"shift": "far"}'),
    (*BRIEF, "--augmentation", '{"wobble": 1}'),
    (*BRIEF, "--augmentation", "7"),
    (*BRIEF, "--dropout", "1"),
    (*BRIEF, "--seeds", "a,b"),
    (*BRIEF, "--seeds", ""),
    (*BRIEF, "--seeds", "-1"),
    (*BRIEF, "--n-base", "0"),
    (*BRIEF, "--n-base", "99999999"),
    (*BRIEF, "--batch-size", "0"),
    (*BRIEF, "--channels", "2"),
    (*BRIEF, "--image-size", "1000000"),
    ("train", "--dataset", "../etc", "--model", "lenet", "--lr", "1", "--epochs", "1"),
    ("train", "--dataset", ESCAPE, "--model", "lenet", "--lr", "1", "--epochs", "1"),
    ("train", "--dataset", "lung", "--model", "lenet", "--lr", "1", "--epochs", "1"),
    ("train", "--dataset", "skin", "--model", "resnet", "--lr", "1", "--epochs", "1"),
    ("train", "--dataset", "skin", "--model", "lenet", "--lr", "1", "--epochs", "1", "--source", "mine"),
    ("train", "--dataset", "skin", "--model", "lenet", "--lr", "1", "--epochs", "1", "--source", "course"),
    ("runs", "rm"),
    ("runs", "rm", ""),
    ("runs", "rm", "/"),
    ("runs", "rm", ".."),
    ("runs", "rm", "nothing"),
    ("runs", "rm", ESCAPE),
    ("verify",),
    ("verify", "nothing"),
    ("verify", "--some", "0"),
    ("verify", "--all", "--epochs", "0"),
    ("report", "--source", "mine"),
    ("report", "--beside", "mine"),
    ("report", "--source", ESCAPE),
    ("build", "nothing"),
    ("lab", "--reset", "task99"),
    ("lab", "--reset", ""),
    ("lab", "--reset", "../tests/reference/task1b"),
    ("course", __file__),
    ("course", "/proc/nowhere"),
    ("course", "{new}", "task99"),
    ("data", "audit", "no/such/folder"),
    ("data", "audit", ""),
    ("data", "audit", "/dev/null"),
    ("data", "fetch", "bone"),
    ("data", "fetch", ""),
    ("data", "fetch", "skin", "--size", "64"),
    ("data", "phantoms", "lung"),
    ("data", "phantoms", ""),
    ("data", "import", "no/such/folder", "mine"),
    ("data", "import", "{empty}", "mine"),
    ("data", "import", "{empty}", ""),
    ("data", "import", "{empty}", "../mine"),
    ("data", "import", "{empty}", "skin"),
    ("data", "import", "{empty}", ESCAPE),
    ("data", "import", "{empty}", "mine", "--shares", "1"),
    ("data", "import", "{empty}", "mine", "--shares", "nan,1"),
    ("data", "import", "{empty}", "mine", "--window", "9,1,3"),
    ("data", "import", "{empty}", "mine", "--window", "9,1"),
    ("data", "import", "{empty}", "mine", "--seed", "-1"),
    ("data", "import", "{empty}", "mine", "--label", "("),
    ("data", "import", "{empty}", "mine", "--several", "last"),
    ("data", "import", "/dev/zero", "mine"),
)
"""What somebody might type after `labutils`."""
SET: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("LABUTILS_THREADS", "many", BRIEF),
    ("LABUTILS_THREADS", "0", BRIEF),
    ("LABUTILS_THREADS", "²", BRIEF),
    ("LABUTILS_THREADS", "9" * 5000, BRIEF),
    ("LABUTILS_PRECISION", "int4", BRIEF),
    ("LABUTILS_PROGRESS", "loud", BRIEF),
    ("KERAS_BACKEND", "this", BRIEF),
    ("KERAS_BACKEND", "../evil", BRIEF),
    ("LABUTILS_RESULTS", "/dev/null", ("runs",)),
    ("LABUTILS_RESULTS", "/proc/1/nowhere", BRIEF),
    ("LABUTILS_RESULTS", "x" * 300, ("runs",)),
    ("LABUTILS_RESULTS", "~nobody-here/x", ("runs",)),
    ("LABUTILS_RESULTS", __file__, ("report",)),
    ("LABUTILS_DATA", "/no/such/folder", ("data", "audit", "skin")),
    ("LABUTILS_DATA", __file__, ("data", "audit")),
    ("LABUTILS_DATA", "x" * 300, ("data", "audit")),
    ("LABUTILS_DATA", "~nobody-here/x", ("data", "audit", "skin")),
    ("LABUTILS_MY_LAB", __file__, ("lab", "--no-open")),
    ("LABUTILS_MY_LAB", "/dev/null/x", ("lab", "--no-open")),
    ("LABUTILS_MY_LAB", "/dev/null", ("report", "--mine")),
    ("LABUTILS_MY_LAB", "~nobody-here/x", ("report", "--mine")),
)
"""Environment variables, and a command that reads them."""


def pictures(home: Path) -> dict[str, bytes]:
    """What may lie in a folder of images under the name of one."""
    whole = io.BytesIO()
    Image.fromarray(np.arange(4096, dtype=np.uint8).reshape(64, 64)).save(whole, "PNG")
    png = whole.getvalue()
    header = b"IHDR" + (100_000).to_bytes(4, "big") * 2 + png[24:29]
    huge = png[:12] + header + zlib.crc32(header).to_bytes(4, "big") + png[33:]
    film = io.BytesIO()
    frames = [Image.new("L", (32, 32), grey) for grey in (0, 99)]
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:])
    return {
        "nothing": b"",
        "zeros": bytes(1000),
        "text": b"hello",
        "half a PNG": png[: len(png) // 2],
        "a PNG of 10 gigapixels": huge,
        "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "a film": film.getvalue(),
        "a web page": b"<!DOCTYPE html><html>",
        "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\n",
        "DICOM": bytes(128) + b"DICM" + bytes(100),
        "ZIP": b"PK\x03\x04" + bytes(50),
    }


def put(place: str, how: Callable[[Path], object]) -> Callable[[Path], None]:
    """Something that takes the place of a file or folder below the one it is given."""

    def do(home: Path) -> None:
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        how(home / place)

    return do


def packed(name: str) -> bytes:
    """A ZIP file with a file of this name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "hello")
    return content.getvalue()


TRAIN = ("train", "--dataset", "skin", "--model", "lenet", "--lr", "1e-3", "--epochs", "1")
AUDIT = ("data", "audit", "skin")
IMPORT_ZIP = ("data", "import", "{empty}/x.zip", "mine")
IMPORT_TABLE = ("data", "import", "{empty}/x.csv", "mine")
PLACED: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "results/runs is a file": (put("results/runs/x", lambda p: (p.parent.rmdir(), p.parent.touch())), ("runs",)),
    "results/runs leads to itself": (
        put("results/runs/x", lambda p: (p.parent.rmdir(), p.parent.symlink_to(p.parent))),
        ("runs",),
    ),
    "a file among the runs": (put("results/runs/x", lambda p: p.touch()), ("runs",)),
    "an empty folder among the runs": (put("results/runs/x", lambda p: p.mkdir()), ("runs",)),
    "a run leads to itself": (put("results/runs/x", lambda p: p.symlink_to(p)), ("runs",)),
    "a run leads to the root": (put("results/runs/x", lambda p: p.symlink_to("/")), ("runs",)),
    "a run is a pipe": (put("results/runs/x", os.mkfifo), ("runs",)),
    "a run's name is a command": (put("results/runs/" + ESCAPE.replace("/", ""), lambda p: p.mkdir()), ("runs",)),
    "a run's name is no text": (put("results/runs/\udcff", lambda p: p.mkdir()), ("verify", "--all")),
    "an image is a pipe": (put("data/Skin/train/Mel_9.png", os.mkfifo), TRAIN),
    "an image is a folder": (put("data/Skin/train/Mel_9.png", lambda p: p.mkdir()), TRAIN),
    "an image leads to a device": (put("data/Skin/train/Mel_9.png", lambda p: p.symlink_to("/dev/zero")), TRAIN),
    "an image leads to itself": (put("data/Skin/train/Mel_9.png", lambda p: p.symlink_to(p)), TRAIN),
    "an image leads nowhere": (put("data/Skin/train/Mel_9.png", lambda p: p.symlink_to("/nowhere")), TRAIN),
    "an image is a pipe, audited": (put("data/Skin/train/Mel_9.png", os.mkfifo), AUDIT),
    "an image leads to a device, audited": (
        put("data/Skin/train/Mel_9.png", lambda p: p.symlink_to("/dev/zero")),
        AUDIT,
    ),
    "an image's name is a command": (put("data/Skin/train/Mel" + ESCAPE.replace("/", "") + ".png", Path.touch), TRAIN),
    "an image's name is no text": (put("data/Skin/train/Mel_\udcff.png", Path.touch), TRAIN),
    "an image's name has no class": (put("data/Skin/train/IMG_1.png", Path.touch), TRAIN),
    "an image's name has two classes": (put("data/Skin/train/Mel_Nev_1.png", Path.touch), TRAIN),
    "images of one class alone": (
        put("data/Skin/test/x", lambda p: [f.unlink() for f in p.parent.glob("Nev*")]),
        TRAIN,
    ),
    "classes.json is a pipe": (put("data/Skin/classes.json", os.mkfifo), TRAIN),
    "classes.json is a list": (put("data/Skin/classes.json", lambda p: p.write_text("[1]")), TRAIN),
    "classes.json nests": (put("data/Skin/classes.json", lambda p: p.write_text("[" * 10**5)), TRAIN),
    "classes.json has a command": (
        put("data/Skin/classes.json", lambda p: p.write_text(json.dumps({"class_names": ["Mel", ESCAPE]}))),
        TRAIN,
    ),
    "data/Skin is a file": (
        put("data/Skin/train/x", lambda p: (shutil.rmtree(p.parents[1]), p.parents[1].touch())),
        TRAIN,
    ),
    "data/Skin/test is a file": (put("data/Skin/test/x", lambda p: (shutil.rmtree(p.parent), p.parent.touch())), TRAIN),
    "data/Skin leads to itself": (
        put("data/Skin/x", lambda p: (shutil.rmtree(p.parent), p.parent.symlink_to(p.parent))),
        TRAIN,
    ),
    "a source of images is a pipe": (put("empty/Mel/1.png", os.mkfifo), ("data", "import", "{empty}", "mine")),
    "a CSV is a pipe": (put("empty/x.csv", os.mkfifo), IMPORT_TABLE),
    "a CSV of one long line": (
        put("empty/x.csv", lambda p: p.write_text("file,label\n" + "x" * 10**6)),
        IMPORT_TABLE,
    ),
    "a CSV that leads outside": (
        put("empty/x.csv", lambda p: p.write_text("file,label\n../../../etc/passwd,a\n")),
        IMPORT_TABLE,
    ),
    "a CSV of zeros": (
        put("empty/x.csv", lambda p: p.write_bytes(b"file,label\n\0\0,\0\n")),
        IMPORT_TABLE,
    ),
    "a CSV in Latin 1": (
        put("empty/x.csv", lambda p: p.write_bytes(b"file,label\n\xe4.png,\xe4\n")),
        IMPORT_TABLE,
    ),
    "a CSV with several labels": (
        put("empty/x.csv", lambda p: p.write_text(f"file,label\n../data/Skin/train/Mel_0.png,a|{ESCAPE}\n")),
        IMPORT_TABLE,
    ),
    "a ZIP that is none": (put("empty/x.zip", lambda p: p.write_bytes(b"PK\x03\x04")), IMPORT_ZIP),
    "a ZIP is a pipe": (put("empty/x.zip", os.mkfifo), IMPORT_ZIP),
    "a ZIP that leads outside": (put("empty/x.zip", lambda p: p.write_bytes(packed("../x.png"))), IMPORT_ZIP),
    "a ZIP with a command": (put("empty/x.zip", lambda p: p.write_bytes(packed(f"a/{ESCAPE}.png"))), IMPORT_ZIP),
    "my copies are a file": (put("my-lab/x", lambda p: (p.parent.rmdir(), p.parent.touch())), ("lab", "--no-open")),
    "a copy is a folder": (put("my-lab/task1b.ipynb", Path.mkdir), ("lab", "--no-open")),
    "a copy is a pipe": (put("my-lab/task1b.ipynb", os.mkfifo), ("report", "--mine")),
    "a copy is no notebook": (put("my-lab/task1b.ipynb", lambda p: p.write_text("{")), ("report", "--mine")),
}
"""What may stand where something else is expected, and a command that looks there."""


def hangs(*_: object) -> None:
    """What a command that waits for ever is ended with."""
    raise RuntimeError(f"it hangs, {LONGEST} s")


@contextmanager
def home() -> Iterator[Path]:
    """A folder for results, images and copies of one's own, where every command is to look."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        for name in ("results/runs", "data", "my-lab", "empty"):
            (place / name).mkdir(parents=True)
        os.environ["LABUTILS_RESULTS"] = str(place / "results")
        os.environ["LABUTILS_DATA"] = str(place / "data")
        os.environ["LABUTILS_MY_LAB"] = str(place / "my-lab")
        yield place


class Table:
    """Rows as they come, and how many of the inputs ended with anything but a sentence."""

    def __init__(self) -> None:
        self.rows, self.wrong = 0, 0
        print("| input | status | what it prints |\n| --- | --- | --- |")

    def add(self, what: str, arguments: tuple[str, ...], place: Path) -> None:
        from labutils.errors import visible
        from labutils.tools.cli import main

        typed = [
            word.replace("{empty}", str(place / "empty")).replace("{new}", str(place / "new")) for word in arguments
        ]
        signal.signal(signal.SIGALRM, hangs)
        signal.alarm(LONGEST)
        done = CliRunner().invoke(main, typed, prog_name="labutils")
        signal.alarm(0)
        fault = done.exception is not None and not isinstance(done.exception, SystemExit)
        lines = [line.strip() for line in done.output.replace(str(place), "HOME").splitlines() if line.strip()]
        said = [line for line in lines if not line.startswith(("Usage:", "Try "))]
        told = [line for line in said if "DAMAGED" in line or line.startswith("Error:")] or said or [""]
        last = f"TRACEBACK {type(done.exception).__name__}: {done.exception}" if fault else told[-1]
        unseen = any(not character.isprintable() for line in lines for character in line)
        self.rows, self.wrong = self.rows + 1, self.wrong + (fault or unseen)
        cells = (
            what or "labutils " + " ".join(word if word else "''" for word in arguments),
            int(done.exit_code),
            last,
        )
        shown = [visible(str(cell)).replace("|", "\\|") for cell in cells]
        shown = [cell if len(cell) < 400 else f"{cell[:150]} ... {cell[-100:]}" for cell in shown]
        print(f"| `{shown[0]}` | {shown[1]}{' UNSEEN' if unseen else ''} | {shown[2]} |", flush=True)


def damage(table: Table) -> None:
    """Every harm of the tests done to a stored run beside a whole one, which has to be listed still."""
    from helpers import store_run
    from test_runs_run import HARM

    for kind, (harm, _) in HARM.items():
        with home() as place:
            harmed = store_run(place / "results" / "runs")
            store_run(place / "results" / "runs", seed=1)
            harm(harmed)
            table.add(f"a run with {kind}, labutils runs", ("runs",), place)


def images(table: Table) -> None:
    """Each kind of a file that is none of the images it lies among."""
    with home() as place:
        kinds = pictures(place)
    for kind, content in kinds.items():
        with home() as place:
            good_images(place)
            (place / "data" / "Skin" / "train" / "Mel_9.png").write_bytes(content)
            table.add(f"{kind} as Mel_9.png, labutils train", TRAIN, place)


def good_images(home: Path) -> None:
    """A small data set that nothing is wrong with."""
    for split in ("train", "test"):
        folder = home / "data" / "Skin" / split
        folder.mkdir(parents=True)
        for name in ("Mel", "Nev"):
            for number in range(4):
                noise = np.random.default_rng([number, len(split), len(name)]).integers(
                    0, 256, (64, 64), dtype=np.uint8
                )
                Image.fromarray(noise).save(folder / f"{name}_{number}.png")


@click.command()
def main() -> None:
    """Print the table."""
    table = Table()
    for arguments in TYPED:
        with home() as place:
            table.add("", arguments, place)
    for name, value, arguments in SET:
        with home() as place:
            before = os.environ.get(name)
            os.environ[name] = value
            table.add(f"{name}={value} labutils {' '.join(arguments)}", arguments, place)
            os.environ.pop(name) if before is None else os.environ.update({name: before})
    damage(table)
    images(table)
    for what, (do, arguments) in PLACED.items():
        with home() as place:
            good_images(place)
            do(place)
            table.add(f"{what}, labutils {arguments[0]}", arguments, place)
    print(f"\n{table.rows} inputs, {table.wrong} of them ended with anything but a sentence.")
    sys.exit(table.wrong > 0)


if __name__ == "__main__":
    main()
