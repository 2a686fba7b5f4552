"""A picture of each camera to draw flows on, as far as it may be seen."""

from __future__ import annotations

from mtmc.errors import UserError
from mtmc.report import ReportParams
from mtmc.report.privacy import Veil, promised
from mtmc.scene import Scene
from mtmc.store import Run
from mtmc.structures import Image
from mtmc.video import Video


def background_pictures(run: Run, scene: Scene) -> dict[str, Image]:
    """The middle frame of each camera under the run's veil; none of cameras whose video is gone."""
    hide = promised(run, ReportParams.model_validate(run.settings["config"]["report"]).hide)
    veil, pictures = Veil.of(run, scene, hide), {}
    for camera in scene.cameras.values():
        frame = int(camera.frames[len(camera.frames) // 2])
        try:
            _, image = next(iter(Video(camera).at([frame])))
        except (UserError, StopIteration):
            continue
        pictures[camera.id] = veil.shown(camera.id, frame, image)
    return {} if hide == "pictures" else pictures
