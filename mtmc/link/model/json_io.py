"""A learned network as a readable JSON file, to look at, and to start from in the next run of the same cameras."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.errors import ConfigError
from mtmc.link.model.camera_network import GRID, CameraNetwork, Meaning, Paths, Travel
from mtmc.link.model.densities import Ratio
from mtmc.link.model.entry_exit_zones import PortMap, Ports
from mtmc.link.model.topology_graph import quantile_s, streets

FORMAT = "mtmc camera network 1"


def to_json(network: CameraNetwork) -> dict[str, Any]:
    """Plain lists and dictionaries; times in seconds on the common clock, places as shares of the image."""
    return {
        "format": FORMAT,
        "cameras": {name: _camera(network, number) for number, name in enumerate(network.cameras)},
        "streets": [
            {
                "from": network.cameras[s.source], "to": network.cameras[s.target], "vehicles": round(s.vehicles, 1),
                "travel_s": [round(s.low_s, 2), round(s.typical_s, 2), round(s.high_s, 2)],
            }
            for s in streets(network)
        ],
        "links": _links(network),
        "meaning": _meaning(network.meaning),
    }  # fmt: skip


def _camera(network: CameraNetwork, number: int) -> dict[str, Any]:
    error = float(network.clock_error_s[number])
    paths, ports = network.paths, network.ports
    doors, gates = (np.flatnonzero(owner == number) for owner in (ports.entry_camera, ports.exit_camera))
    return {
        "clock_ahead_s": round(float(network.clock_ahead_s[number]), 3),
        "clock_error_s": round(error, 3) if np.isfinite(error) else None,
        "clock_trusted": bool(network.clock_trusted[number]),
        "entries": _ports(ports.entries[number]),
        "exits": _ports(ports.exits[number]),
        "entering": np.round(paths.entering[doors], 3).tolist(),
        "unborn_per_s": np.round(paths.unborn[doors], 8).tolist(),
        "leaving": np.round(paths.leaving[gates], 3).tolist(),
    }


def _ports(ports: Ports) -> list[dict[str, Any]]:
    return [
        {"centre": np.round(centre, 4).tolist(), "spread": round(float(spread), 4), "share": round(float(share), 4)}
        for centre, spread, share in zip(ports.centre, ports.spread, ports.share, strict=True)
    ]


def _links(network: CameraNetwork) -> list[dict[str, Any]]:
    travel, paths = network.travel, network.paths
    exits, entries = len(paths.leaving), len(paths.entering)
    owner = paths.key // (exits * entries)
    typical = quantile_s(travel, 0.5)
    result = []
    for link in range(len(travel)):
        rows = np.flatnonzero(owner == link)
        ways = np.stack([paths.key[rows] // entries % exits, paths.key[rows] % entries], axis=1).tolist()
        result.append(
            {
                "from": network.cameras[travel.source[link]], "to": network.cameras[travel.target[link]],
                "gate_s": [round(float(travel.low_s[link]), 4), round(float(travel.high_s[link]), 4)],
                "typical_s": round(float(typical[link]), 3), "vehicles": round(float(travel.flow[link]), 4),
                "height": round(float(travel.height[link]), 6), "density": np.round(travel.density[link], 7).tolist(),
                "paths": [[*way, round(float(n), 4)] for way, n in zip(ways, paths.count[rows], strict=True) if n > 1e-3],
            }
        )  # fmt: skip
    return result


def _meaning(meaning: Meaning) -> dict[str, Any]:
    return {
        "appearance": _ratio(meaning.appearance), "size": _ratio(meaning.size), "kind": np.round(meaning.kind, 4).tolist(),
        "gap_s": meaning.gap_s, "drift": meaning.drift,
    }  # fmt: skip


def _ratio(ratio: Ratio) -> dict[str, Any]:
    return {"low": ratio.low, "high": ratio.high, "value": np.round(ratio.value, 4).tolist()}


def read_network(path: Path, cameras: tuple[str, ...]) -> CameraNetwork:
    """A network that was saved, for cameras that must be the same. Raises ConfigError for a file that is none, or of other cameras."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != FORMAT:
            raise ValueError(f"format {stored['format']!r}")
        network = _network(stored)
    except (OSError, ValueError, KeyError, TypeError) as error:
        expected = "a network.json written by `mtmc run`"
        raise ConfigError(path, expected, str(error), "Give another file, or none to learn anew.") from error
    if network.cameras != cameras:
        found, expected = ", ".join(network.cameras), f"a network of the cameras {', '.join(cameras)}"
        raise ConfigError(path, expected, found, "Give the network of these cameras, or none to learn anew.")
    return network


def _network(stored: Mapping[str, Any]) -> CameraNetwork:
    names = tuple(stored["cameras"])
    cameras = [stored["cameras"][name] for name in names]
    entries, exits = (tuple(_read_ports(c[kind]) for c in cameras) for kind in ("entries", "exits"))
    nobody = np.zeros(0, np.int64)
    owners = (np.repeat(np.arange(len(names)), [len(p) + 1 for p in ports]) for ports in (entries, exits))
    ports = PortMap(entries, exits, nobody, nobody, *owners)
    number = {name: index for index, name in enumerate(names)}
    links = stored["links"]
    errors = [np.inf if c["clock_error_s"] is None else c["clock_error_s"] for c in cameras]
    return CameraNetwork(
        names, ports, _read_travel(links, number), _read_paths(links, cameras), _read_meaning(stored["meaning"]),
        np.array([c["clock_trusted"] for c in cameras], bool),
        np.array([c["clock_ahead_s"] for c in cameras], np.float64), np.array(errors, np.float64),
    )  # fmt: skip


def _read_ports(stored: list[dict[str, Any]]) -> Ports:
    centre = np.array([p["centre"] for p in stored], np.float64).reshape(-1, 4)
    return Ports(centre, np.array([p["spread"] for p in stored]), np.array([p["share"] for p in stored]))


def _read_travel(links: list[dict[str, Any]], number: Mapping[str, int]) -> Travel:
    def column(key: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.array([link[key] for link in links], np.float64)

    gates = column("gate_s").reshape(-1, 2)
    source, target = (np.array([number[link[end]] for link in links], np.int64) for end in ("from", "to"))
    return Travel(
        source,
        target,
        gates[:, 0],
        gates[:, 1],
        column("density").reshape(-1, GRID),
        column("vehicles"),
        column("height"),
    )


def _read_paths(links: list[dict[str, Any]], cameras: list[dict[str, Any]]) -> Paths:
    entering, unborn, leaving = (
        np.concatenate([np.array(c[key], np.float64) for c in cameras])
        for key in ("entering", "unborn_per_s", "leaving")
    )
    ways = [
        ((link * len(leaving) + exit_) * len(entering) + entry, count)
        for link, stored in enumerate(links)
        for exit_, entry, count in stored["paths"]
    ]
    ways.sort()
    key, count = np.array([k for k, _ in ways], np.int64), np.array([n for _, n in ways], np.float64)
    return Paths(key, count, leaving, entering, unborn)


def _read_meaning(stored: Mapping[str, Any]) -> Meaning:
    looks, sizes = (
        Ratio(stored[kind]["low"], stored[kind]["high"], np.array(stored[kind]["value"], np.float64))
        for kind in ("appearance", "size")
    )
    return Meaning(looks, sizes, np.array(stored["kind"], np.float64), float(stored["gap_s"]), float(stored["drift"]))
