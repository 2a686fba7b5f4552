"""Deep SORT with the association of JDE ("Towards Real-Time Multi-Object Tracking"), on arrays.

Follows the released code's behaviour frame by frame: first appearance fused with motion over tracked and lost vehicles, then
overlap for the tracked ones left, then overlap for the unconfirmed ones. Not reproduced: the release lets a track that it has
just removed be matched in the next frame, draws ids from one counter for all videos, and drops wide boxes (a rule for
pedestrians). Where detections carry no features the first association is by overlap inside the same gate.

The camera is assumed to stand still: no camera motion is compensated.

Shape shorthand: N detections of the clip, n of a frame, T live tracks, P pairs, D feature size.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mtmc.params import Params
from mtmc.structures import Detections
from mtmc.track.assignment import assign
from mtmc.track.clip import Clip
from mtmc.track.kalman import CHI_SQUARE_95_4, HEIGHT_VELOCITY, VALUE, MotionModel, Predictor, to_boxes
from mtmc.track.pairs import grown, pair_iou, touching
from mtmc.track.pool import BIRTH, LAST, LOST, OWNER, SLOT, STATUS, TRACKED, UNCONFIRMED, Pool
from mtmc.track.tracks import Tracks, renumber

Index = NDArray[np.intp]
Double = NDArray[np.float64]
Mask = NDArray[np.bool_]


class JdeParams(Params):
    """Parameters of the ``jde`` tracker. Limits are on costs: a pair at or above its limit is never matched."""

    min_score: float = Field(0.5, ge=0, le=1, description="only detections from this score on start tracks")
    second_pass_score: float = Field(0.1, ge=0, le=1, description="detections from this score on may continue a track")
    metric: Literal["euclidean", "cosine"] = "euclidean"
    max_distance: float = Field(0.7, gt=0, description="limit of the fused cost, for the metric chosen")
    appearance_weight: float = Field(0.98, ge=0, le=1, description="share of appearance in the fused cost")
    gate: float = Field(CHI_SQUARE_95_4, gt=0, description="largest squared Mahalanobis distance, 4 degrees of freedom")
    max_motion_cost: float = Field(0.8, gt=0, le=1, description="limit of 1 - overlap where there are no features")
    max_overlap_cost: float = Field(0.5, gt=0, le=1, description="limit of 1 - overlap in the second association")
    max_unconfirmed_cost: float = Field(0.7, gt=0, le=1, description="limit of 1 - overlap for a track's second box")
    grow: float = Field(0.3, ge=0, le=2, description="boxes are grown by this share per side before overlaps")
    max_lost_s: float = Field(1.0, ge=0, description="a vehicle unseen for longer is finished")
    smoothing: float = Field(0.9, ge=0, lt=1, description="share of the old feature kept at each update")
    max_duplicate_cost: float = Field(0.15, ge=0, le=1, description="1 - overlap below which two tracks are one")
    predict_unconfirmed: bool = Field(True, description="let a track's box widen its search before its second box")
    keep_first_box: bool = Field(True, description="report a track's first box once it has a second")
    noise_fps: float | None = Field(30.0, gt=0, description="frame rate that the filter's noise is meant for")
    output: Literal["detection", "kalman"] = "detection"


class JdeTracker:
    """The ``jde`` tracker; keeps nothing between clips."""

    def __init__(self, params: JdeParams) -> None:
        self.params = params

    def track(self, detections: Detections, fps: float, size: tuple[int, int]) -> Tracks:
        """Group a clip's detections by vehicle."""
        run = _Run(detections, fps, self.params)
        for frame, first, low, end in run.clip:
            run.step(frame, first, low, end)
        numbers, xyxy = np.zeros(len(detections), np.int64), detections.xyxy.copy()
        numbers[run.clip.rows] = run.reported()
        if self.params.output == "kalman":
            xyxy[run.clip.rows] = run.filtered
        return Tracks(renumber(numbers), xyxy)


class _Run:
    """One clip on its way through the tracker."""

    def __init__(self, detections: Detections, fps: float, params: JdeParams) -> None:
        self.params = params
        low = min(params.second_pass_score, params.min_score)
        self.clip = Clip(detections, params.min_score, low, params.grow)
        self.model = motion_model(fps, params.noise_fps)
        self.predict = Predictor(self.model)
        self.max_lost = int(fps * params.max_lost_s)
        self.pool = Pool(0 if self.clip.features is None else self.clip.features.shape[1])
        self.owners = np.zeros(len(self.clip), np.int64)
        self.filtered = self.clip.xyxy.copy()
        self.first_boxes: list[int] = []
        self.confirmed: set[int] = set()

    def reported(self) -> NDArray[np.int64]:
        """Owner of each of the clip's rows; 0 for boxes that no confirmed track reports."""
        owners = np.where(np.isin(self.owners, list(self.confirmed)), self.owners, 0)
        if not self.params.keep_first_box:
            owners[self.first_boxes] = 0
        return owners

    def step(self, frame: int, first: int, low: int, end: int) -> None:
        """Take in one frame: rows first..low of the clip are confident, low..end are not."""
        self._predict()
        tracks, rows = self._associate(first, low, end)
        self._update(tracks, rows, frame)
        self._retire(frame, tracks)
        taken = np.zeros(low - first, bool)
        taken[rows[rows < low] - first] = True
        if not taken.all():
            self._start(first + np.flatnonzero(~taken), frame)
        self._drop_duplicates()

    def _predict(self) -> None:
        pool = self.pool
        status = pool.meta[:, STATUS]
        pool.state[status == LOST, HEIGHT_VELOCITY] = 0.0
        moving = self.predict(pool.state)
        if not self.params.predict_unconfirmed:
            moving = np.where((status == UNCONFIRMED)[:, None], pool.state, moving)
        pool.state = moving

    def _associate(self, first: int, low: int, end: int) -> tuple[Index, Index]:
        """Matched (tracks, rows of the clip)."""
        status = self.pool.meta[:, STATUS]
        self.boxes = grown(to_boxes(self.pool.state), self.params.grow)
        confident, weak = np.arange(first, low), np.arange(low, end)
        found = [self._by_cost(np.flatnonzero(status != UNCONFIRMED), confident)]
        tracked = _without(np.flatnonzero(status == TRACKED), found[0][0])
        confident = _without(confident, found[0][1])
        found.append(self._by_overlap(tracked, confident, self.params.max_overlap_cost))
        found.append(self._by_overlap(_without(tracked, found[1][0]), weak, self.params.max_overlap_cost))
        confident = _without(confident, found[1][1])
        new = np.flatnonzero(status == UNCONFIRMED)
        found.append(self._by_overlap(new, confident, self.params.max_unconfirmed_cost))
        return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])

    def _by_cost(self, tracks: Index, rows: Index) -> tuple[Index, Index]:
        """First association: appearance fused with motion inside the gate, or overlap where there is no appearance."""
        if len(tracks) == 0 or len(rows) == 0:
            return tracks[:0], rows[:0]
        variance = self.model.innovation_variance(self.pool.state)
        a, b, distance = self._gated(tracks, rows, variance)
        if self.clip.features is None:
            costs, limit = 1 - pair_iou(self.boxes[a], self.clip.reach[b]), self.params.max_motion_cost
        else:
            share = self.params.appearance_weight
            costs, limit = share * self._appearance(a, b) + (1 - share) * distance, self.params.max_distance
        return assign(a, b, costs, limit)

    def _gated(self, tracks: Index, rows: Index, variance: Double) -> tuple[Index, Index, Double]:
        """Pairs (P,), (P,) inside the gate with their squared Mahalanobis distance (P,)."""
        centre = self.pool.state[tracks, :2]
        radius = np.sqrt(self.params.gate * variance[tracks, :2])
        reach = np.concatenate([centre - radius, centre + radius], axis=1)
        a, b = touching(reach, self.clip.measured[rows][:, [0, 1, 0, 1]])
        a, b = tracks[a], rows[b]
        off = self.clip.measured[b] - self.pool.state[a, VALUE]
        distance = (off * off / variance[a]).sum(axis=1)
        inside = distance <= self.params.gate
        return a[inside], b[inside], distance[inside]

    def _appearance(self, tracks: Index, rows: Index) -> Double:
        """Distance (P,) of smoothed track features to detection features."""
        assert self.clip.features is not None
        smooth = self.pool.features[self.pool.meta[tracks, SLOT]]
        cosine = np.einsum("pd,pd->p", smooth, self.clip.features[rows]).astype(np.float64)
        return 1 - cosine if self.params.metric == "cosine" else np.sqrt(np.maximum(2 - 2 * cosine, 0))

    def _by_overlap(self, tracks: Index, rows: Index, limit: float) -> tuple[Index, Index]:
        """Association by 1 - overlap of predicted and detected boxes."""
        if len(tracks) == 0 or len(rows) == 0:
            return tracks[:0], rows[:0]
        a, b = touching(self.boxes[tracks], self.clip.reach[rows])
        a, b = tracks[a], rows[b]
        return assign(a, b, 1 - pair_iou(self.boxes[a], self.clip.reach[b]), limit)

    def _update(self, tracks: Index, rows: Index, frame: int) -> None:
        if len(tracks) == 0:
            return
        pool = self.pool
        pool.state[tracks] = self.model.update(pool.state[tracks], self.clip.measured[rows])
        self.filtered[rows] = to_boxes(pool.state[tracks])
        if self.clip.features is not None:
            pool.blend(tracks, self.clip.features[rows], self.params.smoothing)
        self.confirmed.update(pool.meta[tracks[pool.meta[tracks, STATUS] == UNCONFIRMED], OWNER].tolist())
        pool.meta[tracks, STATUS] = TRACKED
        pool.meta[tracks, LAST] = frame
        self.owners[rows] = pool.meta[tracks, OWNER]

    def _retire(self, frame: int, matched: Index) -> None:
        """Unmatched: unconfirmed tracks end, tracked ones are lost, lost ones end when unseen for too long."""
        meta = self.pool.meta
        missed = meta[:, LAST] < frame
        if not missed.any():
            return
        ended = missed & ((meta[:, STATUS] == UNCONFIRMED) | (frame - meta[:, LAST] > self.max_lost))
        meta[missed, STATUS] = np.where(meta[missed, STATUS] == UNCONFIRMED, UNCONFIRMED, LOST)
        if ended.any():
            self.pool.keep(~ended)

    def _start(self, rows: Index, frame: int) -> None:
        features = None if self.clip.features is None else self.clip.features[rows]
        self.owners[rows] = self.pool.add(self.model.initiate(self.clip.measured[rows]), features, frame)
        self.first_boxes.extend(rows.tolist())

    def _drop_duplicates(self) -> None:
        """Of a tracked and a lost track on the same spot the shorter-lived ends, the tracked one at a tie."""
        meta = self.pool.meta
        lost = np.flatnonzero(meta[:, STATUS] == LOST)
        if len(lost) == 0:
            return
        tracked = np.flatnonzero(meta[:, STATUS] != LOST)
        boxes = to_boxes(self.pool.state)
        a, b = touching(boxes[tracked], boxes[lost])
        a, b = tracked[a], lost[b]
        same = 1 - pair_iou(boxes[a], boxes[b]) < self.params.max_duplicate_cost
        if not same.any():
            return
        a, b = a[same], b[same]
        life = meta[:, LAST] - meta[:, BIRTH]
        kept = np.ones(len(meta), bool)
        kept[np.where(life[a] > life[b], b, a)] = False
        self.pool.keep(kept)


def motion_model(fps: float, noise_fps: float | None) -> MotionModel:
    """The published noise, or the same noise per second: at fewer frames per second a vehicle moves further per frame."""
    ratio = 1.0 if noise_fps is None else max(noise_fps / fps, 1.0)
    published = MotionModel()
    return MotionModel(velocity=published.velocity * ratio)


def _without(indices: Index, taken: Index) -> Index:
    return indices if len(taken) == 0 else indices[~np.isin(indices, taken)]
