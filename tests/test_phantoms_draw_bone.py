"""The bone phantoms: what the classes differ by, and what they do not."""

import numpy as np
import pytest

from labutils.phantoms import draw_bone


def _signs(class_name, n=400):
    return [draw_bone.sample_signs(class_name, np.random.default_rng([2, i])) for i in range(n)]


def _levels(signs, name):
    return np.array([one[name] for one in signs])


@pytest.mark.parametrize(("name", "direction"), draw_bone.SIGNS.items())
def test_every_sign_tells_the_classes_apart_but_overlaps(name, direction):
    atypical, ordinary = (direction * _levels(_signs(class_name), name) for class_name in draw_bone.CLASS_NAMES)
    assert atypical.mean() > ordinary.mean()
    assert ordinary.max() >= np.quantile(atypical, 0.1)


def test_severity_is_one_continuum_around_the_mean_of_the_class_that_was_asked_for():
    for class_name, sign in (("AFF", 1), ("NFF", -1)):
        severity = _levels(_signs(class_name), "severity")
        assert severity.mean() == pytest.approx(sign * draw_bone.SEVERITY, abs=0.2)
        assert 0.0 < (sign * severity < 0).mean() < 0.06


def test_signs_can_be_had_without_the_picture():
    pixels, signs = draw_bone.draw_with_signs("NFF", np.random.default_rng(6))
    assert signs == draw_bone.sample_signs("NFF", np.random.default_rng(6))
    assert np.array_equal(pixels, draw_bone.draw("NFF", np.random.default_rng(6)))


def test_a_fracture_follows_its_signs():
    atypical = {name: float(direction > 0) for name, direction in draw_bone.SIGNS.items()}
    ordinary = {name: float(direction < 0) for name, direction in draw_bone.SIGNS.items()}
    one, other = (draw_bone.make_fracture(signs, np.random.default_rng(0)) for signs in (atypical, ordinary))
    assert one.slope == 0 and abs(other.slope) > 1
    assert (one.shards, other.beak, other.depth) == (0, 0, -9.0)
    assert one.beak > 0.3 and one.depth > -1 and other.shards > 3
    assert (one.gap, one.wall) == (other.gap, other.wall)


def test_unknown_class_is_refused():
    with pytest.raises(ValueError, match=r"'Fracture'.*AFF, NFF"):
        draw_bone.draw("Fracture", np.random.default_rng(0))


def test_mean_brightness_does_not_tell_the_classes_apart():
    bright = [
        [draw_bone.draw(class_name, np.random.default_rng([3, i])).mean() for i in range(60)]
        for class_name in draw_bone.CLASS_NAMES
    ]
    wins = np.mean(np.array(bright[0])[:, None] > np.array(bright[1])[None, :])
    assert 0.3 < wins < 0.7
