"""A linker that knows the answer: it looks up in the scene's truth whose box a tracklet begins with. For ``--link
tests.golden.true_links:make --set link.options.scene=FOLDER``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtmc.geometry import bottom_centres
from mtmc.link import LinkParams, Problem
from mtmc.link.problem import Solution
from mtmc.scene_reader import read_scene
from mtmc.structures import Double
from mtmc.track_files.formats import read_mot_tracks


def make(params: LinkParams, device: str) -> TrueLinks:
    return TrueLinks(Path(params.options["scene"]))


class TrueLinks:
    """Labels tracklets by the true vehicle nearest to their first box in place and time."""

    def __init__(self, scene: Path) -> None:
        self._starts = {camera.id: _true_boxes(scene, camera.id) for camera in read_scene(scene).cameras.values()}

    def __call__(self, problem: Problem) -> Solution:
        """The truth's partition."""
        table = problem.table
        labels = [
            self._nearest(table.cameras[camera], np.array([start, *place]))
            for camera, start, place in zip(table.camera, table.start_s, table.entry_xy, strict=True)
        ]
        return Solution(np.array(labels, np.int64))

    def _nearest(self, camera_id: str, when_where: Double) -> int:
        ids, known = self._starts[camera_id]
        return int(ids[np.abs(known - when_where).sum(axis=1).argmin()])


def _true_boxes(folder: Path, camera_id: str) -> tuple[NDArray[np.int64], Double]:
    """Vehicle ids (N,) and (N, 3): scene time and bottom centre as shares of the image, of all true boxes of a
    camera."""
    camera = read_scene(folder).cameras[camera_id]
    tracks = read_mot_tracks(folder / camera_id / "gt" / "gt_all.txt", camera_id)
    ids = np.concatenate([np.full(len(track), track.track_id) for track in tracks])
    times = np.concatenate([camera.time_s(track.frames) for track in tracks])
    places = np.concatenate([bottom_centres(track.xyxy) for track in tracks]) / np.asarray(camera.size, np.float64)
    return ids.astype(np.int64), np.column_stack([times, places])
