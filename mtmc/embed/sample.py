"""Which crops stand for a tracklet: large, sure, sharp, whole, not hidden, and spread over its life."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.geometry import areas, intersections
from mtmc.structures import Tracklet
from mtmc.video import Frames, Image

Quality = NDArray[np.float64]

GOOD_SIDE_PX = 96.0
"""A box of this geometric mean side shows all that the network can use; smaller ones count less."""
CUT_FACTOR = 0.4
"""What a box that touches the image's border is worth beside a whole one."""
BORDER_PX = 2.0
RIVALS = 2
"""Boxes looked at for each crop kept; the sharper one wins."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A box that may stand for its tracklet: ``share`` numbers the part of its life that it stands for."""

    track_id: int
    frame: int
    box: NDArray[np.float32]
    share: int
    quality: float
    last: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A chosen crop: image (h, w, 3) uint8 BGR; quality in [0, 1]."""

    image: Image
    track_id: int
    frame: int
    quality: float


def choose(
    tracklets: Sequence[Tracklet], size: tuple[int, int], crops: int, others: Sequence[Tracklet] = ()
) -> list[Candidate]:
    """The best boxes of each part of each tracklet's life, by frame; the last one of each tracklet is marked.

    The life is cut into ``crops`` parts of equal numbers of boxes; size: (width, height) of the image. ``others`` are
    not chosen from, but may hide the tracklets.
    """
    ends = [(t.frames[0], t.frames[-1]) for t in tracklets]
    first, last = (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (0, -1)
    seen = _visible([*tracklets, *(t for t in others if t.frames[0] <= last and t.frames[-1] >= first)])
    candidates = []
    for tracklet, visible in zip(tracklets, seen, strict=False):
        candidates += _of_one(tracklet, box_quality(tracklet, size, visible), crops)
    return sorted(candidates, key=lambda c: (c.frame, c.track_id))


def box_quality(tracklet: Tracklet, size: tuple[int, int], visible: Quality) -> Quality:
    """(T,) in [0, 1]: how much each box is worth before its pixels are seen."""
    xyxy = tracklet.xyxy.astype(np.float64)
    large = np.minimum(1.0, np.sqrt(areas(xyxy)) / GOOD_SIDE_PX)
    low, high = xyxy[:, :2] < BORDER_PX, xyxy[:, 2:] > np.array(size) - BORDER_PX
    whole = np.where((low | high).any(axis=1), CUT_FACTOR, 1.0)
    return np.asarray(large * np.clip(tracklet.scores, 0.0, 1.0) * whole * visible)


def _visible(tracklets: Sequence[Tracklet]) -> list[Quality]:
    """Per tracklet (T,): the share of each box that no box nearer to the camera (with a lower bottom edge) covers."""
    lengths = [len(t) for t in tracklets]
    if not lengths:
        return []
    frames = np.concatenate([t.frames for t in tracklets])
    xyxy = np.concatenate([t.xyxy for t in tracklets]).astype(np.float64)
    shares = np.ones(len(frames))
    order = np.argsort(frames, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(frames[order])) + 1):
        shares[rows] = _uncovered(xyxy[rows])
    return np.split(shares, np.cumsum(lengths)[:-1])


def _uncovered(xyxy: Quality) -> Quality:
    nearer = xyxy[None, :, 3] > xyxy[:, None, 3]
    covered = np.where(nearer, intersections(xyxy, xyxy), 0.0).max(axis=1) / areas(xyxy)
    return np.asarray(np.clip(1.0 - covered, 0.0, 1.0))


def _of_one(tracklet: Tracklet, quality: Quality, crops: int) -> list[Candidate]:
    shares = np.array_split(np.arange(len(tracklet)), min(crops, len(tracklet)))
    chosen = [
        Candidate(tracklet.track_id, int(tracklet.frames[row]), tracklet.xyxy[row], share, float(quality[row]))
        for share, rows in enumerate(shares)
        for row in rows[np.argsort(-quality[rows], kind="stable")[:RIVALS]]
    ]
    chosen.sort(key=lambda c: c.frame)
    return [*chosen[:-1], replace(chosen[-1], last=True)]


# --- with pixels -----------------------------------------------------------------------------------------------------


def best_crops(candidates: list[Candidate], frames: Frames, size: tuple[int, int], margin: float) -> Iterator[Crop]:
    """Of each tracklet's candidates the best crop for each part of its life, weighed with its sharpness.

    Holds the crops of the tracklets alive only. Raises InputError for a damaged video.
    """
    by_frame = {frame: list(group) for frame, group in groupby(candidates, key=lambda c: c.frame)}
    waiting: dict[int, list[tuple[Candidate, Image]]] = {}
    for frame, image in frames.at(sorted(by_frame)):
        for candidate in by_frame[frame]:
            mine = waiting.setdefault(candidate.track_id, [])
            mine.append((candidate, _cut(image, candidate.box, margin)))
            if candidate.last:
                yield from _sharpest(waiting.pop(candidate.track_id))


def _cut(image: Image, box: NDArray[np.float32], margin: float) -> Image:
    height, width = image.shape[:2]
    extra = margin * (box[2:] - box[:2])
    left, top = np.maximum(np.floor(box[:2] - extra), 0).astype(int)
    right, bottom = np.minimum(np.ceil(box[2:] + extra), (width, height)).astype(int)
    left, top = min(left, width - 1), min(top, height - 1)
    return image[top : max(bottom, top + 1), left : max(right, left + 1)].copy()


def _sharpest(crops: list[tuple[Candidate, Image]]) -> Iterator[Crop]:
    edges = np.array([_sharpness(image) for _, image in crops])
    worth = np.sqrt(edges / max(float(edges.max()), 1e-9))
    quality = np.clip([c.quality * w for (c, _), w in zip(crops, worth, strict=True)], 1e-3, 1.0)
    shares = np.array([c.share for c, _ in crops])
    for share in np.unique(shares):
        best = max(np.flatnonzero(shares == share), key=lambda row: (quality[row], -row))
        candidate, image = crops[best]
        yield Crop(image, candidate.track_id, candidate.frame, float(quality[best]))


def _sharpness(image: Image) -> float:
    """Mean strength of edges at a fixed size, so that crops of one vehicle at different distances compare."""
    grey = cv2.cvtColor(cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean())
