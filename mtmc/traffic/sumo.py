"""A start for a digital twin: the cameras' network, vehicles, detectors and counts as SUMO reads them.

    netconvert -n traffic.nod.xml -e traffic.edg.xml -x traffic.con.xml -o traffic.net.xml
    sumo -n traffic.net.xml -r traffic.rou.xml -a traffic.add.xml

A camera is a junction with an edge in and an edge out; an edge leads to each camera that vehicles went on to, as long
as they needed at free flow. Whoever has a network of his own takes the counts (``traffic.edgedata.xml``, for
routeSampler).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np

from mtmc.files.atomic import replacing
from mtmc.link.model.topology_graph import planar_layout
from mtmc.structures import LABELS, Double
from mtmc.traffic.tables import FREE_FLOW

if TYPE_CHECKING:
    from mtmc.traffic import Traffic

SPEED_MPS = 13.9
LEAST_M, ARM_M = 20.0, 100.0
"""Length of the shortest edge, and of the edges in and out."""
CLASSES = {"bus": "bus", "truck": "truck", "van": "delivery", "motorcycle": "motorcycle", "bicycle": "bicycle"}
"""SUMO's vehicle class of each label; a passenger car for others."""


@dataclass(frozen=True, slots=True)
class Journey:
    """A vehicle: when it comes into the first camera's view, its label and its edges."""

    vehicle: int
    start_s: float
    label: int
    edges: tuple[str, ...]


def write_sumo(traffic: Traffic, folder: Path) -> list[Path]:
    """Nodes, edges, connections, vehicles, detectors and counts, each a file."""
    journeys = list(_journeys(traffic))
    documents = {
        "traffic.nod.xml": _nodes(traffic),
        "traffic.edg.xml": _edges(traffic, journeys),
        "traffic.con.xml": _connections(journeys),
        "traffic.rou.xml": _vehicles(traffic, journeys),
        "traffic.add.xml": _detectors(traffic, journeys),
        "traffic.edgedata.xml": _counts(traffic, journeys),
    }
    for name, root in documents.items():
        ET.indent(root)
        with replacing(folder / name) as temporary:
            ET.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)
    return [folder / name for name in documents]


def _journeys(traffic: Traffic) -> Iterator[Journey]:
    found, cameras = traffic.estimates, traffic.observed.pieces.cameras
    stays, bins = found.stays, traffic.frame.bins
    inside = bins.of(stays.start_s) >= 0
    starts = np.flatnonzero(np.diff(stays.vehicle, prepend=-1)) if len(stays) else np.zeros(0, np.int64)
    journeys = []
    for rows in np.split(np.arange(len(stays)), starts[1:]):
        seen = [cameras[c] for c in stays.camera[rows]]
        way = [name for k, name in enumerate(seen) if k == 0 or name != seen[k - 1]]
        if len(rows) and inside[rows[0]]:
            between = [f"{a}_{b}" for a, b in pairwise(way)]
            edges = (f"{way[0]}_in", *between, f"{way[-1]}_out")
            journeys.append(
                Journey(int(stays.vehicle[rows[0]]), float(stays.start_s[rows[0]]), int(found.label[rows[0]]), edges)
            )
    yield from sorted(journeys, key=lambda journey: (journey.start_s, journey.vehicle))


def _free_flow(traffic: Traffic) -> dict[tuple[str, str], float]:
    """Seconds from camera to camera at free flow, of the gates that are cameras."""
    frame, summary = traffic.frame, traffic.estimates.measured.tables["legs"]
    axes = frame.pair.unpack(summary.code)
    ends = zip(axes["from"].tolist(), axes["to"].tolist(), strict=True)
    return {
        (frame.gates.names[a], frame.gates.names[b]): seconds
        for (a, b), seconds in zip(ends, summary.columns[FREE_FLOW].tolist(), strict=True)
    }


def _places(traffic: Traffic) -> Double:
    """Metres (C, 2): where vehicles were seen, or drawn so that near in time is near."""
    pieces = traffic.observed.pieces
    known = np.isfinite(pieces.entry_m).all(axis=1)
    rows = [known & (pieces.camera == c) for c in range(len(pieces.cameras))]
    if all(row.any() for row in rows):
        return np.array([np.median(pieces.entry_m[row], axis=0) for row in rows])
    number = {name: index for index, name in enumerate(pieces.cameras)}
    times = np.full((len(number), len(number)), np.inf)
    for (a, b), seconds in _free_flow(traffic).items():
        if a in number and b in number:
            times[number[a], number[b]] = times[number[b], number[a]] = max(seconds, LEAST_M / SPEED_MPS)
    return SPEED_MPS * planar_layout(times)


def _nodes(traffic: Traffic) -> ET.Element:
    root = ET.Element("nodes")
    for name, (x, y) in zip(traffic.observed.pieces.cameras, _places(traffic).tolist(), strict=True):
        for end, shift in (("", 0.0), ("_from", -ARM_M), ("_to", ARM_M)):
            ET.SubElement(root, "node", id=f"{name}{end}", x=f"{x + shift:.2f}", y=f"{y + shift:.2f}")
    return root


def _edges(traffic: Traffic, journeys: list[Journey]) -> ET.Element:
    root, free = ET.Element("edges"), _free_flow(traffic)
    ends = {}
    for name in traffic.observed.pieces.cameras:
        ends[f"{name}_in"], ends[f"{name}_out"] = (f"{name}_from", name), (name, f"{name}_to")
    for a in traffic.observed.pieces.cameras:
        ends |= {f"{a}_{b}": (a, b) for b in traffic.observed.pieces.cameras if a != b}
    arms = {f"{name}_{end}" for name in traffic.observed.pieces.cameras for end in ("in", "out")}
    for edge in sorted(arms | {edge for journey in journeys for edge in journey.edges}):
        a, b = ends[edge]
        length = ARM_M if edge in arms else max(free.get((a, b), 0.0) * SPEED_MPS, LEAST_M)
        told = {"numLanes": "1", "speed": f"{SPEED_MPS}", "length": f"{length:.1f}"}
        ET.SubElement(root, "edge", {"id": edge, "from": a, "to": b, **told})
    return root


def _connections(journeys: list[Journey]) -> ET.Element:
    root = ET.Element("connections")
    pairs = {pair for j in journeys for pair in pairwise(j.edges)}
    for a, b in sorted(pairs):
        ET.SubElement(root, "connection", {"from": a, "to": b})
    return root


def _vehicles(traffic: Traffic, journeys: list[Journey]) -> ET.Element:
    root, start = ET.Element("routes"), traffic.frame.bins.start_s
    for label in sorted({journey.label for journey in journeys}):
        ET.SubElement(root, "vType", id=LABELS[label], vClass=CLASSES.get(LABELS[label], "passenger"))
    for journey in journeys:
        told = {"id": str(journey.vehicle), "type": LABELS[journey.label], "depart": f"{journey.start_s - start:.2f}"}
        ET.SubElement(ET.SubElement(root, "vehicle", told), "route", edges=" ".join(journey.edges))
    return root


def _detectors(traffic: Traffic, journeys: list[Journey]) -> ET.Element:
    root, period = ET.Element("additional"), f"{traffic.frame.bins.width_s:g}"
    for edge in sorted({edge for journey in journeys for edge in journey.edges}):
        told = {"id": edge, "lane": f"{edge}_0", "pos": "-5", "period": period, "file": "traffic.detectors.xml"}
        ET.SubElement(root, "inductionLoop", told)
    return root


def _counts(traffic: Traffic, journeys: list[Journey]) -> ET.Element:
    """Vehicles that come into the network by each camera, per bin."""
    root, bins = ET.Element("data"), traffic.frame.bins
    number = bins.of(np.array([journey.start_s for journey in journeys])).tolist()
    entered = Counter((k, journey.edges[0]) for k, journey in zip(number, journeys, strict=True))
    for k in range(bins.count):
        told = {"id": str(k), "begin": f"{k * bins.width_s:g}", "end": f"{(k + 1) * bins.width_s:g}"}
        interval = ET.SubElement(root, "interval", told)
        for name in traffic.observed.pieces.cameras:
            ET.SubElement(interval, "edge", id=f"{name}_in", entered=str(entered[k, f"{name}_in"]))
    return root
