"""A study's file that a power failure or a merge has damaged: used up to its last whole line, and the rest is kept."""

import os

import pytest
from helpers import made_up_run, tiny_config, tiny_dataset

from labutils.errors import StoreError
from labutils.training import search

DATASET = tiny_dataset()
BASE = tiny_config(epochs=3)


@pytest.fixture
def trials(results, monkeypatch):
    """The file of a study with three trials; training is replaced by made-up runs."""
    monkeypatch.setattr("labutils.training.train", lambda config, dataset, **_: made_up_run(config, dataset))
    search.study(BASE, DATASET, 3)
    return next(results.rglob("*.study.jsonl"))


def cut(content: bytes) -> bytes:
    return content[:-40]


def merged(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    third = [i for i, line in enumerate(lines) if b'"op_code":4' in line][2]
    ours = b"".join(lines[third:])
    return b"".join(lines[:third]) + b"<<<<<<< HEAD\n" + ours + b"=======\n" + ours + b">>>>>>> theirs\n"


def last_line(new: bytes):
    return lambda content: b"".join(content.splitlines(keepends=True)[:-1]) + new + b"\n"


def without_newline(content: bytes) -> bytes:
    return content.removesuffix(b"\n")


def other_value(value: bytes):
    def harm(content: bytes) -> bytes:
        before, _, after = content.rpartition(b'"values":[')
        return before + b'"values":[' + value + after[after.index(b"]") :]

    return harm


@pytest.mark.parametrize(
    "harm",
    [
        cut,
        without_newline,
        merged,
        last_line(b"not json"),
        last_line(b"[1, 2]"),
        last_line(b"null"),
        last_line(b'{"op_code": 99, "worker_id": "a"}'),
        last_line(b"[" * 100_000),
        last_line(b"\xff\xfe"),
        other_value(b"NaN"),
        other_value(b"1e999"),
        other_value(b"7"),
        other_value(b'"x"'),
    ],
)
def test_a_damaged_study_is_used_up_to_its_last_whole_line(trials, capsys, harm):
    whole, damaged = trials.read_bytes(), harm(trials.read_bytes())
    trials.write_bytes(damaged)
    found = search.study(BASE, DATASET, 3, train_missing=False)
    said = capsys.readouterr().out
    assert len(search.finished(found)) == 2 and "2 of 3 trials are stored" in said
    assert f"{trials.name} is damaged after line" in said and f"kept in {trials.name}.damaged" in said
    assert whole.startswith(trials.read_bytes()) and trials.with_name(f"{trials.name}.damaged").read_bytes() == damaged
    # It goes on from there, and is whole again.
    assert len(search.finished(search.study(BASE, DATASET, 3))) == 3
    assert "damaged" not in capsys.readouterr().out


def test_a_study_that_lost_its_first_line_starts_again(trials, capsys):
    trials.write_bytes(trials.read_bytes()[5:])
    assert search.finished(search.study(BASE, DATASET, 3, train_missing=False)) == []
    assert "is damaged after line 0" in capsys.readouterr().out
    assert len(search.finished(search.study(BASE, DATASET, 2))) == 2


def test_a_study_of_another_name_is_left_alone(trials):
    trials.write_bytes(trials.read_bytes().replace(b'"study_name":"', b'"study_name":"other-'))
    before = trials.read_bytes()
    assert search.finished(search.study(BASE, DATASET, 3, train_missing=False)) == []
    assert trials.read_bytes() == before
    assert len(search.finished(search.study(BASE, DATASET, 1))) == 1


def test_a_whole_study_is_not_written_to(trials, capsys):
    before = trials.read_bytes()
    assert len(search.finished(search.study(BASE, DATASET, 3, train_missing=False))) == 3
    assert trials.read_bytes() == before and "damaged" not in capsys.readouterr().out
    assert [file.name for file in trials.parent.iterdir()] == [trials.name]


@pytest.mark.parametrize(("make", "kind"), [(os.mkfifo, "a pipe"), (os.mkdir, "a folder")])
def test_what_is_no_file_is_a_sentence(trials, make, kind):
    trials.unlink()
    make(trials)
    with pytest.raises(StoreError, match=rf"study\.jsonl cannot be read \(is {kind}"):
        search.study(BASE, DATASET, 3)
