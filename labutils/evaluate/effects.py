"""How far settings differ when both the seeds and the images might have been others, and what to call the difference.

Mixed model: what a training with seed s gives on image i is the setting's level, plus what the seed does, plus what the
image does, plus the rest, with variances from the table of seeds and images (mean squares): as several readers are
compared on the same patients (Obuchowski and Rockette 1995, Communications in Statistics 24, 285-308). Degrees of
freedom are joined after Satterthwaite (1946, Biometrics Bulletin 2, 110-114).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import erfc, exp, inf, log, sqrt
from typing import NamedTuple

import numpy as np

from labutils.evaluate.rules import BETTER, SAME, UNDECIDED, WORSE
from labutils.statistics import LEVEL, Estimate, count, holm, normal_quantile

OWN_SPREAD = 3
"""Seeds from which on a setting that is not like others has a variance of its own: two say too little of theirs."""
_NEARLY_NORMAL = 1000.0
"""Degrees of freedom from which on Student's distribution is taken for the normal one."""


@dataclass(frozen=True)
class Sample:
    """What one setting gave: how it enters the effect (1 and -1 for a difference of two), values (seeds, images), or
    (seeds, 1) for what is one number a training, and the name of its images: samples of one set share them, in order.
    `part` is the variance that all its seeds share because something was measured on a part of what is meant.
    """

    weight: float
    values: np.ndarray
    images: str = ""
    part: float = 0.0


@dataclass(frozen=True)
class Spread:
    """How far seeds move settings of a kind, known from others: a variance with its degrees of freedom, 0 if unknown.

    `alike`: settings are alike enough to share one variance with it. Else each has its own, and only what has one seed
    takes this one.
    """

    variance: float = 0.0
    freedom: float = 0.0
    alike: bool = True


class Sums(NamedTuple):
    """All that an effect depends on: of each sample its weight, the means of its seeds and its part; of each set of
    images the variance of what they contribute, without that of single seeds, and their number; see `measure_effect`.
    """

    samples: list[tuple[float, list[float], float]]
    images: list[tuple[float, int]]
    unit: float
    prior: Spread | None


@dataclass(frozen=True)
class Effect:
    """A weighted sum of settings, with what seeds and images make uncertain about it.

    `error` is its standard error with `freedom` degrees of freedom; `seeds` are those of the setting that has fewest,
    `images` those of the smallest set (1 where they play no part); `elsewhere` says that one of these
    settings has one seed, and that what others would do was taken from settings that have several.

    For `power`: `of_images` is what more seeds would leave of the squared error, `of_part` what a `Sample.part` adds,
    which new seeds do not have; the rest has `kept` + `settings` * (seeds - 1) degrees of freedom with so many each,
    and with fewer than `OWN_SPREAD` those that are `lent` besides.
    """

    value: float
    error: float
    freedom: float
    seeds: int
    images: int
    elsewhere: bool = False
    of_images: float = 0.0
    of_part: float = 0.0
    kept: float = 0.0
    lent: float = 0.0
    settings: float = 2.0
    sums: Sums | None = field(default=None, compare=False, repr=False)

    def interval(self, confidence: float | None = None) -> Estimate:
        """The value with its interval, of 95 % unless said otherwise."""
        half = self.error * _quantile(confidence or 1 - LEVEL.get(), self.freedom)
        return Estimate(self.value, self.value - half, self.value + half)

    def word(self, margin: float, p: float | None = None, p_same: float | None = None) -> str:
        """Which of four words the effect deserves, if more is better; by p-values of its own unless others are given.

        Better or worse: the 95 % interval excludes 0, and the value is at least the margin. No difference that matters:
        the 90 % interval lies within the margin (two one-sided tests: Schuirmann 1987, Journal of Pharmacokinetics and
        Biopharmaceutics 15, 657-680). Otherwise these runs cannot tell.
        """
        if (self.p if p is None else p) < LEVEL.get() and abs(self.value) >= margin:
            return BETTER if self.value > 0 else WORSE
        return SAME if (self.p_same(margin) if p_same is None else p_same) < LEVEL.get() else UNDECIDED

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference: below .05 where the 95 % interval excludes 0."""
        return min(1.0, 2 * self._above(abs(self.value)))

    def p_same(self, margin: float) -> float:
        """p-value of a difference of a margin or more: below .05 where the 90 % interval lies within the margin."""
        return max(self._above(margin - self.value), self._above(margin + self.value))

    def _above(self, distance: float) -> float:
        """Chance of an estimate so far above what is true."""
        if self.error == 0:
            return 0.0 if distance > 0 else 1.0
        t = distance / self.error
        if self.freedom > _NEARLY_NORMAL:
            return erfc(t / sqrt(2)) / 2
        from scipy.special import stdtr

        return float(stdtr(self.freedom, -t))

    def at_least(self, amount: float) -> bool | None:
        """True: the value reaches it, and the 95 % interval lies above 0. False: the 90 % interval lies below it."""
        if self.interval(1 - 2 * LEVEL.get()).high < amount:
            return False
        return True if self.value >= amount and self.interval().low > 0 else None

    def power(self, seeds: int, margin: float, difference: float) -> float:
        """How often so many seeds a setting would find a true difference better; of 0, that it does not matter.

        Nearly: by Student's distribution, and as if every setting had as many seeds as the one that has fewest. What
        was borrowed for want of seeds says how far they move, and no longer counts as known once there are some.
        """
        from scipy.special import stdtr

        left = self.of_images + self.of_part * (self.seeds / seeds) ** 2
        own = max(self.error**2 - self.of_images - self.of_part, 0.0) * self.seeds / seeds
        error = sqrt(left + own)
        known = self.kept + (self.lent if seeds < OWN_SPREAD else 0.0) + self.settings * (seeds - 1)
        freedom = (left + own) ** 2 / own**2 * known if own else inf
        if difference == 0:
            within = margin / error - _quantile(0.90, freedom)
            return float(2 * stdtr(freedom, within) - 1) if within > 0 else 0.0
        least = max(margin, error * _quantile(0.95, freedom))
        return float(stdtr(freedom, (abs(difference) - least) / error))

    @property
    def basis(self) -> str:
        """What it rests on: `4000 images, 3 seeds`, and where the spread of seeds was taken from if there is one."""
        seeds = count(self.seeds, "seed")
        if self.elsewhere:
            known = self.error < inf
            seeds += f", others {'assumed to differ as elsewhere in the lab' if known else 'may differ by any amount'}"
        return seeds if self.images == 1 else f"{self.images} images, {seeds}"


def adjusted_words(effects: Mapping[str, Effect], margin: float) -> dict[str, str]:
    """What `Effect.word` says of each of several effects, with its two kinds of tests adjusted after Holm: of twenty
    families without any true difference one says better or worse somewhere. One effect alone is what `word` calls it.
    """
    differ = holm({name: effect.p for name, effect in effects.items()})
    alike = holm({name: effect.p_same(margin) for name, effect in effects.items()})
    return {name: effect.word(margin, differ[name], alike[name]) for name, effect in effects.items()}


def measure_effect(samples: Sequence[Sample], unit: float = 1.0, prior: Spread | None = None) -> Effect:
    """The weighted sum of some settings, one `Sample` each, over seeds and images together.

    Seeds: the variance of the runs' means, moderated: pooled over the settings with as many seeds and the prior, each
    by its degrees of freedom (Smyth); where settings are not alike, only for those of one or two seeds, the others have
    their own (Welch). Runs of different settings share nothing through their seed, so none are paired. Images: the
    variance of what the images contribute to the sum, less the part that is due to single seeds on single images, which
    the first term holds already. Parts: as if those of two settings had nothing in common; where they are the same,
    their difference is surer than that.

    `unit` is what one image more can change (`statistics.bootstrap_mean`), `prior` what seeds do in other settings.
    Without that seeds count only where there are several: one training's luck would pass for the setting's.
    """
    of_seeds = _of_seeds(samples, prior)
    of_part = sum(sample.weight**2 * sample.part for sample in samples)
    by_set = []
    for name in dict.fromkeys(sample.images for sample in samples):
        own = [sample for sample in samples if sample.images == name]
        n = own[0].values.shape[1]
        if n > 1:
            by_image = np.sum([sample.weight * sample.values.mean(axis=0) for sample in own], axis=0)
            single = sum(sample.weight**2 * _rest(sample.values) / len(sample.values) for sample in own)
            by_set.append((max(float(by_image.var(ddof=1)) - single, 0.0), n))
    of_images = [(own / n + (unit / (n + 2)) ** 2, n - 1) for own, n in by_set]
    parts = of_seeds + of_images + ([(of_part, inf)] if of_part else [])
    variance = sum(part for part, _ in parts)
    below = sum(part**2 / degrees for part, degrees in parts)
    return Effect(
        value=float(sum(sample.weight * sample.values.mean() for sample in samples)),
        error=sqrt(variance) if parts else inf,
        freedom=variance**2 / below if 0 < below < inf else inf,
        seeds=min(len(sample.values) for sample in samples),
        images=min(sample.values.shape[1] for sample in samples),
        elsewhere=prior is not None and any(len(sample.values) == 1 for sample in samples),
        of_images=sum(part for part, _ in of_images),
        of_part=of_part,
        kept=prior.freedom if prior and prior.alike else 0.0,
        lent=prior.freedom if prior and not prior.alike else 0.0,
        settings=_counted(samples, of_seeds),
        sums=Sums([(one.weight, one.values.mean(axis=1).tolist(), one.part) for one in samples], by_set, unit, prior),
    )


def _counted(samples: Sequence[Sample], of_seeds: Sequence[tuple[float, float]]) -> float:
    """How many settings the seeds' part rests on; fewer where some move far more than others (Satterthwaite)."""
    squares = sum(part**2 for part, _ in of_seeds)
    equal = len(of_seeds) < len(samples) or not 0 < squares < inf
    return float(len(samples)) if equal else sum(part for part, _ in of_seeds) ** 2 / squares


def _of_seeds(samples: Sequence[Sample], prior: Spread | None) -> list[tuple[float, float]]:
    """What seeds make uncertain about the weighted sum: parts of its variance, each with its degrees of freedom."""
    known = prior or Spread()
    groups = defaultdict[object, list[tuple[float, float, float]]](list)
    for sample in samples:
        seeds, means = len(sample.values), sample.values.mean(axis=1)
        one = sample.weight**2 / seeds, float(((means - means.mean()) ** 2).sum()), seeds - 1.0
        groups[seeds if known.alike or seeds < OWN_SPREAD else object()].append(one)
    rows = []
    for of, group in groups.items():
        share, square, own = map(sum, zip(*group, strict=True))
        lent = known.freedom if isinstance(of, int) else 0.0
        rows.append((share, known.variance * lent + square, lent + own))
    unknown = [(inf, 1.0)] if prior else []  # one seed of which nothing is known says nothing of a setting
    return [part for share, square, own in rows for part in ([(share * square / own, own)] if own else unknown)]


def moderated(variances: Sequence[float], degrees: Sequence[float]) -> tuple[float, float]:
    """What the variances of several settings say of another's: a variance, and how many degrees of freedom it is worth.

    Smyth's moments of the log variances (2004, Statistical Applications in Genetics and Molecular Biology 3:3), with
    two precautions: the variance is the upper end of its one-sided 99 % interval (docs/rules.md says why), and it is
    worth no more degrees of freedom than it was estimated with.
    """
    from scipy.special import digamma, polygamma

    half = np.array([d / 2 for v, d in zip(variances, degrees, strict=True) if v > 0])
    logs = np.log([v for v in variances if v > 0]) - digamma(half) + np.log(half)
    excess = float(logs.var(ddof=1) - polygamma(1, half).mean())
    most = float(half.sum())
    own = most
    if excess > polygamma(1, most):
        own = 0.5 + 1 / excess  # Newton's method on 1 / trigamma, which is convex and nearly straight: Smyth's appendix
        for _ in range(50):
            value = float(polygamma(1, own))
            own += value * (1 - value / excess) / float(polygamma(2, own))
    upper = normal_quantile(0.98) * float(logs.std(ddof=1)) / sqrt(len(logs))
    return exp(float(logs.mean()) + upper + float(digamma(own)) - log(own)), 2 * own


def _rest(values: np.ndarray) -> float:
    """The variance that neither seeds nor images explain; 0 with one seed, where it cannot be told from the images'."""
    seeds, images = values.shape
    if seeds == 1:
        return 0.0
    rest = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    return float((rest**2).sum()) / ((seeds - 1) * (images - 1))


def _quantile(confidence: float, freedom: float) -> float:
    if freedom > _NEARLY_NORMAL:
        return normal_quantile(confidence)
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))
