"""Scoring: IDF1 as the AI City challenge computes it, CLEAR, HOTA, links between cameras, and where the points went.

No file is read here: ``mtmc.score.sources`` reads, ``score`` compares. Both sides are global tracks, or flat ``Boxes`` where rows may repeat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mtmc.boxes import Boxes
from mtmc.params import Params
from mtmc.scene import Scene
from mtmc.score.scores import Metrics, Scores, to_json
from mtmc.structures import GlobalTrack

__all__ = ["Metrics", "ScoreParams", "Scores", "score", "to_json"]

Mask = NDArray[np.bool_]


class ScoreParams(Params):
    """How to score; the defaults are the challenge's.

    roi, multi_camera, duplicates: the challenge's filters on predictions; other_cameras: what to do with predictions in cameras that
    have no ground truth; measure: ``iou`` of boxes, or ``ground`` distance of world coordinates in metres.
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


def score(
    truth: Sequence[GlobalTrack] | Boxes,
    predicted: Sequence[GlobalTrack] | Boxes,
    params: ScoreParams | None = None,
    masks: Mapping[str, Mask] | None = None,
    scene: Scene | None = None,
) -> Scores:
    """Score predicted vehicles against true ones over all cameras of the truth.

    Args:
        truth: ground truth; not filtered.
        predicted: what is scored, after the challenge's filters.
        params: switches; the defaults are the challenge's.
        masks: by camera id the pixels (h, w) where boxes may be, True only for pure white; none leaves the mask filter out.
        scene: calibrated cameras, to find the ground under boxes that come without world coordinates.

    Raises InputError for empty truth, repeated rows in the truth, a camera without truth (see ``ScoreParams.other_cameras``),
    and missing world coordinates where ``measure`` is ``ground``.
    """
    from mtmc.score.evaluate import score_scene, with_ground

    one = truth if isinstance(truth, Boxes) else Boxes.from_tracks(truth)
    other = predicted if isinstance(predicted, Boxes) else Boxes.from_tracks(predicted)
    if scene is not None:
        one, other = with_ground(one, scene), with_ground(other, scene)
    return score_scene(one, other, params or ScoreParams(), masks or {})
