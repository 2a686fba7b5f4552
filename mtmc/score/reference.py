"""The same numbers from motmetrics, frame by frame: a second opinion, slow.

motmetrics' own IoU helper fails on numpy 2, so it gets our similarities as distances; everything after that is its own
work.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mtmc.box_table import Boxes
from mtmc.score.compare import Comparison
from mtmc.score.evaluate import filtered_comparison
from mtmc.score.params import ScoreParams
from mtmc.score.scores import Metrics, Scores

Mask = NDArray[np.bool_]
Long = NDArray[np.int64]

MOTMETRICS = {
    "idf1": "idf1",
    "idp": "idp",
    "idr": "idr",
    "idtp": "idtp",
    "idfp": "idfp",
    "idfn": "idfn",
    "mota": "mota",
    "motp": "motp",
    "switches": "num_switches",
    "fragmentations": "num_fragmentations",
    "mt": "mostly_tracked",
    "pt": "partially_tracked",
    "ml": "mostly_lost",
}
"""Our names and motmetrics'; its motp is a distance, 1 - ours."""


def motmetrics_scores(comparison: Comparison) -> dict[str, float]:
    """The metrics that motmetrics knows, by our names; {} where there is no box at all."""
    import motmetrics

    if len(comparison.truth) + len(comparison.predicted) == 0:
        return {}
    accumulator = motmetrics.MOTAccumulator()
    for moment, (ids, tracks, distances) in enumerate(frame_matrices(comparison)):
        accumulator.update(ids, tracks, distances, frameid=moment)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas deprecations inside motmetrics
        row = motmetrics.metrics.create().compute(
            accumulator, metrics=list(MOTMETRICS.values()), return_dataframe=False
        )
    found = {ours: _number(ours, row[theirs]) for ours, theirs in MOTMETRICS.items()}
    found["motp"] = 1.0 - found["motp"] if len(comparison.close) else 0.0
    return found


def _number(name: str, value: float) -> float:
    """motmetrics divides by zero where we say 0, or NaN for the MOTA of no boxes."""
    if math.isfinite(value):
        return float(value)
    return float("nan") if name == "mota" else 0.0


def frame_matrices(comparison: Comparison) -> Iterator[tuple[Long, Long, NDArray[np.float64]]]:
    """Per moment with boxes: true codes (g,), predicted codes (p,), distances (g, p) with NaN where a pair may not
    match."""
    truth, predicted = comparison.truth, comparison.predicted
    moments = np.unique(np.concatenate([truth.time, predicted.time]))
    edges = comparison.close
    starts = [np.searchsorted(times, moments, side="left") for times in (truth.time, predicted.time)]
    stops = [np.searchsorted(times, moments, side="right") for times in (truth.time, predicted.time)]
    first, last = (np.searchsorted(comparison.left[edges], ends[0]) for ends in (starts, stops))
    for k in range(len(moments)):
        rows, columns = slice(starts[0][k], stops[0][k]), slice(starts[1][k], stops[1][k])
        distances = np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan)
        chosen = edges[first[k] : last[k]]
        distances[comparison.left[chosen] - rows.start, comparison.right[chosen] - columns.start] = (
            1.0 - comparison.similarity[chosen]
        )
        yield truth.ids[rows], predicted.ids[columns], distances


def reference_scores(
    truth: Boxes, predicted: Boxes, params: ScoreParams, masks: Mapping[str, Mask]
) -> dict[str, dict[str, float]]:
    """motmetrics' numbers for the scene (under ``""``) and for each camera, after the same filters and overlaps."""
    comparison = filtered_comparison(truth, predicted, params, masks)
    found = {"": motmetrics_scores(comparison)}
    for number, camera_id in enumerate(truth.cameras):
        found[camera_id] = motmetrics_scores(comparison.one_camera(number))
    return found


def by_reference(scores: Scores, references: dict[str, dict[str, float]]) -> Scores:
    """Scores with motmetrics' numbers in place of ours; HOTA, which it does not know, becomes NaN."""
    cameras = {camera_id: _with(metrics, references[camera_id]) for camera_id, metrics in scores.cameras.items()}
    return replace(_with(scores, references[""]), cameras=cameras)


AnyMetrics = TypeVar("AnyMetrics", bound=Metrics)


def _with(metrics: AnyMetrics, reference: dict[str, float]) -> AnyMetrics:
    values: dict[str, Any] = dict.fromkeys(("hota", "deta", "assa", "loca"), float("nan"))
    for name, value in reference.items():
        values[name] = int(value) if isinstance(getattr(metrics, name), int) else value
    return replace(metrics, **values)


def all_differences(
    scores: Scores, references: dict[str, dict[str, float]], tolerance: float = 1e-9
) -> dict[str, dict[str, tuple[float, float]]]:
    """Where ours and motmetrics' numbers differ by more than ``tolerance``: by scope and metric, ours first."""
    scopes = {"": scores, **scores.cameras}
    found = {scope: differences(metrics, references[scope], tolerance) for scope, metrics in scopes.items()}
    return {scope or "scene": pairs for scope, pairs in found.items() if pairs}


def differences(
    metrics: Metrics, reference: dict[str, float], tolerance: float = 1e-9
) -> dict[str, tuple[float, float]]:
    """Metrics that differ by more than ``tolerance``: ours and the reference's, by name."""
    pairs = {name: (float(getattr(metrics, name)), value) for name, value in reference.items()}
    return {name: pair for name, pair in pairs.items() if not _same(*pair, tolerance)}


def _same(ours: float, theirs: float, tolerance: float) -> bool:
    return abs(ours - theirs) <= tolerance or (math.isnan(ours) and math.isnan(theirs))
