"""Rules that decide which boxes and tracklets are kept after tracking; each can be switched off.

Shape shorthand: T boxes of a tracklet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mtmc.geometry import areas, bottom_centres, outside_mask
from mtmc.params import Params
from mtmc.structures import Tracklet
from mtmc.track.duplicates import without_duplicates
from mtmc.track.tracks import FrameRate, in_frames

Mask = NDArray[np.bool_]


PARKED_WINDOW_S = 0.5
"""A place is the median over so long: a box that jumps for a few frames is no journey."""


class CleanParams(Params):
    """Which boxes and tracklets to keep."""

    min_length_s: float = Field(0.5, ge=0, description="tracklets with fewer boxes than this many seconds of frames go")
    min_best_score: float = Field(0.5, ge=0, le=1, description="tracklets whose best box scores less go")
    min_area_px: float = Field(200.0, ge=0, description="boxes of this area or less go (square pixels)")
    border: Literal["keep", "trim", "drop_left_top"] = Field(
        "keep", description="boxes at the image border: keep; trim off the ends; or drop tracklets ever at left or top"
    )
    border_px: float = Field(1.0, ge=0, description="a box this near to the image border is at the border")
    roi: Literal["off", "bottom_centre", "corners"] = Field(
        "bottom_centre", description="what of a box must lie in the camera's region of interest"
    )
    min_shadow_iou: float = Field(
        0.4, ge=0, le=1, description="overlap with a surer tracklet that makes one its shadow; 1 = keep all"
    )
    min_shadow_share: float = Field(0.6, gt=0, le=1, description="share of a shadow's boxes that must overlap")
    parked: Literal["drop", "keep"] = Field(
        "drop", description="vehicles that stand still for their whole life in a view, parked or waiting"
    )
    parked_min_s: float = Field(15.0, ge=0, description="standing vehicles seen for less are kept")
    parked_travel: float = Field(0.3, gt=0, description="a vehicle that moves less than this many box sizes stands")


def clean(
    tracklets: Sequence[Tracklet],
    fps: float,
    size: tuple[int, int],
    roi: Mask | None,
    params: CleanParams,
) -> list[Tracklet]:
    """The tracklets and boxes that pass the rules, ids unchanged; ``roi`` (height, width) is True inside."""
    kept = [t for t in tracklets if not (params.border == "drop_left_top" and touches_left_or_top(t.xyxy))]
    trimmed = [part for t in kept if (part := _good_boxes(t, size, roi, params)) is not None]
    long_enough = [t for t in trimmed if _frames_covered(t, fps) >= params.min_length_s * fps]
    sure = [t for t in long_enough if t.scores.max() >= params.min_best_score]
    if params.min_shadow_iou < 1:
        sure = without_duplicates(sure, params.min_shadow_iou, params.min_shadow_share)
    return [t for t in sure if params.parked == "keep" or not is_parked(t, fps, params)]


def _frames_covered(tracklet: Tracklet, fps: float) -> float:
    """How many usual frames a tracklet's boxes stand for."""
    return float(fps.steps[tracklet.frames].sum()) if isinstance(fps, FrameRate) else len(tracklet)


def _good_boxes(tracklet: Tracklet, size: tuple[int, int], roi: Mask | None, params: CleanParams) -> Tracklet | None:
    good = areas(tracklet.xyxy) > params.min_area_px
    if roi is not None:
        good &= inside_roi(tracklet.xyxy, roi, params.roi)
    if params.border == "trim":
        good &= _between_borders(tracklet.xyxy, size, params.border_px)
    if good.all():
        return tracklet
    return tracklet.take(good) if good.any() else None


def touches_left_or_top(xyxy: NDArray[np.float32]) -> bool:
    """The published rule (ELECTRICITY): any box with int(x1) <= 0, int(y1) <= 0 or a side of one pixel or less."""
    whole = np.trunc(np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2] - 1], axis=1))
    return bool((whole <= 0).any())


def inside_roi(xyxy: NDArray[np.float32], roi: Mask, rule: Literal["off", "bottom_centre", "corners"]) -> Mask:
    """Which boxes (T, 4) lie in the region: their bottom centre, or all corners inside the image (the challenge's
    filter)."""
    if rule == "off":
        return np.ones(len(xyxy), bool)
    if rule == "bottom_centre":
        return _at(roi, bottom_centres(xyxy))
    return ~outside_mask(xyxy, roi)


def _at(roi: Mask, points: NDArray[np.floating]) -> Mask:
    column = np.clip(points[:, 0].astype(np.intp), 0, roi.shape[1] - 1)
    row = np.clip(points[:, 1].astype(np.intp), 0, roi.shape[0] - 1)
    return np.asarray(roi[row, column])


def _between_borders(xyxy: NDArray[np.float32], size: tuple[int, int], border_px: float) -> Mask:
    """True from the first to the last box that is clear of the border; all False if none is."""
    low, high = xyxy[:, :2].min(axis=1), (np.array(size) - xyxy[:, 2:]).min(axis=1)
    clear = np.flatnonzero(np.minimum(low, high) > border_px)
    mask = np.zeros(len(xyxy), bool)
    if len(clear):
        mask[clear[0] : clear[-1] + 1] = True
    return mask


def is_parked(tracklet: Tracklet, fps: float, params: CleanParams) -> bool:
    """Whether a vehicle, seen for long, never leaves its place. One that stands for minutes and then drives off is
    kept."""
    first, last = in_frames(fps, tracklet.frames[[0, -1]])
    return bool((last - first) / fps >= params.parked_min_s and travel(tracklet, fps) < params.parked_travel)


def travel(tracklet: Tracklet, fps: float, share: float = 1.0) -> float:
    """How far a vehicle is from its usual place at the farthest, in a ``share`` of its life; in box sizes (the root of
    its area). A place is where it is in half a second."""
    centres = (tracklet.xyxy[:, :2] + tracklet.xyxy[:, 2:]) / 2
    count = max(1, len(centres) // max(1, round(PARKED_WINDOW_S * fps)))
    places = np.array([np.median(part, axis=0) for part in np.array_split(centres, count)])
    away = np.linalg.norm(places - np.median(centres, axis=0), axis=1)
    return float(np.quantile(away, share) / np.sqrt(np.median(areas(tracklet.xyxy))))
