"""What runs show on the exam: accuracies, losses, and differences over seeds (docs/rules.md: "The exam").

A setting is a list of runs that differ in their seed only. Epochs were chosen on the validation images, by each run for
itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from labutils.config import RunConfig
from labutils.errors import ComparisonError
from labutils.evaluate.curves import MEASURED as CURVES
from labutils.evaluate.curves import WINDOW, fixed_sizes
from labutils.evaluate.effects import Effect, Sample, Spread, measure_effect, moderated
from labutils.evaluate.metrics import hits
from labutils.evaluate.rules import ACCURACY_MARGIN, FEWEST_SETTINGS, UNDECIDED, margin
from labutils.runs.run import ExamResult, Run
from labutils.runs.store import RunStore, lab_store
from labutils.statistics import GUESS, Estimate, auc_by_image, class_probabilities, cross_entropy, in_points, proportion

Seeds = Sequence["Run"]
Measure = Callable[["Run"], np.ndarray]

BEST, LOWEST, LAST = "best accuracy", "lowest loss", "last epoch"
"""Which epoch is meant, all three chosen without the exam."""


class NoExamError(Exception):
    """Nothing can be said about the exam; the message says why."""


def exam_accuracy(runs: Seeds) -> Estimate | None:
    """Accuracy on the exam at the epochs of the best validation accuracy; None if no run has sat it.

    With one seed the interval is Wilson's, over images: it is about that one network. With several it is
    over seeds and images, and about the setting.
    """
    runs = [run for run in runs if answers(run) is not None]
    if not runs:
        return None
    if len(runs) == 1:
        return proportion(_right(runs[0]).astype(bool))
    value, low, high = effect("accuracy", runs).interval()
    return Estimate(value, max(low, 0.0), min(high, 1.0))


def answers(run: Run, at: str = BEST) -> np.ndarray | None:
    """The exam's predictions at an epoch, (images, outputs), or None if they are not stored."""
    exam: ExamResult | None = run.exam
    epoch = {BEST: run.best_epoch, LOWEST: run.lowest_loss_epoch, LAST: run.epochs - 1}[at]
    return exam.at(epoch) if exam and epoch in exam.epochs else None


def effect(kind: str, first: Seeds, second: Seeds = ()) -> Effect:
    """How much better a setting is on the exam than a second one, or what it has there, over seeds and images.

    `kind` is "accuracy" or "AUC", at the epochs of the best validation accuracy; "loss", the lower the better, at the
    lowest validation losses; or "rise", how far the loss at the end lies above that. A NoExamError says that one has
    not sat it.
    """
    sign, unit = -1.0 if kind == "loss" else 1.0, GUESS if kind in ("loss", "rise") else 1.0
    given = [(sign, first), (-sign, second)] if second else [(sign, first)]
    samples = [_sample(weight, runs, MEASURED[kind]) for weight, runs in given]
    return measure_effect(samples, unit, prior(kind, first))


def area_words(first: Seeds, second: Seeds, word: str) -> str:
    """`+1.2 points [+0.4, +2.0]`, the effect on AUC, and what it says where accuracy has said another `word`."""
    area = effect("AUC", first, second)
    said = area.word(margin(ACCURACY_MARGIN))
    disagrees = UNDECIDED not in (said, word) and said != word
    return in_points(area.interval()) + (f" and disagrees: {said}" if disagrees else "")


def gap_effect(*pairs: Sequence[Seeds]) -> Effect:
    """How much wider the gap of the first setting of a pair is than that of the second; the mean over several pairs.

    Of one setting alone it is its gap: training accuracy minus accuracy on the exam after the last epoch. The former is
    that of all training images. A run that was stored without it has the mean of the last epochs on a fixed part of
    them; if a run has neither, what all of them saw while they were trained is taken: only like is compared with like.
    """
    share, samples = 1 / len(pairs), []
    alike = _measured_alike(*(runs for pair in pairs for runs in pair))
    for weight, runs in (one for pair in pairs for one in zip((share, -share), pair, strict=False)):
        sample = _sample(weight, runs, lambda run: _gap(run, alike))
        samples.append(replace(sample, part=_part([run for run in runs if run.exam])) if alike else sample)
    return measure_effect(samples, prior=prior("gap", pairs[0][0]))


def gap_basis(*settings: Seeds) -> str:
    """What the training accuracies in a gap of these settings rest on, in words."""
    runs = [run for seeds in settings for run in seeds if run.exam]
    if not _measured_alike(*settings):
        return f"training {CURVES['accuracy']}"
    lacking, like = [run for run in runs if _seen(run) is None], "training measured like the exam, on"
    if not lacking:
        return f"{like} all its images"
    sizes = (f"{n} of {whole}" if whole < np.inf else str(n) for n, whole in dict.fromkeys(map(fixed_sizes, lacking)))
    whole = len(runs) - len(lacking)
    some = f"all its images in {whole} of {len(runs)} runs, else " if whole else ""
    return f"{like} {some}a fixed part ({', '.join(sizes)} images), whose choice is in the interval"


def same_exam(*settings: Seeds) -> None:
    """Raise a `ComparisonError` unless all sat the same exam."""
    if len({run.exam.fingerprint for runs in settings for run in runs if run.exam}) > 1:
        raise ComparisonError("The runs sat different exams: other images, or another size of them.")


def effect_words(found: Effect, usual: float = ACCURACY_MARGIN, word: str = "") -> str:
    """`+1.7 points [+0.4, +3.0]: better`, or the same in units of loss, with its margin and basis.

    `usual` is the margin where nobody contests it, `word` what to call it where that is not what it is called alone:
    see `effects.adjusted_words`.
    """
    (value, low, high), matters = found.interval(), margin(usual)
    shown, by = f"{value:+.3f} [{low:+.3f}, {high:+.3f}]", f"{matters}"
    if usual == ACCURACY_MARGIN:
        shown, by = f"{100 * value + 0:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]", f"{100 * matters:g} point"
    return f"{shown}: {word or found.word(matters)} (margin {by}; {found.basis})"


def _sample(weight: float, runs: Seeds, measure: Measure) -> Sample:
    own = [run for run in runs if run.exam is not None]
    if not own:
        raise NoExamError(f"no exam is stored for {runs[0].config.slug}")
    values = np.stack([np.asarray(measure(run), dtype=np.float64) for run in own])
    return Sample(weight, values, own[0].exam.fingerprint)  # type: ignore[union-attr]


def _taken(run: Run, at: str) -> tuple[np.ndarray, np.ndarray]:
    """The exam's predictions at an epoch, and its labels."""
    found = answers(run, at)
    if found is None or run.exam is None:
        raise NoExamError(f"the exam of {run.config.slug} is not stored at the epoch of its {at}")
    return found, run.exam.y


def _right(run: Run, at: str = BEST) -> np.ndarray:
    return hits(*_taken(run, at))


def _areas(run: Run) -> np.ndarray:
    predictions, y = _taken(run, BEST)
    if run.exam and run.exam.areas is not None:
        areas = run.exam.areas[run.exam.epochs.index(run.best_epoch)]
        if np.isnan(areas).any():
            raise NoExamError(f"the AUC of {run.config.slug} is stored at another epoch")
        return areas
    return auc_by_image(y, class_probabilities(predictions))


def _loss(run: Run, at: str = LOWEST) -> np.ndarray:
    return cross_entropy(*_taken(run, at))


def _rise(run: Run) -> np.ndarray:
    return _loss(run, LAST) - _loss(run)


def _seen(run: Run) -> float | None:
    """Accuracy on all training images after the last epoch; None if it is not stored."""
    assert run.exam is not None
    seen = dict(zip(run.exam.epochs, run.exam.training, strict=True)).get(run.epochs - 1, np.nan)
    return float(seen) if np.isfinite(seen) else None


def _measured_alike(*settings: Seeds) -> bool:
    """Whether training accuracy was measured like the exam's in all runs."""
    runs = [run for seeds in settings for run in seeds if run.exam]
    return all("fixed_accuracy" in run.history or _seen(run) is not None for run in runs)


def _gap(run: Run, alike: bool | None = None) -> np.ndarray:
    alike = _measured_alike([run]) if alike is None else alike
    seen = _seen(run) if alike else None
    if seen is None:
        seen = float(np.mean(run.history["fixed_accuracy" if alike else "accuracy"][-WINDOW:]))
    return seen - _right(run, LAST)


def _part(runs: Seeds) -> float:
    """The variance that all seeds of a setting share because some were measured on a fixed part of the training images.

    That of a share in a sample of a finite number, and half an image on either side (see `statistics.bootstrap_mean`).
    """
    lacking = [run for run in runs if _seen(run) is None]
    if not lacking:
        return 0.0
    share = float(np.mean([run.history["fixed_accuracy"][-WINDOW:] for run in lacking]))
    n, whole = fixed_sizes(lacking[0])
    left_out = 1 - n / whole
    return (len(lacking) / len(runs)) ** 2 * left_out * (share * (1 - share) / n + 1 / (n + 2) ** 2)


MEASURED: dict[str, Measure] = {"accuracy": _right, "AUC": _areas, "loss": _loss, "rise": _rise, "gap": _gap}
"""What is measured on every image of the exam."""


def prior(kind: str, runs: Seeds = ()) -> Spread:
    """How far seeds move one of the `MEASURED`, from the lab's stored settings on phantoms that have several.

    Settings with two classes speak for `runs` with two, and without any; those with nine for runs with more.
    Accuracies of settings are alike enough to be moderated by it, with one seed and with more. The others are not:
    there only a setting with one seed borrows it. Where fewer than `FEWEST_SETTINGS` are stored nothing is known: a
    setting with one seed is then undecided, and so it is said. A student's own runs play no part: verdicts on the lab's
    runs are the same for everybody.
    """
    return _prior(kind, len(runs[0].class_names) > 2 if runs else False, lab_store().folder)


@lru_cache
def _prior(kind: str, several_classes: bool, folder: Path) -> Spread:
    stored = [run for run in RunStore(folder).all() if run.source == "phantom"]
    alike = [run for run in stored if (len(run.class_names) > 2) == several_classes]
    settings: dict[RunConfig, list[float]] = defaultdict(list)
    for setting in dict.fromkeys(run.config.with_(seed=0) for run in alike):
        for run in alike:
            if run.epochs >= setting.epochs and run.config.with_(seed=0, epochs=setting.epochs) == setting:
                run = run.first(setting.epochs)  # some went on, for another task
                if all(answers(run, at) is not None for at in (BEST, LOWEST, LAST)):
                    settings[setting].append(float(np.mean(MEASURED[kind](run))))
    several = [np.array(values) for values in settings.values() if len(values) > 1]
    if len(several) < FEWEST_SETTINGS:
        return Spread(alike=kind == "accuracy")
    fitted = moderated([float(v.var(ddof=1)) for v in several], [len(v) - 1 for v in several])
    return Spread(*fitted, alike=kind == "accuracy")
