"""How each data set is scored: image to image, image to track (VeRi-776), random galleries (VehicleID).

Shape shorthand: Q queries, G gallery images, T tracks, D feature size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reid.datasets.structures import GalleryTrack
from reid.datasets.vehicleid import GALLERY_CAMERA, QUERY_CAMERA, draw_gallery
from reid.evaluation.ranking import IMAGE_TO_IMAGE, Embedded, Features, RankScores, euclidean, evaluate
from reid.evaluation.rerank import Reciprocal, reciprocal

TrackRule = Literal["correct", "released"]
TRIALS = 10


def image_to_track(
    query: Embedded, gallery: Embedded, tracks: Sequence[GalleryTrack], rule: TrackRule = "correct"
) -> RankScores:
    """tmAP of VeRi-776: each query ranks the gallery's tracks by squared Euclidean distance to their mean feature.

    ``released`` repeats the published code's slip: query cameras counted from 0 against track cameras counted from 1,
    so that the track of the query's own camera stays and the right answer one camera before it is lost.
    """
    cameras = query.camera_ids - 1 if rule == "released" else query.camera_ids
    query = Embedded(query.vectors, query.vehicle_ids, cameras)
    means = track_features(gallery.vectors, tracks)
    protocol = "image to track" if rule == "correct" else "image to track, as released (camera ids off by one)"
    return evaluate(query, means, scorer=euclidean(query, means), protocol=protocol)


def track_features(vectors: Features, tracks: Sequence[GalleryTrack]) -> Embedded:
    """Mean (T, D) of each track's unit image features, not made unit again: a loose track has a shorter mean."""
    means = [vectors[track.images].mean(axis=0) for track in tracks]
    vehicles = [track.vehicle_id for track in tracks]
    return Embedded(np.array(means), np.array(vehicles), np.array([track.camera_id for track in tracks]))


@dataclass(frozen=True)
class TrialScores:
    """Mean and standard deviation (of the sample) over trials: mean_ap, rank1, rank5 in [0, 1], each (mean,
    deviation)."""

    trials: int
    mean_ap: tuple[float, float]
    rank1: tuple[float, float]
    rank5: tuple[float, float]


def image_to_image(query: Embedded, gallery: Embedded, rerank: Reciprocal | None = None) -> RankScores:
    """imAP and CMC; re-ranked where asked for, and then named so. Raises NoAnswerError where no query has a right
    answer."""
    if rerank is None:
        return evaluate(query, gallery)
    return evaluate(
        query, gallery, scorer=reciprocal(query, gallery, rerank), protocol=f"{IMAGE_TO_IMAGE}, {rerank.name}"
    )


def random_galleries(
    pool: Embedded, trials: int = TRIALS, seed: int = 0, rerank: Reciprocal | None = None
) -> TrialScores:
    """VehicleID's protocol: in each trial one random image per vehicle is the gallery and all others ask; nothing is
    removed.

    Raises NoAnswerError where every vehicle has one image only.
    """
    rng = np.random.default_rng(seed)
    scores = [_trial(pool, rng, rerank) for _ in range(trials)]
    return TrialScores(
        trials,
        _spread([score.mean_ap for score in scores]),
        _spread([score.rank(1) for score in scores]),
        _spread([score.rank(5) for score in scores]),
    )


def _trial(pool: Embedded, rng: np.random.Generator, rerank: Reciprocal | None) -> RankScores:
    query, gallery = draw_gallery(pool.vehicle_ids, rng)
    return image_to_image(
        _in_camera(pool.take(query), QUERY_CAMERA), _in_camera(pool.take(gallery), GALLERY_CAMERA), rerank
    )


def _in_camera(items: Embedded, camera: int) -> Embedded:
    return Embedded(items.vectors, items.vehicle_ids, np.full(len(items), camera))


def _spread(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
