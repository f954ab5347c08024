"""`--scheduler`: certificates, other workers than expected, workers and schedulers that are lost; a sentence each."""

import os
import subprocess
import sys
from shutil import which

import nbformat
import pytest
from click.testing import CliRunner
from cluster_helpers import DEADLY, dask_cluster, instead_of_training, train_until
from helpers import patience, python_path, tiny_config, tiny_dataset
from notebook_helpers import write

from labutils import paths
from labutils.errors import ClusterError
from labutils.runs.run import read_run
from labutils.runs.store import RunStore
from labutils.tools.cli import commands as cli
from labutils.training import workers
from labutils.training.workers import Scheduler, connect, train_on

pytest.importorskip("distributed")


def test_certificates_are_asked_for_where_they_are_needed():
    address = "tls://127.0.0.1:1"
    with pytest.raises(ClusterError, match="asks for certificates: give --tls-ca FILE --tls-cert FILE --tls-key FILE"):
        connect(Scheduler(address)).__enter__()
    with pytest.raises(ClusterError, match=rf"No Dask scheduler answers at {address}"):  # it is no certificate
        connect(Scheduler(address, __file__, __file__, __file__)).__enter__()


def test_workers_with_other_versions_are_refused_by_name():
    here = workers.versions()
    assert {"Python", "labutils", "numpy", "keras"} < here.keys()
    workers.compare_workers({"tcp://a": here, "tcp://b": {**here, "jax": "0.1"}})
    with pytest.raises(ClusterError, match=f"Worker tcp://b has numpy 1.0, this machine has {here['numpy']}: results"):
        workers.compare_workers({"tcp://a": here, "tcp://b": {**here, "numpy": "1.0"}})
    with pytest.raises(ClusterError, match=r"tcp://b does not know this labutils .ModuleNotFoundError: No module"):
        workers.compare_workers({"tcp://b": ModuleNotFoundError("No module named 'labutils'")})


TRAINS = """
from labutils.config import RunConfig
from labutils.data import load_dataset
from labutils.training import train_all
config = RunConfig(
    dataset="skin", model="lenet", n_base=2, dense=(8,), image_size=32, learning_rate=1e-3, epochs=n_epoch,
    n_train=16, n_val=8,
)
runs = train_all({"tiny": config}, load_dataset("skin", 32, source=source, n_train=16, n_val=8))
"""
READS = "print(*runs['tiny'].history['val_loss'], *runs['tiny'].history['val_accuracy'])"


def test_what_notebooks_ask_for_is_trained_by_workers(results, tmp_path_factory, monkeypatch, capsys):
    folder = tmp_path_factory.mktemp("notebooks")
    monkeypatch.setattr(paths, "notebooks_dir", lambda: folder)
    parameters = "n_epoch: int = 1  # epochs\nsource: str = 'phantom'  # images"
    for name, *cells in (("task1b", READS), ("task1c", READS, "raise RuntimeError('no')")):
        write(folder, TRAINS, *cells, parameters=parameters).rename(folder / f"{name}.ipynb")
    monkeypatch.setenv("LABUTILS_RESULTS", str(folder / "local"))
    here = {"n_epoch": 2, "source": "phantom"}
    exec(TRAINS + READS, here)
    expected = capsys.readouterr().out.splitlines()[-1]
    monkeypatch.setenv("LABUTILS_RESULTS", str(results))

    def run(*arguments):
        command = ["run", *arguments, "--scheduler", address, "--out", str(folder / "out")]
        return CliRunner().invoke(cli.main, command, catch_exceptions=False)

    with dask_cluster(results, workers=1) as address:
        ended = run("task1b", "-p", "n_epoch", "2")
        assert ended.exit_code == 0 and "tiny: trained 2 epochs in" in ended.output and "by a worker." in ended.output
        assert ended.output.splitlines()[-1].split()[:3] == ["task1b", "1", "trained"]
        (printed,) = nbformat.read(folder / "out" / "task1b.ipynb", as_version=4).cells[-1].outputs
        assert printed.text.strip() == expected
        assert [read_run(place).epochs for place in RunStore()] == [2]
        ended = run("task1c", "-p", "n_epoch", "1")
        assert ended.exit_code == 1 and "task1c failed: RuntimeError: no" in ended.output
        assert ["task1c", "1", "reused"] in [line.split()[:3] for line in ended.output.splitlines()]


LOST = "The scheduler is gone or out of reach. See that it runs. 1 of 2 runs are finished and kept"


@pytest.mark.skipif(which("openssl") is None, reason="needs openssl")
def test_with_certificates_it_trains_and_a_scheduler_that_dies_costs_only_what_had_not_arrived(results, capfd):
    made = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", "req", "-x509", *made], cwd=results, check=True, capture_output=True)
    certificate, key = str(results / "cert.pem"), str(results / "key.pem")  # it has signed itself
    tls = ("--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key)
    processes: list[subprocess.Popen] = []
    with (
        dask_cluster(results, *tls, workers=1, started=processes, **instead_of_training(results)) as address,
        pytest.raises(ClusterError, match=LOST),
    ):
        train_until(lambda: processes[0].kill(), Scheduler(address, certificate, certificate, key))
    assert "Traceback" not in capfd.readouterr().err


def test_twenty_runs_on_two_workers_and_one_that_kills_whoever_trains_it(results, capfd):
    twenty = {f"seed {seed}": tiny_config(seed=seed) for seed in range(20)}
    with dask_cluster(results, **instead_of_training(results)) as address, connect(Scheduler(address)) as client:
        client.wait_for_workers(2, timeout=patience(10))
        runs = train_on(client.get_executor(), twenty, tiny_dataset())
        assert [run.config.seed for run in runs.values()] == list(range(20))
        deadly = r"deadly was tried by several .* died of it.* 20 of 21 runs are finished"
        with pytest.raises(ClusterError, match=deadly):
            train_on(client.get_executor(), {**twenty, "deadly": DEADLY}, tiny_dataset())
        client.wait_for_workers(2, timeout=patience(20))  # one that is being started again does not hear the stop key
    assert {run.config.seed for run in RunStore().all()} == set(range(20))
    assert len({run.provenance["stretches"][0]["device"] for run in RunStore().all()}) == 2, "both have worked"
    said = capfd.readouterr()
    assert "1 runs to train on workers, 20 stored already." in said.out
    assert "Traceback" not in said.err


# In a network of its own, which it shares with nobody and may therefore cut: `far` is another one behind a cable.
CABLE = """
import os, subprocess
from pathlib import Path
from cluster_helpers import dask_cluster, instead_of_training, train_until
from helpers import wait_until
from labutils.errors import ClusterError
from labutils.training.workers import Scheduler

def ip(words, *within):
    subprocess.run([*within, "ip", *words.split()], check=True)

far = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
network = f"/proc/{far.pid}/ns/net"
wait_until(lambda: os.readlink(network) != os.readlink("/proc/self/ns/net"))
within = ("nsenter", f"--net={network}")
ip(f"link add near type veth peer name far netns {far.pid}")
for words in ("address add 10.9.9.1/24 dev near", "link set lo up", "link set near up"):
    ip(words)
for words in ("address add 10.9.9.2/24 dev far", "link set lo up", "link set far up"):
    ip(words, *within)
home = Path(os.environ["LABUTILS_RESULTS"])
settings = instead_of_training(home)
try:
    with dask_cluster(home, workers=1, host="10.9.9.2", within=within, **settings) as address:
        train_until(lambda: ip("link set near down"), Scheduler(address))
except ClusterError as error:
    print(error)
finally:
    far.kill()
"""


def another_network() -> list[str]:
    """The command that starts a process in a network of its own, or nothing where that is not allowed."""
    for options in (["--net"], ["--map-root-user", "--net"]):
        probe = ["unshare", *options, "sh", "-c", "ip link add one type veth peer name other && unshare --net true"]
        if which("unshare") and which("ip") and subprocess.run(probe, capture_output=True).returncode == 0:
            return ["unshare", *options]
    return []


@pytest.mark.skipif(not another_network(), reason="needs network namespaces (Linux, unshare and ip)")
def test_a_network_that_is_cut_costs_only_what_had_not_arrived(results):
    # After 12 seconds a silent connection counts as lost.
    settings = {"LABUTILS_RESULTS": str(results), "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s"}
    done = subprocess.run(
        [*another_network(), sys.executable, "-c", CABLE],
        env=os.environ | settings | {"PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        timeout=patience(60),
    )
    assert LOST in done.stdout and "Traceback" not in done.stderr
    assert [run.epochs for run in RunStore().all()] == [1]
