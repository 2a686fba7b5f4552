"""Folders in, scenes out.

A scene is read from an AI City / CityFlow folder (``S06/c041/vdo.avi``) or from a plain folder of videos
(``cam1.mp4``, ``cam2.mp4``, ...), either with an optional ``scene.toml``::

    name = "junction"
    origin = [42.4987, -90.6864]      # latitude, longitude of the common plane's zero; default: the middle of the cameras

    [cameras.cam1]
    video = "north.mp4"               # default: the video named cam1
    offset_s = 1.64                   # start of the video on the common clock
    fps = 10.0                        # where the file says something wrong
    roi = "cam1_roi.png"              # white = look here
    calibration = "cam1.txt"          # homography from ground to pixel
    ground = "metres"                 # what the calibration maps from: "gps" (default, lat lon) or "metres" (east north)
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtmc.calibration import Calibration, numbers, read_calibration, read_text
from mtmc.errors import ConfigError, InputError
from mtmc.geometry import EARTH_RADIUS_M, inverse, project
from mtmc.scene import Camera, Recording, Scene
from mtmc.video.packets import read_packets

VIDEO_SUFFIXES = frozenset(
    [".avi", ".mp4", ".mkv", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".mts", ".wmv", ".flv", ".3gp", ".ogv"]
)

KNOWN_FPS: Mapping[tuple[str, str], float] = {("S03", "c015"): 8.0}
"""Cameras of CityFlow whose rate is published and differs from the 10 fps of the others (data set ReadMe)."""

CAMERA_KEYS = frozenset({"video", "offset_s", "fps", "roi", "calibration", "ground"})


ReadRecording = Callable[[Path], Recording]
"""From a video file to its packet index; a run's own keeps them (``mtmc.store``)."""


# --- reading ---------------------------------------------------------------------------------------------------------


def read_scene(path: Path | str, read: ReadRecording = read_packets) -> Scene:
    """Read a scene from an AI City folder, a folder of videos, or one video file; ``read`` gives a file's packet index.

    Raises InputError where the folder, a video, a mask or a calibration cannot be used, ConfigError for a bad ``scene.toml``.
    """
    folder = Path(path)
    videos = find_videos(folder)
    settings = _read_settings(folder if folder.is_dir() else folder.parent)
    videos = _choose_videos(folder, videos, settings["cameras"])
    folder = _scenario(folder) if folder.is_dir() else folder.parent
    offsets = _read_offsets(folder)
    cameras = {}
    for camera_id, video in videos.items():
        camera = read_camera(camera_id, video, folder.name, read)
        camera = _with_offset(camera, offsets)
        cameras[camera_id] = _with_settings(camera, folder, settings["cameras"].get(camera_id, {}))
    return _on_one_plane(Scene(settings.get("name", folder.resolve().name), cameras, settings.get("origin"), folder))


def find_videos(path: Path) -> dict[str, Path]:
    """Camera id to video file, sorted, of a scene folder. Raises InputError where there is none."""
    if not path.exists():
        raise InputError(path, "a folder of camera videos", "nothing", "Check the path given to --videos.")
    if path.is_file():
        return {path.stem: path}
    path = _scenario(path)
    found = {video.parent.name: video for video in sorted(path.glob("*/vdo.*")) if _is_video(video)}
    found = found or {video.stem: video for video in sorted(path.iterdir()) if _is_video(video)}
    if not found:
        expected = "videos (cam1.mp4, cam2.mp4, ...) or AI City camera folders (c001/vdo.avi)"
        raise InputError(path, expected, "neither", "Point --videos at the folder that holds the cameras of one scene.")
    return dict(sorted(found.items()))


def _is_video(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES


def _scenario(path: Path) -> Path:
    """``path`` itself, or its only scenario (``S01``) if it is a data set's root; several need a choice."""
    if any(_is_video(p) for p in path.glob("*/vdo.*")) or any(_is_video(p) for p in path.iterdir()):
        return path
    inner = sorted(
        {p.parents[1] for pattern in ("*/*/vdo.*", "*/*/*/vdo.*") for p in path.glob(pattern) if _is_video(p)}
    )
    if len(inner) > 1:
        names = ", ".join(str(p.relative_to(path)) for p in inner[:6])
        raise InputError(
            path, "the cameras of one scenario", f"{len(inner)} scenarios ({names})", f"Name one, such as {inner[0]}."
        )
    return inner[0] if inner else path


def read_camera(camera_id: str, video: Path, scenario: str = "", read: ReadRecording = read_packets) -> Camera:
    """Read a video's packets and the files beside it. Raises InputError for a file that is no video."""
    recording = read(video)
    fps = KNOWN_FPS.get((scenario, camera_id))
    beside = video.parent if video.stem == "vdo" else Path("/nonexistent")
    roi = next((p for p in (beside / "roi.jpg", beside / "roi.png") if p.exists()), None)
    calibration = beside / "calibration.txt"
    return Camera(
        camera_id,
        video,
        fps or recording.fps,
        len(recording),
        recording.size,
        calibration=read_calibration(calibration) if calibration.exists() else None,
        roi_path=roi,
        times_s=None if fps or recording.constant else recording.times_s,
        recordings=(recording,),
    )


# --- one ground plane ------------------------------------------------------------------------------------------------


def _on_one_plane(scene: Scene) -> Scene:
    """Give every calibrated camera its pixel-to-metres homography about one origin, the middle of the GPS-calibrated views by default."""
    origin = scene.origin
    if origin is None:
        centres = [c for c in map(_view_centre, scene.cameras.values()) if c is not None]
        origin = (
            (math.fsum(c[0] for c in centres) / len(centres), math.fsum(c[1] for c in centres) / len(centres))
            if centres
            else None
        )
    cameras = {
        camera_id: replace(camera, image_to_ground=_image_to_ground(camera.calibration, origin))
        for camera_id, camera in scene.cameras.items()
    }
    return replace(scene, cameras=cameras, origin=origin)


def _view_centre(camera: Camera) -> tuple[float, float] | None:
    """(lat, lon) of the ground at three quarters of the image height, a point that surely is ground."""
    if camera.calibration is None or not camera.calibration.gps:
        return None
    width, height = camera.size
    lat, lon = project(inverse(camera.calibration.ground_to_image), np.array([[width / 2, 0.75 * height]]))[0]
    return float(lat), float(lon)


def _image_to_ground(calibration: Calibration | None, origin: tuple[float, float] | None) -> NDArray[np.float64] | None:
    if calibration is None:
        return None
    to_ground = inverse(calibration.ground_to_image)
    if not calibration.gps or origin is None:
        return to_ground
    lat, lon = origin
    per_degree = math.radians(EARTH_RADIUS_M)
    east = per_degree * math.cos(math.radians(lat))
    to_metres = np.array([[0.0, east, -east * lon], [per_degree, 0.0, -per_degree * lat], [0.0, 0.0, 1.0]])
    return np.asarray(to_metres @ to_ground, np.float64)


# --- offsets and scene.toml ------------------------------------------------------------------------------------------


def _read_offsets(folder: Path) -> dict[str, float]:
    """Camera id to start offset from ``cam_timestamp/<scenario>.txt`` in the folder or up to two levels above; {} without one."""
    name = folder.resolve().name
    for above in (folder, folder.resolve().parent, folder.resolve().parent.parent):
        path = above / "cam_timestamp" / f"{name}.txt"
        if path.exists():
            return read_timestamps(path)
    return {}


def read_timestamps(path: Path) -> dict[str, float]:
    """Offsets in seconds by camera id, lines like ``c001 1.640``. Raises InputError with the line."""
    offsets = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        values = numbers(" ".join(words[1:]), f"{path}:{number}")
        if len(values) != 1:
            raise InputError(
                f"{path}:{number}",
                "a camera and its offset in seconds (c001 1.640)",
                f"{line.strip()!r}",
                "Correct the line.",
            )
        offsets[words[0]] = float(values[0])
    return offsets


def _with_offset(camera: Camera, offsets: dict[str, float]) -> Camera:
    return replace(camera, offset_s=offsets[camera.id], offset_known=True) if camera.id in offsets else camera


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / "scene.toml"
    if not path.exists():
        return {"cameras": {}}
    try:
        settings = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, "TOML", str(error), "Correct the file.") from error
    _known(path, settings, frozenset({"name", "origin", "cameras"}))
    for camera_id, entry in settings.setdefault("cameras", {}).items():
        _known(f"{path}: cameras.{camera_id}", entry, CAMERA_KEYS)
    if "origin" in settings:
        settings["origin"] = _origin(path, settings["origin"])
    return settings


def _origin(path: Path, value: object) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(v, int | float) for v in value):
        return float(value[0]), float(value[1])
    raise ConfigError(f"{path}: origin", "[latitude, longitude]", repr(value), "Correct the line.")


def _known(where: object, entry: Mapping[str, Any], keys: frozenset[str]) -> None:
    unknown = sorted(set(entry) - keys)
    if unknown:
        raise ConfigError(
            where, f"keys out of {', '.join(sorted(keys))}", repr(unknown[0]), "Correct or remove the key."
        )


def _choose_videos(folder: Path, videos: dict[str, Path], entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Path]:
    """Videos under the names that ``scene.toml`` gives them; a file claimed by an entry loses its own name."""
    named = {camera_id: folder / entry["video"] for camera_id, entry in entries.items() if "video" in entry}
    unclaimed = {
        camera_id: video
        for camera_id, video in videos.items()
        if video not in named.values() and camera_id not in named
    }
    chosen = dict(sorted({**unclaimed, **named}.items()))
    missing = sorted(set(entries) - set(chosen))
    if missing:
        raise ConfigError(
            folder / "scene.toml",
            f"cameras out of {', '.join(chosen)}",
            repr(missing[0]),
            "Rename the entry or give its video.",
        )
    return chosen


def _with_settings(camera: Camera, folder: Path, entry: Mapping[str, Any]) -> Camera:
    where = f"{folder / 'scene.toml'}: cameras.{camera.id}"
    changes: dict[str, Any] = {}
    if "offset_s" in entry:
        changes |= {"offset_s": _checked(where, "offset_s", entry["offset_s"], math.isfinite), "offset_known": True}
    if "fps" in entry:
        changes |= {"fps": _checked(where, "fps", entry["fps"], lambda value: value > 0), "times_s": None}
    if "roi" in entry:
        changes["roi_path"] = folder / str(entry["roi"])
    if "calibration" in entry or "ground" in entry:
        path = folder / str(entry["calibration"]) if "calibration" in entry else camera.folder / "calibration.txt"
        ground = entry.get("ground", "gps")
        if ground not in ("gps", "metres"):
            raise ConfigError(where, 'ground = "gps" or "metres"', repr(ground), "Correct the value.")
        changes["calibration"] = read_calibration(path, gps=ground == "gps")
    return replace(camera, **changes)


def _checked(where: str, key: str, value: object, fits: Callable[[float], bool]) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and fits(value):
        return float(value)
    raise ConfigError(where, f"a usable number for {key}", repr(value), "Correct the value.")
