"""What `labutils doctor` finds, and what it says to type."""

import shutil
from importlib.metadata import version

import pytest
from helpers import made_up_run, state_of, tiny_config, tiny_dataset

from labutils import doctor, paths
from labutils.runs import RunStore


@pytest.fixture
def pinned(tmp_path, monkeypatch):
    """A repository whose requirements.txt says what is written into it."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    return (tmp_path / "requirements.txt").write_text


HASH = " \\\n    --hash=sha256:0123456789abcdef"


def test_pins_are_read_past_comments_hashes_and_markers(pinned):
    pinned(f"# made by uv\nnumpy=={version('numpy')}{HASH}\nnot-there==1.0 ; sys_platform == 'elsewhere'{HASH}\n-e .\n")
    assert str(doctor._packages()) == str(doctor.Check("packages", "1 as pinned in requirements.txt"))


def test_other_versions_and_missing_packages_are_named(pinned):
    pinned(f"numpy==0.1{HASH}\nnot-there==1.0{HASH}\n")
    check = doctor._packages()
    assert check.found == f"2 differ: numpy {version('numpy')}, not-there missing"
    assert check.remedy == "pip install -r requirements.txt"


def test_the_repositorys_own_pins_are_read():
    assert len(doctor._pins()) > 100 and all("==" in line and "\\" not in line for line in doctor._pins())


def test_damaged_runs_are_counted_and_one_is_named(results):
    store, data = RunStore(), tiny_dataset()
    for seed in range(3):
        run = made_up_run(tiny_config(seed=seed), data)
        place = store.put(run, state_of(run), None).path
    assert doctor._runs() == doctor.Check("stored runs", "3 readable")
    (place / "history.csv").write_text("nonsense")
    assert doctor._runs() == doctor.Check("stored runs", "2 readable, 1 damaged", f"labutils runs rm {place.name}")
    shutil.rmtree(place)
    assert doctor._runs().remedy == ""


def test_a_full_disk_and_an_unknown_backend_have_a_remedy(monkeypatch):
    monkeypatch.setattr(doctor, "SMALLEST_DISK", 10.0**9)
    assert doctor._disk().remedy == "make room"
    monkeypatch.setenv("KERAS_BACKEND", "abacus")
    assert doctor._machine().remedy == "set KERAS_BACKEND to tensorflow, jax or torch"


def test_the_table_has_a_row_for_every_check_and_a_dash_where_nothing_is_to_do():
    table = doctor.table([doctor.Check("disk", "enough"), doctor.Check("images", "none", "draw them")])
    assert table["to do"].tolist() == ["-", "draw them"] and table.index.tolist() == ["disk", "images"]
