"""The one door to the eye: every picture that leaves this package as a file passes ``Veil.shown``, which hides what
must not be seen.

Pictures are (height, width, 3) uint8 BGR. Hidden means replaced by a few averages per box, so that nothing can be
computed back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import cv2
import numpy as np
from pydantic import BaseModel

from mtmc.report import Hide
from mtmc.scene import Scene
from mtmc.store import Run
from mtmc.store.documents import DrawnVideos, read_kept
from mtmc.structures import Detections, Float, label_index
from mtmc.video import Image

CELLS = 4
"""A hidden box keeps at most this many averages along each side."""
PLATE_SHARE = 0.55
"""Share of a vehicle's box, from below, in which its plate may be."""
MARGIN = 0.06
"""Boxes are hidden with this share more on each side, as detectors cut close."""
PAGE_FILE = "page.json"
"""In the run folder: what the last page was asked to show and to hide."""
PERSONS = ("person", "bicycle", "motorcycle")
"""Kinds of boxes that show a person."""


@dataclass(frozen=True, slots=True, eq=False)
class Veil:
    """What is hidden in the pictures of a run: boxes of every kind by camera, as detected and as tracked."""

    hide: Hide
    boxes: Mapping[str, Detections]

    @staticmethod
    def of(run: Run, scene: Scene, hide: Hide) -> Veil:
        """The veil of a finished run."""
        blurred = scene.cameras if hide in ("plates", "boxes") else {}
        return Veil(hide, {camera_id: _boxes(run, camera_id) for camera_id in blurred})

    def shown(self, camera_id: str, frame: int, image: Image) -> Image:
        """The picture as it may be seen."""
        if self.hide == "nothing":
            return image
        if self.hide == "pictures":
            return np.zeros_like(image)
        boxes, result = self.boxes[camera_id], image.copy()
        rows = boxes.rows_at(frame)
        persons = np.isin(boxes.labels[rows], [label_index(name) for name in PERSONS])
        for box, whole in zip(boxes.xyxy[rows], persons | (self.hide == "boxes"), strict=True):
            _average(result, _region(box, bool(whole), image.shape))
        return result

    @property
    def audit(self) -> str:
        """One sentence on what was done, for whoever is handed the pictures."""
        count = sum(len(boxes) for boxes in self.boxes.values())
        plates = "the lower half of vehicles, where plates are, and persons whole are averaged away;"
        what = {
            "nothing": "Nothing is hidden in these pictures.",
            "plates": f"In {count} boxes {plates}",
            "boxes": f"{count} boxes are averaged away whole;",
            "pictures": "There are no pictures here, only what was measured.",
        }[self.hide]
        return f"{what} what the detector missed is not." if self.boxes else what


class Promise(BaseModel):
    """What the last page hides, of all that it was asked."""

    hide: Hide = "nothing"


def promised(run: Run, hide: Hide) -> Hide:
    """What the run's pictures must hide: ``hide``, and no less than its last page promised."""
    last = read_kept(run.folder / PAGE_FILE, Promise) or Promise()
    return max(hide, last.hide, key=get_args(Hide).index)


def drawn_under(run: Run) -> Hide | None:
    """What is hidden in the run's videos with boxes; None where nobody knows."""
    drawn = read_kept(run.folder / "video" / "stamp.json", DrawnVideos)
    return None if drawn is None else drawn.stamp.params.get("hide")


def _boxes(run: Run, camera_id: str) -> Detections:
    """Every box of a camera by frame: what was detected, and where the tracker filled gaps."""
    found, tracks = run.detections(camera_id), run.tracklets(camera_id)
    frames = np.concatenate([found.frames, *(t.frames for t in tracks)])
    xyxy = np.concatenate([found.xyxy, *(t.xyxy for t in tracks)])
    labels = np.concatenate([found.labels, *(np.full(len(t), t.label, np.int16) for t in tracks)])
    order = np.argsort(frames, kind="stable")
    none = np.zeros((len(order), 0), np.float32)
    return Detections(frames[order], xyxy[order], np.ones(len(order), np.float32), labels[order], none)


def _region(box: Float, whole: bool, shape: tuple[int, ...]) -> tuple[slice, slice]:
    left, top, right, bottom = box.tolist()
    across, down = MARGIN * (right - left), MARGIN * (bottom - top)
    upper = top - down if whole else bottom - PLATE_SHARE * (bottom - top)
    rows = slice(max(int(upper), 0), min(int(np.ceil(bottom + down)), shape[0]))
    columns = slice(max(int(left - across), 0), min(int(np.ceil(right + across)), shape[1]))
    return rows, columns


def _average(image: Image, region: tuple[slice, slice]) -> None:
    part = image[region]
    if part.size == 0:
        return
    height, width = part.shape[:2]
    few = cv2.resize(part, (min(CELLS, width), min(CELLS, height)), interpolation=cv2.INTER_AREA)
    image[region] = cv2.resize(few, (width, height), interpolation=cv2.INTER_NEAREST)
