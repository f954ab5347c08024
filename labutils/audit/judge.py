"""Judge a data set before it is trained on: duplicates, leakage, imbalance, shortcuts, in one table of plain words."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter

from labutils.audit import duplicates
from labutils.audit.kept import kept
from labutils.audit.pictures import Pictures, measure_dataset, measure_files, sample_colours
from labutils.audit.simple import score_features
from labutils.data.dataset import Dataset
from labutils.data.images import GREY_WEIGHTS
from labutils.data.layouts import Split, find_exam
from labutils.data.locate import find_source
from labutils.statistics import Estimate, count

if TYPE_CHECKING:
    from labutils.frames import Table

SHORTCUT = 0.75
"""Area under the ROC curve from which something that is not the disease counts as a shortcut."""

_IMBALANCE = 1.5  # times as many images in the largest class as in the smallest
_FEW = 10  # images of a class below which one more or less says something else
_EXAMPLES = 3  # how many file names a finding quotes
_WIDE = 0.4  # width of the interval of an area under the curve that lets both guessing and a shortcut be true
_COLOURED = 4 / 255  # difference of mean red, green and blue from which a picture counts as coloured
_SAME = 1 / 512  # spread of a thumbnail below which a picture is of one colour

_NOBODY_KNOWS = "look: nobody knows whether a patient is in both, for names do not tell; ask who made the split"

Pair = tuple[int, int]
Said = tuple[str, str]
"""What a check has found, and the verdict on it."""


@dataclass(frozen=True)
class Row:
    """One check: what was looked at, what was found, what it means."""

    check: str
    finding: str
    verdict: str


@dataclass(frozen=True, repr=False)
class Audit:
    """What was found in a data set, called `title`. Shown as a table; `str()` gives it as text.

    `leaks` are pairs of a training and a validation file that are the same or nearly the same picture, or share an id.
    """

    title: str
    rows: tuple[Row, ...]
    leaks: tuple[tuple[str, str], ...] = field(default=())

    @property
    def leakage(self) -> bool:
        """Whether something of the training images is in the validation images."""
        return bool(self.leaks)

    def table(self) -> "Table":
        """The checks as a table with the columns check, finding and verdict."""
        return _as_table(self.rows)

    def __str__(self) -> str:
        lines = [self.title]
        for row in self.rows:
            lines.append(f"\n{row.check}: {row.verdict}")
            lines += textwrap.wrap(row.finding, 100, initial_indent="    ", subsequent_indent="    ")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        # How many images there are is always in sight; so is what is fine only if something holds.
        fine = [row for row in self.rows[1:] if row.verdict.split(":")[0] == "fine"]
        sight, folded = [row for row in self.rows if row not in fine], ""
        if fine:
            said = f"{len(fine)} of {len(self.rows)} checks find nothing to look at"
            folded = f"<details><summary>{said}</summary>{_as_html(fine)}</details>"
        return f"<p>{escape(self.title)}</p>{_as_html(sight)}{folded}"


def _as_table(rows: "Sequence[Row]") -> "Table":
    from labutils.frames import Table

    return Table([(row.check, row.finding, row.verdict) for row in rows], columns=["check", "finding", "verdict"])


def _as_html(rows: "Sequence[Row]") -> str:
    return _as_table(rows).set_index("check")._repr_html_()


def audit(source: "str | Path | Dataset", progress: bool = False) -> Audit:
    """Judge a data set: counts, unreadable files, duplicates, leakage, sizes, and what a shortcut would score.

    `source` is `"skin"`, `"bone"` or `"x_ray"` (the images that `load_dataset` would take), a folder of images in one
    of the course's layouts (else a DataError), or a loaded data set: of phantoms the judgement is then kept in
    `results/audits`. `progress` shows a bar while images are read.
    """
    if isinstance(source, str | Path):
        found = find_source(source)
        pictures = measure_files(found.root, (found.train, found.validation), found.class_names, progress)
        return _judge(pictures, found.title, found.root, found.exam, progress)
    if source.source == "phantom":
        return kept("audits", source, TypeAdapter(Audit), lambda: _audit_dataset(source, progress))
    return _audit_dataset(source, progress)


def _audit_dataset(dataset: "Dataset", progress: bool) -> Audit:
    exam = find_exam(dataset.name, dataset.root) if dataset.source in ("course", "public") else None
    colours = sample_colours(dataset) if dataset.channels == 1 else None
    title = f"{dataset.banner().splitlines()[0].rstrip('.')}."
    return _judge(measure_dataset(dataset, progress), title, dataset.root, exam, progress, colours)


def _judge(
    pictures: Pictures, title: str, root: Path, exam: Split | None, progress: bool, colours: np.ndarray | None = None
) -> Audit:
    """The audit of pictures that were measured already, and of the exam; `colours` (k, 3) of files loaded as grey."""
    late = pictures.in_validation
    ids = [duplicates.read_id(name, pictures.class_names) for name in pictures.files]
    shared = duplicates.find_shared_ids(ids, late, pictures.labels)
    leaks = _split_groups([group for _, group in shared], late)[1]
    checks = {
        "Images": _judge_counts(pictures),
        "Balance": _judge_balance(pictures),
        "Unreadable files": _judge_readable(pictures),
        "Empty pictures": _judge_empty(pictures),
        "Colour": _judge_colour(pictures.colours[pictures.readable] if colours is None else colours),
    }
    twice = {
        "Same picture": duplicates.find_equal(pictures.checksums),
        "Nearly the same picture": _find_alike(pictures),
    }
    for what, groups in twice.items():
        within, across = _split_groups(groups, late)
        checks[f"{what}, within a split"] = _judge_pairs(pictures, within, across=False)
        checks[f"{what}, in training and validation"] = _judge_pairs(pictures, across, across=True)
        leaks += across
    checks["Same id, in training and validation"] = _judge_ids(pictures, ids, shared)
    checks["File sizes"] = _judge_by_class(pictures, lambda own: _describe_sizes(pictures.sizes[own]))
    modes = np.array(pictures.modes)
    checks["Pixel formats"] = _judge_by_class(pictures, lambda own: " and ".join(np.unique(modes[own])))
    checks |= _judge_shortcuts(pictures)
    named = {(pictures.files[first], pictures.files[second]) for first, second in leaks}
    if exam:
        checks["Exam"], more = _judge_exam(pictures, measure_files(root, (exam,), pictures.class_names, progress))
        named |= more
    return Audit(title, tuple(Row(check, *said) for check, said in checks.items() if said), tuple(sorted(named)))


def _judge_counts(pictures: Pictures) -> Said:
    parts = []
    for split, late in (("training", False), ("validation", True)):
        labels = pictures.labels[pictures.in_validation == late]
        parts.append(f"{len(labels)} {split} images ({_each(labels, pictures.class_names)})")
    n_val = int(pictures.in_validation.sum())
    worth = f"fine: one validation image is worth {100 / max(n_val, 1):.2g} points of accuracy"
    return "; ".join(parts) + ".", worth if n_val else "problem: nothing to validate on"


def _judge_balance(pictures: Pictures) -> Said:
    n_classes = len(pictures.class_names)
    splits = [pictures.labels[pictures.in_validation == late] for late in (False, True)]
    counts = [np.bincount(labels, minlength=n_classes) for labels in splits]
    largest = [c.max() / max(c.min(), 1) for c in counts]
    finding = f"The largest class has {largest[0]:.2g} times the images of the smallest in training, "
    finding += f"{largest[1]:.2g} times in validation."
    if max(largest) <= 1:
        finding = "Every class has the same number of images, in training and in validation."
    if not np.all(counts):
        return finding, "problem: a class has no image in one of the splits"
    few = [
        f"{name} has {n} in {split}"
        for split, by_class in zip(("training", "validation"), counts, strict=True)
        for name, n in zip(pictures.class_names, by_class.tolist(), strict=True)
        if n < _FEW
    ]
    if few:
        more = f" and {len(few) - _EXAMPLES} more" if len(few) > _EXAMPLES else ""
        verdict = f"look: with fewer than {_FEW} images of a class, each of them decides what is said about it"
        return f"{finding} Few images: {', '.join(few[:_EXAMPLES])}{more}.", verdict
    if max(largest) > _IMBALANCE:
        return finding, "look: always answering the largest class looks better than it is; judge by AUC and recall"
    return finding, "fine: accuracy means what it says"


def _judge_readable(pictures: Pictures) -> Said:
    problems = [problem for problem in pictures.problems if problem]
    if not problems:
        return "Every file can be read.", "fine"
    finding = f"{len(problems)} of {len(pictures.files)} files: " + " ".join(problems[:_EXAMPLES])
    return finding, "problem: mend or remove them, the data set cannot be loaded as it is"


def _judge_empty(pictures: Pictures) -> Said:
    """Pictures with nothing in them: a lid on the lens, a failed export, a mask in place of the image."""
    spread = np.ptp(pictures.thumbnails.reshape(len(pictures.files), -1), axis=1)
    empty = np.flatnonzero(pictures.readable & (spread < _SAME))
    if not len(empty):
        return "Every picture shows something.", "fine"
    black = {i: " (black)" if pictures.thumbnails[i].max() < _SAME else "" for i in empty[:_EXAMPLES]}
    said = [f"{pictures.files[i]}{how}" for i, how in black.items()]
    what, more = count(len(empty), "picture"), ", ..." if len(empty) > _EXAMPLES else "."
    verdict = "look: there is nothing to learn from them; remove them, or find out how they came about"
    return f"{what} {'is' if len(empty) == 1 else 'are'} of one colour: {', '.join(said)}{more}", verdict


def _judge_colour(colours: np.ndarray) -> Said | None:
    """What is lost where colour is read as grey; nothing where there is no colour."""
    coloured = np.ptp(colours, axis=1) > _COLOURED
    if not coloured.any():
        return None
    red, green, blue = (round(100 * weight) for weight in GREY_WEIGHTS)
    finding = (
        f"{int(coloured.sum())} of {len(colours)} pictures that were looked at are in colour; as grey they are "
        f"{red} % red, {green} % green and {blue} % blue."
    )
    if (colours[coloured].min(axis=1) < _SAME).any():
        what = "some show one or two colours only, as stains and false colours do"
    elif not coloured.all():
        what = "others are grey, so colour may tell classes or machines apart"
    else:
        return finding, "fine, if that is the brightness you mean; else set channels = 3"
    return finding, f"look: {what}; if grey does not mean what you mean, set channels = 3"


def _judge_exam(pictures: Pictures, exam: Pictures) -> tuple[Said, set[tuple[str, str]]]:
    """Whether the exam can be read and is new to the network, and the pairs that are not."""
    n = len(exam.files)
    if problems := [problem for problem in exam.problems if problem]:
        finding = f"{len(problems)} of {n} files cannot be read: " + " ".join(problems[:_EXAMPLES])
        return (finding, "problem: mend or remove them, or there will be no exam"), set()
    both = _joined(pictures, exam)
    ids = [duplicates.read_id(name, both.class_names) for name in both.files]
    groups = [group for _, group in duplicates.find_shared_ids(ids, both.in_validation, both.labels)]
    groups += duplicates.find_equal(both.checksums) + _find_alike(both)
    pairs = sorted(set(_split_groups(groups, both.in_validation)[1]))
    images = f"{n} images ({_each(exam.labels, exam.class_names)})"
    if not pairs:
        silent = any(not one.startswith(duplicates.PATIENT) for one in ids)
        said = _NOBODY_KNOWS if silent else "fine, as far as one sees"
        return (f"{images}, none of them in training or validation.", said), set()
    late = len({second for _, second in pairs})
    finding = f"{late} of {images} are in training or validation, or share an id: {_quote(both, pairs)}"
    verdict = "LEAKAGE: the exam says nothing about new images; take them out of it"
    return (finding, verdict), {(both.files[first], both.files[second]) for first, second in pairs}


def _joined(pictures: Pictures, exam: Pictures) -> Pictures:
    """Training and validation as one split, the exam as the other."""
    joined: dict[str, Any] = {}
    for field_of in fields(Pictures):
        ours, theirs = getattr(pictures, field_of.name), getattr(exam, field_of.name)
        joined[field_of.name] = np.concatenate([ours, theirs]) if isinstance(ours, np.ndarray) else ours + theirs
    joined["in_validation"] = np.repeat([False, True], [len(pictures.files), len(exam.files)])
    return Pictures(**joined | {"class_names": pictures.class_names})


def _judge_pairs(pictures: Pictures, pairs: list[Pair], across: bool) -> Said:
    if not pairs:
        return "No pair.", "fine"
    counted, shown = count(len(pairs), "pair"), _quote(pictures, pairs)
    if across:
        n_val = f"{len({second for _, second in pairs})} of {int(pictures.in_validation.sum())} validation images"
        verdict = "LEAKAGE: the network is tested on what it was trained on; take them out of one split"
        return f"{counted}, {n_val}: {shown}", verdict
    if torn := sum(pictures.labels[first] != pictures.labels[second] for first, second in pairs):
        return f"{counted}: {shown} {torn} of them with two different labels.", "problem: one label must be wrong"
    return f"{counted}: {shown}", "look: these images count twice"


def _judge_ids(pictures: Pictures, ids: list[str], shared: list[tuple[str, tuple[int, ...]]]) -> Said:
    if shared:
        named = [(one, ", ".join(pictures.files[i] for i in group[:_EXAMPLES])) for one, group in shared[:_EXAMPLES]]
        shown = "; ".join(f"{one} ({files})" for one, files in named)
        finding = f"{count(len(shared), 'id')} in both: {shown}."
        return finding, "LEAKAGE: the same patient or picture is in both splits; keep each in one of them"
    early, late = ({ids[i] for i in np.flatnonzero(pictures.in_validation == wanted)} for wanted in (False, True))
    if common := early & late:
        finding = f"{len(common)} numbers occur in both: running numbers of files, or ids of patients."
        return finding, _NOBODY_KNOWS
    known = [one.startswith(duplicates.PATIENT) for one in ids]
    if silent := [name for name, speaks in zip(pictures.files, known, strict=True) if not speaks]:
        some = f"{len(silent)} of {len(ids)} names" if len(silent) < len(ids) else "names"
        return f"No id in both, but {some} do not say whose picture it is ({silent[0]}).", _NOBODY_KNOWS
    return "No id in both, and every name speaks of a patient.", "fine, as far as names tell"


def _judge_by_class(pictures: Pictures, describe: Callable[[np.ndarray], str]) -> Said:
    known = np.array([bool(mode) for mode in pictures.modes])
    if not known.any():
        return "The files are not at hand.", "not judged"
    by_class = {
        name: describe(chosen)
        for label, name in enumerate(pictures.class_names)
        if (chosen := known & (pictures.labels == label)).any()
    }
    if len(set(by_class.values())) == 1:
        return f"Every class: {next(iter(by_class.values()))}.", "fine: alike in every class"
    finding = "; ".join(f"{name}: {text}" for name, text in by_class.items()) + "."
    return finding, "look at the score of file size and pixel format: it says how much the difference gives away"


def _describe_sizes(sizes: np.ndarray) -> str:
    if len(kinds := np.unique(sizes, axis=0)) <= 2:
        return " and ".join(f"{width}x{height}" for width, height in kinds)
    low, middle, high = np.percentile(sizes, (0, 50, 100), axis=0).astype(int)
    return f"{low[0]}x{low[1]} to {high[0]}x{high[1]}, median {middle[0]}x{middle[1]}"


def _judge_shortcuts(pictures: Pictures) -> dict[str, Said]:
    """What each of a few features that are not the disease would score, as far as there are such."""
    mean = pictures.thumbnails.mean(axis=(1, 2))
    # With its square, so that "neither bright nor dark" is a rule that can be found too.
    features = {"Brightness and its square": np.stack([mean, (mean - mean.mean()) ** 2], axis=1)}
    if np.ptp(pictures.colours, axis=1).max(initial=0) > 0:
        features["Mean colour alone"] = pictures.colours
    if any(pictures.modes):
        size = np.log(np.maximum(pictures.sizes, 1))
        modes = [[mode == one for mode in pictures.modes] for one in sorted(set(pictures.modes))]
        features["File size and pixel format alone"] = np.column_stack([size, *modes]).astype(float)
    n, side = len(pictures.thumbnails), duplicates.THUMBNAIL // 2
    pixels = pictures.thumbnails.reshape(n, side, 2, side, 2).mean(axis=(2, 4)).reshape(n, -1)
    features["16x16 pixels and a linear model"] = pixels
    train, late = pictures.readable & ~pictures.in_validation, pictures.readable & pictures.in_validation
    labels = pictures.labels
    scores = {check: score_features(x[train], labels[train], x[late], labels[late]) for check, x in features.items()}
    return {check: _judge_score(check, score, int(late.sum())) for check, score in scores.items()}


def _judge_score(check: str, score: Estimate | None, n_val: int) -> Said:
    if score is None:
        return "A class is missing in one of the splits.", "not judged"
    if score.low <= 0.5 and score.high - score.low > _WIDE:
        verdict = f"cannot tell: {n_val} validation images are too few to rule out a shortcut"
    elif score.low <= 0.5:
        verdict = "fine: no better than guessing"
    elif score.value < SHORTCUT:
        verdict = "look: better than guessing; a network should do clearly better than this"
    elif check.startswith("16x16"):
        verdict = "SHORTCUT, or an easy task: rough shapes and shades suffice; a network has to beat this score"
    else:
        verdict = "SHORTCUT: this alone tells the classes apart, and a network will find it"
    interval = f"95 % interval {score.low:.2f} to {score.high:.2f}"
    return f"AUC {score.value:.2f} ({interval}) on the validation images.", verdict


def _find_alike(pictures: Pictures) -> list[tuple[int, ...]]:
    """Pairs that are nearly, but not exactly, the same picture."""
    # One of each set of equal pictures per split stands for all: a folder of a thousand copies has half a million
    # pairs, which say no more than that.
    first: dict[tuple[str, bool], int] = {}
    for position in np.flatnonzero(pictures.readable).tolist():
        first.setdefault((pictures.checksums[position], bool(pictures.in_validation[position])), position)
    chosen = np.array(sorted(first.values()), dtype=np.int64)
    pairs = chosen[duplicates.find_similar(pictures.thumbnails[chosen])].tolist()
    return [(a, b) for a, b in pairs if pictures.checksums[a] != pictures.checksums[b]]


def _split_groups(groups: list[tuple[int, ...]], in_validation: np.ndarray) -> tuple[list[Pair], list[Pair]]:
    """Pairs within a split, and pairs of a training and a validation file; each pair with the first of its group."""
    within, across = [], []
    for group in groups:
        early = [i for i in group if not in_validation[i]]
        late = [i for i in group if in_validation[i]]
        within += [(split[0], other) for split in (early, late) for other in split[1:]]
        across += [(early[0], other) for other in late if early]
    return within, across


def _each(labels: np.ndarray, class_names: tuple[str, ...]) -> str:
    counts = np.bincount(labels, minlength=len(class_names))
    return ", ".join(f"{name} {n}" for name, n in zip(class_names, counts, strict=True))


def _quote(pictures: Pictures, pairs: list[Pair]) -> str:
    shown = "; ".join(f"{pictures.files[a]} and {pictures.files[b]}" for a, b in pairs[:_EXAMPLES])
    return shown + ("; ..." if len(pairs) > _EXAMPLES else ".")
