"""The `data` commands: exit status, what they say, and nothing heavy to start."""

import pytest
from click.testing import CliRunner
from picture_helpers import make_pictures, write_set
from PIL import Image

from labutils import paths
from labutils.tools.cli.data import data


def run(*arguments):
    return CliRunner().invoke(data, [str(one) for one in arguments])


def leak(folder):
    (folder / "test" / "Mel_0002.png").write_bytes((folder / "train" / "Mel_0005.png").read_bytes())


def spoil(folder):
    (folder / "test" / "Mel_0002.png").write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("harm", "status", "says"),
    [
        (lambda folder: None, 0, ("80 training images", "simple numbers, linear", "simple numbers, forest")),
        (leak, 1, ("LEAKAGE", "leak: train/Mel_0005.png | test/Mel_0002.png")),
        (spoil, 0, ("Unreadable files: problem", "Simple models were not measured: not every file can be read.")),
    ],
)
def test_audit(tmp_path, harm, status, says):
    harm(write_set(tmp_path / "Skin"))
    result = run("audit", tmp_path / "Skin")
    assert result.exit_code == status and all(words in result.output for words in says)
    assert ("LEAKAGE" in result.output) == (harm is leak)


def test_audit_of_everything_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "generated_dir", lambda: tmp_path / "data")
    monkeypatch.setenv("LABUTILS_DATA", str(tmp_path))
    result = run("audit")
    assert result.exit_code == 2 and "labutils data phantoms" in result.output
    write_set(tmp_path / "Skin")
    picture = Image.fromarray(make_pictures(1, seed=9)[0])
    for name in ("train/AFF_1.png", "train/NFF_1.png", "test/AFF_1.png", "test/NFF_1.png"):
        (tmp_path / "data" / "phantoms" / "Bone" / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(tmp_path / "data" / "phantoms" / "Bone" / name)
    result = run("audit")
    assert result.exit_code == 1 and "Skin: course data" in result.output and "Bone: PHANTOMS" in result.output
    assert run("audit", "skin").exit_code == 0


def test_fetch_passes_on_what_was_asked(monkeypatch):
    asked = []
    monkeypatch.setattr("labutils.tools.public.fetch.fetch", lambda *args, show: (asked.append(args), show("CC BY-NC")))
    result = run("fetch", "skin", "--size", "224")
    assert result.exit_code == 0 and asked == [("skin", 224)] and "CC BY-NC" in result.output


def test_phantoms_are_drawn_once(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "generated_dir", lambda: tmp_path)
    drawn = []
    monkeypatch.setattr("labutils.phantoms.write.write_phantoms", lambda *asked: drawn.append(asked))
    monkeypatch.setattr("labutils.phantoms.files.is_complete", lambda name, folder: name == "bone")
    assert run("phantoms", "xray").exit_code == 0 and drawn == [("x_ray", tmp_path / "phantoms" / "X_ray")]
    result = run("phantoms")
    assert [name for name, _ in drawn[1:]] == ["skin", "x_ray"] and "Bone is there already" in result.output
