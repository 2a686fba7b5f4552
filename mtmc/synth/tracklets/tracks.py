"""Simulated tracklets as tracks with boxes: what a tracker and an embedder would have handed to a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtmc.scene import Camera, Scene
from mtmc.structures import Embeddings, Tracklet, TrackletTable

SIZE = (1920, 1080)
ASPECT = 1.5
"""Width over height of a box."""


def scene_of(table: TrackletTable, fps: float, begin_s: float, end_s: float, clock_known: bool = True) -> Scene:
    """The cameras without videos, from one second to another of their own clocks."""
    frames = int(np.ceil((end_s - begin_s) * fps)) + 1
    cameras = {
        name: Camera(name, Path(name), fps, frames, SIZE, begin_s, clock_known) for name in sorted(table.cameras)
    }
    return Scene("simulated", cameras)


def tracks_of(table: TrackletTable, scene: Scene) -> Iterator[tuple[str, list[Tracklet], Embeddings]]:
    """Camera by camera: its tracklets, straight from entry to exit in boxes of one size, and their features as one crop
    each."""
    for number, name in enumerate(table.cameras):
        rows = np.flatnonzero(table.camera == number)
        tracklets = [_tracklet(table, row, scene.cameras[name]) for row in rows.tolist()]
        seen = rows[np.linalg.norm(table.features[rows], axis=1) > 0]
        middle = np.array([t.frames[len(t) // 2] for t in tracklets])[np.isin(rows, seen)]
        yield name, tracklets, Embeddings(table.features[seen], table.track_id[seen], middle, table.quality[seen])


def _tracklet(table: TrackletTable, row: int, camera: Camera) -> Tracklet:
    first, last = np.rint((np.array([table.start_s[row], table.end_s[row]]) - camera.offset_s) * camera.fps).astype(int)
    frames, size = np.arange(first, last + 1), np.array(camera.size, np.float64)
    share = np.linspace(0, 1, len(frames))[:, None]
    feet = (table.entry_xy[row] * (1 - share) + table.exit_xy[row] * share) * size
    area = table.size[row] ** 2 * size.prod()
    half, height = np.sqrt(area * ASPECT) / 2, np.sqrt(area / ASPECT)
    boxes = np.tile(feet, 2) + np.array([-half, -height, half, 0])
    scores = np.full(len(frames), 0.9, np.float32)
    return Tracklet(camera.id, int(table.track_id[row]), frames, boxes, scores, int(table.label[row]))
