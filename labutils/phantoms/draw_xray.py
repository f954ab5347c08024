"""Phantoms of radiographs of nine body regions, a function for each.

Pose, magnification and exposure know nothing of the class; some pictures are hard on purpose: cropped, turned or faint.
Body coordinates: x to the right, y downwards, the short side of an ordinary picture about 2 units wide.
"""

import numpy as np

from labutils.phantoms.radiograph import Film, develop

HARD = 0.22  # share of pictures that are cropped, turned or faint, so that part of them could be another region

Point = tuple[float, float]


def draw_with_signs(class_name: str, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, float]]:
    """One radiograph of a region, "C1" to "C9": grey uint8 (h, w); no signs, for the classes do not overlap."""
    short = int(rng.integers(210, 311))
    long = int(short * rng.uniform(1.0, 1.28))
    shape = (long, short) if rng.random() < 0.7 else (short, long)
    hard = rng.choice(["crop", "turn", "faint"]) if rng.random() < HARD else ""
    away = 0.22 if hard == "crop" else 0.05
    film = Film(
        shape,
        centre=(0.5 + rng.uniform(-away, away), 0.5 + rng.uniform(-away, away)),
        scale=short / 2 * (rng.uniform(1.35, 1.8) if hard == "crop" else rng.uniform(0.85, 1.1)),
        turn=rng.uniform(-0.9, 0.9) if hard == "turn" else rng.normal(0, 0.08),
        mirror=rng.random() < 0.5,
    )
    REGIONS[class_name](film, rng)
    return develop(film, rng, contrast=(0.12, 0.3) if hard == "faint" else (0.7, 1.0)), {}


def draw_chest(film: Film, rng: np.random.Generator) -> None:
    """Frontal: lungs between ribs, heart to one side, diaphragm below."""
    wide, breath = rng.uniform(0.92, 1.08), rng.uniform(-0.12, 0.1)
    film.add_tissue([(0, -1.6, 0.55), (0, -0.8, 0.95 * wide), (0, 1.6, 1.0 * wide)], density=0.62)
    for side in (-1, 1):
        lung = [(0.1, -0.6), (0.2, -0.86), (0.42, -0.84), (0.68, -0.3), (0.78, 0.3), (0.74, 0.72), (0.45, 0.58)]
        lung += [(0.16, 0.62), (0.13, 0.1)]
        lung = [(side * x * wide, y + breath * max(y, 0)) for x, y in lung]
        film.add_plate(lung, -0.78, edge=0.1, soft=True)
    heart = rng.uniform(0.85, 1.25)
    outline = [(-0.12, -0.45), (0.1, -0.5), (0.17, -0.2), (0.42, 0.25), (0.45, 0.55), (-0.15, 0.6), (-0.22, 0.2)]
    film.add_plate([(x * heart, y) for x, y in outline], 0.62, edge=0.12, soft=True)
    _draw_column(film, rng, [(0, -1.1), (0, 1.3)], 15, width=0.085, density=0.5)
    for rib in range(9):
        start, reach = -0.84 + 0.165 * rib, wide * (0.44 + 0.36 * np.sqrt(rib / 8))
        fall = 0.2 + 0.025 * rib
        for side in (-1, 1):
            back = [(0.08, 0.0), (0.35 * reach, -0.05), (0.7 * reach, 0.3 * fall), (0.97 * reach, fall)]
            back += [(1.02 * reach, fall + 0.12)]
            front = [(1.02 * reach, fall + 0.12), (0.85 * reach, fall + 0.26), (0.5 * reach, fall + 0.36)]
            film.add_bone([(side * x, start + y, 0.03) for x, y in back], density=2.4, wall=0.012, inside=0.35)
            if rib < 7:
                chain = [(side * x, start + y, 0.034) for x, y in front]
                film.add_bone(chain, density=1.4, wall=0.012, inside=0.35)
    lift = rng.uniform(-0.06, 0.06)
    for side in (-1, 1):
        clavicle = [(0.09, -0.76, 0.045), (0.35, -0.84, 0.03), (0.6, -0.88 - lift, 0.035), (0.85, -0.98 - lift, 0.04)]
        film.add_bone([(side * x, y, r) for x, y, r in clavicle], density=2.2, wall=0.015)
        blade = [(0.62, -0.75), (0.98, -0.85), (0.95, -0.4), (0.8, 0.0), (0.72, -0.2)]
        film.add_plate([(side * x * wide, y) for x, y in blade], 0.06, rim=0.08, edge=0.06)


def draw_hand(film: Film, rng: np.random.Generator) -> None:
    """Palm down: four fingers and a thumb, wrist below."""
    spread, size = rng.uniform(0.6, 1.3), rng.uniform(0.92, 1.08)
    knuckles = [(-0.24, 0.3), (-0.08, 0.27), (0.08, 0.29), (0.22, 0.34)]
    angles = spread * np.array([-0.16, -0.03, 0.1, 0.25])
    palm = [(-0.4, 0.5), (-0.42, 0.0), (-0.3, -0.22), (0.3, -0.16), (0.42, 0.2), (0.36, 0.62), (-0.25, 0.68)]
    film.add_plate(palm, 0.34, edge=0.12, soft=True)
    film.add_tissue([(0, 0.55, 0.3), (0, 0.8, 0.27), (0, 1.8, 0.4)], density=0.7)
    for (x, y), angle, reach in zip(knuckles, angles, (1.0, 1.08, 1.0, 0.8), strict=True):
        lengths = size * reach * np.array([0.4, 0.27, 0.17, 0.12])
        _draw_ray(film, (x, y), angle, lengths, 0.052 * reach, bend=rng.normal(0, 0.03))
    _draw_ray(film, (-0.27, 0.42), -0.75 * spread, np.array([0.3, 0.22, 0.17]), 0.056, bend=0.18)
    wrist = [(-0.22, 0.43, 0.07), (-0.1, 0.42, 0.075), (0.05, 0.41, 0.085), (0.18, 0.45, 0.075)]
    for ball in [*wrist, (-0.14, 0.57, 0.09), (0.02, 0.57, 0.085), (0.15, 0.58, 0.07)]:
        film.add_bone([ball], density=4.5, wall=0.02, inside=0.55)
    _draw_long_bone(film, (-0.1, 0.72), (-0.15, 1.7), 0.095, (1.5, 1.2), density=2.6)
    _draw_long_bone(film, (0.15, 0.74), (0.17, 1.7), 0.07, (1.1, 1.3), density=3.0)


def draw_knee(film: Film, rng: np.random.Generator) -> None:
    """Frontal: two condyles over the plateau, fibula beside, kneecap over the femur."""
    gap, lean = rng.uniform(0.02, 0.06), rng.normal(0, 0.05)
    film.add_tissue([(lean, -1.7, 0.75), (0, -0.1, 0.6), (0, 0.5, 0.6), (-lean, 1.7, 0.5)], density=0.75)
    femur = [(lean, -1.7, 0.21), (lean / 2, -0.8, 0.22), (0, -0.42, 0.34)]
    condyles = [[(s * 0.1, -0.36, 0.26), (s * 0.225, -0.19 - gap, 0.225)] for s in (-1, 1)]
    film.add_bone(femur, *condyles, density=2.0, wall=0.07, inside=0.45)
    shin = [(0, 0.44, 0.36), (0, 0.58, 0.28), (0, 0.9, 0.19), (-lean, 1.7, 0.18)]
    plateau = [(-0.32, 0.2 + gap, 0.14), (0, 0.23 + gap, 0.16), (0.32, 0.2 + gap, 0.14)]
    spikes = [[(-0.05, 0.04 + gap, 0.03), (-0.06, 0.2, 0.08)], [(0.05, 0.05 + gap, 0.03), (0.06, 0.2, 0.08)]]
    film.add_bone(shin, plateau, *spikes, density=2.0, wall=0.07, inside=0.45)
    fibula = [(0.4, 0.42, 0.11), (0.4, 0.6, 0.075), (0.36, 1.7, 0.07)]
    film.add_bone(fibula, density=2.3, wall=0.04, inside=0.4)
    film.add_bone([(rng.normal(0, 0.04), -0.38, 0.17)], density=0.8, wall=0.04, inside=0.5)


def draw_pelvis(film: Film, rng: np.random.Generator) -> None:
    """Frontal: iliac wings, sacrum, hip joints and the ring of the pubis."""
    wide, tilt = rng.uniform(0.92, 1.08), rng.uniform(-0.08, 0.08)
    film.add_tissue([(0, -1.6, 0.9), (0, 0.2, 1.08), (0, 0.6, 1.05)], density=0.6)
    for side in (-1, 1):
        film.add_tissue([(side * 0.55, 0.5, 0.5), (side * 0.6, 1.7, 0.42)], density=0.5)
        wing = [(0.14, -0.28), (0.3, -0.62), (0.55, -0.75 + tilt), (0.84, -0.5), (0.8, -0.25), (0.68, 0.0)]
        wing += [(0.62, 0.22), (0.4, 0.25), (0.34, 0.0), (0.2, -0.1)]
        film.add_plate([(side * x * wide, y) for x, y in wing], 0.2, rim=0.25, edge=0.1)
        ring = [(0.06, 0.36, 0.06), (0.25, 0.27, 0.05), (0.42, 0.2, 0.1), (0.5, 0.45, 0.08), (0.36, 0.68, 0.095)]
        ring += [(0.2, 0.58, 0.05), (0.07, 0.46, 0.055)]
        film.add_bone([(side * x * wide, y, r) for x, y, r in ring], density=1.9, wall=0.03, inside=0.5)
        hip, turn = 0.6 * wide, rng.normal(0, 0.03)
        head = [(hip, 0.16, 0.16), (hip + 0.12, 0.25, 0.11), (hip + 0.25, 0.4, 0.13)]
        shaft = [(hip + 0.25, 0.4, 0.14), (hip + 0.24, 0.62, 0.12), (hip + 0.18 + turn, 1.7, 0.115)]
        trochanter = [(hip + 0.3, 0.3, 0.08), (hip + 0.26, 0.45, 0.1)]
        chains = [[(side * x, y, r) for x, y, r in chain] for chain in (head, shaft, trochanter)]
        film.add_bone(*chains, density=2.0, wall=0.045, inside=0.45)
    sacrum = [(-0.26, -0.42), (0.26, -0.42), (0.2, -0.1), (0.05, 0.22), (-0.05, 0.22), (-0.2, -0.1)]
    film.add_plate(sacrum, 0.26, rim=0.08, edge=0.1)
    _draw_column(film, rng, [(0, -1.5), (0, -0.42)], 5, width=0.17, density=1.4)


def draw_skull(film: Film, rng: np.random.Generator) -> None:
    """Lateral: vault with a bright rim, orbit and sinuses dark, jaw and neck below."""
    length, height = rng.uniform(0.68, 0.78), rng.uniform(0.56, 0.64)
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    vault = [(0.08 + length * np.cos(t), -0.2 + height * np.sin(t)) for t in turn]
    film.add_plate(vault, 0.42, soft=True, edge=0.12)
    film.add_plate(vault, 0.1, rim=0.55, edge=0.1)
    flesh = [[(0.3, 0.35, 0.32), (0.34, 1.7, 0.38)], [(-0.42, 0.2, 0.36), (-0.42, 0.6, 0.34)]]
    film.add_tissue(*flesh, [(-0.45, 0.75, 0.22), (0.2, 0.7, 0.25)], density=0.6)
    base = [(-0.55, 0.12), (-0.1, 0.1), (0.3, 0.28), (0.45, 0.22), (0.3, 0.42), (-0.1, 0.28), (-0.5, 0.28)]
    film.add_plate(base, 0.34, rim=0.1, edge=0.08)
    face = [(-0.66, -0.12), (-0.3, 0.02), (-0.12, 0.36), (-0.34, 0.54), (-0.66, 0.52), (-0.76, 0.3)]
    film.add_plate(face, 0.24, rim=0.14, edge=0.08)
    orbit = [(-0.66, 0.05), (-0.44, 0.04), (-0.42, 0.2), (-0.6, 0.22)]
    film.add_plate(orbit, 0.6, edge=0.05, hole=True)
    film.add_plate([(-0.52, 0.28), (-0.3, 0.27), (-0.3, 0.42), (-0.5, 0.42)], 0.55, edge=0.05, hole=True)
    drop = rng.uniform(0.0, 0.08)
    jaw = [(0.02, 0.26, 0.06), (0.0, 0.6 + drop, 0.09), (-0.3, 0.78 + drop, 0.085), (-0.6, 0.82 + drop, 0.09)]
    film.add_bone(jaw, density=2.6, wall=0.03, inside=0.5)
    for tooth in range(6):
        x = -0.62 + 0.07 * tooth
        film.add_bone([(x, 0.5, 0.03), (x, 0.58, 0.028)], density=5, wall=0)
        film.add_bone([(x, 0.64 + drop, 0.028), (x, 0.72 + drop, 0.03)], density=5, wall=0)
    lean = rng.normal(0.05, 0.06)
    _draw_column(film, rng, [(0.27, 0.42), (0.27 + lean, 1.6)], 7, width=0.12, density=1.8)


def draw_spine(film: Film, rng: np.random.Generator) -> None:
    """Lumbar spine, frontal: blocks between discs, processes to both sides, last ribs above."""
    curve = rng.normal(0, 0.06)
    film.add_tissue([(0, -1.7, 1.0), (0, 1.7, 1.05)], density=0.55)
    for side in (-1, 1):
        psoas = [(side * 0.2, -0.6, 0.12), (side * 0.42, 0.9, 0.22), (side * 0.5, 1.5, 0.2)]
        film.add_tissue(psoas, density=0.35)
        for rib in range(2):
            y = -1.02 + 0.36 * rib
            chain = [(0.2, y, 0.035), (0.5, y + 0.06, 0.04), (0.95 - 0.25 * rib, y + 0.38, 0.035)]
            film.add_bone([(side * a, b, r) for a, b, r in chain], density=1.8, wall=0.015)
        wing = [(0.35, 1.1), (0.6, 0.75), (0.95, 0.7), (1.2, 1.0), (1.1, 1.6), (0.4, 1.6)]
        film.add_plate([(side * x, y) for x, y in wing], 0.16, rim=0.16, edge=0.08)
    line = [(curve, -1.6), (-curve, -0.5), (-curve, 0.2), (0, 0.98)]
    _draw_column(film, rng, line, 8, width=0.23, density=1.5, processes=True)
    film.add_plate([(-0.38, 1.0), (0.38, 1.0), (0.25, 1.5), (-0.25, 1.5)], 0.3, rim=0.08, edge=0.1)
    for _ in range(int(rng.integers(0, 5))):
        x, y = rng.uniform(0.3, 0.8) * rng.choice([-1, 1]), rng.uniform(-0.7, 0.9)
        film.add_tissue([(x, y, rng.uniform(0.08, 0.16))], density=-0.55)


def draw_shoulder(film: Film, rng: np.random.Generator) -> None:
    """Frontal: round head of the humerus at the socket, clavicle above, ribs and lung beside."""
    lift = rng.uniform(-0.12, 0.16)
    film.add_tissue([(-1.4, 0.0, 1.0), (-1.2, 1.6, 1.1)], [(-1.3, -1.3, 0.5), (0.2, -0.3, 0.5)], density=0.5)
    film.add_tissue([(0.28, -0.15, 0.5), (0.45 + lift, 1.7, 0.36)], density=0.55)
    lung = [(-1.3, -0.6), (-0.95, -0.55), (-0.65, 0.0), (-0.5, 0.7), (-0.5, 1.6), (-1.5, 1.6), (-1.6, 0)]
    film.add_plate(lung, -0.5, edge=0.12, soft=True)
    for rib in range(6):
        y = -0.55 + 0.3 * rib
        chain = [(-1.4, y - 0.05, 0.045), (-0.95, y, 0.045), (-0.68 + 0.04 * rib, y + 0.2, 0.045)]
        film.add_bone([*chain, (-0.62 + 0.05 * rib, y + 0.36, 0.04)], density=1.6, wall=0.015)
    blade = [(0.0, -0.3), (-0.3, -0.35), (-0.85, -0.3), (-0.6, 0.35), (-0.42, 0.85), (-0.3, 0.5), (-0.05, 0.1)]
    film.add_plate(blade, 0.12, rim=0.2, edge=0.08)
    socket = [(-0.02, -0.28, 0.07), (0.0, -0.1, 0.06), (-0.03, 0.1, 0.07)]
    film.add_bone(socket, [(-0.1, -0.25, 0.06), (-0.05, -0.4, 0.05)], density=2.2, wall=0.03, inside=0.5)
    spine = [(-0.8, -0.28, 0.04), (-0.2, -0.48, 0.06), (0.25, -0.55, 0.08), (0.34, -0.46, 0.05)]
    film.add_bone(spine, density=2.0, wall=0.025, inside=0.5)
    film.add_bone([(-1.4, -0.5, 0.06), (-0.7, -0.68, 0.055), (0.05, -0.62, 0.065)], density=2.2, wall=0.025)
    humerus = [(0.25, -0.16, 0.27), (0.33, 0.1, 0.24), (0.4 + lift / 3, 0.5, 0.16), (0.45 + lift, 1.7, 0.15)]
    film.add_bone(humerus, [(0.42, -0.12, 0.15)], density=1.35, wall=0.06, inside=0.35)


def draw_foot(film: Film, rng: np.random.Generator) -> None:
    """From above: five rays with short toes, a block of tarsal bones, the heel."""
    spread = rng.uniform(0.8, 1.2)
    sole = [(-0.42, -0.5), (-0.3, -0.72), (0.3, -0.55), (0.42, -0.1), (0.34, 0.6), (0.2, 1.1), (-0.2, 1.1)]
    film.add_plate([*sole, (-0.3, 0.4)], 0.42, edge=0.15, soft=True)
    bases = [(-0.2, 0.17), (-0.06, 0.13), (0.05, 0.16), (0.15, 0.21), (0.25, 0.29)]
    angles = spread * np.array([-0.1, -0.02, 0.04, 0.1, 0.17])
    sizes = [(1.0, 0.085), (1.02, 0.05), (0.98, 0.046), (0.93, 0.046), (0.88, 0.05)]
    for toe, ((x, y), angle, (reach, radius)) in enumerate(zip(bases, angles, sizes, strict=True)):
        toes = [0.24, 0.17] if toe == 0 else [0.18, 0.08, 0.07]
        lengths = reach * np.array([0.5, *toes])
        _draw_ray(film, (x, y), angle, lengths, radius, bend=rng.normal(0, 0.03))
    wedges = [(-0.2, 0.3, 0.1), (-0.06, 0.28, 0.085), (0.06, 0.31, 0.085), (0.2, 0.42, 0.12), (-0.1, 0.46, 0.13)]
    for x, y, r in wedges:
        film.add_bone([(x - 0.02, y, r), (x + 0.02, y, r)], density=2.6, wall=0.03, inside=0.6)
    film.add_bone([(-0.08, 0.6, 0.15), (-0.05, 0.78, 0.18)], density=1.2, wall=0.04, inside=0.6)
    film.add_bone([(0.12, 0.62, 0.13), (0.05, 1.1, 0.19)], density=1.2, wall=0.04, inside=0.6)
    film.add_tissue([(-0.05, 0.85, 0.32), (-0.05, 1.3, 0.3)], density=0.7)


def draw_elbow(film: Film, rng: np.random.Generator) -> None:
    """Half bent: humerus above, ulna with its hook behind, radius with its small head in front."""
    bend = rng.uniform(0.15, 1.1)
    cos, sin = np.cos(bend), np.sin(bend)

    def along(distance: float, side: float) -> Point:
        return sin * distance + cos * side, 0.1 + cos * distance - sin * side

    far = along(1.9, 0.0)
    film.add_tissue([(0, -1.8, 0.42), (0, 0.0, 0.38), (*along(0.35, 0.05), 0.4), (*far, 0.3)], density=0.8)
    humerus = [(0, -1.8, 0.15), (0, -0.65, 0.14), (0, -0.25, 0.2)]
    ends = [[(-0.1, -0.2, 0.16), (-0.12, -0.02, 0.15)], [(0.1, -0.2, 0.16), (0.14, 0.0, 0.15)]]
    film.add_bone(humerus, *ends, [(-0.27, -0.16, 0.07)], density=1.9, wall=0.05, inside=0.35)
    ulna = [(*along(-0.28, -0.16), 0.12), (*along(0.05, -0.15), 0.15), (*along(0.35, -0.13), 0.11)]
    film.add_bone([*ulna, (*along(1.9, -0.14), 0.08)], density=1.7, wall=0.045, inside=0.35)
    radius = [(*along(0.14, 0.15), 0.12), (*along(0.2, 0.15), 0.12), (*along(0.32, 0.14), 0.075)]
    radius += [(*along(0.5, 0.13), 0.1), (*along(1.9, 0.14), 0.09)]
    film.add_bone(radius, density=2.0, wall=0.04, inside=0.35)


def _draw_ray(film: Film, base: Point, angle: float, lengths: np.ndarray, radius: float, bend: float) -> None:
    """A finger or toe with its metacarpal or metatarsal, upwards from `base`, each bone turned by `bend`."""
    x, y = base
    points = [(x, y, 2.0 * radius)]
    for number, length in enumerate(lengths):
        dx, dy = float(np.sin(angle) * length), float(-np.cos(angle) * length)
        slim = radius * (0.95, 0.85, 0.7, 0.6)[number]
        _draw_long_bone(film, (x, y), (x + dx, y + dy), 0.72 * slim, (1.45, 1.35), density=5.5)
        step = 1 + 2.6 * slim / length
        x, y, angle = x + dx * step, y + dy * step, angle + bend
        points.append((x, y, 1.75 * radius - 0.12 * number * radius))
    film.add_tissue(points, density=0.9)


def _draw_long_bone(
    film: Film, start: Point, end: Point, radius: float, flares: tuple[float, float], density: float
) -> None:
    """A shaft from start to end whose ends are wider by the factors `flares`."""
    chain = []
    for t, wide in ((0, flares[0]), (0.18, 1 + 0.3 * (flares[0] - 1)), (0.5, 1), (0.82, 1 + 0.3 * (flares[1] - 1))):
        chain.append((start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1]), radius * wide))
    chain.append((*end, radius * flares[1]))
    film.add_bone(chain, density=density, wall=0.42 * radius, inside=0.35)


def _draw_column(
    film: Film,
    rng: np.random.Generator,
    line: list[Point],
    count: int,
    width: float,
    density: float,
    processes: bool = False,
) -> None:
    """Vertebrae along a line, smaller at its start; with processes and pedicles if asked for."""
    points = np.array(line)
    steps = np.linspace(0, 1, len(points))
    length = np.abs(np.diff(points[:, 1])).sum() / count
    for number in range(count):
        t = (number + 0.5) / count
        x, y = float(np.interp(t, steps, points[:, 0])), float(np.interp(t, steps, points[:, 1]))
        half_w, half_h = width * (0.88 + 0.12 * t), 0.5 * length * rng.uniform(0.76, 0.84)
        waist = 0.88 * half_w
        block = [(-half_w, -half_h), (half_w, -half_h), (waist, 0), (half_w, half_h), (-half_w, half_h), (-waist, 0)]
        corners = [(x + a, y + b) for a, b in block for _ in range(2)]
        film.add_plate(corners, 0.26 * density, rim=0.12 * density, edge=0.3 * half_h)
        if processes:
            for side in (-1, 1):
                bar = [(x + side * half_w, y, 0.05), (x + side * 1.75 * half_w, y - 0.04, 0.035)]
                film.add_bone(bar, density=density, wall=0.015, inside=0.5)
                film.add_bone([(x + side * 0.55 * half_w, y - 0.02, 0.05)], density=density, wall=0.02, inside=0.2)
            film.add_bone([(x, y + 0.3 * half_h, 0.03), (x, y + half_h, 0.04)], density=density, wall=0)


_DRAWN = (draw_chest, draw_hand, draw_knee, draw_pelvis, draw_skull, draw_spine, draw_shoulder, draw_foot, draw_elbow)
REGIONS = {f"C{number}": draw for number, draw in enumerate(_DRAWN, start=1)}
