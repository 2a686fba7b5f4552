"""Deep SORT with the association of JDE ("Towards Real-Time Multi-Object Tracking"), on arrays, and ours for vehicles.

``association = "fused"`` follows the released code frame by frame: first appearance fused with motion over tracked and lost
vehicles, then overlap for the tracked ones left, then overlap for the unconfirmed ones. Not reproduced: the release lets a track
that it has just removed be matched in the next frame, draws ids from one counter for all videos, and drops wide boxes (a rule for
pedestrians). Where detections carry no features its first association is by overlap inside the same gate.

``association = "overlap"`` turns the first step round: at 10 frames per second vehicles enter, grow and are cut by the image
border faster than the gate allows, while their predicted boxes still overlap. So overlap decides, appearance shares the cost as
far as the clip's own features prove worth (``likeness``), and what finds no overlap is looked for by appearance inside a wide gate.

The camera is assumed to stand still: no camera motion is compensated.

Shape shorthand: N detections of the clip, T live tracks, P pairs, D feature size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mtmc.assignment import cheapest_assignment, unrivalled
from mtmc.params import Params
from mtmc.structures import Detections
from mtmc.track.appearance_scale import UNTOLD, distances, learn_likeness
from mtmc.track.jde.border_turns import part_at_border
from mtmc.track.jde.frame_matching import Round
from mtmc.track.jde.kalman import CHI_SQUARE_95_4, HEIGHT_VELOCITY, VALUE, MotionModel, to_bounds, to_boxes
from mtmc.track.jde.live_tracks import BIRTH, LAST, LOST, OWNER, SLOT, STATUS, TRACKED, UNCONFIRMED, Pool
from mtmc.track.sorted_detections import Clip
from mtmc.track.sparse_iou import near, overlapping, pair_overlap
from mtmc.track.tracks import Tracks, renumber

Index = NDArray[np.intp]
Double = NDArray[np.float64]
Found = tuple[Index, Index]


class JdeParams(Params):
    """Parameters of the ``jde`` tracker. Limits are on costs: a pair at or above its limit is never matched.

    The published settings: association fused, min_score and second_pass_score 0.5, max_overlap_cost 0.5, max_new_cost 0.7,
    predict_new and keep_first_box off, noise_fps none, output kalman.
    """

    association: Literal["overlap", "fused"] = "overlap"
    min_score: float = Field(0.2, ge=0, le=1, description="only detections from this score on start tracks")
    second_pass_score: float = Field(0.1, ge=0, le=1, description="detections from this score on may continue a track")
    max_lost_s: float = Field(1.0, ge=0, description="a vehicle unseen for longer is finished")

    metric: Literal["euclidean", "cosine"] = Field("euclidean", description="fused: distance of unit features")
    max_distance: float = Field(0.7, gt=0, description="fused: limit of the cost, for the metric chosen")
    appearance_weight: float = Field(0.98, ge=0, le=1, description="fused: share of appearance, the rest is motion")
    gate: float = Field(CHI_SQUARE_95_4, gt=0, description="fused: largest squared Mahalanobis distance, 4 dof")

    appearance_share: float = Field(0.5, ge=0, lt=1, description="overlap: share of appearance, times its trust")
    max_recovery_cost: float = Field(0.5, ge=0, le=1, description="overlap: limit of appearance alone; 0 = off")
    recovery_gate: float = Field(30.0, gt=0, description="overlap: largest squared Mahalanobis distance, 2 dof")

    max_first_cost: float = Field(0.9, gt=0, le=1, description="1 - overlap in the first association, where it decides")
    max_overlap_cost: float = Field(0.7, ge=0, le=1, description="1 - overlap in the second association; 0 = off")
    max_new_cost: float = Field(0.9, gt=0, le=1, description="1 - overlap for a track's second box")
    max_duplicate_cost: float = Field(0.15, ge=0, le=1, description="1 - overlap below which two tracks are one")

    min_turn: float = Field(
        0.25,
        ge=0,
        description="overlap: box sizes an edge turns by where one leaves the image and another enters; 0 = off",
    )

    smoothing: float = Field(0.9, ge=0, lt=1, description="share of the old feature kept at each update")
    noise_fps: float | None = Field(30.0, gt=0, description="frame rate that the filter's noise is meant for")
    predict_new: bool = Field(True, description="let a new track's uncertainty grow before its second box")
    keep_first_box: bool = Field(True, description="report a track's first box once it has a second")
    output: Literal["detection", "kalman"] = Field("detection", description="whose boxes are reported")


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
        if self.params.association == "overlap" and self.params.min_turn > 0:
            numbers = part_at_border(numbers, detections.xyxy, size, self.params.min_turn)
        if self.params.output == "kalman":
            xyxy[run.clip.rows] = run.filtered
        return Tracks(renumber(numbers), xyxy)


class _Run:
    """One clip on its way through the tracker."""

    def __init__(self, detections: Detections, fps: float, params: JdeParams) -> None:
        self.params = params
        self.clip = Clip(detections, params.min_score, min(params.second_pass_score, params.min_score))
        self.model = motion_model(fps, params.noise_fps)
        self.likeness = UNTOLD if params.association == "fused" else learn_likeness(self.clip)
        self.share = params.appearance_share * self.likeness.trust
        self.widest = max(params.max_first_cost, params.max_overlap_cost, params.max_new_cost)
        self.one_limit = params.association == "overlap" and params.max_first_cost == params.max_new_cost == self.widest
        self.max_lost = int(fps * params.max_lost_s)
        self.pool = Pool(0 if self.clip.features is None else self.clip.features.shape[1])
        self.owners = np.zeros(len(self.clip), np.int64)
        self.filtered = self.clip.xyxy.copy()
        self.first_boxes: list[int] = []
        self.confirmed: list[int] = []

    def reported(self) -> NDArray[np.int64]:
        """Owner of each of the clip's rows; 0 for boxes that no confirmed track reports."""
        owners = np.where(np.isin(self.owners, self.confirmed), self.owners, 0)
        if not self.params.keep_first_box:
            owners[self.first_boxes] = 0
        return owners

    def step(self, frame: int, first: int, low: int, end: int) -> None:
        """Take in one frame: rows first..low of the clip are confident, low..end are not."""
        contested = False
        if len(self.pool):
            self._predict()
            tracks, rows, contested = self._match(first, low, end)
            self._update(tracks, rows, frame)
        fresh = (self.owners[first:low] == 0).nonzero()[0]
        if len(fresh):
            self._start(fresh + first, frame)
        if contested and self.pool.lost:
            self._drop_duplicates()

    def _predict(self) -> None:
        pool = self.pool
        if pool.lost:
            pool.state[pool.meta[STATUS] == LOST, HEIGHT_VELOCITY] = 0.0
        moved = self.model.predict(pool.state)
        if not self.params.predict_new:
            moved = np.where((pool.meta[STATUS] == UNCONFIRMED)[:, None], pool.state, moved)
        pool.state = moved
        self.bounds = to_bounds(moved)

    # --- association ---------------------------------------------------------------------------------------------------

    def _match(self, first: int, low: int, end: int) -> tuple[Index, Index, bool]:
        """Tracks (P,) and their rows (P,) of the frame, and whether more than one way to match them was looked at."""
        tracks, rows, costs = overlapping(self.bounds, self.clip.bounds[first:end], 1 - self.widest)
        rows += first
        if end == low and self.one_limit and unrivalled(tracks, rows):
            return self._complete(tracks, rows, first, low)
        todo = Round(self.pool.meta[STATUS], first, low, end, (tracks, rows, costs))
        self._associate(todo)
        return *todo.found(), True

    def _complete(self, tracks: Index, rows: Index, first: int, low: int) -> tuple[Index, Index, bool]:
        """The usual case in short: no pair has a rival, so the overlapping pairs are what all steps together find, but for what
        is recovered in between. A row recovered is lost to a new track."""
        pool, count = self.pool, low - first
        if self.share == 0 or len(tracks) == len(pool) or (len(tracks) == count and not pool.fresh):
            return tracks, rows, False
        left = pool.meta[STATUS] != UNCONFIRMED
        free = np.ones(count, bool)
        free[rows[left.take(tracks)] - first] = False
        left[tracks] = False
        if not np.count_nonzero(left) or not np.count_nonzero(free):
            return tracks, rows, False
        more_tracks, more_rows = self._recovered(left.nonzero()[0], free.nonzero()[0] + first)
        if len(more_tracks) == 0:
            return tracks, rows, False
        kept = ~np.isin(rows, more_rows)
        return np.concatenate([tracks[kept], more_tracks]), np.concatenate([rows[kept], more_rows]), True

    def _associate(self, todo: Round) -> None:
        params = self.params
        if params.association == "fused":
            self._step(todo, self._fused)
        else:
            overlaps = todo.overlaps(TRACKED, LOST, params.max_first_cost)
            if self.share > 0 and self.pool.lost and self.pool.fresh:
                overlaps = todo.without_lost_claims(overlaps, params.max_new_cost)
            todo.take(self._blended(*overlaps))
            if self.share > 0:
                self._step(todo, self._recovered)
        for least, most, limit, confident in (
            (TRACKED, TRACKED, params.max_overlap_cost, True),
            (TRACKED, TRACKED, params.max_overlap_cost, False),
            (UNCONFIRMED, UNCONFIRMED, params.max_new_cost, True),
        ):
            if todo.open(confident=confident):
                todo.take(
                    cheapest_assignment(*todo.overlaps(least, most, limit, confident=confident), limit),
                    confident=confident,
                )

    def _step(self, todo: Round, match: Callable[[Index, Index], Found]) -> None:
        """One association of the tracked and lost tracks still unmatched with the confident rows still unmatched."""
        if todo.open():
            tracks = todo.tracks(TRACKED, LOST)
            if len(tracks):
                todo.take(match(tracks, todo.rows()))

    def _fused(self, tracks: Index, rows: Index) -> Found:
        """JDE's first association: appearance fused with motion inside the gate, or overlap where there is no appearance."""
        a, b, distance = self._gated(tracks, rows, self.params.gate, 4)
        if self.clip.features is None:
            return cheapest_assignment(a, b, self._overlap_costs(a, b), self.params.max_first_cost)
        apart = self._apart(a, b)
        if self.params.metric == "cosine":
            apart = apart**2 / 2
        share = self.params.appearance_weight
        return cheapest_assignment(a, b, share * apart + (1 - share) * distance, self.params.max_distance)

    def _blended(self, tracks: Index, rows: Index, costs: Double) -> Found:
        """Overlap decides who may match, overlap and appearance together who does."""
        if unrivalled(tracks, rows):
            return tracks, rows
        if self.share > 0:
            costs = (1 - self.share) * costs + self.share * self.likeness.cost(self._apart(tracks, rows))
        return cheapest_assignment(tracks, rows, costs, 1.0)

    def _recovered(self, tracks: Index, rows: Index) -> Found:
        """By appearance alone, near where the vehicle should be: after occlusion or a jump; motion breaks ties."""
        gate = self.params.recovery_gate
        a, b, distance = self._gated(tracks, rows, gate, 2)
        if len(a) == 0:
            return a, b
        costs = self.likeness.cost(self._apart(a, b)) + 0.02 * distance / gate
        return cheapest_assignment(a, b, costs, self.params.max_recovery_cost)

    def _overlap_costs(self, tracks: Index, rows: Index) -> Double:
        """1 - overlap (P,) of given pairs."""
        return 1 - pair_overlap(self.bounds[tracks], self.clip.bounds[rows])

    def _gated(self, tracks: Index, rows: Index, gate: float, dimensions: int) -> tuple[Index, Index, Double]:
        """Pairs (P,), (P,) with squared Mahalanobis distance (P,) of the first 2 or 4 measured quantities up to ``gate``."""
        state, points = self.pool.state.take(tracks, axis=0), self.clip.measured.take(rows, axis=0)
        variance = self.model.innovation_variance(state)
        a, b = near(state[:, :2], np.sqrt(gate * variance[:, :2]), points[:, :2])
        off = points.take(b, axis=0) - state[:, VALUE].take(a, axis=0)
        distance = (off * off / variance.take(a, axis=0))[:, :dimensions].sum(axis=1)
        inside = distance <= gate
        return tracks[a[inside]], rows[b[inside]], distance[inside]

    def _apart(self, tracks: Index, rows: Index) -> Double:
        """Euclidean distance (P,) of smoothed track features and detection features."""
        assert self.clip.features is not None
        slots = self.pool.meta[SLOT].take(tracks)
        return distances(self.pool.features.take(slots, axis=0), self.clip.features.take(rows, axis=0))

    # --- what follows from it --------------------------------------------------------------------------------------------

    def _update(self, tracks: Index, rows: Index, frame: int) -> None:
        """Matched tracks (P,) take in their rows (P,); the others have missed the frame."""
        pool = self.pool
        if len(tracks):
            posterior = self.model.update(pool.state.take(tracks, axis=0), self.clip.measured.take(rows, axis=0))
            pool.state[tracks] = posterior
            if self.params.output == "kalman":
                self.filtered[rows] = to_boxes(posterior)
            if self.clip.features is not None:
                pool.blend(tracks, self.clip.features.take(rows, axis=0), self.params.smoothing)
            self.owners[rows] = owners = pool.meta[OWNER].take(tracks)
            if pool.fresh:
                self.confirmed += owners[pool.meta[STATUS].take(tracks) == UNCONFIRMED].tolist()
        pool.see(tracks, frame, self.max_lost)

    def _start(self, rows: Index, frame: int) -> None:
        features = None if self.clip.features is None else self.clip.features[rows]
        self.owners[rows] = self.pool.add(self.model.initiate(self.clip.measured[rows]), features, frame)
        self.first_boxes += rows.tolist()

    def _drop_duplicates(self) -> None:
        """Of a tracked and a lost track on the same spot the shorter-lived ends, the tracked one at a tie."""
        meta = self.pool.meta
        lost = (meta[STATUS] == LOST).nonzero()[0]
        seen = (meta[STATUS] != LOST).nonzero()[0]
        bounds = to_bounds(self.pool.state)
        a, b, _ = overlapping(bounds[seen], bounds[lost], 1 - self.params.max_duplicate_cost)
        if len(a) == 0:
            return
        a, b = seen[a], lost[b]
        life = meta[LAST] - meta[BIRTH]
        ended = np.zeros(len(life), bool)
        ended[np.where(life[a] > life[b], b, a)] = True
        self.pool.drop(ended)


def motion_model(fps: float, noise_fps: float | None) -> MotionModel:
    """The published noise, or the same noise per second: at fewer frames per second a vehicle moves further per frame."""
    published = MotionModel()
    ratio = 1.0 if noise_fps is None else max(noise_fps / fps, 1.0)
    return MotionModel(velocity=published.velocity * ratio)
