"""The metrics of a comparison: of the whole scene, or of all cameras at once.

Shape shorthand: U true vehicles, V predicted ids, M matched edges, K groups (the scene is one, or each camera is one).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtmc.score.clear import count_clear, match_frames
from mtmc.score.compare import Comparison
from mtmc.score.hota import higher_order
from mtmc.score.identity import Identities, match_identities
from mtmc.score.scores import Metrics

Long = NDArray[np.int64]
Double = NDArray[np.float64]
Matches = NDArray[np.intp]
Worlds = tuple[Double, Double]
"""World coordinates of all true and all predicted boxes."""


def measure_scene(
    comparison: Comparison, identities: Identities, matches: Matches, ground: Worlds | None = None
) -> Metrics:
    """The metrics over all cameras and frames; ``matches``: CLEAR's; ``ground``: None for no world coordinates."""
    vehicles, tracks = (
        np.zeros(len(comparison.truth.names), np.int64),
        np.zeros(len(comparison.predicted.names), np.int64),
    )
    return _measure(comparison, identities, matches, vehicles, tracks, 1, ground)[0]


def measure_cameras(comparison: Comparison, count: int, ground: Worlds | None = None) -> list[Metrics]:
    """The metrics of each of ``count`` cameras alone: with ids made one per camera, all are measured together."""
    apart, vehicles, tracks = comparison.ids_by_camera()
    return _measure(apart, match_identities(apart), match_frames(apart), vehicles, tracks, count, ground)


def _measure(
    comparison: Comparison,
    identities: Identities,
    matches: Matches,
    of_vehicle: Long,
    of_track: Long,
    count: int,
    ground: Worlds | None,
) -> list[Metrics]:
    """Metrics of each group; of_vehicle (U,), of_track (V,): the group of each id, edges keep within a group."""
    truth, predicted = comparison.truth, comparison.predicted
    boxes, found = (
        np.bincount(of[side.ids], minlength=count) for of, side in ((of_vehicle, truth), (of_track, predicted))
    )
    close = comparison.close
    own = identities.partner[truth.ids[comparison.left[close]]] == predicted.ids[comparison.right[close]]
    idtp = np.bincount(of_vehicle[truth.ids[comparison.left[close[own]]]], minlength=count)
    group = of_vehicle[truth.ids[comparison.left[matches]]]
    matched = np.bincount(group, minlength=count)
    similarity = np.bincount(group, comparison.similarity[matches], count) / np.maximum(matched, 1)
    hota, clear = (
        higher_order(comparison, of_vehicle, boxes, found),
        count_clear(comparison, matches, of_vehicle, count),
    )
    mota = 1 - (boxes + found - 2 * matched + clear.switches) / np.where(boxes > 0, boxes, np.nan)
    columns = {
        "idf1": 2 * idtp / np.maximum(boxes + found, 1),
        "idp": idtp / np.maximum(found, 1),
        "idr": idtp / np.maximum(boxes, 1),
        "idtp": idtp,
        "idfp": found - idtp,
        "idfn": boxes - idtp,
        **{name: getattr(hota, name) for name in ("hota", "deta", "assa", "loca")},
        "mota": mota,
        "motp": similarity,
        **{name: getattr(clear, name) for name in ("switches", "fragmentations", "mt", "pt", "ml")},
        "truth_boxes": boxes,
        "predicted_boxes": found,
        "vehicles": np.bincount(of_vehicle, minlength=count),
        "predicted_vehicles": np.bincount(of_track, minlength=count),
        "ground_error_m": _ground_error(comparison, matches, group, count, ground),
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [Metrics(**dict(zip(columns, row, strict=True))) for row in rows]


def _ground_error(comparison: Comparison, matches: Matches, group: Long, count: int, ground: Worlds | None) -> Double:
    """Mean distance (K,) in metres of matched boxes whose world coordinates both sides know, NaN if there are none."""
    if ground is None:
        return np.full(count, np.nan)
    one = ground[0][comparison.truth.rows[comparison.left[matches]]]
    other = ground[1][comparison.predicted.rows[comparison.right[matches]]]
    distances = np.hypot(*(one - other).T)
    known = np.isfinite(distances)
    number = np.bincount(group[known], minlength=count)
    return np.bincount(group[known], distances[known], count) / np.where(number > 0, number, np.nan)
