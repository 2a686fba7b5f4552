"""Vehicles that a camera missed in the middle of their way are put together again, as many as there are."""

from __future__ import annotations

import numpy as np

from mtmc.traffic.bridges import bridged
from mtmc.traffic.recall import find_skips
from mtmc.visits.stays import Stays

SECONDS = (0.0, 30.0, 70.0)
"""When one passes the three cameras of the road, but for some seconds more or less."""


def road(count: int, missed: int, others: int, seed: int) -> Stays:
    """Vehicles along a road of three cameras, ``missed`` of them not seen in the middle and so labelled as two;
    ``others`` end at the first camera, and as many begin at the last one."""
    rng = np.random.default_rng(seed)
    start = np.sort(rng.uniform(0, 20 * count, count))[:, None] + SECONDS + rng.uniform(-4, 4, (count, 3))
    unseen = np.arange(count) % 10 < 10 * missed / count
    rows = [
        (k + 10_000 * (unseen[k] and camera == 2), camera, start[k, camera])
        for k in range(count)
        for camera in range(3)
        if camera != 1 or not unseen[k]
    ]
    rows += [(20_000 + k, camera, rng.uniform(0, 20 * count)) for k, camera in enumerate([0, 2] * others)]
    vehicle, camera, begin = np.array(sorted(rows)).T
    n, no = len(rows), np.zeros(len(rows), bool)
    row, one = np.arange(n), np.ones(n, np.int16)
    return Stays(
        vehicle.astype(np.int64), camera.astype(np.int32), one.astype(np.int64), row, row, begin, begin + 5,
        row + 1, one, one, one, np.ones(n), np.ones(n), np.zeros(n), no, no, row,
    )  # fmt: skip


def halves_joined(stays: Stays, seed: int) -> int:
    return int(stays.begins.sum() - bridged(stays, np.random.default_rng(seed)).begins.sum())


def test_halves_are_joined_and_the_middle_has_missed_them() -> None:
    stays = bridged(road(200, 20, 0, 1), np.random.default_rng(1))
    recall, skips = find_skips(stays, 3, np.random.default_rng(1))
    assert 15 <= len(skips.before) <= 20
    assert recall.missed[[0, 2]].tolist() == [0, 0]
    assert len(skips.before) <= recall.missed[1] <= 22  # those who needed unusually long stay apart
    assert recall.seen.tolist() == [0, 180, 0]
    assert (stays.vehicle[skips.before] % 10 == 0).all()
    assert (np.diff(stays.vehicle) >= 0).all()


def test_who_meets_by_chance_is_left_apart() -> None:
    joined = [halves_joined(road(200, 0, 40, seed), seed) for seed in range(20)]
    assert np.mean(joined) < 3
    some = [halves_joined(road(200, 20, 40, seed), seed) for seed in range(20)]
    assert 12 < np.mean(some) < 20


def test_few_or_none_stay_as_they_are() -> None:
    for stays in (road(2, 1, 0, 1), road(200, 20, 0, 1).take(np.zeros(0, np.int64))):
        assert np.array_equal(bridged(stays, np.random.default_rng(1)).vehicle, stays.vehicle)
