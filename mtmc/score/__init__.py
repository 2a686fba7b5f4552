"""Scoring: IDF1 as the AI City challenge computes it, CLEAR, HOTA, links between cameras, and where the points went.

Both sides are global tracks, or flat ``Boxes`` where rows may repeat. In the order of the flow:

    params       what is filtered, and when two boxes match
    sources      files, folders, runs and masks to the two sides; the only place that reads
    aicity       the challenge's filters
    compare      both sides on one time line, with the overlaps of their boxes
    identity     IDF1, IDP, IDR
    clear        MOTA, MOTP, switches, fragmentations
    hota         HOTA, DetA, AssA, LocA
    links        which tracklets were joined, and should have been
    loss         where 1 - IDF1 went, box by box
    oracle       ceilings: what if boxes, tracklets or links were true
    measure      all metrics of the scene, of every camera
    evaluate     all of this for one scene
    scores       what comes out, for machines; table: for people
    reference    the same numbers from motmetrics
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mtmc.box_table import Boxes
from mtmc.scene import Scene
from mtmc.score.params import ScoreParams
from mtmc.score.scores import Metrics, Scores, to_json
from mtmc.structures import GlobalTrack

__all__ = ["Metrics", "ScoreParams", "Scores", "score", "to_json"]

Mask = NDArray[np.bool_]


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
        masks: by camera id the pixels (h, w) where boxes may be, True only for pure white; none: no mask filter.
        scene: calibrated cameras, to find the ground under boxes that come without world coordinates.

    Raises InputError for empty truth, repeated rows in the truth, a camera without truth (see
    ``ScoreParams.other_cameras``), and missing world coordinates where ``measure`` is ``ground``.
    """
    from mtmc.score.evaluate import score_scene, with_ground

    one = truth if isinstance(truth, Boxes) else Boxes.from_tracks(truth)
    other = predicted if isinstance(predicted, Boxes) else Boxes.from_tracks(predicted)
    if scene is not None:
        one, other = with_ground(one, scene), with_ground(other, scene)
    return score_scene(one, other, params or ScoreParams(), masks or {})
