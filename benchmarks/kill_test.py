"""Kill a real training thirty times, outright and at random moments: nothing may be lost, left behind or different.

`python benchmarks/kill_test.py [KILLS]` trains two small runs by one process, and by two (`run --missing --jobs 2`).
Each is killed KILLS times (30 unless given), mostly within or just after an epoch, where files are written; then it may
end. The stored numbers have to be those of a training that nobody disturbed, bit by bit; no other file may lie in the
results, and no process may go on. Some ten minutes on two cores; exit status 1 if one of this does not hold.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from labutils.runs.run import read_run

ROOT = Path(__file__).resolve().parents[1]
EPOCHS = 60
LAB = f"""
from labutils import lab
from labutils.config import RunConfig
small = dict(dataset="skin", model="lenet", n_base=2, dense=(8,), image_size=32, n_train=32, n_val=16, dropout=0.2)
lab.training_list = lambda: [
    lab.Planned("a", "task1b", f"seed {{seed}}", RunConfig(**small, learning_rate=1e-3, seed=seed, epochs={EPOCHS}))
    for seed in range(2)
]
"""
"""What every process runs at its start: the lab is two small runs."""


def start(home: Path, jobs: int) -> subprocess.Popen:
    """The command, which writes to `home` alone."""
    (home / "site").mkdir(parents=True, exist_ok=True)
    (home / "site" / "sitecustomize.py").write_text(LAB)
    (home / "temporary").mkdir(exist_ok=True)
    settings = {
        "LABUTILS_RESULTS": str(home / "results"),
        "LABUTILS_DATA": str(home / "site"),  # no images: phantoms are drawn where the package is
        "TMPDIR": str(home / "temporary"),
        "LABUTILS_THREADS": str(jobs),  # shared out: one for each process, as numbers depend on that
        "LABUTILS_PRECISION": "float32",
        "PYTHONPATH": str(home / "site"),
    }
    command = [
        sys.executable,
        "-c",
        "from labutils.tools.cli import main; main()",
        "run",
        "--missing",
        "--jobs",
        str(jobs),
    ]
    with (home / "log").open("a") as log:
        return subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=log, stderr=log)


def finish(home: Path, jobs: int) -> None:
    """Let it end by itself."""
    if start(home, jobs).wait():
        sys.exit(f"The training failed:\n{(home / 'log').read_text()[-3000:]}")


def epochs(home: Path) -> int:
    """How many epochs are stored, of both runs."""
    histories = (home / "results" / "runs").glob("*/history.csv")
    return sum(len(file.read_text().splitlines()) - 1 for file in histories)


def kill(home: Path, jobs: int, moments: random.Random) -> list[str]:
    """Start it, kill it, and say what it left behind."""
    process, before = start(home, jobs), epochs(home)
    if moments.random() < 0.8:  # in the middle of an epoch or of its files
        while process.poll() is None and epochs(home) <= before:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.1))
    else:  # while it starts
        time.sleep(moments.uniform(0, 5))
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while (alive := processes(home)) and time.monotonic() < deadline:
        time.sleep(0.05)
    lost = [f"{epochs(home)} epochs, and {before} were stored"] if epochs(home) < before else []
    return [f"process {number} goes on" for number in alive] + lost


def processes(home: Path) -> list[int]:
    """Every process that was given `home`, whoever its parent is by now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LABUTILS_RESULTS", "").startswith(str(home)):
                found.append(process.pid)
        except psutil.Error:  # it has ended, or is another user's
            continue
    return found


def files(home: Path) -> set[str]:
    """Everything below the results and the folder of temporary files, but for locks."""
    places = home / "results", home / "temporary"
    found = {file.relative_to(home).as_posix() for place in places for file in place.rglob("*") if file.is_file()}
    return {file for file in found if not file.endswith(".lock")}


def differences(home: Path, undisturbed: Path) -> list[str]:
    """What is not as in a training that nobody disturbed."""
    said = [f"{file} is left or lacks" for file in sorted(files(home) ^ files(undisturbed))]
    for folder in sorted((undisturbed / "results" / "runs").glob("*/")):
        if not (folder / "config.json").exists():
            continue
        run, other = read_run(folder), read_run(home / "results" / "runs" / folder.name)
        same = [np.array_equal(run.val_predictions, other.val_predictions)]
        same += [np.array_equal(run.history[name], other.history[name]) for name in run.history if name != "seconds"]
        said += [] if all(same) else [f"{folder.name} has other numbers"]
    return said


def main(kills: int) -> int:
    """Both ways; 1 if something does not hold."""
    seed = random.randrange(10**6)
    print(f"Moments drawn with seed {seed}.", flush=True)
    moments, wrong = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as temporary:
        undisturbed = Path(temporary) / "undisturbed"
        finish(undisturbed, 1)
        for jobs in (1, 2):
            home, said = Path(temporary) / f"jobs{jobs}", list[str]()
            for _ in range(kills):
                said += kill(home, jobs, moments)
            reached = epochs(home)
            finish(home, jobs)
            said += differences(home, undisturbed)
            wrong += len(said)
            ended = "; ".join(said) or "nothing lost, left behind or different"
            print(f"--jobs {jobs}: {kills} kills, {reached} epochs before the last start: {ended}.", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
