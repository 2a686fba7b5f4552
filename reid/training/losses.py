"""What SGFD minimises (paper Eq. 7): smoothed cross entropy over identities, batch-hard triplets, cross entropy over
rotations.

Shape shorthand: B images of a batch, D channels of a feature, C identities.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from reid.config import LossParams
from reid.model.sgfd import TrainingOutput

SQUARED_DISTANCE_FLOOR = 1e-12
"""Under the root, so that the gradient of a distance of zero is finite."""


class Losses(NamedTuple):
    """Scalars on the device: total is what to minimise; identity and triplet are unweighted means over the branches,
    rotation is unweighted (0 where there is no rotation branch); accuracy is the share of images whose identity the
    last branch (GB) gets right."""

    total: Tensor
    identity: Tensor
    triplet: Tensor
    rotation: Tensor
    accuracy: Tensor


def sgfd_losses(output: TrainingOutput, labels: Tensor, rotations: Tensor, params: LossParams) -> Losses:
    """Equation 7 for one batch.

    Args:
        output: what the network gave in training mode for B images.
        labels: identities (B,) int64 in 0..C-1.
        rotations: quarter turns (R,) int64 in 0..3 of the rotated images.
        params: weights, margin and smoothing.
    """
    with torch.autocast(labels.device.type, enabled=False):
        logits = [branch.logits.float() for branch in output.branches]
        identity = torch.stack([identity_loss(each, labels, params.smoothing) for each in logits]).mean()
        margin = None if params.soft_margin else params.margin
        mine = weighted_triplet_loss if params.triplet == "weighted" else triplet_loss
        triplet = torch.stack([mine(branch.pooled.float(), labels, margin) for branch in output.branches]).mean()
        rotation = identity.new_zeros(())
        if output.rotation_logits is not None:
            rotation = F.cross_entropy(output.rotation_logits.float(), rotations)
        total = params.identity_weight * identity + params.triplet_weight * triplet + params.rotation_weight * rotation
        if params.circle_weight:
            features = [branch.feature.float() for branch in output.branches]
            circle = [circle_loss(each, labels, params.circle_margin, params.circle_scale) for each in features]
            total = total + params.circle_weight * torch.stack(circle).mean()
        accuracy = (logits[-1].argmax(dim=1) == labels).float().mean()
    return Losses(total, identity.detach(), triplet.detach(), rotation.detach(), accuracy.detach())


def identity_loss(logits: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
    """Cross entropy of logits (B, C) against 1 - smoothing on the true identity plus smoothing / C on every one; mean
    over the batch."""
    return F.cross_entropy(logits, labels, label_smoothing=smoothing)


def triplet_loss(features: Tensor, labels: Tensor, margin: float | None) -> Tensor:
    """Batch-hard triplet loss: mean over anchors of max(0, farthest same - nearest other + margin) (Hermans et al.
    2017).

    Args:
        features: (B, D), not normalised; distances are Euclidean.
        labels: (B,) identities. The anchor itself counts among its own kind; an anchor without another identity adds
            nothing.
        margin: >= 0, in the features' unit; None: soft, log(1 + exp(farthest same - nearest other)).
    """
    distances = euclidean(features)
    same = labels[:, None] == labels[None, :]
    farthest_same = distances.masked_fill(~same, -torch.inf).amax(dim=1)  # (B,)
    nearest_other = distances.masked_fill(same, torch.inf).amin(dim=1)  # (B,)
    return _margin_loss(farthest_same - nearest_other, margin)


def weighted_triplet_loss(features: Tensor, labels: Tensor, margin: float | None) -> Tensor:
    """As `triplet_loss`, of all same and all others, weighted by softmax of +- their distances (Ristani, Tomasi 2018).

    An anchor without another image of its own, or without another identity, adds nothing.
    """
    distances = euclidean(features)
    same = labels[:, None] == labels[None, :]
    own = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    near = (softmax_among(distances, own) * distances).sum(dim=1)  # (B,)
    far = (softmax_among(-distances, ~same) * distances).sum(dim=1)
    counted = own.any(dim=1) & (~same).any(dim=1)
    return _margin_loss((near - far)[counted], margin) if counted.any() else features.sum() * 0


def softmax_among(values: Tensor, chosen: Tensor) -> Tensor:
    """Softmax (B, B) of each row over its chosen columns; 0 elsewhere, and in rows without a choice."""
    return torch.softmax(values.masked_fill(~chosen, -torch.inf), dim=1).masked_fill(~chosen, 0)


def circle_loss(features: Tensor, labels: Tensor, margin: float, scale: float) -> Tensor:
    """Circle loss of pairs (Sun et al. 2020, Eq. 6): each cosine pulls the harder, the farther it is from its optimum.

    features (B, D) of any length; labels (B,); margin in cosine units. The mean over anchors that have both kinds.
    """
    unit = F.normalize(features, dim=1)
    cosine = unit @ unit.T  # (B, B)
    same = labels[:, None] == labels[None, :]
    own = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    pull = -scale * F.relu(1 + margin - cosine.detach()) * (cosine - (1 - margin))
    push = scale * F.relu(cosine.detach() + margin) * (cosine - margin)
    together = pull.masked_fill(~own, -torch.inf).logsumexp(dim=1) + push.masked_fill(same, -torch.inf).logsumexp(dim=1)
    counted = own.any(dim=1) & (~same).any(dim=1)
    return F.softplus(together[counted]).mean() if counted.any() else features.sum() * 0


def _margin_loss(difference: Tensor, margin: float | None) -> Tensor:
    return F.softplus(difference).mean() if margin is None else F.relu(difference + margin).mean()


def euclidean(features: Tensor) -> Tensor:
    """Distances (B, B) among the rows of features (B, D), at least 1e-6.

    Differences of squared norms, in the features' own precision: exact enough for the triplet's margin, and one matrix
    product.
    """
    squares = features.square().sum(dim=1)
    squared = squares[:, None] + squares[None, :] - 2 * features @ features.T
    return squared.clamp_min(SQUARED_DISTANCE_FLOOR).sqrt()
