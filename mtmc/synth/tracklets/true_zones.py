"""Zones and travel times of a place as a patient user would write them who knew every passage: for the ``zones``
linker.

Shape shorthand: T tracklets.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from mtmc.structures import Double, Float, Long, TrackletTable

ZONE_SIZE = 0.3
"""Largest distance of two places in one zone, as a fraction of the picture."""
MARGIN = 0.02
SLACK_S = 0.5


def zones_toml(table: TrackletTable, vehicle: Long) -> str:
    """The file of a scene with right clocks; vehicle (T,) is the truth. A link for every two zones that a vehicle left
    and next entered, or left one while it was in the other's view."""
    lines = ["# zones: [left, top, right, bottom] as shares of the image"]
    zone_in, zone_out = np.zeros((2, len(table)), np.int64)
    for number, name in enumerate(table.cameras):
        lines.append(f"[cameras.{name}]")
        rows = np.flatnonzero(table.camera == number)
        for kind, places, zone in (("in", table.entry_xy[rows], zone_in), ("out", table.exit_xy[rows], zone_out)):
            zone[rows] = _clusters(places)
            lines += [f"{kind}{k} = {_around(places[zone[rows] == k])}" for k in np.unique(zone[rows])]
    for (a, out, b, into), waits in sorted(_passages(table, vehicle, zone_in, zone_out).items()):
        lines += ["[[links]]", f'from = "{table.cameras[a]}.out{out}"', f'to = "{table.cameras[b]}.in{into}"']
        lines.append(f"travel_s = [{min(waits) - SLACK_S:.1f}, {max(waits) + SLACK_S:.1f}]")
    return "\n".join(lines) + "\n"


def _passages(
    table: TrackletTable, vehicle: Long, zone_in: Long, zone_out: Long
) -> dict[tuple[int, int, int, int], list[float]]:
    """Seconds from exit to entry by camera and zone left, camera and zone entered."""
    found: dict[tuple[int, int, int, int], list[float]] = defaultdict(list)
    order = np.lexsort((table.start_s, vehicle))
    for rows in np.split(order, np.flatnonzero(np.diff(vehicle[order])) + 1):
        for position, a in enumerate(rows.tolist()):
            for b in rows[position + 1 :].tolist():
                wait = float(table.start_s[b] - table.end_s[a])
                if table.camera[a] != table.camera[b] and (wait < 0 or b == rows[position + 1]):
                    key = int(table.camera[a]), int(zone_out[a]), int(table.camera[b]), int(zone_in[b])
                    found[key].append(wait)
    return found


def _clusters(places: Float) -> Long:
    if len(places) < 2:
        return np.ones(len(places), np.int64)
    return np.asarray(fcluster(linkage(places, "complete"), ZONE_SIZE, criterion="distance"), np.int64)


def _around(places: Float) -> str:
    low: Double = np.clip(places.min(axis=0) - MARGIN, 0, 1)
    high: Double = np.clip(places.max(axis=0) + MARGIN, 0, 1)
    return f"[{low[0]:.3f}, {low[1]:.3f}, {high[0]:.3f}, {high[1]:.3f}]"
