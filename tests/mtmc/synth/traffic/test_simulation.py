"""Traffic: nobody overlaps, everybody follows, signals are obeyed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mtmc.synth.render.sensor import content_frames
from mtmc.synth.traffic.roads import Network, grid, straight
from mtmc.synth.traffic.simulation import Simulation, TrafficParams
from mtmc.synth.traffic.trip import Trip

NETWORKS = {
    "straight": straight(170.0, 1, 14.0),
    "two junctions": grid(2, 1, 85.0, (2, 1)),
    "block": grid(2, 2, 95.0, (2, 1)),
    "back and side": grid(1, 1, 0.0, (2, 1), 90.0, 12.0, u_turns=True, side_traffic=0.5),
}


def footprint(trip: Trip, time_s: float) -> tuple[tuple[float, float], tuple[float, float], float]:
    pose = trip.pose(time_s)
    return (pose.x, pose.y), (trip.vehicle.length_m, trip.vehicle.width_m), float(np.degrees(pose.yaw))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_two_vehicles_overlap(name: str, seed: int) -> None:
    trips = Simulation(NETWORKS[name], TrafficParams(vehicles_per_lane_hour=600), seed).run(30.0)
    assert len(trips) > 8
    for time_s in np.arange(0, 30, 0.5):
        present = [footprint(t, float(time_s)) for t in trips if t.on_road(float(time_s))]
        for k, a in enumerate(present):
            for b in present[:k]:
                near = np.hypot(a[0][0] - b[0][0], a[0][1] - b[0][1]) < (a[1][0] + b[1][0]) / 2 + 1
                assert not near or cv2.rotatedRectangleIntersection(a, b)[0] == cv2.INTERSECT_NONE


def test_vehicles_queue_at_red_and_leave_at_green() -> None:
    trips = Simulation(NETWORKS["two junctions"], TrafficParams(), 3).run(60.0)
    assert any(min(t.speed) == 0.0 and t.speed[-1] > 5.0 for t in trips)
    assert all(min(t.speed) >= 0.0 and max(t.speed) < 20.0 for t in trips)
    steps = np.concatenate([np.diff(t.speed) / 0.1 for t in trips])
    assert steps.min() > -9.0
    assert steps.max() < 2.5


def test_conflicting_ways_are_never_held_at_once() -> None:
    simulation = Simulation(NETWORKS["block"], TrafficParams(vehicles_per_lane_hour=700), 5)
    for step in range(600):
        simulation._step(step, step * 0.1)
        for turn, holders in simulation.holders.items():
            if holders:
                assert not any(simulation.holders[c] for c in simulation.network.conflicts.get(turn, ()))


def test_some_turn_back_where_they_may_and_side_roads_are_as_busy_as_told() -> None:
    network = NETWORKS["back and side"]
    trips = Simulation(network, TrafficParams(vehicles_per_lane_hour=300, turning=0.8), 3).run(400.0)
    turns = [network.segments[t.segments[1]].turn for t in trips]
    assert 0 < turns.count("back") < turns.count("left")
    ways = [network.roads[network.segments[t.segments[0]].road] for t in trips]
    main, side = (sum(way.busy == busy for way in ways) for busy in (1.0, 0.5))
    assert side / main == pytest.approx(0.5 / 2, rel=0.35)  # half as busy, half as many lanes


def test_many_places_at_once_are_the_poses_one_by_one() -> None:
    trip = Simulation(NETWORKS["back and side"], TrafficParams(), 4).run(20.0)[0]
    times = (trip.first_step + np.linspace(0, len(trip.s) - 1.01, 40)) * 0.1
    poses = [trip.pose(float(t)) for t in times]
    np.testing.assert_allclose(trip.places(times), [(p.x, p.y, p.yaw) for p in poses], atol=1e-9)


def test_poses_are_smooth() -> None:
    """Between two steps of a tenth of a second nobody jumps and nobody spins."""
    for trip in Simulation(NETWORKS["two junctions"], TrafficParams(), 4).run(20.0):
        times = (trip.first_step + np.arange(len(trip.s) - 1)) * 0.1
        poses = [trip.pose(float(t)) for t in times]
        moved = np.hypot(np.diff([p.x for p in poses]), np.diff([p.y for p in poses]))
        turned = np.abs((np.diff([p.yaw for p in poses]) + np.pi) % (2 * np.pi) - np.pi)
        assert moved.max(initial=0) < 2.2
        assert turned.max(initial=0) < 0.25


def test_lanes_keep_right_and_turns_join_them() -> None:
    network: Network = NETWORKS["two junctions"]
    for segment in network.segments:
        for after in network.following[segment.id]:
            np.testing.assert_allclose(segment.line[-1], network.segments[after].line[0], atol=1e-9)
    east = [s for s in network.segments if s.turn == "lane" and abs(network.approach_yaw(s)) < 0.01]
    assert east
    assert all(s.line[0, 1] < network.nodes[s.heads_to][1] for s in east)  # eastbound traffic drives on the south side


def test_frames_without_faults_are_the_cameras_own() -> None:
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(content_frames(50, 0.0, 0.0, rng), np.arange(50))
    dropped = content_frames(200, 0.2, 0.0, rng)
    assert (np.diff(dropped) >= 1).all()
    assert dropped[-1] > 215
    repeated = content_frames(200, 0.0, 0.2, rng)
    assert repeated[-1] in (198, 199)
    assert 20 < (np.diff(repeated) == 0).sum() < 65
