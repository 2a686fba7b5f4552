"""Linking of days of a simulated city in windows: minutes, memory and quality against the number of days, and beside
that one day in one piece.

A million tracklets a day by 1,000 cameras, each day other traffic on the same roads; a day is drawn when a window asks
for it, and forgotten. Cuts are not at midnight, where nobody is on the way. The world is level 2 of
``mtmc synth --tracklets``, its seed one that no constant was chosen on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mtmc.link import LinkParams, Problem, solve
from mtmc.link.benchmark import agreement
from mtmc.link.in_windows import link_in_windows
from mtmc.memory import peak_mb, restart_peak
from mtmc.structures import TrackletTable
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from mtmc.synth.tracklets.simulated import Simulated

DAY_S = 86_400.0
PER_MIN = 0.7
"""Tracklets of a camera in a minute: a million a day by 1,000 cameras."""
PER_VEHICLE = 4.6
SEED = 1
EARLY = 0.45
"""So much of a window lies before the first day: cuts are not at midnight."""


class City:
    """So many ``days`` of tracklets, drawn when they are asked for; the two last asked for are kept. A day's vehicles
    and tracklets have numbers of their own."""

    def __init__(self, cameras: int, dimension: int, day_s: float) -> None:
        streets = replace(
            LEVELS[2].streets, cameras=cameras, duration_s=day_s, vehicles_per_min=PER_MIN * cameras / PER_VEHICLE
        )
        self._world = replace(LEVELS[2], streets=streets, dimension=dimension, makes=500)
        self.day_s, self.days = day_s, 1
        self.drawing_s = 0.0
        self.day = lru_cache(maxsize=2)(self._day)

    def _day(self, day: int) -> Simulated:
        start = time.process_time()
        found = simulate(self._world, SEED, day=day + 1)
        late, first = day * self.day_s, (day + 1) << 32
        table = found.table
        shifted = replace(
            table, start_s=table.start_s + late, end_s=table.end_s + late, track_id=table.track_id + first
        )
        self.drawing_s += time.process_time() - start
        return replace(found, table=shifted, vehicle_id=found.vehicle_id + first)

    def between(self, begin_s: float, end_s: float) -> TrackletTable:
        """The tracklets in view from one second to another."""
        first, last = (int(np.clip(time_s // self.day_s, 0, self.days - 1)) for time_s in (begin_s, end_s))
        return TrackletTable.joined([_seen(self.day(day).table, begin_s, end_s) for day in range(first, last + 1)])

    def truth(self, table: TrackletTable) -> tuple[np.ndarray, np.ndarray]:
        """Whose each tracklet is, and how many boxes it has."""
        vehicle, boxes = np.zeros(len(table), np.int64), np.zeros(len(table), np.int64)
        for day in np.unique(table.track_id >> 32).tolist():
            mine, whole = table.track_id >> 32 == day, self.day(day - 1)
            rows = np.searchsorted(whole.table.track_id, table.track_id[mine])
            vehicle[mine], boxes[mine] = whole.vehicle_id[rows], whole.boxes[rows]
        return vehicle, boxes


def _seen(table: TrackletTable, begin_s: float, end_s: float) -> TrackletTable:
    return table.take(np.flatnonzero((table.end_s >= begin_s) & (table.start_s < end_s)))


def in_windows(city: City, days: int, window_s: float) -> dict[str, float]:
    """What so many days take, and how good their vehicles are."""
    city.days = days
    before, start, worked, drawn = restart_peak(), time.perf_counter(), time.process_time(), city.drawing_s
    found: list[tuple[np.ndarray, ...]] = []
    for table, numbers in link_in_windows(city.between, -EARLY * window_s, days * city.day_s, window_s, LinkParams()):
        found.append((*city.truth(table), numbers))
        print(f"  {sum(len(n) for *_, n in found):,} tracklets, {peak_mb():.0f} MB", flush=True)
    vehicle, boxes, numbers = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return {
        "days": days,
        "tracklets": len(numbers),
        "minutes": (time.perf_counter() - start) / 60,
        "processor_s": time.process_time() - worked - (city.drawing_s - drawn),
        "memory_mb": peak_mb(),
        "at_start_mb": before,
        "idf1": agreement(vehicle, numbers, boxes).idf1,
    }


def whole(city: City) -> dict[str, float]:
    """The first day in one piece."""
    day, start = city.day(0), time.process_time()
    labels = solve(Problem.of(day.table), LinkParams()).labels
    score = agreement(day.vehicle_id, labels, day.boxes).idf1
    return {"tracklets": len(day.table), "processor_s": time.process_time() - start, "idf1": score}


def rows(given: argparse.Namespace) -> Iterator[dict[str, float]]:
    city = City(given.cameras, given.dimension, given.day_hours * 3600)
    for days in given.days:
        yield in_windows(city, days, given.window_hours * 3600)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--cameras", type=int, default=1000)
    parser.add_argument("--day-hours", type=float, default=24)
    parser.add_argument("--window-hours", type=float, default=24)
    parser.add_argument("--dimension", type=int, default=64, help="of the features")
    parser.add_argument("--whole", action="store_true", help="also the first day in one piece")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    given = parser.parse_args()
    told = "{days:3d} days, {tracklets:,} tracklets: {minutes:.1f} min ({processor_s:.0f} s of processor), "
    told += "{memory_mb:.0f} MB with the two days at hand, IDF1 {idf1:.4f}"
    found = []
    for row in rows(given):
        found.append(row)
        print(told.format(**row), flush=True)
    if len(found) > 1:
        sizes, seconds = ([row[key] for row in found] for key in ("tracklets", "processor_s"))
        exponent = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
        print(f"processor seconds grow as tracklets ^ {exponent:.2f}", flush=True)
    if given.whole:
        found.append(whole(City(given.cameras, given.dimension, given.day_hours * 3600)))
        print("one day in one piece: {processor_s:.0f} s of processor, IDF1 {idf1:.4f}".format(**found[-1]))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
