"""Which vehicles are parked: they stand in every view, at the kerb beside where others drive. Who stands on the road
waits.

One view can mislead: a box hides another's wheels, a path cuts a corner. So all views of a vehicle are asked, and those
in which nobody drives say nothing. Traffic keeps to one side, which its own two directions tell: towards the other one
there is road, though nobody may drive there while a light is red, and away from it the kerb.

Shape shorthand: T tracklets, N straight pieces of lanes; pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtmc.geometry import areas, bottom_centres
from mtmc.link import Solution
from mtmc.scene import Scene
from mtmc.structures import Double, Long, Mask, Tracklet
from mtmc.track import frame_rate
from mtmc.track.filter import travel

MOVES, MOSTLY = 1.0, 0.75
"""Box sizes that a vehicle travels at least, and the share of its life that it stands for if it is not so far from its
usual place: a tracker may take another vehicle for it. A size is the root of a box's area."""
NEAREST, FARTHEST = 0.05, 1.0
"""Box sizes: nearer distances from a lane say no more, as boxes are no surer; nor do farther ones."""
PIECE = 0.5
"""Box sizes of a piece of a lane, at least."""
STRAIGHT_OVER, STRAIGHT_WITHIN = 1.5, 0.15
"""Box sizes at a path's end that must be straight, and how far off the line they may be ..."""
AHEAD = 10.0
"""... for the lane to go on so many box sizes: its image is straight as the lane is, so a queue that nobody passed
stands on it."""
BORDER_PX = 3.0
"""A box this near to the border is cut off: its bottom is not where the vehicle stands."""
OPPOSITE = -0.8
"""Cosine between directions of traffic up to which they are opposite ones."""
ASKED, AGREED = 400, 2 / 3
"""Pieces of a view's lanes that are asked for the side of the other direction, and how many must agree."""


def without_parked(
    scene: Scene, tracklets: Sequence[Tracklet], solution: Solution, beside: float, least_s: float
) -> Solution:
    """A solution of these tracklets (T,) in which those of parked vehicles have the label -1 and no links.

    Parked is a vehicle all of whose tracklets stand, one of them of ``least_s`` at least, and whose distance from the
    road is ``beside`` box sizes or more, in the geometric mean of the views that show where others drive.
    """
    parked = _parked(scene, tracklets, solution.labels, beside, least_s)
    links, possible = solution.links, solution.possible
    if links is not None:
        links = links.take(np.flatnonzero(~parked[links.source]))
    if possible is not None:
        possible = possible.take(~parked[possible.source] & ~parked[possible.target])
    return replace(solution, labels=np.where(parked, -1, solution.labels), links=links, possible=possible)


def _parked(scene: Scene, tracklets: Sequence[Tracklet], labels: Long, beside: float, least_s: float) -> Mask:
    """Which tracklets (T,) are of parked vehicles."""
    camera = [scene.cameras[t.camera_id] for t in tracklets]
    rate = {name: frame_rate(each) for name, each in scene.cameras.items()}
    _, vehicle = np.unique(labels, return_inverse=True)
    _, view = np.unique([f"{v} {c.id}" for v, c in zip(vehicle, camera, strict=True)], return_inverse=True)
    seconds = [np.ptp(c.time_s(t.frames[[0, -1]])) for c, t in zip(camera, tracklets, strict=True)]
    stands = _summed(np.array(seconds) >= least_s, vehicle) > 0
    for row in np.flatnonzero(stands).tolist():
        stands[row] = travel(tracklets[row], rate[camera[row].id], MOSTLY) < MOVES
    if not stands.any():
        return stands
    distance = _from_road(scene, rate, tracklets, stands)
    known = ~np.isnan(distance)
    away = np.log(np.clip(np.where(known, distance, beside), NEAREST, FARTHEST) / beside)
    away /= np.maximum(_summed(known, view), 1)  # each view counts once, however often it lost the vehicle
    parked: Mask = (_summed(~stands, vehicle) == 0) & (_summed(known, vehicle) > 0) & (_summed(away, vehicle) >= 0)
    return parked


def _summed(values: Mask | Double, group: Long) -> Double:
    """The sum (T,) over everyone of one's group."""
    return np.asarray(np.bincount(group, values), np.float64)[group]


def _from_road(scene: Scene, rate: Mapping[str, float], tracklets: Sequence[Tracklet], stands: Mask) -> Double:
    """How far from the road those (T,) are that stand, in box sizes; NaN where nobody drives, and for the others."""
    found, views = np.full(len(tracklets), np.nan), dict[str, tuple[Lanes, list[int]]]()
    for name, rows in _by_camera(tracklets).items():
        moving = [tracklets[row] for row in rows if travel(tracklets[row], rate[name]) >= MOVES]
        views[name] = find_lanes(moving, scene.cameras[name].size), [row for row in rows if stands[row]]
    kerb = side_of_kerb(lanes for lanes, _ in views.values())
    for lanes, standing in views.values():
        offset = np.array([lanes.offset(tracklets[row]) for row in standing])
        found[standing] = np.abs(offset) if kerb == 0 else np.maximum(kerb * offset, 0)
    return found


def _by_camera(tracklets: Sequence[Tracklet]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, tracklet in enumerate(tracklets):
        rows.setdefault(tracklet.camera_id, []).append(row)
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """Where traffic drives in a view: straight pieces from ``start`` (N, 2) to ``end`` (N, 2), as it drives."""

    start: Double
    end: Double

    def offset(self, tracklet: Tracklet) -> float:
        """How far a standing vehicle is to the right (negative: to the left) of who drives by nearest, in sizes of its
        box; NaN where nobody drives."""
        if len(self.start) == 0:
            return math.nan
        box = np.median(tracklet.xyxy, axis=0, keepdims=True)
        ahead, place = self.end - self.start, bottom_centres(box)[0] - self.start
        along = np.clip((place * ahead).sum(axis=1) / (ahead**2).sum(axis=1), 0, 1)
        away = place - along[:, None] * ahead
        distance = np.linalg.norm(away, axis=1)
        nearest = distance.argmin()
        right = _right_of(ahead[nearest], away[nearest])
        return float(math.copysign(distance[nearest] / np.sqrt(areas(box)[0]), right))

    def sides(self) -> tuple[int, int]:
        """How many pieces have traffic of the other direction on their left, and on their right."""
        if len(self.start) == 0:
            return 0, 0
        rows = np.unique(np.linspace(0, len(self.start) - 1, ASKED).astype(np.int64))
        start, end = self.start[rows], self.end[rows]
        ahead, middle = (end - start) / np.linalg.norm(end - start, axis=1, keepdims=True), (start + end) / 2
        away = middle[None] - middle[:, None]
        distance = np.where(ahead @ ahead.T <= OPPOSITE, np.linalg.norm(away, axis=2), np.inf)
        two_ways = np.flatnonzero(np.isfinite(distance).any(axis=1))
        right = _right_of(ahead[two_ways], away[two_ways, distance[two_ways].argmin(axis=1)])
        return int((right < 0).sum()), int((right > 0).sum())


def side_of_kerb(views: Iterable[Lanes]) -> int:
    """1 where traffic keeps right, so that the kerb is there too; -1 where it keeps left, 0 if it does not say."""
    left, right = np.sum([lanes.sides() for lanes in views] or [(0, 0)], axis=0).tolist()
    if max(left, right) < AGREED * max(1, left + right):
        return 0
    return 1 if left > right else -1


def _right_of(ahead: Double, away: Double) -> Double:
    """Positive where ``away`` (..., 2) points to the right of ``ahead`` (..., 2) in an image, whose y points down."""
    return np.asarray(ahead[..., 0] * away[..., 1] - ahead[..., 1] * away[..., 0])


def find_lanes(tracklets: Iterable[Tracklet], size: tuple[int, int]) -> Lanes:
    """The lanes of a camera of ``size`` (width, height), by tracklets that move: where bottoms of boxes go, and
    straight on from where a straight path begins or ends."""
    pieces: list[tuple[Double, Double]] = [(np.zeros((0, 2)), np.zeros((0, 2)))]
    for tracklet in tracklets:
        points, sizes = bottom_centres(tracklet.xyxy), np.sqrt(areas(tracklet.xyxy))
        box = tracklet.xyxy
        whole = (box[:, :2] > BORDER_PX).all(axis=1) & (box[:, 2:] < np.array(size) - BORDER_PX).all(axis=1)
        pieces.append(_pieces(points, sizes))
        pieces += _straight_on(points[whole], sizes[whole])
        pieces += [(end, start) for start, end in _straight_on(points[whole][::-1], sizes[whole][::-1])]
    return Lanes(*(np.concatenate(ends) for ends in zip(*pieces, strict=True)))


def _pieces(points: Double, sizes: Double) -> tuple[Double, Double]:
    """Starts and ends of the pieces of a path (T, 2)."""
    corners = [0]
    for row in range(1, len(points)):
        if math.dist(points[row], points[corners[-1]]) >= PIECE * sizes[row]:
            corners.append(row)
    if len(corners) > 1 and (points[-1] != points[corners[-2]]).any():
        corners[-1] = len(points) - 1
    return points[corners[:-1]], points[corners[1:]]


def _straight_on(points: Double, sizes: Double) -> list[tuple[Double, Double]]:
    """Start and end (1, 2) of a piece straight on from the end of a path (T, 2); none if that is not straight."""
    if len(points) == 0:
        return []
    far = np.flatnonzero(np.linalg.norm(points - points[-1], axis=1) > STRAIGHT_OVER * sizes[-1])
    if len(far) == 0:
        return []
    last = points[far[-1] :]
    middle = last.mean(axis=0)
    way = np.linalg.svd(last - middle, full_matrices=False)[2][0]
    way = way if way @ (last[-1] - last[0]) > 0 else -way
    if np.abs(_right_of(way, last - middle)).max() > STRAIGHT_WITHIN * sizes[-1]:
        return []
    start = middle + way * (way @ (points[-1] - middle))
    return [(start[None], (start + way * AHEAD * sizes[-1])[None])]
