"""How to score; the defaults are the challenge's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mtmc.params import Params


class ScoreParams(Params):
    """How to score; the defaults are the challenge's.

    roi, multi_camera, duplicates: the challenge's filters on predictions; other_cameras: what to do with predictions in
    cameras that have no ground truth; measure: ``iou`` of boxes, or ``ground`` distance of world coordinates in metres.
    """

    roi: bool = True
    multi_camera: bool = True
    duplicates: bool = True
    other_cameras: Literal["error", "ignore"] = "error"
    measure: Literal["iou", "ground"] = "iou"
    min_iou: float = Field(0.5, gt=0, le=1)
    max_distance_m: float = Field(2.0, gt=0)
    localisation_floor: float = Field(0.1, gt=0, le=1)
    oracle: bool = False
