"""A run's vehicles as annotations of its videos: MOTChallenge with classes, CVAT for video, COCO with tracks.

Ids are the vehicles', so that they agree over cameras; classes are numbered from 1 as in ``LABELS``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from mtmc.files.atomic import replacing
from mtmc.geometry import areas, xyxy_to_xywh
from mtmc.scene import Camera, Scene
from mtmc.store import Run
from mtmc.structures import LABELS, Tracklet

Seen = list[tuple[int, Tracklet]]
"""(vehicle id, tracklet) of one camera, pieces of a vehicle joined."""


def write_motchallenge(run: Run, out: Path) -> list[Path]:
    """A folder per camera: ``gt/gt.txt`` (frame, id, left, top, width, height, score, class, visibility), frames from
    1, and ``gt/labels.txt`` with the classes' names, one a line."""
    written = []
    for camera, seen in cameras_of(run):
        rows = [
            np.column_stack([t.frames + 1, np.full(len(t), vehicle), xyxy_to_xywh(t.xyxy), t.scores,
                             np.full(len(t), t.label + 1), np.ones(len(t))])
            for vehicle, t in seen
        ]  # fmt: skip
        table = np.concatenate([np.zeros((0, 9)), *rows])
        table = table[np.lexsort((table[:, 1], table[:, 0]))]
        path = out / camera.id / "gt" / "gt.txt"
        with replacing(path) as temporary:
            np.savetxt(temporary, table, fmt="%d,%d,%.2f,%.2f,%.2f,%.2f,%.4f,%d,%d")
        with replacing(path.with_name("labels.txt")) as temporary:
            temporary.write_text("".join(f"{label}\n" for label in LABELS))
        written.append(path)
    return written


def write_cvat(run: Run, out: Path) -> list[Path]:
    """A file per camera in CVAT's own form for videos (1.1), frames from 0: each vehicle a track with its id as an
    attribute, shown in every frame that has a box of it."""
    written = []
    for camera, seen in cameras_of(run):
        root = ET.Element("annotations")
        ET.SubElement(root, "version").text = "1.1"
        _cvat_task(root, camera)
        for number, (vehicle, tracklet) in enumerate(seen):
            _cvat_track(root, number, vehicle, tracklet, camera.frame_count)
        ET.indent(root)
        with replacing(out / f"{camera.id}.xml") as temporary:
            ET.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)
        written.append(out / f"{camera.id}.xml")
    return written


def _cvat_task(root: ET.Element, camera: Camera) -> None:
    task = ET.SubElement(ET.SubElement(root, "meta"), "task")
    for name, value in (("name", camera.id), ("size", camera.frame_count), ("mode", "interpolation")):
        ET.SubElement(task, name).text = str(value)
    size = ET.SubElement(task, "original_size")
    for name, value in zip(("width", "height"), camera.size, strict=True):
        ET.SubElement(size, name).text = str(value)
    labels = ET.SubElement(task, "labels")
    for name in LABELS:
        label = ET.SubElement(labels, "label")
        ET.SubElement(label, "name").text = name
        attribute = ET.SubElement(ET.SubElement(label, "attributes"), "attribute")
        for key, text in (
            ("name", "vehicle_id"),
            ("mutable", "False"),
            ("input_type", "number"),
            ("values", "0;999999;1"),
        ):
            ET.SubElement(attribute, key).text = text


def _cvat_track(root: ET.Element, number: int, vehicle: int, tracklet: Tracklet, frame_count: int) -> None:
    track = ET.SubElement(root, "track", id=str(number), label=LABELS[tracklet.label], source="auto")
    frames = tracklet.frames.tolist()
    for place, (frame, box) in enumerate(zip(frames, tracklet.xyxy.tolist(), strict=True)):
        _cvat_box(track, frame, box, vehicle, outside=False)
        if frame + 1 < frame_count and frames[place + 1 : place + 2] != [frame + 1]:
            _cvat_box(track, frame + 1, box, vehicle, outside=True)


def _cvat_box(track: ET.Element, frame: int, box: list[float], vehicle: int, *, outside: bool) -> None:
    places = {name: f"{value:.2f}" for name, value in zip(("xtl", "ytl", "xbr", "ybr"), box, strict=True)}
    flags = {"frame": str(frame), "outside": str(int(outside)), "occluded": "0", "keyframe": "1", "z_order": "0"}
    element = ET.SubElement(track, "box", {**flags, **places})
    ET.SubElement(element, "attribute", name="vehicle_id").text = str(vehicle)


def write_coco(run: Run, out: Path) -> list[Path]:
    """One file: ``videos`` (cameras), ``images`` (frames with boxes; ``file_name`` camera/000001.jpg, ``frame_id`` from
    0), ``annotations`` with ``track_id`` the vehicle, ``categories`` as in ``LABELS`` from 1."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    videos = []
    for video_id, (camera, seen) in enumerate(cameras_of(run), start=1):
        videos.append(
            {"id": video_id, "name": camera.id, "width": camera.size[0], "height": camera.size[1], "fps": camera.fps}
        )
        images += _coco_images(camera, video_id, seen, len(images))
        number = {image["frame_id"]: image["id"] for image in images if image["video_id"] == video_id}
        for vehicle, tracklet in seen:
            annotations += _coco_boxes(vehicle, tracklet, number, len(annotations))
    categories = [{"id": number, "name": name} for number, name in enumerate(LABELS, start=1)]
    about = {"description": f"vehicles of {run.folder.name} by mtmc", "frame_base": 0}
    document = {"info": about, "videos": videos, "images": images, "annotations": annotations, "categories": categories}
    with replacing(out) as temporary:
        temporary.write_text(json.dumps(document, separators=(",", ":")))
    return [out]


def _coco_images(camera: Camera, video_id: int, seen: Seen, before: int) -> list[dict[str, Any]]:
    frames = np.unique(np.concatenate([np.zeros(0, np.int64), *(t.frames for _, t in seen)])).tolist()
    width, height = camera.size
    return [
        {"id": before + n, "file_name": f"{camera.id}/{frame + 1:06d}.jpg", "width": width, "height": height,
         "video_id": video_id, "frame_id": frame, "time_s": round(float(camera.time_s(frame)), 4)}
        for n, frame in enumerate(frames, start=1)
    ]  # fmt: skip


def _coco_boxes(vehicle: int, tracklet: Tracklet, number: dict[int, int], before: int) -> Iterator[dict[str, Any]]:
    xywh, area = np.round(xyxy_to_xywh(tracklet.xyxy), 2).tolist(), np.round(areas(tracklet.xyxy), 2).tolist()
    for n, frame in enumerate(tracklet.frames.tolist()):
        yield {
            "id": before + n + 1, "image_id": number[frame], "category_id": tracklet.label + 1, "bbox": xywh[n],
            "area": area[n], "iscrowd": 0, "segmentation": [], "track_id": vehicle,
            "score": round(float(tracklet.scores[n]), 4),
        }  # fmt: skip


def cameras_of(run: Run) -> Iterator[tuple[Camera, Seen]]:
    """Each camera of the run's scene with what was seen in it."""
    scene: Scene = run.scene
    vehicles = run.vehicles()
    for camera in scene.cameras.values():
        parts = [(v.vehicle_id, [t for t in v.tracklets if t.camera_id == camera.id]) for v in vehicles]
        yield camera, [(vehicle_id, joined(vehicle_id, tracklets)) for vehicle_id, tracklets in parts if tracklets]


def joined(vehicle_id: int, parts: list[Tracklet]) -> Tracklet:
    """A vehicle's pieces in one camera as one tracklet with the vehicle's id."""
    order = np.argsort(np.concatenate([t.frames for t in parts]), kind="stable")
    frames, xyxy, scores = (
        np.concatenate([getattr(t, name) for t in parts])[order] for name in ("frames", "xyxy", "scores")
    )
    return Tracklet(parts[0].camera_id, vehicle_id, frames, xyxy, scores, max(parts, key=len).label)
