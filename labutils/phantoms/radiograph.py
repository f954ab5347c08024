"""What the bone and X-ray phantoms share: a film that collects thickness, and how it becomes a grey picture.

Tissue and bone are added as thickness along the beam: a tube of bone has bright edges, a ball is brightest in its
middle. Everything varies smoothly with its parameters: a rounding error moves a pixel by a grey level at most.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from skimage.draw import polygon2mask

Chain = Sequence[tuple[float, float, float]]
"""Points (x, y, radius) joined to a tube whose radius changes linearly from point to point."""


class Film:
    """Thickness of soft tissue and bone over the pixels of one picture, filled by drawing.

    Drawings use body coordinates: x to the right, y downwards, the short side about 2 units. `shape` is height and
    width in pixels, `centre` the origin as fractions of them, `scale` pixels per unit, `turn` radians; `mirror` swaps
    the sides.
    """

    def __init__(
        self, shape: tuple[int, int], centre: tuple[float, float], scale: float, turn: float, mirror: bool
    ) -> None:
        self.shape, self.scale = shape, scale
        self.soft = np.zeros(shape, np.float32)
        self.bone = np.zeros(shape, np.float32)
        cos, sin = scale * np.cos(turn), scale * np.sin(turn)
        side = -1.0 if mirror else 1.0
        self._matrix = np.array([[side * cos, -sin], [side * sin, cos]])
        self._origin = np.array([centre[1] * shape[1], centre[0] * shape[0]])

    def place(self, points: np.ndarray) -> np.ndarray:
        """Pixel positions (n, 2), column and row, of body points (n, 2)."""
        return np.asarray(points, float) @ self._matrix.T + self._origin

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Body coordinates x and y of every pixel, each float32 of the film's shape."""
        cols = np.arange(self.shape[1], dtype=np.float32)[None, :] - np.float32(self._origin[0])
        rows = np.arange(self.shape[0], dtype=np.float32)[:, None] - np.float32(self._origin[1])
        (a, b), (c, d) = np.linalg.inv(self._matrix).astype(np.float32)
        return a * cols + b * rows, c * cols + d * rows

    def add_bone(self, *chains: Chain, density: float = 1.0, wall: float = 0.04, inside: float = 0.4) -> None:
        """A bone: the union of tubes with a `wall`, in units, and an `inside` of a fraction of its density."""
        window, outer, inner = self._fields(chains, wall)
        thickness = 2 * np.sqrt(np.clip(outer, 0, None)) - 2 * (1 - inside) * np.sqrt(np.clip(inner, 0, None))
        self.bone[window] += np.float32(density / self.scale) * thickness

    def add_tissue(self, *chains: Chain, density: float = 1.0) -> None:
        """Soft tissue around a union of tubes; a negative density takes it away (air)."""
        window, outer, _ = self._fields(chains, 0.0)
        self.soft[window] += np.float32(density / self.scale) * 2 * np.sqrt(np.clip(outer, 0, None))

    def add_plate(
        self,
        outline: Sequence[tuple[float, float]],
        thickness: float,
        rim: float = 0.0,
        edge: float = 0.08,
        soft: bool = False,
        hole: bool = False,
    ) -> None:
        """A flat part inside a closed outline, whose corners are rounded.

        It reaches its `thickness` (negative takes away) over `edge` units from the border; `rim` is extra thickness
        along it. `soft` is soft tissue; a `hole` fades the layer inside by `thickness` (0 to 1) instead of adding.
        """
        points = np.asarray(outline, float)
        for _ in range(2):  # Chaikin: cutting corners twice leaves a curve that looks smooth
            after = np.roll(points, -1, axis=0)
            points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], axis=1).reshape(-1, 2)
        pixels = self.place(points)
        window = self._window(pixels, 3.0)
        top, left = window[0].start, window[1].start
        size = (window[0].stop - top, window[1].stop - left)
        if min(size) < 3:
            return
        mask = polygon2mask(size, pixels[:, ::-1] - (top, left))
        # Padding by repetition: a part that leaves the picture has no border there.
        distance = ndimage.distance_transform_edt(np.pad(mask, 2, mode="edge"))[2:-2, 2:-2] / self.scale
        amount = thickness * (1 - np.exp(-distance / edge)) + rim * mask * np.exp(-distance / (edge / 3))
        amount = ndimage.gaussian_filter(amount.astype(np.float32), 0.9)
        layer = self.soft if soft else self.bone
        if hole:
            layer[window] *= 1 - amount
        else:
            layer[window] += amount

    def _window(self, pixels: np.ndarray, margin: float) -> tuple[slice, slice]:
        low = np.floor(pixels.min(axis=0) - margin).astype(int)
        high = np.ceil(pixels.max(axis=0) + margin).astype(int) + 1
        (left, top), (right, bottom) = (np.clip(p, 0, (self.shape[1], self.shape[0])) for p in (low, high))
        return slice(int(top), int(bottom)), slice(int(left), int(right))

    def _fields(self, chains: Sequence[Chain], wall: float) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
        """Squared half thickness of the union, in pixels, outside and inside of the wall; negative off the bone."""
        parts = [np.asarray(chain, float) for chain in chains]
        points = self.place(np.concatenate(parts)[:, :2])
        widest = max(float(part[:, 2].max()) for part in parts) * self.scale
        window = self._window(points, widest + 1)
        rows = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None]
        cols = np.arange(window[1].start, window[1].stop, dtype=np.float32)[None, :]
        outer = np.full((rows.size, cols.size), -1e6, np.float32)
        inner = outer.copy()
        for part in parts:
            centres, radii = self.place(part[:, :2]), part[:, 2] * self.scale
            if len(part) == 1:
                centres, radii = np.repeat(centres, 2, axis=0), np.repeat(radii, 2)
            for (x0, y0), (x1, y1), r0, r1 in zip(centres[:-1], centres[1:], radii[:-1], radii[1:], strict=True):
                _, squared, radius = tube(cols, rows, (x0, y0, r0), (x1, y1, r1))
                np.maximum(outer, radius * radius - squared, out=outer)
                if wall:
                    hollow = np.clip(radius - np.float32(wall * self.scale), 0, None)
                    np.maximum(inner, hollow * hollow - squared, out=inner)
        return window, outer, inner


def tube(
    x: np.ndarray, y: np.ndarray, start: tuple[float, float, float], end: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far along a tube from (x, y, radius) to (x, y, radius) points lie, 0 to 1, and there the squared distance
    from its axis and its radius.
    """
    (x0, y0, r0), (x1, y1, r1) = start, end
    dx, dy = np.float32(x1 - x0), np.float32(y1 - y0)
    x, y = x - np.float32(x0), y - np.float32(y0)
    along = np.clip((x * dx + y * dy) / np.maximum(dx * dx + dy * dy, np.float32(1e-6)), 0, 1)
    squared = (x - along * dx) ** 2 + (y - along * dy) ** 2
    return along, squared, np.float32(r0) + np.float32(r1 - r0) * along


def smooth_noise(shape: tuple[int, int], cell: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of mean 0 and deviation about 1 whose grains are `cell` pixels wide, float32 of the given shape."""
    rows, cols = (int(side / cell) + 4 for side in shape)
    grid = rng.standard_normal((rows, cols), dtype=np.float32)
    place = [np.arange(side, dtype=np.float32) / np.float32(cell) + 1 for side in shape]
    out = grid
    for axis, positions in enumerate(place):
        low = np.floor(positions).astype(int)
        part = positions - low
        part = part * part * (3 - 2 * part)
        part = part[:, None] if axis == 0 else part[None, :]
        out = out.take(low, axis) * (1 - part) + out.take(low + 1, axis) * part
    return 1.35 * out


def develop(
    film: Film, rng: np.random.Generator, contrast: tuple[float, float] = (0.75, 1.0), white: float = 99.5
) -> np.ndarray:
    """The picture that a film gives, uint8 of its shape, dense parts bright: exposure and the like differ every time.

    It fills a fraction of the grey scale in the range `contrast`; `white` is the percentile of density that becomes
    white.
    """
    shape, pixel = film.shape, film.shape[1] / 300
    grain = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 1.1 * pixel)
    bone = film.bone * (1 + rng.uniform(0.12, 0.35) * grain + 0.05 * smooth_noise(shape, 14 * pixel, rng))
    soft = np.clip(film.soft, 0, None) * (1 + 0.035 * smooth_noise(shape, 34 * pixel, rng))
    soft *= 1 + 0.025 * smooth_noise(shape, 11 * pixel, rng)
    through = np.exp(-rng.uniform(0.5, 0.8) * soft - rng.uniform(1.1, 1.7) * bone)
    scatter = ndimage.uniform_filter(through, shape[1] // 6, mode="nearest")
    # Digital films show the logarithm, which keeps detail in dense parts.
    light = -np.log(0.85 * through + 0.15 * scatter)
    light = ndimage.gaussian_filter(light, rng.uniform(0.5, 1.1) * pixel)

    low, high = np.percentile(light[::3, ::3], (1, white))
    light = np.clip((light - low) / (high - low + 0.02), 0, 1.15)
    light = light ** np.float32(np.exp(rng.normal(0, 0.22)))
    fill = rng.uniform(*contrast)
    light = rng.uniform(0.0, 1.0) * (1 - fill) + fill * light
    noise = rng.standard_normal(shape, dtype=np.float32)
    light += rng.uniform(0.008, 0.03) * (0.5 + light) * noise
    if rng.random() < 0.3:
        light *= _collimation(shape, rng)
    if rng.random() < 0.3:
        light += 0.9 * _side_marker(shape, rng)
    return np.rint(255 * np.clip(light, 0, 1)).astype(np.uint8)


def _collimation(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """1 inside the beam, nearly 0 outside of its edges."""
    rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    cols = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    turn = np.float32(rng.normal(0, 0.03))
    x, y = cols + turn * rows, rows - turn * cols
    beam = np.ones(shape, np.float32)
    for side in (x, -x, y, -y):
        beam *= 1 / (1 + np.exp((side - np.float32(rng.uniform(0.86, 1.15))) / np.float32(0.012)))
    return 0.06 + 0.94 * beam


def _side_marker(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A lead letter, L or R, near a corner."""
    size = 0.03 * shape[1]
    corner = (rng.choice([0.09, 0.91]), rng.choice([0.1, 0.9]))
    letter = Film(shape, corner, size, rng.normal(0, 0.15), False)
    stem = [(-0.6, -1.0, 0.2), (-0.6, 1.0, 0.2)]
    if rng.random() < 0.5:
        letter.add_bone(stem, [(-0.6, 1.0, 0.2), (0.6, 1.0, 0.2)], wall=0)
    else:
        bow = [(-0.6, -1.0, 0.2), (0.3, -1.0, 0.2), (0.6, -0.5, 0.2), (0.3, 0.0, 0.2), (-0.6, 0.0, 0.2)]
        letter.add_bone(stem, bow, [(0.0, 0.0, 0.2), (0.6, 1.0, 0.2)], wall=0)
    return np.clip(3 * letter.bone, 0, 1)
