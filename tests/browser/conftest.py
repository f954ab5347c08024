"""JupyterLab on a copy of the notebooks, and a browser: skipped, visibly, where either is absent."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers import wait_until

from labutils import paths

pytest.register_assert_rewrite("page_helpers", "use_helpers")  # so that what fails there says what it found

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WAIT = 90_000
"""Milliseconds that something may take on a machine that others use too; everything waits for events."""
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false"},
    # Cells that are out of sight stay in the page, so that all controls of a notebook can be found.
    "notebook-extension/tracker": {"windowingMode": "none"},
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A server: `url`, its process `server`, and `folder` with the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    for name, settings in SETTINGS.items():
        file = folder / ".config/lab/user-settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
    for notebook in paths.notebooks_dir().glob("*.ipynb"):
        shutil.copy(notebook, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name != "LABUTILS_PROGRESS"}
    environment |= {
        "PYTHONPATH": str(paths.ROOT),
        "LABUTILS_RESULTS": str(paths.results_dir()),
        "JUPYTER_CONFIG_DIR": str(folder / ".config"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += [
        "--LabApp.expose_app_in_browser=True",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
    ]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: server.poll() is not None or _answers(url + "/api"), 60)
        assert server.poll() is None, f"JupyterLab did not start:\n{(folder / 'server.log').read_text()[-2000:]}"
        yield SimpleNamespace(url=url, folder=folder, server=server)
    finally:
        server.terminate()
        server.wait(30)


def _answers(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(url, timeout=2))
    except OSError:
        return False


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Chromium, headless."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core, which looks for what shuts readers out."""
    axe_package = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    return (Path(axe_package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page(browser, lab) -> Iterator:
    """JupyterLab in a page that all tests share: it takes seconds to load. `page.errors` are those of its console."""
    from page_helpers import watch_errors

    opened = browser.new_page()
    opened.set_default_timeout(WAIT)
    watch_errors(opened)
    opened.goto(f"{lab.url}/lab?reset")
    opened.wait_for_function("window.jupyterapp?.restored.then(() => true)")
    yield opened
    opened.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    opened.close()


@pytest.fixture
def open_file(browser) -> Iterator[Callable[..., Any]]:
    """Opens a page by its address, offline, with options of a browser's context; `page.asked` is what it fetches by."""
    from page_helpers import watch_errors

    contexts = []

    def opened(address: str, **options: Any) -> Any:
        contexts.append(browser.new_context(offline=True, **options))
        page = contexts[-1].new_page()
        watch_errors(page)
        page.asked = set()
        page.on("request", lambda request: page.asked.add(request.url.split(":")[0]))
        page.add_init_script("addEventListener('unhandledrejection', () => { window.failed = true; });")
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(autouse=True)
def _no_errors_yet(request: pytest.FixtureRequest) -> None:
    """Each test begins without errors; those of files need no JupyterLab."""
    if "page" in request.fixturenames:
        request.getfixturevalue("page").errors.clear()
