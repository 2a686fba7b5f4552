"""Cuts a ReID training set out of annotated or tracked videos, the way the field builds CityFlow-ReID from CityFlow."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.crops.boxes import Clip
from reid.errors import UserError

log = logging.getLogger("reid")

COLUMNS = ("path", "vehicle_id", "camera_id", "split", "frame")
JPEG_QUALITY = 95


@dataclass(frozen=True)
class CropRules:
    """per_track: crops of one vehicle in one camera, evenly spaced in its boxes; min_side_px: smaller boxes are left
    out;
    margin: share of the box added on each side; validation: share of the vehicles seen by several cameras that go to
        val."""

    per_track: int = 20
    min_side_px: int = 24
    margin: float = 0.0
    validation: float = 0.2
    seed: int = 0


def cut_crops(clips: Sequence[Clip], out: Path, rules: CropRules) -> list[dict[str, str]]:
    """Write JPEG crops and index.csv (path, vehicle_id, camera_id, split, frame from 0) to a folder; the rows are
    returned.

    Each video is decoded once, frame by frame. Raises UserError where no box is large enough, a video cannot be read,
    two scenarios use one id, or the folder already holds a table.
    """
    chosen = [_sample(clip, rules) for clip in clips]
    if not any(len(clip) for clip in chosen):
        found = f"none of {sum(len(clip) for clip in clips):,}"
        raise UserError("boxes", f"some at least {rules.min_side_px} px wide and high", found, "Lower --min-side.")
    _require_distinct(chosen)
    if (out / "index.csv").exists():
        raise UserError(out, "a new folder", "one that holds an index.csv", "Choose another --out.")
    (out / "images").mkdir(parents=True, exist_ok=True)
    held_out = choose_validation(chosen, rules)
    rows = [row for clip in chosen for row in _cut_clip(clip, out, rules.margin, held_out)]
    with (out / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return rows


def choose_validation(clips: Sequence[Clip], rules: CropRules) -> set[int]:
    """Vehicles of the val split: a random share of those that several cameras saw, at least one where there are two."""
    cameras: dict[int, set[str]] = {}
    for clip in clips:
        for vehicle in np.unique(clip.vehicle_ids):
            cameras.setdefault(int(vehicle), set()).add(clip.camera_id)
    shared = sorted(vehicle for vehicle, seen in cameras.items() if len(seen) > 1)
    count = round(rules.validation * len(shared))
    if rules.validation > 0 and len(shared) > 1:
        count = max(1, count)
    return set(np.random.default_rng(rules.seed).permutation(shared)[:count].tolist())


def _require_distinct(clips: Sequence[Clip]) -> None:
    """One id of one camera must be one vehicle: scenarios that count their vehicles anew cannot be cut together."""
    seen: dict[str, set[int]] = {}
    for clip in clips:
        vehicles = set(clip.vehicle_ids.tolist())
        again = seen.setdefault(clip.camera_id, set()) & vehicles
        if again:
            found = f"vehicle {min(again)} of {clip.camera_id} twice"
            raise UserError(
                clip.video, "vehicle ids of their own in each scenario", found, "Cut one scenario at a time."
            )
        seen[clip.camera_id] |= vehicles


def _sample(clip: Clip, rules: CropRules) -> Clip:
    """Evenly spaced boxes of each vehicle, sorted by frame."""
    size = clip.xyxy[:, 2:] - clip.xyxy[:, :2]
    large = np.flatnonzero((size >= rules.min_side_px).all(axis=1))
    kept: list[NDArray[np.intp]] = []
    for vehicle in np.unique(clip.vehicle_ids[large]):
        rows = large[clip.vehicle_ids[large] == vehicle]
        rows = rows[np.argsort(clip.frames[rows], kind="stable")]
        kept.append(rows[np.unique(np.linspace(0, len(rows) - 1, min(rules.per_track, len(rows))).round().astype(int))])
    rows = np.concatenate(kept) if kept else large
    rows = rows[np.argsort(clip.frames[rows], kind="stable")]
    return Clip(clip.camera_id, clip.video, clip.frames[rows], clip.vehicle_ids[rows], clip.xyxy[rows])


def _cut_clip(clip: Clip, out: Path, margin: float, held_out: set[int]) -> Iterator[dict[str, str]]:
    """Write the crops of one video and yield their rows of the table."""
    done = 0
    for row, image in _pictures(clip):
        vehicle, frame = int(clip.vehicle_ids[row]), int(clip.frames[row])
        done += 1
        crop = _crop(image, clip.xyxy[row], margin)
        if crop.size == 0:
            continue
        name = f"images/{vehicle:05d}_{clip.camera_id}_{frame:06d}.jpg"
        if not cv2.imwrite(str(out / name), crop, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
            raise UserError(out / name, "a file to write", "a refusal", "Check the disk and the rights of --out.")
        split = "val" if vehicle in held_out else "train"
        values = (name, str(vehicle), clip.camera_id, split, str(frame))
        yield dict(zip(COLUMNS, values, strict=True))
    if done < len(clip):
        log.warning("%s ends before frame %d: %d boxes left out", clip.video, clip.frames[-1] + 1, len(clip) - done)


def _pictures(clip: Clip) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """(row, BGR frame) of each box; frames are grabbed in order, and only those with boxes are converted."""
    video = cv2.VideoCapture(str(clip.video))
    if not video.isOpened():
        raise UserError(
            clip.video, "a video", "a file that OpenCV cannot open", "Copy it again or convert it with ffmpeg."
        )
    position = -1
    try:
        for frame, rows in groupby(range(len(clip)), key=lambda row: int(clip.frames[row])):
            while position < frame and video.grab():
                position += 1
            ok, image = video.retrieve() if position == frame else (False, None)
            if not ok or image is None:
                return
            for row in rows:
                yield row, np.asarray(image, dtype=np.uint8)
    finally:
        video.release()


def _crop(image: NDArray[np.uint8], box: NDArray[np.float64], margin: float) -> NDArray[np.uint8]:
    """The pixels of a corner box, widened by the margin and cut to the image; empty where it lies outside."""
    height, width = image.shape[:2]
    grow = margin * (box[2:] - box[:2])
    x1, y1 = np.clip(np.rint(box[:2] - grow), 0, (width, height)).astype(int)
    x2, y2 = np.clip(np.rint(box[2:] + grow), 0, (width, height)).astype(int)
    return image[y1:y2, x1:x2]
