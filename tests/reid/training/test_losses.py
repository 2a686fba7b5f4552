"""Losses against formulas written out one image at a time, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reid.config import LossParams
from reid.model.sgfd import Branch, TrainingOutput
from reid.training.losses import circle_loss, euclidean, identity_loss, sgfd_losses, triplet_loss, weighted_triplet_loss


def naive_identity(logits: torch.Tensor, labels: list[int], smoothing: float) -> float:
    total = 0.0
    for row, label in zip(logits.tolist(), labels, strict=True):
        normaliser = math.log(sum(math.exp(value) for value in row))
        for index, value in enumerate(row):
            target = smoothing / len(row) + (1 - smoothing) * (index == label)
            total -= target * (value - normaliser)
    return total / len(labels)


def naive_triplet(features: torch.Tensor, labels: list[int], margin: float) -> float:
    rows = features.tolist()
    total = 0.0
    for anchor, kind in zip(rows, labels, strict=True):
        gaps = [(max(math.dist(anchor, row), 1e-6), label == kind) for row, label in zip(rows, labels, strict=True)]
        farthest = max(gap for gap, same in gaps if same)
        nearest = min(gap for gap, same in gaps if not same)
        total += max(0.0, farthest - nearest + margin)
    return total / len(rows)


@given(st.integers(0, 500), st.sampled_from([0.0, 0.1, 0.3]))
def test_identity_loss(seed: int, smoothing: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(6, 5, generator=generator, dtype=torch.float64) * 4
    labels = torch.randint(0, 5, (6,), generator=generator)
    assert float(identity_loss(logits, labels, smoothing)) == pytest.approx(
        naive_identity(logits, labels.tolist(), smoothing)
    )


@given(st.integers(0, 500), st.sampled_from([0.0, 0.5, 0.7, 5.0]))
def test_triplet_loss(seed: int, margin: float) -> None:
    features = torch.randn(8, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 2, 3])
    expected = naive_triplet(features, labels.tolist(), margin)
    assert float(triplet_loss(features, labels, margin)) == pytest.approx(expected, abs=1e-6)


def test_equal_features_have_a_finite_gradient() -> None:
    features = torch.ones(4, 3, requires_grad=True)
    triplet_loss(features, torch.tensor([0, 0, 1, 1]), 0.5).backward()
    assert features.grad is not None
    assert bool(torch.isfinite(features.grad).all())


def test_one_identity_alone_costs_nothing() -> None:
    assert float(triplet_loss(torch.randn(4, 3), torch.zeros(4, dtype=torch.long), 0.5)) == 0


def test_distances() -> None:
    features = torch.randn(5, 9, dtype=torch.float64)
    torch.testing.assert_close(euclidean(features), torch.cdist(features, features), atol=1e-6, rtol=1e-9)


def test_soft_margin_is_the_softplus_of_the_difference() -> None:
    features, labels = torch.randn(6, 4), torch.tensor([0, 0, 1, 1, 2, 2])
    hard = [triplet_loss(features, labels, margin=margin) for margin in (100.0, 0.0)]
    difference = float(hard[0]) - 100  # the mean of same - other
    soft = float(triplet_loss(features, labels, margin=None))
    assert soft >= np.log1p(np.exp(difference)) - 1e-5  # Jensen
    assert soft > float(hard[1])


def test_weighted_triplets_by_hand() -> None:
    """Points on a line: anchor 0; same at 1 and 3; others at 2 and 6."""
    features = torch.tensor([[0.0], [1.0], [3.0], [2.0], [6.0]], dtype=torch.float64)
    labels = torch.tensor([0, 0, 0, 1, 2])
    expected = []
    for anchor in range(3):  # vehicles 1 and 2 have one image each
        distance = (features[:, 0] - features[anchor, 0]).abs()
        same = [row for row in range(3) if row != anchor]
        far, near = distance[same], distance[3:]
        expected.append(float((far.softmax(0) * far).sum() - ((-near).softmax(0) * near).sum()))
    wanted = np.mean([max(0.0, value + 0.3) for value in expected])
    assert float(weighted_triplet_loss(features, labels, 0.3)) == pytest.approx(wanted, abs=1e-5)
    assert float(weighted_triplet_loss(features[:1], labels[:1], 0.3)) == 0


def test_circle_loss_by_hand() -> None:
    features = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], dtype=torch.float64)
    labels, margin, scale = torch.tensor([0, 0, 1]), 0.25, 4.0
    pull = lambda s: -scale * max(0, 1 + margin - s) * (s - 1 + margin)  # noqa: E731
    push = lambda s: scale * max(0, s + margin) * (s - margin)  # noqa: E731
    anchors = [pull(0.6) + push(0.0), pull(0.6) + push(0.8)]
    wanted = np.mean([np.log1p(np.exp(value)) for value in anchors])
    assert float(circle_loss(features * 3, labels, margin, scale)) == pytest.approx(wanted)
    assert float(circle_loss(features[:1], labels[:1], margin, scale)) == 0


class TestEquation7:
    labels = torch.tensor([0, 0, 1, 1])
    rotations = torch.tensor([0, 1, 2, 3])

    def output(self, branches: int = 2, rotates: bool = True) -> TrainingOutput:
        generator = torch.Generator().manual_seed(branches)
        draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
        made = [Branch(draw(4, 6).float(), draw(4, 6).float(), draw(4, 3).float()) for _ in range(branches)]
        return TrainingOutput(made, draw(4, 4).float() if rotates else None)

    def test_the_papers_lambdas(self) -> None:
        output = self.output()
        losses = sgfd_losses(output, self.labels, self.rotations, LossParams(margin=0.5))
        assert output.rotation_logits is not None
        expected = naive_identity(output.rotation_logits.double(), self.rotations.tolist(), 0)
        for branch in output.branches:
            expected += 0.5 * naive_identity(branch.logits.double(), self.labels.tolist(), 0.1)
            expected += 0.5 * naive_triplet(branch.pooled.double(), self.labels.tolist(), 0.5)
        assert float(losses.total) == pytest.approx(expected, rel=1e-5)

    @pytest.mark.parametrize("weight", [0.1, 1.0, 2.0])
    def test_lambda_of_the_rotation_loss(self, weight: float) -> None:
        losses = sgfd_losses(self.output(), self.labels, self.rotations, LossParams(rotation_weight=weight))
        total = losses.identity + losses.triplet + weight * losses.rotation
        assert float(losses.total) == pytest.approx(float(total))

    def test_options_add_up(self) -> None:
        output = self.output()
        plain = sgfd_losses(output, self.labels, self.rotations, LossParams())
        params = LossParams(circle_weight=0.5, triplet="weighted", soft_margin=True)
        more = sgfd_losses(output, self.labels, self.rotations, params)
        circle = torch.stack([circle_loss(b.feature, self.labels, 0.25, 64) for b in output.branches]).mean()
        weighted = torch.stack([weighted_triplet_loss(b.pooled, self.labels, None) for b in output.branches]).mean()
        expected = plain.total - plain.triplet + weighted + 0.5 * circle
        torch.testing.assert_close(more.total, expected)

    def test_one_branch_without_rotation(self) -> None:
        losses = sgfd_losses(self.output(1, rotates=False), self.labels, self.rotations, LossParams())
        assert float(losses.rotation) == 0
        assert float(losses.total) == pytest.approx(float(losses.identity + losses.triplet))
