"""A pinhole camera on a pole: world metres (east, north, up) to pixels, and the ground homography.

Pixels are continuous: pixel (0, 0) covers [0, 1) x [0, 1). Shape shorthand: N points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from mtmc.structures import Double

NEAREST_M = 0.4
"""Depth below which points are held, so that what reaches behind the camera stays finite."""


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """Where a camera stands and looks. position (3,) metres; yaw_rad counter-clockwise from east; pitch_rad downwards;
    focal_px."""

    position: Double
    yaw_rad: float
    pitch_rad: float
    focal_px: float
    size: tuple[int, int]
    axes: Double = field(init=False)
    """Rows right, down, forward (3, 3) in world coordinates."""
    matrix: Double = field(init=False)
    """Projection matrix (3, 4) from homogeneous world points."""

    def __post_init__(self) -> None:
        cy, sy, cp, sp = (
            math.cos(self.yaw_rad),
            math.sin(self.yaw_rad),
            math.cos(self.pitch_rad),
            math.sin(self.pitch_rad),
        )
        rotation = np.array([[sy, -cy, 0.0], [-cy * sp, -sy * sp, -cp], [cy * cp, sy * cp, -sp]])
        width, height = self.size
        intrinsic = np.array([[self.focal_px, 0, width / 2], [0, self.focal_px, height / 2], [0, 0, 1.0]])
        object.__setattr__(self, "axes", rotation)
        object.__setattr__(
            self, "matrix", intrinsic @ np.concatenate([rotation, -(rotation @ self.position)[:, None]], axis=1)
        )

    @property
    def ground_to_image(self) -> Double:
        """Homography (3, 3) from ground metres (east, north) to pixels."""
        return self.matrix[:, [0, 1, 3]]

    def may_see(self, x: float, y: float, radius_m: float, reach_m: float = 160.0) -> bool:
        """Whether something of ``radius_m`` around the ground point (x, y) can be in the picture; cheap and
        generous."""
        east, north = x - float(self.position[0]), y - float(self.position[1])
        c, s = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        along, across = east * c + north * s, abs(east * s - north * c)
        half_view = self.size[0] / 2 / self.focal_px
        return -radius_m < along < reach_m and across < (along + radius_m) * half_view * 1.25 + radius_m + 2.0

    def project(self, points: Double) -> tuple[Double, Double]:
        """Pixels (N, 2) and depths (N,) of world points (N, 3)."""
        return to_pixels(points, self.matrix)


def to_pixels(points: Double, matrix: Double) -> tuple[Double, Double]:
    """Pixels (N, 2) and depths (N,) of points (N, 3) under a projection matrix (3, 4)."""
    image = matrix[:, :3] @ points.T + matrix[:, 3:]
    depth = np.maximum(image[2], NEAREST_M)
    return (image[:2] / depth).T, image[2]


def looking_at(
    position: tuple[float, float, float], target: tuple[float, float], view_deg: float, size: tuple[int, int]
) -> Lens:
    """A camera at ``position`` whose middle pixel sees the ground point ``target``; ``view_deg`` is its horizontal
    field of view."""
    x, y, z = position
    east, north = target[0] - x, target[1] - y
    focal = size[0] / 2 / math.tan(math.radians(view_deg) / 2)
    return Lens(
        np.array(position, np.float64), math.atan2(north, east), math.atan2(z, math.hypot(east, north)), focal, size
    )
