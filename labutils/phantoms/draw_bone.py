"""Phantoms of femur radiographs: atypical (AFF) and ordinary (NFF) fractures of the shaft.

The two differ as the criteria for atypical fractures say (Shane et al. 2014, J Bone Miner Res 29:1-23): an atypical one
starts at the lateral cortex, runs across the shaft, has little comminution, and a thickened lateral cortex that flares
into a beak; an ordinary one is oblique or spiral, with fragments. What tells them apart is in `sample_signs` and
nowhere else: pose, view, displacement, exposure and film know nothing of the class.
"""

from types import SimpleNamespace

import numpy as np

from labutils.phantoms.radiograph import Film, develop, tube
from labutils.phantoms.severity import above, sample_levels

SEVERITY = 2.0
"""Mean of what is atypical about an AFF; NFF have the negative. Who saw it directly would be right in 97.7 %."""

AGREEMENT = 0.92  # correlation of each sign with that

SIGNS = dict.fromkeys(("slope", "spread", "rough", "shards"), -1)  # ordinary fractures have more of these
SIGNS |= dict.fromkeys(("beak", "thickening", "spike", "incomplete"), 1)  # and atypical ones of these

_STARTS = {"shards": 0.35, "beak": 0.25, "incomplete": 0.88}  # level from which on a sign is there at all


def draw_with_signs(class_name: str, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, float]]:
    """One radiograph of a broken femur shaft, "AFF" or "NFF": grey uint8 (h, w), and the signs it was drawn with."""
    signs = sample_signs(class_name, rng)
    fracture = make_fracture(signs, rng)
    height, width = int(rng.integers(280, 401)), int(rng.integers(200, 301))
    view = rng.choice(["proximal", "middle", "distal"], p=[0.35, 0.4, 0.25])
    down = {"proximal": 0.60, "middle": 0.5, "distal": 0.42}[view] + rng.uniform(-0.1, 0.1)
    film = Film(
        (height, width),
        centre=(down, 0.5 + rng.uniform(-0.14, 0.14)),
        scale=width * rng.uniform(0.14, 0.2),
        turn=rng.uniform(-0.25, 0.25),
        mirror=rng.random() < 0.5,
    )
    _draw_thigh(film, rng)
    _draw_femur(film, fracture, view, rng)
    for number in range(6):
        _draw_shard(film, fracture, min(1.0, max(0.0, fracture.shards - number)), rng)
    # Overlap and splinters are the densest spots: they must not tell the class by darkening the shaft.
    return develop(film, rng, white=95), signs


def sample_signs(class_name: str, rng: np.random.Generator) -> dict[str, float]:
    """The signs of one fracture: all of a picture that depends on the class.

    `severity` (how atypical, in standard deviations of a class; 0 is half way between the classes), then the level of
    each of `SIGNS`: the share of all fractures that have less of it. What the picture does not show is not told: a
    sign that appears only from some level on is at least at that level.
    """
    signs = sample_levels(SIGNS, SEVERITY if class_name == "AFF" else -SEVERITY, AGREEMENT, rng)
    signs.update({name: max(start, signs[name]) for name, start in _STARTS.items()})
    return signs


def make_fracture(signs: dict[str, float], rng: np.random.Generator) -> SimpleNamespace:
    """How a shaft with these signs is broken, in radii of the shaft; y runs down it, x to its lateral side.

    Gap, displacement and thickness of the cortex are drawn without the signs.
    """
    shown = {name: above(signs[name], start) for name, start in _STARTS.items()}
    complete = shown["incomplete"] == 0
    gap, shift, angle = rng.uniform(0.15, 0.45), rng.normal(0, 0.4), rng.normal(0, 0.12)
    return SimpleNamespace(
        slope=_sign(rng) * 2.0 * _spread_out(signs["slope"]),  # rise of the fracture line per unit across
        spread=0.8 * _spread_out(signs["spread"]),  # how far front and back of the line lie apart (spiral)
        rough=0.01 + 0.10 * signs["rough"],  # size of its teeth
        gap=gap,
        shift=shift if complete else 0.0,  # of the lower fragment, sideways
        angle=angle if complete else 0.0,  # of the lower fragment, radians
        depth=-9.0 if complete else 0.8 * shown["incomplete"] - 0.7,  # where the line ends; -9: nowhere
        beak=0.5 * _spread_out(shown["beak"]),  # flare of the lateral cortex
        thickening=0.25 * signs["thickening"],  # of the lateral cortex inwards
        spike=0.5 * signs["spike"],  # of the medial cortex
        wall=rng.uniform(0.26, 0.46),  # thickness of the cortex
        shards=6 * _spread_out(shown["shards"]),  # splinters; a part of one is a faint one
    )


def _draw_thigh(film: Film, rng: np.random.Generator) -> None:
    """Fat around muscle, wider above than below."""
    middle, wide = rng.normal(-0.3, 0.35), rng.uniform(2.6, 4.6)
    taper = rng.uniform(0.0, 0.06)
    ends = [(y, wide * (1 - taper * y)) for y in (-9.0, 9.0)]
    film.add_tissue([(middle, y, r) for y, r in ends], density=0.11)
    layer = rng.uniform(0.2, 0.7)
    film.add_tissue([(middle, y, r - layer) for y, r in ends], density=0.09)


def _draw_femur(film: Film, fracture: SimpleNamespace, view: str, rng: np.random.Generator) -> None:
    x, y = film.coordinates()
    bow, phases = rng.uniform(0.0, 0.012), [rng.uniform(0, 2 * np.pi) for _ in range(4)]
    ends = (rng.uniform(2.4, 3.4) if view == "proximal" else 99.0, rng.uniform(2.6, 3.6) if view == "distal" else 99.0)
    fill = rng.uniform(0.06, 0.16)

    def lines(across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Height of the fracture line at the front and at the back of the shaft."""
        teeth = sum(np.sin(k * across + p) for k, p in zip((3.1, 7.3, 12.7, 19.1), phases, strict=True))
        middle = fracture.slope * across + fracture.rough * teeth
        middle -= fracture.spike * np.clip(-across - 0.3, 0, 1)
        bulge = (0.5 * fracture.spread) * np.sqrt(np.clip(1.01 - across * across, 0.01, None))
        return middle - bulge, middle + bulge

    def below(x: np.ndarray, y: np.ndarray, gap: float) -> np.ndarray:
        """1 below the fracture, 0 above it, half where front and back disagree."""
        front, back = lines(x)
        return 0.5 * (_step(y - front - gap, 0.05) + _step(y - back - gap, 0.05))

    if fracture.depth > -1:
        bone = _thickness(x + bow * y * y, y, fracture, ends, fill)
        crack = np.exp(-(((y - sum(lines(x)) / 2) / (0.6 * fracture.gap)) ** 2)) * _step(x - fracture.depth, 0.12)
        film.bone += bone * (1 - 0.9 * crack)
        return
    upper = _thickness(x + bow * y * y, y, fracture, ends, fill) * (1 - below(x, y, -fracture.gap / 2))
    cos, sin = np.float32(np.cos(fracture.angle)), np.float32(np.sin(fracture.angle))
    x = x - np.float32(fracture.shift)
    x, y = cos * x + sin * y, cos * y - sin * x
    lower = _thickness(x + bow * y * y, y, fracture, ends, fill) * below(x, y, fracture.gap / 2)
    film.bone += upper + lower


def _thickness(
    x: np.ndarray, y: np.ndarray, fracture: SimpleNamespace, ends: tuple[float, float], fill: float
) -> np.ndarray:
    """Bone along the beam of an unbroken femur, in radii: wall and marrow of the shaft, and its ends."""
    top, bottom = ends
    near_end = _step(-y - top, 1.0) + _step(y - bottom, 1.0)
    peak = 1 / (1 + (y / 0.4) ** 2)
    lateral = 1 + fracture.beak * peak
    wall = fracture.wall * (1 - 0.6 * near_end)
    hollow = 1 - wall - fracture.thickening * np.exp(-((y / 1.1) ** 2))
    beyond = np.clip(-y - top - 0.6, 0, None) ** 2 + np.clip(y - bottom - 1.2, 0, None) ** 2
    outside = (x + 1) * (lateral - x) - beyond
    inside = (x + 1 - wall) * (hollow - x) - beyond
    for x0, y0, r0, x1, y1, r1 in _hip(top) + _knee(bottom):
        # Only the rows that the tube can reach, widened by the tilt of the picture.
        rows = np.flatnonzero((np.abs(y - (y0 + y1) / 2) < abs(y1 - y0) / 2 + max(r0, r1)).any(axis=1))
        if not rows.size:
            continue
        part = slice(rows[0], rows[-1] + 1)
        along, squared, radius = tube(x[part], y[part], (x0, y0, r0), (x1, y1, r1))
        shell = np.float32(fracture.wall) + np.float32(0.13 - fracture.wall) * np.sqrt(along)
        np.maximum(outside[part], radius**2 - squared, out=outside[part])
        np.maximum(inside[part], (radius - shell) ** 2 - squared, out=inside[part])
    fill = fill + 0.25 * near_end
    return np.sqrt(np.clip(outside, 0, None)) - (1 - fill) * np.sqrt(np.clip(inside, 0, None))


def _hip(top: float) -> list[tuple[float, ...]]:
    """Tubes (x, y, radius, x, y, radius) of neck, head and trochanters above a shaft that ends at -top."""
    return [
        (0.0, -top + 0.6, 0.98, 0.1, -top - 0.9, 1.25),
        (-0.1, -top - 0.5, 1.05, -1.9, -top - 2.0, 0.9),
        (-1.9, -top - 2.0, 1.2, -2.2, -top - 2.25, 1.4),
        (0.2, -top - 0.3, 1.0, 0.75, -top - 1.6, 0.75),
        (-0.6, -top + 0.3, 0.5, -0.75, -top + 0.2, 0.5),
    ]


def _knee(bottom: float) -> list[tuple[float, ...]]:
    """Tubes of the flare and the two condyles below a shaft that ends at `bottom`."""
    return [
        (0.0, bottom - 1.0, 0.98, 0.0, bottom + 1.5, 1.8),
        (-0.5, bottom + 1.0, 1.0, -1.05, bottom + 2.1, 1.25),
        (0.5, bottom + 1.0, 1.0, 1.05, bottom + 2.1, 1.2),
    ]


def _draw_shard(film: Film, fracture: SimpleNamespace, strength: float, rng: np.random.Generator) -> None:
    """A splinter of cortex that has come off near the fracture line; `strength` from 0 to 1."""
    side = _sign(rng)
    x = side * rng.uniform(0.6, 1.7)
    y = fracture.slope * np.clip(x, -1, 1) + rng.uniform(-1.2, 1.2)
    lean, half = rng.normal(0, 0.6), rng.uniform(0.35, 1.0)
    dx, dy = half * np.sin(lean), half * np.cos(lean)
    thick = rng.uniform(0.18, 0.34)
    film.add_bone(
        [(x - dx, y - dy, 0.3 * thick), (x, y, thick), (x + dx, y + dy, 0.15 * thick)],
        density=strength * rng.uniform(0.7, 1.1),
        wall=0,
    )


def _spread_out(level: float) -> float:
    """A level moved towards 0 or 1: middling signs are hard to see on a radiograph."""
    return level * level * (3 - 2 * level)


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _step(values: np.ndarray, width: float) -> np.ndarray:
    """0 well below zero, 1 well above, smooth over `width`."""
    return 0.5 + 0.5 * np.tanh(values / np.float32(width))
