"""The same numbers from motmetrics, frame by frame: a second opinion, slow.

motmetrics' own IoU helper fails on numpy 2, so it gets our similarities as distances; everything after that is its own work.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mtmc.score.compare import Comparison
from mtmc.score.scores import Metrics

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
    """The metrics that motmetrics knows, by our names."""
    import motmetrics

    accumulator = motmetrics.MOTAccumulator()
    for moment, (ids, tracks, distances) in enumerate(frame_matrices(comparison)):
        accumulator.update(ids, tracks, distances, frameid=moment)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas deprecations inside motmetrics
        row = motmetrics.metrics.create().compute(
            accumulator, metrics=list(MOTMETRICS.values()), return_dataframe=False
        )
    found = {ours: float(np.nan_to_num(row[theirs])) for ours, theirs in MOTMETRICS.items()}
    found["motp"] = 1.0 - found["motp"] if found["motp"] or len(comparison.close) else 0.0
    return found


def frame_matrices(comparison: Comparison) -> Iterator[tuple[Long, Long, NDArray[np.float64]]]:
    """Per moment with boxes: true codes (g,), predicted codes (p,), distances (g, p) with NaN where a pair may not match."""
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


def differences(
    metrics: Metrics, reference: dict[str, float], tolerance: float = 1e-9
) -> dict[str, tuple[float, float]]:
    """Metrics that differ by more than ``tolerance``: ours and the reference's, by name."""
    pairs = {name: (float(getattr(metrics, name)), value) for name, value in reference.items()}
    return {name: pair for name, pair in pairs.items() if not abs(pair[0] - pair[1]) <= tolerance}
