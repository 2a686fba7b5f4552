"""Linking of days of a simulated city in windows: minutes, memory and quality against the number of days, and beside
that one day in one piece.

A million tracklets a day by 1,000 cameras, each day other traffic on the same roads; a day is drawn when a window asks
for it, and forgotten. Cuts are not at midnight, where nobody is on the way. The world is level 2 of
``mtmc synth --tracklets``, its seed one that no constant was chosen on.

With --run the days are written as the tables of a run without videos first, boxes and all, and that run is linked as
``mtmc run`` does it, by a process of its own: its memory while it links, and in the end.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from mtmc.config import load_config
from mtmc.link import LinkParams, Problem, learn_network, solve
from mtmc.link.benchmark import agreement
from mtmc.memory import peak_mb, restart_peak
from mtmc.pipeline import run_pipeline
from mtmc.pipeline.given_tracks import take_tracks
from mtmc.pipeline.linking import LEARNED_FROM, MARGIN
from mtmc.pipeline.planning import plan_given
from mtmc.pipeline.windows import Numbering, spans, stretches
from mtmc.store import Run
from mtmc.structures import Embeddings, Tracklet, TrackletTable
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from mtmc.synth.tracklets.simulated import Simulated
from mtmc.synth.tracklets.tracks import scene_of, tracks_of

DAY_S = 86_400.0
PER_MIN = 0.7
"""Tracklets of a camera in a minute: a million a day by 1,000 cameras."""
PER_VEHICLE = 4.6
SEED = 1
EARLY = 0.45
"""So much of a window lies before the first day: cuts are not at midnight."""
SOURCE, RUN_FPS = "simulated", 2.0
TOLD = """{days:3d} days, {tracklets:,} tracklets: {minutes:.1f} min ({processor_s:.0f} s of processor), \
{memory_mb:.0f} MB with the two days at hand, IDF1 {idf1:.4f}"""
IN_RUN = """{days:3d} days, {tracklets:,} tracklets, windows: {windows}: {processor_s:.0f} s of processor, \
{at_start_mb:.0f} MB at the start, {linked_mb:.0f} MB linking, {memory_mb:.0f} MB in all, IDF1 {idf1:.4f}"""


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
        first, last = (int(np.clip(time_s / self.day_s, 0, self.days - 1)) for time_s in (begin_s, end_s))
        return TrackletTable.joined([_seen(self.day(day).table, begin_s, end_s) for day in range(first, last + 1)])

    def truth_of(self, tracks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whose each tracklet (T,) is, and how many boxes it has."""
        vehicle, boxes = np.zeros(len(tracks), np.int64), np.zeros(len(tracks), np.int64)
        for day in np.unique(tracks >> 32).tolist():
            mine, whole = tracks >> 32 == day, self.day(day - 1)
            rows = np.searchsorted(whole.table.track_id, tracks[mine])
            vehicle[mine], boxes[mine] = whole.vehicle_id[rows], whole.boxes[rows]
        return vehicle, boxes


def _seen(table: TrackletTable, begin_s: float, end_s: float) -> TrackletTable:
    return table.take(np.flatnonzero((table.end_s >= begin_s) & (table.start_s < end_s)))


def in_windows(city: City, days: int, window_s: float) -> dict[str, float]:
    """What so many days take, and how good their vehicles are."""
    city.days = days
    before, start, worked, drawn = restart_peak(), time.perf_counter(), time.process_time(), city.drawing_s
    found: list[tuple[np.ndarray, ...]] = []
    begin_s, params, numbering = -EARLY * window_s, LinkParams(), Numbering()
    end_s = begin_s + window_s * np.ceil((days * city.day_s - begin_s) / window_s)
    share = LEARNED_FROM / (days * len(city.day(0).table))
    sample = [city.between(*when) for when in stretches(0.0, days * city.day_s, share)]
    known = learn_network(Problem.of(TrackletTable.joined(sample)), params)
    for span in spans(begin_s, end_s, window_s, MARGIN * params.max_travel_s):
        problem = Problem.of(city.between(*span.seen))
        own, solution = numbering.own(problem, solve(problem, params, known=known), span)
        found.append((*city.truth_of(problem.table.track_id[own]), solution.labels[own]))
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


def write_run(city: City, days: int, folder: Path) -> None:
    """The days as a run that was given its tracks."""
    city.days = days
    last = city.day(days - 1).table
    scene = scene_of(last, RUN_FPS, 0.0, float(last.end_s.max()))
    tracks: dict[str, list[Tracklet]] = {name: [] for name in scene.cameras}
    vectors: dict[str, list[Embeddings]] = {name: [] for name in scene.cameras}
    for day in range(days):
        for name, mine, features in tracks_of(city.day(day).table, scene):
            tracks[name] += mine
            vectors[name].append(features)
    joined = {name: Embeddings.joined(parts) for name, parts in vectors.items()}
    take_tracks(SOURCE, scene, None, tracks, joined, folder, load_config())


def link_run_folder(folder: Path, window_h: float | None) -> dict[str, float]:
    """Processor seconds and memory of what ``mtmc run`` does once all is tracked and embedded."""
    run = Run(folder)
    windows = [] if window_h is None else [f"link.window_h={window_h}"]
    config = load_config(None, ["report.page=false", "report.video=false", "report.hide=pictures", *windows])
    todo, linked_mb = plan_given(Path(SOURCE), run.scene_of(Path(SOURCE), config.input), run, config), list[float]()

    def watch(camera: str, stage: str, done: int, total: int) -> None:
        linked_mb.append(peak_mb())

    before, start = restart_peak(), time.process_time()
    run_pipeline(todo, 1, watch)
    return {
        "at_start_mb": before,
        "linked_mb": linked_mb[-1],
        "memory_mb": peak_mb(),
        "windows": len(linked_mb) - 1,
        "processor_s": time.process_time() - start,
    }


def in_runs(given: argparse.Namespace) -> Iterator[dict[str, float]]:
    """The days as run folders, at once and in windows."""
    context = get_context("spawn")
    for days in given.days:
        city = City(given.cameras, given.dimension, given.day_hours * 3600)
        with tempfile.TemporaryDirectory() as folder:
            write_run(city, days, Path(folder))
            for window_h in (None, given.window_hours):
                with ProcessPoolExecutor(1, context) as alone:
                    found = alone.submit(link_run_folder, Path(folder), window_h).result()
                seen = pq.read_table(Path(folder) / "vehicles.parquet", columns=["track_id", "vehicle_id"])
                track, number = (c.to_numpy() for c in seen.group_by(seen.column_names).aggregate([]).columns)
                vehicle, boxes = city.truth_of(track)
                found |= {"days": days, "tracklets": len(track), "idf1": agreement(vehicle, number, boxes).idf1}
                yield found


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
    parser.add_argument("--run", action="store_true", help="as the tables of a run, at once and in windows")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    given = parser.parse_args()
    found = []
    for row in in_runs(given) if given.run else rows(given):
        found.append(row)
        print((IN_RUN if given.run else TOLD).format(**row), flush=True)
    if len(found) > 1 and not given.run:
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
