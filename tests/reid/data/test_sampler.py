"""Batches of identities: what each holds, and what several processes share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid.data.sampler import IdentitySampler
from reid.errors import UserError

counts = st.lists(st.integers(1, 11), min_size=6, max_size=14)


def ids_of(counts: list[int]) -> np.ndarray:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))


@given(counts, st.integers(0, 50), st.integers(0, 3))
def test_batches(counts: list[int], seed: int, epoch: int) -> None:
    vehicles = ids_of(counts)
    batches = IdentitySampler(vehicles, 3, 4, seed).batches(epoch)
    used: list[int] = []
    for rows in batches:
        groups = vehicles[rows].reshape(3, 4)
        assert (groups == groups[:, :1]).all()  # K images of one identity beside each other
        assert len(set(groups[:, 0])) == 3  # P different identities
        used += rows.tolist()
    for identity, images in enumerate(counts):
        own = [row for row in used if vehicles[row] == identity]
        assert len(own) % 4 == 0
        if images >= 4:
            assert len(own) == len(set(own)) <= images // 4 * 4  # without replacement, a rest left out
        else:
            assert len(own) in (0, 4)  # with replacement, once
    left = [max(1, images // 4) - sum(vehicles[row] == i for row in used) // 4 for i, images in enumerate(counts)]
    assert sum(groups > 0 for groups in left) < 3  # goes on until fewer than P identities have a group left


@given(counts, st.integers(0, 50))
def test_processes_share_each_step_and_see_different_identities(counts: list[int], seed: int) -> None:
    vehicles = ids_of(counts)
    alone = IdentitySampler(vehicles, 6, 2, seed).batches(1)
    shares = [IdentitySampler(vehicles, 2, 2, seed, rank, world=3).batches(1) for rank in range(3)]
    assert len(alone) == len(shares[0])
    for whole, *parts in zip(alone, *shares, strict=True):
        assert np.array_equal(whole, np.concatenate(parts))
        assert len({vehicle for part in parts for vehicle in set(vehicles[part])}) == 6


def test_epochs_differ_and_repeat() -> None:
    sampler = IdentitySampler(ids_of([8] * 10), 3, 4, seed=3)
    first, second = np.concatenate(sampler.batches(0)), np.concatenate(sampler.batches(1))
    assert not np.array_equal(first, second)
    again = IdentitySampler(ids_of([8] * 10), 3, 4, seed=3)
    assert np.array_equal(second, np.concatenate(again.batches(1)))


def test_too_few_identities() -> None:
    with pytest.raises(UserError, match=r"at most 2 per process, the data set has 5"):
        IdentitySampler(ids_of([4] * 5), 3, 4, seed=3, rank=1, world=2)


def test_identities_with_one_image_are_counted() -> None:
    assert IdentitySampler(ids_of([1, 1, 3, 4, 9]), 3, 4, seed=3).short_identities == 3
