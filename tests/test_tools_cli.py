"""The command: what a person types, what it refuses and prints, and what the status tells a script."""

import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner
from helpers import made_up_run, patience, start_python, state_of, store_run, tiny_config, tiny_dataset
from picture_helpers import write_noise, write_set

from labutils import paths
from labutils.config import Augmentation
from labutils.errors import TrainingInterrupted, visible
from labutils.evaluate.findings import Finding
from labutils.evaluate.sentences import Said
from labutils.runs.run import write_run
from labutils.runs.store import RunStore
from labutils.tools import verify
from labutils.tools.cli import main
from labutils.tools.execution import Outcome
from labutils.training.verify import Comparison, Verification


@pytest.fixture
def call(results, monkeypatch):
    """The command, typed in an empty folder, where it writes `out`."""
    monkeypatch.chdir(results)
    return lambda *words: CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture
def given(monkeypatch):
    """What notebooks would be executed with; each but Task 1C ends well."""
    found = {}

    def execute(notebook, parameters, **options):
        found[notebook.stem] = options | {"parameters": parameters}
        error = "ValueError: no" if notebook.stem == "task1c" else ""
        counted = {"trained": 2, "reused": 0}, {"reproduced": 1}
        return Outcome(notebook.stem, options["output"], 90.0, error, *counted)

    monkeypatch.setattr("labutils.tools.execution.execute", execute)
    return found


NEVER = "{'numpy', 'pandas', 'sklearn', 'pooch', 'keras', 'tensorflow', 'matplotlib'}"
SHOWS = "import labutils.training.search, labutils.tools.report, labutils.course.widgets, labutils.plots"


@pytest.mark.parametrize(
    ("brings", "never"),
    [
        ("import labutils", "{n.split('.')[0] for n in new} - {'labutils', '__mp_main__', *sys.stdlib_module_names}"),
        (SHOWS, "new & {'tensorflow', 'keras'}"),
        ("from labutils.tools.cli import main; main(['--help'], standalone_mode=False)", f"new & {NEVER}"),
    ],
)
def test_what_shows_stored_runs_brings_no_tensorflow_and_the_package_alone_nothing(brings, never):
    code = f"import sys; before = {{*sys.modules}}\n{brings}\nnew = {{*sys.modules}} - before; assert not {never}, new"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_run_ends_with_a_table_and_with_one_if_a_notebook_fails(call, given):
    result = call("run", "task1b", "task1c", "--source", "public")
    head, good, bad = (line.split() for line in result.output.splitlines()[1:4])
    assert head == ["task", "runs", "minutes", "verdicts", "ended"]
    assert good == ["task1b", "2", "trained", "1.5", "1", "reproduced", "well"] and bad[-1] == "failed"
    assert result.exit_code == 1 and "task1c failed: ValueError: no" in result.output
    assert given["task1b"]["parameters"] == {"source": "public"} and given["task1b"]["results"] is None


def test_quick_run_says_where_the_notebook_is_and_what_to_type_next(call, given):
    result = call("run", "task1b", "--quick", "-p", "n_epoch", "2")
    assert result.exit_code == 0
    assert "out/task1b.ipynb" in result.output and "make run TASK=task1b" in result.output
    asked = given["task1b"]
    assert asked["parameters"]["n_epoch"] == 2 and asked["parameters"]["source"] == "phantom"
    assert asked["results"].as_posix() == "out/results", "a quick run stays out of results/"


@pytest.mark.parametrize(
    ("typed", "source", "said"),
    [
        ("task1b", "phantom", "This is on phantoms, though your own images are there (SKIN): --source course for"),
        ("1B task9", "phantom", "(Bone, SKIN)"),
        ("task4", "phantom", ""),  # X_ray, of which there are none
        ("task1b --source course", "course", ""),
        ("task1b -p source auto", "auto", ""),
        ("own -p dataset bone", "phantom", "(Bone)"),
        ("own -p dataset 'My Hips'", "auto", ""),  # there are no phantoms of them
    ],
)
def test_a_quick_run_says_whose_images_it_takes(call, given, results, monkeypatch, typed, source, said):
    for folder in ("SKIN", "Bone", "my-hips"):
        (results / folder / "train").mkdir(parents=True)
    monkeypatch.setenv("LABUTILS_DATA", str(results))
    result = call("run", "--quick", *shlex.split(typed))
    assert result.exit_code == 0, result.output
    assert {one["parameters"]["source"] for one in given.values()} == {source}
    assert said in result.output and ("though your own images" in result.output) == bool(said)


@pytest.mark.parametrize(
    ("source", "folder"), [("", ""), ("course", "own/course/"), ("🩻 Chest", "own/🩻-chest/"), ("hips", "own/hips/")]
)
def test_a_report_is_where_it_says(call, results, source, folder):
    for name in ("🩻_chest", "hips"):
        store_run(results / "runs", dataset=name)
    result = call("report", "--source", source)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0].endswith(f"{results.name}/{folder}REPORT.md")
    assert (results / folder / "REPORT.md").is_file()


def test_a_parameter_goes_where_it_is_and_the_others_are_named(call, given):
    result = call("run", "--all", "-p", "n_epoch", "1", "-p", "source", "phantom")
    assert "n_epoch is not a parameter of task7: without it there." in result.output
    parameters = {task: asked["parameters"] for task, asked in given.items()}
    assert parameters.pop("task7") == {"source": "phantom"}
    assert len(parameters) > 14 and all(own == {"n_epoch": 1, "source": "phantom"} for own in parameters.values())


AT, ADDRESS = "--scheduler tcp://here:1", "it must be tcp://HOST:PORT or tls://HOST:PORT."
TRAIN = "train --dataset skin --model lenet --image-size 32 --epochs 1"
TLS = "--tls-ca, --tls-cert and --tls-key go with --scheduler tls://HOST:PORT."


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("run --all -p n_epochs 1", "There is no parameter 'n_epochs'. Did you mean n_epoch?"),
        ("run --all -p n_epoch one", "task1b: n_epoch is 'one': it must be a whole number."),
        ("run task1b -p train_missing false", "train_missing is 'false': it must be True or False."),
        ("run task99", "there are task1b"),
        ("run task1b -p learning_rate 1", "Did you mean lr? There are: lr ="),
        ("run", "Name a task, or --all"),
        ("run task1b --jobs 0", "0 is not in the range"),
        ("run task1b --limit -1", "--limit is -1.0: it must be minutes, above 0."),
        ("run task1b --limit nan", "--limit is nan: it must be minutes, above 0."),
        (f"run task3 --out {__file__}/out", "cannot be made (not a directory)"),
        ("build nothing", "There is no notebook 'nothing'; there are task1b"),
        ("lab --reset ''", "There is no notebook ''; there are task1b"),
        ("lab --reset ../tests/reference/task1b", "There is no notebook '../tests/reference/task1b'; there"),
        (f"lab --reset {'x' * 300}", "there are task1b"),
        (f"run task1b --jobs 2 {AT}", "Give --jobs"),
        (f"run task1b -p learning_rate 1 {AT}", "There is no parameter"),
        ("run task1b --missing", "leave out task names, --all, -p, --quick and --scheduler"),
        *((f"run --missing {more}", "leave out task names") for more in ("--all", "--quick", "-p lr 1", AT)),
        ("run --missing --source mine", "'mine' is not one of 'course', 'public', 'phantom'"),
        ("run task1b --source course -p source public", "-p source is public: give one of them"),
        ("report --source chest", "No stored run is on images of 'chest'; there are runs on none at all."),
        ("data audit no/such/folder", "neither a data set"),
        ("data fetch bone", "skin and x_ray"),
        ("data fetch skin --size 64", "128 or 224"),
        ("data fetch", "Missing argument"),
        ("data phantoms lung", "'lung'"),
        ("runs rm nothing", "No stored run is called 'nothing'"),
        ("verify", "Say which runs"),
        ("verify --all --some 1", "Say which runs"),
        ("verify --all", "No runs are stored yet."),
        (f"{TRAIN} --lr 0", "lr (learning_rate) is 0.0: it must be a number above 0"),
        (TRAIN, "learning_rate) is missing"),
        (f"{TRAIN} --lr 1 --dense {'[' * 5000}", "nested too deeply"),
        (f"{TRAIN} --lr 1 --seeds a", "seeds is 'a': it must be whole numbers"),
        *((f"{TRAIN} --lr 1 --tls-ca {__file__} {more}", TLS) for more in ("", AT)),
        ("run task1b --scheduler tls://here:1 --tls-ca nowhere.pem", "'nowhere.pem' does not exist"),
        ("run task1b --scheduler nonsense://here", f"'nonsense://here': {ADDRESS}"),
        # Refused before anything is loaded.
        *(
            (f"{TRAIN} --lr 1 --scheduler {shlex.quote(wrong)}", f"--scheduler is {wrong!r}: {ADDRESS}")
            for wrong in ("", "host", "tcp://", "tcp://host:port", "inproc://1", "tcp://\x1b[2J:1")
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_can(call, given, monkeypatch, typed, words):
    monkeypatch.setattr("labutils.tools.missing.train_missing", lambda *_: 0)
    monkeypatch.setattr("labutils.data.dataset.load_dataset", lambda *_: 1 / 0)  # nothing is to come that far
    result = call(*shlex.split(typed))
    assert result.exit_code == 2 and words in " ".join(result.output.split()) and not given, result.output


def test_doctor_gives_everything_a_tick_or_a_cross(call, monkeypatch):
    monkeypatch.setenv("LABUTILS_THREADS", "abc")
    result = call("doctor")
    lines = result.output.splitlines()
    marks = {line[2:18].strip(): line[0] for line in lines if line[0] != " "}
    assert {*marks.values()} <= {*"✓✗"} and (marks["backend"], marks["cores"]) == ("✓", "✗")
    assert {"Python", "packages", "kernelspec", "images of Skin", "results", "disk", "stored runs"} <= marks.keys()
    cross = next(number for number, line in enumerate(lines) if line.startswith("✗ cores"))
    assert lines[cross + 1].strip() == "-> LABUTILS_THREADS is 'abc': it must be a whole number from 1, or be unset."
    assert result.exit_code == 1


def test_a_report_on_power_is_printed_and_writes_nothing(call, results):
    result = call("report", "--power")
    assert result.exit_code == 0 and "No claim is undecided on the exam." in result.output
    assert not any(results.iterdir())


NARROWS = "1D, gap: It narrows the gap: +2.0 points.\n    better: by +2.0 (exam)"


@pytest.mark.parametrize(
    ("text", "status", "printed"),
    [
        ("It narrows the gap: +2.0 points.", 0, NARROWS),
        ("It widens the gap: +2.0.", 1, "    AGAINST ITS FINDING: 'widens the gap' for 'better'"),
        ("It narrows the gap: +3.0.", 1, "    AGAINST ITS FINDING: 3.0 is nowhere in the evidence"),
    ],
)
def test_sentences_are_printed_with_their_findings(call, results, monkeypatch, text, status, printed):
    said = Said(text, (Finding("better", "by +2.0", basis="exam"),))
    monkeypatch.setattr("labutils.tools.report.every_sentence", lambda *_: [("task1d", "gap", said)])
    result = call("report", "--sentences")
    assert result.exit_code == status and not any(results.iterdir())
    assert f"{printed}\n" in result.output
    assert result.output.endswith(f"1 sentences, {status} places against their findings.\n")


def test_claims_are_written_and_judged_again(call, results):
    """One flag: without a file it writes the lab's, with one it judges, and one that was altered ends with status 1."""
    file = results / "claims.json"
    written, judged = call("report", "--claims"), call("report", "--claims", file)
    assert written.exit_code == 0 and file.name in written.output
    assert judged.exit_code == 0 and judged.output.endswith("\n31 conclusions: 31 cannot be judged.\n")
    file.write_text(file.read_text().replace("a lower rate than", "a higher rate than"))
    altered, folder = call("report", "--claims", file), call("report", "--claims", results)
    assert altered.exit_code == 1 and "C3: altered: its text, " in altered.output
    assert folder.exit_code == 2 and "cannot be read: is a directory." in folder.output


def test_the_stop_key_ends_a_notebook_at_once(tmp_path):
    """Even where several are executed at a time; what has not begun does not begin."""
    code = """
import sys
from pathlib import Path
from notebook_helpers import write
from labutils.tools.cli import main
from labutils.tools.execution import run_notebooks
notebooks = []
for name in ("a", "b", "c"):
    Path(name).mkdir()
    notebooks.append(write(Path(name), f"print('begun {name}', flush=True)\\nimport time\\ntime.sleep(600)"))
@main.command()
def three():
    run_notebooks(notebooks, Path("out"), 2, {}, show=lambda line: print(line, flush=True))
main(["three"])
"""
    process = start_python(code, tmp_path)
    assert process.stdout is not None
    begun = {process.stdout.readline().strip() for _ in range(2)}
    assert begun == {"begun a", "begun b"}
    process.send_signal(signal.SIGINT)
    said, err = process.communicate(timeout=patience(5))
    assert process.returncode == 130 and "begun c" not in said
    assert "Stopped; finished notebooks and epochs are kept." in err


def test_a_fault_of_the_program_is_not_explained_away(call, monkeypatch):
    monkeypatch.setattr("labutils.tools.report.write_report", lambda **_: 1 / 0)
    assert isinstance(call("report").exception, ZeroDivisionError)


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
def test_audit(call, tmp_path, harm, status, says):
    harm(write_set(tmp_path / "Skin"))
    result = call("data", "audit", tmp_path / "Skin")
    assert result.exit_code == status and all(words in result.output for words in says)
    assert ("LEAKAGE" in result.output) == (harm is leak)


def test_audit_of_everything_there_is(call, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "generated_dir", lambda: tmp_path / "data")
    monkeypatch.setenv("LABUTILS_DATA", str(tmp_path))
    result = call("data", "audit")
    assert result.exit_code == 2 and "labutils data phantoms" in result.output
    write_set(tmp_path / "Skin")
    bone = write_noise(tmp_path / "data" / "phantoms" / "Bone", ("AFF", "NFF"), count=1, flat=True)
    shutil.copy(bone / "train" / "AFF_00.png", bone / "test")  # a leak
    result = call("data", "audit")
    assert result.exit_code == 1 and "Skin: course data" in result.output and "Bone: PHANTOMS" in result.output
    assert call("data", "audit", "skin").exit_code == 0


def test_fetch_passes_on_what_was_asked(call, monkeypatch):
    asked = []
    monkeypatch.setattr("labutils.tools.public.fetch.fetch", lambda *args, show: (asked.append(args), show("CC BY-NC")))
    result = call("data", "fetch", "skin", "--size", "224")
    assert result.exit_code == 0 and asked == [("skin", 224)] and "CC BY-NC" in result.output


def test_phantoms_are_drawn_once(call, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "generated_dir", lambda: tmp_path)
    drawn = []
    monkeypatch.setattr("labutils.phantoms.write.write_phantoms", lambda *asked: drawn.append(asked))
    monkeypatch.setattr("labutils.phantoms.files.is_complete", lambda name, folder: name == "bone")
    assert call("data", "phantoms", "xray").exit_code == 0 and drawn == [("x_ray", tmp_path / "phantoms" / "X_ray")]
    result = call("data", "phantoms")
    assert [name for name, _ in drawn[1:]] == ["skin", "x_ray"] and "Bone is there already" in result.output


DATASET = replace(tiny_dataset(), source="phantom")
VERIFY_ALL = "labutils.tools.verify.verify_all"
TRAIN_ALL = "labutils.training.train_all"


def place_of(counts=None, **settings):
    """Where a made-up run on phantoms is stored."""
    run = made_up_run(tiny_config(**settings), DATASET)
    run = replace(run, provenance=run.provenance | ({"counts": counts} if counts else {}))
    return RunStore().put(run, state_of(run), None).path


def test_runs_are_listed_one_a_line_the_damaged_ones_too_and_removed_by_name(call):
    assert call("runs").output == "No runs are stored yet.\n"
    one, two = place_of(), place_of(seed=1, epochs=4)
    (two / "history.csv").unlink()
    first, second = call("runs").output.splitlines()
    assert first.startswith(one.name) and "2 epochs, best accuracy 0." in first and "] in epoch " in first
    assert "phantom data, of unknown age, trained in 3 s" in first
    assert second.startswith(two.name) and "DAMAGED" in second and "history.csv: no such file" in second
    assert call("runs", "rm", one.name).output == f"{one.name} is removed.\n"
    assert not one.exists() and two.exists()


GOOD = Verification("good", 1, (Comparison("loss of epoch 1", 0.5, 0.5, 0.1),))
BAD = Verification("bad", 1, (Comparison("loss of epoch 1", 0.5, 0.7, 0.1),))
SILENT = Verification("silent", problem="its images are not\x1b[2J here.")


@pytest.mark.parametrize(
    ("found", "asked", "status"),
    [
        ([GOOD], "--all", 0),
        ([GOOD, BAD], "--all", 1),
        ([GOOD, SILENT], "--all", 0),
        ([SILENT], "--all", 2),
        ([SILENT], "skin", 2),
    ],
)
def test_the_status_of_verify_tells_what_came_of_it(call, monkeypatch, found, asked, status):
    place_of()
    monkeypatch.setattr(VERIFY_ALL, lambda folders, epochs: iter(found))
    said = call("verify", asked)
    assert said.exit_code == status
    *each, last = said.output.splitlines()
    assert each == [visible(str(v)) for v in found] and last.endswith("cannot be verified here.")


def test_some_runs_are_that_many_and_none_of_those_that_take_long(call, monkeypatch):
    asked = []
    monkeypatch.setattr(VERIFY_ALL, lambda folders, epochs: asked.append((folders, epochs)) or [GOOD])
    # A matrix product's speed on a plain laptop: half of it is what a training step reaches.
    monkeypatch.setattr("labutils.training.cost._product_speed", lambda: 2e11)
    counts = {"train": {"Mel": 500, "Nev": 500}}
    quick, damaged = {place_of(counts, seed=seed) for seed in range(3)}, place_of(seed=3)
    (damaged / "history.csv").unlink()
    slow = place_of(counts, model="vgg16", n_base=64, image_size=128)
    for words in (("--some", 2, "--epochs", 3), ("--some", 9), ("--all",)):
        assert call("verify", *words).exit_code == 0
    (some, epochs), (most, _), (every, _) = asked
    assert (len({*some}), epochs) == (2, 3)
    assert {*most} == quick | {damaged} and {*every} == quick | {damaged, slow}
    for folder in quick | {damaged}:
        RunStore().remove(folder.name)
    said = call("verify", "--some", 1)
    assert said.exit_code == 2 and "name one, or take --all" in said.output


@pytest.fixture
def asked(results, monkeypatch):
    """The settings that `train` would train."""
    found = []

    def note(configs, dataset):
        found.append((list(configs.values()),))
        return {label: made_up_run(config, DATASET) for label, config in configs.items()}

    def share_out(runs, source, jobs):
        found.append(([config for _, config in runs], source, jobs))
        return 1

    monkeypatch.setattr("labutils.data.dataset.load_dataset", lambda *images: DATASET)
    monkeypatch.setattr(TRAIN_ALL, note)
    monkeypatch.setattr("labutils.tools.missing.share_out", share_out)
    return found


TINY = ("train", "--dataset", "skin", "--model", "lenet", "--image-size", 32, "--lr", "1e-5")


def test_train_takes_every_setting_by_both_its_names(call, asked):
    said = call(
        *TINY, "--n-epoch", 3, "--batch-s", 4, "--dense", "[8, 4]", "--batch-norm", "--dropout", 0.2, "--n-train", 24,
        "--augmentation", '{"shift": 0.1}', "--channels", 1,
    )  # fmt: skip
    assert said.exit_code == 0 and "epochs, best accuracy" in said.output, said.output
    settings = {"n_base": 8, "learning_rate": 1e-5, "epochs": 3, "batch_size": 4, "dense": (8, 4), "batch_norm": True}
    settings |= {"dropout": 0.2, "augmentation": Augmentation(shift=0.1), "n_train": 24}
    assert asked == [([tiny_config(**settings)],)]


def test_train_makes_a_run_for_each_value(call, asked):
    ended = call(*TINY, "--epochs", 1, "--lr", "1e-4", "--seeds", "0,1", "--jobs", 2)
    ((configs, source, jobs),) = asked
    assert (source, jobs, ended.exit_code) == ("auto", 2, 1), "one of them could not be trained"
    assert [(c.learning_rate, c.seed) for c in configs] == [(1e-5, 0), (1e-5, 1), (1e-4, 0), (1e-4, 1)]


def test_the_stop_key_ends_train_with_130(call, asked, monkeypatch):
    def stop(configs, dataset):
        raise TrainingInterrupted("stopped, 3 of 9 epochs are finished and kept.")

    monkeypatch.setattr(TRAIN_ALL, stop)
    found = call(*TINY, "--epochs", 1)
    assert found.exit_code == 130 and "3 of 9 epochs are finished and kept." in found.output


SOURCES = ("course", "HAM10000 selection", "course", "course", "course")


@pytest.mark.parametrize("at_once", [1, 8])
def test_runs_are_verified_on_what_they_were_trained_with_and_each_says_what_came_of_it(results, monkeypatch, at_once):
    monkeypatch.setenv("LABUTILS_DATA", str(results))
    monkeypatch.setattr(verify, "RUNS_PER_PROCESS", at_once)
    folders = [results / f"run{number}" for number in range(2 if at_once == 1 else 5)]
    for seed, folder in enumerate(folders):
        run = made_up_run(tiny_config(epochs=1, seed=seed), tiny_dataset())
        run = replace(run, provenance=run.provenance | {"source": SOURCES[seed]}, path=folder)
        write_run(run, state_of(run), None)
    (results / "damaged").mkdir()
    found = {v.name: v for v in verify.verify_all([*folders, results / "damaged"])}
    assert list(found) == ["damaged", *(folder.name for folder in folders)]
    assert not any(v.passed for v in found.values())
    assert "is not a stored run or is damaged" in str(found["damaged"])
    for source, folder in zip(SOURCES, folders, strict=False):
        assert f"its images ({source}, fingerprint" in str(found[folder.name])
