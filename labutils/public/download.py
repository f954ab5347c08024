"""Get one file from the internet: checked, shown as it comes, and continued where it was cut off.

`pooch` checks the sum and puts the file in place only if it is right; the part that arrived is kept here until
then. What is in the file, and what becomes of it, is the business of `public` and `archives`.
"""

import errno
import time
from pathlib import Path
from typing import Any

from labutils.errors import DataError
from labutils.paths import shown
from labutils.progress import bar

ATTEMPTS = 3
"""How often a connection that breaks is taken up again before giving up."""

_TIMEOUT = 30  # seconds without a byte
_CHUNK = 1 << 14  # bytes; what is lost of a connection that breaks is less than this


def download(url: str, file: Path, md5: str, progress: bool = True) -> Path:
    """Fetch a file, or do nothing if it is there already with the right checksum.

    Parameters
    ----------
    url : str
    file : Path
        Where to put it; complete or absent. While it comes, its beginning is in `<file>.part` beside it.
    md5 : str
        Checksum, 32 hexadecimal digits.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Path
        `file`.

    Raises
    ------
    DataError
        If the server does not answer, the connection breaks, the checksum is wrong or the disk is full.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    part = file.with_name(file.name + ".part")

    def receive(address: str, target: str | Path, _: Any) -> None:
        _receive(address, part, progress)
        part.replace(target)

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(url, f"md5:{md5}", fname=file.name, path=file.parent, downloader=receive)
    except requests.HTTPError as error:
        raise DataError(_refused(file.name, error)) from None
    except requests.RequestException as error:
        raise DataError(
            f"{file.name} could not be fetched from {_host(url)} ({_reason(error)}). Check the connection and run "
            "the same command again: it goes on where it stopped."
        ) from None
    except ValueError:
        # Only pooch's comparison of checksums raises this; the file it looked at is gone by now.
        raise DataError(
            f"{file.name} from {_host(url)} is not the file that was expected (its md5 is not {md5}); it was removed. "
            "Run the same command again; if that does not help, the file there has changed and labutils must learn "
            "its new checksum."
        ) from None
    except OSError as error:
        raise disk_error(error, file.parent, remove=part) from None
    return file


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
    return DataError(
        f"{shown(folder)} cannot be written ({error.strerror or error}). "
        "Check its permissions, and run the same command again."
    )


def _receive(url: str, part: Path, progress: bool) -> None:
    """Bring `part` to its full length, from where it ends."""
    import requests

    with bar(progress, desc=part.stem, unit="B", unit_scale=True, unit_divisor=1024) as received:
        for attempt in range(ATTEMPTS):
            try:
                return _receive_once(url, part, received)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(attempt)
    return None


def _receive_once(url: str, part: Path, bar: Any) -> None:
    import requests

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
        missing = int(answer.headers.get("Content-Length", 0))
        bar.total = have + missing if missing else None
        bar.update(have - bar.n)
        with part.open("ab" if have else "wb") as out:
            for chunk in answer.iter_content(_CHUNK):
                out.write(chunk)
                bar.update(len(chunk))
    if missing and part.stat().st_size < have + missing:
        # Not every version of urllib3 notices that a connection was closed too early.
        raise requests.ConnectionError("closed too early")


def _refused(name: str, error: Any) -> str:
    status, host = error.response.status_code, _host(error.response.url)
    if status >= 500 or status == 429:
        return f"{host} is in trouble (it answered {status} for {name}). Nothing is wrong here: try again later."
    return (
        f"{host} does not give out {name} (it answered {status}). "
        "The address may have changed: look for the file there, and correct its address in labutils/data/public.py."
    )


def _host(url: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url).hostname or url


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return f"no answer for {_TIMEOUT} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke"
    return "no connection" if isinstance(error, requests.ConnectionError) else type(error).__name__
