"""What a tracker makes of what a camera truly sees: fragments, switches, late starts, early ends, doubles, nonsense.

Shape shorthand: N boxes of a track.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mtmc.geometry import areas
from mtmc.params import Params
from mtmc.structures import Double, Long, Mask
from mtmc.synth.scene import SynthCamera
from mtmc.synth.tracklets.observation import LEAST_FRAMES, Sight

Random = np.random.Generator

MEETING_IOU = 0.3
"""Boxes that overlap so much may be taken for each other."""
CLUTTER_S = 6.0
"""Mean length of a false track."""


class TrackerNoise(Params):
    """How badly one camera tracks; the defaults come near public trackers on real scenes (bench_real.py)."""

    late_s: float = Field(0.9, ge=0, le=600, description="mean time before a vehicle in view is tracked")
    early_s: float = Field(0.7, ge=0, le=600, description="mean time by which a track ends too early")
    missed: float = Field(0.06, ge=0, le=1, description="chance that a stay in view is not tracked at all")
    hidden: float = Field(0.6, ge=0, le=1, description="a box of which nearer ones cover more is lost")
    burst_rate: float = Field(0.02, ge=0, le=10, description="losses of a moving vehicle per second")
    burst_s: float = Field(1.2, ge=0, le=600, description="mean length of such a loss")
    resumed: float = Field(0.6, ge=0, le=1, description="chance that a track keeps its id over a loss")
    switch: float = Field(0.12, ge=0, le=1, description="chance that two tracks whose boxes meet swap their ids")
    double: float = Field(0.04, ge=0, le=1, description="chance of a second track beside one")
    parked_seen: float = Field(0.9, ge=0, le=1, description="chance that a parked vehicle is tracked")
    parked_rate: float = Field(0.12, ge=0, le=10, description="losses of a parked vehicle per second")
    parked_lost_s: float = Field(3.0, ge=0, le=3600, description="mean length of such a loss")
    parked_resumed: float = Field(0.25, ge=0, le=1, description="chance that its track keeps its id over a loss")
    parked_alike: bool = Field(False, description="tracks of one parked vehicle look alike, not each like nothing else")
    clutter_rate: float = Field(0.08, ge=0, le=100, description="false tracks per second")
    jitter: float = Field(0.02, ge=0, le=0.5, description="deviation of a box's edges as a fraction of its sides")


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A tracker's track. frames (N,); boxes (N, 4) pixels; owner (N,) whom each box shows; counted (N,) whether a true
    box can be matched with it (not the second one on a vehicle)."""

    camera: int
    frames: Long
    boxes: Double
    owner: Long
    counted: Mask
    label: str

    def take(self, rows: Long | Mask | slice) -> Track:
        """The chosen boxes."""
        chosen = self.frames[rows], self.boxes[rows], self.owner[rows], self.counted[rows]
        return Track(self.camera, *chosen, self.label)


def perfect(sights: list[Sight]) -> list[Track]:
    """One track per stay."""
    return [
        Track(s.camera, s.frames, s.boxes, np.full(len(s), s.vehicle.id), np.ones(len(s), bool), s.vehicle.label)
        for s in sights
    ]


def tracked(
    sights: list[Sight], noise: TrackerNoise, index: int, camera: SynthCamera, clutter_id: int, rng: Random
) -> list[Track]:
    """The tracks of one camera's tracker; what false ones show counts from ``clutter_id``."""
    seen = [s for s in sights if rng.random() < (noise.parked_seen if s.parked else 1 - noise.missed)]
    tracks = [t for s in seen for t in _fragments(s, noise, camera.fps, rng)]
    tracks = _switched(tracks, noise.switch, rng)
    tracks += [_second(t, rng) for t in tracks if rng.random() < noise.double]
    tracks += _clutter(noise.clutter_rate, index, camera, clutter_id, rng)
    return [_jittered(t, noise.jitter, camera.lens.size, rng) for t in tracks if len(t.frames) >= LEAST_FRAMES]


def _fragments(sight: Sight, noise: TrackerNoise, fps: float, rng: Random) -> list[Track]:
    """The pieces in which a stay is tracked."""
    (whole,), count = perfect([sight]), len(sight)
    kept = sight.hidden <= noise.hidden
    kept[: int(rng.exponential(noise.late_s) * fps)] = False
    kept[count - int(rng.exponential(noise.early_s) * fps) :] = False
    rate, lost_s = (noise.parked_rate, noise.parked_lost_s) if sight.parked else (noise.burst_rate, noise.burst_s)
    for start in rng.integers(0, count, rng.poisson(rate * count / fps)):
        kept[start : start + 1 + int(rng.exponential(lost_s) * fps)] = False
    rows = np.flatnonzero(kept)
    losses = np.flatnonzero(np.diff(rows) > 1) + 1
    resumed = noise.parked_resumed if sight.parked else noise.resumed
    cuts = losses[rng.random(len(losses)) >= resumed]
    return [whole.take(piece) for piece in np.split(rows, cuts)]


def _switched(tracks: list[Track], chance: float, rng: Random) -> list[Track]:
    """Some of the tracks whose boxes meet go on as each other from there."""
    tracks = list(tracks)
    for a in range(len(tracks)):
        for b in range(a + 1, len(tracks)):
            meeting = _meeting_frame(tracks[a], tracks[b])
            if meeting is not None and rng.random() < chance:
                tracks[a], tracks[b] = _swap(tracks[a], tracks[b], meeting), _swap(tracks[b], tracks[a], meeting)
    return tracks


def _meeting_frame(a: Track, b: Track) -> int | None:
    """The frame in which two tracks overlap most, at least by ``MEETING_IOU``."""
    if len(a.frames) == 0 or len(b.frames) == 0 or a.frames[-1] < b.frames[0] or b.frames[-1] < a.frames[0]:
        return None
    common, rows_a, rows_b = np.intersect1d(a.frames, b.frames, return_indices=True)
    if len(common) == 0:
        return None
    one, other = a.boxes[rows_a], b.boxes[rows_b]
    low, high = np.maximum(one[:, :2], other[:, :2]), np.minimum(one[:, 2:], other[:, 2:])
    common_px = np.prod(np.maximum(high - low, 0), axis=1)
    overlap = common_px / (areas(one) + areas(other) - common_px)
    return int(common[overlap.argmax()]) if overlap.max() >= MEETING_IOU else None


def _swap(head: Track, tail: Track, frame: int) -> Track:
    before, after = head.take(head.frames <= frame), tail.take(tail.frames > frame)
    frames, boxes, owner, counted = (
        np.concatenate([getattr(part, name) for part in (before, after)])
        for name in ("frames", "boxes", "owner", "counted")
    )
    return Track(head.camera, frames, boxes, owner, counted, head.label)


def _second(track: Track, rng: Random) -> Track:
    """A second track on a vehicle for part of the time; no true box is left for it."""
    start, stop = np.sort(rng.integers(0, len(track.frames) + 1, 2))
    part = track.take(slice(int(start), int(stop)))
    return Track(part.camera, part.frames, part.boxes, part.owner, np.zeros(len(part.frames), bool), part.label)


def _clutter(rate: float, index: int, camera: SynthCamera, first_id: int, rng: Random) -> list[Track]:
    """Tracks on signs, shadows and shop windows: they stand or drift, each looks like nothing else."""
    tracks = []
    for number in range(rng.poisson(rate * camera.frame_count / camera.fps)):
        length = min(LEAST_FRAMES + int(rng.exponential(CLUTTER_S) * camera.fps), camera.frame_count)
        frames = int(rng.integers(0, camera.frame_count - length + 1)) + np.arange(length)
        size = np.exp(rng.normal(np.log(0.08), 0.4)) * camera.lens.size[1] * np.array([1.3, 1.0])
        place = rng.uniform(0.1, 0.85, 2) * camera.lens.size + np.arange(length)[:, None] * rng.normal(0, 0.3, 2)
        boxes = np.concatenate([place, place + size], axis=1)
        owner = np.full(length, first_id + number)
        tracks.append(Track(index, frames, boxes, owner, np.zeros(length, bool), "car"))
    return tracks


def _jittered(track: Track, jitter: float, size: tuple[int, int], rng: Random) -> Track:
    """Edges off by a fraction of the box, within the picture."""
    sides = np.tile(track.boxes[:, 2:] - track.boxes[:, :2], 2)
    moved = track.boxes + jitter * sides * rng.standard_normal(sides.shape)
    low = np.clip(moved[:, :2], 0, np.array(size) - 2)
    high = np.minimum(np.maximum(moved[:, 2:], low + 2), size)
    boxes = np.concatenate([low, high], axis=1)
    return Track(track.camera, track.frames, boxes, track.owner, track.counted, track.label)
