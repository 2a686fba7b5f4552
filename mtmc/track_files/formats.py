"""The field's text files: AI City (9 columns, all cameras) and MOT (one camera), to and from the core types.

Outside: frames from 1, boxes as left, top, width, height. Inside: frames from 0, corners. All errors are InputError
with file and line. Sources: the AI City Challenge's ReadMe (data and submission layout) and MOTChallenge's (arXiv
1603.00831, table 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, RootModel

from mtmc.box_table import Boxes, camera_number
from mtmc.errors import InputError
from mtmc.files import read_json, to_path
from mtmc.files.atomic import replacing, write_json
from mtmc.geometry import clip_boxes, xywh_to_xyxy, xyxy_to_xywh
from mtmc.structures import Detections, GlobalTrack, Tracklet, label_index
from mtmc.track_files.rows import Table, read_table

AICITY = "9 numbers (camera id frame left top width height xworld yworld)"
MOT = "6 to 10 numbers (frame, id, left, top, width, height, confidence, -1, -1, -1)"


def read_aicity(path: Path | str, first_frame: int = 1) -> list[GlobalTrack]:
    """Vehicles of a 9-column file, sorted by id; camera 41 is called ``c041``; frames count from ``first_frame``.

    Raises InputError where a line does not fit, or repeats a camera, id and frame.
    """
    return _as_tracks(read_aicity_boxes(path, first_frame))


def read_aicity_boxes(path: Path | str, first_frame: int = 1) -> Boxes:
    """The rows of a 9-column file (.txt, .zip, .tar.gz; spaces, tabs or commas) as they stand, duplicates too.

    Cameras are called ``c041`` by their number, or as the table beside the file says (``camera_table``). World
    coordinates -1 -1 mean none and become NaN. Raises InputError with file and line.
    """
    table = read_table(to_path(path), 9, 9, AICITY)
    numbers = table.integers(0, "camera", 0)
    found, camera = np.unique(numbers, return_inverse=True)
    names = {number: camera_id for camera_id, number in _read_camera_table(to_path(path)).items()}
    world = table.values[:, 7:9].copy()
    table.reject(~np.isfinite(world.sum(axis=1)), "finite world coordinates", slice(7, 9), "Write -1 -1 for none.")
    world[(world == -1).all(axis=1)] = np.nan
    return Boxes.build(
        [names.get(int(number), f"c{number:03d}") for number in found],
        camera.astype(np.int64),
        table.integers(1, "vehicle", 0),
        table.integers(2, "frame", first_frame) - first_frame,
        table.boxes(3),
        world,
        lines=table.lines,
        sources=[str(path)] * len(found),
    )


def number_cameras(cameras: Sequence[str]) -> dict[str, int]:
    """A number for every camera: that in its id (``c041`` is 41) where all have one of their own, else 1, 2, ... in
    this order."""
    numbers = [camera_number(camera_id) for camera_id in cameras]
    if None in numbers or len(set(numbers)) < len(numbers):
        return {camera_id: place for place, camera_id in enumerate(cameras, start=1)}
    return {camera_id: number for camera_id, number in zip(cameras, numbers, strict=True) if number is not None}


def camera_table(path: Path) -> Path:
    """Where the ids of a submission's cameras stand by number, if they are no numbers themselves:
    ``track3.cameras.json``."""
    return path.with_suffix(".cameras.json")


class CameraNumbers(RootModel[dict[str, NonNegativeInt]]):
    """``track3.cameras.json``."""


def _read_camera_table(path: Path) -> dict[str, int]:
    table = camera_table(path)
    if not table.is_file():
        return {}
    return read_json(table, CameraNumbers, '{"camera id": number, ...}', "Correct it, or take it away.").root


def write_submission(path: Path, parts: Iterable[Iterable[GlobalTrack]], cameras: Sequence[str]) -> None:
    """Write the challenge's file of a scene with these ``cameras`` (ids), numbered by ``number_cameras``, and the table
    of the numbers beside it where the ids do not tell them. Each of the ``parts`` holds what some cameras saw, their
    numbers rising from part to part. Raises StoreError where that cannot be written."""
    numbers, table = number_cameras(cameras), camera_table(path)
    if all(camera_id == f"c{number:03d}" for camera_id, number in numbers.items()):
        table.unlink(missing_ok=True)
    else:
        write_json(table, numbers)
    with replacing(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as file:
        for vehicles in parts:
            np.savetxt(file, _rows(path, vehicles, numbers), fmt="%d")


def write_aicity(path: Path | str, vehicles: Iterable[GlobalTrack], numbers: Mapping[str, int] | None = None) -> None:
    """Write the challenge's submission: space separated, frames from 1, whole pixels at least 1 wide and high, world -1
    -1.

    Rows are sorted by camera, frame and id. A camera's number is the one given, or the digits of its id; raises
    InputError for an id without digits or two cameras of one number, ValueError for a vehicle id below 1.
    """
    np.savetxt(path, _rows(path, vehicles, numbers), fmt="%d")


def _rows(path: Path | str, vehicles: Iterable[GlobalTrack], numbers: Mapping[str, int] | None) -> NDArray[np.int64]:
    boxes = Boxes.from_tracks(vehicles)
    if len(boxes) and boxes.ids.min() < 1:
        raise ValueError(f"vehicle ids must be positive, found {boxes.ids.min()}")
    named = _numbers(path, boxes.cameras) if numbers is None else [numbers[camera_id] for camera_id in boxes.cameras]
    camera = np.array(named, np.int64)[boxes.camera] if len(boxes) else boxes.camera
    pixels = whole_pixels(boxes.xywh).astype(np.int64)
    none = np.full((len(boxes), 2), -1)
    rows = np.concatenate([np.stack([camera, boxes.ids, boxes.frames + 1], axis=1), pixels, none], axis=1)
    order = np.lexsort((boxes.ids, boxes.frames, camera))
    return np.asarray(rows[order], np.int64)


def whole_pixels(xywh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes xywh (N, 4) with their corners rounded to whole pixels, at least 1 wide and high, as a submission holds
    them."""
    near, far = np.rint(xywh[:, :2]), np.rint(xywh[:, :2] + xywh[:, 2:])
    return np.concatenate([near, np.maximum(far - near, 1)], axis=1)


def _numbers(path: Path | str, cameras: Sequence[str]) -> list[int]:
    numbers: dict[int, str] = {}
    for camera_id in cameras:
        number = camera_number(camera_id)
        if number is None:
            raise InputError(path, "cameras with a number in their id", repr(camera_id), "Rename it, to c001 say.")
        if number in numbers:
            found = f"{numbers[number]!r} and {camera_id!r}"
            raise InputError(path, "one camera per number", found, "Rename one of the two.")
        numbers[number] = camera_id
    return list(numbers)


def read_mot_tracks(path: Path | str, camera_id: str, first_frame: int = 1) -> list[Tracklet]:
    """Tracklets of one camera from a MOT file, sorted by track id; a confidence of -1 counts as 1, labels are
    ``vehicle``; frames count from ``first_frame``.

    Raises InputError where a line does not fit or repeats an id and frame.
    """
    table = read_table(to_path(path), 6, 10, MOT)
    boxes = _mot_boxes(table, camera_id, first_frame)
    _reject_duplicates(boxes)
    scores = _confidences(table).astype(np.float32)
    table.reject(~np.isfinite(scores), "a finite confidence in column 7", slice(6, 7), "Correct the line.")
    order = np.lexsort((boxes.frames, boxes.ids))
    starts = np.flatnonzero(np.diff(boxes.ids[order])) + 1
    corners, label = xywh_to_xyxy(boxes.xywh).astype(np.float32), label_index("vehicle")
    return [
        Tracklet(
            camera_id, int(boxes.ids[rows[0]]), boxes.frames[rows].astype(np.int32), corners[rows], scores[rows], label
        )
        for rows in np.split(order, starts)
        if len(rows)
    ]  # fmt: skip


def write_mot_tracks(path: Path | str, tracklets: Iterable[Tracklet]) -> None:
    """Write one camera's tracklets as a MOT file, frames from 1, sorted by frame and id; pixels with two decimals."""
    rows = [
        np.column_stack([t.frames + 1, np.full(len(t), t.track_id), xyxy_to_xywh(t.xyxy), t.scores]) for t in tracklets
    ]
    table = np.concatenate([np.zeros((0, 7)), *rows])
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    np.savetxt(path, table, fmt="%d,%d,%.2f,%.2f,%.2f,%.2f,%.4f,-1,-1,-1")


def read_mot_detections(
    path: Path | str, size: tuple[int, int] | None = None, label: str = "vehicle", min_score: float = 0.0
) -> Detections:
    """One camera's detections from a MOT file (id -1), sorted by frame; boxes are cut to the image of ``size`` =
    (width, height) and those wholly outside left out. A confidence of -1 counts as 1.

    Raises InputError where a line does not fit or a confidence lies outside [0, 1].
    """
    table = read_table(to_path(path), 7, 10, MOT)
    frames, xywh, scores = table.integers(0, "frame", 1) - 1, table.boxes(2), _confidences(table)
    bad = ~((scores >= 0) & (scores <= 1.0 + 1e-6))
    table.reject(bad, "a confidence in [0, 1] in column 7", 6, "Scale the confidences to [0, 1].")
    xyxy = xywh_to_xyxy(xywh).astype(np.float32)
    xyxy = xyxy if size is None else clip_boxes(xyxy, size)
    keep = (scores >= min_score) & (xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1])
    order = np.flatnonzero(keep)[np.argsort(frames[keep], kind="stable")]
    labels = np.full(len(order), label_index(label), np.int16)
    return Detections(
        frames[order].astype(np.int32),
        xyxy[order],
        np.minimum(scores[order], 1.0),
        labels,
        np.zeros((len(order), 0), np.float32),
    )


def read_ground_truth(folder: Path | str) -> list[GlobalTrack]:
    """Vehicles of a scene's ground truth, sorted by id: ``<folder>/cNNN/gt/gt.txt`` of all cameras (or one level
    deeper, such as ``validation/S02/c006/gt/gt.txt``), ids shared by the cameras.

    Rows whose seventh column is 0 are marked "ignore" (MOTChallenge) and left out. Raises InputError with file and
    line.
    """
    return _as_tracks(read_ground_truth_boxes(folder))


def read_ground_truth_boxes(folder: Path | str) -> Boxes:
    """The same rows as flat boxes, each knowing its file and line."""
    folder = to_path(folder)
    files = sorted(folder.glob("*/gt/gt.txt")) or sorted(folder.glob("*/*/gt/gt.txt"))
    if not files:
        raise InputError(folder, "ground truth in cNNN/gt/gt.txt", "none", "Point --gt at the folder of the cameras.")
    cameras: dict[str, Path] = {}
    for file in files:
        camera_id = file.parents[1].name
        if camera_id in cameras:
            found = f"{cameras[camera_id]} and {file}"
            raise InputError(folder, f"one ground truth for camera {camera_id}", found, "Name one scenario's folder.")
        cameras[camera_id] = file
    return Boxes.concatenate([_ground_truth_of(file, camera_id) for camera_id, file in cameras.items()])


def _ground_truth_of(file: Path, camera_id: str) -> Boxes:
    table = read_table(file, 6, 10, MOT)
    if table.values.shape[1] > 6:
        counted = table.values[:, 6] != 0
        table = Table(table.path, table.values[counted], table.lines[counted])
    boxes = _mot_boxes(table, camera_id)
    _reject_duplicates(boxes)
    return boxes


def _mot_boxes(table: Table, camera_id: str, first_frame: int = 1) -> Boxes:
    count: NDArray[np.int64] = np.zeros(len(table.values), np.int64)
    frames = table.integers(0, "frame", first_frame) - first_frame
    ids, xywh = table.integers(1, "track", 0), table.boxes(2)
    return Boxes.build([camera_id], count, ids, frames, xywh, lines=table.lines, sources=[str(table.path)])


def _confidences(table: Table) -> NDArray[np.float64]:
    """Column 7; 1 where there is none, or where it says -1 for none."""
    if table.values.shape[1] <= 6:
        return np.ones(len(table.values))
    return np.where(table.values[:, 6] == -1, 1.0, table.values[:, 6])


def _as_tracks(boxes: Boxes) -> list[GlobalTrack]:
    _reject_duplicates(boxes)
    return boxes.to_tracks()


def _reject_duplicates(boxes: Boxes) -> None:
    repeated = boxes.duplicates()
    if repeated.any():
        row = int(np.argmax(repeated))
        found = f"a second box of id {boxes.ids[row]} in frame {boxes.frames[row] + 1}"
        raise InputError(boxes.where(row), "one box per camera, id and frame", found, "Take one of the two away.")
