"""`--scheduler`: a Dask scheduler, the certificates that it may ask for, and whether its workers have what is here.

What workers do is the business of `training.workers` and `execution.remote`.
"""

from __future__ import annotations

import logging
import platform
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from labutils.tools.cli.errors import Problem

if TYPE_CHECKING:
    from distributed import Client


_ADDRESS = re.compile(r"((tcp|tls)://)?[\w.:\[\]-]+:\d{1,5}", re.ASCII)


@dataclass(frozen=True)
class Scheduler:
    """Where a scheduler is, and the files of the certificates that it asks for."""

    address: str
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


def scheduler_options(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options of a command that takes a `Scheduler`, or None, as `scheduler`; `what` is their help."""
    certificates = (
        ("--tls-ca", "With tls://...: the authority that signed the cluster's certificates, a PEM file."),
        ("--tls-cert", "With tls://...: your own certificate, a PEM file."),
        ("--tls-key", "With tls://...: its key, a PEM file."),
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(
            scheduler: str | None, tls_ca: str | None, tls_cert: str | None, tls_key: str | None, **options: Any
        ) -> Any:
            if scheduler is not None and not _ADDRESS.fullmatch(scheduler):
                raise click.UsageError(f"--scheduler is {scheduler!r}: it must be tcp://HOST:PORT or tls://HOST:PORT.")
            files = tls_ca, tls_cert, tls_key
            if any(files) and not (scheduler or "").startswith("tls://"):
                raise click.UsageError("--tls-ca, --tls-cert and --tls-key go with --scheduler tls://HOST:PORT.")
            return command(scheduler=Scheduler(scheduler, *files) if scheduler else None, **options)

        for name, said in reversed(certificates):
            run = click.option(name, type=click.Path(exists=True, dir_okay=False), metavar="FILE", help=said)(run)
        return click.option("--scheduler", metavar="tcp://...", help=what)(run)

    return add


@contextmanager
def connect(scheduler: Scheduler) -> Iterator[Client]:
    """A client of the scheduler, whose workers have been compared with this machine; says so if there are none yet."""
    try:
        from distributed import Client, Security
    except ImportError:
        raise Problem("Dask is not installed: pip install 'labutils[dask]'.") from None
    # A connection that is lost is told in a sentence; Dask writes the stack of it too.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    address = scheduler.address
    files = {"tls_ca_file": scheduler.ca, "tls_client_cert": scheduler.certificate, "tls_client_key": scheduler.key}
    try:
        security = Security(
            **{name: file for name, file in files.items() if file}
        )  # what is not given: Dask's settings
        if address.startswith("tls://") and not security.get_connection_args("client").get("ssl_context"):
            raise Problem(f"{address} asks for certificates: give --tls-ca FILE --tls-cert FILE --tls-key FILE.")
        client = Client(address, timeout="20s", security=security)
    except (OSError, ValueError) as error:
        raise Problem(f"No Dask scheduler answers at {address} ({error}).") from None
    with client:
        if not client.nthreads():
            click.echo(f"{address} has no workers yet. Start one: dask worker {address} --nthreads 1")
        compare_workers(client.run(versions, on_error="return"))
        yield client


def versions() -> dict[str, str]:
    """What the numbers of a training depend on: versions of Python, of this package, and of what it trains with."""
    from importlib.metadata import version

    import labutils
    from labutils import machine

    packages = {name: version(name) for name in ("numpy", "keras", machine.backend())}
    return {"Python": ".".join(platform.python_version_tuple()[:2]), "labutils": labutils.__version__, **packages}


def compare_workers(found: dict[str, Any]) -> None:
    """Refuse workers that have not what is here; `found` is by address, an exception where they could not say it."""
    here = versions()
    for worker, theirs in found.items():
        if isinstance(theirs, BaseException):
            raise Problem(
                f"Worker {worker} does not know this labutils ({type(theirs).__name__}: {theirs}). Install the same "
                "version there, with requirements.txt."
            )
        for name in here.keys() & theirs.keys():  # another backend is its own business: the run says so
            if theirs[name] != here[name]:
                raise Problem(
                    f"Worker {worker} has {name} {theirs[name]}, this machine has {here[name]}: results would differ. "
                    "Install the same version there, with requirements.txt."
                )
