"""Detections that were made before: MOT det files such as the data set's own ``det/det_mask_rcnn.txt``."""

from __future__ import annotations

from pathlib import Path

from mtmc.detect import ClipDetector, DetectParams
from mtmc.errors import InputError
from mtmc.formats import read_mot_detections
from mtmc.scene import Camera
from mtmc.structures import Detections
from mtmc.video import Clip, Frames


def make(params: DetectParams, device: str) -> RecordedDetector:
    """Needs no model: ``device`` does not matter."""
    return RecordedDetector(params.recorded)


class RecordedDetector:
    """Reads one file per camera; ``{camera}`` in the pattern stands for the camera's id."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def begin(self, camera: Camera, frames: Frames) -> ClipDetector:
        """Read the camera's file. Raises InputError where it is missing or damaged."""
        path = self._path(camera)
        recorded = read_mot_detections(path, camera.size)
        if len(recorded) and recorded.frames[-1] >= camera.frame_count:
            found = f"frame {recorded.frames[-1] + 1}"
            raise InputError(
                path, f"frames 1 to {camera.frame_count} like its video", found, "Give the file of this video."
            )

        def rows_of(clip: Clip) -> Detections:
            first, end = clip.first_frame, clip.first_frame + len(clip)
            return recorded.take((recorded.frames >= first) & (recorded.frames < end))

        return rows_of

    def _path(self, camera: Camera) -> Path:
        name = self._pattern.replace("{camera}", camera.id)
        for path in (camera.folder / name, Path(name)):
            if path.is_file():
                return path
        raise InputError(
            camera.folder / name,
            f"a file of detections for camera {camera.id}",
            "no such file",
            "Set detect.recorded, e.g. --set detect.recorded=det/det_yolo3.txt ({camera} stands for the camera id).",
        )
