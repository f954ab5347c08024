"""`load_exam`: images that no network was trained or chosen on, for what is said about networks in the end."""

from dataclasses import dataclass

import numpy as np

from labutils.data import dataset, images
from labutils.data.layouts import find_exam, find_files, read_classes
from labutils.data.locate import locate


@dataclass(frozen=True, eq=False)
class Exam:
    """An exam: `x` (n, size, size, channels), float32 in [0, 1]; `y` (n,), int64, as in the data set.

    `files` are POSIX paths relative to the data set's folder, or to that of the phantoms' exam; the `fingerprint`
    stands for pixels, labels, class names and preprocessing, and is no part of the data set's.
    """

    x: np.ndarray
    y: np.ndarray
    files: tuple[str, ...]
    fingerprint: str


def load_exam(
    name: str, image_size: int = 128, channels: int = 1, progress: bool = True, source: str = "auto"
) -> Exam | None:
    """The exam of a data set as arrays; None where it has none. Parameters and errors are those of `load_dataset`.

    Phantoms always have one, drawn when it is first asked for (minutes), into `data/phantoms/Skin-exam`; own images
    where `test` stands beside `train` and `validation`. With `train` and `test` alone, `test` is the validation.
    """
    name = dataset.check_parameters(name, image_size, channels, source)
    place = locate(name, source, progress)
    classes, root, made_by = read_classes(name, place.root), place.root, None
    if place.source == "phantom":
        from labutils.phantoms.files import EXAM_COUNTS, list_files
        from labutils.phantoms.write import write_phantoms

        root, counts = root.with_name(f"{root.name}-exam"), {"exam": EXAM_COUNTS[name]}
        write_phantoms(name, root, counts, progress)
        addresses = list(list_files(name, counts))
        files = tuple(address.file for address in addresses)
        labels = np.array([address.label for address in addresses], dtype=np.int64)
        made_by = dataset.phantom_recipe(root)
    elif split := find_exam(name, root):
        files, labels = dataset.relative_files(split, root), split.labels
    else:
        return None
    # The window is that of the training images: an exam is read as they are.
    read = dataset.reader(place, image_size, channels, classes.window, progress)
    entry = read("exam", files, root)
    if entry.depth:
        # Files that do not say how many bits they use have to look like those that were trained on.
        known = read("train", dataset.relative_files(find_files(name, root)[0], root))
        dataset.compare_depths(root, {"training": known.depth, "the exam": entry.depth})
    fingerprint = dataset.hash_parts(
        name, "exam", classes.shown, labels.tolist(), image_size, channels, images.VERSION, made_by or entry.digest
    )
    return Exam(x=entry.pixels, y=labels, files=files, fingerprint=fingerprint)
