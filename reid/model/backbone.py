"""Residual networks cut into the stages that SGFD shares, copies and re-strides; blocks and weights are torchvision's.

Shape shorthand: B images, C channels, h x w positions.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, conv1x1

DEPTHS: dict[str, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    "resnet10": (BasicBlock, (1, 1, 1, 1)),
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
}
"""Block type and blocks per layer. ``resnet10`` is the smallest that keeps four layers; torchvision has no weights for it."""


class Backbone:
    """The parts of one residual network, made on demand; each call makes new layers.

    Args:
        name: one of `DEPTHS`.
        width: factor on every channel count; channel counts are rounded to a multiple of 8.
    """

    def __init__(self, name: str, width: float = 1.0) -> None:
        self._block, self._depths = DEPTHS[name]
        self._planes = [max(8, round(width * planes / 8) * 8) for planes in (64, 128, 256, 512)]

    @property
    def channels(self) -> int:
        """Channels of the last layer's output."""
        return self._planes[3] * int(self._block.expansion)

    def stem(self) -> nn.Sequential:
        """conv1 to layer2: (B, 3, h, w) to (B, C2, h/8, w/8)."""
        first = self._planes[0]
        return nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(3, first, 7, stride=2, padding=3, bias=False),
                bn1=nn.BatchNorm2d(first),
                relu=nn.ReLU(inplace=True),
                maxpool=nn.MaxPool2d(3, stride=2, padding=1),
                layer1=self._layer(1, stride=1),
                layer2=self._layer(2, stride=2),
            )
        )

    def tail(self, strides: tuple[int, int]) -> nn.Sequential:
        """layer3 and layer4 with the strides given: (B, C2, h, w) to (B, `channels`, ...)."""
        return nn.Sequential(OrderedDict(layer3=self._layer(3, strides[0]), layer4=self._layer(4, strides[1])))

    def whole(self, strides: tuple[int, int]) -> nn.Sequential:
        """Stem and tail in one sequence, without pooling or classifier."""
        return nn.Sequential(OrderedDict([*self.stem().named_children(), *self.tail(strides).named_children()]))

    def _layer(self, number: int, stride: int) -> nn.Sequential:
        planes = self._planes[number - 1]
        inputs = self._planes[0] if number == 1 else self._planes[number - 2] * self._block.expansion
        first = residual_block(self._block, inputs, planes, stride)
        rest = [self._block(planes * self._block.expansion, planes) for _ in range(self._depths[number - 1] - 1)]
        return nn.Sequential(first, *rest)


def residual_block(
    block: type[BasicBlock] | type[Bottleneck], inputs: int, planes: int, stride: int
) -> BasicBlock | Bottleneck:
    """A residual block with a 1x1 shortcut convolution wherever shape or stride changes; the stride sits on the 3x3 convolution."""
    outputs = planes * block.expansion
    if stride == 1 and inputs == outputs:
        return block(inputs, planes)
    shortcut = nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs))
    return block(inputs, planes, stride, shortcut)
