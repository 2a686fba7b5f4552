"""Tables for reports: the cells of what was measured, with names, calendar times, empty bins and intervals.

``vehicles`` is what the linker's solution shows, ``estimate`` the median over drawn solutions with what cameras missed
put in, ``low`` and ``high`` their 5th and 95th percentile; null where nothing could be drawn.
Shape shorthand: K cells, B bins, C cameras.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import betaincinv

from mtmc.scene import Scene
from mtmc.structures import Double, Long
from mtmc.traffic.bins import Bins
from mtmc.traffic.cells import HIGH, LOW, Keys, Summary, interval, middle
from mtmc.traffic.estimates import Estimates
from mtmc.traffic.measures import QUANTILES, TIMES, Frame
from mtmc.visits import moments

Columns = dict[str, Any]
FREE_FLOW = f"exit_to_entry_p{100 * QUANTILES[0]:.0f}_s"
"""Travel time of free flow: what one vehicle in seven needs at most, over the whole period."""


def times(bins: Bins, number: Long, scene: Scene | None) -> Columns:
    """From when to when each bin lasts, on the scene's clock and by the calendar where one is known."""
    start = bins.starts()[number]
    columns: Columns = {"from_s": start, "to_s": start + bins.width_s}
    if scene is not None and scene.clock_zero is not None:
        for end in ("from", "to"):
            columns[f"{end}_time"] = pa.array(moments(scene, columns[f"{end}_s"]), pa.timestamp("ms"))
    return columns


def count_tables(
    frame: Frame, found: Estimates, watched: Sequence[tuple[float, float]], scene: Scene | None
) -> Iterator[tuple[str, pa.Table]]:
    """``counts`` and ``counts_by_bin``; ``watched`` (C): from when to when each camera looks."""
    for name, keys, by_bin in _both(frame, "counts", frame.movement):
        code = _cells(found, name, frame.movement, frame.bins if by_bin else None)
        axes = keys.unpack(code)
        pieces, camera = frame.pieces, axes["camera"]
        named: Columns = {
            "camera_id": _named(pieces.cameras, camera),
            "entry": [pieces.entry_names[c][z] for c, z in zip(camera.tolist(), axes["entry"].tolist(), strict=True)],
            "exit": [pieces.exit_names[c][z] for c, z in zip(camera.tolist(), axes["exit"].tolist(), strict=True)],
            "kind": _named(frame.classes.names, axes["kind"]),
        }
        if by_bin:
            seconds = np.array([frame.bins.watched_s(span) for span in watched])
            named = {**times(frame.bins, axes["bin"], scene), **named, "watched_s": seconds[camera, axes["bin"]]}
        cut = found.measured.tables[name].at(code, "cut", 0.0).astype(np.int64)
        yield name, _table({**named, **_counted(found, name, code), "cut": cut})


def leg_tables(
    frame: Frame, found: Estimates, clock_error_s: Double, scene: Scene | None
) -> Iterator[tuple[str, pa.Table]]:
    """``legs`` and ``legs_by_bin``; ``clock_error_s`` (G,): standard error of each gate's clock, which moves all times
    of a leg alike and stands beside them."""
    free = found.measured.tables["legs"]
    for name, keys, by_bin in _both(frame, "legs", frame.pair):
        code = _cells(found, name, frame.pair, frame.bins if by_bin else None)
        axes, own = keys.unpack(code), found.measured.tables[name]
        columns: Columns = times(frame.bins, axes["bin"], scene) if by_bin else {}
        columns |= {end: _named(frame.gates.names, axes[end]) for end in ("from", "to")}
        columns |= _counted(found, name, code)
        for kind in TIMES:
            for fraction in QUANTILES:
                quantile = f"{kind}_p{100 * fraction:.0f}_s"
                columns[quantile] = own.at(code, quantile, np.nan)
            low, high = interval([s.tables[name] for s in found.samples], code, f"{kind}_p50_s", np.nan)
            columns |= {f"{kind}_p50_low_s": low, f"{kind}_p50_high_s": high}
        columns["free_flow_s"] = free.at(frame.pair.pack(axes["from"], axes["to"]), FREE_FLOW, np.nan)
        columns["delay_s"] = columns["exit_to_entry_p50_s"] - columns["free_flow_s"]
        columns["clock_error_s"] = np.hypot(clock_error_s[axes["from"]], clock_error_s[axes["to"]])
        yield name, _table(columns)


def trip_tables(frame: Frame, found: Estimates, scene: Scene | None) -> Iterator[tuple[str, pa.Table]]:
    """``od`` and ``od_by_bin``."""
    for name, keys, by_bin in _both(frame, "od", frame.pair):
        code = _cells(found, name, frame.pair, frame.bins if by_bin else None)
        axes = keys.unpack(code)
        columns: Columns = times(frame.bins, axes["bin"], scene) if by_bin else {}
        columns |= {end: _named(frame.gates.names, axes[end]) for end in ("from", "to")}
        yield name, _table({**columns, **_counted(found, name, code)})


def route_table(frame: Frame, found: Estimates) -> pa.Table:
    """``routes``: sequences of gates, most used first."""
    own, samples = found.measured.routes, [sample.routes for sample in found.samples]
    often = Counter(route for sample in samples for route in sample)
    routes = sorted(
        {*own, *(route for route, count in often.items() if count > LOW * len(samples))},
        key=lambda route: (-own.get(route, 0), route),
    )
    number = {route: row for row, route in enumerate(routes)}

    def summary(found: Mapping[tuple[int, ...], int]) -> Summary:
        rows = sorted((number[route], count) for route, count in found.items() if route in number)
        code, count = np.array(rows, np.int64).reshape(-1, 2).T
        return Summary(code, {"vehicles": count.astype(np.float64)})

    names = [" ".join(frame.gates.names[gate] for gate in route) for route in routes]
    counted = _numbers(summary(own), [summary(sample) for sample in samples], np.arange(len(routes)))
    return _table(
        {"route": pa.array(names, pa.string()), "gates": np.array([len(r) for r in routes], np.int64), **counted}
    )


def camera_table(frame: Frame, found: Estimates, watched: Sequence[tuple[float, float]]) -> pa.Table:
    """``cameras``: what stands behind the other tables, and what they cannot know: how much each camera saw, how much
    of it clips cut, nobody else saw, or came and went elsewhere than by a known zone; its recall, where other cameras
    vouch for vehicles that it should have seen."""
    stays, cameras = found.stays, len(frame.pieces.cameras)
    camera = stays.camera.astype(np.int64)
    total = np.bincount(camera, minlength=cameras)

    def share(flag: Any) -> Double:
        return np.asarray(np.bincount(camera, flag, cameras) / np.maximum(total, 1))

    columns: Columns = {
        "camera_id": list(frame.pieces.cameras),
        "watched_s": np.array([end - start for start, end in watched]),
        "stays": total,
        "cut": share(stays.cut_start | stays.cut_end),
        "seen_once": share(stays.begins & stays.ends),
        "unknown_movement": share((stays.entry == 0) | (stays.exit == 0)),
        "vouched_seen": found.recall.seen,
        "vouched_missed": found.recall.missed,
    }
    low, middle_, high = (betaincinv(*found.recall.parameters(), fraction) for fraction in (LOW, 0.5, HIGH))
    return _table({**columns, "recall": middle_, "recall_low": low, "recall_high": high})


def _both(frame: Frame, name: str, keys: Keys) -> list[tuple[str, Keys, bool]]:
    return [(name, keys, False), (f"{name}_by_bin", frame.by_bin(keys), True)]


def _cells(found: Estimates, name: str, keys: Keys, bins: Bins | None) -> Long:
    """Codes of a table's rows: what the solution shows or more than one in twenty drawn ones; in every bin, also where
    it is zero."""
    whole = name.removesuffix("_by_bin")
    codes, times_found = np.unique(
        np.concatenate([np.zeros(0, np.int64), *(s.tables[whole].code for s in found.samples)]), return_counts=True
    )
    own = found.measured.tables[whole].code
    code = np.union1d(own, codes[times_found > LOW * len(found.samples)])
    if bins is None:
        return code
    every = np.arange(bins.count)
    axes = [np.tile(axis, bins.count) for axis in keys.unpack(code).values()]
    return Keys((*keys.names, "bin"), (*keys.sizes, bins.count)).pack(*axes, np.repeat(every, len(code)))


def _counted(found: Estimates, name: str, code: Long) -> Columns:
    return _numbers(found.measured.tables[name], [s.tables[name] for s in found.samples], code)


def _numbers(own: Summary, samples: Sequence[Summary], code: Long) -> Columns:
    low, high = interval(samples, code, "vehicles", 0.0)
    return {
        "vehicles": own.at(code, "vehicles", 0.0).astype(np.int64),
        "estimate": middle(samples, code, "vehicles", 0.0),
        "low": low,
        "high": high,
    }


def _named(names: Sequence[str], number: Long) -> pa.Array:
    return pa.array([names[k] for k in number.tolist()], pa.string())


def _table(columns: Columns) -> pa.Table:
    """A table whose unknown numbers are null."""
    return pa.table({
        name: pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else values
        for name, values in columns.items()
    })  # fmt: skip
