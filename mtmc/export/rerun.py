"""A run for the rerun viewer (``.rrd``): every camera's video with boxes of its vehicles on one clock, and the vehicles
on the map where cameras are calibrated.

    cameras/<camera>/video     the clean web video of the run, if there is one
    cameras/<camera>/boxes     boxes by frame, class = vehicle
    map/<vehicle>              where it stands

Timelines: ``time`` in seconds of the scene's clock, ``<camera>/frame`` from 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mtmc.errors import InputError, require
from mtmc.export.annotations import Seen, cameras_of
from mtmc.files.atomic import replacing
from mtmc.geometry import bottom_centres, metres_to_gps
from mtmc.report.colours import colour_of
from mtmc.scene import Camera, Scene
from mtmc.store import Run
from mtmc.structures import LABELS, Double, Float, GlobalTrack, Int, Long

if TYPE_CHECKING:
    import rerun

TIME = "time"
CLASSES = 2**16
"""Rerun numbers classes by sixteen bits: ids of vehicles beyond begin anew."""
MAP_RADIUS = -6.0
"""Below zero: points of the screen, not metres."""
SEEN_S = 0.5
"""A vehicle vanishes from the map so long after it was last seen."""


def write_rerun(run: Run, out: Path) -> list[Path]:
    """One recording. Raises InstallError's sentence where rerun is missing, InputError for a web video that is none."""
    require("rerun")
    import rerun

    scene, vehicles = run.scene, run.vehicles()
    recording = rerun.RecordingStream("mtmc", recording_id=f"{scene.name}-{run.folder.name}")
    with replacing(out) as temporary:
        recording.save(temporary)
        recording.log("/", _names(vehicles), static=True)
        for camera, seen in cameras_of(run):
            size = _send_video(recording, camera, run.folder / "video" / "web" / f"{camera.id}.mp4")
            _send_boxes(recording, camera, seen, size)
        for vehicle in vehicles:
            _send_way(recording, vehicle, scene)
        recording.flush()
        recording.disconnect()
    return [out]


def _names(vehicles: list[GlobalTrack]) -> Any:
    """Name and colour of each vehicle: the colours of the results page."""
    import rerun

    kinds = {v.vehicle_id: LABELS[max(v.tracklets, key=len).label] for v in vehicles}
    return rerun.AnnotationContext([(n % CLASSES, f"{n} {kind}", colour_of(n)[::-1]) for n, kind in kinds.items()])


def _send_video(recording: rerun.RecordingStream, camera: Camera, path: Path) -> tuple[int, int]:
    """The camera's pictures, each at its own time; their (width, height), the camera's own without a video."""
    import rerun

    if not path.exists():
        return camera.size
    video = cv2.VideoCapture(str(path))
    size = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    video.release()
    if min(size) < 1:
        raise InputError(path, "the camera's web video", "a damaged file", "Delete it and run `mtmc report RUN`.")
    asset = rerun.AssetVideo(path=path)
    stamps = np.asarray(asset.read_frame_timestamps_nanos())
    place = f"cameras/{camera.id}/video"
    recording.log(place, asset, static=True)
    times = camera.time_s(camera.frames[0]) + (stamps - stamps[:1]) / 1e9
    columns = rerun.VideoFrameReference.columns_nanos(stamps)
    recording.send_columns(place, [rerun.TimeColumn(TIME, duration=times)], columns)
    return size


def _send_boxes(recording: rerun.RecordingStream, camera: Camera, seen: Seen, size: tuple[int, int]) -> None:
    """Boxes of every frame that was looked at, none where there are none, in pixels of pictures of ``size``."""
    import rerun

    frames, vehicle, xyxy = _by_frame(seen)
    looked = np.union1d(camera.frames, frames)
    lengths = np.diff(np.searchsorted(frames, [*looked, np.iinfo(np.int32).max]))
    scaled = xyxy * np.tile(np.array(size) / np.array(camera.size), 2)
    boxes = rerun.Boxes2D.columns(
        centers=(scaled[:, :2] + scaled[:, 2:]) / 2,
        half_sizes=(scaled[:, 2:] - scaled[:, :2]) / 2,
        class_ids=vehicle % CLASSES,
    )
    times = [
        rerun.TimeColumn(TIME, duration=camera.time_s(looked)),
        rerun.TimeColumn(f"{camera.id}/frame", sequence=looked),
    ]
    recording.send_columns(f"cameras/{camera.id}/boxes", times, boxes.partition(lengths))


def _by_frame(seen: Seen) -> tuple[Int, Long, Float]:
    """Frames, vehicles and boxes of all that a camera saw, by frame."""
    frames = np.concatenate([np.zeros(0, np.int32), *(t.frames for _, t in seen)])
    xyxy = np.concatenate([np.zeros((0, 4), np.float32), *(t.xyxy for _, t in seen)])
    vehicle = np.repeat(np.array([v for v, _ in seen], np.int64), [len(t) for _, t in seen])
    order = np.argsort(frames, kind="stable")
    return frames[order], vehicle[order], xyxy[order]


def _send_way(recording: rerun.RecordingStream, vehicle: GlobalTrack, scene: Scene) -> None:
    """A vehicle on the map, where its cameras are calibrated in latitude and longitude."""
    import rerun

    if scene.origin is None:
        return
    places, times = [np.zeros((0, 2))], [np.zeros(0)]
    for tracklet in vehicle.tracklets:
        camera = scene.cameras[tracklet.camera_id]
        metres: Double = camera.ground_points(bottom_centres(tracklet.xyxy))
        known = np.isfinite(metres).all(axis=1)
        places.append(metres_to_gps(metres[known], scene.origin))
        times.append(camera.time_s(tracklet.frames[known]))
    gps, seconds = np.concatenate(places), np.concatenate(times)
    if len(gps) == 0:
        return
    order = np.argsort(seconds, kind="stable")
    number, radius = np.full(len(gps), vehicle.vehicle_id % CLASSES), np.full(len(gps), MAP_RADIUS)
    points = rerun.GeoPoints.columns(positions=gps[order], class_ids=number, radii=radius)
    clock = rerun.TimeColumn(TIME, duration=[*seconds[order], seconds.max() + SEEN_S])
    recording.send_columns(f"map/{vehicle.vehicle_id}", [clock], points.partition([1] * len(gps) + [0]))
