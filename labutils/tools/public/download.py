"""Get one file from the internet: checked, shown as it comes, and continued where it was cut off.

`pooch` checks the file's sum and puts it in place only if it is right; the part that arrived is kept here until then.
"""

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labutils.errors import DataError
from labutils.progress import bar

ATTEMPTS = 3
"""How often a connection that breaks is taken up again before giving up."""

_TIMEOUT = 30  # seconds without a byte
_CHUNK = 1 << 14  # bytes; what is lost of a connection that breaks is less than this
_BYTES: dict[str, Any] = {"unit": "B", "unit_scale": True, "unit_divisor": 1024}
_CERTIFICATE = "its certificate is not trusted here: is this computer's clock right, or a filter between?"
_PROXY = "the proxy of this network refuses: HTTPS_PROXY should be http://USER:PASSWORD@HOST:PORT, as its keeper says"


def download(url: str, file: Path, md5: str, largest: int, sha256: str | None = None) -> Path:
    """Fetch a file, or do nothing if it is there already with the right checksum; returns `file`.

    It is complete or absent: while it comes, its beginning is in `<file>.part` beside it. Of `md5` and `sha256`
    (hexadecimal) the second, where one is known, cannot be forged; what a server sends beyond `largest` bytes is not
    kept. A DataError says why it did not come, an OSError why it cannot be written.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    part, wrong = file.with_name(file.name + ".part"), ""

    def receive(address: str, target: str | Path, _: Any) -> None:
        _receive(address, part, largest)
        part.replace(target)

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(url, f"md5:{md5}", fname=file.name, path=file.parent, downloader=receive)
        if sha256 is not None and pooch.file_hash(str(file)) != sha256:
            wrong = f"its sha256 is not {sha256}"
    except requests.RequestException as error:
        raise DataError(_refused(file.name, url, error)) from None
    except OverflowError:
        wrong = f"it has more than {largest:,} bytes"
    except ValueError:  # pooch compared checksums, or a server gave a length that is no number
        wrong = f"its md5 is not {md5}"
    if wrong:
        file.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
        raise DataError(
            f"{file.name} from {_host(url)} is not the file that was expected ({wrong}); it was removed. "
            "Run the same command again; if that does not help, the file there has changed and labutils must learn "
            "its new checksum and size (labutils/tools/public/fetch.py)."
        )
    return file


def _receive(url: str, part: Path, largest: int) -> None:
    """Bring `part` to its full length, from where it ends."""
    import requests

    for attempt in range(ATTEMPTS):
        there = part.stat().st_size if part.exists() else 0
        # Compressed transfer would count other bytes than those of the file.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
        try:
            with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
                if answer.status_code == requests.codes.requested_range_not_satisfiable:
                    return  # nothing comes after what is there; if that is the file, its checksum says so
                answer.raise_for_status()
                # From a server that knows no parts, the whole file comes.
                how = "ab" if answer.status_code == requests.codes.partial_content else "wb"
                length = int(answer.headers.get("Content-Length", 0))
                with part.open(how) as out, bar(total=length, desc=part.stem, **_BYTES) as shown_bar:
                    for chunk in answer.iter_content(_CHUNK):
                        if out.tell() + len(chunk) > largest:
                            raise OverflowError
                        shown_bar.update(out.write(chunk))
            return
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(attempt)


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _refused(name: str, url: str, error: Any) -> str:
    """Why a file did not come, and what to do."""
    from requests import codes, exceptions

    if isinstance(error, exceptions.HTTPError):
        answer: Any = error.response
        status, host = answer.status_code, _host(answer.url)
        if status == codes.proxy_authentication_required:
            return f"{name} could not be fetched from {host} ({_PROXY}). Then run the same command again."
        if status >= 500 or status == 429:
            return f"{host} is in trouble (it answered {status} for {name}). Nothing is wrong here: try again later."
        return (
            f"{host} does not give out {name} (it answered {status}). "
            "The address may have changed: look for the file there, and correct it in labutils/tools/public/fetch.py."
        )
    reasons: tuple[tuple[Any, str], ...] = (
        (exceptions.Timeout, f"no answer for {_TIMEOUT} s"),
        (exceptions.SSLError, _CERTIFICATE),
        # The addresses here are right: a scheme that is not known is that of the proxy (SOCKS needs another package).
        ((exceptions.ProxyError, exceptions.InvalidProxyURL, exceptions.InvalidSchema), _PROXY),
        (exceptions.TooManyRedirects, "it sends from one address to the next without end"),
        (exceptions.ChunkedEncodingError, "the connection broke"),
        (exceptions.ConnectionError, "no connection"),
    )
    reason = next((words for kind, words in reasons if isinstance(error, kind)), type(error).__name__)
    reason = reasons[0][1] if "timed out" in str(error) else reason
    return (
        f"{name} could not be fetched from {_host(url)} ({reason}). Check the connection and run "
        "the same command again: it goes on where it stopped."
    )
