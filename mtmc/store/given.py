"""What a run was given instead of making it: tables of tracks that were made elsewhere, in ``given.json``.

A scene without videos is known from there alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mtmc.atomic import write_json
from mtmc.errors import StoreError
from mtmc.scene import Camera, Scene

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
    if not path.is_file():
        return None
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Given(str(stored["tracks"]), tuple(stored["stages"]), _scene(stored["scene"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(path, "what `mtmc link` wrote", str(error), "Run `mtmc link` again.") from error


def _told(scene: Scene | None) -> dict[str, Any] | None:
    if scene is None:
        return None
    cameras = {c.id: {name: getattr(c, name) for name in TOLD} for c in scene.cameras.values()}
    zero = None if scene.clock_zero is None else scene.clock_zero.isoformat()
    return {"name": scene.name, "folder": str(scene.folder), "clock_zero": zero, "cameras": cameras}


def _scene(told: Mapping[str, Any] | None) -> Scene | None:
    if told is None:
        return None
    folder, zero = Path(told["folder"]), told["clock_zero"]
    cameras = {
        camera_id: Camera(camera_id, folder / camera_id, **{**facts, "size": tuple(facts["size"])})
        for camera_id, facts in told["cameras"].items()
    }
    return Scene(told["name"], cameras, None, folder, None if zero is None else datetime.fromisoformat(zero))
