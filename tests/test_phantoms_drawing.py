"""What phantoms show: the same every time, and what their classes differ by and what they do not."""

import numpy as np
import pytest

from labutils.errors import DataError
from labutils.phantoms import draw_bone, draw_skin
from labutils.phantoms.files import CLASS_NAMES, VERSIONS, block_means
from labutils.phantoms.radiograph import Film
from labutils.phantoms.write import draw_with_signs

CLASSES = [(name, class_name) for name, class_names in CLASS_NAMES.items() for class_name in class_names]
SKIN_AND_BONE = [("skin", draw_skin), ("bone", draw_bone)]
# Mean grey of 4 x 4 blocks: stored runs are tied to these drawings.
X_RAY_C1 = [81.1, 161.9, 70.9, 72.7, 70.4, 202.5, 90.1, 41.0, 70.7, 213.5, 150.4, 54.6, 92.3, 127.8, 115.5, 85.2]
X_RAY_C9 = [67.3, 144.1, 36.7, 8.7, 96.8, 177.5, 119.4, 29.1, 49.6, 118.4, 129.0, 88.9, 12.6, 14.9, 38.1, 51.4]


def picture(name, class_name, seed):
    return draw_with_signs(name, class_name, np.random.default_rng(seed))[0]


def pictures(name, class_name, n):
    return [picture(name, class_name, [1, number]) for number in range(n)]


def levels(drawing, class_name, sign, n=400):
    return np.array([drawing.sample_signs(class_name, np.random.default_rng([2, i]))[sign] for i in range(n)])


@pytest.mark.parametrize(("name", "class_name"), CLASSES)
def test_pictures_have_content_and_vary_in_size(name, class_name):
    found = pictures(name, class_name, 12 if name == "skin" else 4)
    for image in found:
        assert image.dtype == np.uint8 and image.shape[2:] == ((3,) if name == "skin" else ())
        assert all(200 <= side <= 400 for side in image.shape[:2])
        assert image.std() > 3, "a picture without content"
        if name == "skin":  # a lesion on skin is neither black nor white, and redder than blue
            assert image.std() > 8 and 30 < image.mean() < 240 and image[..., 0].mean() > image[..., 2].mean()
    assert len({image.shape for image in found}) > 1
    np.testing.assert_array_equal(found[0], picture(name, class_name, [1, 0]))


@pytest.mark.parametrize(("class_name", "grey"), [("C1", X_RAY_C1), ("C9", X_RAY_C9)])
def test_drawings_of_version_1_stay(class_name, grey):
    assert VERSIONS["x_ray"] == 1
    np.testing.assert_allclose(block_means(picture("x_ray", class_name, 12)), grey, rtol=0, atol=1.0)


@pytest.mark.parametrize(("name", "class_name"), CLASSES)
def test_rounding_moves_a_pixel_by_one_grey_level_at_most(name, class_name, monkeypatch):
    """Other processors round differently; a nudge of strokes and noise in the sixth digit stands for them."""
    plain, fields, noise = picture(name, class_name, 11).astype(int), Film._fields, draw_skin._noise

    def nudged(film, chains, wall):
        window, outer, inner = fields(film, chains, wall)
        return window, outer * np.float32(1 + 1e-6), inner * np.float32(1 - 1e-6)

    monkeypatch.setattr(Film, "_fields", nudged)
    monkeypatch.setattr(draw_skin, "_noise", lambda *a: noise(*a) * np.float32(1 + 1e-6))
    assert np.abs(picture(name, class_name, 11) - plain).max() <= 1


def test_unknown_names_are_refused():
    with pytest.raises(DataError, match=r"'lung'.*skin, bone, x_ray"):
        picture("lung", "Mel", 0)
    with pytest.raises(DataError, match=r"'Mel'.*AFF, NFF"):
        picture("bone", "Mel", 0)


@pytest.mark.parametrize(
    ("drawing", "classes", "sign", "direction"),
    [(draw_skin, CLASS_NAMES["skin"], sign, 1) for sign in draw_skin.SIGNS]
    + [(draw_bone, CLASS_NAMES["bone"], *item) for item in draw_bone.SIGNS.items()],
)
def test_every_sign_tells_the_classes_apart_but_overlaps(drawing, classes, sign, direction):
    more, less = (levels(drawing, class_name, sign) for class_name in classes)
    assert min(more.min(), less.min()) >= 0 and max(more.max(), less.max()) <= 1
    assert (direction * more).mean() > (direction * less).mean() + (0.1 if drawing is draw_skin else 0)
    assert np.quantile(direction * less, 0.99) >= np.quantile(direction * more, 0.1)


@pytest.mark.parametrize(("name", "drawing"), SKIN_AND_BONE)
def test_severity_is_one_continuum_around_the_mean_of_the_class_that_was_asked_for(name, drawing):
    for class_name, sign in zip(CLASS_NAMES[name], (1, -1), strict=True):
        severity = levels(drawing, class_name, "severity")
        assert severity.mean() == pytest.approx(sign * drawing.SEVERITY, abs=0.2)
        assert severity.std() == pytest.approx(1, abs=0.1)
        assert 0 < (sign * severity < 0).mean() < 0.1


def test_a_fracture_follows_its_signs():
    atypical, ordinary = (
        draw_bone.make_fracture({name: float(of * side > 0) for name, of in draw_bone.SIGNS.items()}, rng)
        for side, rng in ((1, np.random.default_rng(0)), (-1, np.random.default_rng(0)))
    )
    assert atypical.slope == 0 and abs(ordinary.slope) > 1
    assert (atypical.shards, ordinary.beak, ordinary.depth) == (0, 0, -9.0)
    assert atypical.beak > 0.3 and atypical.depth > -1 and ordinary.shards > 3
    assert (atypical.gap, atypical.wall) == (ordinary.gap, ordinary.wall)


def test_a_lesion_follows_its_signs():
    harmless, suspicious = (
        draw_skin.make_look(dict.fromkeys(draw_skin.SIGNS, level), np.random.default_rng(0)) for level in (0.0, 1.0)
    )
    for feature in ("asymmetry", "raggedness", "streaks", "tones", "blotches", "disorder", "veil", "regression"):
        assert getattr(suspicious, feature) > getattr(harmless, feature) + 0.1
    assert suspicious.edge[1] - suspicious.edge[0] > harmless.edge[1] - harmless.edge[0]
    assert (suspicious.radius, suspicious.elongation) == (harmless.radius, harmless.elongation)


@pytest.mark.parametrize("name", ["skin", "bone"])
def test_mean_brightness_does_not_tell_the_classes_apart(name):
    one, other = ([image.mean() for image in pictures(name, class_name, 60)] for class_name in CLASS_NAMES[name])
    assert 0.3 < np.mean(np.array(one)[:, None] > np.array(other)[None, :]) < 0.7
