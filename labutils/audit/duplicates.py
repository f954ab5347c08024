"""Find what is there twice, by thumbnails and file names: the same picture, nearly the same picture, the same patient.

Two pictures count as nearly the same when what remains of their 32x32 thumbnails after blurring is taken away (edges
and texture, not light and shade) correlates, with the margin and without it: the black frame of a radiograph alone
would make films alike. Correlation does not feel brightness, contrast or a new JPEG quality.

Measured: of 719,400 pairs of 1200 dermoscopy images, one per lesion, the most alike reach 0.78; of 258,840 pairs of
radiograph phantoms, 0.81. Copies saved again at JPEG quality 30, darkened by 40 %, at 60 % of the contrast, or halved
in size stay above 0.9. Brightened by 40 %, 99 % of the lesions are found, and 65 to 85 % of the radiographs, which burn
out. Copies cropped by 3 % or turned by 3 degrees are not found.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

THUMBNAIL = 32
"""Side of a thumbnail in pixels."""

SIMILAR = 0.9
"""Correlation of edges and texture from which two pictures count as nearly the same."""

_MARGIN = 4  # thumbnail pixels on each side
_BLUR = 1.0  # thumbnail pixels: what is smoother than this is light and shade
_FLAT = 0.02  # length of the detail vector below which a picture has nothing to compare
_BLOCK = 2048  # pictures compared at once: 2048 x 2048 float32 are 16 MB

PATIENT, LESION = "patient ", "lesion "
"""How an id begins that names somebody, or something of somebody; what follows a known scheme of names."""

_BEFORE, _AFTER = r"(?:^|(?<=[^a-z]))", r"[-_ ]*(?:id)?[-_ ]*"
# Each with one part that is the patient: words, and what public sets write (NIH's chest, TCGA, ADNI, C-NMC, BreakHis,
# NIH's malaria, BIDS; eyes and knees have a side behind the number).
_PEOPLE = tuple(
    re.compile(scheme)
    for scheme in (
        rf"{_BEFORE}(?:patient|person|subject|subj|pat|pid|pt|case|sub){_AFTER}(\d+)",
        r"(?<![a-z0-9])p[-_ ]?(\d+)(?![a-z0-9])",
        r"(?<!\d)(000\d{5})_\d{3}(?!\d)",
        r"(?<![a-z0-9])(tcga[-_][a-z0-9]{2}[-_][a-z0-9]{4})(?![a-z0-9])",
        r"(?<!\d)(\d{3}_s_\d{4})(?!\d)",
        r"^uid_(h?\d+)_\d+_\d+_",
        r"sob_[bm]_[a-z]+-(\d+-\d+[a-z]*)-\d+-\d+",
        r"(?<![a-z0-9])c\d+p(\d+)(?=thin)",
        r"(?<![a-z0-9])sub-([a-z0-9]+)",
        r"^(\d+)[-_ ]?(?:left|right|od|os|l|r)(?![a-z0-9])",
    )
)
_LESIONS = re.compile(rf"{_BEFORE}(?:lesion{_AFTER}|ham[-_ ])(\d+)")
_COUNTER = re.compile(r"^(?:image|img|im|picture|photo|scan|file|train|test|val|validation)[-_ ]*(?=\d)")
_NUMBER = re.compile(r"[0-9]+")
_SERIES = re.compile(r"^(?!(?:19|20)\d\d[01]\d[0-3]\d\D)(\d+)[-_](\d{1,5})$")  # not of a date


def make_thumbnail(image: np.ndarray) -> np.ndarray:
    """A small copy, (32, 32) float32, of a grey picture (height, width), each pixel the mean of what it covers."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image, dtype=np.float32))
    return np.asarray(picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX), dtype=np.float32)


def find_similar(thumbnails: np.ndarray) -> np.ndarray:
    """Every pair of pictures that are nearly the same, also when one is turned by 90 degrees or mirrored.

    Of thumbnails (n, 32, 32) the positions in pairs, (m, 2) int64, the smaller first, sorted.
    """
    pairs = [np.zeros((0, 2), np.int64)]
    for rows, columns in _find_links(thumbnails):
        pairs.append(np.stack([rows, columns], axis=1)[rows < columns])
    return np.unique(np.concatenate(pairs), axis=0)


def group_similar(thumbnails: np.ndarray) -> np.ndarray:
    """Of thumbnails (n, 32, 32) the smallest position, (n,) int64, in the group of pictures that each is linked with by
    being nearly the same; see `find_similar`. Takes little memory however many pairs there are."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(thumbnails)
    groups = np.arange(n)
    for rows, columns in _find_links(thumbnails):
        graph = coo_array((np.ones(len(rows), bool), (groups[rows], groups[columns])), shape=(n, n))
        # A component is called by its first member.
        components = connected_components(graph, directed=False)[1]
        first = np.unique(components, return_index=True)[1]
        groups = first[components][groups]
    return groups.astype(np.int64)


def similarity_to(thumbnails: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How alike each of some thumbnails (n, 32, 32) is to the most alike of others (m, 32, 32), in any of the eight
    orientations: correlation of edges and texture, (n,) float32 from -1 to 1; -1 where there are no others."""
    details, compared = _describe(thumbnails), _describe(others)
    best = np.full(len(thumbnails), -1.0, dtype=np.float32)
    for start in range(0, len(compared), _BLOCK):
        block = _best(_orientations(compared[start : start + _BLOCK]), details)
        best = np.maximum(best, block.max(axis=0))
    return best


def find_equal(values: Sequence[str]) -> list[tuple[int, ...]]:
    """Groups of positions that hold the same value; the empty text stands for "unknown" and equals nothing."""
    groups: dict[str, list[int]] = defaultdict(list)
    for position, value in enumerate(values):
        groups[value].append(position)
    return [tuple(group) for value, group in groups.items() if value and len(group) > 1]


def read_id(file_name: str, class_names: Iterable[str]) -> str:
    """The id of a patient, lesion or image that a file name carries, with or without folders and extension.

    The class name is taken off (`Mel_ISIC_0024400.jpg` -> `isic_0024400`). A number after a word for a patient is the
    patient's (`AFF_person12_view3.jpg`, `pt12-3.png`, `P012_L_CC.png` -> `patient 12`), as is what public sets write
    without such a word (`00000013_005.png` -> `patient 13`, `10_left.jpeg` -> `patient 10`); after a word for a lesion
    it is the lesion's (`HAM_0000118.jpg` -> `lesion 118`). Of two numbers alone the first is kept, as it may stand for
    a patient or a series (`IMG-0012-00001.png` -> `12`). Otherwise it is the whole rest of the name, in lower case;
    numbers alone lose their leading zeros.
    """
    stem = file_name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0].lower()
    for name in class_names:
        # As a word of its own: C1 is not in C10, Mel is in Mel0001 but not in Melanoma.
        end = r"(?![^\W_])" if name[-1].isdigit() else r"(?![^\W\d_])"
        stem = re.sub(rf"(?<![^\W_]){re.escape(name.lower())}{end}", "", stem)
    stem = stem.strip(" -_.()")
    for prefix, schemes in ((PATIENT, _PEOPLE), (LESION, (_LESIONS,))):
        if found := next((match[1] for scheme in schemes if (match := scheme.search(stem))), ""):
            return prefix + _plain(found)
    stem = _COUNTER.sub("", stem)
    series = _SERIES.match(stem)
    return _plain(series[1] if series else stem)


def _plain(text: str) -> str:
    return str(int(text)) if text.isascii() and text.isdigit() else text


def find_shared_ids(
    ids: Sequence[str], in_validation: np.ndarray, labels: np.ndarray
) -> list[tuple[str, tuple[int, ...]]]:
    """Ids (`read_id`, one per file) that occur in training and in validation, with the positions of their files;
    running numbers left out.

    The course's files are numbered from 0001 in each split: `Mel_0001` in both says nothing. The rule: an id that
    names a patient or a lesion counts wherever it stands. Any other id counts if its numbers are too sparse to be
    running numbers, that is if in both splits the largest number of its series (`isic_#`, or `#` alone) is more than
    ten times the files of that series; numbers alone count within one class only, because folders of an archive are
    often numbered one by one. An id without a digit never counts. What this leaves out by mistake is still found where
    the pictures are alike.
    """
    series: dict[str, dict[bool, list[int]]] = defaultdict(lambda: {False: [], True: []})
    keys, names = [], []
    for one, late, label in zip(ids, in_validation, labels, strict=True):
        alone = one.isascii() and one.isdigit()
        names.append(_NUMBER.sub("#", one) + (f" of class {label}" if alone else ""))
        keys.append(f"{one} of class {label}" if alone else one)
        if numbers := _NUMBER.findall(one):
            series[names[-1]][bool(late)].append(int(max(numbers, key=len)))
    sparse = {
        name: all(split and max(split) > 10 * len(split) for split in splits.values())
        for name, splits in series.items()
    }
    counted = [
        key if name.startswith((PATIENT, LESION)) or sparse.get(name) else ""
        for key, name in zip(keys, names, strict=True)
    ]
    groups = [group for group in find_equal(counted) if len({bool(in_validation[i]) for i in group}) == 2]
    return [(ids[group[0]], group) for group in groups]


def _describe(thumbnails: np.ndarray, margin: int = 0) -> np.ndarray:
    """Edges and texture of each thumbnail, without its margin, as (n, side, side) of length 1; 0 for a flat one."""
    from scipy.ndimage import gaussian_filter

    thumbnails = np.asarray(thumbnails, dtype=np.float32)
    detail = thumbnails - gaussian_filter(thumbnails, (0, _BLUR, _BLUR), mode="nearest")
    detail = detail[:, margin : THUMBNAIL - margin, margin : THUMBNAIL - margin]
    detail = detail - detail.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt((detail**2).sum(axis=(1, 2), keepdims=True))
    return np.where(length > _FLAT, detail / np.maximum(length, _FLAT), 0).astype(np.float32)


def _orientations(details: np.ndarray) -> list[np.ndarray]:
    """The eight ways to turn and mirror each picture."""
    return [np.rot90(d, k, axes=(1, 2)) for d in (details, details[:, :, ::-1]) for k in range(4)]


def _best(turned: list[np.ndarray], others: np.ndarray) -> np.ndarray:
    """Correlation of each picture with each of the others in its best orientation, (n, m)."""
    flat = others.reshape(len(others), -1).T
    best = np.full((len(turned[0]), len(others)), -1.0, dtype=np.float32)
    for one in turned:
        np.maximum(best, one.reshape(len(one), -1) @ flat, out=best)
    return best


def _find_links(thumbnails: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of pictures that are nearly the same, block by block: every pair of a block, and each with itself.

    The smaller of the correlations with and without the margin counts.
    """
    details, inner = _describe(thumbnails), _describe(thumbnails, _MARGIN)
    for start in range(0, len(details), _BLOCK):
        turned, turned_inner = _orientations(details[start : start + _BLOCK]), None
        for other in range(start, len(details), _BLOCK):
            rows, columns = np.nonzero(_best(turned, details[other : other + _BLOCK]) >= SIMILAR)
            if len(rows):
                turned_inner = turned_inner or _orientations(inner[start : start + _BLOCK])
                some = np.unique(rows)
                without = _best([one[some] for one in turned_inner], inner[other : other + _BLOCK])
                kept = without[np.searchsorted(some, rows), columns] >= SIMILAR
                rows, columns = rows[kept], columns[kept]
            yield rows + start, columns + other
