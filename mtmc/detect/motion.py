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
Outlines = list[NDArray[np.int32]]

# AP50 of the far view of the road clips, .843, with half and twice of each number: README
LEARN_FRAMES = 41
NESTED_SHARE = 0.8
NOISE_FACTOR = 5.0
"""A pixel stands out from this many standard deviations of its own noise on."""
FOLLOW_S = 0.5
"""The empty road is brought up to date this often."""
GHOST_SHARE = 0.5
"""A blob whose outline is drawn less sharply than this share of what the empty road has there is none: what was part of
the road has left."""


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
    """The empty road: mean colour (h, w, 3) exactly, and as a picture; threshold of the colour difference (h, w, 3)."""

    mean: Plane
    picture: Mask
    threshold: Mask


class _Watcher:
    """One camera: follows its empty road from clip to clip. Pictures are whole numbers; only the road's slow change is
    not."""

    def __init__(self, camera: Camera, frames: Frames, params: MotionParams) -> None:
        width, height = camera.size
        self._scale = min(1.0, params.work_width_px / width)
        self._size = max(1, round(width * self._scale)), max(1, round(height * self._scale))
        self._params = params
        self._rate_hz = camera.fps / camera.stride
        self._every = max(1, round(FOLLOW_S * self._rate_hz))
        self._since = 0
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
        last = max(0, min(len(numbers) - 1, round(self._params.learn_s * self._rate_hz)))
        chosen = np.linspace(0, last, min(LEARN_FRAMES, last + 1)).round().astype(np.intp)
        looks = np.stack([self._shrink(image) for _, image in frames.at(numbers[chosen])]).astype(np.float32)
        mean = np.median(looks, axis=0).astype(np.float32)
        spread = np.median(np.abs(looks - mean).max(axis=-1), axis=0)
        threshold = cv2.blur(np.maximum(self._params.min_difference, NOISE_FACTOR * 1.48 * spread), (5, 5))
        limit = np.clip(np.rint(threshold), 0, 255).astype(np.uint8)
        return _Road(mean, _whole(mean), np.repeat(limit[..., None], 3, axis=2))

    def _shrink(self, image: Image) -> Mask:
        small = image if self._scale == 1.0 else cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.uint8)

    def _frame(self, frame: int, image: Image) -> Detections:
        look = self._shrink(image)
        moving = self._moving(look)
        outlines = self._outlines(moving)
        if self._since % self._every == 0:
            outlines = self._follow(look, moving, outlines)
        self._since += 1
        boxes, scores = self._blobs(outlines)
        return make_detections(frame, boxes / self._scale, scores, np.full(len(boxes), label_index("vehicle")))

    def _moving(self, look: Mask) -> Mask:
        """255 where something other than the road or a shadow on it is seen (h, w)."""
        stands_out = cv2.compare(cv2.absdiff(look, self._road.picture), self._road.threshold, cv2.CMP_GT)
        blue, green, red = cv2.split(stands_out)
        seen = np.asarray(cv2.bitwise_or(cv2.bitwise_or(blue, green), red), np.uint8)
        seen &= self._inside
        spots = np.flatnonzero(seen)
        looks, roads = (picture.reshape(-1, 3).take(spots, axis=0) for picture in (look, self._road.picture))
        seen.reshape(-1)[spots[self._shadow(looks.astype(np.float32), roads.astype(np.float32))]] = 0
        return seen

    def _shadow(self, look: Plane, road: Plane) -> NDArray[np.bool_]:
        """Pixels (N, 3) that are darker than the road (N, 3) by one factor in all channels (Horprasert's brightness and
        colour distortion)."""
        brightness = np.vecdot(look, road) / np.maximum(np.vecdot(road, road), 1.0)
        road *= brightness[:, None]
        road -= look
        colour = np.maximum(np.maximum(np.abs(road[:, 0]), np.abs(road[:, 1])), np.abs(road[:, 2]))
        dark = (brightness >= self._params.shadow_dark) & (brightness <= 1.0)
        return np.asarray(dark & (colour <= self._params.min_difference / 2))

    def _follow(self, look: Mask, moving: Mask, outlines: Outlines) -> Outlines:
        """The empty road follows the light, and a tenth as fast under what moves, so that a parked vehicle fades away;
        where something has left it, it is seen at once. Returns the outlines that are not such ghosts."""
        road, rate = self._road, min(1.0, self._every / max(1.0, self._params.adapt_s * self._rate_hz))
        ghosts = [outline for outline in outlines if self._is_ghost(outline, look)]
        cv2.accumulateWeighted(look, road.mean, rate, cv2.bitwise_not(moving))
        cv2.accumulateWeighted(look, road.mean, rate / 10, moving)
        if ghosts:
            left = cv2.drawContours(np.zeros_like(moving), ghosts, -1, 255, cv2.FILLED)
            cv2.accumulateWeighted(look, road.mean, 1.0, cv2.dilate(left, np.ones((3, 3), np.uint8)))
        road.picture = _whole(road.mean)
        gone = {id(ghost) for ghost in ghosts}
        return [outline for outline in outlines if id(outline) not in gone]

    def _is_ghost(self, outline: NDArray[np.int32], look: Mask) -> bool:
        """Whether the picture has hardly an edge along the outline where the empty road has one."""
        x, y, width, height = cv2.boundingRect(outline)
        if width * height < self._params.min_area_share * self._inside.size:
            return False
        rim = cv2.drawContours(np.zeros((height, width), np.uint8), [outline], 0, 255, 3, offset=(-x, -y))
        sharp = [
            sum(cv2.mean(cv2.morphologyEx(part, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)), rim))
            for part in (picture[y : y + height, x : x + width] for picture in (look, self._road.picture))
        ]
        return bool(sharp[0] < GHOST_SHARE * sharp[1])

    def _outlines(self, moving: Mask) -> Outlines:
        """Of blobs, specks removed and gaps closed."""
        cleaned = cv2.medianBlur(moving, 3)
        size = self._params.close_px
        closed = cv2.morphologyEx(cleaned, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
        opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
        found, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        return [np.asarray(outline, np.int32) for outline in found]

    def _blobs(self, outlines: Outlines) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (N, 4) in working pixels of the blobs that may be vehicles, and how well they fill their boxes (N,)."""
        found = np.array([[*cv2.boundingRect(o), _pixels(o)] for o in outlines], np.float32).reshape(-1, 5)
        left, top, width, height, area = found.T
        share, fill = area / self._inside.size, area / np.maximum(width * height, 1)
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


def _pixels(outline: NDArray[np.int32]) -> float:
    """Pixels inside an outline and on it (Pick's theorem)."""
    return cv2.contourArea(outline) + cv2.arcLength(outline, closed=True) / 2 + 1


def _whole(picture: Plane) -> Mask:
    return np.asarray(cv2.convertScaleAbs(picture), np.uint8)
