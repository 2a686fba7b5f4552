"""How much a clip's features tell its vehicles apart, learned from the clip itself without labels.

Two boxes of one frame are different vehicles; two boxes of successive frames that overlap well are the same one. The
distances of both kinds set the scale on which appearance is read, so that a deep feature, a colour histogram and pure
noise each count for what they are worth.

Shape shorthand: N detections of the clip, P pairs, D feature size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtmc.track.sorted_detections import SortedDetections
from mtmc.track.sparse_iou import overlapping, side_by_side

Double = NDArray[np.float64]
Single = NDArray[np.float32]
Index = NDArray[np.intp] | NDArray[np.int64]

_SAME_IOU = 0.6  # insensitive from .5 to .75 (bench_track_noise, README)
_SAMPLED_FRAMES = 50  # bounds the cost
_SAMPLED_PAIRS = 1000  # bounds the cost
_FEW = 20
_LONGEST_SMOOTHED = 100  # smoothing .9 has forgotten its first feature after some 40


@dataclass(frozen=True, slots=True)
class AppearanceScale:
    """Reads Euclidean distances of unit features: ``near`` is usual for one vehicle, ``far`` for two;
    ``discriminability`` in [0, 1] is the fraction of different pairs that are farther than nine in ten of the same."""

    near: float
    far: float
    discriminability: float

    def cost(self, distances: Double) -> Double:
        """0 at ``near`` or closer, 1 at ``far`` or farther, (P,)."""
        fraction = (distances - self.near) / max(self.far - self.near, 1e-6)
        return np.minimum(np.maximum(fraction, 0.0), 1.0)

    def smoothed(self, smoothing: float) -> SmoothedScale:
        """The scale for distances of single features to features smoothed over 0, 1, ... updates.

        A feature is its vehicle's direction and noise; ``share`` of the noise is left in f <- s f + (1 - s) new after n
        updates, and the cosines to single ones grow as the length of the mean shrinks, for one vehicle and for two.
        """
        old = smoothing ** (2 * np.arange(_LONGEST_SMOOTHED))
        share = old + (1 - smoothing) / (1 + smoothing) * (1 - old)
        same, different = 1 - self.near**2 / 2, 1 - self.far**2 / 2
        length = np.sqrt(share + (1 - share) * max(same, 0.0))
        return SmoothedScale(*(np.sqrt(np.maximum(2 - 2 * cosine / length, 0.0)) for cosine in (same, different)))

    def of_means(self, count: int) -> AppearanceScale:
        """The scale for directions of means of ``count`` features, whose noise has averaged out."""
        noise = self.near**2
        far = np.sqrt(max(self.far**2 - noise, 0.0) + noise / count)
        return AppearanceScale(self.near / np.sqrt(count), float(far), self.discriminability)


@dataclass(frozen=True, slots=True, eq=False)
class SmoothedScale:
    """``AppearanceScale`` by number of updates, the last one for all that are more: near, far (U,)."""

    near: Double
    far: Double

    def cost(self, updates: Index, distances: Double) -> Double:
        """0 at ``near`` or closer, 1 at ``far`` or farther, (P,)."""
        near, far = (side.take(updates, mode="clip") for side in (self.near, self.far))
        return np.minimum(np.maximum((distances - near) / np.maximum(far - near, 1e-6), 0.0), 1.0)


UNINFORMATIVE = AppearanceScale(0.0, 1.0, 0.0)
"""Nothing is known about the features: they are not trusted."""


def learn_scale(clip: SortedDetections) -> AppearanceScale:
    """Scale of the clip's features; discriminability is 0 where they are absent or there are too few boxes to tell."""
    if clip.features is None or len(clip) < 2:
        return UNINFORMATIVE
    same, different = _same(clip, clip.features), _different(clip, clip.features)
    if len(same) < _FEW or len(different) < _FEW:
        return UNINFORMATIVE
    near, far = float(np.median(same)), float(np.median(different))
    if far <= near:
        return UNINFORMATIVE
    return AppearanceScale(near, far, float((different > np.quantile(same, 0.9)).mean()))


def distances(a: Single, b: Single) -> Double:
    """Euclidean distances (P,) of unit rows (P, D)."""
    cosine = np.vecdot(a, b).astype(np.float64)
    return np.asarray(np.sqrt(np.maximum(2 - 2 * cosine, 0)))


def _different(clip: SortedDetections, features: Single) -> Double:
    """Neighbours in a frame; in a clip that hardly shows two at once, boxes half the clip apart."""
    left = np.flatnonzero(clip.frames[1:] == clip.frames[:-1])
    if len(left) >= _FEW:
        left = left[:: max(1, len(left) // _SAMPLED_PAIRS)]
        return distances(features[left], features[left + 1])
    half = len(clip) // 2
    step = max(1, half // _SAMPLED_PAIRS)
    return distances(features[:half:step], features[half : 2 * half : step])


def _same(clip: SortedDetections, features: Single) -> Double:
    """Well overlapping boxes of successive frames, from frames spread over the clip."""
    present = np.unique(clip.frames)
    chosen = present[np.unique(np.linspace(0, len(present) - 1, _SAMPLED_FRAMES).astype(np.intp))]
    before, after = (np.isin(clip.frames, frames).nonzero()[0] for frames in (chosen, chosen + 1))
    times, width = clip.frames.astype(np.int64), float(np.ptp(clip.xyxy[:, [0, 2]])) + 1.0
    now = side_by_side(clip.bounds[before], times[before], width)
    then = side_by_side(clip.bounds[after], times[after] - 1, width)
    a, b, _ = overlapping(now, then, _SAME_IOU)
    return distances(features[before[a]], features[after[b]])
