"""From tracklets and crop embeddings to one table: what linking needs to know, free of boxes and pixels.

Shape shorthand: T tracklets, N boxes of one tracklet, M crops, D feature size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mtmc.geometry import areas, bottom_centres
from mtmc.link.problem import Crops, Problem
from mtmc.scene import Camera, Scene
from mtmc.structures import Double, Embeddings, Float, Tracklet, TrackletTable

VELOCITY_SPAN_S = 0.5
"""Boxes this close to a tracklet's end give its velocity there: long enough to outvote box jitter, short enough for a
turn."""

TRAJECTORY_PLACES = 32
"""Places of a trajectory on the ground: turns and waits show in it."""
BORDER_PX = 2.0
"""A box that ends this near to the image border is cut by it."""


def describe(scene: Scene, tracklets: Sequence[Tracklet], embeddings: Mapping[str, Embeddings]) -> TrackletTable:
    """One row per tracklet, in the order given; cameras are those of the scene, sorted.

    A tracklet's feature is the quality-weighted mean of its crops, made unit; a tracklet without a crop has zeros and
    quality 0.
    """
    names = tuple(sorted(scene.cameras))
    number = {name: index for index, name in enumerate(names)}
    ends = [_ends(scene.cameras[t.camera_id], t) for t in tracklets]
    size = feature_size(embeddings)
    features, quality = _features(tracklets, embeddings, size)
    return TrackletTable(
        cameras=names,
        camera=np.array([number[t.camera_id] for t in tracklets], np.int32),
        track_id=np.array([t.track_id for t in tracklets], np.int64),
        start_s=_column(ends, "start_s", ()),
        end_s=_column(ends, "end_s", ()),
        entry_xy=_column(ends, "entry_xy", (2,)).astype(np.float32),
        exit_xy=_column(ends, "exit_xy", (2,)).astype(np.float32),
        entry_velocity=_column(ends, "entry_velocity", (2,)).astype(np.float32),
        exit_velocity=_column(ends, "exit_velocity", (2,)).astype(np.float32),
        size=_column(ends, "size", ()).astype(np.float32),
        label=np.array([t.label for t in tracklets], np.int16),
        quality=quality,
        features=features,
    )


def pose(scene: Scene, tracklets: Sequence[Tracklet], embeddings: Mapping[str, Embeddings]) -> Problem:
    """The linking problem of a scene: table, crops in time order, and which clocks are known."""
    table = describe(scene, tracklets, embeddings)
    known = np.array([scene.cameras[name].offset_known for name in table.cameras], bool)
    trajectories = [ground_trajectory(scene.cameras[t.camera_id], t) for t in tracklets]
    return Problem(
        table,
        _crops(tracklets, embeddings),
        known,
        np.array(trajectories).reshape(len(tracklets), TRAJECTORY_PLACES, 2),
    )


def ground_trajectory(camera: Camera, tracklet: Tracklet) -> Double:
    """Places (K, 2) in metres at evenly spaced times of a tracklet's life; NaN without calibration.

    Boxes cut by the lower image border show no wheels: the others speak for them, if there are any.
    """
    whole = tracklet.xyxy[:, 3] < camera.size[1] - BORDER_PX
    rows = np.flatnonzero(whole) if whole.any() else np.arange(len(tracklet))
    places = camera.ground_points(bottom_centres(tracklet.xyxy[rows]))
    times = np.linspace(tracklet.frames[0], tracklet.frames[-1], TRAJECTORY_PLACES)
    return np.stack([np.interp(times, tracklet.frames[rows], places[:, axis]) for axis in (0, 1)], axis=1)


def feature_size(embeddings: Mapping[str, Embeddings]) -> int:
    """D of the embeddings, 0 where there are none."""
    return max((e.vectors.shape[1] for e in embeddings.values()), default=0)


def _column(ends: Sequence[dict[str, Double]], name: str, shape: tuple[int, ...]) -> Double:
    return np.array([end[name] for end in ends], np.float64).reshape((len(ends), *shape))


def _ends(camera: Camera, tracklet: Tracklet) -> dict[str, Double]:
    """Times, places and speeds of a tracklet's first and last box."""
    size = np.asarray(camera.size, np.float64)
    places = np.clip(bottom_centres(tracklet.xyxy) / size, 0.0, 1.0)
    times = camera.time_s(tracklet.frames)
    return {
        "start_s": times[0],
        "end_s": times[-1],
        "entry_xy": places[0],
        "exit_xy": places[-1],
        "entry_velocity": _velocity(times, places),
        "exit_velocity": _velocity(-times[::-1], -places[::-1]),
        "size": np.sqrt(np.median(areas(tracklet.xyxy)) / np.prod(size)),
    }


def _velocity(times: Double, places: Double) -> Double:
    """Mean velocity (2,) over the first half second, or over the first step of a sparser tracklet; zero for one box."""
    if len(times) < 2:
        return np.zeros(2)
    last = max(int(np.searchsorted(times, times[0] + VELOCITY_SPAN_S, side="right")) - 1, 1)
    return np.asarray((places[last] - places[0]) / (times[last] - times[0]))


def _features(tracklets: Sequence[Tracklet], embeddings: Mapping[str, Embeddings], size: int) -> tuple[Float, Float]:
    features = np.zeros((len(tracklets), size), np.float32)
    quality = np.zeros(len(tracklets), np.float32)
    for row, tracklet in enumerate(tracklets):
        crops = embeddings[tracklet.camera_id].of(tracklet.track_id) if tracklet.camera_id in embeddings else None
        if crops is not None and len(crops):
            features[row] = mean_feature(crops.vectors, crops.quality)
            quality[row] = crops.quality.mean()
    return features, quality


def mean_feature(vectors: Float, quality: Float) -> Float:
    """Unit mean (D,) of crop vectors (M, D) weighted by quality (M,); equal weights where all qualities are zero."""
    weights = quality if quality.sum() > 0 else np.ones_like(quality)
    mean = (vectors * weights[:, None]).sum(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def _crops(tracklets: Sequence[Tracklet], embeddings: Mapping[str, Embeddings]) -> Crops:
    size = feature_size(embeddings)
    vectors, rows = [np.zeros((0, size), np.float32)], [np.zeros(0, np.int64)]
    for row, tracklet in enumerate(tracklets):
        if tracklet.camera_id in embeddings:
            crops = embeddings[tracklet.camera_id].of(tracklet.track_id)
            vectors.append(crops.vectors[np.argsort(crops.frames, kind="stable")])
            rows.append(np.full(len(crops), row, np.int64))
    return Crops(np.concatenate(vectors), np.concatenate(rows))
