"""Folders in, scenes out.

    file_names   what recorders write into file names     scene_file   scene.toml
    files        which files are whose recordings         clocks       when each frame was
    ground       from pixels to metres

A scene is an AI City / CityFlow folder (``S06/c041/vdo.avi``), a folder of videos (``cam1.mp4``, ``cam2.mp4``, ... or,
as recorders cut them, ``cam1_20240501_070000.mp4`` and so on), a folder per camera with its recordings or pictures
(``img1/000001.jpg``), or one video. Beside it, or not, a ``scene.toml``::

    name = "junction"
    origin = [42.4987, -90.6864]  # latitude, longitude of the common plane's zero; default: the middle of the cameras
    pattern = '(?P<camera>\\w+?)-(?P<time>\\d{12})'  # how file names tell camera and start, if in another way
    time_format = "%y%m%d%H%M%S"

    [cameras.cam1]
    video = "north.mp4"               # default: by its name; a list, or north/*.mp4, for files that follow each other
    start = 2026-05-01T07:00:00+02:00 # of the first frame, by the clock
    offset_s = 1.64                   # or the start in seconds on the scene's clock
    fps = 10.0                        # where the file says something wrong
    roi = "cam1_roi.png"              # white = look here
    calibration = "cam1.txt"          # homography from ground to pixel
    ground = "metres"               # what the calibration maps from: "gps" (default, lat lon) or "metres" (east north)
    zones.north = [[0.1, 0.2], [0.3, 0.2]]  # entries and exits for traffic, as fractions of the image: a line to cross,
    zones.yard = [[0.6, 0.5], [0.9, 0.5], [0.9, 0.9]]  # or a polygon to enter; without any they are learned

    [[cameras.cam2.recordings]]       # or each file with its start
    video = "b.mp4"
    start = 2026-05-01T07:15:00+02:00
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.calibration import read_calibration
from mtmc.errors import InputError
from mtmc.files import lies_there, to_path
from mtmc.scene import Camera, Recording, Scene
from mtmc.scene_reader.clocks import (
    InputParams,
    first_start,
    joined_times,
    looked_at,
    on_one_clock,
    place,
    read_offsets,
)
from mtmc.scene_reader.file_names import check_camera_id
from mtmc.scene_reader.files import Found, Source, find_sources, in_order
from mtmc.scene_reader.ground import on_one_plane
from mtmc.scene_reader.scene_file import FILE, CameraEntry, SceneFile, read_scene_file, unknown_camera
from mtmc.video.packets import read_packets
from mtmc.video.pictures import read_picture_folder

__all__ = ["InputParams", "find_recordings", "read_camera", "read_scene"]

KNOWN_FPS: Mapping[tuple[str, str], float] = {("S03", "c015"): 8.0}
"""Cameras of CityFlow whose rate is published and differs from the 10 fps of the others (data set ReadMe)."""

ReadRecording = Callable[[Path], Recording]
"""From a video file to its packet index; a run's own keeps them (``mtmc.store``)."""

logger = logging.getLogger(__name__)


def read_scene(path: Path | str, read: ReadRecording = read_packets, params: InputParams | None = None) -> Scene:
    """Read a scene from a folder or one video file; ``read`` gives a video file's packet index.

    Raises InputError where the folder, a video, a mask or a calibration cannot be used, ConfigError for a bad
    ``scene.toml``.
    """
    params = params or InputParams()
    found, said = find_recordings(to_path(path))
    told, offsets = read_offsets(found.folder)
    starts: dict[str, datetime | None] = {}
    cameras = {}
    for camera_id, source in found.sources.items():
        entry = said.cameras.get(camera_id, CameraEntry())
        fps = entry.fps or KNOWN_FPS.get((found.folder.name, camera_id))
        camera, start = _camera(camera_id, source, fps, params.fps, read)
        if camera_id in offsets:
            camera = replace(camera, offset_s=offsets[camera_id], offset_known=True)
        cameras[camera_id] = _with_entry(camera, found.folder, entry)
        starts[camera_id] = entry.start or start
    strangers = sorted(set(offsets) - set(cameras))
    if strangers:
        logger.warning("%s names %s, which is no camera here", told, ", ".join(strangers))
    origin = None if said.origin is None else (said.origin[0], said.origin[1])
    scene = Scene(said.name or found.folder.resolve().name, cameras, origin, found.folder)
    return on_one_plane(looked_at(on_one_clock(scene, starts), params))


def find_recordings(path: Path) -> tuple[Found, SceneFile]:
    """A scene's cameras with their files, as ``scene.toml`` and the file names tell them, and what that file says.

    Raises InputError where there is no video, ConfigError for a bad ``scene.toml``.
    """
    said = read_scene_file(path if path.is_dir() else path.parent)
    where = (path if path.is_dir() else path.parent) / FILE
    listed = {c: _listed(path, c, entry, said, where) for c, entry in said.cameras.items() if entry.files()}
    taken = {file for source in listed.values() for file in source.files}
    found = find_sources(path, lambda stem: said.name_of(stem, where), frozenset(taken), frozenset(said.cameras))
    sources = dict(sorted({**found.sources, **listed}.items()))
    for camera_id in sources:
        check_camera_id(camera_id, where if camera_id in said.cameras else found.folder)
    if not sources:
        expected = "videos (cam1.mp4, cam2.mp4, ...), a folder per camera, or AI City camera folders (c001/vdo.avi)"
        raise InputError(path, expected, "neither", "Point --videos at the folder that holds the cameras of one scene.")
    strangers = sorted(set(said.cameras) - set(sources))
    if strangers:
        raise unknown_camera(where, strangers[0], list(sources))
    return Found(found.folder, sources, [one for one in found.left_out if one[0] not in taken]), said


def _listed(path: Path, camera_id: str, entry: CameraEntry, said: SceneFile, where: Path) -> Source:
    """The files that ``scene.toml`` names for a camera, in its order; those of a pattern in theirs."""
    folder = path if path.is_dir() else path.parent
    files: list[tuple[Path, datetime | None]] = []
    for one in entry.files():
        matches = sorted(folder.glob(one.video)) if "*" in one.video else [folder / one.video]
        missing = [match for match in matches if not match.exists()]
        if missing or not matches:
            found = f"no file {one.video}"
            raise InputError(f"{where}: cameras.{camera_id}", "files that are there", found, "Correct the name.")
        files += [(match, one.start or said.name_of(match.stem, where).start) for match in matches]
    if len(entry.files()) == 1 and len(files) > 1:
        return in_order(files)
    return Source(tuple(file for file, _ in files), tuple(start for _, start in files))


def read_camera(camera_id: str, video: Path, read: ReadRecording = read_packets) -> Camera:
    """Read one video's packets and the files beside it. Raises InputError for a file that is no video."""
    return _camera(camera_id, Source((video,), (None,)), None, None, read)[0]


def _camera(
    camera_id: str, source: Source, fps: float | None, picture_fps: float | None, read: ReadRecording
) -> tuple[Camera, datetime | None]:
    """A camera of its recordings, and its start by the clock; at ``fps`` whatever the files say, if given."""
    recordings = tuple(
        read_picture_folder(path, fps or picture_fps) if path.is_dir() else read(path) for path in source.files
    )
    placed = place(recordings, source.starts, fps)
    first = recordings[0]
    camera = Camera(
        camera_id,
        first.path,
        fps or first.fps,
        sum(map(len, recordings)),
        first.size,
        times_s=joined_times(recordings, placed, fps),
        recordings=recordings,
        starts_s=tuple(placed.tolist()),
    )
    return replace(camera, **_beside(camera)), first_start(source.starts, placed)


def _beside(camera: Camera) -> dict[str, Any]:
    """Mask and calibration that lie in a camera's own folder (AI City)."""
    if camera.video.stem != "vdo":
        return {}
    roi = next((p for p in (camera.folder / "roi.jpg", camera.folder / "roi.png") if lies_there(p)), None)
    calibration = camera.folder / "calibration.txt"
    return {"roi_path": roi, "calibration": read_calibration(calibration) if lies_there(calibration) else None}


def _with_entry(camera: Camera, folder: Path, entry: CameraEntry) -> Camera:
    changes: dict[str, Any] = {"zones": tuple((name, np.array(zone)) for name, zone in entry.zones.items())}
    if entry.offset_s is not None:
        changes |= {"offset_s": entry.offset_s, "offset_known": True}
    if entry.roi is not None:
        changes["roi_path"] = folder / entry.roi
    if entry.calibration is not None or entry.ground is not None:
        path = folder / entry.calibration if entry.calibration is not None else camera.folder / "calibration.txt"
        changes["calibration"] = read_calibration(path, gps=entry.ground != "metres")
    return replace(camera, **changes)
