"""Which images are used: the one place that answers this, for loading, judging, the doctor and other machines."""

import re
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from labutils import paths
from labutils.data.description import FILE
from labutils.data.layouts import DATASETS, TRAIN_FOLDERS, Split, find_exam, find_files, find_folder, read_classes
from labutils.data.listing import alike, list_folder, only_one
from labutils.errors import DataError
from labutils.paths import dataset_name, shown

SOURCES = ("auto", "course", "public", "phantom")
"""Whose images: the first of these that exists, those in the data folder, those that were fetched, drawn ones."""

WORDS = {  # how a reader is told whose images these are
    "course": "course data",
    "public": "public data",
    "phantom": "PHANTOMS (synthetic images drawn by labutils, not patients)",
}

OURS = ("phantoms", "public", "cache")  # folders in `data/` that the lab writes itself
_NEAR = 0.8  # likeness of two names, 0 to 1, from which one is asked about


@dataclass(frozen=True)
class Place:
    """Images of a data set: whose they are and where they lie."""

    source: str
    root: Path


@dataclass(frozen=True)
class Source:
    """A folder of images, told into splits and classes; `title` says what it is in one line."""

    root: Path
    train: Split
    validation: Split
    class_names: tuple[str, ...]
    title: str
    exam: Split | None = None


def locate(name: str, source: str = "auto", progress: bool = True, n_train: int | None = None) -> Place:
    """The images that are used for a data set (see `dataset_name`); phantoms are drawn if they are used and not there.

    Where more training images are asked for than the lab has, a larger set lies beside its own: `Skin-4000`. A
    DataError says that there are none, or that a folder has nearly the name that was asked for.
    """
    found = find_place(name, source)
    if found is None and (name not in DATASETS or source in ("course", "public")):
        raise DataError(_absent(name, source))
    if found is None or found.source == "phantom":
        return Place("phantom", _draw_phantoms(name, progress, n_train))
    return found


def find_place(name: str, source: str = "auto") -> Place | None:
    """As `locate`, but draws nothing: None where there are no such images yet."""
    if source in ("auto", "course"):
        if folders := own_folders().get(name):
            return Place("course", only_one(_data_dir(), folders))
        _ask_about_near_names(name)
    if name not in DATASETS:
        return None
    for kind, parent in (("public", "public"), ("phantom", "phantoms")):
        folder = paths.generated_dir() / parent / DATASETS[name].title
        if source in ("auto", kind) and folder.exists():
            return Place(kind, folder)
    return None


def own_folders() -> dict[str, list[Path]]:
    """The data sets in the data folder, by name: two folders may have one, as `Chest` and `chest`."""
    found: dict[str, list[Path]] = {}
    parent = _data_dir()
    for entry in list_folder(parent) if parent.is_dir() else []:
        name = dataset_name(entry.name)
        if name is None or (entry.name in OURS and parent == paths.generated_dir()):
            continue
        if name in DATASETS or _holds_images(Path(entry)):
            found.setdefault(name, []).append(Path(entry))
    return found


def existing() -> list[str]:
    """The names of the data sets that have images, the lab's first, names of two folders last; a DataError if none."""
    own = own_folders()
    names = [name for name in dict.fromkeys([*DATASETS, *own]) if name in own or find_place(name)]
    if not names:
        raise DataError("There are no images yet: draw phantoms with `labutils data phantoms`.")
    return sorted(names, key=lambda name: len(own.get(name, [])) > 1)


def source_of(name: str) -> str:
    """Whose images of a data set are used here, "phantom" too if they are yet to be drawn; a DataError if none."""
    found = find_place(name)
    if found is None and name not in DATASETS:
        raise DataError(_absent(name, "auto"))
    return found.source if found else "phantom"


def title_of(name: str) -> str:
    """What a data set is called where a reader sees it and nothing else is said of it: as its folder."""
    return DATASETS[name].title if name in DATASETS else name


def find_source(source: str | Path) -> Source:
    """The files of a data set, by its name, or by a folder that holds `train` and `validation`.

    A DataError says that there is none, or that its files cannot be told into classes.
    """
    name = dataset_name(source) if isinstance(source, str) else None
    root = Path(source).expanduser()
    is_meant = name and (name in DATASETS or name in own_folders() or not root.is_dir())
    if name and is_meant and (place := find_place(name)):
        root, title = place.root, f"{read_classes(name, place.root).title}: {WORDS[place.source]}"
    elif name in DATASETS:
        folder = DATASETS[name].title
        raise DataError(
            f"There are no images of {folder} yet: put the course's into {shown(paths.data_dir() / folder)}, "
            f"or draw phantoms with `labutils data phantoms {name}`."
        )
    elif root.is_dir():
        name, title = _guess_name(root.resolve()), f"Images in {shown(root)}"
    else:
        names = ", ".join(dict.fromkeys([*DATASETS, *own_folders()]))
        raise DataError(
            f"{source} is neither a data set ({names}) nor a folder. "
            "Give one of these names, or the folder that holds train and validation."
        )
    return Source(root, *find_files(name, root), read_classes(name, root).shown, title, find_exam(name, root))


def _guess_name(root: Path) -> str:
    """The data set that a folder holds: by its own name, the first whose classes fit its files, or one of its own."""
    named = dataset_name(root.name)
    if named in DATASETS:
        return str(named)
    for name in DATASETS:
        with suppress(DataError):
            find_files(name, root)
            return name
    return named or "images"


def _data_dir() -> Path:
    try:
        folder = paths.data_dir()
    except FileNotFoundError as error:
        raise DataError(str(error)) from None
    inside = {entry.name.casefold() for entry in list_folder(folder)} if folder.is_dir() else set()
    if inside & set(TRAIN_FOLDERS) and not any(dataset_name(entry) in DATASETS for entry in inside):
        raise DataError(
            f"{shown(folder)} holds train, so it is one data set: LABUTILS_DATA should be the folder above it, "
            "in which the data sets are called Skin, Bone and X_ray, or by names of your own."
        )
    return folder


def _holds_images(folder: Path) -> bool:
    try:
        return folder.is_dir() and ((folder / FILE).is_file() or find_folder(folder, TRAIN_FOLDERS) is not None)
    except DataError:
        # Something in it cannot be used: said when it is loaded, and not that there is no such folder.
        return (folder / TRAIN_FOLDERS[0]).is_dir()


def _ask_about_near_names(name: str) -> None:
    """Refuse to go on where a folder is nearly called as what was asked for, unless it says itself what it is."""
    parent = _data_dir()
    folder = DATASETS[name].title if name in DATASETS else name
    for entry in list_folder(parent) if parent.is_dir() else []:
        called = alike(entry.name)
        plain, wanted = (re.sub(r"[\W_]+", "", text) for text in (called, name))
        is_near = wanted in re.findall(r"[^\W\d_]+", called) or get_close_matches(wanted, [plain], cutoff=_NEAR)
        if entry.name in OURS or not entry.is_dir() or not is_near:
            continue
        otherwise = f" Or ask for {near!r}." if (near := dataset_name(entry.name)) else ""
        if name in DATASETS:
            with suppress(DataError):  # it says itself what it is, or shows classes, and none of them is ours
                there = Path(entry)
                if (there / FILE).is_file() or not read_classes("", there).labels.keys() & DATASETS[name].labels:
                    continue
            otherwise = f" If it is another data set, put a {FILE} into it; for phantoms ask for source = 'phantom'."
        raise DataError(
            f"{shown(parent)} holds {entry.name!r}, but no {folder}. Is it meant? Rename it to {folder}.{otherwise}"
        )


def _absent(name: str, source: str) -> str:
    what = {"course": "the course's images", "public": "public images"}.get(source, "phantoms")
    if name not in DATASETS and source in ("public", "phantom"):
        return f"There are no {what} of {name!r}: there are {', '.join(DATASETS)}. Ask for source = 'auto'."
    if name not in DATASETS:
        there = ", ".join(own_folders()) or "no data set"
        return (
            f"There are no images of {name!r}: {shown(paths.data_dir())} holds {there}. Put a folder of that name "
            "with train and validation there, or set LABUTILS_DATA to the folder that holds it."
        )
    folder = DATASETS[name].title
    parent = paths.data_dir() if source == "course" else paths.generated_dir() / "public"
    fetch = {"skin": "labutils data fetch skin", "x_ray": "labutils data fetch xray"}.get(name)
    public = f"type `{fetch}` for public images, or " if fetch else ""
    return (
        f"There is no {shown(parent / folder)} with {what} of {folder}: "
        f"put the course's images there (or set LABUTILS_DATA to the folder that holds {folder}), "
        f"or {public}type `labutils data phantoms` for synthetic ones (source='phantom')."
    )


def _draw_phantoms(name: str, progress: bool, n_train: int | None) -> Path:
    from labutils.phantoms import files

    counts, more = files.COUNTS[name], files.MORE_TRAINING
    folder = paths.generated_dir() / "phantoms" / DATASETS[name].title
    if n_train and counts["train"] < n_train <= more:
        counts, folder = counts | {"train": more}, folder.with_name(f"{folder.name}-{more}")
    if not files.is_complete(name, folder):
        from labutils.phantoms.write import write_phantoms

        write_phantoms(name, folder, counts, progress)
    return folder
