"""What a run was given instead of making it: tables of tracks that were made elsewhere, in ``given.json``.

A scene without videos is known from there alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtmc.errors import StoreError
from mtmc.files import lies_there, read_json
from mtmc.files.atomic import write_json
from mtmc.scene import Camera, Scene
from mtmc.store.documents import GivenFile, GivenScene

FILE = "given.json"
TOLD = ("fps", "frame_count", "size", "offset_s", "offset_known")


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """source: where the tracks came from; stages: the tables that are not made here; scene: the cameras of tracks
    without videos, None with videos."""

    source: str
    stages: tuple[str, ...]
    scene: Scene | None

    def write(self, folder: Path) -> None:
        """Keep it in the run folder. Raises StoreError."""
        write_json(folder / FILE, {"tracks": self.source, "stages": self.stages, "scene": _told(self.scene)})


def read_given(folder: Path) -> Given | None:
    """What the run of this folder was given; None for one made of videos alone. Raises StoreError for a damaged
    file."""
    path = folder / FILE
    if not lies_there(path):
        return None
    stored = read_json(path, GivenFile, "what `mtmc link` wrote", "Run `mtmc link` again.", error=StoreError)
    return Given(stored.tracks, stored.stages, None if stored.scene is None else _scene(stored.scene))


def _told(scene: Scene | None) -> dict[str, Any] | None:
    if scene is None:
        return None
    cameras = {c.id: {name: getattr(c, name) for name in TOLD} for c in scene.cameras.values()}
    zero = None if scene.clock_zero is None else scene.clock_zero.isoformat()
    return {"name": scene.name, "folder": str(scene.folder), "clock_zero": zero, "cameras": cameras}


def _scene(told: GivenScene) -> Scene:
    folder = Path(told.folder)
    cameras = {
        camera_id: Camera(camera_id, folder / camera_id, **facts.model_dump())
        for camera_id, facts in told.cameras.items()
    }
    return Scene(told.name, cameras, None, folder, told.clock_zero)
