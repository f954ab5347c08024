"""`--scheduler`: certificates, workers that are not as this machine, a scheduler that dies; a sentence each."""

import subprocess
import threading
from shutil import which

import pytest
from click.testing import CliRunner
from helpers import dask_cluster, patience, python_path, tiny_config, tiny_dataset, wait_until

from labutils.cli import cluster
from labutils.cli import commands as cli
from labutils.cli.cluster import Scheduler, connect
from labutils.cli.errors import Problem
from labutils.errors import ClusterError
from labutils.runs.store import RunStore
from labutils.training.workers import train_on

pytest.importorskip("distributed")
TRAIN = ("train", "--dataset", "skin", "--model", "lenet", "--lr", "1e-3", "--epochs", "1", "--source", "phantom")


def said_by(*arguments):
    done = CliRunner().invoke(cli.main, [*arguments], catch_exceptions=False)
    assert done.exit_code == 2
    return done.output


def test_certificates_are_asked_for_where_they_are_needed_and_only_there():
    address = "tls://127.0.0.1:1"
    with pytest.raises(Problem, match="asks for certificates: give --tls-ca FILE --tls-cert FILE --tls-key FILE"):
        connect(Scheduler(address)).__enter__()
    for scheduler in ([], ["--scheduler", "tcp://127.0.0.1:1"]):
        said = said_by(*TRAIN, "--tls-ca", __file__, *scheduler)
        assert "--tls-ca, --tls-cert and --tls-key go with --scheduler tls://HOST:PORT." in said
    assert "'nowhere.pem' does not exist" in said_by("run", "task1b", "--scheduler", address, "--tls-ca", "nowhere.pem")
    with pytest.raises(Problem, match=r"No Dask scheduler answers at tls://127.0.0.1:1"):  # it is no certificate
        connect(Scheduler(address, __file__, __file__, __file__)).__enter__()


def test_workers_with_other_versions_are_refused_by_name():
    here = cluster.versions()
    assert {"Python", "labutils", "numpy", "keras"} < here.keys()
    cluster.compare_workers({})
    cluster.compare_workers({"tcp://a": here, "tcp://b": {**here, "jax": "0.1"}})
    with pytest.raises(Problem, match=f"Worker tcp://b has numpy 1.0, this machine has {here['numpy']}: results"):
        cluster.compare_workers({"tcp://a": here, "tcp://b": {**here, "numpy": "1.0"}})
    with pytest.raises(Problem, match=r"Worker tcp://b does not know this labutils .ModuleNotFoundError: No module"):
        cluster.compare_workers({"tcp://b": ModuleNotFoundError("No module named 'labutils'")})


@pytest.mark.skipif(which("openssl") is None, reason="needs openssl")
def test_with_certificates_it_trains_and_a_scheduler_that_dies_costs_only_what_had_not_arrived(results, capfd):
    made = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", "req", "-x509", *made], cwd=results, check=True, capture_output=True)
    certificate, key = str(results / "cert.pem"), str(results / "key.pem")  # it has signed itself
    tls = ("--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key)
    configs = {"short": tiny_config(epochs=1), "long": tiny_config(epochs=100_000)}
    processes: list[subprocess.Popen] = []
    settings = {"LABUTILS_THREADS": "1", "LABUTILS_DATA": str(results), "PYTHONPATH": python_path()}

    def kill_the_scheduler() -> None:
        wait_until(lambda: len(list(RunStore())) == 1, 60)
        processes[0].kill()

    with (
        dask_cluster(results, *tls, workers=1, started=processes, **settings) as address,
        connect(Scheduler(address, certificate, certificate, key)) as client,
    ):
        client.wait_for_workers(1, timeout=patience(10))
        killer = threading.Thread(target=kill_the_scheduler)
        killer.start()
        with pytest.raises(ClusterError, match="The scheduler is gone: 1 of 2 runs are finished and kept"):
            train_on(client.get_executor(), configs, tiny_dataset())
        killer.join()
    assert "Traceback" not in capfd.readouterr().err
