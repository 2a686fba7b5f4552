"""How two runs of the same cameras differ: in settings, in scores, in vehicles (``mtmc compare``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtmc.box_table import Boxes
from mtmc.errors import InputError
from mtmc.files import read_json
from mtmc.score import ScoreParams, score
from mtmc.score.clear import match_frames
from mtmc.score.compare import compare
from mtmc.store import Run
from mtmc.store.documents import Scored

SCORES = ("idf1", "idp", "idr", "hota", "mota", "switches")
LEAST_SHARE = 0.1
"""A vehicle of one run counts as part of one of the other from this share of its boxes on; fewer are passers-by."""


@dataclass(frozen=True, slots=True)
class Differences:
    """settings: key to (first, second), where they differ; scores: metric to (first, second), where both runs were
    scored; agreement: IDF1 of the second run measured against the first; same: vehicles with the same boxes' vehicles
    in both; split: vehicles of the first with their several vehicles in the second; merged: vehicles of the second with
    their several in the first; only_first and only_second: vehicles without a counterpart."""

    settings: dict[str, tuple[Any, Any]]
    scores: dict[str, tuple[float, float]]
    agreement: float
    same: list[tuple[int, int]]
    split: dict[int, list[int]]
    merged: dict[int, list[int]]
    only_first: list[int]
    only_second: list[int]


def differences(first: Run, second: Run) -> Differences:
    """Compare two runs. Raises InputError where they share no camera, StoreError for a run that is not finished."""
    one, other = (Boxes.from_tracks(run.vehicles()) for run in (first, second))
    cameras = [camera for camera in one.cameras if camera in other.cameras]
    if not cameras:
        raise InputError(second.folder, f"cameras of {first.folder}", "none of them", "Compare runs of one scene.")
    one, other = _of_cameras(one, cameras), _of_cameras(other, cameras)
    agreement = score(one, other, ScoreParams(roi=False, multi_camera=False)).idf1
    return Differences(_settings(first, second), _scores(first, second), agreement, *_vehicles(one, other))


def _settings(first: Run, second: Run) -> dict[str, tuple[Any, Any]]:
    one, other = (dict(_flat({k: run.settings.get(k) for k in ("videos", "config")})) for run in (first, second))
    keys = sorted(one.keys() | other.keys())
    return {key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, "" if key == "config" else f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _scores(first: Run, second: Run) -> dict[str, tuple[float, float]]:
    files = [run.folder / "scores.json" for run in (first, second)]
    if not all(file.exists() for file in files):
        return {}
    fix = "Score the run again with `mtmc score`."
    one, other = (read_json(file, Scored, "scores of a run", fix).model_dump() for file in files)
    known = [name for name in SCORES if one[name] is not None and other[name] is not None]
    return {name: (one[name], other[name]) for name in known}


def _of_cameras(boxes: Boxes, cameras: list[str]) -> Boxes:
    """The boxes of these cameras, numbered in their order."""
    number = np.array([cameras.index(c) if c in cameras else -1 for c in boxes.cameras], np.int64)
    kept = boxes.take(number[boxes.camera] >= 0) if len(boxes) else boxes
    camera = number[kept.camera] if len(kept) else kept.camera
    return replace(kept, cameras=tuple(cameras), sources=tuple(cameras), camera=camera)


def _vehicles(
    one: Boxes, other: Boxes
) -> tuple[list[tuple[int, int]], dict[int, list[int]], dict[int, list[int]], list[int], list[int]]:
    """Who is whom, by boxes that lie on each other in the same frame: same, split, merged, only in one, only in the
    other."""
    comparison = compare(one, other, 0.5)
    matches = match_frames(comparison)
    left, right = comparison.truth, comparison.predicted
    a, b = left.ids[comparison.left[matches]], right.ids[comparison.right[matches]]
    shared = np.zeros((len(left.names), len(right.names)), np.int64)
    np.add.at(shared, (a, b), 1)
    least = np.minimum(*np.meshgrid(left.counts, right.counts, indexing="ij"))
    linked = (shared >= np.maximum(LEAST_SHARE * least, 1)) if shared.size else np.zeros(shared.shape, bool)
    parts, wholes = linked.sum(axis=1), linked.sum(axis=0)
    same = [(a, b) for a, b in np.argwhere(linked).tolist() if parts[a] == 1 and wholes[b] == 1]
    return (
        [(int(left.names[a]), int(right.names[b])) for a, b in same],
        {int(left.names[a]): right.names[linked[a]].tolist() for a in np.flatnonzero(parts > 1)},
        {int(right.names[b]): left.names[linked[:, b]].tolist() for b in np.flatnonzero(wholes > 1)},
        left.names[parts == 0].tolist(),
        right.names[wholes == 0].tolist(),
    )
