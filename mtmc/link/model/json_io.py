"""A learned network as a readable JSON file, to look at, and to start from in the next run of the same cameras.

The file's keys are those of format 1 and keep their words; the names in the code beside them say what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.errors import ConfigError, UserError
from mtmc.link.model.camera_network import GRID, CameraNetwork, Likelihoods, Routes, Transitions
from mtmc.link.model.densities import LogRatio
from mtmc.link.model.entry_exit_zones import CameraZones, Zones
from mtmc.link.model.topology_graph import direct_transitions, quantile_s
from mtmc.store.documents import read_network_file
from mtmc.structures import Double

FORMAT = "mtmc camera network 1"
LEAST_COUNT = 1e-3
"""Routes of fewer expected vehicles are not written."""


def to_json(network: CameraNetwork) -> dict[str, Any]:
    """Plain lists and dictionaries; times in seconds on the common clock, places as fractions of the image."""
    return {
        "format": FORMAT,
        "cameras": {name: _camera(network, number) for number, name in enumerate(network.cameras)},
        "streets": [
            {
                "from": network.cameras[d.source], "to": network.cameras[d.target], "vehicles": round(d.vehicles, 1),
                "travel_s": [round(d.low_s, 2), round(d.typical_s, 2), round(d.high_s, 2)],
            }
            for d in direct_transitions(network)
        ],
        "links": _transitions(network),
        "meaning": _likelihoods(network.likelihoods),
    }  # fmt: skip


def _camera(network: CameraNetwork, number: int) -> dict[str, Any]:
    error = float(network.clock_error_s[number])
    routes, zones = network.routes, network.zones
    entries, exits = (np.flatnonzero(owner == number) for owner in (zones.entry_camera, zones.exit_camera))
    return {
        "clock_ahead_s": round(float(network.clock_offset_s[number]), 3),
        "clock_error_s": round(error, 3) if np.isfinite(error) else None,
        "clock_trusted": bool(network.clock_trusted[number]),
        "entries": _zones(zones.entries[number]),
        "exits": _zones(zones.exits[number]),
        "entering": np.round(routes.entering[entries], 3).tolist(),
        "unborn_per_s": np.round(routes.arrival_rate[entries], 8).tolist(),
        "leaving": np.round(routes.leaving[exits], 3).tolist(),
    }


def _zones(zones: CameraZones) -> list[dict[str, Any]]:
    return [
        {"centre": np.round(centre, 4).tolist(), "spread": round(float(spread), 4), "share": round(float(share), 4)}
        for centre, spread, share in zip(zones.centre, zones.deviation, zones.fraction, strict=True)
    ]


def _transitions(network: CameraNetwork) -> list[dict[str, Any]]:
    every, routes = network.transitions, network.routes
    typical = quantile_s(every, 0.5)
    return [
        {
            "from": network.cameras[every.source[k]], "to": network.cameras[every.target[k]],
            "gate_s": [round(float(every.low_s[k]), 4), round(float(every.high_s[k]), 4)],
            "typical_s": round(float(typical[k]), 3), "vehicles": round(float(every.count[k]), 4),
            "height": round(float(every.kernel_peak[k]), 6), "density": np.round(every.density[k], 7).tolist(),
            "paths": [
                [int(routes.exit_zone[n]), int(routes.entry_zone[n]), round(float(routes.count[n]), 4)]
                for n in np.flatnonzero((routes.transition == k) & (routes.count > LEAST_COUNT))
            ],
        }
        for k in range(len(every))
    ]  # fmt: skip


def _likelihoods(likelihoods: Likelihoods) -> dict[str, Any]:
    return {
        "appearance": _ratio(likelihoods.appearance), "size": _ratio(likelihoods.size),
        "kind": np.round(likelihoods.label_class, 4).tolist(),
        "gap_s": likelihoods.gap_s, "drift": likelihoods.position_deviation,
    }  # fmt: skip


def _ratio(ratio: LogRatio) -> dict[str, Any]:
    return {"low": ratio.low, "high": ratio.high, "value": np.round(ratio.value, 4).tolist()}


def read_network(path: Path, cameras: tuple[str, ...]) -> CameraNetwork:
    """A network that was saved, for cameras that must be the same. Raises ConfigError for a file that is none, or of
    other cameras."""
    try:
        network = _network(read_network_file(path))
    except (UserError, ValueError) as error:
        expected, found = "a network.json written by `mtmc run`", getattr(error, "found", str(error))
        raise ConfigError(path, expected, found, "Give another file, or none to learn anew.") from error
    if network.cameras != cameras:
        found, expected = ", ".join(network.cameras), f"a network of the cameras {', '.join(cameras)}"
        raise ConfigError(path, expected, found, "Give the network of these cameras, or none to learn anew.")
    return network


def _network(stored: Mapping[str, Any]) -> CameraNetwork:
    names = tuple(stored["cameras"])
    cameras = [stored["cameras"][name] for name in names]
    entries, exits = (tuple(_read_zones(c[end]) for c in cameras) for end in ("entries", "exits"))
    nobody = np.zeros(0, np.int64)
    owners = (np.repeat(np.arange(len(names)), [len(z) + 1 for z in zones]) for zones in (entries, exits))
    number = {name: index for index, name in enumerate(names)}
    links = stored["links"]
    errors = [np.inf if c["clock_error_s"] is None else c["clock_error_s"] for c in cameras]
    return CameraNetwork(
        names, Zones(entries, exits, nobody, nobody, *owners),
        _read_transitions(links, number), _read_routes(links, cameras), _read_likelihoods(stored["meaning"]),
        np.array([c["clock_trusted"] for c in cameras], bool),
        np.array([c["clock_ahead_s"] for c in cameras], np.float64), np.array(errors, np.float64),
    )  # fmt: skip


def _read_zones(stored: list[dict[str, Any]]) -> CameraZones:
    centre = np.array([z["centre"] for z in stored], np.float64).reshape(-1, 4)
    return CameraZones(centre, np.array([z["spread"] for z in stored]), np.array([z["share"] for z in stored]))


def _read_transitions(links: list[dict[str, Any]], number: Mapping[str, int]) -> Transitions:
    def column(key: str) -> Double:
        return np.array([link[key] for link in links], np.float64)

    gates = column("gate_s").reshape(-1, 2)
    source, target = (np.array([number[link[end]] for link in links], np.int64) for end in ("from", "to"))
    density = column("density").reshape(-1, GRID)
    return Transitions(source, target, gates[:, 0], gates[:, 1], density, column("vehicles"), column("height"))


def _read_routes(links: list[dict[str, Any]], cameras: list[dict[str, Any]]) -> Routes:
    leaving, entering, arrival_rate = (
        np.concatenate([np.array(c[key], np.float64) for c in cameras])
        for key in ("leaving", "entering", "unborn_per_s")
    )
    routes = [(number, *route) for number, link in enumerate(links) for route in link["paths"]]
    transition, exit_zone, entry_zone, count = np.array(routes, np.float64).reshape(-1, 4).T
    ways = transition.astype(np.int64), exit_zone.astype(np.int64), entry_zone.astype(np.int64)
    return Routes.unused(leaving, entering, arrival_rate).counted(*ways, count)


def _read_likelihoods(stored: Mapping[str, Any]) -> Likelihoods:
    appearance, size = (
        LogRatio(stored[key]["low"], stored[key]["high"], np.array(stored[key]["value"], np.float64))
        for key in ("appearance", "size")
    )
    label_class = np.array(stored["kind"], np.float64)
    return Likelihoods(appearance, size, label_class, float(stored["gap_s"]), float(stored["drift"]))
