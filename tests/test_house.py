"""The house as ARCHITECTURE.md shows it: every room on the map, no circle of files, tests named for what they test."""

import ast
import json
import re
import subprocess
import tomllib

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


def test_every_test_is_named_for_a_room_or_a_module():
    known = rooms() | OF_THE_WHOLE
    names = [file.stem.removeprefix("test_") for file in TESTS.glob("test_*.py")]
    assert [
        name for name in names if not any(name == room or name.startswith(f"{room}_") for room in known if room)
    ] == []


def test_every_room_has_tests():
    tests = [file.stem.removeprefix("test_") for file in TESTS.glob("test_*.py")]
    top = [place for place in PACKAGE.iterdir() if place.suffix == ".py" or (place / "__init__.py").is_file()]
    names = [place.stem for place in top if place.stem not in ("__init__", "__pycache__")]
    assert [name for name in names if not any(f"{test}_".startswith(f"{name}_") for test in tests)] == []


def test_no_test_imports_from_a_test():
    for file in TESTS.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = [node.module] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in named if name and name.split(".")[-1].startswith("test_")], file.name


def circles(imports: dict[str, set[str]]) -> list[str]:
    """Files that import each other, directly or by way of others, each with what it can reach and is reached from."""
    reach = {name: set(direct) for name, direct in imports.items()}
    changed = True
    while changed:
        changed = False
        for reached in reach.values():
            further = set().union(*(reach[other] for other in reached)) - reached
            if further:
                reached |= further
                changed = True
    return sorted(name for name, reached in reach.items() if name in reached)


def test_no_files_import_each_other_in_a_circle():
    graph = grimp.build_graph("labutils", exclude_type_checking_imports=True)
    assert circles({name: graph.find_modules_directly_imported_by(name) for name in graph.modules}) == []


@pytest.mark.parametrize(
    ("imports", "found"),
    [({"a": {"b"}, "b": set()}, []), ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, ["a", "b", "c"])],
)
def test_a_circle_is_found(imports, found):
    assert circles(imports) == found


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
