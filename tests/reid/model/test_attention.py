"""The attention module against its equations, its published values, and what breaks numbers."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reid.config import NetworkParams
from reid.model.attention import InterpretableAttention, banded_sum, pooled_sum


def reference(local: torch.Tensor, size: int, border: float = 1.0, scaled: bool = True) -> torch.Tensor:
    """Equations 4 to 6 position by position, in float64."""
    local = local.double().clamp_min(0)
    images, channels, height, width = local.shape
    reach = size // 2
    out = torch.zeros(images, 1, height, width, dtype=torch.float64)
    for image in range(images):
        exponential = torch.exp(local[image] / max(float(local[image].max()), 1e-12) if scaled else local[image])
        for row in range(height):
            for column in range(width):
                best = 0.0
                peak = max(float(local[image, :, row, column].max()), 1e-12)
                for channel in range(channels):
                    around = sum(
                        float(exponential[channel, r, c]) if 0 <= r < height and 0 <= c < width else border
                        for r in range(row - reach, row + reach + 1)
                        for c in range(column - reach, column + reach + 1)
                    )
                    soft = float(exponential[channel, row, column]) / around
                    best = max(best, soft * float(local[image, channel, row, column]) / peak)
                out[image, 0, row, column] = best
    return out / out.sum(dim=(2, 3), keepdim=True).clamp_min(1e-12)


def test_counting_inside_only_makes_a_constant_map_even() -> None:
    q = InterpretableAttention(7, inside=True)(torch.full((2, 5, 12, 9), 0.7))
    torch.testing.assert_close(q, torch.full((2, 1, 12, 9), 1 / 108))


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_traced_form_agrees_when_counting_inside_only(share: float) -> None:
    module, local = InterpretableAttention(5, inside=True, kernel_share=share), torch.rand(3, 4, 12, 12)
    traced = torch.jit.trace(module, (local[:2],), check_trace=False)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(traced(local), module(local), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("side", "size"), [(32, 7), (16, 3), (12, 3), (24, 5), (64, 15)])
def test_kernel_in_proportion_to_the_map(side: int, size: int) -> None:
    local = torch.rand(1, 3, side, side)
    by_share = InterpretableAttention(99, kernel_share=0.22)(local)
    torch.testing.assert_close(by_share, InterpretableAttention(size)(local))


class TestPublishedValues:
    """Constant maps of 512 x 32 x 32, K = 7: 1024 Q in the centre, on an edge, in a corner."""

    q = InterpretableAttention()(torch.full((2, 512, 32, 32), 0.7))[1, 0] * 1024

    @pytest.mark.parametrize(("row", "column", "value"), [(16, 16, 0.92033), (0, 16, 1.26230), (31, 31, 1.60257)])
    def test_constant_map(self, row: int, column: int, value: float) -> None:
        assert float(self.q[row, column]) == pytest.approx(value, abs=5e-6)

    def test_zero_map_gives_zero(self) -> None:
        q = InterpretableAttention()(torch.zeros(2, 512, 32, 32))
        assert torch.equal(q, torch.zeros(2, 1, 32, 32))


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("border", [1.0, 0.0])
def test_equals_the_equations(size: int, scaled: bool, border: float) -> None:
    local = torch.randn(2, 5, 6, 9, generator=torch.Generator().manual_seed(size)) * 3
    q = InterpretableAttention(size, per_sample_scale=scaled, border=border)(local)
    torch.testing.assert_close(q.double(), reference(local, size, border, scaled), rtol=1e-5, atol=1e-8)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_a_distribution_per_image(images: int, channels: int, height: int, width: int, seed: int) -> None:
    local = torch.rand(images, channels, height, width, generator=torch.Generator().manual_seed(seed)) + 1e-3
    q = InterpretableAttention()(local)
    assert q.shape == (images, 1, height, width)
    assert bool((q >= 0).all())
    torch.testing.assert_close(q.sum(dim=(1, 2, 3)), torch.ones(images))
    torch.testing.assert_close(q[:1], InterpretableAttention()(local[:1]))  # no image depends on its neighbours


@pytest.mark.parametrize("shape", [(2, 5, 32, 32), (1, 3, 4, 9), (3, 1, 1, 1)])
@pytest.mark.parametrize("size", [1, 7, 15])
def test_both_ways_to_sum_agree(shape: tuple[int, ...], size: int) -> None:
    values = torch.rand(shape)
    torch.testing.assert_close(banded_sum(values, size), pooled_sum(values, size))


@pytest.mark.parametrize("border", [1.0, 0.0])
def test_traced_form_agrees(border: float) -> None:
    local = torch.rand(3, 8, 12, 10)
    module = InterpretableAttention(7, border=border)
    traced = torch.jit.trace(module, local[:1], check_trace=False)
    torch.testing.assert_close(traced(local), module(local))


@pytest.mark.parametrize("size", [7, 15])
def test_memory_layout_changes_nothing(size: int) -> None:
    local = torch.rand(3, 16, 12, 12)
    module = InterpretableAttention(size)
    torch.testing.assert_close(module(local.to(memory_format=torch.channels_last)), module(local))


def test_float32_under_autocast_and_for_half_inputs() -> None:
    local = torch.rand(2, 16, 12, 12).half()
    with torch.autocast("cpu", torch.bfloat16):
        q = InterpretableAttention()(local)
    assert q.dtype == torch.float32
    torch.testing.assert_close(q, InterpretableAttention()(local.float()))


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e4, 1e30])
def test_any_magnitude_is_finite(scale: float) -> None:
    local = (torch.rand(2, 8, 8, 8) * scale).requires_grad_()
    q = InterpretableAttention()(local)
    q[:, :, 2, 2].sum().backward()
    assert bool(torch.isfinite(q).all())
    assert local.grad is not None
    assert bool(torch.isfinite(local.grad).all()) or scale < 1e-12


def test_gradient_is_that_of_the_equations() -> None:
    local = torch.rand(2, 3, 4, 4, dtype=torch.float64) + 0.1
    weights = torch.rand(2, 1, 4, 4)
    single = local.float().requires_grad_()
    (InterpretableAttention(3)(single) * weights).sum().backward()
    step = 1e-5
    for where in [(0, 1, 2, 3), (1, 0, 0, 0), (1, 2, 1, 1)]:
        above, below = local.clone(), local.clone()
        above[where] += step
        below[where] -= step
        slope = ((reference(above, 3) - reference(below, 3)) * weights).sum() / (2 * step)
        assert single.grad is not None
        assert float(single.grad[where]) == pytest.approx(float(slope), rel=2e-3, abs=1e-6)


def test_area_rescale_makes_the_mean_one() -> None:
    assert float(InterpretableAttention(area_rescale=True)(torch.rand(1, 4, 8, 8)).mean()) == pytest.approx(1, abs=1e-6)


def test_no_parameters() -> None:
    assert not list(InterpretableAttention().state_dict())


@pytest.mark.parametrize("size", [0, 4, -3])
def test_even_kernels_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="odd"):
        InterpretableAttention(size)


def test_random_encoder_is_near_uniform() -> None:
    from reid.model.sgfd import SGFD

    torch.manual_seed(0)
    model = SGFD(NetworkParams(backbone="resnet10", width=0.125)).eval()
    with torch.inference_mode():
        q = model.attention_map(torch.randn(1, 3, 256, 256)) * 1024
    assert math.isclose(float(q.mean()), 1, abs_tol=1e-5)
    assert float(q[..., 4:-4, 4:-4].min()) > 0.5
    assert float(q.max()) < 2
