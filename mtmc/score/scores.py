"""What scoring yields, and its stable JSON form."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from mtmc.score.links import CameraPair, Links
from mtmc.score.loss import CAUSES, Loss


@dataclass(frozen=True, slots=True)
class Metrics:
    """One row of results: rates in [0, 1] (``mota`` at most 1 and may be negative), the rest are counts.

    idf1, idp, idr with idtp, idfp, idfn boxes; hota, deta, assa, loca means over 19 thresholds; mota; motp mean
    similarity of the matched boxes (motmetrics reports 1 - motp); switches, fragmentations; mt, pt, ml vehicles;
    truth_boxes, predicted_boxes, vehicles, predicted_vehicles: sizes after the filters; ground_error_m mean distance of
    the matched boxes' world coordinates, NaN without them.
    """

    idf1: float
    idp: float
    idr: float
    idtp: int
    idfp: int
    idfn: int
    hota: float
    deta: float
    assa: float
    loca: float
    mota: float
    motp: float
    switches: int
    fragmentations: int
    mt: int
    pt: int
    ml: int
    truth_boxes: int
    predicted_boxes: int
    vehicles: int
    predicted_vehicles: int
    ground_error_m: float


@dataclass(frozen=True, slots=True)
class Ceiling:
    """IDF1 with some stages replaced by the truth: see ``mtmc.score.oracle``."""

    idf1: float
    gain: float


@dataclass(frozen=True, slots=True)
class Scores(Metrics):
    """The scene's results (ids shared by all cameras) with their parts.

    filters: rows dropped by each filter, None for one that is off; cameras: the same metrics per camera; pairs: links
    per pair of cameras; links: pairs of tracklets right, wrong and missed; loss: where 1 - IDF1 went; oracle: ceilings
    by name, {} if not asked for.
    """

    filters: dict[str, int | None]
    cameras: dict[str, Metrics]
    pairs: tuple[CameraPair, ...]
    links: Links
    loss: Loss
    oracle: dict[str, Ceiling]


METRICS = tuple(f.name for f in fields(Metrics))


def to_json(scores: Scores) -> dict[str, Any]:
    """Plain values for ``json.dumps``; numbers that are not defined become None. The keys are a promise: see the
    README."""
    links = scores.links
    return {
        **metrics_json(scores),
        "filters": dict(scores.filters),
        "cameras": {camera_id: metrics_json(metrics) for camera_id, metrics in scores.cameras.items()},
        "pairs": [asdict(pair) | {"cameras": list(pair.cameras)} for pair in scores.pairs],
        "links": asdict(links) | {"precision": links.precision, "recall": links.recall, "f1": links.f1},
        "loss": _loss_json(scores.loss),
        "oracle": {name: asdict(ceiling) for name, ceiling in scores.oracle.items()} or None,
    }


def metrics_json(metrics: Metrics) -> dict[str, float | int | None]:
    """The metrics by name, NaN as None."""
    values = {name: getattr(metrics, name) for name in METRICS}
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _loss_json(loss: Loss) -> dict[str, Any]:
    vehicles = [
        {
            "vehicle": name,
            "share": int(boxes.sum()) / loss.total,
            "boxes": dict(zip(CAUSES, boxes.tolist(), strict=True)),
        }
        for name, boxes in loss.vehicles.items()
        if boxes.any()
    ]
    return {
        "total": int(loss.boxes.sum()) / loss.total,
        "causes": loss.shares,
        "boxes": dict(zip(CAUSES, loss.boxes.tolist(), strict=True)),
        "vehicles": sorted(vehicles, key=lambda entry: -entry["share"]),
    }
