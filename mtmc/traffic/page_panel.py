"""What the results page tells of traffic: movements to draw over the cameras, travel times, origins and destinations.

Shape shorthand: G gates, B bins.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mtmc.store import Run
from mtmc.structures import Float
from mtmc.traffic import Question, Traffic, observe

WIDTHS = (("10s", 10), ("1min", 60), ("5min", 300), ("15min", 900), ("1h", 3600))
MOST_BINS = 48
SAMPLES = 40  # fewer than for reports: the page waits for them
MOST_ROWS = 200
"""Movements and legs that the page lists, the busiest ones."""


def panel(run: Run) -> dict[str, Any]:
    """For the page's head: ``movements`` (camera, from and to in pixels, zones, vehicles, interval), ``legs`` (from,
    to, vehicles, 15th, 50th and 85th percentile, interval of the median, medians by bin), ``od``, ``bins``."""
    observed = observe(run)
    length = max((end - start for start, end in observed.watched), default=1.0)
    width = next((name for name, seconds in WIDTHS if length / seconds <= MOST_BINS), WIDTHS[-1][0])
    traffic = Traffic(observed, Question(bins=width, classes="one", samples=SAMPLES))
    bins, names = traffic.frame.bins, {name: k for k, name in enumerate(traffic.frame.gates.names)}
    od = traffic.tables["od"].to_pylist()
    return {
        "bins": {"start": bins.start_s, "width": bins.width_s, "count": bins.count},
        "movements": _movements(traffic),
        "legs": _legs(traffic, names),
        "od": [[names[r["from"]], names[r["to"]], r["vehicles"], *_whole(r["low"], r["high"])] for r in od],
        "recall": [[round(row[key], 3) for key in ("recall", "recall_low", "recall_high", "cut", "seen_once")]
                   for row in traffic.tables["cameras"].to_pylist()],
    }  # fmt: skip


def _movements(traffic: Traffic) -> list[list[Any]]:
    stays, pieces = traffic.estimates.stays, traffic.observed.pieces
    begin, end = pieces.entry_px[stays.first], pieces.exit_px[stays.last]
    number = {name: k for k, name in enumerate(pieces.cameras)}
    found = []
    for row in traffic.tables["counts"].to_pylist():
        camera = number[row["camera_id"]]
        entry, exit_ = (
            names[camera].index(row[end]) for end, names in (("entry", pieces.entry_names), ("exit", pieces.exit_names))
        )
        mine = (stays.camera == camera) & (stays.entry == entry) & (stays.exit == exit_)
        if row["vehicles"]:
            places = *_middle(begin[mine]), *_middle(end[mine])
            found.append(
                [camera, *places, row["entry"], row["exit"], row["vehicles"], *_whole(row["low"], row["high"])]
            )
    return sorted(found, key=lambda movement: -movement[7])[:MOST_ROWS]


def _middle(places: Float) -> list[int]:
    return [int(value) for value in np.median(places, axis=0)]


def _legs(traffic: Traffic, names: dict[str, int]) -> list[list[Any]]:
    by_bin: dict[tuple[str, str], list[float | None]] = {}
    for row in traffic.tables["legs_by_bin"].to_pylist():
        median = row["exit_to_entry_p50_s"]
        by_bin.setdefault((row["from"], row["to"]), []).append(None if median is None else round(median, 2))
    columns = [f"exit_to_entry_p{p}_s" for p in ("15", "50", "85", "50_low", "50_high")]
    rows = [row for row in traffic.tables["legs"].to_pylist() if row["vehicles"]]
    return [
        [names[row["from"]], names[row["to"]], row["vehicles"],
         *(None if row[c] is None else round(row[c], 2) for c in columns), by_bin[row["from"], row["to"]]]
        for row in sorted(rows, key=lambda row: -row["vehicles"])[:MOST_ROWS]
    ]  # fmt: skip


def _whole(*values: float | None) -> list[int | None]:
    return [None if value is None else round(value) for value in values]
