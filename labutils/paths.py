"""Where data and results live: found from this file, whatever folder a notebook or papermill runs in."""

import re
import unicodedata
from pathlib import Path

from labutils import machine
from labutils.errors import ParameterError

LAB_DATASETS = ("skin", "bone", "x_ray")  # the data sets that the lab's tasks speak of, and that can be drawn
ALLOWED_NAME = "skin, bone or x_ray, or the name of a folder of yours that holds train and validation"
"""What to say to somebody whose name of a data set cannot be one."""

_LONGEST = 192  # bytes of a data set's name: with the settings behind it, it is that of a run's folder
_JOINER, _AS_PICTURE = "\u200d", "\ufe0f"  # what makes one pictogram of several, and what only asks for it in colour


def dataset_name(text: object) -> str | None:
    """The one way in which a data set's name is written inside the lab, None for what cannot be one.

    Letter case, and what stands between words, do not matter: folders are found again however they were typed. Letters
    of any script and pictograms may be in it.

    Examples
    --------
    >>> dataset_name("Skin"), dataset_name("X-ray"), dataset_name("Chest 2024"), dataset_name("../Skin")
    ('skin', 'x_ray', 'chest_2024', None)
    """
    if not isinstance(text, str) or len(text.encode(errors="replace")) > _LONGEST:
        return None
    text = unicodedata.normalize("NFC", text).replace(_AS_PICTURE, "")
    speaking = [speaks(letter) for letter in text]
    if not all(one or letter in " .-_" for one, letter in zip(speaking, text, strict=True)):
        return None
    if not text or not speaking[0] or not (speaking[-1] or text[-1] == "_"):
        return None
    words = re.sub(r"[ ._-]+", "_", unicodedata.normalize("NFC", text.casefold())).strip("_")
    plain = words.replace("_", "")
    return next((name for name in LAB_DATASETS if name.replace("_", "") == plain), words)


def speaks(letter: str) -> bool:
    """Whether it is a letter, one of its marks, a number or a pictogram."""
    kind = unicodedata.category(letter)
    return kind[0] in "LMN" or kind == "So" or (kind == "Sk" and not letter.isascii()) or letter == _JOINER


def _find_root(package: Path) -> Path:
    """The repository that holds the package; of one installed alone the nearest folder that has notebooks."""
    if (package.parent / "pyproject.toml").is_file():
        return package.parent
    here = Path.cwd()
    return next((place for place in (here, *here.parents) if (place / "notebooks/index.ipynb").is_file()), here)


ROOT = _find_root(Path(__file__).resolve().parent)


def data_dir() -> Path:
    """The folder that holds `Skin`, `Bone` and `X_ray`: `LABUTILS_DATA` (a FileNotFoundError if none), else `data/`."""
    path = machine.folder("LABUTILS_DATA")
    if not path:
        return ROOT / "data"
    if not path.is_dir():
        raise FileNotFoundError(
            f"LABUTILS_DATA is {str(path)!r}, which is not a folder. "
            "Set it to the folder that holds Skin, Bone or X_ray, or unset it."
        )
    return path


def generated_dir() -> Path:
    """The folder for phantoms, downloads and the cache: `data/`, for `LABUTILS_DATA` may be write-protected."""
    return ROOT / "data"


def results_dir() -> Path:
    """The folder of stored runs, figures and tables: `LABUTILS_RESULTS` (a ParameterError: a file), else `results/`."""
    place = machine.folder("LABUTILS_RESULTS")
    if place and place.exists() and not place.is_dir():
        raise ParameterError(f"LABUTILS_RESULTS is {str(place)!r}, which is a file: set it to a folder, or unset it.")
    return place or ROOT / "results"


def notebooks_dir() -> Path:
    """The folder of the task notebooks."""
    return ROOT / "notebooks"


def my_lab_dir() -> Path:
    """The student's own folder: `LABUTILS_MY_LAB` if it is set, else `my-lab/`; git does not look into it."""
    return machine.folder("LABUTILS_MY_LAB") or ROOT / "my-lab"


def in_my_lab() -> bool:
    """Whether this runs in the student's folder, as a notebook that was opened there does."""
    here, folder = Path.cwd().resolve(), my_lab_dir().resolve()
    return folder.is_dir() and (here == folder or folder in here.parents)


def short(path: Path | str) -> str:
    """`path` as shown to people: relative to the repository where it lies in it, else its last two parts."""
    path = Path(path)
    try:
        return path.resolve().relative_to(ROOT).as_posix()
    except (ValueError, OSError, RuntimeError):  # elsewhere, or a link that leads to itself
        return Path(*path.parts[-2:]).as_posix()


def shown(path: Path | str) -> str:
    """`path` as an error names it: its folder goes through `short`; a link that leads nowhere is named itself."""
    path = Path(path)
    return f"{short(path.parent)}/{path.name}"
