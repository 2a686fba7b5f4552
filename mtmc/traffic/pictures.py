"""Pictures for reports: origins and destinations, travel times over the day, turning flows over a camera's picture,
vehicles along a route in time and space. PNG, SVG or PDF.

Shape shorthand: G gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtmc.errors import ConfigError, InputError
from mtmc.files.atomic import replacing
from mtmc.structures import Float, Image
from mtmc.traffic.gates import passings
from mtmc.traffic.tables import FREE_FLOW

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mtmc.traffic import Traffic

FORMATS = ("png", "svg", "pdf")
DPI = 150
INK, BAND, FLOW = "#20262e", "#2f7fbf", "#e8762b"
MOST_LEGS, MOST_GATES = 4, 40
WIDEST, LABELLED = 9.0, 0.15
"""Points that the busiest turning flow is wide, and the fraction of it from which on a flow has a label."""

Pictures = Mapping[str, Image]
"""A picture of each camera that may be seen; flows of others are drawn on white."""


def check_plots(form: str | None) -> None:
    """Raises ConfigError for a form of pictures that is not there, InputError without matplotlib."""
    if form is None:
        return
    if form not in FORMATS:
        raise ConfigError("--plots", f"one of {', '.join(FORMATS)}", repr(form), "Choose one.")
    try:
        import matplotlib
    except ImportError as error:
        raise InputError("--plots", "matplotlib", "none", 'pip install "mtmc[train]"') from error
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "mtmc"


def write_pictures(traffic: Traffic, pictures: Pictures, form: str, folder: Path) -> list[Path]:
    """Draw everything that there is something of; the same traffic gives the same bytes."""
    import matplotlib.pyplot as plt

    date = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]
    paths = []
    for name, draw in _figures(traffic, pictures):
        figure = draw()
        path = folder / f"{name}.{form}"
        with replacing(path) as temporary:
            figure.savefig(temporary, format=form, dpi=DPI, bbox_inches="tight", metadata=date)
        plt.close(figure)
        paths.append(path)
    return paths


def _figures(traffic: Traffic, pictures: Pictures) -> Iterator[tuple[str, Callable[[], Figure]]]:
    yield "od", partial(od_matrix, traffic)
    if traffic.tables["legs"].num_rows:
        yield "travel_times", partial(travel_times, traffic)
        yield "time_space", partial(time_space, traffic)
    for number, camera in enumerate(traffic.observed.pieces.cameras):
        if (traffic.estimates.stays.camera == number).any():
            yield f"turning-{camera}", partial(turning, traffic, number, pictures.get(camera))


def _new(width: float, height: float) -> tuple[Figure, Any]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def od_matrix(traffic: Traffic) -> Figure:
    """Vehicles from gate (rows) to gate (columns), the busiest MOST_GATES, with their intervals."""
    rows, names = traffic.tables["od"].to_pylist(), traffic.frame.gates.names
    through = {name: sum(r["vehicles"] for r in rows if name in (r["from"], r["to"])) for name in names}
    kept = sorted(sorted(names, key=lambda name: -through[name])[:MOST_GATES])
    size = max(3.0, 0.55 * len(kept) + 1.5)
    figure, axes = _new(size, size)
    matrix = np.zeros((len(kept), len(kept)))
    cells = [(kept.index(r["from"]), kept.index(r["to"]), r) for r in rows if r["from"] in kept and r["to"] in kept]
    for a, b, row in cells:
        matrix[a, b] = row["vehicles"]
    axes.imshow(matrix, cmap="Blues", vmin=0)
    most = matrix.max(initial=1)
    for a, b, row in cells:
        exact = row["low"] is None or row["low"] == row["high"] == row["vehicles"]
        text = f"{row['vehicles']}" + ("" if exact else f"\n{row['low']:.0f}-{row['high']:.0f}")
        colour = "white" if matrix[a, b] > 0.6 * most else INK
        axes.text(b, a, text, ha="center", va="center", fontsize=7, color=colour, linespacing=1.1)
    axes.set_xticks(range(len(kept)), kept, rotation=90, fontsize=8)
    axes.set_yticks(range(len(kept)), kept, fontsize=8)
    axes.set_xlabel("to")
    axes.set_ylabel("from")
    axes.set_title("vehicles from gate to gate, 5-95 %", fontsize=9)
    return figure


def travel_times(traffic: Traffic) -> Figure:
    """Median travel time of the busiest legs over the bins: the band from the 15th to the 85th percentile of vehicles,
    bars for what the median itself leaves open."""
    legs = sorted(traffic.tables["legs"].to_pylist(), key=lambda row: -row["vehicles"])[:MOST_LEGS]
    figure, axes = _new(7.2, 3.6)
    by_bin = traffic.tables["legs_by_bin"].to_pylist()
    for leg in legs:
        rows = [r for r in by_bin if (r["from"], r["to"]) == (leg["from"], leg["to"]) and r["vehicles"]]
        at = np.array([(r["from_s"] + r["to_s"]) / 2 for r in rows]) / 60
        low, middle, high = (np.array([r[f"exit_to_entry_p{p}_s"] for r in rows]) for p in (15, 50, 85))
        line = axes.plot(at, middle, marker="o", markersize=3, linewidth=1.2, label=f"{leg['from']} → {leg['to']}")[0]
        axes.fill_between(at, low, high, alpha=0.15, color=line.get_color(), linewidth=0)
        ends = [[r[f"exit_to_entry_p50_{end}_s"] for r in rows] for end in ("low", "high")]
        if all(value is not None for end in ends for value in end):
            off = np.maximum(np.array([middle - ends[0], np.array(ends[1]) - middle], np.float64), 0.0)
            axes.errorbar(at, middle, yerr=off, fmt="none", ecolor=line.get_color(), elinewidth=1, capsize=2)
    axes.set_xlabel("minutes on the scene's clock")
    axes.set_ylabel("seconds from exit to entry")
    axes.legend(fontsize=7, frameon=False)
    return figure


def time_space(traffic: Traffic) -> Figure:
    """Every vehicle along the route that most take: time against place, places apart as long as free flow needs."""
    routes = traffic.estimates.measured.routes
    route = max(routes, key=lambda way: (routes[way] * (len(set(way)) - 1), way))
    names = traffic.frame.gates.names
    free = {(r["from"], r["to"]): max(r[FREE_FLOW] or 0.0, 1.0) for r in traffic.tables["legs"].to_pylist()}
    place = np.cumsum([0.0, *(free.get((names[a], names[b]), 1.0) for a, b in pairwise(route))])
    at = {gate: float(s) for gate, s in zip(route[::-1], place[::-1].tolist(), strict=True)}
    figure, axes = _new(7.2, 4.0)
    passed = passings(traffic.estimates.stays, traffic.frame.gates)
    split = np.flatnonzero(np.diff(passed.vehicle)) + 1
    for rows in np.split(np.arange(len(passed)), split):
        mine = [row for row in rows.tolist() if passed.gate[row] in at]
        if len(mine) > 1:
            times = np.array([(passed.enter_s[row], passed.leave_s[row]) for row in mine]).ravel() / 60
            axes.plot(times, np.repeat([at[passed.gate[row]] for row in mine], 2), color=BAND, linewidth=0.7, alpha=0.7)
    axes.set_yticks(list(at.values()), [names[gate] for gate in at], fontsize=8)
    axes.set_xlabel("minutes on the scene's clock")
    axes.set_title(f"along {' '.join(names[gate] for gate in route)}, flat while in view", fontsize=9)
    return figure


def turning(traffic: Traffic, number: int, picture: Image | None) -> Figure:
    """Flows through a camera from where vehicles come into view to where they go, as wide as they are strong."""
    stays, pieces = traffic.estimates.stays, traffic.observed.pieces
    rows = np.flatnonzero(stays.camera == number)
    begin, end = pieces.entry_px[stays.first[rows]], pieces.exit_px[stays.last[rows]]
    width, height = (picture.shape[1], picture.shape[0]) if picture is not None else _extent(begin, end)
    figure, axes = _new(7.2, 7.2 * height / width)
    if picture is not None:
        axes.imshow(picture[..., ::-1], extent=(0, width, height, 0), alpha=0.75)
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    flows, counts = np.unique(np.stack([stays.entry[rows], stays.exit[rows]]), axis=1, return_counts=True)
    for (entry, exit_), count in sorted(zip(flows.T.tolist(), counts.tolist(), strict=True), key=lambda flow: -flow[1]):
        mine = (stays.entry[rows] == entry) & (stays.exit[rows] == exit_)
        a, b = np.median(begin[mine], axis=0), np.median(end[mine], axis=0)
        if not np.isfinite([a, b]).all() or (entry == 0 and exit_ == 0):
            continue
        wide = max(WIDEST * count / counts.max(), 0.8)
        style = f"-|>,head_length={5 + wide},head_width={2.5 + 0.6 * wide}"
        arrow = {"arrowstyle": style, "mutation_scale": 1, "connectionstyle": "arc3,rad=0.15", "linewidth": wide}
        axes.annotate("", b, a, arrowprops={**arrow, "color": FLOW, "alpha": 0.8, "shrinkA": 0, "shrinkB": 0})
        if count < LABELLED * counts.max():
            continue
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        label = f"{pieces.entry_names[number][entry]} → {pieces.exit_names[number][exit_]}  {count}"
        axes.text(*(0.3 * a + 0.7 * b), label, fontsize=7, ha="center", color=INK, bbox=box)
    axes.set_title(f"{pieces.cameras[number]}: {len(rows)} stays", fontsize=9)
    return figure


def _extent(begin: Float, end: Float) -> tuple[float, float]:
    """Width and height that hold all places, where no picture may be shown."""
    places = np.concatenate([begin, end])
    known = places[np.isfinite(places).all(axis=1)]
    high = known.max(axis=0) if len(known) else np.array([16.0, 9.0])
    return float(high[0]) * 1.05, float(high[1]) * 1.05
