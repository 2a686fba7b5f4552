"""Traffic: what a run says of counts, travel times, origins and destinations, speeds and queues, and how sure it is.

    visits -> pieces and whose they are -> stays -> tables, with intervals from drawn solutions

What lives where, in the order of the flow; arrows point up this list, never down:

- ``bins`` ``classes`` ``gates``: in which intervals, of what kinds, from where to where?
- ``cells``: how are a table's cells counted and measured?
- ``measures``: what does one solution say: turning counts, legs, origins and destinations, routes?
- ``matchings`` ``solutions``: which other solutions are as likely?
- ``recall`` ``bridges`` ``missed_stays`` ``false_stays`` ``kinds``: what did cameras miss, invent, and mistake?
- ``estimates``: all of it measured for the linker's solution and for the drawn ones
- ``tables`` ``speeds`` ``queues`` ``scaling``: tables for reports
- ``table_files`` ``maps`` ``sumo``: files that other tools read; ``pictures`` ``camera_pictures``: figures
- ``page_panel``: what the results page shows of it

README.md says what each column means, how the intervals are made, and where they hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from mtmc.errors import ConfigError
from mtmc.scene import Scene
from mtmc.store import Run
from mtmc.structures import Double
from mtmc.traffic.bins import make_bins, width_s
from mtmc.traffic.classes import read_classes
from mtmc.traffic.estimates import Estimates, estimate
from mtmc.traffic.gates import camera_gates, read_gates
from mtmc.traffic.measures import Frame
from mtmc.traffic.queues import Stops, queue_table, stops_of
from mtmc.traffic.scaling import fitted, read_totals
from mtmc.traffic.solutions import Solutions, read_possible
from mtmc.traffic.speeds import speed_tables
from mtmc.traffic.tables import camera_table, count_tables, leg_tables, route_table, trip_tables
from mtmc.visits.pieces import Pieces, pieces_of

RECALL = "recall"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: width of the ``bins``, from when to when (seconds on the scene's clock, None: all), between which
    ``gates`` (file; None: cameras), in which ``classes`` (scheme or file), with how many drawn solutions, and what
    trips are scaled to (``recall``, a file of counts, None: nothing)."""

    bins: str = "15min"
    start_s: float | None = None
    end_s: float | None = None
    gates: Path | None = None
    classes: str = "kinds"
    samples: int = 100
    seed: int = 1
    scale: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """What traffic is worked out of: pieces with their ``solutions``, when each camera (C) ``watched``, the standard
    error of their clocks (C,), where vehicles stood, and the scene."""

    solutions: Solutions
    watched: tuple[tuple[float, float], ...]
    clock_error_s: Double
    stops: Stops
    scene: Scene | None = None

    @property
    def pieces(self) -> Pieces:
        """All tracklets."""
        return self.solutions.pieces


class Traffic:
    """A run's traffic: ``tables`` by name, and what they were made of."""

    def __init__(self, observed: Observed, question: Question) -> None:
        self.observed, self.question = observed, question
        self.frame = _frame(observed, question)

    @cached_property
    def estimates(self) -> Estimates:
        """Everything measured, of the linker's solution and of the drawn ones."""
        return estimate(self.frame, self.observed.solutions, self.question.samples, self.question.seed)

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """The tables: counts, legs, od, speeds (each over the whole period and ``_by_bin``), routes, queues,
        cameras."""
        return dict(self._tables())

    def _tables(self) -> Iterator[tuple[str, pa.Table]]:
        seen, frame, found = self.observed, self.frame, self.estimates
        yield from count_tables(frame, found, seen.watched, seen.scene)
        yield from leg_tables(frame, found, frame.gates.mean(seen.clock_error_s), seen.scene)
        for name, table in trip_tables(frame, found, seen.scene):
            yield name, self._scaled(table) if name == "od" and self.question.scale else table
        yield "routes", route_table(frame, found)
        yield from speed_tables(frame, found.stays, seen.scene)
        yield "queues", queue_table(seen.stops, frame.pieces.cameras, frame.bins, seen.scene)
        yield "cameras", camera_table(frame, found, seen.watched)

    def _scaled(self, table: pa.Table) -> pa.Table:
        """Trips with a column ``scaled``: fitted to counts of a file, or to what each gate's cameras would have seen at
        a recall of one."""
        gates, scale = self.frame.gates.names, self.question.scale
        number = {name: index for index, name in enumerate(gates)}
        row, column = (np.array([number[name] for name in table[end].to_pylist()], np.int64) for end in ("from", "to"))
        seen = np.zeros((len(gates), len(gates)))
        seen[row, column] = table["vehicles"].to_numpy()
        if scale == RECALL:
            a, b = self.estimates.recall.parameters()
            recall = self.frame.gates.mean(a / (a + b))
            out, into = seen.sum(axis=1) / recall, seen.sum(axis=0) / recall
        else:
            out, into = read_totals(Path(str(scale)), gates)
        return table.append_column("scaled", pa.array(fitted(seen, out, into)[row, column]))


def observe(run: Run) -> Observed:
    """What a finished run says of traffic. Clocks that the linker put right are right here."""
    scene, network = run.scene, run.network
    vehicles = run.vehicles()
    tracklets = [tracklet for vehicle in vehicles for tracklet in vehicle.tracklets]
    owner = np.repeat([v.vehicle_id for v in vehicles], [len(v.tracklets) for v in vehicles]).astype(np.int64)
    learned = {} if network is None else network["cameras"]
    ahead, error = (
        np.array([(learned.get(name, {}).get(key) or 0.0) for name in scene.cameras], np.float64)
        for key in ("clock_ahead_s", "clock_error_s")
    )
    pieces = pieces_of(scene, tracklets, network).shifted(-ahead)
    table = run.possible()
    possible = None if table is None else read_possible(table, pieces)
    spans = [
        camera.time_s(camera.frames[[0, -1]]) - late for camera, late in zip(scene.cameras.values(), ahead, strict=True)
    ]
    watched = tuple((float(a), float(b)) for a, b in spans)
    solutions = Solutions(pieces, owner, possible)
    stops = stops_of(scene, tracklets).shifted(-ahead)
    return Observed(solutions, watched, error, stops, scene)


def _frame(observed: Observed, question: Question) -> Frame:
    pieces, watched = observed.pieces, observed.watched
    first = min((a for a, _ in watched), default=0.0) if question.start_s is None else question.start_s
    last = max((b for _, b in watched), default=1.0) + 1e-6 if question.end_s is None else question.end_s
    if last <= first:
        raise ConfigError("--from, --to", "a start before an end", f"{first:g} to {last:g} s", "Choose other ones.")
    gates = camera_gates(pieces) if question.gates is None else read_gates(question.gates, pieces)
    bins = make_bins(width_s(question.bins), first, last, observed.scene)
    return Frame(pieces, bins, gates, read_classes(question.classes))
