"""The mixed model over seeds and images: against a nested bootstrap, and its error rates by simulation."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from evaluate_helpers import stored_spreads
from scipy import stats

from labutils.evaluate import exam
from labutils.evaluate.effects import Effect, Sample, Spread, adjusted_words, measure_effect, moderated
from labutils.evaluate.rules import BETTER, SAME, UNDECIDED, WORSE
from labutils.statistics import normal_quantile

MARGIN = 0.01
SEED_SD = 0.0066
"""What the seed does to a setting's level; with what it does to single images, exam accuracies move 0.8 points."""


def simulate(rng, level, images, seeds, difficulty):
    """Right answers (seeds, images) of a setting whose accuracy is `level`: images are hard alike for all settings."""
    scale = np.sqrt(1.5**2 + 1)
    moved = level + rng.normal(0, SEED_SD, (seeds, 1))
    chance = stats.norm.cdf(stats.norm.ppf(moved) * scale + 1.5 * difficulty)
    return (rng.random((seeds, images)) < chance).astype(float)


def effects(difference, images=4000, seeds=3, repeats=200, seed=0):
    """The measured effects of a true difference of accuracies, many times."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(repeats):
        difficulty = rng.normal(size=images)
        first, second = (simulate(rng, level, images, seeds, difficulty) for level in (0.80 + difference, 0.80))
        found.append(measure_effect([Sample(1.0, first), Sample(-1.0, second)]))
    return found


def test_simulated_seeds_move_the_accuracy_as_those_of_vgg16_do():
    rng = np.random.default_rng(11)
    means = simulate(rng, 0.8, 4000, 400, rng.normal(size=4000)).mean(axis=1)
    assert means.std() == pytest.approx(0.008, rel=0.1)


def share(found, *words):
    return np.mean([effect.word(MARGIN) in words for effect in found])


@pytest.mark.parametrize(
    "difference, settings, rarely, mostly",
    [
        (0.0, {"repeats": 600}, (BETTER, WORSE), ()),
        (3 * MARGIN, {}, (WORSE,), (BETTER,)),
        (-3 * MARGIN, {"seed": 1}, (BETTER,), (WORSE,)),
        (1.5 * MARGIN, {"seed": 2}, (SAME,), ()),
        (0.0, {"seeds": 30, "images": 10_000, "repeats": 40, "seed": 3}, (), (SAME,)),
    ],
)
def test_what_is_wrong_is_said_in_one_of_twenty_cases_and_what_is_right_in_four_of_five(
    difference, settings, rarely, mostly
):
    found = effects(difference, **settings)
    assert share(found, *rarely) <= 0.05 and share(found, *mostly) >= 0.80 * bool(mostly)


def test_intervals_hold_the_truth_nineteen_times_in_twenty():
    found = [effect.interval() for effect in effects(0.02, repeats=400, seed=5)]
    assert 0.925 <= np.mean([low <= 0.02 <= high for _, low, high in found]) <= 0.985


def families(repeats=300, seed=20):
    """The six differences between four settings that are equally good, many times."""
    rng = np.random.default_rng(seed)
    for _ in range(repeats):
        difficulty = rng.normal(size=1000)
        tables = [simulate(rng, 0.8, 1000, 3, difficulty) for _ in range(4)]
        pairs = enumerate(combinations(tables, 2))
        yield {str(i): measure_effect([Sample(1.0, a), Sample(-1.0, b)]) for i, (a, b) in pairs}


def test_several_settings_are_told_apart_by_chance_in_one_of_twenty_tables_at_most():
    found = list(families())
    adjusted = [{BETTER, WORSE} & set(adjusted_words(family, MARGIN).values()) for family in found]
    alone = [{BETTER, WORSE} & {effect.word(MARGIN) for effect in family.values()} for family in found]
    assert np.mean([bool(said) for said in adjusted]) <= 0.05
    assert np.mean([bool(said) for said in alone]) > 0.05, "the adjustment is needed"


def test_one_effect_alone_is_called_what_its_intervals_say():
    found = effects(0.0, repeats=60, seed=21) + effects(0.02, repeats=60, seed=22) + effects(-0.03, repeats=60, seed=23)
    found += effects(0.0, seeds=30, images=10_000, repeats=10, seed=24) + effects(0.01, seeds=1, repeats=60, seed=25)
    found += [Effect(value, 0.0, np.inf, 1, 1) for value in (0.0, 0.02, -0.02, 0.005)]
    said = [effect.word(MARGIN) for effect in found]
    assert [adjusted_words({"it": effect}, MARGIN)["it"] for effect in found] == said
    assert said == [by_intervals(effect) for effect in found] and set(said) == {BETTER, WORSE, SAME, UNDECIDED}


def by_intervals(effect):
    wide, narrow = effect.interval(), effect.interval(0.90)
    if not wide.low <= 0 <= wide.high and abs(effect.value) >= MARGIN:
        return BETTER if effect.value > 0 else WORSE
    return SAME if narrow.low > -MARGIN and narrow.high < MARGIN else UNDECIDED


def nested_bootstrap(first, second, rng, draws=1500):
    """The reference: seeds of either setting and images are drawn anew, and the difference is taken again."""
    n, found = first.shape[1], []
    for _ in range(draws):
        weights = np.bincount(rng.integers(n, size=n), minlength=n) / n
        means = [table @ weights for table in (first, second)]
        found.append(np.subtract(*(rng.choice(mean, len(mean)).mean() for mean in means)))
    return float(np.std(found))


def test_the_standard_error_is_that_of_a_nested_bootstrap_where_there_are_seeds_enough_for_one():
    """With three seeds a bootstrap cannot know their spread; with forty both methods have to agree."""
    rng = np.random.default_rng(6)
    difficulty = rng.normal(size=800)
    first, second = (simulate(rng, level, 800, 40, difficulty) for level in (0.85, 0.8))
    effect = measure_effect([Sample(1.0, first), Sample(-1.0, second)])
    assert effect.value == pytest.approx(first.mean() - second.mean())
    # A bootstrap counts the part of single seeds on single images twice: it can only be a little wider.
    reference = nested_bootstrap(first, second, rng)
    assert 0.75 * reference < effect.error < 1.05 * reference


def test_without_images_it_is_students_test_of_two_samples():
    a, b = np.array([0.2, 0.5, 0.4]), np.array([0.9, 1.2, 1.1])
    effect, expected = measure_effect([Sample(1.0, a[:, None]), Sample(-1.0, b[:, None])]), stats.ttest_ind(a, b)
    assert effect.interval()[1:] == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert effect.images == 1 and effect.basis == "3 seeds" and effect.p == pytest.approx(expected.pvalue)
    sides = [stats.ttest_ind(a + 0.9, b, alternative="greater"), stats.ttest_ind(a - 0.9, b, alternative="less")]
    assert effect.p_same(0.9) == pytest.approx(max(side.pvalue for side in sides))


def test_with_one_seed_and_no_spread_given_it_is_the_paired_comparison_of_images():
    rng = np.random.default_rng(8)
    first, second = (rng.random((1, 4000)) < rate for rate in (0.85, 0.8))
    effect = measure_effect([Sample(1.0, first.astype(float)), Sample(-1.0, second.astype(float))])
    difference = first[0].astype(float) - second[0]
    half = normal_quantile(0.95) * np.sqrt(difference.var(ddof=1) / 4000 + 1 / 4002**2)
    assert effect.interval()[1:] == pytest.approx((difference.mean() - half, difference.mean() + half))
    assert effect.seeds == 1 and effect.basis == "4000 images, 1 seed"


def test_different_sets_of_images_are_not_paired():
    table = (np.random.default_rng(9).random((3, 500)) < 0.8).astype(float)
    same, apart = (measure_effect([Sample(1.0, table, "a"), Sample(-1.0, table, other)]) for other in "ab")
    assert same.value == apart.value == 0 and apart.error > same.error


def test_with_one_seed_the_spread_of_seeds_is_that_of_other_settings():
    rng = np.random.default_rng(8)
    samples = [Sample(weight, (rng.random((1, 4000)) < 0.8).astype(float)) for weight in (1.0, -1.0)]
    alone, borrowed = measure_effect(samples), measure_effect(samples, prior=Spread(0.03**2, 7.0))
    assert borrowed.error**2 == pytest.approx(alone.error**2 + 2 * 0.03**2)
    assert borrowed.freedom == pytest.approx(7, rel=0.15), "most of the error is the seeds'"
    assert borrowed.elsewhere and "as elsewhere in the lab" in borrowed.basis and not alone.elsewhere
    unknown = measure_effect(samples, prior=Spread())
    assert unknown.word(MARGIN) == UNDECIDED and unknown.at_least(0.0) is None
    assert unknown.basis == "4000 images, 1 seed, others may differ by any amount"


def test_several_seeds_are_moderated_where_settings_are_alike_and_have_their_own_spread_where_not():
    one, other = np.array([[0.2], [0.5], [0.4]]), np.array([[0.9], [1.2], [2.1]])
    samples = [Sample(1.0, one), Sample(-1.0, other)]
    welch = stats.ttest_ind(one[:, 0], other[:, 0], equal_var=False)
    own = measure_effect(samples, prior=Spread(9.0, 5.0, alike=False))
    assert own.p == pytest.approx(welch.pvalue) and own.freedom == pytest.approx(welch.df) and not own.elsewhere
    squares = 2 * one.var(ddof=1) + 2 * other.var(ddof=1)
    shared = measure_effect(samples, prior=Spread(0.1, 5.0))
    assert shared.error**2 == pytest.approx(2 / 3 * (5 * 0.1 + squares) / 9) and shared.freedom == pytest.approx(9)
    mixed = measure_effect([samples[0], Sample(-1.0, other[:1])], prior=Spread(0.1, 5.0, alike=False))
    assert mixed.error**2 == pytest.approx(one.var(ddof=1) / 3 + 0.1) and mixed.elsewhere


def test_the_prior_is_the_one_that_variances_were_drawn_from():
    rng = np.random.default_rng(31)
    variances = 0.01**2 * 4 / rng.chisquare(4, 4000) * rng.chisquare(2, 4000) / 2
    variance, freedom = moderated(variances, [2] * 4000)
    assert freedom == pytest.approx(4, rel=0.2) and 0.01**2 < variance < 1.2 * 0.01**2, "the upper end of its interval"
    alike = moderated(0.01**2 * rng.chisquare(2, 20) / 2, [2] * 20)
    assert alike[1] <= 40, "worth no more than what it was estimated with"


def judged(spreads, prior, seeds, difference, repeats=4000):
    """Effects of two settings whose spreads are drawn from `spreads`; images make .45 points unsure, as in the lab.
    `seeds` are those of either, or a pair."""
    counts = np.broadcast_to(seeds, 2)
    rng = np.random.default_rng(counts.sum() // 2)
    for own in rng.choice(spreads, (repeats, 2)):
        images = rng.normal(0, 0.0045 * np.sqrt(50 / 2), (2, 50))
        tables = [rng.normal(0, sd, (n, 1)) + of_images for n, sd, of_images in zip(counts, own, images, strict=True)]
        yield measure_effect([Sample(1.0, tables[0] + difference), Sample(-1.0, tables[1])], 0.0, prior)


@pytest.mark.parametrize("seeds", [1, 3, 8])
@pytest.mark.parametrize("truth", [0.008, 0.0121, "accuracy", "gap", "loss"])
def test_a_setting_is_wrongly_called_better_or_worse_in_six_of_a_hundred_cases_at_most(truth, seeds):
    """With the prior of the store, whatever seeds really do: move little, much, or some settings far more than others.

    Without the prior, or with a fit that is not careful (`moderated`), one seed would be wrong more often.
    """
    kind, spreads = (truth, stored_spreads(truth)) if isinstance(truth, str) else ("accuracy", [truth])
    assert share(list(judged(spreads, exam.prior(kind), seeds, 0.0)), BETTER, WORSE) <= 0.06


@pytest.mark.parametrize("seeds", [1, 2, 8])
@pytest.mark.parametrize("kind", ["accuracy", "AUC", "gap", "loss"])
def test_nine_classes_have_a_prior_of_their_own(kind, seeds):
    """Seeds move their AUC a tenth as far as that of two classes: what is known of one says nothing of the other."""
    spreads, prior = stored_spreads(kind, classes=9), exam.prior(kind, [SimpleNamespace(class_names="abcdefghi")])
    assert len(spreads) >= 4 and prior != exam.prior(kind)
    assert share(list(judged(spreads, prior, seeds, 0.0)), BETTER, WORSE) <= 0.06


@pytest.mark.parametrize("seeds", [(1, 3), (2, 8), (3, 8), (1, 8)])
def test_the_setting_with_more_seeds_does_not_speak_for_the_other(seeds):
    """With one variance for both, that of many seeds decides it: one against eight is wrong in ten of a hundred."""
    found = judged(stored_spreads("accuracy"), exam.prior("accuracy"), seeds, 0.0)
    assert share(list(found), BETTER, WORSE) <= 0.06


@pytest.mark.parametrize("kind", ["gap", "loss"])
def test_two_seeds_say_too_little_of_their_own_spread(kind):
    """Each with its own variance (Welch), as from three seeds on, they are wrong in seven of a hundred cases."""
    assert share(list(judged(stored_spreads(kind), exam.prior(kind), 2, 0.0)), BETTER, WORSE) <= 0.06


def test_seeds_make_a_difference_of_two_points_visible():
    prior = exam.prior("accuracy")
    power = [share(list(judged(stored_spreads("accuracy"), prior, seeds, 0.02, 1000)), BETTER) for seeds in (1, 3, 8)]
    assert power[0] < 0.2 < 0.45 < power[1] < 0.75 < power[2]


@pytest.mark.parametrize("seeds, difference, word", [(3, 0.02, BETTER), (8, 0.02, BETTER), (24, 0.0, SAME)])
def test_the_power_that_is_promised_is_the_one_that_there_is(seeds, difference, word):
    """Promised from three seeds; what they say of the spread varies, so it is the mean of many promises."""
    prior, kept = exam.prior("accuracy"), list(judged([0.0085], exam.prior("accuracy"), 3, 0.02, 200))
    promised = np.mean([effect.power(seeds, MARGIN, difference) for effect in kept])
    assert promised == pytest.approx(share(list(judged([0.0085], prior, seeds, difference, 800)), word), abs=0.12)


def test_what_one_seed_has_borrowed_does_not_count_as_known_when_there_are_more():
    """Gaps and losses have their own variance with several seeds; with a promise that keeps the loan it is .99."""
    prior = exam.prior("gap")
    sd = np.sqrt(prior.variance)
    alone = list(judged([sd], prior, 1, 0.0, 200))
    for seeds, difference in ((2, 4.0), (3, 3.0), (5, 2.0)):
        promised = np.mean([effect.power(seeds, MARGIN, difference * sd) for effect in alone])
        came = share(list(judged([sd], prior, seeds, difference * sd, 800)), BETTER)
        assert promised == pytest.approx(came, abs=0.12), seeds


def test_one_seed_is_not_taken_for_the_setting():
    assert share(list(judged([0.008], None, 1, 0.0, 1000)), BETTER, WORSE) > 0.2


def test_all_right_on_both_sides_keeps_an_interval():
    effect = measure_effect([Sample(weight, np.ones((1, 140))) for weight in (1.0, -1.0)])
    assert effect.interval().high == pytest.approx(stats.t.ppf(0.975, 139) / 142, rel=1e-6)


@pytest.mark.parametrize(
    "value, error, holds", [(0.10, 0.02, True), (0.10, 0.06, None), (0.01, 0.005, False), (0.04, 0.02, None)]
)
def test_something_is_at_least_so_large(value, error, holds):
    assert Effect(value, error, 1e6, 3, 4000).at_least(0.05) is holds
