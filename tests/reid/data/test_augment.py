"""How training images are varied, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reid.config import AugmentParams
from reid.data.augment import _jittered, augment, degraded, erase, keep_disc, rotate

PLAIN = AugmentParams(zoom_probability=0, flip_probability=0, erase_probability=0)


def gradient(height: int = 40, width: int = 60) -> Image.Image:
    """Red grows to the right, green grows downwards."""
    rows, columns = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([columns * 4, rows * 4, rows * 0 + 50], axis=2).astype(np.uint8))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_without_variation_it_is_the_test_image() -> None:
    expected = np.asarray(gradient().resize((48, 32), Image.Resampling.BILINEAR))
    assert np.array_equal(augment(gradient(), (32, 48), PLAIN, rng()).pixels, expected)


def test_flip() -> None:
    flipped = augment(gradient(), (32, 48), PLAIN.model_copy(update={"flip_probability": 1}), rng()).pixels
    assert np.array_equal(flipped, augment(gradient(), (32, 48), PLAIN, rng()).pixels[:, ::-1])


def test_zoom_is_a_random_cut_of_the_enlarged_image() -> None:
    params = PLAIN.model_copy(update={"zoom_probability": 1})
    enlarged = np.asarray(gradient().resize((72, 36), Image.Resampling.BILINEAR))  # 1.125 x (64, 32)
    seen = set()
    for seed in range(200):
        cut = augment(gradient(), (32, 64), params, rng(seed)).pixels
        places = [
            (top, left)
            for top in range(5)
            for left in range(9)
            if np.array_equal(enlarged[top : top + 32, left : left + 64], cut)
        ]
        assert len(places) == 1
        seen.update(places)
    assert {top for top, _ in seen} == set(range(5))
    assert {left for _, left in seen} == set(range(9))


def test_how_often() -> None:
    params = AugmentParams()
    samples = [augment(gradient(), (32, 32), params, rng(seed)) for seed in range(600)]
    assert 0.4 < np.mean([sample.erased[2] > 0 for sample in samples]) < 0.6
    rotations = np.bincount([sample.rotation for sample in samples], minlength=4) / 600
    assert (abs(rotations - 0.25) < 0.06).all()


@given(st.integers(0, 10_000), st.sampled_from([(64, 64), (64, 32), (32, 96)]))
def test_erased_squares(seed: int, size: tuple[int, int]) -> None:
    params = PLAIN.model_copy(update={"erase_probability": 1})
    top, left, height, width = augment(gradient(), size, params, rng(seed)).erased
    assert height == width
    if height:
        assert 0 <= top <= size[0] - height
        assert 0 <= left <= size[1] - width
        assert 0.015 < height * width / (size[0] * size[1]) < 0.42


def test_erase_writes_the_mean_numbers_into_the_normalised_image() -> None:
    images = torch.full((2, 3, 8, 8), 9.0)
    erased = erase(images, torch.tensor([[1, 2, 3, 4], [0, 0, 0, 0]]))
    assert torch.equal(erased[1], images[1])
    torch.testing.assert_close(
        erased[0, :, 1:4, 2:6], torch.tensor([0.485, 0.456, 0.406])[:, None, None].expand(3, 3, 4)
    )
    assert int((erased[0] == 9).sum()) == 3 * (64 - 12)


def test_turn_is_counter_clockwise() -> None:
    image = torch.zeros(1, 1, 3, 3)
    image[..., 0, 2] = 1  # upper right corner: a quarter turn counter-clockwise takes it to the upper left
    corners = {0: (0, 2), 1: (0, 0), 2: (2, 0), 3: (2, 2)}
    for quarter, (row, column) in corners.items():
        assert float(rotate(image, torch.tensor([quarter]))[0, 0, row, column]) == 1


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_rotate_each_image_by_its_own(rotations: list[int]) -> None:
    images = torch.randn(len(rotations), 3, 4, 4)
    turned = rotate(images, torch.tensor(rotations)).numpy()
    for image, quarter, result in zip(images.numpy(), rotations, turned, strict=True):
        assert np.array_equal(result, np.rot90(image, quarter, axes=(1, 2)))


def test_jitter_stays_in_range_and_varies() -> None:
    params = PLAIN.model_copy(update={"jitter": 0.3})
    mean = [augment(gradient(), (32, 32), params, rng(seed)).pixels.mean() for seed in range(40)]
    plain = augment(gradient(), (32, 32), PLAIN, rng()).pixels.mean()
    assert min(mean) < 0.9 * plain
    assert max(mean) > 1.1 * plain


@pytest.mark.parametrize("seed", range(3))
def test_same_seed_same_sample(seed: int) -> None:
    one, other = (augment(gradient(), (32, 32), AugmentParams(jitter=0.2), rng(seed)) for _ in range(2))
    assert np.array_equal(one.pixels, other.pixels)
    assert one[1:] == other[1:]


def test_degraded_keeps_the_size_and_the_vehicle_and_repeats() -> None:
    pixels = np.asarray(gradient(96, 64), dtype=np.uint8)
    for seed in range(40):
        worse = degraded(pixels, rng(seed))
        assert (worse.shape, worse.dtype) == (pixels.shape, np.uint8)
        assert np.array_equal(worse, degraded(pixels, rng(seed)))
        assert abs(worse.astype(float).mean((0, 1)) - pixels.mean((0, 1))).max() < 6
    assert sum(not np.array_equal(degraded(pixels, rng(seed)), pixels) for seed in range(40)) > 30


def test_table_of_jitter_equals_the_formula() -> None:
    pixels = rng().integers(0, 256, (32, 32, 3), dtype=np.uint8)
    drawn = rng(5)
    colour = drawn.uniform(0.7, 1.3) * drawn.uniform(0.85, 1.15, 3)
    contrast = drawn.uniform(0.7, 1.3)
    formula = ((pixels - pixels.mean()) * contrast + pixels.mean()) * colour
    assert np.array_equal(_jittered(pixels, 0.3, rng(5)), formula.clip(0, 255).round().astype(np.uint8))


def test_disc_keeps_the_middle_and_nothing_else_whatever_the_angle() -> None:
    images = torch.ones(2, 3, 32, 32)
    kept = keep_disc(images, 0.4)
    assert float(kept[0, 0, 16, 16]) == 1
    assert float(kept[0, 0, 16, 1]) == float(kept[0, 0, 31, 16]) == float(kept[0, 0, 4, 4]) == 0
    assert abs(float(kept.mean()) - np.pi * 0.16) < 0.01
    assert torch.equal(rotate(kept, torch.tensor([1, 3])), kept)
