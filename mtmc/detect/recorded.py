"""Detections that were made before: MOT det files such as the data set's own ``det/det_mask_rcnn.txt``."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from mtmc.detect.detector import ClipDetector
from mtmc.detect.params import DetectParams
from mtmc.errors import InputError
from mtmc.scene import Camera
from mtmc.structures import Detections
from mtmc.track_files.formats import read_mot_detections
from mtmc.video import Clip, Frames


def make(params: DetectParams, device: str) -> RecordedDetector:
    """Needs no model: ``device`` does not matter."""
    return RecordedDetector(params.recorded_file)


class RecordedDetector:
    """Reads one file per camera; ``file_of`` gives its path from the camera's folder and id."""

    def __init__(self, file_of: Callable[[Path, str], Path]) -> None:
        self._file_of = file_of

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        """Read the camera's file. Raises InputError where it is missing or damaged."""
        path = self._file_of(camera.folder, camera.id)
        if not path.is_file():
            fix = (
                "Set detect.recorded, e.g. --set detect.recorded=det/det_yolo3.txt ({camera} stands for the camera id)."
            )
            raise InputError(path, f"a file of detections for camera {camera.id}", "no such file", fix)
        recorded = _read(path, path.stat().st_mtime_ns, camera.size)
        if len(recorded) and recorded.frames[-1] >= camera.frame_count:
            found = f"frame {recorded.frames[-1] + 1}"
            raise InputError(
                path, f"frames 1 to {camera.frame_count} like its video", found, "Give the file of this video."
            )

        def rows_of(clip: Clip) -> Detections:
            low, high = np.searchsorted(recorded.frames, (clip.frames[0], clip.frames[-1] + 1))
            near = recorded.take(slice(int(low), int(high)))
            return near if clip.step == 1 else near.take(np.isin(near.frames, clip.frames))

        return rows_of


@lru_cache(maxsize=1)
def _read(path: Path, _changed_ns: int, size: tuple[int, int]) -> Detections:
    """Kept for the next slice of the same camera."""
    return read_mot_detections(path, size)
