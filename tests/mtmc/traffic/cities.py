"""Cities whose traffic is known: true tracklets under true links, and the tables counted again the slow way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from mtmc.structures import Long
from mtmc.synth.tracklets.journeys import Passages, Streets, drive, lay_roads
from mtmc.traffic import Observed
from mtmc.traffic.queues import Stops
from mtmc.traffic.solutions import Solutions
from mtmc.visits.pieces import Pieces

ZONES = ("elsewhere", "east", "south", "west", "north")
NO_STOPS = Stops(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros((0, 2)))


def city(seed: int, end_s: float = 700.0) -> Passages:
    """Some 200 vehicles through five junctions, rounded to frames of a tenth of a second, cut by the clip's end; four
    that come back to a camera, three that stand in one all the time (arms -1)."""
    random = np.random.default_rng(seed)
    streets = Streets(5, 900.0, 16.0, 0.1, 0.2)
    seen = drive(lay_roads(streets, random), streets, random)
    seen = seen.take(seen.start_s < end_s - 0.05)
    start, end = np.round(seen.start_s, 1), np.round(np.minimum(seen.end_s, end_s), 1)
    count = int(seen.vehicle.max()) + 1
    stand = Passages(
        count + np.arange(3), np.array([0, 0, 3]), np.full(3, -1), np.full(3, -1), np.zeros(3), np.full(3, end_s)
    )
    seen = replace(seen, start_s=start, end_s=end)
    lone = seen.take(np.flatnonzero((np.bincount(seen.vehicle)[seen.vehicle] == 1) & (end < 500))[:4])
    back = replace(lone, arm_in=lone.arm_out, arm_out=lone.arm_in, start_s=lone.end_s + 40, end_s=lone.end_s + 50)
    parts = seen, back, stand
    joined = Passages(*(np.concatenate([getattr(p, name) for p in parts]) for name in Passages.__slots__))
    return joined.take(np.lexsort((joined.start_s, joined.vehicle)))


def pieces_of_city(passages: Passages, seed: int, end_s: float = 700.0) -> tuple[Pieces, Long]:
    """A passage's tracklet, or two with a gap of a second in every fifth; and their vehicles."""
    random = np.random.default_rng(seed)
    broken = (random.random(len(passages)) < 0.2) & (passages.end_s - passages.start_s > 4)
    middle = np.round((passages.start_s + passages.end_s) / 2, 1)
    rows = np.concatenate([np.arange(len(passages)), np.flatnonzero(broken)])
    second = np.arange(len(rows)) >= len(passages)
    start = np.where(second, middle[rows] + 1.0, passages.start_s[rows])
    end = np.where(~second & broken[rows], middle[rows], passages.end_s[rows])
    cut_off = passages.arm_out[rows] * (passages.end_s[rows] < end_s - 0.05) - (passages.end_s[rows] >= end_s - 0.05)
    entry = np.where(second, 0, passages.arm_in[rows] + 1)
    exit_ = np.where(~second & broken[rows], 0, cut_off + 1)
    count, nowhere, unknown = len(rows), np.full((len(rows), 2), np.nan), np.full(len(rows), np.nan)
    label = np.array([0, 0, 1, 4], np.int16)[passages.vehicle[rows] % 4]
    cameras = tuple(f"c{k:03d}" for k in range(1, 6))
    pieces = Pieces(
        cameras, (ZONES,) * 5, (ZONES,) * 5, passages.camera[rows].astype(np.int32), np.arange(count), start, end,
        np.rint(10 * start).astype(np.int64), np.rint(10 * end).astype(np.int64),
        np.rint(10 * (end - start)).astype(np.int64) + 1, entry.astype(np.int16), exit_.astype(np.int16),
        nowhere.astype(np.float32), nowhere.astype(np.float32), nowhere, nowhere, label, unknown, unknown, unknown,
        unknown, start < 1.0, end > end_s - 1.0,
    )  # fmt: skip
    return pieces, passages.vehicle[rows]


def observed(pieces: Pieces, vehicle: Long, end_s: float = 700.0) -> Observed:
    cameras = len(pieces.cameras)
    return Observed(Solutions(pieces, vehicle), ((0.0, end_s),) * cameras, np.zeros(cameras), NO_STOPS)


def slow_counts(passages: Passages, width: float, end_s: float = 700.0) -> Counter[tuple[object, ...]]:
    """Vehicles by bin, camera, arms and kind, passage by passage."""
    found: Counter[tuple[object, ...]] = Counter()
    for vehicle, camera, a, b, start, end in rows_of(passages):
        kind = ("car", "car", "bus", "motorcycle")[vehicle % 4]
        out = ZONES[b + 1] if end < end_s - 0.05 else "elsewhere"
        found[int(start // width) * width, f"c{camera + 1:03d}", ZONES[a + 1], out, kind] += 1
    return found


def rows_of(passages: Passages) -> list[tuple[int, int, int, int, float, float]]:
    return list(zip(*(getattr(passages, name).tolist() for name in Passages.__slots__), strict=True))


def slow_journeys(passages: Passages) -> dict[int, list[tuple[str, float, float]]]:
    """Cameras of each vehicle with when it came and left, in order of time."""
    found: dict[int, list[tuple[str, float, float]]] = {}
    for vehicle, camera, _, _, start, end in rows_of(passages):
        found.setdefault(vehicle, []).append((f"c{camera + 1:03d}", start, end))
    return {vehicle: sorted(seen, key=lambda stay: stay[1]) for vehicle, seen in found.items()}
