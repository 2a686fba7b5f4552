"""Deep SORT with the association of JDE ("Towards Real-Time Multi-Object Tracking"), on arrays, and ours for vehicles.

``association = "fused"`` follows the released code frame by frame: first appearance fused with motion over tracked and
lost vehicles, then overlap for the tracked ones left, then overlap for the unconfirmed ones. Not reproduced: the
release lets a track that it has just removed be matched in the next frame, draws ids from one counter for all videos,
and drops wide boxes (a rule for pedestrians). Where detections carry no features its first association is by overlap
inside the same gate.

``association = "overlap"`` turns the first step round: at 10 frames per second vehicles enter, grow and are cut by the
image border faster than the gate allows, while their predicted boxes still overlap. So overlap decides, appearance
shares the cost as far as the clip's own features tell vehicles apart (``appearance_scale``), and what finds no overlap
is looked for by appearance inside a wide gate.

The camera is assumed to stand still: no camera motion is compensated.

Shape shorthand: N detections of the clip, T live tracks, P pairs, D feature size.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mtmc.assignment import cheapest_assignment, unrivalled
from mtmc.structures import Detections
from mtmc.track.appearance_scale import UNINFORMATIVE, distances, learn_scale
from mtmc.track.jde.border_turns import part_at_border
from mtmc.track.jde.frame_matching import FrameMatching, Matches
from mtmc.track.jde.kalman import HEIGHT_VELOCITY, VALUE, motion_model, to_corners, to_measurements, to_sides
from mtmc.track.jde.live_tracks import LiveTracks
from mtmc.track.jde.params import JdeParams
from mtmc.track.sorted_detections import SortedDetections
from mtmc.track.sparse_iou import bounds_around, near, overlapping, pair_overlap
from mtmc.track.tracks import Tracks, in_frames, renumber

Index = NDArray[np.intp]
Double = NDArray[np.float64]

LITTLE_OVERLAP = 0.7
"""Cost, 1 - overlap, from which on a box must be where its track moves to (SORT's and ByteTrack's usual limit; README:
.6 as good, .8 worse)."""


class JdeTracker:
    """The ``jde`` tracker; keeps nothing between clips.

    In every frame:

    0. predict where the live tracks are (Kalman filter, constant velocity); pairs of a track with a weak box, or with
       one that overlaps it little, count only inside the gate of its motion (``fused``: all pairs do);
    1. tracked and lost tracks with confident boxes: by overlap, appearance sharing the cost (``fused``: by appearance
       fused with motion, inside the gate);
    2. those left, by appearance alone inside a wide gate (``fused``: not done);
    3. tracked ones left with confident boxes left, by overlap;
    4. tracked ones left with weak boxes, by overlap (ByteTrack's second association);
    5. unconfirmed tracks with the confident boxes left, by overlap;
    6. matched tracks take their boxes in; others are lost, and end if unconfirmed or lost for too long;
    7. confident boxes left start unconfirmed tracks; of a lost and a seen track on one spot one ends.

    At the end tracks are parted where one vehicle left and another entered (``border_turns``).
    """

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
        self.clip = SortedDetections(detections, params.min_score, min(params.second_pass_score, params.min_score))
        self.measured = to_measurements(self.clip.xyxy)
        self.model = motion_model(fps, params.noise_fps)
        self.scale = UNINFORMATIVE if params.association == "fused" else learn_scale(self.clip)
        self.smoothed = self.scale.smoothed(params.smoothing)
        self.appearance_weight = params.appearance_share * self.scale.discriminability
        self.widest = max(params.max_first_cost, params.max_overlap_cost, params.max_new_cost)
        last = int(self.clip.frames[-1]) + 1 if len(self.clip) else 0
        self.moments = in_frames(fps, np.arange(last))
        self.oldest = _oldest(self.moments, int(fps * params.max_lost_s))
        self.live = LiveTracks(0 if self.clip.features is None else self.clip.features.shape[1])
        self.bounds = bounds_around(np.zeros((0, 2)), np.zeros((0, 2)))  # where the live tracks should be in this frame
        self.numbers = np.zeros(len(self.clip), np.int64)
        self.filtered = self.clip.xyxy.copy()
        self.first_boxes: list[int] = []
        self.confirmed: list[int] = []

    def reported(self) -> NDArray[np.int64]:
        """Track of each of the clip's rows; 0 for boxes that no confirmed track reports."""
        numbers = np.where(np.isin(self.numbers, self.confirmed), self.numbers, 0)
        if not self.params.keep_first_box:
            numbers[self.first_boxes] = 0
        return numbers

    def step(self, frame: int, first: int, low: int, end: int) -> None:
        """Take in one frame: rows first..low of the clip are confident, low..end are not."""
        contested = False
        if len(self.live):
            self._predict(float(self.moments[frame] - self.moments[frame - 1]))
            tracks, rows, contested = self._associate(first, low, end)
            self._update(tracks, rows, frame)
        fresh = (self.numbers[first:low] == 0).nonzero()[0]
        if len(fresh):
            self._start(fresh + first, frame)
        if contested and self.live.lost_count:
            self._drop_duplicates()

    def _predict(self, frames: float) -> None:
        live = self.live
        if live.lost_count:
            live.state[live.lost, HEIGHT_VELOCITY] = 0.0
        moved = self.model.predict(live.state, frames)
        if not self.params.predict_new:
            moved = np.where(live.confirmed[:, None], moved, live.state)
        live.state = moved
        self.bounds = bounds_around(moved[:, :2], to_sides(moved))

    # --- association -------------------------------------------------------------------------------------------------

    def _associate(self, first: int, low: int, end: int) -> tuple[Index, Index, bool]:
        """Tracks (P,) and their rows (P,) of the frame, and whether there was more than one way to match them."""
        live, params = self.live, self.params
        tracks, rows, costs = overlapping(self.bounds, self.clip.bounds[first:end], 1 - self.widest)
        pairs = tracks, rows + first, costs
        if params.association == "overlap":
            pairs = self._on_their_way(*pairs, low)
        todo = FrameMatching(len(live), first, low, end, pairs, self.widest)
        # Step 1: tracked and lost tracks with confident boxes
        if params.association == "fused":
            self._match_left(todo, self._fused)
            contested = True
        else:
            contested = not self._overlap_first(todo) or todo.pairs_left()
        # Step 2: those left, by appearance alone
        if params.association == "overlap" and self.appearance_weight > 0:
            contested |= self._match_left(todo, self._recovered)
        # Steps 3 and 4: tracked ones left with the confident boxes left, then with weak ones, by overlap
        for high_conf in (True, False):
            if todo.pairs_left() and todo.both_left(high_conf=high_conf):
                self._by_overlap(todo, live.confirmed & ~live.lost, params.max_overlap_cost, high_conf)
        # Step 5: unconfirmed tracks with the confident boxes left, by overlap
        if live.new_count and todo.pairs_left() and todo.both_left():
            self._by_overlap(todo, ~live.confirmed, params.max_new_cost, True)
        return *todo.found(), contested

    def _on_their_way(self, tracks: Index, rows: Index, costs: Double, low: int) -> tuple[Index, Index, Double]:
        """The pairs less those of weak boxes (from row ``low`` on), and of boxes that overlap little, outside the gate
        of their track's motion: a vehicle that leaves is not taken for what stands there. A lost track, whose place is
        a guess, claims no box that it overlaps little."""
        asked = ((rows >= low) | (costs > LITTLE_OVERLAP)).nonzero()[0]
        if len(asked) == 0:
            return tracks, rows, costs
        live, of_pair = self.live, tracks.take(asked)
        off = self.measured.take(rows.take(asked), axis=0)[:, :2] - live.state[:, :2].take(of_pair, axis=0)
        variance = self.model.place_variance(live.state).take(of_pair, axis=0)
        distance = off * off / variance
        out = distance[:, 0] + distance[:, 1] > self.params.overlap_gate
        if live.new_count:
            out &= live.confirmed.take(of_pair)
        if live.lost_count:
            out |= (costs.take(asked) > LITTLE_OVERLAP) & live.lost.take(of_pair)
        if not out.any():
            return tracks, rows, costs
        kept = np.ones(len(tracks), bool)
        kept[asked[out]] = False
        return tracks[kept], rows[kept], costs[kept]

    def _overlap_first(self, todo: FrameMatching) -> bool:
        """Overlap decides who may match, overlap and appearance together who does; whether none of them had a
        choice."""
        live, params = self.live, self.params
        pairs = todo.overlaps(live.confirmed if live.new_count else None, params.max_first_cost)
        if self.appearance_weight > 0 and live.lost_count and live.new_count:
            pairs = todo.without_lost_claims(pairs, live.lost, ~live.confirmed, params.max_new_cost)
        tracks, rows, costs = pairs
        if unrivalled(tracks, rows):
            todo.take((tracks, rows))
            return True
        if self.appearance_weight > 0:
            apart = self._unlike(tracks, rows)
            costs = (1 - self.appearance_weight) * costs + self.appearance_weight * apart
        todo.take(cheapest_assignment(tracks, rows, costs, 1.0))
        return False

    def _match_left(self, todo: FrameMatching, match: Callable[[Index, Index], Matches]) -> bool:
        """Match tracked and lost tracks left with the confident boxes left; whether any were."""
        if not todo.both_left():
            return False
        tracks = todo.unmatched_tracks(self.live.confirmed)
        found = match(tracks, todo.unmatched_rows()) if len(tracks) else (tracks, tracks)
        todo.take(found)
        return len(found[0]) > 0

    def _by_overlap(self, todo: FrameMatching, group: NDArray[np.bool_], limit: float, high_conf: bool) -> None:
        pairs = todo.overlaps(group, limit, high_conf=high_conf)
        todo.take(cheapest_assignment(*pairs, limit), high_conf=high_conf)

    def _fused(self, tracks: Index, rows: Index) -> Matches:
        """JDE's first association: appearance fused with motion inside the gate, or overlap where there is no
        appearance."""
        a, b, distance = self._gated(tracks, rows, self.params.gate, 4)
        if self.clip.features is None:
            costs = 1 - pair_overlap(self.bounds[a], self.clip.bounds[b])
            return cheapest_assignment(a, b, costs, self.params.max_first_cost)
        apart = self._appearance_distances(a, b)
        if self.params.metric == "cosine":
            apart = apart**2 / 2
        weight = self.params.appearance_weight
        return cheapest_assignment(a, b, weight * apart + (1 - weight) * distance, self.params.max_distance)

    def _recovered(self, tracks: Index, rows: Index) -> Matches:
        """By appearance alone, near where the vehicle should be: after occlusion or a jump; motion breaks ties."""
        gate = self.params.recovery_gate
        a, b, distance = self._gated(tracks, rows, gate, 2)
        if len(a) == 0:
            return a, b
        costs = self._unlike(a, b) + 0.02 * distance / gate
        return cheapest_assignment(a, b, costs, self.params.max_recovery_cost)

    def _gated(self, tracks: Index, rows: Index, gate: float, dimensions: int) -> tuple[Index, Index, Double]:
        """Pairs (P,), (P,) with squared Mahalanobis distance (P,) of the first 2 or 4 measured quantities up to
        ``gate``."""
        state, points = self.live.state.take(tracks, axis=0), self.measured.take(rows, axis=0)
        variance = self.model.innovation_variance(state)
        a, b = near(state[:, :2], np.sqrt(gate * variance[:, :2]), points[:, :2])
        off = points.take(b, axis=0) - state[:, VALUE].take(a, axis=0)
        distance = (off * off / variance.take(a, axis=0))[:, :dimensions].sum(axis=1)
        inside = distance <= gate
        return tracks[a[inside]], rows[b[inside]], distance[inside]

    def _unlike(self, tracks: Index, rows: Index) -> Double:
        """Appearance cost (P,) in [0, 1], on the scale of features smoothed over as long as the track has lived."""
        lived = self.live.last_frame.take(tracks) - self.live.first_frame.take(tracks)
        return self.smoothed.cost(lived, self._appearance_distances(tracks, rows))

    def _appearance_distances(self, tracks: Index, rows: Index) -> Double:
        """Euclidean distance (P,) of smoothed track features and detection features."""
        assert self.clip.features is not None
        return distances(self.live.appearance(tracks), self.clip.features.take(rows, axis=0))

    # --- what follows from it ----------------------------------------------------------------------------------------

    def _update(self, tracks: Index, rows: Index, frame: int) -> None:
        """Matched tracks (P,) take in their rows (P,); the others have missed the frame."""
        live = self.live
        if len(tracks):
            posterior = self.model.update(live.state.take(tracks, axis=0), self.measured.take(rows, axis=0))
            live.state[tracks] = posterior
            if self.params.output == "kalman":
                self.filtered[rows] = np.concatenate(to_corners(posterior), axis=1)
            if self.clip.features is not None:
                live.blend(tracks, self.clip.features.take(rows, axis=0), self.params.smoothing)
            self.numbers[rows] = numbers = live.number.take(tracks)
            if live.new_count:
                self.confirmed += numbers[~live.confirmed.take(tracks)].tolist()
        live.mark_seen(tracks, frame, int(self.oldest[frame]))

    def _start(self, rows: Index, frame: int) -> None:
        features = None if self.clip.features is None else self.clip.features[rows]
        self.numbers[rows] = self.live.add(self.model.initiate(self.measured[rows]), features, frame)
        self.first_boxes += rows.tolist()

    def _drop_duplicates(self) -> None:
        """Of a tracked and a lost track on the same spot the shorter-lived ends, the tracked one at a tie."""
        live = self.live
        lost, seen = live.lost.nonzero()[0], (~live.lost).nonzero()[0]
        bounds = bounds_around(live.state[:, :2], to_sides(live.state))
        a, b, _ = overlapping(bounds[seen], bounds[lost], 1 - self.params.max_duplicate_cost)
        if len(a) == 0:
            return
        a, b = seen[a], lost[b]
        life = live.last_frame - live.first_frame
        ended = np.zeros(len(life), bool)
        ended[np.where(life[a] > life[b], b, a)] = True
        live.drop(ended)


def _oldest(moments: Double, longest_lost: int) -> Index:
    """For each frame (N,) the first one that is no longer ago than so many usual frames; negative before the clip."""
    if np.array_equal(moments, np.arange(len(moments))):
        return np.arange(len(moments)) - longest_lost
    return np.searchsorted(moments, moments - longest_lost - 1e-6)
