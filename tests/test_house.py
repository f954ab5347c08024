"""The house as ARCHITECTURE.md shows it: every room on the map, no circle of files, tests named for what they test."""

import ast
import json
import re
import subprocess
import tomllib
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

import labutils
from labutils import paths

TESTS = paths.ROOT / "tests"
PACKAGE = paths.ROOT / "labutils"
OF_THE_WHOLE = {"docstrings", "fuzz", "house", "licences", "machines", "notebooks", "planted_faults"}
"""Tests that are about no single room."""


def rooms() -> set[str]:
    """Every module and package, as its tests would be called: `training`, `training_fit`."""
    files = [file.relative_to(PACKAGE).with_suffix("") for file in PACKAGE.rglob("*.py")]
    return {"_".join(part for part in file.parts if part != "__init__") for file in files}


def test_every_test_is_named_for_a_room_or_a_module_and_every_room_has_tests():
    known, names = rooms() | OF_THE_WHOLE, [file.stem.removeprefix("test_") for file in TESTS.glob("test_*.py")]
    strange = [n for n in names if not any(n == room or n.startswith(f"{room}_") for room in known if room)]
    untested = [room for room in rooms() if "_" not in room and not any(f"{n}_".startswith(f"{room}_") for n in names)]
    assert (strange, [room for room in untested if room]) == ([], [])


def test_no_test_imports_from_a_test():
    for file in TESTS.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = [node.module] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in named if name and name.split(".")[-1].startswith("test_")], file.name


def test_no_files_import_each_other_in_a_circle():
    graph = grimp.build_graph("labutils", exclude_type_checking_imports=True)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    TopologicalSorter(imports).prepare()  # a CycleError names the files of a circle
    with pytest.raises(CycleError):
        TopologicalSorter(imports | {"labutils.errors": {"labutils.training.train"}}).prepare()


def test_the_map_shows_every_room():
    """ARCHITECTURE.md has a row for every room of the contract that import-linter holds."""
    contract = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    named = [room for line in contract["contracts"][0]["layers"] for room in line.replace(":", " ").split()]
    table = (paths.ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## The rooms")[1].split("\n## ")[0]
    first = "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| "))
    assert [room for room in named if f"`{room}`" not in first and f"`{room}/`" not in first] == []


def test_what_starts_the_lab_elsewhere_names_what_is_there():
    root = paths.ROOT
    container = json.loads((root / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    targets = re.findall(r"^([\w./-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.M)
    steps = "\n".join(file.read_text(encoding="utf-8") for file in (root / ".github/workflows").glob("*.yml"))
    assert {*re.findall(r"\bmake ([\w./-]+)", f"{steps} {container['postCreateCommand']}")} <= {*targets}
    docker = (root / "Dockerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", docker, re.M) for name in line.split()]
    binder = (root / ".binder/postBuild").read_text(encoding="utf-8")
    wanted = [*copied, *re.findall(r"-r (\S+)", docker + binder)]
    assert {"labutils", "notebooks", "results", "requirements.txt"} <= {*wanted}
    assert [name for name in wanted if not (root / name).exists()] == []
    seen = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{name}" for name in copied} <= {*seen}, "and Docker is given it"


def test_the_version_stands_in_one_place_and_the_changelog_tells_of_it():
    kept = subprocess.run(["git", "ls-files"], cwd=paths.ROOT, capture_output=True, text=True).stdout.split()
    texts = [paths.ROOT / name for name in kept if name.endswith((".py", ".toml", ".cff", "Dockerfile", "Makefile"))]
    told = re.compile(rf"^\s*(__version__|version)\s*[:=]\s*\"?{re.escape(labutils.__version__)}\b", re.M)
    assert [file.name for file in texts if told.search(file.read_text(encoding="utf-8"))] == ["__init__.py"]
    changes = (paths.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(labutils.__version__)}\b", changes, re.M)
