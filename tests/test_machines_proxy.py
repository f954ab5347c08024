"""Downloads behind a clinic's proxy: they go through it, and what it refuses is a sentence."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from labutils.errors import DataError
from labutils.tools.public.download import download

CONTENT = bytes(range(256)) * 40
SUMS = {"md5": hashlib.md5(CONTENT).hexdigest(), "largest": 20_000}


class Proxy(ThreadingHTTPServer):
    """Answers for every address, and remembers which it was asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.status = [], 200


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def do_CONNECT(self):
        self.server.asked.append(self.path)
        self.send_error(407)

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy(monkeypatch):
    server = Proxy()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_address[1]}")
    # Taken up again as often, without the pauses.
    monkeypatch.setattr("labutils.tools.public.download.time.sleep", lambda _: None)
    yield server
    server.shutdown()
    server.server_close()


def test_a_download_goes_through_the_proxy(tmp_path, proxy):
    file = download("http://images.invalid/skin.npz", tmp_path / "skin.npz", **SUMS)
    assert file.read_bytes() == CONTENT and proxy.asked == ["http://images.invalid/skin.npz"]


@pytest.mark.parametrize("address", ["http://images.invalid/skin.npz", "https://images.invalid/skin.npz"])
def test_a_proxy_that_wants_a_password(tmp_path, proxy, address):
    proxy.status = 407
    with pytest.raises(DataError, match=r"skin\.npz could not be fetched .*proxy.*HTTPS_PROXY"):
        download(address, tmp_path / "skin.npz", **SUMS)
    assert proxy.asked and not (tmp_path / "skin.npz").exists()


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "http://", "nonsense:x:y"])
def test_a_proxy_that_is_none(tmp_path, proxy, monkeypatch, address):
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, address)
    with pytest.raises(DataError, match=r"skin\.npz could not be fetched .*proxy.*HTTPS_PROXY"):
        download("http://images.invalid/skin.npz", tmp_path / "skin.npz", **SUMS)
