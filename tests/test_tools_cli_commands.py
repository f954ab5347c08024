"""The command: what it refuses, what it prints, and how it ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers import patience, start_python, store_run

from labutils.evaluate.findings import Finding
from labutils.evaluate.sentences import Said
from labutils.tools.cli import commands as cli
from labutils.tools.execution import Outcome


@pytest.fixture
def runner(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # executed notebooks are written to `out` here
    return CliRunner()


def outcome(task="task1b", error=""):
    return Outcome(task, Path("out") / f"{task}.ipynb", 90.0, error, {"trained": 2, "reused": 0}, {"reproduced": 1})


@pytest.mark.parametrize(
    ("brings", "never"),
    [
        (
            "import labutils",
            "{name.split('.')[0] for name in new} - {'labutils', '__mp_main__', *sys.stdlib_module_names}",
        ),
        (
            "import labutils.training.search, labutils.tools.report, labutils.course.widgets, labutils.plots",
            "new & {'tensorflow', 'keras'}",
        ),
        (
            "from labutils.tools.cli import main; main(['--help'], standalone_mode=False)",
            "new & {'numpy', 'pandas', 'sklearn', 'pooch', 'keras', 'tensorflow', 'matplotlib'}",
        ),
    ],
)
def test_what_shows_stored_runs_brings_no_tensorflow_and_the_package_alone_nothing(brings, never):
    code = f"import sys; before = {{*sys.modules}}\n{brings}\nnew = {{*sys.modules}} - before; assert not {never}, new"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_run_ends_with_a_table_and_with_one_if_a_notebook_fails(runner, monkeypatch):
    monkeypatch.setattr(cli, "run_notebooks", lambda *a, **k: [outcome(), outcome("task1c", "ValueError: no")])
    result = runner.invoke(cli.main, ["run", "task1b", "task1c"])
    assert result.exit_code == 1
    table = [line.split() for line in result.output.splitlines() if line]
    assert table[0] == ["task", "runs", "minutes", "verdicts", "ended"]
    assert table[1] == ["task1b", "2", "trained", "1.5", "1", "reproduced", "well"] and table[2][-1] == "failed"
    assert "task1c failed: ValueError: no" in result.output


def test_quick_run_says_where_the_notebook_is_and_what_to_type_next(runner, monkeypatch):
    given = {}
    monkeypatch.setattr(cli, "run_notebooks", lambda *a, **k: given.update(k) or [outcome()])
    result = runner.invoke(cli.main, ["run", "task1b", "--quick", "-p", "n_epoch", "2"])
    assert result.exit_code == 0
    assert "out/task1b.ipynb" in result.output and "make run TASK=task1b" in result.output
    assert given["parameters"]["n_epoch"] == 2 and given["parameters"]["source"] == "phantom"
    assert given["results"] == Path("out") / "results", "a quick run stays out of results/"


@pytest.mark.parametrize(
    ("arguments", "source", "said"),
    [
        (["task1b"], "phantom", "This is on phantoms, though your own images are there (SKIN): --source course for"),
        (["task1b", "task9"], "phantom", "(Bone, SKIN)"),
        (["task4"], "phantom", ""),  # X_ray, of which there are none
        (["task1b", "--source", "course"], "course", ""),
        (["task1b", "-p", "source", "auto"], "auto", ""),
        (["own", "-p", "dataset", "bone"], "phantom", "(Bone)"),
        (["own", "-p", "dataset", "My Hips"], "auto", ""),  # there are no phantoms of them
    ],
)
def test_a_quick_run_says_whose_images_it_takes(runner, tmp_path, monkeypatch, arguments, source, said):
    for folder in ("SKIN", "Bone", "my-hips"):
        (tmp_path / folder / "train").mkdir(parents=True)
    monkeypatch.setenv("LABUTILS_DATA", str(tmp_path))
    given = {}
    monkeypatch.setattr(cli, "run_notebooks", lambda *a, **k: given.update(k["parameters"]) or [outcome()])
    result = runner.invoke(cli.main, ["run", "--quick", *arguments])
    assert result.exit_code == 0, result.output
    assert given["source"] == source and ("though your own images" in result.output) == bool(said)
    assert said in result.output


def test_a_source_is_a_parameter_of_notebooks(runner, monkeypatch):
    given = {}
    monkeypatch.setattr(cli, "run_notebooks", lambda *a, **k: given.update(k) or [outcome()])
    assert runner.invoke(cli.main, ["run", "task1b", "--source", "public"]).exit_code == 0
    assert given["parameters"] == {"source": "public"} and given["results"] is None


@pytest.mark.parametrize(
    ("source", "folder"), [("", ""), ("course", "own/course/"), ("🩻 Chest", "own/🩻-chest/"), ("hips", "own/hips/")]
)
def test_a_report_is_where_it_says(runner, results, source, folder):
    for name in ("🩻_chest", "hips"):
        store_run(results / "runs", dataset=name)
    result = runner.invoke(cli.main, ["report", "--source", source])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0].endswith(f"{results.name}/{folder}REPORT.md")
    assert (results / folder / "REPORT.md").is_file()


def test_a_parameter_goes_where_it_is_and_the_others_are_named(runner, monkeypatch):
    given = {}

    def execute(notebook, parameters, **options):
        given[notebook.stem] = parameters
        return outcome(notebook.stem)

    monkeypatch.setattr("labutils.tools.execution.execute", execute)
    result = runner.invoke(cli.main, ["run", "--all", "-p", "n_epoch", "1", "-p", "source", "phantom"])
    assert result.exit_code == 0, result.output
    assert "n_epoch is not a parameter of task7: without it there." in result.output
    assert given.pop("task7") == {"source": "phantom"}
    assert len(given) > 14 and all(own == {"n_epoch": 1, "source": "phantom"} for own in given.values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--all", "-p", "n_epochs", "1"], "There is no parameter 'n_epochs'. Did you mean n_epoch?"),
        (["run", "--all", "-p", "n_epoch", "one"], "task1b: n_epoch is 'one': it must be a whole number."),
        (["run", "task1b", "-p", "train_missing", "false"], "train_missing is 'false': it must be True or False."),
        (["run", "task99"], "there are task1b"),
        (["run", "task1b", "-p", "learning_rate", "1"], "Did you mean lr? There are: lr ="),
        (["run"], "Name a task, or --all"),
        (["run", "task1b", "--jobs", "0"], "0 is not in the range"),
        (["run", "task1b", "--limit", "-1"], "--limit is -1.0: it must be minutes, above 0."),
        (["run", "task1b", "--limit", "nan"], "--limit is nan: it must be minutes, above 0."),
        (["build", "nothing"], "There is no notebook 'nothing'; there are task1b"),
        (["lab", "--reset", ""], "There is no notebook ''; there are task1b"),
        (["lab", "--reset", "../tests/reference/task1b"], "There is no notebook '../tests/reference/task1b'; there"),
        (["lab", "--reset", "x" * 300], "there are task1b"),
        (["run", "task1b", "--jobs", "2", "--scheduler", "tcp://here:1"], "Give --jobs"),
        (["run", "task1b", "--scheduler", "nonsense://here"], "'nonsense://here': it must be tcp://HOST:PORT"),
        (["run", "task1b", "-p", "learning_rate", "1", "--scheduler", "tcp://here:1"], "There is no parameter"),
        (["run", "task1b", "--missing"], "leave out task names, --all, -p, --quick and --scheduler"),
        (["run", "--all", "--missing"], "leave out task names"),
        (["run", "task1b", "--source", "mine"], "'mine' is not one of"),
        (["run", "task1b", "--source", "course", "-p", "source", "public"], "-p source is public: give one of them"),
        (["run", "--missing", "--source", "mine"], "'mine' is not one of 'course', 'public', 'phantom'"),
        (["run", "--quick", "--missing"], "leave out task names"),
        (["run", "-p", "lr", "1", "--missing"], "leave out task names"),
        (["run", "--missing", "--scheduler", "tcp://here:1"], "leave out task names"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_can(runner, arguments, words):
    result = runner.invoke(cli.main, arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_doctor_gives_everything_a_tick_or_a_cross(runner, monkeypatch):
    monkeypatch.setenv("LABUTILS_THREADS", "abc")
    result = runner.invoke(cli.main, ["doctor"])
    assert result.exit_code == 1
    lines = result.output.splitlines()
    marks = {line[2:18].strip(): line[0] for line in lines if line[0] != " "}
    assert {*marks.values()} <= {*"✓✗"} and (marks["backend"], marks["cores"]) == ("✓", "✗")
    assert {"Python", "packages", "kernelspec", "images of Skin", "results", "disk", "stored runs"} <= marks.keys()
    cross = next(number for number, line in enumerate(lines) if line.startswith("✗ cores"))
    assert lines[cross + 1].strip() == "-> LABUTILS_THREADS is 'abc': it must be a whole number from 1, or be unset."
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    command = [sys.executable, "-c", "from labutils.tools.cli import main; main(['doctor'])"]
    printed = subprocess.run(command, capture_output=True, text=True, encoding="ascii").stdout
    assert "ok  backend" in printed and "BAD cores" in printed, "a terminal without these signs gets words"


def test_a_report_on_power_is_printed_and_writes_nothing(runner, results):
    result = runner.invoke(cli.main, ["report", "--power"])
    assert result.exit_code == 0 and "No claim is undecided on the exam." in result.output
    assert not any(results.iterdir())


@pytest.mark.parametrize(
    ("text", "status", "printed"),
    [
        (
            "It narrows the gap: +2.0 points.",
            0,
            ["1D, gap: It narrows the gap: +2.0 points.", "    better: by +2.0 (exam)"],
        ),
        ("It widens the gap: +2.0.", 1, ["    AGAINST ITS FINDING: 'widens the gap' for 'better'"]),
        ("It narrows the gap: +3.0.", 1, ["    AGAINST ITS FINDING: 3.0 is nowhere in the evidence"]),
    ],
)
def test_sentences_are_printed_with_their_findings(runner, results, monkeypatch, text, status, printed):
    said = Said(text, (Finding("better", "by +2.0", basis="exam"),))
    monkeypatch.setattr("labutils.tools.report.every_sentence", lambda *_: [("task1d", "gap", said)])
    result = runner.invoke(cli.main, ["report", "--sentences"])
    assert result.exit_code == status and not any(results.iterdir())
    assert set(printed) <= set(result.output.splitlines())
    assert result.output.splitlines()[-1] == f"1 sentences, {status} places against their findings."


def test_claims_are_written_and_judged_again(runner, results):
    """One flag: without a file it writes the lab's, with one it judges, and one that was altered ends with status 1."""
    result = runner.invoke(cli.main, ["report", "--claims"])
    file = results / "claims.json"
    assert result.exit_code == 0 and file.name in result.output
    result = runner.invoke(cli.main, ["report", "--claims", str(file)])
    assert result.exit_code == 0 and result.output.splitlines()[-1] == "31 conclusions: 31 cannot be judged."
    file.write_text(file.read_text().replace("a lower rate than", "a higher rate than"))
    result = runner.invoke(cli.main, ["report", "--claims", str(file)])
    assert result.exit_code == 1 and "C3: altered: its text, " in result.output
    result = runner.invoke(cli.main, ["report", "--claims", str(results)])
    assert result.exit_code == 2 and "cannot be read: is a directory." in result.output


def test_a_report_on_images_without_a_run_says_what_there_is(runner, results):
    result = runner.invoke(cli.main, ["report", "--source", "chest"])
    assert result.exit_code == 2
    assert "No stored run is on images of 'chest'; there are runs on none at all." in result.output


def test_the_stop_key_ends_a_notebook_at_once(tmp_path):
    """Even where several are executed at a time; what has not begun does not begin."""
    code = """
import sys
from pathlib import Path
from notebook_helpers import write
from labutils.tools.cli.common import explain
from labutils.tools.execution import run_notebooks
notebooks = []
for name in ("a", "b", "c"):
    Path(name).mkdir()
    notebooks.append(write(Path(name), f"print('begun {name}', flush=True)\\nimport time\\ntime.sleep(600)"))
explain(lambda: run_notebooks(notebooks, Path("out"), jobs=2, show=lambda line: print(line, flush=True)))()
"""
    process = start_python(code, tmp_path)
    assert process.stdout is not None
    begun = {process.stdout.readline().strip() for _ in range(2)}
    assert begun == {"begun a", "begun b"}
    process.send_signal(signal.SIGINT)
    said, err = process.communicate(timeout=patience(5))
    assert process.returncode == 130 and "begun c" not in said
    assert "Stopped; finished notebooks and epochs are kept." in err


def test_a_folder_that_cannot_be_written_to_is_a_sentence(runner, tmp_path):
    (tmp_path / "file").write_text("mine")
    result = runner.invoke(cli.main, ["run", "task3", "--out", str(tmp_path / "file" / "out")])
    assert result.exit_code == 2 and "cannot be made (not a directory)" in result.output and "--out" in result.output


def test_a_fault_of_the_program_is_not_explained_away(runner, results, monkeypatch):
    def fault(**_):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("labutils.tools.report.write_report", fault)
    assert isinstance(runner.invoke(cli.main, ["report"]).exception, ZeroDivisionError)
