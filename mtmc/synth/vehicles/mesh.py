"""Vehicle meshes: flat convex faces with colour, finish and painter's layer, made from an identity's parameters.

Vehicle frame: x forward, y left, z up, metres, origin on the ground below the middle. Shape shorthand: V points, F
faces, G solids.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from mtmc.structures import Double, Long
from mtmc.synth.vehicles.colours import Colour

PAINT, GLASS, MATT, LAMP, TAIL = range(5)
"""Finishes of a face: glossy paint, glass, matt, headlamp, tail lamp."""

_GLOSS = np.array([0.10, 0.42, 0.0, 0.06, 0.06])
"""How much a finish mirrors, by its number."""


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Faces of a vehicle. points (V, 3); starts, ends (F,) face f owns points[starts[f]:ends[f]]; normals (F, 3)
    outward; colours (F, 3) in [0, 1]; finish (F,) one of PAINT...; detail (F,) pixels per metre from which on a face is
    worth drawing; solid (F,) index of its convex solid; gloss (F,) how much it mirrors; firsts (F, 3) each face's first
    point and offsets (F,) its plane's place along the normal; layer (G,) painter's layer of a solid; face_counts
    (G,)."""

    points: Double
    starts: Long
    ends: Long
    normals: Double
    colours: Double
    finish: Long
    detail: Double
    solid: Long
    gloss: Double
    firsts: Double
    offsets: Double
    layer: Double
    face_counts: Long


@dataclass
class MeshBuilder:
    """Collects faces; ``build`` makes the arrays. A solid is convex, so back-face culling alone orders its faces."""

    faces: list[Double] = field(default_factory=list)
    materials: list[tuple[Colour, int, float, int]] = field(default_factory=list)
    normals: list[Double] = field(default_factory=list)
    layers: list[float] = field(default_factory=list)
    centres: list[Double] = field(default_factory=list)

    def solid(self, layer: float, centre: Sequence[float]) -> int:
        """Open a convex solid around ``centre``; lower layers are drawn first, within a layer the farther solid."""
        self.layers.append(layer)
        self.centres.append(np.asarray(centre, np.float64))
        return len(self.layers) - 1

    def face(
        self,
        solid: int,
        points: Double | Sequence[Sequence[float]],
        colour: Colour,
        finish: int = PAINT,
        detail: float = 0.0,
        outward: Double | Sequence[float] | None = None,
    ) -> None:
        """Add a flat convex polygon; it faces ``outward``, by default away from its solid's centre."""
        corners = np.asarray(points, np.float64)
        normal = _newell(corners)
        length = math.sqrt(float(normal @ normal))
        if length < 1e-9:
            return
        away = corners.mean(axis=0) - self.centres[solid] if outward is None else np.asarray(outward, np.float64)
        if normal @ away < 0:
            corners, normal = corners[::-1], -normal
        self.faces.append(corners)
        self.normals.append(normal / length)
        self.materials.append((colour, finish, detail, solid))

    def loft(
        self, solid: int, sections: Sequence[Double], colours: Sequence[Colour], caps: tuple[Colour, Colour]
    ) -> None:
        """Skin equal-sized cross sections (K, 3), closed below the last edge; ``colours`` (K - 1) one per strip."""
        for section, following in pairwise(sections):
            for j, colour in enumerate(colours):
                quad = np.array([section[j], section[j + 1], following[j + 1], following[j]])
                self.face(solid, quad, colour)
        self.face(solid, sections[0], caps[0], outward=(-1, 0, 0))
        self.face(solid, sections[-1], caps[1], outward=(1, 0, 0))

    def box(
        self,
        solid: int,
        low: Sequence[float],
        high: Sequence[float],
        colour: Colour,
        finish: int = PAINT,
        detail: float = 0,
    ) -> None:
        """An axis-aligned cuboid without its underside."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        self.face(solid, [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)], colour, finish, detail, (0, 0, 1))
        for y, side in ((y0, -1), (y1, 1)):
            self.face(solid, [(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)], colour, finish, detail, (0, side, 0))
        for x, side in ((x0, -1), (x1, 1)):
            self.face(solid, [(x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1)], colour, finish, detail, (side, 0, 0))

    def build(self) -> Mesh:
        """The finished arrays."""
        ends = np.cumsum([len(face) for face in self.faces])
        colours, finish, detail, solid = zip(*self.materials, strict=True)
        normals, firsts = np.array(self.normals), np.array([face[0] for face in self.faces])
        return Mesh(
            np.concatenate(self.faces), np.concatenate([[0], ends[:-1]]), ends, normals,
            np.array(colours), np.array(finish), np.array(detail, np.float64), np.array(solid),
            _GLOSS[list(finish)], firsts, np.einsum("ij,ij->i", normals, firsts),
            np.array(self.layers), np.maximum(np.bincount(solid, minlength=len(self.layers)), 1),
        )  # fmt: skip


def _newell(corners: Double) -> Double:
    """Normal of a flat polygon, twice its area long (Newell's method)."""
    x, y, z = corners.T
    u, v, w = np.concatenate([corners[1:], corners[:1]]).T
    return np.array([y @ w - z @ v, z @ u - x @ w, x @ v - y @ u])


def patch(quad: Double, along: tuple[float, float], up: tuple[float, float]) -> Double:
    """The part of a quad (4, 3) between fractions ``along`` its first edge and ``up`` its second: windows, plates,
    stickers."""
    a, b, c, d = quad

    def at(s: float, t: float) -> Double:
        return np.asarray((1 - t) * ((1 - s) * a + s * b) + t * ((1 - s) * d + s * c))

    (s0, s1), (t0, t1) = along, up
    return np.array([at(s0, t0), at(s1, t0), at(s1, t1), at(s0, t1)])


def end_wall(x: float, half: tuple[float, float], z: tuple[float, float]) -> Double:
    """A quad (4, 3) across the vehicle at ``x``: from its left foot around, ``half`` widths and heights ``z`` of foot
    and head."""
    return np.array([(x, half[0], z[0]), (x, -half[0], z[0]), (x, -half[1], z[1]), (x, half[1], z[1])])


def side_wall(y: float, x: tuple[float, float], z: tuple[float, float]) -> Double:
    """An upright rectangle (4, 3) along the vehicle at ``y``, from ``x[0]`` to ``x[1]`` and ``z[0]`` to ``z[1]``."""
    return np.array([(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])])


def level(z: float, x: tuple[float, float], half: float) -> Double:
    """A level rectangle (4, 3) at height ``z`` from ``x[0]`` to ``x[1]``, ``half`` wide to each side."""
    return np.array([(x[0], half, z), (x[1], half, z), (x[1], -half, z), (x[0], -half, z)])


def disc(centre: Sequence[float], radius: float, corners: int, turn: float = 0.0) -> Double:
    """A regular polygon (corners, 3) in the x-z plane: wheels."""
    angles = turn + np.arange(corners) * (2 * np.pi / corners)
    x, y, z = centre
    return np.stack([x + radius * np.cos(angles), np.full(corners, y), z + radius * np.sin(angles)], axis=1)
