"""What was made from somebody's images says so: a licence and a citation beside it, and no weights of real images."""

import json
import subprocess

import pytest

from labutils import paths
from labutils.tools.public.fetch import DOWNLOADS

RUNS = sorted((paths.ROOT / "results" / "runs").glob("*/provenance.json"))


def read(*parts: str) -> str:
    return " ".join(paths.ROOT.joinpath(*parts).read_text(encoding="utf-8").split())


def table() -> dict[str, list[str]]:
    """The rows of results/README.md: licence and citation, by source."""
    lines = paths.ROOT.joinpath("results", "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {row[0].split("`")[1]: row[2:] for row in rows}


def test_every_source_of_a_stored_run_has_a_licence_and_a_citation():
    sources = {json.loads(file.read_text(encoding="utf-8"))["source"] for file in RUNS}
    assert "phantom" in sources
    for source in sources:
        licence, citation = table()[source]
        assert len(licence) > 2 and len(citation) > 10, source


def test_runs_on_real_images_carry_their_licence_and_no_weights():
    tracked = subprocess.run(["git", "ls-files", "results"], cwd=paths.ROOT, capture_output=True, text=True).stdout
    if not tracked:
        pytest.skip("not a clone")
    for file in RUNS:
        source = json.loads(file.read_text(encoding="utf-8"))["source"]
        if source == "phantom" or f"results/runs/{file.parent.name}/config.json" not in tracked:
            continue
        assert f"results/runs/{file.parent.name}/best" not in tracked, f"weights trained on {source}"
        beside = file.with_name("LICENCE.md").read_text(encoding="utf-8")
        assert all(word in beside for word in ("Licence:", "Cite:")), source
        # What is said beside the run and in the table is the same.
        assert table()[source][0].split(":")[0] in beside and source.split()[0] in beside


@pytest.mark.parametrize("entry", DOWNLOADS, ids=lambda entry: f"{entry.dataset} {entry.size}")
def test_what_can_be_fetched_has_its_licence_wherever_it_is_named(entry):
    licence, citation = entry.collection.licence.split(" (")[0], entry.collection.citation.split(",")[0]
    name = entry.collection.title.split()[0]
    for text in (read("results", "README.md"), read("data", "README.md")):
        assert name in text and licence in text and citation in text


def test_the_readme_says_that_data_have_licences_of_their_own():
    text = read("README.md")
    assert "results/README.md" in text and "HAM10000" in text and "CC BY-NC 4.0" in text
