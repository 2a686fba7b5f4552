"""Moving vehicles before a static camera, without weights: whatever differs from the learned empty road.

Shape shorthand: (h, w) working size, at most ``work_width_px`` wide.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.detect.params import DetectParams, MotionParams
from mtmc.detect.postprocess import make_detections
from mtmc.devices import choose_device
from mtmc.geometry import areas, intersections
from mtmc.scene import Camera
from mtmc.structures import Detections, label_index
from mtmc.video import Clip, Frames, Image

logger = logging.getLogger(__name__)

Mask = NDArray[np.uint8]
Plane = NDArray[np.float32]

LEARN_FRAMES = 41
NESTED_SHARE = 0.8
NOISE_FACTOR = 5.0
"""A pixel stands out from this many standard deviations of its own noise on."""


def make(params: DetectParams, device: str) -> MotionDetector:
    """Needs no model. Raises UserError for a device that this machine lacks; on any other it uses the processor."""
    if device not in ("auto", "cpu"):
        logger.info("motion runs on the processor; --device %s is for the other stages", choose_device(device))
    return MotionDetector(params.motion)


class MotionDetector:
    """Background subtraction; each camera gets its own empty road."""

    def __init__(self, params: MotionParams) -> None:
        self._params = params

    def begin(self, camera: Camera, frames: Frames) -> _Watcher:
        """Learn the empty road from a first look at the video."""
        return _Watcher(camera, frames, self._params)


@dataclass(slots=True)
class _Road:
    """The empty road: mean colour (h, w, 3), threshold of the colour difference (h, w)."""

    mean: Plane
    threshold: Plane


class _Watcher:
    """One camera: follows its empty road from clip to clip."""

    def __init__(self, camera: Camera, frames: Frames, params: MotionParams) -> None:
        width, height = camera.size
        self._scale = min(1.0, params.work_width_px / width)
        self._size = max(1, round(width * self._scale)), max(1, round(height * self._scale))
        self._params = params
        self._rate = 1.0 / max(1.0, params.adapt_s * camera.fps / camera.stride)
        self._inside = self._roi(camera)
        self._road = self._learn(camera, frames)

    def __call__(self, clip: Clip) -> Detections:
        """Blobs of each frame, the road following along."""
        return Detections.concatenate([self._frame(int(f), i) for f, i in zip(clip.frames, clip.images, strict=True)])

    def _roi(self, camera: Camera) -> Mask:
        if camera.roi is None:
            return np.full(self._size[::-1], 255, np.uint8)
        return np.asarray(
            cv2.resize(camera.roi.astype(np.uint8) * 255, self._size, interpolation=cv2.INTER_NEAREST), np.uint8
        )

    def _learn(self, camera: Camera, frames: Frames) -> _Road:
        numbers = camera.frames
        last = max(0, min(len(numbers) - 1, round(self._params.learn_s * camera.fps / camera.stride)))
        chosen = np.linspace(0, last, min(LEARN_FRAMES, last + 1)).round().astype(np.intp)
        looks = np.stack([self._shrink(image) for _, image in frames.at(numbers[chosen])])
        mean = np.median(looks, axis=0).astype(np.float32)
        spread = np.median(np.abs(looks - mean).max(axis=-1), axis=0)
        threshold = np.maximum(self._params.min_difference, NOISE_FACTOR * 1.48 * spread)
        return _Road(mean, cv2.blur(threshold.astype(np.float32), (5, 5)).astype(np.float32))

    def _shrink(self, image: Image) -> Plane:
        small = image if self._scale == 1.0 else cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.float32)

    def _frame(self, frame: int, image: Image) -> Detections:
        look = self._shrink(image)
        moving = self._moving(look)
        self._follow(look, moving)
        boxes, scores = self._blobs(self._solid(moving))
        return make_detections(frame, boxes / self._scale, scores, np.full(len(boxes), label_index("vehicle")))

    def _moving(self, look: Plane) -> Mask:
        """255 where something other than the road or a shadow on it is seen (h, w)."""
        difference = _largest(cv2.absdiff(look, self._road.mean))
        seen = np.asarray(cv2.compare(difference, self._road.threshold, cv2.CMP_GT), np.uint8)
        seen &= self._inside
        rows, columns = np.nonzero(seen)
        seen[rows, columns] = np.where(self._shadow(look[rows, columns], self._road.mean[rows, columns]), 0, 255)
        return seen

    def _shadow(self, look: Plane, road: Plane) -> NDArray[np.bool_]:
        """Pixels (N, 3) that are darker than the road (N, 3) by one factor in all channels (Horprasert's brightness and
        colour distortion)."""
        brightness = (look * road).sum(axis=1) / np.maximum((road * road).sum(axis=1), 1.0)
        colour = np.abs(look - road * brightness[:, None]).max(axis=1)
        dark = (brightness >= self._params.shadow_dark) & (brightness <= 1.0)
        return np.asarray(dark & (colour <= self._params.min_difference / 2))

    def _follow(self, look: Plane, moving: Mask) -> None:
        """The empty road follows the light, and a tenth as fast under what moves, so that a parked vehicle fades
        away."""
        cv2.accumulateWeighted(look, self._road.mean, self._rate, cv2.bitwise_not(moving))
        cv2.accumulateWeighted(look, self._road.mean, self._rate / 10, moving)

    def _solid(self, moving: Mask) -> Mask:
        """Specks removed, gaps closed, holes filled."""
        cleaned = cv2.medianBlur(moving, 3)
        size = self._params.close_px
        closed = cv2.morphologyEx(cleaned, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
        opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
        outlines, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        return np.asarray(cv2.drawContours(np.zeros_like(moving), outlines, -1, 255, cv2.FILLED), np.uint8)

    def _blobs(self, solid: Mask) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (N, 4) in working pixels of the blobs that may be vehicles, and how well they fill their boxes (N,)."""
        _, _, stats, _ = cv2.connectedComponentsWithStats(solid)
        left, top, width, height, area = stats[1:].astype(np.float32).T
        share, fill = area / solid.size, area / np.maximum(width * height, 1)
        params = self._params
        good = (share >= params.min_area_share) & (share <= params.max_area_share) & (fill >= params.min_fill)
        boxes = np.stack([left, top, left + width, top + height], axis=1)
        good[good] = ~_nested(boxes[good])
        return boxes[good], np.clip(fill[good], 0, 1)


def _nested(boxes: Plane) -> NDArray[np.bool_]:
    """Which boxes (N, 4) lie nearly inside a larger one: fragments and reflections of the same vehicle."""
    area = areas(boxes)
    inside = intersections(boxes, boxes) > NESTED_SHARE * area[:, None]
    return np.asarray((inside & (area[None] > area[:, None])).any(axis=1))


def _largest(picture: cv2.typing.MatLike) -> Plane:
    """Largest of the three channels (h, w)."""
    blue, green, red = cv2.split(picture)
    return np.asarray(cv2.max(cv2.max(blue, green), red), np.float32)
