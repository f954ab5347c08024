"""What lies in a folder, without what systems leave behind; what cannot be used is refused by name.

Whether an entry is an image of a class is the business of `layouts`.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labutils.errors import DataError
from labutils.paths import shown

LEFTOVERS = {  # side files, in lower case, that are left out beside names that start with a dot
    # Windows, archives packed on macOS, a Mac's network volumes
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("__macosx", "icon\r", "network trash folder", "temporary items", "lost+found"),
    # network storage: Synology, QNAP, NetApp; programs that show or copy pictures
    *("@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@__thumb", "~snapshot"),
    *("picasa.ini", "zbthumbnail.info", "sync.ffs_db"),
}

PLACEHOLDERS = (".icloud", ".nextcloud", ".owncloud", ".cloudf", ".cloud")
"""Endings of files that stand for one which a cloud has not fetched yet."""

# Windows (OneDrive and others): reading fetches the file, or it is offline. macOS: the content is elsewhere.
_ATTRIBUTES_ELSEWHERE = 0x00400000 | 0x00040000 | 0x00001000
_FLAG_DATALESS = 0x40000000
_HIDDEN_IMAGE = re.compile(
    r"\.(?!_).*\.(jpe?g|png|tiff?|bmp|gif|webp)([._~-](part|partial|tmp|temp|[A-Za-z0-9]{6}))*$", re.IGNORECASE
)
_QUOTED = 3  # how many names a message quotes


def composed(name: str) -> str:
    """A name with its accents on their letters: macOS stores them apart, and the same name would be two."""
    return unicodedata.normalize("NFC", name)


def alike(name: str) -> str:
    """What a name is compared by: letter case and the form of its accents do not matter."""
    return composed(composed(name).casefold())


def list_folder(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder by name, without what systems leave behind; a DataError if one cannot be used."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except PermissionError:
        raise DataError(
            f"{shown(folder)} may not be read by you: change its permissions, or copy it to a folder of yours."
        ) from None
    except OSError as error:
        raise DataError(f"{shown(folder)} cannot be listed ({error.strerror}): check the folder.") from None
    _refuse_placeholders(folder, [entry.name for entry in found if entry.name.casefold().endswith(PLACEHOLDERS)])
    for entry in found:
        # What a Mac keeps beside a file begins with a dot and a line.
        if _HIDDEN_IMAGE.match(entry.name) and entry.is_file():
            raise DataError(
                f"{shown(folder)} holds {entry.name}, a hidden file: a copy that was not finished, or an image that "
                "nobody sees. Copy it again under its own name, or remove it."
            )
    visible = [e for e in found if not e.name.startswith(".") and e.name.casefold() not in LEFTOVERS]
    for name in (entry.name for entry in visible):
        if not name.isprintable() and any(unicodedata.category(letter) == "Cc" for letter in name):
            raise DataError(f"{shown(folder)} holds {name!r}, a name with control characters in it. Rename it.")
        if name.encode(errors="replace").decode() != name:
            readable = os.fsencode(name).decode("utf-8", "backslashreplace")
            raise DataError(
                f"{shown(folder)}/{readable} has a name that is not written in UTF-8 (old archives have such). "
                "Rename it."
            )
    return visible


def only_one(parent: Path, found: Sequence[Path]) -> Path:
    """The one of `found`, folders in `parent` that mean the same; a DataError if there are two."""
    if len(found) > 1:
        both = " and ".join(repr(path.name) for path in found)
        raise DataError(
            f"{shown(parent)} holds {both}: only one of them can be used. Rename the other, or move it away."
        )
    return found[0]


def mode_of(entry: os.DirEntry[str]) -> int:
    """What kind of file an entry is, links followed; a DataError if it leads nowhere, or a cloud has not fetched it."""
    try:
        status = entry.stat()
    except OSError as error:
        what = "is a link that leads nowhere" if entry.is_symlink() else "cannot be read"
        raise DataError(
            f"{shown(entry.path)} {what} ({error.strerror}). Put the image itself there, or remove it."
        ) from None
    if stat.S_ISREG(status.st_mode) and is_elsewhere(status):
        _refuse_placeholders(Path(entry.path).parent, [entry.name])
    return status.st_mode


def is_elsewhere(status: Any) -> bool:
    """Whether a file's content is still in a cloud: Windows and macOS mark such files."""
    windows, mac = (getattr(status, name, 0) for name in ("st_file_attributes", "st_flags"))
    return bool(windows & _ATTRIBUTES_ELSEWHERE or mac & _FLAG_DATALESS)


def _refuse_placeholders(folder: Path, names: list[str]) -> None:
    if not names:
        return
    quoted = ", ".join(names[:_QUOTED]) + (f" and {len(names) - _QUOTED} more" if len(names) > _QUOTED else "")
    one = len(names) == 1
    raise DataError(
        f"{shown(folder)} holds {quoted}, which a cloud has not fetched yet: the {'image is' if one else 'images are'} "
        f"not on this machine. Download {'it' if one else 'them'} (in the file manager: keep on this device), or copy "
        "the folder to a disk."
    )
