"""Transition discovery: modes of delays, and which zones are looked at where there are many cameras."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtmc.link import LinkParams, Problem, solve
from mtmc.link.benchmark import agreement
from mtmc.link.evidence.appearance import without_camera_bias
from mtmc.link.learning.transitions import FEW_CAMERAS, delay_modes, zone_pairs
from mtmc.link.model.entry_exit_zones import assign_zones
from mtmc.synth.tracklets.sampling import LEVELS, Simulated, simulate
from tests.mtmc.link.worlds import table_of


def many_cameras() -> Simulated:
    """Ten minutes of more cameras than are compared all with all."""
    streets = replace(LEVELS[2].streets, cameras=FEW_CAMERAS + 4, duration_s=600.0, vehicles_per_min=60.0)
    return simulate(replace(LEVELS[2], streets=streets, dimension=32), 3)


def test_many_cameras_are_looked_at_where_neighbours_in_appearance_are() -> None:
    world = many_cameras()
    table, zones = world.table, assign_zones(world.table)
    trusted = np.ones(len(table.cameras), bool)
    pairs = zone_pairs(table, without_camera_bias(table), zones, trusted, LinkParams().limits)
    exits, entries = zones.places()
    assert len(pairs) < 0.1 * len(exits) * len(entries)
    used = _used(world, zones.exit, zones.entry)
    assert len(used & set(pairs)) > 0.8 * len(used)


def _used(world: Simulated, exit_: np.ndarray, entry: np.ndarray) -> set[tuple[int, int]]:
    """Exits and entries of different cameras that at least eight vehicles truly took one after the other."""
    order = np.lexsort((world.table.start_s, world.vehicle_id))
    a, b = order[:-1], order[1:]
    same = (world.vehicle_id[a] == world.vehicle_id[b]) & (world.table.camera[a] != world.table.camera[b])
    ways, count = np.unique(np.stack([exit_[a[same]], entry[b[same]]]), axis=1, return_counts=True)
    return {(int(e), int(f)) for e, f in ways[:, count >= 8].T}


def test_many_cameras_are_linked() -> None:
    world = many_cameras()
    labels = solve(Problem.of(world.table), LinkParams()).labels
    assert agreement(world.vehicle_id, labels, world.boxes).idf1 > 0.9


def test_the_mode_is_the_travel_time() -> None:
    """Twelve vehicles that look like nobody else, one a minute, each seen again 20 s later among others."""
    leave = 60.0 * np.arange(12)
    table = table_of([0] * 12 + [1] * 24, [*leave - 1, *leave + 20, *leave + 41], [*leave, *leave + 21, *leave + 42])
    look = np.eye(36, dtype=np.float32)
    look[12:24] = look[:12]
    first, second = np.arange(12), np.arange(12, 36)
    modes = delay_modes(table, look, first, second, (-15.0, 300.0), ordered=True)
    assert len(modes) == 1
    assert abs(modes[0][0] - 20) < 1.5


def test_the_mode_of_views_that_overlap_is_where_most_votes_are() -> None:
    """A vehicle every 12 s is in two views for 5 s and in both for one; two of ten wait in both. By clocks that agree
    next to nothing else is possible earlier, so that no window is too wide to that side."""
    enter, stay = 12.0 * np.arange(40), np.tile([5.0] * 8 + [15.0, 25.0], 4)
    table = table_of([0] * 40 + [1] * 40, [*enter, *(enter + 4)], [*(enter + stay), *(enter + 4 + stay)])
    look = np.tile(np.eye(40, dtype=np.float32), (2, 1))
    modes = delay_modes(table, look, np.arange(40), np.arange(40, 80), (-60.0, 300.0), ordered=True)
    assert abs(modes[0][0] + 1) < 1.5
