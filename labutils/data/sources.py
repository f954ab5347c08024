"""Where the images to be judged are: the folder of a data set by its name, or any folder in the course's layout.

Reading and labelling follow `layouts`; a folder that is none of the lab's data sets may have classes of its own.
"""

from dataclasses import dataclass
from pathlib import Path

from labutils import paths
from labutils.data.errors import DataError, shown
from labutils.data.layouts import DATASETS, Split, find_files, find_folder, read_class_names


@dataclass(frozen=True)
class Source:
    """A folder of images, told into splits and classes; `title` says what it is in one line."""

    root: Path
    train: Split
    validation: Split
    class_names: tuple[str, ...]
    title: str


def find_source(source: str | Path) -> Source:
    """The files of a data set, by its name or its folder.

    Parameters
    ----------
    source : str or Path
        `skin`, `bone` or `x_ray` (letter case and the underscore do not matter): the first of the course's, the
        public and the phantom images that exist. Anything else is a folder that holds `train` and `test`.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        If there is no such folder, or its files cannot be told into classes.
    """
    name = dataset_name(str(source)) if isinstance(source, str) else None
    if name:
        return _find_named(name)
    root = Path(source).expanduser()
    if not root.is_dir():
        raise DataError(
            f"{source} is neither a data set ({', '.join(DATASETS)}) nor a folder. "
            "Give one of these names, or the folder that holds train and test."
        )
    return _read(_guess_name(root.resolve()), root, f"Images in {shown(root)}")


def dataset_name(text: str) -> str | None:
    """`skin`, `bone` or `x_ray` for what somebody typed (`Skin`, `xray`, `X-Ray`), None if it is none of them."""
    plain = text.casefold().replace("_", "").replace("-", "")
    return next((name for name in DATASETS if name.replace("_", "") == plain), None)


def existing() -> list[str]:
    """The names of the data sets that have images somewhere.

    Raises
    ------
    DataError
        If none has.
    """
    names = [name for name in DATASETS if _places(name)]
    if not names:
        raise DataError("There are no images yet: draw phantoms with `labutils data phantoms`.")
    return names


def _places(name: str) -> list[tuple[str, Path]]:
    """The folders of a data set that exist, the one that is used first, each with what it holds."""
    try:
        course = paths.data_dir()
    except FileNotFoundError as error:
        raise DataError(str(error)) from None
    parents = {
        "course data": course,
        "public data": paths.generated_dir() / "public",
        "PHANTOMS (synthetic images, not patients)": paths.generated_dir() / "phantoms",
    }
    wanted = [DATASETS[name].folder.casefold()]
    found = [(what, find_folder(parent, wanted)) for what, parent in parents.items() if parent.is_dir()]
    return [(what, folder) for what, folder in found if folder is not None]


def _find_named(name: str) -> Source:
    folder = DATASETS[name].folder
    places = _places(name)
    if not places:
        raise DataError(
            f"There are no images of {folder} yet: put the course's into {shown(paths.data_dir() / folder)}, "
            f"or draw phantoms with `labutils data phantoms {name}`."
        )
    what, root = places[0]
    return _read(name, root, f"{folder}: {what}")


def _guess_name(root: Path) -> str:
    """The data set that a folder holds: by its own name, or the first whose classes fit its files."""
    named = dataset_name(root.name)
    if named:
        return named
    for name in DATASETS:
        try:
            find_files(name, root)
        except DataError:
            continue
        return name
    raise DataError(
        f"{shown(root)} holds the classes of no data set, or a file that matches none. It should hold train and test, "
        "with classes as in "
        + "; ".join(f"{layout.folder} ({', '.join(layout.class_names)})" for layout in DATASETS.values())
        + f". For other classes, list them in {shown(root / 'classes.json')}: "
        '{"class_names": ["Hand", "Knee"]}.'
    )


def _read(name: str, root: Path, title: str) -> Source:
    train, validation = find_files(name, root)
    return Source(root, train, validation, read_class_names(name, root), title)
