"""SGFD: Self-supervised Geometric Features Discovery (paper Figure 2), and the smaller networks of its ablation (Table
4).

    image ─┬─ stem ──────────┬───────────── global_tail ──── pool ─ neck ─ GB feature
           │                 └─ * Q ─────── geometric_tail ─ pool ─ neck ─ GFB feature
           └─ attention_encoder ─ IAM ─┘
                              └─ rotation_tail ─ pool ─ rotation_classifier   (SLB: training only)

Shape shorthand: B images, D channels of a branch's feature (2048 for resnet50), L of the attention encoder, C
identities.
"""

from __future__ import annotations

import copy
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock

from reid.config import NetworkParams
from reid.model.attention import InterpretableAttention
from reid.model.backbone import make_backbone, residual_block

BRANCHES: dict[str, tuple[str, ...]] = {
    "global": ("gb",),
    "plain": ("plain", "gb"),
    "geometric": ("gfb", "gb"),
    "full": ("gfb", "gb"),
}
"""Branches of each variant, in the order of the feature."""
ROTATIONS = 4
GEM_START, GEM_FLOOR = 3.0, 1e-6
"""The generalised mean's power at the start, and the least value it is taken of."""


class Branch(NamedTuple):
    """What the losses need of one branch: pooled (B, D) before the neck, feature (B, D) after it, logits (B, C)."""

    pooled: Tensor
    feature: Tensor
    logits: Tensor


class TrainingOutput(NamedTuple):
    """branches: GFB first, then GB. rotation_logits: (B, 4), absent where no rotated images were given."""

    branches: list[Branch]
    rotation_logits: Tensor | None


class CosineClassifier(nn.Module):
    """Logits gamma * cos(feature, weight): what kind of thing it is, whatever the feature's length (released code:
    gamma learnable).

    Args:
        inputs: channels of the feature.
        classes: number of classes.
        scale: start of gamma.
    """

    def __init__(self, inputs: int, classes: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, inputs) * (2.0 / inputs) ** 0.5)
        self.scale = nn.Parameter(torch.tensor([float(scale)]))

    def forward(self, feature: Tensor) -> Tensor:
        """Logits (B, classes) in float32 of features (B, inputs)."""
        with torch.autocast(feature.device.type, enabled=False):
            cosine = F.linear(F.normalize(feature.float(), eps=1e-12), F.normalize(self.weight.float(), eps=1e-12))
            return self.scale * cosine


class BranchHead(nn.Module):
    """Neck and identity classifier of one branch: average pooling, BatchNorm with its shift frozen at 0, a linear layer
    without bias."""

    def __init__(self, channels: int, num_ids: int | None, gem: bool = False) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor(GEM_START)) if gem else None
        self.neck = nn.BatchNorm1d(channels)
        self.neck.bias.requires_grad_(False)
        self.classifier = None if num_ids is None else nn.Linear(channels, num_ids, bias=False)
        if self.classifier is not None:
            nn.init.normal_(self.classifier.weight, std=0.001)

    def forward(self, maps: Tensor) -> Tensor:
        """Feature (B, D) after the neck, float32, of maps (B, D, h, w)."""
        return self._neck(self.pool(maps))

    def branch(self, maps: Tensor) -> Branch:
        """What the losses need, of maps (B, D, h, w)."""
        if self.classifier is None:
            raise RuntimeError("this SGFD was made for inference (num_ids=None): it has no classifiers to train")
        pooled = self.pool(maps)  # (B, D)
        feature = self._neck(pooled)  # (B, D)
        return Branch(pooled, feature, self.classifier(feature))  # logits (B, C)

    def pool(self, maps: Tensor) -> Tensor:
        """Average or generalised mean over positions in float32: (B, D, h, w) to (B, D)."""
        if self.power is None:
            return pool(maps)
        return pool(maps.float().clamp_min(GEM_FLOOR) ** self.power) ** (1 / self.power)

    def _neck(self, pooled: Tensor) -> Tensor:
        with torch.autocast(pooled.device.type, enabled=False):
            return cast(Tensor, self.neck(pooled))


def pool(maps: Tensor) -> Tensor:
    """Average over positions in float32: (B, D, h, w) to (B, D)."""
    return maps.mean(dim=(2, 3), dtype=torch.float32)


class SGFD(nn.Module):
    """The network. In training mode it returns a `TrainingOutput`, in evaluation mode the feature (B, `feature_size`),
    GFB before GB.

    Args:
        params: what the network is made of.
        num_ids: identities to classify; None makes the network for inference only, without classifiers and rotation
            branch.
    """

    def __init__(self, params: NetworkParams, num_ids: int | None = None) -> None:
        super().__init__()
        self.num_ids, self.params = num_ids, params
        backbone = make_backbone(params.backbone, params.width)
        encoder = backbone
        if params.variant != "global":
            encoder = make_backbone(params.attention_encoder, params.attention_width)
        self.stem = initialised(backbone.stem())
        self.global_tail = initialised(backbone.tail((2, 1)))
        self.attention_encoder = None if params.variant == "global" else initialised(encoder.encoder())
        self.geometric_tail = copy.deepcopy(self.global_tail) if params.variant in ("geometric", "full") else None
        self.attention = InterpretableAttention(
            params.kernel_size,
            params.per_sample_scale,
            params.border,
            params.area_rescale,
            params.kernel_share,
            params.border_inside,
        )
        channels = {"plain": encoder.encoder_channels, "gfb": backbone.channels, "gb": backbone.channels}
        self.heads = nn.ModuleDict(
            {name: BranchHead(channels[name], num_ids, params.pooling == "gem") for name in BRANCHES[params.variant]}
        )
        self.feature_size = sum(channels[name] for name in BRANCHES[params.variant])
        self.rotation_tail: nn.Sequential | None = None
        self.rotation_classifier: CosineClassifier | None = None
        if params.variant == "full" and num_ids is not None:
            self.rotation_tail = rotation_tail(encoder.encoder_channels)
            self.rotation_classifier = CosineClassifier(encoder.encoder_channels, ROTATIONS, params.rotation_scale)

    def forward(self, images: Tensor, rotated: Tensor | None = None) -> TrainingOutput | Tensor:
        """Training: branches of images (B, 3, h, w) and, in the variant ``full``, the logits of rotated (B, 3, h, w),
        passed first.

        Evaluation: the feature (B, `feature_size`) float32 after the necks, not normalised; ``rotated`` must be left
            out.
        """
        if not self.training:
            return self.feature(images)
        rotation_logits = None if rotated is None else self.rotation_logits(rotated)  # (B, 4)
        maps = self._branch_maps(images)
        return TrainingOutput([self._head(name).branch(each) for name, each in maps.items()], rotation_logits)

    def feature(self, images: Tensor) -> Tensor:
        """Feature (B, `feature_size`) float32 of images (B, 3, h, w): GFB after its neck, then GB after its own."""
        return torch.cat([self._head(name)(each) for name, each in self._branch_maps(images).items()], dim=1)

    def attention_map(self, images: Tensor) -> Tensor:
        """Q (B, 1, h/8, w/8) float32 of images (B, 3, h, w), summing to 1 per image (paper Eq. 6).

        Raises RuntimeError in variants without attention encoder.
        """
        if self.attention_encoder is None:
            raise RuntimeError(f"the variant {self.params.variant!r} has no attention")
        return cast(Tensor, self.attention(self.attention_encoder(self._as_weights(images))))

    def rotation_logits(self, rotated: Tensor) -> Tensor:
        """Logits (B, 4) of which multiple of 90 degrees each image was turned by (SLB).

        Raises RuntimeError where the network has no rotation branch.
        """
        if self.rotation_tail is None or self.rotation_classifier is None or self.attention_encoder is None:
            raise RuntimeError(f"no rotation branch in variant {self.params.variant!r} with num_ids={self.num_ids}")
        local = self.attention_encoder(rotated)  # (B, L, h/8, w/8)
        pooled = pool(self.rotation_tail(local))  # (B, L, h/32, w/32) to (B, L)
        return cast(Tensor, self.rotation_classifier(pooled))  # (B, 4)

    def _branch_maps(self, images: Tensor) -> dict[str, Tensor]:
        """Last maps of each branch by name, in the order of the feature."""
        images = self._as_weights(images)  # (B, 3, h, w)
        shared = self.stem(images)  # (B, C, h/8, w/8)
        maps: dict[str, Tensor] = {}
        if self.geometric_tail is not None:
            attention = self.attention_map(images).to(shared.dtype)  # (B, 1, h/8, w/8)
            maps["gfb"] = self.geometric_tail(shared * attention)  # (B, D, h/16, w/16)
        elif self.attention_encoder is not None:
            maps["plain"] = self.attention_encoder(images)  # (B, L, h/8, w/8)
        maps["gb"] = self.global_tail(shared)  # (B, D, h/16, w/16)
        return maps

    def _as_weights(self, images: Tensor) -> Tensor:
        """Images in the type of the convolutions; differs only in a network fused to bfloat16."""
        return images.to(next(self.stem.parameters()).dtype)

    def _head(self, name: str) -> BranchHead:
        return cast(BranchHead, self.heads[name])


def initialised(part: nn.Sequential) -> nn.Sequential:
    """The same part with the start values of a network that is not pretrained: He normal over fan-out, as torchvision
    does."""
    for module in part.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return part


def rotation_tail(channels: int) -> nn.Sequential:
    """SLB's own subnetwork: two basic blocks of stride 2, with PyTorch's default start values as released."""
    return nn.Sequential(*(residual_block(BasicBlock, channels, channels, stride=2) for _ in range(2)))


class AttentionAlone(nn.Module):
    """A network that gives of images (B, 3, h, w) its attention Q (B, h/8 * w/8) alone, row by row."""

    def __init__(self, model: SGFD) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """The map as rows."""
        return self.model.attention_map(images).flatten(1)
