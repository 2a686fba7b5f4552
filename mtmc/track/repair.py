"""Repair after tracking, with the whole clip in view: cut what lies on others, split at switches, join what was torn,
fill gaps.

A tracker decides frame by frame; here both sides of a cut are known. Appearance is read on the clip's own scale
(``appearance_scale``); where features cannot be trusted nothing is split and joining rests on motion alone, within a
shorter gap.

Shape shorthand: N detections of the clip, T boxes of a track, K tracks, P pairs, D feature size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mtmc.assignment import cheapest_assignment
from mtmc.params import Params
from mtmc.structures import Detections, Tracklet
from mtmc.track.appearance_scale import AppearanceScale, learn_scale
from mtmc.track.duplicates import cut_duplicate_ends
from mtmc.track.sorted_detections import SortedDetections
from mtmc.track.tracks import Tracks, in_frames, renumber

Index = NDArray[np.intp]
Double = NDArray[np.float64]
Single = NDArray[np.float32]


class RepairParams(Params):
    """What is mended after tracking; a limit or gap of 0 switches its step off."""

    max_end_overlap: float = Field(
        0.4, ge=0, le=1, description="ends of a track that overlap another by more are cut off; 1 = off"
    )
    max_switch_cost: float = Field(
        0.8, ge=0, le=1, description="split where appearance changes by more than this; 0 = off"
    )
    switch_window_s: float = Field(0.5, gt=0, description="appearance is compared over this long before and after")
    max_join_gap_s: float = Field(3.0, ge=0, description="longest gap joined where appearance can be trusted; 0 = off")
    max_blind_gap_s: float = Field(1.5, ge=0, description="longest gap joined by motion alone; 0 = off")
    max_join_overlap_s: float = Field(
        0.5, ge=0, description="a track may begin this long before the one ends that it is joined to"
    )
    max_join_miss: float = Field(1.0, gt=0, description="largest miss of the extrapolated path, in box sizes")
    max_join_cost: float = Field(0.5, gt=0, le=1, description="limit of appearance for a join")
    max_fill_s: float = Field(0.5, ge=0, description="longest gap filled with interpolated boxes; 0 = off")


def repair(detections: Detections, tracks: Tracks, fps: float, params: RepairParams) -> Tracks:
    """Cut, split and join tracks: numbers change, boxes do not; what is cut off is in no track (number 0)."""
    clip = SortedDetections(detections, 0.0, 0.0)
    scale = learn_scale(clip)
    features = np.zeros((len(detections), 0), np.float32)
    if clip.features is not None and scale.discriminability > 0.5:
        features = np.empty_like(clip.features)
        features[clip.rows] = clip.features
    numbers = tracks.numbers
    if params.max_end_overlap < 1:
        numbers = cut_duplicate_ends(detections.frames, tracks.xyxy, numbers, params.max_end_overlap)
    if features.shape[1] and params.max_switch_cost > 0:
        numbers = _split_all(numbers, features, scale, max(2, round(params.switch_window_s * fps)), params)
    if params.max_join_gap_s > 0 or params.max_blind_gap_s > 0:
        numbers = _join(detections, Tracks(numbers, tracks.xyxy), features, scale, fps, params)
    return Tracks(renumber(numbers), tracks.xyxy)


def rows_by_track(numbers: NDArray[np.int64]) -> list[Index]:
    """The rows of each track, in time, by rising number; rows in no track are left out."""
    order = np.argsort(numbers, kind="stable")
    order = order[np.searchsorted(numbers[order], 1) :]
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if len(order) else []


# --- split -----------------------------------------------------------------------------------------------------------


def _split_all(
    numbers: NDArray[np.int64], features: Single, scale: AppearanceScale, window: int, params: RepairParams
) -> NDArray[np.int64]:
    todo = rows_by_track(numbers)
    own_scale = _drift(todo, features, scale.of_means(window), window)
    if own_scale is None:
        return numbers
    result, fresh = numbers.copy(), int(numbers.max(initial=0))
    while todo:
        rows = todo.pop()
        cut = switch_at(features[rows], own_scale, window, params.max_switch_cost)
        if cut is not None:
            fresh += 1
            result[rows[cut:]] = fresh
            todo += [rows[:cut], rows[cut:]]
    return result


def _drift(tracks: list[Index], features: Single, scale: AppearanceScale, window: int) -> AppearanceScale | None:
    """The scale on which a switch stands out from how vehicles change as they turn, near and dim: it starts at half as
    much again as three in four of the clip's own changes. None where the clip's vehicles change about as much as they
    differ."""
    changes = np.concatenate([np.zeros(1), *(_changes(features[rows], window)[0] for rows in tracks)])
    usual = max(1.5 * float(np.quantile(changes, 0.75)), scale.near)
    return AppearanceScale(usual, scale.far, scale.discriminability) if usual < 0.6 * scale.far else None


def switch_at(features: Single, scale: AppearanceScale, window: int, limit: float) -> int | None:
    """First box (index into T) after an identity switch in unit ``features`` (T, D), or None.

    Both the windows beside the cut and the whole parts before and after it must differ: a passing occluder changes only
    the first.
    """
    beside, whole = _changes(features, window)
    if len(beside) == 0:
        return None
    costs = np.minimum(scale.cost(beside), scale.cost(whole))
    best = int(np.argmax(costs + 1e-3 * beside))
    return window + best if costs[best] > limit else None


def _changes(features: Single, window: int) -> tuple[Double, Double]:
    """For every cut from box ``window`` on that leaves a window on both sides: distance of the windows' means beside
    it, and of the means of all before and all after it."""
    cuts = np.arange(window, len(features) - window + 1)
    if len(cuts) == 0:
        return np.zeros(0), np.zeros(0)
    sums = np.concatenate([np.zeros((1, features.shape[1])), np.cumsum(features, axis=0, dtype=np.float64)])
    beside = _apart(sums[cuts] - sums[cuts - window], sums[cuts + window] - sums[cuts])
    return beside, _apart(sums[cuts], sums[-1] - sums[cuts])


def _apart(a: Double, b: Double) -> Double:
    """Euclidean distances (P,) of the directions of a and b (P, D)."""
    unit_a = a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-12)
    unit_b = b / np.maximum(np.linalg.norm(b, axis=1, keepdims=True), 1e-12)
    return np.asarray(np.linalg.norm(unit_a - unit_b, axis=1))


# --- join ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ends:
    """Of K tracks one end: frame (K,), centre and size (K, 2) px, velocity (K, 2) px per frame, mean feature (K, D)."""

    frame: Double
    centre: Double
    size: Double
    velocity: Double
    feature: Double


def _join(
    detections: Detections, tracks: Tracks, features: Single, scale: AppearanceScale, fps: float, params: RepairParams
) -> NDArray[np.int64]:
    groups, moments = rows_by_track(tracks.numbers), in_frames(fps, detections.frames)
    if len(groups) < 2:
        return tracks.numbers
    window = max(3, round(0.5 * fps))
    heads = _ends([g[:window] for g in groups], moments, detections, features, 0)
    tails = _ends([g[-window:] for g in groups], moments, detections, features, -1)
    before, after = _follow(heads.frame, tails.frame, fps, params, trusted=features.shape[1] > 0)
    costs = _miss(heads, tails, before, after)
    near = costs < params.max_join_miss
    before, after, costs = before[near], after[near], costs[near]
    if features.shape[1]:
        appearance = scale.of_means(window).cost(_apart(tails.feature[before], heads.feature[after]))
        alike = appearance < params.max_join_cost
        before, after, costs = before[alike], after[alike], (costs + appearance)[alike]
    before, after = cheapest_assignment(before, after, costs, params.max_join_miss + 1.0)
    numbers = _chained(tracks.numbers, groups, before, after)
    for earlier, later in zip(before, after, strict=True):  # where both have boxes the earlier one had lost its vehicle
        rows = groups[earlier]
        numbers[rows[moments[rows] >= heads.frame[later]]] = 0
    return numbers


def _ends(groups: list[Index], moments: Double, detections: Detections, features: Single, which: int) -> _Ends:
    """Ends of the tracks from their rows there; ``which`` is 0 for the first box, -1 for the last; ``moments`` (N,):
    when the boxes were, in usual frames."""
    boxes = [detections.xyxy[g].astype(np.float64) for g in groups]
    frames = [moments[g] for g in groups]
    return _Ends(
        np.array([f[which] for f in frames]),
        np.array([(b[which, :2] + b[which, 2:]) / 2 for b in boxes]),
        np.array([b[which, 2:] - b[which, :2] for b in boxes]),
        np.array([_velocity(f, (b[:, :2] + b[:, 2:]) / 2) for f, b in zip(frames, boxes, strict=True)]),
        np.array([features[g].sum(axis=0, dtype=np.float64) for g in groups]),
    )


def _velocity(frames: Double, centres: Double) -> Double:
    """Least-squares velocity (2,) in pixels per frame; zero for a single box."""
    time = frames - frames.mean()
    spread = float((time**2).sum())
    return np.zeros(2) if spread == 0 else np.asarray(time @ (centres - centres.mean(axis=0)) / spread)


def _follow(head: Double, tail: Double, fps: float, params: RepairParams, *, trusted: bool) -> tuple[Index, Index]:
    """Pairs (P,), (P,) of tracks such that the second starts soon after the first has ended, or shortly before and
    outlives it; ``head``, ``tail`` (K,): first and last frames."""
    longest = (params.max_join_gap_s if trusted else params.max_blind_gap_s) * fps
    order = np.argsort(head, kind="stable")
    starts = head[order]
    first = np.searchsorted(starts, tail - min(params.max_join_overlap_s * fps, longest), side="right")
    count = np.searchsorted(starts, tail + longest, side="right") - first
    before = np.repeat(np.arange(len(starts)), count)
    offset = np.arange(len(before)) - np.repeat(np.cumsum(count) - count, count)
    after = order[np.repeat(first, count) + offset]
    later = (head[after] > head[before]) & (tail[after] > tail[before])
    return before[later], after[later]


def _miss(heads: _Ends, tails: _Ends, before: Index, after: Index) -> Double:
    """By how many box sizes (P,) both extrapolations miss the other end, plus how much the sizes differ (log ratio)."""
    gap = (heads.frame[after] - tails.frame[before])[:, None]
    offset = heads.centre[after] - tails.centre[before]
    forward, backward = offset - gap * tails.velocity[before], offset - gap * heads.velocity[after]
    scale = np.sqrt(np.sqrt(tails.size[before].prod(axis=1) * heads.size[after].prod(axis=1)))
    miss = np.maximum(np.linalg.norm(forward, axis=1), np.linalg.norm(backward, axis=1)) / scale
    ratio = np.abs(np.log(heads.size[after] / tails.size[before])).max(axis=1)
    return np.asarray(miss + 0.5 * ratio)


def _chained(numbers: NDArray[np.int64], groups: list[Index], before: Index, after: Index) -> NDArray[np.int64]:
    """Give every track the number of the first one in its chain; time runs forward, so chains have no loops."""
    result = numbers.copy()
    previous = dict(zip(after.tolist(), before.tolist(), strict=True))
    for index, rows in enumerate(groups):
        root = index
        while root in previous:
            root = previous[root]
        result[rows] = numbers[groups[root][0]]
    return result


# --- fill ------------------------------------------------------------------------------------------------------------


def fill(tracklet: Tracklet, max_frames: int, fps: float = 1.0) -> Tracklet:
    """Boxes on a straight line for the missing frames of gaps with at most ``max_frames`` usual frames; the lower score
    counts."""
    moments = in_frames(fps, tracklet.frames)
    steps = np.diff(moments)
    gaps = np.flatnonzero((np.diff(tracklet.frames) > 1) & (steps <= max_frames + 1))
    if len(gaps) == 0:
        return tracklet
    missing = np.concatenate([np.arange(tracklet.frames[g] + 1, tracklet.frames[g + 1]) for g in gaps])
    left = np.searchsorted(tracklet.frames, missing) - 1
    share = ((in_frames(fps, missing) - moments[left]) / steps[left])[:, None]
    boxes = (1 - share) * tracklet.xyxy[left] + share * tracklet.xyxy[left + 1]
    scores = np.minimum(tracklet.scores[left], tracklet.scores[left + 1])
    frames = np.concatenate([tracklet.frames, missing])
    order = np.argsort(frames, kind="stable")
    xyxy, score = np.concatenate([tracklet.xyxy, boxes])[order], np.concatenate([tracklet.scores, scores])[order]
    return Tracklet(tracklet.camera_id, tracklet.track_id, frames[order], xyxy, score, tracklet.label)
