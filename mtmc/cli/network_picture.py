"""A learned camera network for people: as sentences and as a graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtmc.files.atomic import writing
from mtmc.link.model.topology_graph import planar_layout

ARROW = {"arrowstyle": "-|>", "color": "0.55", "shrinkA": 14, "shrinkB": 14, "connectionstyle": "arc3,rad=0.12"}


Linked = Mapping[tuple[str, str], int]
"""Links made, by the camera they lead from and the one they lead to."""


def clocks_and_streets(stored: dict[str, Any], linked: Linked | None) -> dict[str, Any]:
    """What most users want of the file, with the links made where they are known."""
    keys = ("clock_ahead_s", "clock_error_s")
    cameras = {name: {key: camera[key] for key in keys} for name, camera in stored["cameras"].items()}
    made = linked or {}
    told = [{"linked": made.get((s["from"], s["to"]), 0)} if linked is not None else {} for s in stored["streets"]]
    streets = [street | more for street, more in zip(stored["streets"], told, strict=True)]
    return {"cameras": cameras, "streets": streets}


def sentences(stored: dict[str, Any], linked: Linked | None) -> Iterator[str]:
    """Lines for people: vehicles as the model expects them, links as they were made."""
    for name, camera in stored["cameras"].items():
        error = camera["clock_error_s"]
        known = f"{camera['clock_ahead_s']:+.2f} s" + (f" (±{error:.2f})" if error else "")
        clock = "unknown" if error is None else known
        ends = f"{len(camera['entries'])} entries, {len(camera['exits'])} exits"
        yield f"{name}: {ends}, clock ahead {clock}"
    for street in stored["streets"]:
        low, typical, high = street["travel_s"]
        way = f"{street['from']} -> {street['to']}"
        made = "" if linked is None else f", {linked.get((street['from'], street['to']), 0)} linked"
        yield f"{way}: {_time(low, typical, high)}, {street['vehicles']:.0f} vehicles expected{made}"


def _time(low: float, typical: float, high: float) -> str:
    """A travel time and its range; views that overlap have a negative one, the time in both."""
    if low >= 0:
        return f"{typical:.1f} s ({low:.1f} to {high:.1f})"
    if high <= 0:
        return f"seen by both for {-typical:.1f} s ({-high:.1f} to {-low:.1f})"
    usual = f"{typical:.1f} s later" if typical >= 0 else f"seen by both for {-typical:.1f} s"
    return f"{usual} (from {-low:.1f} s in both to {high:.1f} s later)"


def draw(stored: dict[str, Any], path: Path) -> None:
    """Cameras as dots, streets as arrows as thick as their traffic, typical seconds beside them; near in time is near
    on the page."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(stored["cameras"])
    place = dict(zip(names, planar_layout(_times(stored, names)), strict=True))
    size = float(np.clip(2 + len(names) ** 0.5 * 1.6, 5, 30))
    figure, axes = plt.subplots(figsize=(size, size * 0.8), layout="constrained")
    most = max((s["vehicles"] for s in stored["streets"]), default=1.0)
    for street in stored["streets"]:
        a, b = place[street["from"]], place[street["to"]]
        width = 0.6 + 3.0 * street["vehicles"] / most
        axes.annotate("", xy=b, xytext=a, arrowprops=ARROW | {"lw": width})
        side = np.array([b[1] - a[1], a[0] - b[0]]) * 0.09
        middle = (a + b) / 2 + side
        seconds = f"{street['travel_s'][1]:.0f} s"
        axes.text(middle[0], middle[1], seconds, fontsize=7, ha="center", va="center", color="0.3")
    points = np.array(list(place.values())).reshape(-1, 2)
    axes.scatter(points[:, 0], points[:, 1], s=420, color="tab:blue", zorder=3)
    for name, point in place.items():
        axes.text(point[0], point[1], name, ha="center", va="center", color="white", fontsize=7, zorder=4)
    axes.set_axis_off()
    axes.margins(0.15)
    axes.set_aspect("equal", adjustable="datalim")
    with writing(path):
        figure.savefig(path, dpi=130, format="png")
    plt.close(figure)


def _times(stored: dict[str, Any], names: list[str]) -> NDArray[np.float64]:
    """Seconds (C, C) between neighbours, at least 8 so that dots do not touch, inf for others."""
    number = {name: index for index, name in enumerate(names)}
    times = np.full((len(names), len(names)), np.inf)
    for street in stored["streets"]:
        a, b = number[street["from"]], number[street["to"]]
        times[a, b] = times[b, a] = min(times[a, b], max(street["travel_s"][1], 8.0))
    return times
