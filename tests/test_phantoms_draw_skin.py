"""The skin phantoms: repeatable, of the promised size, different by class in the ways that the ABCD rule names."""

import numpy as np
import pytest

from labutils.phantoms import draw_skin


def _pictures(class_name, n):
    return [draw_skin.draw(class_name, np.random.default_rng([1, i])) for i in range(n)]


def test_same_generator_same_picture():
    first, again = (draw_skin.draw("Mel", np.random.default_rng(3)) for _ in range(2))
    other = draw_skin.draw("Mel", np.random.default_rng(4))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.parametrize("class_name", draw_skin.CLASS_NAMES)
def test_pictures_are_colour_of_varying_size(class_name):
    pictures = _pictures(class_name, 12)
    assert {picture.dtype.name for picture in pictures} == {"uint8"}
    assert all(200 <= side <= 400 for picture in pictures for side in picture.shape[:2])
    assert all(picture.ndim == 3 and picture.shape[2] == 3 for picture in pictures)
    assert len({picture.shape for picture in pictures}) > 6
    # A lesion on skin: neither flat nor black nor white, and redder than blue.
    assert all(picture.std() > 8 and 30 < picture.mean() < 240 for picture in pictures)
    assert all(picture[..., 0].mean() > picture[..., 2].mean() for picture in pictures)


def test_unknown_class_is_refused():
    with pytest.raises(ValueError, match=r"'Naevus'.*Mel, Nev"):
        draw_skin.draw("Naevus", np.random.default_rng(0))


def _signs(class_name, n=400):
    return [draw_skin.sample_signs(class_name, np.random.default_rng([2, i])) for i in range(n)]


def _levels(signs, name):
    return np.array([one[name] for one in signs])


@pytest.mark.parametrize("name", draw_skin.SIGNS)
def test_every_sign_is_stronger_in_melanomas_but_overlaps(name):
    melanomas, nevi = (_levels(_signs(class_name), name) for class_name in draw_skin.CLASS_NAMES)
    assert melanomas.mean() > nevi.mean() + 0.1
    assert np.quantile(nevi, 0.99) > np.quantile(melanomas, 0.1)
    assert min(melanomas.min(), nevi.min()) >= 0 and max(melanomas.max(), nevi.max()) <= 1


def test_severity_is_one_continuum_around_the_mean_of_the_class_that_was_asked_for():
    for class_name, sign in (("Mel", 1), ("Nev", -1)):
        severity = _levels(_signs(class_name), "severity")
        assert severity.mean() == pytest.approx(sign * draw_skin.SEVERITY, abs=0.2)
        assert severity.std() == pytest.approx(1, abs=0.1)
        assert 0.01 < (sign * severity < 0).mean() < 0.10


def test_signs_can_be_had_without_the_picture():
    pixels, signs = draw_skin.draw_with_signs("Mel", np.random.default_rng(6))
    assert signs == draw_skin.sample_signs("Mel", np.random.default_rng(6))
    assert np.array_equal(pixels, draw_skin.draw("Mel", np.random.default_rng(6)))


def test_a_look_follows_its_signs():
    least, most = ({**dict.fromkeys(draw_skin.SIGNS, level)} for level in (0.0, 1.0))
    harmless, suspicious = (draw_skin.make_look(signs, np.random.default_rng(0)) for signs in (least, most))
    for feature in ("asymmetry", "raggedness", "streaks", "tones", "blotches", "disorder", "veil", "regression"):
        assert getattr(suspicious, feature) > getattr(harmless, feature) + 0.1
    assert suspicious.edge[1] - suspicious.edge[0] > harmless.edge[1] - harmless.edge[0]
    assert (suspicious.radius, suspicious.elongation) == (harmless.radius, harmless.elongation)


def test_mean_brightness_does_not_tell_the_classes_apart():
    bright = {name: [picture.mean() for picture in _pictures(name, 60)] for name in draw_skin.CLASS_NAMES}
    wins = np.mean(np.array(bright["Mel"])[:, None] > np.array(bright["Nev"])[None, :])
    assert 0.3 < wins < 0.7


def test_last_digits_do_not_change_a_picture(monkeypatch):
    # Another processor rounds differently; a relative error of 1e-6 in every noise map is far more than that.
    exact = draw_skin.draw("Mel", np.random.default_rng(8))
    noise = draw_skin._noise
    monkeypatch.setattr(draw_skin, "_noise", lambda *a: noise(*a) * np.float32(1 + 1e-6))
    moved = draw_skin.draw("Mel", np.random.default_rng(8))
    assert np.abs(exact.astype(int) - moved).max() <= 1
