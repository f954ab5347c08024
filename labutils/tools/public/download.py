"""Get one file from the internet: checked, shown as it comes, and continued where it was cut off.

`pooch` checks the sum and puts the file in place only if it is right; the part that arrived is kept here until
then. What is in the file, and what becomes of it, is the business of `public` and `archives`.
"""

import errno
import hashlib
import time
from pathlib import Path
from typing import Any

from labutils.errors import DataError
from labutils.paths import shown
from labutils.progress import bar
from labutils.runs.disk import reason

ATTEMPTS = 3
"""How often a connection that breaks is taken up again before giving up."""

_TIMEOUT = 30  # seconds without a byte
_STANDSTILL = 120.0  # seconds in which at least _LEAST bytes have to come
_LEAST = 100_000
_PROXY = "the proxy of this network refuses: HTTPS_PROXY should be http://USER:PASSWORD@HOST:PORT, as its keeper says"
_CHUNK = 1 << 14  # bytes; what is lost of a connection that breaks is less than this


def download(url: str, file: Path, md5: str, largest: int, sha256: str | None = None, progress: bool = True) -> Path:
    """Fetch a file, or do nothing if it is there already with the right checksum.

    Parameters
    ----------
    url : str
    file : Path
        Where to put it; complete or absent. While it comes, its beginning is in `<file>.part` beside it.
    md5 : str
        Checksum, 32 hexadecimal digits.
    largest : int
        Bytes that the file has at most; what a server sends beyond them is not kept.
    sha256 : str, optional
        A second checksum, 64 hexadecimal digits, where one is known: unlike md5 it cannot be forged.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Path
        `file`.

    Raises
    ------
    DataError
        If the server does not answer, the connection breaks or stands still, the file is too large, a checksum is
        wrong or the disk is full.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    part = file.with_name(file.name + ".part")

    def receive(address: str, target: str | Path, _: Any) -> None:
        _receive(address, part, largest, progress)
        part.replace(target)

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(url, f"md5:{md5}", fname=file.name, path=file.parent, downloader=receive)
        if sha256 is not None and sha256_of(file) != sha256:
            file.unlink()
            raise DataError(_unexpected(file.name, url, f"its sha256 is not {sha256}"))
    except DataError:
        raise
    except requests.HTTPError as error:
        raise DataError(_refused(file.name, error)) from None
    except requests.RequestException as error:
        raise DataError(
            f"{file.name} could not be fetched from {_host(url)} ({_reason(error)}). Check the connection and run "
            "the same command again: it goes on where it stopped."
        ) from None
    except ValueError:
        # Only pooch's comparison of checksums raises this; the file it looked at is gone by now.
        raise DataError(_unexpected(file.name, url, f"its md5 is not {md5}")) from None
    except OSError as error:
        raise disk_error(error, file.parent, remove=part) from None
    return file


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def disk_error(error: OSError, folder: Path, remove: Path | None = None) -> DataError:
    """What to tell somebody when a folder cannot be written.

    Parameters
    ----------
    error : OSError
    folder : Path
        Where it happened.
    remove : Path, optional
        A file to remove if the disk is full, so that it is not full any longer.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        if remove is not None:
            remove.unlink(missing_ok=True)
        return DataError(
            f"The disk that holds {shown(folder)} is full. Nothing half-written was left; "
            "make room and run the same command again."
        )
    return DataError(f"{shown(folder)} cannot be written ({reason(error)}). Mend that, and run the same command again.")


def _receive(url: str, part: Path, largest: int, progress: bool) -> None:
    """Bring `part` to its full length, from where it ends."""
    import requests

    with bar(progress, desc=part.stem, unit="B", unit_scale=True, unit_divisor=1024) as received:
        for attempt in range(ATTEMPTS):
            try:
                return _receive_once(url, part, largest, received)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(attempt)
    return None


def _receive_once(url: str, part: Path, largest: int, bar: Any) -> None:
    import requests
    from urllib3.exceptions import HTTPError

    have = part.stat().st_size if part.exists() else 0
    # Compressed transfer would count other bytes than those of the file.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            # Nothing comes after what is there. If that is the file, its checksum says so.
            bar.update(have - bar.n)
            return
        answer.raise_for_status()
        if answer.status_code != requests.codes.partial_content:
            have = 0
        said = answer.headers.get("Content-Length", "0")
        missing = int(said) if said.isdecimal() and len(said) < 20 else 0
        if have + missing > largest:
            raise _too_large(url, part, largest)
        bar.total = have + missing if missing else None
        bar.update(have - bar.n)
        since, counted = time.monotonic(), 0
        with part.open("ab" if have else "wb") as out:
            # `iter_content` waits for a whole chunk, and a server that sends a byte now and then is never late for it.
            while chunk := _read_some(answer, HTTPError):
                out.write(chunk)
                bar.update(len(chunk))
                if out.tell() > largest:
                    raise _too_large(url, part, largest)
                counted += len(chunk)
                if counted >= _LEAST:
                    since, counted = time.monotonic(), 0
                elif time.monotonic() > since + _STANDSTILL:
                    raise DataError(
                        f"{part.stem} from {_host(url)} has come to a standstill ({counted:,} bytes in "
                        f"{_STANDSTILL:g} s). Run the same command again later: it goes on where it stopped."
                    )
    if missing and part.stat().st_size < have + missing:
        # Not every version of urllib3 notices that a connection was closed too early.
        raise requests.ConnectionError("closed too early")


def _read_some(answer: Any, broken: type[Exception]) -> bytes:
    """What has arrived by now, at least a byte; nothing at the end."""
    import requests

    try:
        return answer.raw.read1(_CHUNK) or b""
    except broken as error:
        if "timed out" in str(error):
            raise requests.Timeout(error) from None
        raise requests.exceptions.ChunkedEncodingError(error) from None


def _too_large(url: str, part: Path, largest: int) -> DataError:
    part.unlink(missing_ok=True)
    return DataError(_unexpected(part.stem, url, f"it has more than {largest:,} bytes"))


def _unexpected(name: str, url: str, why: str) -> str:
    return (
        f"{name} from {_host(url)} is not the file that was expected ({why}); it was removed. "
        "Run the same command again; if that does not help, the file there has changed and labutils must learn "
        "its new checksum and size (labutils/tools/public/fetch.py)."
    )


def _refused(name: str, error: Any) -> str:
    import requests

    status, host = error.response.status_code, _host(error.response.url)
    if status == requests.codes.proxy_authentication_required:
        return f"{name} could not be fetched from {host} ({_PROXY}). Then run the same command again."
    if status >= 500 or status == 429:
        return f"{host} is in trouble (it answered {status} for {name}). Nothing is wrong here: try again later."
    return (
        f"{host} does not give out {name} (it answered {status}). "
        "The address may have changed: look for the file there, and correct it in labutils/tools/public/fetch.py."
    )


def _host(url: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url).hostname or url


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return f"no answer for {_TIMEOUT} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted here: is this computer's clock right, or a filter between?"
    # The addresses here are right: a scheme that is not known is that of the proxy (SOCKS needs another package).
    proxy = (requests.exceptions.ProxyError, requests.exceptions.InvalidProxyURL, requests.exceptions.InvalidSchema)
    if isinstance(error, proxy):
        return _PROXY
    if isinstance(error, requests.TooManyRedirects):
        return "it sends from one address to the next without end"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke"
    return "no connection" if isinstance(error, requests.ConnectionError) else type(error).__name__
