"""The report over the stored runs: complete, honest about what is missing, and the same every time."""

import base64
import io
import json
import re
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from evaluate_helpers import make_run, right_about, simple_model, with_exam
from helpers import STRETCH
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from labutils import evaluate, lab
from labutils.errors import StoreError
from labutils.runs.run import write_run
from labutils.runs.store import RunStore
from labutils.tools import report

LEARNING_RATES = lab.runs("task1b")


def store_run(store, config, source="phantom", **looks):
    run = make_run(config, **looks)
    fingerprint = "0123456789ab" if source == "phantom" else "ba9876543210"
    provenance = {"source": source, "fingerprint": fingerprint, "class_names": list(run.class_names), "counts": {}}
    path = store.path_of(config, fingerprint)
    run = replace(run, provenance={**provenance, "stretches": [STRETCH]}, path=path)
    write_run(run, {"epochs": np.array(run.epochs)}, None)
    return run


@pytest.fixture
def store(results):
    store = RunStore()
    for wrong, config in zip((30, 40, 60), LEARNING_RATES.values(), strict=True):
        store_run(store, config.with_(epochs=100), wrong=wrong)
    store_run(store, LEARNING_RATES["lr 1e-5"], source=lab.REAL, wrong=55)
    for source in ("phantom", lab.REAL):
        store_run(store, lab.runs("task1d")["b16"], source=source)
    return store


def written(**asked):
    return report.write_report(**asked).read_text(encoding="utf-8")


def pictures(text, folder):
    """The pictures of a report, by file; each is there and has its words."""
    found = {file: words for words, file in re.findall(r"!\[(.+?)\]\((\S+?\.png)\)", text)}
    assert found and all((folder / file).is_file() and len(words) > 40 for file, words in found.items())
    return found


def table_rows(text):
    return [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith("| ")]


def results_rows():
    """Of the README's table: what was reached, exam, ceiling, real images and lab report, by task and run."""
    return {tuple(cells[1:3]): cells[3:8] for cells in table_rows(report.results_table())}


def claim_rows(text):
    return {cells[1]: cells for cells in table_rows(text)[:33]}


def test_report_is_complete_and_the_same_every_time(store, results):
    text = written()
    for column in ("What the lab could know", "What holds for these images"):
        assert re.search(rf"{column}, of 31 claims: \*\*\d+\*\* reproduced, .* \*\*\d+\*\* missing", text)
    assert "- Task 9: Skin; Bone" in text and lab.REAL in text
    assert f"{1 - 30 / 200:.3f} [" in text, "the best accuracy of the first run, with its interval"
    for label, graph in product(("lr-1e-4", "lr-1e-5", "lr-1e-6"), ("curves", "confusion", "roc")):
        assert (results / "task1b" / f"{label}-{graph}.png").is_file()
    assert len(pictures(text, results)) > 1
    files = [file for file in results.rglob("*") if file.suffix in (".md", ".png")]
    before = [file.read_bytes() for file in files]
    report.write_report()
    assert [file.read_bytes() for file in files] == before


def test_without_runs_everything_is_missing(results):
    text = written()
    assert text.count("**31** missing") == 2 and "The run on real images is missing" in text


def test_readme_shows_what_the_store_holds():
    """Its table is written by `labutils report`; a run that changed since would make it say something else."""
    text = (report.paths.ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.split(report.START)[1].split(report.END)[0].strip()
    assert shown == report.results_table()


def test_the_results_table_has_the_exam_the_ceiling_and_like_beside_like(store):
    rows = results_rows()
    assert rows["1B", "lr 1e-5"][1:3] == ["missing", "0.938"]
    assert rows["1B", "lr 1e-5"][3].startswith("0.725 ["), "the real images"
    assert rows["5B", "batch norm"][4] == "final training 1.0000" and ("5B", "no dropout") not in rows
    assert rows["4", "LeNet (5) dropout 0.4"][4] == "element-wise 0.9872"
    assert {task for task, _ in rows if task != "-"} >= {task.removeprefix("task").upper() for task in lab.TITLES}
    silent = [rows[key][4] for key in (("8", "augmentation"), ("1E", "LeNet"), ("7", "trains nothing"))]
    assert silent == ["-"] * 3 and ("2", "b16") not in rows, "the report quotes another run of Task 2"
    sit_exam(store, 0.8)
    after = results_rows()
    assert re.fullmatch(r"0\.800 \[.*\(3 seeds\)", after["1B", "lr 1e-5"][1])
    assert after["1B", "lr 1e-4"][1] == "missing"


def test_what_is_no_network_stands_below_the_networks(store, results):
    assert "no network" not in report.results_table(), "nothing is known of these images"
    runs = RunStore().all()
    drawn, real = (next(run for run in runs if run.source == source) for source in ("phantom", lab.REAL))
    keep_simple(results, drawn, {"forest": 0.7, "linear": 0.8}, {"forest": 0.9, "linear": 0.75})
    keep_simple(results, real, {"forest": 0.74, "linear": 0.61})
    reached, exam, real = "0.800 [0.750, 0.850] (linear)", "0.750 [0.700, 0.800]", "0.740 [0.690, 0.790] (forest)"
    assert results_rows()["-", "Skin, no network: simple numbers"] == [reached, exam, "0.938", real, "-"]
    assert "*No network*" in report.results_table()
    text = written()
    assert "| PHANTOM, no network: simple numbers, linear | - | 0.800 [0.750, 0.850] |" in text
    assert f"| {lab.REAL}, no network: simple numbers, forest | - | 0.740 [0.690, 0.790] |" in text
    assert "| no network: val accuracy | - | 0.800 [0.750, 0.850] | 0.740 [0.690, 0.790] |" in text


def keep_simple(results, run, validation, exam=None):
    """As if simple models had been measured on the images of a run: accuracies by kind of model."""

    def models(accuracies):
        named = accuracies.items()
        return [asdict(simple_model(f"simple numbers, {kind}", right_about(value)[None])) for kind, value in named]

    name = f"{run.config.dataset}-{run.fingerprint}.json"
    (results / "baselines" / "exam").mkdir(parents=True, exist_ok=True)
    (results / "baselines" / name).write_text(json.dumps(models(validation)))
    if exam:
        found = {"fingerprint": "f" * 12, "training": 1000, "models": models(exam)}
        (results / "baselines" / "exam" / name).write_text(json.dumps(found))


def test_what_small_means_is_said_where_a_small_run_stands_in(store):
    assert "small" not in report.results_table().lower()
    for config in lab.stand_ins("task9").values():
        store_run(store, config)
    table = report.results_table()
    assert "| 9 | Skin, small |" in table and f"*Small*: {lab.SMALL_IN_WORDS}" in table


def test_what_real_images_say_stands_beside_the_verdicts_on_phantoms(store):
    column, text = "on real images (validation, one seed)", written()
    rows = claim_rows(text)
    assert rows["id"][10] == column
    judged = {verdict.id: verdict.verdict for verdict in evaluate.judge_real()}
    assert judged == {"C5": "not reproduced", "C19": "reproduced"}, "the claims that are about these two runs alone"
    assert {name: rows[name][10] for name in ("C5", "C19", "C1", "C24")} == judged | {"C1": "-", "C24": "-"}
    told = "The real images can answer 2 of them (validation, one seed): 1 reproduced, 1 not reproduced."
    assert told in report.results_table()
    assert any(line.startswith(f"| lr 1e-5, {lab.REAL} |") for line in text.splitlines()), "its numbers, in Task 1B"
    for name in [run.path.name for run in store.all() if run.source == lab.REAL]:
        store.remove(name)
    assert not evaluate.judge_real() and "The real images can" not in report.results_table()
    assert column not in written()


def test_the_verdicts_of_the_report_take_all_stored_seeds(store):
    def judged():
        return next(line for line in written().splitlines() if line.startswith("| C19 | the original network"))

    assert "missing: no exam is stored" in judged()
    sit_exam(store, 0.8)
    assert "3 seeds" in judged()
    rows = claim_rows(written())
    seeds, takes = (rows["id"].index(name) for name in ("seeds a setting", "seeds that a decision would take"))
    assert (rows["C19"][seeds], rows["C19"][takes]) == ("3", "-") and rows["C4"][seeds] == "-", "decided; missing"
    power = {cells[1].split(",")[0]: cells[3:6] for cells in table_rows(report.power_words())}
    told = {name: cells[takes] for name, cells in rows.items() if cells[takes] not in ("-", rows["id"][takes], "---")}
    assert told == {"C5": f"accuracy {' / '.join(power['C5'])}"}, "the same numbers as `labutils report --power`"


def sit_exam(store, right):
    """Three seeds of the middle rate, which move it, and of the same with 16 filters, are stored with an exam."""
    for seed, n_base in product(range(3), (8, 16)):
        config = LEARNING_RATES["lr 1e-5"].with_(seed=seed, n_base=n_base)
        moved = 0.02 * (seed - 1) * (n_base == 8)
        run = with_exam(store_run(store, config, wrong=40), right + moved, noise=seed)
        write_run(run, {"epochs": np.array(run.epochs)}, None)


@pytest.fixture
def own(results):
    """Nothing but runs on somebody's own images: of the lab's list, of other settings, of another data set."""
    store = RunStore()
    for config in LEARNING_RATES.values():
        store_run(store, config, "course", n=40, wrong=7)
    store_run(store, LEARNING_RATES["lr 1e-5"].with_(epochs=3, dropout=0.15), "course", n=40)
    return store


def test_a_report_on_own_runs_alone_is_about_them(own, results):
    text = written()
    assert "phantom" not in text.lower() and "All runs are on **course data**" in text
    assert "## Task 1B" in text and "## Task 5A" not in text, "no page about nothing"
    assert "- Task 5A: no dropout; dropout 0.4" in text
    assert "`labutils run --missing --source course` trains them" in text
    assert "| lr 1e-5 | 100 | 0.825 [" in text and "always the largest class | - | 0.500 [" in text
    assert "## Runs on skin, images ba9876" in text and "skin-vgg16-b8-lr1e-05-do0.15" in text
    assert all((results / file).is_file() for file in re.findall(r"\]\((\S+?\.png)\)", text)) and pictures(
        text, results
    )


def test_own_runs_have_their_report_beside_that_on_phantoms(own, results):
    store_run(own, LEARNING_RATES["lr 1e-5"], wrong=40)
    assert "All runs are on **phantoms**" in written()
    file = report.write_report(source="course", beside=["phantom"])
    assert file == results / "own" / "course" / "REPORT.md"
    text = file.read_text(encoding="utf-8")
    assert "Other stored runs: 1 on phantom" in text
    assert "| lr 1e-5, PHANTOM | 100 | 0.800 [" in text
    assert pictures(text, file.parent)
    assert any(cells[3].startswith("0.825 [") for cells in results_rows().values())
    assert "the real images are course data." in report.results_table()


def test_the_overview_counts_runs_on_the_images_that_are_used(own, monkeypatch):
    asked = []
    monkeypatch.setattr("labutils.data.locate.source_of", lambda name: "course" if name == "skin" else "phantom")
    monkeypatch.setattr("labutils.training.cost.estimate_seconds", lambda config, *size: asked.append(size) or 60.0)
    rows = report.overview()
    assert next(iter(rows["runs stored"])) == "3 of 3 on course images, 0 on phantoms"
    assert "0 of 14" in list(rows["runs stored"])
    assert next(iter(rows["training here"])) == "about 3 min"
    assert all(re.fullmatch(r"\d+ min", text) for text in rows["to read"])
    assert {*asked} == {(1000, 2), (1072, 2), (900, 9)}, "images and classes of Skin, Bone and X_ray"


def test_the_index_shows_a_notebook_by_its_curves_else_by_its_first_figure():
    def drawn(source, colour):
        buffer = io.BytesIO()
        Image.new("RGB", (900, 300), colour).save(buffer, format="png")
        data = {"image/png": base64.b64encode(buffer.getvalue()).decode()}
        return new_code_cell(source, outputs=[new_output("display_data", data)])

    other, red, blue = drawn("plots.sample_grid(skin)", "red"), (255, 0, 0), (0, 0, 255)
    for second, colour in (("plots.learning_curves(runs)", blue), ("more()", red)):
        shown = report.thumbnail(new_notebook(cells=[other, drawn(second, "blue")]), "Dropout")
        assert 'alt="A figure of Dropout"' in shown and len(shown) < 4000
        with Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", shown)[1]))) as image:
            assert (image.size, image.convert("RGB").getpixel((150, 50))) == ((300, 100), colour)
    assert report.thumbnail(new_notebook(cells=[new_code_cell("1")]), "Dropout") == ""


def test_a_changed_run_changes_the_table_and_its_figures_alone(store, results, monkeypatch, tmp_path):
    monkeypatch.setattr(report.paths, "generated_dir", lambda: tmp_path / "generated")
    report.write_report()
    table, before = report.results_table(), {file: file.stat().st_mtime_ns for file in results.rglob("*.png")}
    store_run(store, LEARNING_RATES["lr 1e-4"], wrong=31)
    report.write_report()
    new = {file.name for file in results.rglob("*.png") if before.get(file) != file.stat().st_mtime_ns}
    assert {"lr-1e-4-curves.png", "learning-curves.png"} <= new and not [name for name in new if "lr-1e-6" in name]
    assert report.results_table() != table


def made(config, source="phantom"):
    return replace(make_run(config, source=source), path=Path(f"{source}-{config.key}"))


def test_runs_are_chosen_by_their_images():
    runs = [*map(made, LEARNING_RATES.values()), made(LEARNING_RATES["lr 1e-5"].with_(epochs=7), "a hospital")]
    assert report.choose_runs("", runs) == ("phantom", runs[:3])
    assert report.choose_runs("", []) == ("phantom", []), "nothing is stored"
    assert report.choose_runs("A Hospital", runs) == report.choose_runs("", runs[3:]) == ("a hospital", runs[3:])
    chest = replace(runs[3], config=runs[3].config.with_(dataset="chest"))
    assert report.choose_runs("Chest", [*runs, chest]) == ("a hospital", [chest])
    with pytest.raises(StoreError, match=r"No stored run is on images of 'chest'; .*phantom \(3\)"):
        report.choose_runs("chest", runs)
    other, planned = (made(LEARNING_RATES["lr 1e-5"].with_(**more), "course") for more in ({"dropout": 0.15}, {}))
    assert list(report.other_runs([*runs, other, planned]).values()) == [runs[3], other], "no task shows them"
