"""Phantoms of dermoscopy: one drawn lesion on skin, melanoma or nevus.

What tells the two classes apart is in `sample_signs` and nowhere else, and follows the ABCD rule of dermoscopy (Stolz
et al. 1994, Eur. J. Dermatol. 4:521-527): asymmetry, border, colours (here tones), dermoscopic structures. Skin, light,
hairs, darkness, pose and size never know the class. Every pixel is a smooth function of the drawn numbers: processors
whose last digits differ draw the same picture to within one grey level.
"""

from types import SimpleNamespace

import numpy as np
from scipy import ndimage

from labutils.phantoms.severity import above, sample_levels

SEVERITY = 1.75
"""Mean severity of melanomas; nevi have the negative. A reader who saw the severity itself would be right in 96.0 %."""

AGREEMENT = 0.82  # correlation of each sign with the severity

# What melanomas have more of.
SIGNS: tuple[str, ...] = ("asymmetry", "raggedness", "edge", "streaks", "tones", "blotches", "network", "globules")
SIGNS += ("disorder", "veil", "regression")

_LATE = ("streaks", "blotches", "veil", "regression")  # signs that the harmless half of all lesions does not have

MELANIN = np.array([0.50, 1.00, 1.42], np.float32)
"""Optical density of one unit of melanin in red, green and blue: thin layers look light brown, thick ones black."""

BLOOD = np.array([0.15, 0.80, 0.55], np.float32)  # the same for haemoglobin: red skin, vessels

SKIN_TONES = np.array(  # reflectance (red, green, blue) of bare skin, from pale through pink and tan to brown
    [
        [0.97, 0.92, 0.88],
        [0.96, 0.86, 0.80],
        [0.86, 0.78, 0.86],
        [0.95, 0.80, 0.66],
        [0.84, 0.72, 0.69],
        [0.74, 0.59, 0.48],
    ],
    np.float32,
)

VEIL = np.array([0.50, 0.55, 0.68], np.float32)  # colour of the blue-white veil
Map = np.ndarray  # one float32 value for each pixel, shape (h, w)


def draw_with_signs(class_name: str, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, float]]:
    """One phantom of a skin lesion, "Mel" or "Nev": RGB uint8 (h, w, 3), and the signs it was drawn with."""
    signs = sample_signs(class_name, rng)
    look = make_look(signs, rng)

    short = int(rng.integers(200, 261))
    long = int(short * rng.choice([1.0, 1.0, 1.15, 4 / 3, 1.5]))
    h, w = (short, long) if rng.random() < 0.85 else (long, short)
    melanin, veil = _lesion(look, h, w, rng)
    blood = _background(melanin, h, w, rng)

    tone = _skin_tone(rng)
    image = tone * np.exp(-melanin[..., None] * MELANIN - blood[..., None] * BLOOD)
    image += veil[..., None] * (VEIL - image)
    _grow_hairs(image, rng)
    image *= _light(h, w, rng)[..., None]
    image += rng.standard_normal((h, w, 1), dtype=np.float32) * rng.uniform(0.004, 0.012)
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8), signs


def sample_signs(class_name: str, rng: np.random.Generator) -> dict[str, float]:
    """The signs of one lesion: all of a picture that depends on the class.

    `severity` (in standard deviations of a class; 0 is half way between the classes), then the level of each of
    `SIGNS`: the share of all lesions that have less of it. What the picture does not show is not told: a sign that
    only the worse half of all lesions has is at least .5, and a pattern that the lesion lacks is at .5.
    """
    signs = sample_levels(dict.fromkeys(SIGNS, 1), SEVERITY if class_name == "Mel" else -SEVERITY, AGREEMENT, rng)
    signs.update({name: max(0.5, signs[name]) for name in _LATE})
    # Whether there is a network or globules at all says nothing: nevi have them as well.
    for name, chance in (("network", 0.6), ("globules", 0.5)):
        if rng.random() >= chance:
            signs[name] = 0.5
    return signs


def make_look(signs: dict[str, float], rng: np.random.Generator) -> SimpleNamespace:
    """What a lesion with these signs looks like; amplitudes are relative to its radius or to its mean pigment.

    Size, shape of the ellipse and width of the border are drawn without the signs.
    """
    border = rng.uniform(0.08, 0.20)
    return SimpleNamespace(
        radius=rng.uniform(0.16, 0.37),  # root-mean-square radius as a fraction of the picture's short side
        elongation=rng.uniform(1.0, 1.6),  # long axis over short axis of the ellipse it starts from, at least 1
        asymmetry=0.02 + 0.22 * signs["asymmetry"],  # size of the lobes that leave the ellipse without an axis
        raggedness=0.02 + 0.24 * signs["raggedness"],  # size of notches and islands of the border
        edge=(border * (1 - 0.75 * signs["edge"]), border * (1 + 0.3 * signs["edge"])),  # its width, sharp and faded
        streaks=0.18 * above(signs["streaks"], 0.5),  # length of the radial streaks that leave a part of the border
        rings=rng.uniform(-0.6, 0.8) * (1 - signs["tones"]),  # pigment of the centre less that of the rim
        tones=0.05 + 0.80 * signs["tones"],  # strength of the patches of different tone, placed without symmetry
        blotches=above(signs["blotches"], 0.5),  # strength of nearly black areas off the centre
        network=0.10 + 0.50 * signs["network"] if signs["network"] != 0.5 else 0.0,  # strength of the pigment network
        disorder=0.90 * signs["disorder"],  # 0: network and globules are alike everywhere; 1: they come and go
        globules=0.10 + 0.55 * signs["globules"] if signs["globules"] != 0.5 else 0.0,  # of round dark ones
        veil=0.55 * above(signs["veil"], 0.5),  # strength of a blue-white veil over a part
        regression=0.65 * above(signs["regression"], 0.5),  # strength of pale, scar-like areas
    )


def _lesion(look: SimpleNamespace, h: int, w: int, rng: np.random.Generator) -> tuple[Map, Map]:
    """Melanin and veil of the lesion alone."""
    radius = look.radius * min(h, w)
    x, y, along = _lesion_coordinates(look, radius, h, w, rng)
    distance = np.sqrt(x * x + y * y) + 1e-3
    angle = np.arctan2(y, x)

    rim = np.interp(angle, *_outline(look, rng)).astype(np.float32)
    inside = 1 - distance / rim
    notches = _noise(h, w, 0.36 * radius, rng) + 0.7 * _noise(h, w, 0.15 * radius, rng)
    grain = _noise(h, w, 2.2, rng) + _noise(h, w, 4.5, rng)
    inside += 0.6 * look.raggedness * notches + rng.uniform(0.012, 0.03) * grain
    if look.streaks:
        sector = _soft_step(np.cos(angle - rng.uniform(-np.pi, np.pi)), 0.2, 0.25)
        rays = np.cos(int(rng.integers(16, 30)) * angle + 2.2 * _noise(h, w, 0.4 * radius, rng))
        inside += look.streaks * sector * rays * np.clip(distance, 0, 1)
    sharpness = _soft_step(_noise(h, w, 1.1 * radius, rng), 0, 0.5)
    sharp, faded = look.edge
    mask = _soft_step(inside, 0, (faded + (sharp - faded) * sharpness) / 2)

    depth = np.clip(inside, 0, 1)
    pigment = 1 + look.rings * (depth - 0.45) * 1.6
    pigment *= _tone_patches(look, radius, h, w, rng) * np.exp(rng.uniform(0.03, 0.10) * grain)
    pigment *= _structures(look, radius, along, h, w, rng)
    for number in range(2):
        blotch = _soft_step(_bump(x, y, rng, reach=0.65, size=(0.18, 0.36)), 0.5, 0.12)
        pigment += 1.6 * min(1.0, max(0.0, 2 * look.blotches - 0.6 * number)) * blotch
    if look.regression:
        pale = _soft_step(_bump(x, y, rng, reach=0.6, size=(0.3, 0.5)) + 0.15 * notches, 0.5, 0.12)
        pigment *= 1 - look.regression * pale
    veil = np.zeros_like(mask)
    if look.veil:
        veil = look.veil * mask * _soft_step(_bump(x, y, rng, reach=0.5, size=(0.3, 0.55)), 0.5, 0.15)

    # Mean pigment is drawn without regard to the look: darkness alone must not tell the classes apart.
    pigment *= mask
    density = np.exp(rng.normal(-0.18, 0.42))
    melanin = pigment * (density / (pigment.sum() / mask.sum()))
    return melanin.astype(np.float32), veil.astype(np.float32)


def _lesion_coordinates(
    look: SimpleNamespace, radius: float, h: int, w: int, rng: np.random.Generator
) -> tuple[Map, Map, tuple[Map, Map]]:
    """Pixel coordinates in units of the lesion, along its axes, and plain rotated ones in pixels."""
    turn = rng.uniform(0, 2 * np.pi)
    rows = np.arange(h, dtype=np.float32)[:, None] - h * (0.5 + rng.uniform(-0.10, 0.10))
    cols = np.arange(w, dtype=np.float32)[None, :] - w * (0.5 + rng.uniform(-0.10, 0.10))
    u = (np.cos(turn) * cols + np.sin(turn) * rows).astype(np.float32)
    v = (np.cos(turn) * rows - np.sin(turn) * cols).astype(np.float32)
    stretch = np.sqrt(look.elongation)
    return u / np.float32(radius * stretch), v * np.float32(stretch / radius), (u, v)


def _outline(look: SimpleNamespace, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Angles and the radius of the outline there, with the area of the unit circle."""
    angles = np.linspace(-np.pi, np.pi, 257)
    rim = np.ones_like(angles)
    for order in range(2, 6):
        size = look.asymmetry * rng.uniform(-1, 1) * (3.2 / order)
        rim += size * np.cos(order * angles + rng.uniform(0, 2 * np.pi))
    rim = np.exp(rim - rim.mean())
    return angles, rim / np.sqrt(np.mean(rim**2))


def _tone_patches(look: SimpleNamespace, radius: float, h: int, w: int, rng: np.random.Generator) -> Map:
    """Factor of the pigment: a mosaic of a few tones, and a mottle of small spots."""
    steps = _soft_step(_noise(h, w, 0.55 * radius, rng), 0.3, 0.12)
    steps = steps + _soft_step(_noise(h, w, 0.40 * radius, rng), -0.3, 0.12)
    mottle = _noise(h, w, 0.10 * radius, rng)
    return np.exp(look.tones * (1.3 * (steps - 1) + 0.35 * mottle) + 0.06 * mottle)


def _structures(
    look: SimpleNamespace, radius: float, along: tuple[Map, Map], h: int, w: int, rng: np.random.Generator
) -> Map:
    """Factor of the pigment: network (dark lines around pale holes) and globules (dark dots)."""
    factor = np.ones((h, w), np.float32)
    period = rng.uniform(0.08, 0.13) * radius + 4
    for strength, sign in ((look.network, -1.0), (look.globules, 1.0)):
        if not strength:
            continue
        bend = period * (0.22 + 0.2 * look.disorder)
        u, v = (c + bend * _noise(h, w, 1.6 * period, rng) for c in along)
        cell = sign * _honeycomb(u, v, period * (1 + 0.35 * look.disorder))
        present = _soft_step(_noise(h, w, 0.5 * radius, rng), 1.2 * look.disorder - 1.2, 0.2)
        factor *= np.exp(strength * cell * present)
    return factor


def _honeycomb(u: Map, v: Map, period: float) -> Map:
    """Three plane waves 60 degrees apart: 1 at the centres of hexagonal cells, about -0.5 between them."""
    k = np.float32(2 * np.pi / period)
    waves = np.zeros_like(u)
    for turn in (0.0, np.pi / 3, 2 * np.pi / 3):
        waves += np.cos(k * (np.float32(np.cos(turn)) * u + np.float32(np.sin(turn)) * v))
    return waves / 3


def _bump(x: Map, y: Map, rng: np.random.Generator, reach: float, size: tuple[float, float]) -> Map:
    """A smooth hill of height 1 whose centre lies off the lesion's centre."""
    turn, far, width = rng.uniform(0, 2 * np.pi), reach * rng.uniform(0.4, 1.0), rng.uniform(*size)
    squeeze = rng.uniform(0.7, 1.4)
    dx, dy = (x - np.float32(far * np.cos(turn))) * squeeze, (y - np.float32(far * np.sin(turn))) / squeeze
    return np.exp(-(dx * dx + dy * dy) * np.float32(0.7 / width**2))


def _background(melanin: Map, h: int, w: int, rng: np.random.Generator) -> Map:
    """Adds pigment, lines and freckles of ordinary skin to `melanin`; gives back the blood."""
    size = min(h, w)
    melanin += rng.uniform(0.01, 0.04) * _noise(h, w, 0.12 * size, rng)
    turn, gap = rng.uniform(0, np.pi), rng.uniform(5, 9)
    rows, cols = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None, :]
    bend = 3.5 * _noise(h, w, 14.0, rng)
    for cross in (0.0, rng.uniform(0.9, 1.6)):
        phase = np.float32(np.cos(turn + cross)) * cols + np.float32(np.sin(turn + cross)) * rows + bend
        melanin += np.float32(rng.uniform(0.0, 0.018)) * np.cos(phase * np.float32(2 * np.pi / gap))
    for _ in range(int(rng.poisson(1.5))):
        r0, c0, spread = rng.uniform(0, h), rng.uniform(0, w), rng.uniform(0.012, 0.04) * size
        spot = np.exp(-((rows - r0) ** 2) / (2 * spread**2)) * np.exp(-((cols - c0) ** 2) / (2 * spread**2))
        melanin += np.float32(rng.uniform(0.1, 0.35)) * spot.astype(np.float32)
    blood = rng.uniform(0.03, 0.22) * np.exp(rng.uniform(0.1, 0.4) * _noise(h, w, 0.2 * size, rng))
    blood += rng.uniform(0.0, 0.04) * _noise(h, w, 3.0, rng)
    # Vessels run along the zero lines of a smooth field.
    field = _noise(h, w, rng.uniform(0.10, 0.2) * size, rng)
    vessels = rng.uniform(0.0, 0.25) * np.exp(-((field / 0.07) ** 2))
    blood += vessels * _soft_step(_noise(h, w, 0.25 * size, rng), 0.5, 0.3)
    return blood.astype(np.float32)


def _skin_tone(rng: np.random.Generator) -> np.ndarray:
    """Colour of the bare skin under the camera's white balance, shape (3,)."""
    weights = rng.dirichlet(np.full(len(SKIN_TONES), 0.5))
    return (weights @ SKIN_TONES * np.exp(rng.normal(0, 0.03, 3))).astype(np.float32)


def _light(h: int, w: int, rng: np.random.Generator) -> Map:
    """Exposure, uneven light and the vignette of the lens."""
    # In units of half the diagonal, so that the vignette is a circle and the corners lie at distance 1.
    x = np.linspace(-w, w, w, dtype=np.float32)[None, :] / np.float32(np.hypot(h, w))
    y = np.linspace(-h, h, h, dtype=np.float32)[:, None] / np.float32(np.hypot(h, w))
    turn = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0, 0.17) * (np.cos(turn) * x + np.sin(turn) * y)
    distance = np.sqrt(x * x + y * y)
    fall = rng.uniform(0.0, 0.3) * distance**3
    if rng.random() < 0.15:
        fall += _soft_step(distance, rng.uniform(0.72, 0.85), rng.uniform(0.02, 0.05)) * rng.uniform(0.4, 0.9)
    light = np.exp(rng.normal(0.0, 0.08)) * (1 + slope) * (1 - np.clip(fall, 0, 0.97))
    return light.astype(np.float32)


def _grow_hairs(image: np.ndarray, rng: np.random.Generator) -> None:
    """Draws hairs over `image`: bent, thin at the tip, dark or fair."""
    h, w, _ = image.shape
    count = int(rng.poisson(rng.choice([0.3, 3.0, 9.0], p=[0.5, 0.35, 0.15])))
    if not count:
        return
    canvas = np.zeros(h * w)
    along = np.linspace(0, 1, 500)[:, None]
    lean = rng.uniform(0, 2 * np.pi)
    for _ in range(count):
        turn, length = lean + rng.normal(0, 0.7), rng.uniform(0.25, 0.9) * max(h, w)
        step = length * np.array([np.sin(turn), np.cos(turn)])
        start = rng.uniform(0, 1, 2) * (h, w) - step / 2
        knee = start + step / 2 + rng.normal(0, 0.12 * length, 2)
        path = (1 - along) ** 2 * start + 2 * along * (1 - along) * knee + along**2 * (start + step)
        ink = rng.uniform(0.5, 1.0) * (1 - 0.7 * along[:, 0] ** 2) * length / 500
        canvas += _splat(path, ink, h, w)
    thickness = rng.uniform(0.55, 1.0)
    cover = 1 - np.exp(-2.2 * ndimage.gaussian_filter(canvas.reshape(h, w), thickness, truncate=3.0))
    colour = np.array([0.16, 0.10, 0.08]) if rng.random() < 0.8 else np.array([0.93, 0.88, 0.80])
    image += (cover[..., None] * (colour - image)).astype(np.float32)


def _splat(path: np.ndarray, ink: np.ndarray, h: int, w: int) -> np.ndarray:
    """Ink of the points of `path` (n, 2; row and column) shared among the four nearest pixels, shape (h * w,)."""
    low = np.floor(path).astype(np.int64)
    part = path - low
    total = np.zeros(h * w)
    for dr in (0, 1):
        for dc in (0, 1):
            row, col = low[:, 0] + dr, low[:, 1] + dc
            share = np.abs(1 - dr - part[:, 0]) * np.abs(1 - dc - part[:, 1])
            seen = (row >= 0) & (row < h) & (col >= 0) & (col < w)
            total += np.bincount((row * w + col)[seen], (ink * share)[seen], minlength=h * w)
    return total


def _noise(h: int, w: int, scale: float, rng: np.random.Generator) -> Map:
    """Smooth noise of mean 0 and standard deviation 1: white noise on a lattice of `scale` pixels, cubic B-splines."""
    rows, cols = _splines(h, scale, rng), _splines(w, scale, rng)
    lattice = rng.standard_normal((rows[0][-1] + 4, cols[0][-1] + 4), dtype=np.float32)
    return _upsample(_upsample(lattice.T, *cols).T, *rows)


def _splines(n: int, scale: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """First lattice point (n,) and weights of it and the next three (4, n) at `n` pixels of one axis."""
    place = np.arange(n) / scale + rng.random()
    cell = np.floor(place).astype(np.int64)
    f = place - cell
    weights = np.stack([(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, 1 + 3 * f + 3 * f**2 - 3 * f**3, f**3])
    # 0.479 is the mean sum of squared weights of a cubic B-spline.
    return cell, (weights / (6 * np.sqrt(0.479))).astype(np.float32)


def _upsample(lattice: np.ndarray, cell: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Splines along the first axis. No matrix product: its threads fight when drawing in parallel."""
    lattice = np.ascontiguousarray(lattice)
    total = weights[0][:, None] * lattice[cell]
    for k in (1, 2, 3):
        total += weights[k][:, None] * lattice[cell + k]
    return total


def _soft_step(values: Map, centre: float, width: float | Map) -> Map:
    """From 0 far below `centre` to 1 far above; `width` sets how gently."""
    return 0.5 + 0.5 * np.tanh((values - centre) / (2 * width))
