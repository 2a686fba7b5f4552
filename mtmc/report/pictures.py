"""Two pictures of a finished run: its busiest instant, and the vehicles that several cameras saw, crop by crop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.files.atomic import writing
from mtmc.report.colours import colour_of
from mtmc.report.paint import tag
from mtmc.report.privacy import Veil
from mtmc.store import Run
from mtmc.structures import GlobalTrack, Tracklet
from mtmc.video import Video

Image = NDArray[np.uint8]

TILE_PX = (150, 112)
CROPS_PER_TRACKLET = 2
COLUMNS = 8
ROWS = 16


def draw_pictures(run: Run, veil: Veil) -> None:
    """Write ``mosaic.png`` (of a run with its videos) and ``vehicles.png`` into the run folder, as far as ``veil`` lets
    see."""
    pictures = {
        "mosaic.png": middle_frame(run.folder / "video" / "mosaic.mp4"),
        "vehicles.png": contact_sheet(run, veil),
    }
    for name, picture in pictures.items():
        with writing(run.folder / name):
            (run.folder / name).write_bytes(cv2.imencode(".png", picture)[1].tobytes())


def middle_frame(path: Path) -> Image:
    """The frame half way through a video."""
    video = cv2.VideoCapture(str(path))
    video.set(cv2.CAP_PROP_POS_FRAMES, video.get(cv2.CAP_PROP_FRAME_COUNT) // 2)
    return np.asarray(video.read()[1], np.uint8)


def contact_sheet(run: Run, veil: Veil) -> Image:
    """One row per vehicle that several cameras saw, the longest seen first: crops in the order of the cameras."""
    shared = sorted((v for v in run.vehicles() if len(v.cameras) > 1), key=lambda v: -sum(len(t) for t in v.tracklets))
    wanted = {v.vehicle_id: boxes_of(v) for v in shared[:ROWS]}
    crops = cut(run, [box for boxes in wanted.values() for box in boxes], veil)
    rows = [row(vehicle_id, [crops[box] for box in boxes]) for vehicle_id, boxes in wanted.items()]
    return np.vstack(rows) if rows else blank(1)


Box = tuple[str, int, tuple[float, ...]]
"""Camera id, frame, xyxy."""


def boxes_of(vehicle: GlobalTrack) -> list[Box]:
    """The boxes that stand for a vehicle, by camera."""
    tracklets = sorted(vehicle.tracklets, key=lambda t: (t.camera_id, int(t.frames[0])))
    return [box for tracklet in tracklets for box in largest(tracklet)][:COLUMNS]


def largest(tracklet: Tracklet) -> list[Box]:
    """The largest boxes of the two halves of a tracklet's life."""
    area = (tracklet.xyxy[:, 2] - tracklet.xyxy[:, 0]) * (tracklet.xyxy[:, 3] - tracklet.xyxy[:, 1])
    halves = [part for part in np.array_split(np.arange(len(tracklet)), CROPS_PER_TRACKLET) if len(part)]
    chosen = [int(part[np.argmax(area[part])]) for part in halves]
    return [(tracklet.camera_id, int(tracklet.frames[k]), tuple(tracklet.xyxy[k].tolist())) for k in chosen]


def cut(run: Run, boxes: Sequence[Box], veil: Veil) -> dict[Box, Image]:
    """The pixels of boxes, with the camera's name, each video read once."""
    found: dict[Box, Image] = {}
    for camera in run.scene.cameras.values():
        mine = [box for box in boxes if box[0] == camera.id]
        for frame, image in Video(camera).at([box[1] for box in mine]) if mine else ():
            for box in mine:
                if box[1] == frame:
                    found[box] = tile(veil.shown(camera.id, frame, image), box)
    return found


def tile(image: Image, box: Box) -> Image:
    """A crop on a grey tile of TILE_PX, its aspect kept."""
    left, top, right, bottom = (round(value) for value in box[2])
    crop = image[max(top, 0) : bottom, max(left, 0) : right]
    scale = min(TILE_PX[0] / crop.shape[1], TILE_PX[1] / crop.shape[0])
    crop = np.asarray(
        cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR),
        np.uint8,
    )
    picture = blank(1)
    height, width = min(crop.shape[0], TILE_PX[1]), min(crop.shape[1], TILE_PX[0])
    picture[:height, :width] = crop[:height, :width]
    tag(picture, box[0], (2, TILE_PX[1] - 4), (60, 60, 60), 0.4)
    return picture


def row(vehicle_id: int, tiles: Sequence[Image]) -> Image:
    """A vehicle's tiles behind its number in its colour."""
    head = np.full((TILE_PX[1], 56, 3), colour_of(vehicle_id), np.uint8)
    cv2.putText(head, str(vehicle_id), (6, 62), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2, cv2.LINE_AA)
    return np.hstack([head, *tiles, *[blank(1)] * (COLUMNS - len(tiles))])


def blank(tiles: int) -> Image:
    """Light grey tiles side by side."""
    return np.full((TILE_PX[1], TILE_PX[0] * tiles, 3), 235, np.uint8)
