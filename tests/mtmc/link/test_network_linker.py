"""The network linker: what it learns, that it says so, and what it does where nothing can be learned."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtmc.errors import ConfigError
from mtmc.link import LinkParams, Problem, network_linker, solve
from mtmc.link.benchmark import agreement
from mtmc.link.model.camera_network import CameraNetwork
from mtmc.link.model.json_io import read_network, to_json
from mtmc.link.model.topology_graph import direct_transitions
from mtmc.structures import TrackletTable
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from tests.mtmc.link.worlds import beside, groups, renamed, small, table_of


def network_of(problem: Problem, **settings: object) -> CameraNetwork:
    network = solve(problem, LinkParams(**settings)).network
    assert isinstance(network, CameraNetwork)
    return network


def test_streets_are_the_true_ones() -> None:
    world = small(minutes=30)
    found = {(s.source, s.target) for s in direct_transitions(network_of(Problem.of(world.table)))}
    assert found == set(zip(world.link_from.tolist(), world.link_to.tolist(), strict=True))


def test_travel_times_are_the_true_ones() -> None:
    world = small(minutes=30)
    usual = dict(zip(zip(world.link_from.tolist(), world.link_to.tolist(), strict=True), world.link_s, strict=True))
    for street in direct_transitions(network_of(Problem.of(world.table))):
        assert street.typical_s == pytest.approx(usual[street.source, street.target], rel=0.1, abs=1.0)


def test_withheld_clocks_are_found() -> None:
    known, withheld = small(minutes=30), small(minutes=30, max_offset_s=30.0)
    solution = solve(Problem.of(withheld.table, False), LinkParams())
    assert isinstance(solution.network, CameraNetwork)
    error = solution.network.clock_offset_s - withheld.offset_s
    assert np.abs(error - np.median(error)).max() < 1.0
    with_clocks = agreement(known.vehicle_id, solve(Problem.of(known.table), LinkParams()).labels, known.boxes).idf1
    without = agreement(withheld.vehicle_id, solution.labels, withheld.boxes).idf1
    assert with_clocks - without < 0.02


@pytest.mark.slow
def test_the_mirror_image_of_a_busy_way_is_no_way_back() -> None:
    """One vehicle in seven goes back to a camera at the edge; those that come, paired the wrong way round, must not set
    its clock."""
    world = simulate(LEVELS[5], 1, 30.0)
    network = network_of(Problem.of(world.table, False))
    error = network.clock_offset_s - world.offset_s
    assert np.abs(error - np.median(error)).max() < 2.0


def test_an_unrelated_camera_changes_nothing() -> None:
    table = small().table
    far = small(seed=8, cameras=2).table
    far = replace(renamed(far, "far"), features=np.roll(far.features, 7, axis=1))
    alone = solve(Problem.of(table), LinkParams()).labels
    together = solve(Problem.of(beside(table, far)), LinkParams()).labels
    assert groups(alone) == groups(together[: len(table)])


def test_network_file_is_where_the_next_run_starts(tmp_path: Path) -> None:
    world = small(minutes=45)
    early, late = np.flatnonzero(world.table.end_s < 1800), np.flatnonzero(world.table.start_s > 1800)
    rows = late[world.table.end_s[late] < 2100]  # five minutes alone teach less than the half hour before
    path = tmp_path / "network.json"
    path.write_text(json.dumps(to_json(network_of(Problem.of(world.table.take(early))))))
    labels = solve(Problem.of(world.table.take(rows)), LinkParams(network_file=path)).labels
    assert agreement(world.vehicle_id[rows], labels, world.boxes[rows]).idf1 > 0.97


def test_network_file_of_other_cameras(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    path.write_text(json.dumps(to_json(network_of(Problem.of(small().table)))))
    with pytest.raises(ConfigError, match="cameras"):
        read_network(path, ("c1",))
    path.write_text("{}")
    with pytest.raises(ConfigError, match=r"network\.json"):
        read_network(path, ("c1",))


def test_windows_change_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = small(minutes=30)
    whole = solve(Problem.of(world.table), LinkParams()).labels
    monkeypatch.setattr(network_linker, "WHOLE", 100)
    monkeypatch.setattr(network_linker, "WINDOW", 120)
    monkeypatch.setattr(network_linker, "LEARNED_FROM", 10**6)
    parts = solve(Problem.of(world.table), LinkParams()).labels
    assert agreement(whole, parts, world.boxes).idf1 > 0.99


def test_many_tracklets_are_linked_by_shorter_features(monkeypatch: pytest.MonkeyPatch) -> None:
    world = small(minutes=30)
    monkeypatch.setattr(network_linker, "WHOLE", 100)
    monkeypatch.setattr(network_linker, "LEARNED_FROM", 10**6)
    monkeypatch.setattr(network_linker, "COMPRESSED", 24)
    solution = solve(Problem.of(world.table), LinkParams())
    assert any("compressed from 48 to 24" in sentence for sentence in solution.warnings)
    assert agreement(world.vehicle_id, solution.labels, world.boxes).idf1 > 0.97


# --- where nothing can be learned
# --------------------------------------------------------------------------------------------------


def warned(table: TrackletTable, words: str, clocks: bool = True) -> np.ndarray:
    solution = solve(Problem.of(table, clocks), LinkParams())
    assert any(words in sentence for sentence in solution.warnings), solution.warnings
    return solution.labels


def test_one_camera_only() -> None:
    table = small(level=3).table
    rows = np.flatnonzero(table.camera == 0)
    table = replace(table.take(rows), cameras=table.cameras[:1])
    labels = warned(table, "only one camera")
    assert len(np.unique(labels)) > 0.8 * len(labels)


def test_two_cameras_without_a_common_vehicle() -> None:
    one = small(seed=11, cameras=2, minutes=20)
    other = small(seed=12, cameras=2, minutes=20)
    parts = [w.table.take(np.flatnonzero(w.table.camera == 0)) for w in (one, other)]
    parts = [replace(p, cameras=(name,)) for p, name in zip(parts, ("c1", "c2"), strict=True)]
    table = beside(*parts)
    labels = warned(table, "No vehicles could be seen to go between")
    cameras = {label: set(table.camera[labels == label].tolist()) for label in np.unique(labels)}
    assert sum(len(seen) > 1 for seen in cameras.values()) == 0


@pytest.mark.parametrize(("travel_spread_s", "linked"), [(1.0, 16), (200.0, 0)])
def test_without_appearance_time_alone_tells_a_way_from_chance(travel_spread_s: float, linked: int) -> None:
    """Sixteen vehicles in four minutes from one camera to the next."""
    random = np.random.default_rng(0)
    left = np.sort(random.uniform(0, 240, 16))
    entered = left + random.normal(12, travel_spread_s, 16)
    start = np.concatenate([left - 5, entered])
    table = table_of([0] * 16 + [1] * 16, start.tolist(), (start + 5).tolist())
    moved = np.tile(np.array([[0.9, 0.5]], np.float32), (32, 1))
    table = replace(table, cameras=table.cameras[:2], exit_xy=moved, quality=np.zeros(32, np.float32))
    links = solve(Problem.of(table), LinkParams()).links
    assert links is not None
    assert len(links.source) == linked
    assert (links.source + 16 != links.target).sum() <= 2  # whom they overtake is not seen


def test_all_vehicles_identical() -> None:
    table = small(minutes=20).table
    features = np.tile(table.features[:1], (len(table), 1))
    warned(replace(table, features=features), "look alike")


def test_three_tracklets() -> None:
    warned(small().table.take(np.arange(3)), "too few")


def test_no_tracklets() -> None:
    warned(small().table.take(np.arange(0)), "no tracklets")


def test_clock_that_jumps() -> None:
    world = small(minutes=30)
    table, half = world.table, 900.0
    jumped = (table.camera == 1) & (table.start_s > half)
    late = np.where(jumped, 12.0, 0.0)
    labels = warned(replace(table, start_s=table.start_s + late, end_s=table.end_s + late), "jump")
    assert agreement(world.vehicle_id, labels, world.boxes).idf1 > 0.9
