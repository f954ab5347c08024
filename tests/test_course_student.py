"""The student's folder: copies without solutions, never overwritten, unpaired; JupyterLab asks for nothing."""

import getpass
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from course_helpers import SECRET, small_notebook, solution, written
from helpers import store_run

from labutils import course, paths
from labutils.course import cells, check, mine, page, student
from labutils.course.cells import BEGIN, PLACEHOLDER
from labutils.course.exercises import of_task
from labutils.course.widgets import play
from labutils.errors import NotebookError, StoreError
from labutils.evaluate.tables import as_table
from labutils.tools.cli import main


@pytest.fixture
def my_lab(tmp_path, monkeypatch):
    """A student's folder that is not there yet, and no browser that prints."""
    monkeypatch.setattr(mine, "BROWSERS", ())
    monkeypatch.setenv("LABUTILS_MY_LAB", str(tmp_path / "mine"))
    return tmp_path / "mine"


def change(file, text="# New", cell=0, **more):
    """Write other text into a cell of a notebook; `more` goes into its second."""
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[cell].source = text
    notebook.cells[1].update(more)
    nbformat.write(notebook, file)


def first_cell(file):
    return nbformat.read(file, as_version=4).cells[0].source


def test_cells_are_known_without_tags():
    notebook = small_notebook()
    before = [cells.kind(cell) for cell in notebook.cells]
    for cell in notebook.cells:
        cell.metadata = {}
    assert [cells.kind(cell) for cell in notebook.cells] == before
    assert before == ["", "", "predict", "", "exercise", "check", "answer", "reference"]


@pytest.mark.parametrize("source", sorted(paths.notebooks_dir().glob("*.ipynb")), ids=lambda file: file.stem)
def test_no_copy_of_the_labs_notebooks_gives_anything_away(source):
    notebook = cells.read(source)
    reference, made = cells.reference_answer(notebook), cells.students_version(notebook)
    text, exercises = nbformat.writes(made), of_task(source.stem)
    assert BEGIN not in text and cells.REFERENCE_MARK not in text
    assert set(made.metadata) <= {"kernelspec", "language_info"}
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in made.cells)
    assert (PLACEHOLDER in text) == bool(exercises) == ("check." in text)
    assert (reference == "") == (source.stem in ("index", "own"))
    told = [line for exercise in exercises for line in solution(exercise.name).splitlines()]
    told = [line for line in told if line.strip().startswith("return") and not re.fullmatch(r"\s*return \w+", line)]
    assert [line for line in (*told, *filter(None, reference.splitlines())) if line in text] == []


def test_copies_are_never_overwritten_and_a_newer_version_is_taken_when_asked_for(notebooks, my_lab):
    said = f"2 notebooks copied to {paths.shown(my_lab)}. They are yours: nothing overwrites them."
    assert student.make_copies() == [said]
    change(my_lab / "task3.ipynb", "# mine")
    executed = nbformat.read(notebooks / "task3.ipynb", as_version=4)
    executed.cells[5].outputs = []
    nbformat.write(executed, notebooks / "task3.ipynb")
    assert student.make_copies() == [], "other outputs are no newer version"
    change(notebooks / "task3.ipynb")
    assert [line.split(":")[0] for line in student.make_copies()] == ["task3"]
    assert student.reset("task3") == "task3: a new copy; yours is now task3-old-1.ipynb."
    assert first_cell(my_lab / "task3-old-1.ipynb") == "# mine" and first_cell(my_lab / "task3.ipynb") == "# New"
    assert student.make_copies() == []
    assert student.reset("task3").endswith("task3-old-2.ipynb.")
    with pytest.raises(NotebookError, match="no notebook 'task99'; there are task3, index"):
        student.reset("task99")
    (my_lab / student.VERSIONS).write_text("[", encoding="utf-8")
    change(my_lab / "task3.ipynb", "# mine")
    assert len(student.make_copies()) == 2, "what the copies were made from is not known"
    assert first_cell(my_lab / "task3.ipynb") == "# mine"


def test_copies_are_paired_with_nothing(notebooks, my_lab):
    """Jupytext's contents manager, which JupyterLab saves with, writes no script, wherever it was started."""
    from jupyter_server.services.contents.largefilemanager import LargeFileManager
    from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class

    (my_lab.parent / "pyproject.toml").write_text('[tool.jupytext]\nformats = "ipynb,py:percent"\n', encoding="utf-8")
    student.make_copies()
    for root, name in ((my_lab, "task3.ipynb"), (my_lab.parent, f"{my_lab.name}/task3.ipynb")):
        manager = build_sync_jupytext_contents_manager_class(LargeFileManager)()
        manager.root_dir = str(root)
        manager.save(manager.get(name), name)
    assert not list(my_lab.glob("*.py"))


def test_jupyterlab_finds_its_settings_in_the_students_folder_and_asks_for_no_news(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "elsewhere")
    first, *others = student.environment(tmp_path)["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert others == ["elsewhere"]
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", first)
    from jupyterlab.labapp import LabApp
    from jupyterlab_server.config import get_page_config
    from jupyterlab_server.settings_utils import _get_overrides

    read = _get_overrides("")[0]
    assert read["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert "@jupyter/nbgrader" in get_page_config([])["disabledExtensions"], "no menu of instructors' tools"
    app = LabApp()
    app.parse_command_line(student.command(tmp_path)[3:])
    assert "NeverCheckForUpdate" in str(app.config.LabApp.check_for_updates_class)
    assert str(app.config.LabApp.news_url) == "None" and app.config.ServerApp.root_dir == str(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["lab", "--no-open"], 0, "2 notebooks copied"),
        (["lab", "--reset", "3"], 0, "task3: a new copy."),
        (["lab", "--reset", "task0"], 2, "There is no notebook"),
        (["report", "--mine"], 2, "labutils lab"),
    ],
)
def test_the_commands(notebooks, my_lab, arguments, status, said):
    outcome = CliRunner().invoke(main, arguments)
    assert outcome.exit_code == status and said in outcome.output


def test_git_does_not_look_into_it():
    if not (paths.ROOT / ".git").exists():
        pytest.skip("not a clone")
    command = ["git", "check-ignore", "my-lab/task1b.ipynb", "my-lab/runs/some/history.csv"]
    assert subprocess.run(command, cwd=paths.ROOT, capture_output=True).returncode == 0


def done(task):
    """What the table of progress says of a notebook."""
    return list(course.progress().loc[task, ["opened", "predicted", "written", "checked", "own runs"]])


def test_progress_and_report(notebooks, my_lab, shown, monkeypatch):
    assert "Nothing is done yet" in repr(course.progress())
    with pytest.raises(StoreError, match="labutils lab"):
        mine.write_mine()
    student.make_copies()
    course.ask("task3", 1)
    assert done("3") == ["not yet", "0 of 2", "not yet", "0 of 2", "0"]
    monkeypatch.chdir(my_lab)
    course.ask("task3", 1)
    assert done("3")[0] == "yes", "its questions are asked when it runs; whether it was saved does not matter"
    (my_lab / student.ANSWERS).unlink()
    check.mcnemar(lambda a, b: 1.0)
    assert done("3")[3] == "0 of 2"
    check.mcnemar(written(solution("mcnemar"), "check.exercise(mcnemar)"))
    student.keep("choices", "task3-1", {"question": "Which <one>?", "choice": "no", "runs": "They show: two <b>."})
    student.keep("quiz", "abc", {"right": 14, "network": 16, "of": 20, "against": "skin-vgg16"})
    play.keep("task3", {"words": "lr 1e-3", "said": "lr 1e-3: after 3 epochs <loss>"})
    (my_lab / "runs" / "task3-20260101-000000.json").write_text('{"said"', encoding="utf-8")
    change(my_lab / "task3.ipynb", "*Your answer:*\n\nI think <so>.", cell=6, execution_count=1)
    store_run(my_lab / "runs", model="vgg16", learning_rate=1e-3)
    assert done("3") == ["yes", "1 of 2", "yes", "1 of 2", "1"]

    [file] = mine.write_mine()
    text = file.read_text(encoding="utf-8")
    for part in (
        "Which &lt;one&gt;? <b>no</b><br>They show: two &lt;b&gt;.",
        "Playground: lr 1e-3: after 3 epochs &lt;loss&gt;",
        "You against the network: 14 of 20 images right; skin-vgg16: 16.",
        "I think &lt;so&gt;.",
        "4 of 4 inputs right",
        "lr0.001",
        "data:image/png",
    ):
        assert part in text
    assert text.count("Playground:") == 1, "one file was written by half"
    assert "http" not in text.replace("http://www.w3.org", "")
    for name in (getpass.getuser(), socket.gethostname(), str(Path.home())):
        assert name not in text or len(name) < 5
    outcome = CliRunner().invoke(main, ["report", "--mine", "--name", "A. <Student>"])
    assert outcome.exit_code == 0 and outcome.output.strip().endswith("report.html")
    assert "A. &lt;Student&gt;" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", student.UNWRITTEN),
        ("It could be chance.", student.UNWRITTEN),
        ("Yes. No. Maybe so.", student.UNWRITTEN),
        ("It could be chance. A test says how often.", SECRET),
        ("It could be chance!\n\nA test says how often", SECRET),
    ],
)
def test_the_reference_answer_comes_after_two_sentences(notebooks, my_lab, shown, capsys, monkeypatch, written, said):
    student.make_copies()
    course.reference("task3")
    assert capsys.readouterr().out.strip() == student.NOT_MINE
    monkeypatch.chdir(my_lab)
    change(my_lab / "task3.ipynb", f"*Your answer:*\n\n{written}", cell=6)
    course.reference("task3")
    outputs = [capsys.readouterr().out.strip(), *(one["text/markdown"] for one in shown)]
    assert any(said in output for output in outputs) and bool(shown) == (said == SECRET)


def test_a_copy_runs_from_top_to_bottom(notebooks, my_lab):
    """By papermill, in the student's folder, with nothing chosen and nothing written."""
    student.make_copies()
    command = [sys.executable, "-m", "papermill", "task3.ipynb", "out.ipynb", "-k", "python3", "--no-progress-bar"]
    done = subprocess.run(command, cwd=my_lab, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    printed = nbformat.writes(nbformat.read(my_lab / "out.ipynb", as_version=4))
    assert "mcnemar: not written yet." in printed and "Predict: A picture is flipped" in printed


# A page in one file: what stands on it is shown as it is, pictures are inside, and nothing is fetched.


def draw():
    from matplotlib.figure import Figure

    from labutils.plots.figure import show

    show(Figure(figsize=(1, 1)), "", "", 'A <b>line</b> that says "no"')


def test_a_page_holds_its_parts_and_nothing_else_is_needed(tmp_path):
    parts = [page.text("5 < 6", "h2"), page.table(as_table({"a & b": {"n": "1"}}, "run")), page.figures(draw)]
    file = page.write(tmp_path / "new" / "page.html", "<title>", [*parts, page.table(as_table({}, "run", "No <row>."))])
    text = file.read_text(encoding="utf-8")
    words = "A &lt;b&gt;line&lt;/b&gt; that says &quot;no&quot;"
    for part in ("<title>&lt;title&gt;</title>", "<h2>5 &lt; 6</h2>", "a &amp; b", "<p>No &lt;row&gt;.</p>"):
        assert part in text
    assert f'<img alt="{words}" src="data:image/png;base64,' in text and f"{words}</details>" in text
    assert "http" not in text
    with pytest.raises(StoreError, match=r"own/page\.html cannot be written \(Not a directory\)\. Move it\."):
        page.write(file / "own" / "page.html", "", [], " Move it.")
