"""The skin phantoms: repeatable, of the promised size, different by class in the ways that the ABCD rule names."""

import numpy as np
import pytest

from labutils.data import draw_skin


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


def test_looks_follow_the_abcd_rule():
    rng = np.random.default_rng(5)
    melanomas = [draw_skin.melanoma_look(rng) for _ in range(50)]
    nevi = [draw_skin.nevus_look(rng) for _ in range(50)]
    for feature in ("asymmetry", "raggedness", "tones"):
        assert min(getattr(look, feature) for look in melanomas) > max(getattr(look, feature) for look in nevi)
    assert all(look.edge[1] > look.edge[0] for look in melanomas)
    assert all(look.edge[1] == look.edge[0] and not look.veil and not look.streaks for look in nevi)


def test_some_lesions_have_the_look_of_the_other_class(monkeypatch):
    drawn = []
    for name in ("melanoma_look", "nevus_look"):
        original = getattr(draw_skin, name)
        monkeypatch.setattr(draw_skin, name, lambda rng, name=name, look=original: drawn.append(name) or look(rng))
    _pictures("Mel", 60)
    assert 1 <= drawn.count("nevus_look") <= 18
    drawn.clear()
    monkeypatch.setattr(draw_skin, "LOOKALIKE", 10**9)
    _pictures("Nev", 10)
    assert set(drawn) == {"nevus_look"}


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
