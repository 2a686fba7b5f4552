"""Tracklets of a street plan of one's own: what cameras over its junctions would see of a SUMO simulation.

    sumo -c plan.sumocfg --fcd-output fcd.xml --fcd-output.geo false
    mtmc synth OUT --tracklets --sumo fcd.xml --sumo-net plan.net.xml

Every junction with signals where three roads or more meet (without any signals: every such junction) has a camera that
looks straight down on ``RADIUS_M`` around it. A vehicle's stay in its view is a tracklet; its look is drawn as for the
other simulated places.
Shape shorthand: N points of all vehicles, T tracklets, C cameras.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from mtmc.errors import InputError
from mtmc.files import check_file
from mtmc.structures import Double, Long, TrackletTable, label_index
from mtmc.synth.tracklets.appearance import STRENGTHS, Appearance, Crops
from mtmc.synth.tracklets.simulated import Simulated
from mtmc.synth.tracklets.true_zones import zones_toml

RADIUS_M = 40.0
LEAST_ROADS = 3
LONGEST_GAP_S = 2.0
"""A vehicle out of view for longer comes back as another tracklet."""
KINDS = {
    "bus": "bus", "coach": "bus", "truck": "truck", "trailer": "truck", "delivery": "van", "motorcycle": "motorcycle",
    "moped": "motorcycle", "bicycle": "bicycle", "pedestrian": "person",
}  # fmt: skip
"""Our label of what a vehicle type's name begins with; others are cars."""
FARTHEST = 1e9
"""Metres or seconds that no network and no simulation reaches."""
WRITTEN_BY_SUMO = "Give a file that SUMO wrote, .xml or .xml.gz (see the command's help)."
SIZES = {"car": 0.12, "van": 0.15, "truck": 0.19, "bus": 0.22, "motorcycle": 0.07, "bicycle": 0.06, "person": 0.04}


def simulate_sumo(fcd: Path, net: Path, seed: int, strength: str = "easy") -> Simulated:
    """The tracklets of a simulation, with their truth. Raises InputError for files that are none of SUMO's or do not
    belong together."""
    names, centres = _cameras(net)
    kinds, points = _points(fcd)
    rows = [row for c, centre in enumerate(centres) for row in _stays(c, centre, points)]
    if not rows:
        expected, fix = f"vehicles within {RADIUS_M:g} m of {net}'s junctions", "Give the network that was simulated"
        raise InputError(fcd, expected, "none", f"{fix}, and positions in its metres (--fcd-output.geo false).")
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    order = np.lexsort((columns["camera"], columns["start"]))
    columns = {name: column[order] for name, column in columns.items()}
    vehicle, camera = columns["vehicle"].astype(np.int64), columns["camera"].astype(np.int64)
    crops = Crops(vehicle[:, None], camera)
    features = Appearance(seed, len(names)).vectors(crops, STRENGTHS[strength] / 2)[:, 0]
    label = np.array([label_index(kinds[v]) for v in vehicle], np.int16)
    spread = np.exp(np.random.default_rng(seed).normal(0, 0.1, len(vehicle)))
    size = np.asarray(np.array([SIZES[kinds[v]] for v in vehicle]) * spread, np.float32)
    table = TrackletTable(
        names, camera.astype(np.int32), np.arange(1, len(vehicle) + 1), columns["start"], columns["end"],
        columns["entry"], columns["exit"], columns["entry_velocity"], columns["exit_velocity"],
        size, label, np.ones(len(vehicle), np.float32), features,
    )  # fmt: skip
    links = _links(table, vehicle)
    return Simulated(table, vehicle, columns["boxes"], np.zeros(len(names)), True, *links, zones_toml(table, vehicle))


def _cameras(net: Path) -> tuple[tuple[str, ...], Double]:
    """Names and places (C, 2) of the junctions that have a camera."""
    places, roads, signals = {}, {}, set()
    for element in _elements(net, "net", ("junction",)):
        name, kind = _told(net, element, "id"), element.get("type", "")
        if kind == "internal" or name.startswith(":"):
            continue
        places[name] = _number(net, element, "x"), _number(net, element, "y")
        lanes = [lane for lane in element.get("incLanes", "").split() if not lane.startswith(":")]
        roads[name] = len({lane.rpartition("_")[0] for lane in lanes})
        if kind.startswith("traffic_light"):
            signals.add(name)
    crossings = {name for name, count in roads.items() if count >= LEAST_ROADS}
    chosen = sorted(crossings & signals or crossings)
    if len(chosen) < 2:
        expected = f"a network with two junctions or more where {LEAST_ROADS} roads meet"
        found = f"{len(chosen)} such among {len(places)} junctions"
        raise InputError(net, expected, found, "Give a larger network to --sumo-net: SUMO's .net.xml.")
    width = max(len(str(len(chosen))), 3)
    return tuple(f"c{k:0{width}d}" for k in range(1, len(chosen) + 1)), np.array([places[name] for name in chosen])


def _points(fcd: Path) -> tuple[dict[int, str], dict[str, Any]]:
    """The kind of each vehicle, and all their points by vehicle and time, each time once."""
    number: dict[str, int] = {}
    kinds: dict[int, str] = {}
    rows: list[tuple[int, float, float, float]] = []
    for step in _elements(fcd, "fcd-export", ("timestep",)):
        time = _number(fcd, step, "time")
        for thing in step:
            vehicle = number.setdefault(_told(fcd, thing, "id"), len(number) + 1)
            if vehicle not in kinds:
                kind = thing.get("type", "person" if thing.tag == "person" else "").lower()
                kinds[vehicle] = next((label for start, label in KINDS.items() if kind.startswith(start)), "car")
            rows.append((vehicle, time, _number(fcd, thing, "x"), _number(fcd, thing, "y")))
    if not rows:
        raise InputError(fcd, "vehicles in SUMO's <fcd-export>", "none", "Let SUMO run until vehicles have departed.")
    table = np.array(rows, np.float64)
    table = table[np.unique(table[:, :2], axis=0, return_index=True)[1]]
    return kinds, {"vehicle": table[:, 0].astype(np.int64), "time": table[:, 1], "place": table[:, 2:]}


def _stays(camera: int, centre: Double, points: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Stays of two points or more within a camera's view."""
    seen = np.flatnonzero((np.abs(points["place"] - centre) <= RADIUS_M).all(axis=1))
    vehicle, time = points["vehicle"][seen], points["time"][seen]
    places = (points["place"][seen] - centre) / (2 * RADIUS_M) * (1, -1) + 0.5  # north is up
    cuts = np.flatnonzero((np.diff(vehicle) != 0) | (np.diff(time) > LONGEST_GAP_S)) + 1
    for rows in np.split(np.arange(len(seen)), cuts):
        if len(rows) > 1:
            first, second, before, last = rows[[0, 1, -2, -1]]
            yield {
                "camera": camera, "vehicle": vehicle[first], "start": time[first], "end": time[last],
                "boxes": len(rows), "entry": places[first], "exit": places[last],
                "entry_velocity": (places[second] - places[first]) / (time[second] - time[first]),
                "exit_velocity": (places[last] - places[before]) / (time[last] - time[before]),
            }  # fmt: skip


def _links(table: TrackletTable, vehicle: Long) -> tuple[Long, Long, Double]:
    """Pairs of cameras that vehicles went between, and the usual seconds."""
    order = np.lexsort((table.start_s, vehicle))
    a, b = order[:-1], order[1:]
    goes = (vehicle[a] == vehicle[b]) & (table.camera[a] != table.camera[b])
    ends = np.stack([table.camera[a], table.camera[b]])[:, goes].astype(np.int64)
    seconds = (table.start_s[b] - table.end_s[a])[goes]
    pairs, which = np.unique(ends, axis=1, return_inverse=True)
    usual = [float(np.median(seconds[which.ravel() == k])) for k in range(pairs.shape[1])]
    return pairs[0], pairs[1], np.array(usual, np.float64)


def _elements(path: Path, root: str, wanted: tuple[str, ...]) -> Iterator[ET.Element]:
    """Elements below the root, one after the other, without holding the file. Raises InputError."""
    expected = f"SUMO's <{root}>"
    check_file(path, expected, fix=WRITTEN_BY_SUMO)
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            events = ET.iterparse(file, events=("start", "end"))
            _, top = next(events)
            if top.tag != root:
                raise InputError(path, expected, f"<{top.tag}>", WRITTEN_BY_SUMO)
            for event, element in events:
                if event == "end" and element.tag in wanted:
                    yield element
                    top.clear()
    except ET.ParseError as error:
        raise InputError(path, expected, f"no whole XML ({str(error).replace(':', ' at')})", WRITTEN_BY_SUMO) from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(path, expected, str(error).lower(), WRITTEN_BY_SUMO) from error


def _told(path: Path, element: ET.Element, name: str) -> str:
    value = element.get(name)
    if value is None:
        raise InputError(path, f"{name}=... in every <{element.tag}>", "one without", WRITTEN_BY_SUMO)
    return value


def _number(path: Path, element: ET.Element, name: str) -> float:
    text = _told(path, element, name)
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not abs(value) <= FARTHEST:
        expected = f"a number up to {FARTHEST:.0e} for {name} in every <{element.tag}>"
        raise InputError(path, expected, repr(text[:40]), WRITTEN_BY_SUMO)
    return value
