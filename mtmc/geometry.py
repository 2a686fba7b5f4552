"""Boxes and homographies: pure functions on arrays.

Shape shorthand: N, M boxes; boxes are ``xyxy`` float pixels, 0-based, a box of one pixel at the origin being (0, 0, 1,
1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64] | NDArray[np.float32]

EARTH_RADIUS_M = 6_378_137.0


def valid_boxes(xyxy: Array) -> bool:
    """Whether all boxes (N, 4) are finite with x2 > x1 and y2 > y1."""
    return bool(np.isfinite(xyxy).all() and (xyxy[:, 2] > xyxy[:, 0]).all() and (xyxy[:, 3] > xyxy[:, 1]).all())


def areas(xyxy: Array) -> NDArray[np.float64]:
    """Areas (N,) of boxes (N, 4) in square pixels."""
    boxes = np.asarray(xyxy, dtype=np.float64)
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def intersections(a: Array, b: Array) -> NDArray[np.float64]:
    """Overlap areas (N, M) of boxes (N, 4) and (M, 4)."""
    a64, b64 = np.asarray(a, np.float64)[:, None], np.asarray(b, np.float64)[None]
    sides = np.minimum(a64[..., 2:], b64[..., 2:]) - np.maximum(a64[..., :2], b64[..., :2])
    return np.asarray(np.prod(np.clip(sides, 0.0, None), axis=-1))


def iou(a: Array, b: Array) -> NDArray[np.float64]:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4), in [0, 1]."""
    overlap = intersections(a, b)
    union = areas(a)[:, None] + areas(b)[None] - overlap
    return np.asarray(overlap / np.maximum(union, 1e-12))


def clip_boxes(xyxy: Array, size: tuple[int, int]) -> NDArray[np.float32]:
    """Boxes cut to an image of ``size`` = (width, height); a box wholly outside becomes empty (x2 = x1)."""
    width, height = size
    return np.clip(xyxy, 0, np.array([width, height, width, height])).astype(np.float32)


def bottom_centres(xyxy: Array) -> NDArray[np.float64]:
    """Bottom centres (N, 2) of boxes: where a vehicle touches the ground, near enough."""
    boxes = np.asarray(xyxy, dtype=np.float64)
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)


def outside_mask(xyxy: Array, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Boxes (N,) with a corner inside the picture but outside the white of a mask (height, width); corners beyond the
    picture do not count: the AI City challenge's rule. Fractions are cut off, as the mask has whole pixels."""
    height, width = mask.shape
    outside = np.zeros(len(xyxy), np.bool_)
    for corner in ([0, 1], [2, 1], [0, 3], [2, 3]):
        x, y = np.floor(xyxy[:, corner]).astype(np.int64).T
        rows = np.flatnonzero((x >= 0) & (y >= 0) & (x < width) & (y < height))
        outside[rows] |= ~mask[y[rows], x[rows]]
    return outside


def xywh_to_xyxy(xywh: Array) -> NDArray[np.float64]:
    """(left, top, width, height) to corners, (N, 4)."""
    boxes = np.asarray(xywh, dtype=np.float64)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def xyxy_to_xywh(xyxy: Array) -> NDArray[np.float64]:
    """Corners to (left, top, width, height), (N, 4)."""
    boxes = np.asarray(xyxy, dtype=np.float64)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def project(homography: NDArray[np.float64], points: Array) -> NDArray[np.float64]:
    """Apply a homography (3, 3) to points (N, 2), in double precision; NaN where the point lies at infinity."""
    homogeneous = np.concatenate([np.asarray(points, np.float64), np.ones((len(points), 1))], axis=1) @ homography.T
    scale = np.where(homogeneous[:, 2:] == 0, np.nan, homogeneous[:, 2:])
    return np.asarray(homogeneous[:, :2] / scale)


def inverse(homography: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse homography (3, 3), in double precision."""
    return np.asarray(np.linalg.inv(homography), np.float64)


def gps_to_metres(lat_lon: Array, origin: tuple[float, float]) -> NDArray[np.float64]:
    """(lat, lon) degrees (N, 2) to metres east and north (N, 2) of ``origin`` on the tangent plane (good to 0.1 %
    within 10 km)."""
    degrees = np.asarray(lat_lon, np.float64) - np.asarray(origin)
    north = np.radians(degrees[:, 0]) * EARTH_RADIUS_M
    east = np.radians(degrees[:, 1]) * EARTH_RADIUS_M * np.cos(np.radians(origin[0]))
    return np.stack([east, north], axis=1)


def metres_to_gps(metres: Array, origin: tuple[float, float]) -> NDArray[np.float64]:
    """The inverse of ``gps_to_metres``: metres east and north (N, 2) to (lat, lon) degrees (N, 2)."""
    east_north = np.asarray(metres, np.float64)
    lat = origin[0] + np.degrees(east_north[:, 1] / EARTH_RADIUS_M)
    lon = origin[1] + np.degrees(east_north[:, 0] / (EARTH_RADIUS_M * np.cos(np.radians(origin[0]))))
    return np.stack([lat, lon], axis=1)
