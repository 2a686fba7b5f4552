"""The knobs of the ``jde`` tracker."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mtmc.params import Params
from mtmc.track.jde.kalman import CHI_SQUARE_95_4, CHI_SQUARE_999_2


class JdeParams(Params):
    """Parameters of the ``jde`` tracker. Limits are on costs: a pair at or above its limit is never matched, so a
    higher limit means fewer, longer tracks and more that hold two vehicles. ``published`` has the settings of the
    papers."""

    association: Literal["overlap", "fused"] = "overlap"
    min_score: float = Field(
        0.4, ge=0, le=1, description="score from which on detections start tracks; higher means fewer false tracks"
    )
    second_pass_score: float = Field(
        0.1, ge=0, le=1, description="score from which on they may continue a track; higher means more gaps"
    )
    max_lost_s: float = Field(
        2.0, ge=0, description="a vehicle unseen for longer is finished; higher means fewer fragments, more mix-ups"
    )

    metric: Literal["euclidean", "cosine"] = Field("euclidean", description="fused: distance of unit features")
    max_distance: float = Field(
        0.7, gt=0, description="fused: limit of the cost, for the metric chosen; higher matches less alike boxes"
    )
    appearance_weight: float = Field(
        0.98, ge=0, le=1, description="fused: share of appearance, the rest is motion; higher trusts looks more"
    )
    gate: float = Field(
        CHI_SQUARE_95_4, gt=0, description="fused: largest squared Mahalanobis distance, 4 dof; higher looks further"
    )

    appearance_share: float = Field(
        0.5, ge=0, lt=1, description="overlap: share of appearance, times its trust; higher trusts looks more"
    )
    max_recovery_cost: float = Field(
        0.3, ge=0, le=1, description="overlap: limit of appearance alone; higher recovers more, 0 = off"
    )
    recovery_gate: float = Field(
        30.0, gt=0, description="overlap: largest squared Mahalanobis distance, 2 dof; higher recovers further off"
    )

    overlap_gate: float = Field(
        CHI_SQUARE_999_2,
        gt=0,
        description="overlap: largest squared Mahalanobis distance, 2 dof, of weak boxes and of those that overlap "
        "little; higher hands more tracks over to what stands on their way",
    )
    max_first_cost: float = Field(
        0.9, gt=0, le=1, description="1 - overlap in the first association; higher follows faster vehicles"
    )
    max_overlap_cost: float = Field(
        0.7, ge=0, le=1, description="1 - overlap in the second association; higher takes up more weak boxes, 0 = off"
    )
    max_new_cost: float = Field(
        0.9, gt=0, le=1, description="1 - overlap for a track's second box; higher starts more tracks"
    )
    max_duplicate_cost: float = Field(
        0.15, ge=0, le=1, description="1 - overlap below which two tracks are one; higher drops more of them"
    )

    min_turn: float = Field(
        0.25,
        ge=0,
        description="overlap: box sizes by which an edge turns where one leaves the image and another enters; "
        "higher parts fewer, 0 = off",
    )

    smoothing: float = Field(
        0.9, ge=0, lt=1, description="share of the old feature kept at each update; higher adapts more slowly"
    )
    noise_fps: float | None = Field(
        30.0, gt=0, description="frame rate that the filter's noise is meant for; higher lets motion change faster"
    )
    predict_new: bool = Field(True, description="let a new track's uncertainty grow before its second box")
    keep_first_box: bool = Field(True, description="report a track's first box once it has a second")
    output: Literal["detection", "kalman"] = Field("detection", description="whose boxes are reported")

    @classmethod
    def published(cls, **changes: Any) -> JdeParams:
        """The settings of the papers (Deep SORT with JDE's association), with ``changes``. The published filter's step
        is one frame, and AI City has 10 a second."""
        settings = {
            "association": "fused",
            "min_score": 0.5,
            "second_pass_score": 0.5,
            "max_overlap_cost": 0.5,
            "max_new_cost": 0.7,
            "predict_new": False,
            "keep_first_box": False,
            "noise_fps": 10.0,
            "max_lost_s": 1.0,
            "output": "kalman",
        }
        return cls.model_validate(settings | changes)
