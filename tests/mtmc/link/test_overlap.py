"""Cameras whose views overlap: a vehicle's tracklets are a clique, and what stands is no reason to link."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mtmc.link import LinkParams, Problem, solve
from mtmc.link.benchmark import agreement
from mtmc.link.evidence.views import stands
from mtmc.structures import TrackletTable
from mtmc.synth.presets import PresetName
from mtmc.synth.scene import SynthParams
from mtmc.synth.tracklets.places import Place
from mtmc.synth.tracklets.tracker_noise import TrackerNoise
from tests.mtmc.link.worlds import table_of


def crossing(vehicles: int, seed: int = 0) -> tuple[TrackletTable, np.ndarray]:
    """Vehicles that three overlapping cameras see at about the same time, one after the other, all different."""
    random = np.random.default_rng(seed)
    begin = np.repeat(7.0 * np.arange(vehicles), 3) + random.uniform(0, 2, 3 * vehicles)
    end = begin + random.uniform(5, 12, 3 * vehicles)
    vehicle = np.repeat(np.arange(vehicles), 3)
    look = random.normal(size=(vehicles, 32))[vehicle] + random.normal(0, 0.6, (3 * vehicles, 32))
    table = table_of(np.tile([0, 1, 2], vehicles).tolist(), begin.tolist(), end.tolist())
    moving = np.tile([[0.1, 0.5]], (len(table), 1)), np.tile([[0.9, 0.5]], (len(table), 1))
    table = replace(table, entry_xy=moving[0].astype(np.float32), exit_xy=moving[1].astype(np.float32))
    unit = look / np.linalg.norm(look, axis=1, keepdims=True)
    return replace(table, features=unit.astype(np.float32)), vehicle


def idf1(table: TrackletTable, vehicle: np.ndarray, clocks: bool = True) -> float:
    labels = solve(Problem.of(table, clocks), LinkParams()).labels
    return agreement(vehicle, labels, np.ones(len(vehicle), np.int64)).idf1


def test_a_vehicle_is_one_in_all_views() -> None:
    table, vehicle = crossing(40)
    assert idf1(table, vehicle) > 0.95


def test_few_vehicles_are_no_cliff() -> None:
    table, vehicle = crossing(8)
    assert idf1(table, vehicle) > 0.9


def test_a_handful_of_vehicles_in_six_cameras_is_linked() -> None:
    scene = Place(SynthParams(preset="hamlet6", seconds=60.0), 102).tracklets()
    assert len(np.unique(scene.vehicle_id)) == 6
    assert scene.identity_f1(solve(Problem.of(scene.table), LinkParams()).labels) > 0.9


def test_what_varies_within_a_vehicle_is_learned_of_the_solution() -> None:
    """Few chains can be made of a tracker's tracklets of a village whose looks tell least: by them alone .72."""
    scene = Place(SynthParams(preset="hamlet6"), 101).tracklets("hard", TrackerNoise())
    assert scene.identity_f1(solve(Problem.of(scene.table), LinkParams()).labels) > 0.78


@cache
def strangers_joined() -> int:
    """How many of 480 tracklets that only look different are joined, all of one size."""
    table, _ = crossing(8)
    looks = np.random.default_rng(1).normal(size=(20, len(table), 8)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=2, keepdims=True)
    found = [solve(Problem.of(replace(table, features=look)), LinkParams()).labels for look in looks]
    return sum(len(table) - len(np.unique(labels)) for labels in found)


def test_a_handful_of_strangers_in_two_cameras_is_not() -> None:
    assert strangers_joined() <= 2


def test_hardly_a_stranger_is_joined() -> None:
    assert strangers_joined() <= 0.02 * 480


def test_known_clocks_only_help() -> None:
    worlds = [crossing(40, seed) for seed in range(4)]
    known, withheld = (np.mean([idf1(*world, clocks=clocks) for world in worlds]) for clocks in (True, False))
    assert known >= withheld - 0.005


@pytest.mark.parametrize("preset", ["junction5", "corridor4"])
def test_known_clocks_only_help_where_scenes_are_like_real_ones(preset: PresetName) -> None:
    place = Place(SynthParams(preset=preset, seconds=60.0), 101)
    scenes = place.tracklets(), place.tracklets(max_offset_s=30.0)
    known, withheld = (s.identity_f1(solve(Problem.of(s.table, s.clock_known), LinkParams()).labels) for s in scenes)
    assert known >= withheld - 0.005


def test_links_alone_make_the_vehicles() -> None:
    table, _ = crossing(20)
    solution = solve(Problem.of(table), LinkParams())
    assert solution.links is not None
    assert len(solution.links.source) == len(table) - len(np.unique(solution.labels))


def test_what_stands_is_linked_with_nobody() -> None:
    table, _ = crossing(20)
    parked = np.arange(len(table)) % 3 == 1
    exit_xy = np.where(parked[:, None], table.entry_xy, table.exit_xy)
    table = replace(table, exit_xy=exit_xy, start_s=table.start_s - 5 * parked)
    assert stands(table).tolist() == parked.tolist()
    labels = solve(Problem.of(table), LinkParams()).labels
    assert not np.isin(labels[parked], labels[~parked]).any()


@pytest.mark.parametrize(("longer_s", "joined"), [(0.0, True), (60.0, False)])
def test_what_stands_as_long_as_it_is_seen_elsewhere_waits(longer_s: float, joined: bool) -> None:
    """In one of three cameras a vehicle only stands: while the others see it, or like a parked one of the same look."""
    table, vehicle = crossing(40)
    one = 3 * 20 + 1
    exit_xy, start_s, end_s = table.exit_xy.copy(), table.start_s.copy(), table.end_s.copy()
    exit_xy[one] = table.entry_xy[one]
    start_s[one], end_s[one] = start_s[one - 1] - longer_s, end_s[one - 1] + longer_s
    table = replace(table, exit_xy=exit_xy, start_s=start_s, end_s=end_s)
    assert stands(table).tolist() == (np.arange(len(table)) == one).tolist()
    labels = solve(Problem.of(table), LinkParams()).labels
    assert np.isin(labels[one], labels[vehicle != vehicle[one]]).item() is False
    assert (labels[one] == labels[one - 1]) == joined
