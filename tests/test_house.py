"""Tests mirror the package: a module's tests are found by its name, and what tests share is in helpers."""

import ast
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from labutils import paths

TESTS = paths.ROOT / "tests"
PACKAGE = paths.ROOT / "labutils"
ELSEWHERE = {
    "test_check": "test_course_checking",
    "test_cli_course": "test_course_copies",
    "test_course_answers": "test_course_copies",
    "test_course_ask": "test_course_predict",
    "test_course_cells": "test_course_copies",
    "test_course_checks_case": "test_course_checking",
    "test_course_checks_curves": "test_course_checking",
    "test_course_checks_layers": "test_course_checking",
    "test_course_checks_metrics": "test_course_checking",
    "test_course_checks_networks": "test_course_checking",
    "test_course_checks_pictures": "test_course_checking",
    "test_course_grading": "test_course_handout",
    "test_course_mine": "test_course_copies",
    "test_course_progress": "test_course_copies",
    "test_course_questions": "test_course_predict",
    "test_course_solutions": "test_course_checking",
    "test_data_description": "test_data_cases",
    "test_data_greylevels": "test_data_cases",
    "test_data_listing": "test_data_cases",
    "test_data_phantoms_severity": "test_data_phantoms_draw_skin",
    "test_data_sniff": "test_data_cases",
    "test_imports_pictures": "test_imports_importing",
    "test_imports_record": "test_imports_importing",
    "test_imports_staging": "test_imports_importing",
    "test_machine": "test_progress",
    "test_names": "test_data_cases",
    "test_runs_own": "test_course_copies",
    "test_widgets_breaking": "test_widgets_looking",
    "test_widgets_control": "test_widgets_explore",
    "test_widgets_instruments": "test_widgets_numbers",
    "test_widgets_page": "test_widgets_numbers",
    "test_widgets_record": "test_widgets_play",
    "test_widgets_strip": "test_widgets_looking",
    "test_data_locate": "test_audit_judge",
    "test_data_phantoms_draw_xray": "test_data_phantoms_write",
    "test_data_phantoms_files": "test_data_phantoms_write",
    "test_data_phantoms_radiograph": "test_data_phantoms_write",
    "test_evaluate_conditions": "test_evaluate_claims",
    "test_evaluate_courses": "test_evaluate_claims",
    "test_evaluate_findings": "test_evaluate_claims",
    "test_evaluate_verdicts": "test_evaluate_claims",
    "test_plots_curves": "test_plots",
    "test_plots_evidence": "test_plots",
    "test_plots_figure": "test_plots",
    "test_plots_live": "test_plots",
    "test_plots_pictures": "test_plots",
    "test_public_archives": "test_public_fetch",
    "test_public_download": "test_public_fetch",
    "test_runs_disk": "test_runs_store",
    "test_runs_files": "test_runs_store",
    "test_runs_schema": "test_runs_reading",
    "test_training_bands": "test_training_verify",
    "test_training_exam": "test_training_request",
    "test_training_fit": "test_training_request",
}
"""Modules that are tested through the one they serve: the name that their tests would have, and where they are."""


def mirror(module: Path) -> str:
    return "_".join(["test", *module.relative_to(PACKAGE).with_suffix("").parts])


MODULES = [file for file in sorted(PACKAGE.rglob("*.py")) if file.stem not in ("__init__", "__main__")]


@pytest.mark.parametrize("module", MODULES, ids=mirror)
def test_every_module_has_tests_of_its_name(module):
    name = ELSEWHERE.get(mirror(module), mirror(module))
    assert (TESTS / f"{name}.py").is_file(), f"{module.relative_to(paths.ROOT)} has no tests/{name}.py"


def test_no_test_imports_from_a_test():
    for file in TESTS.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = [node.module] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in named if name and name.split(".")[-1].startswith("test_")], file.name


def test_the_map_shows_every_room_on_its_floor():
    """ARCHITECTURE.md names the rooms of the contract that import-linter holds, the higher floors first."""
    contract = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    floors = [floor.replace("|", " ").split() for floor in contract["contracts"][0]["layers"]]
    table = (paths.ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## The floors")[1].split("\n## ")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("| ")]
    named = [row.replace("/`", "`") for row in rows]
    places = {room: [i for i, row in enumerate(named) if f"`{room}`" in row] for floor in floors for room in floor}
    assert [room for room, found in places.items() if len(found) != 1] == []
    for higher, lower in pairwise(floors):
        assert max(places[room][0] for room in higher) <= min(places[room][0] for room in lower), (higher, lower)
