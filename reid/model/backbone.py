"""Networks cut into the parts that SGFD shares, copies and re-strides; their blocks and weights are torchvision's or
timm's.

    stem, to 1/8 of the image ── tail, to 1/32 (strides 2, 2), or less deep where SGFD asks for strides of 1
    encoder = a stem and a tail without strides, so that attention has 1/8 of the image's resolution

Shape shorthand: B images, C channels, h x w pixels.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections import OrderedDict
from types import ModuleType

import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v2
from torchvision.models.resnet import BasicBlock, Bottleneck, conv1x1

from reid.errors import UserError

RESNETS: dict[str, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    "resnet10": (BasicBlock, (1, 1, 1, 1)),
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
}
"""Block type and blocks per layer. ``resnet10`` is the smallest that keeps four layers; torchvision has no weights for
it."""
IBN_A = "_ibn_a"
STEM_REDUCTION = 8
"""How much smaller the stem's maps are than the image: where SGFD multiplies by its attention."""
PROBE = 64
"""Side, px, of the image that finds out where a network halves its maps."""


class Backbone(ABC):
    """The parts of one network, made on demand; each call makes new layers.

    channels: of the tail's output. encoder_channels: of the encoder's.
    """

    channels: int
    encoder_channels: int

    @abstractmethod
    def stem(self) -> nn.Sequential:
        """(B, 3, h, w) to (B, C, h/8, w/8)."""

    @abstractmethod
    def tail(self, strides: tuple[int, int]) -> nn.Sequential:
        """What follows the stem, with the strides of its two halvings given: (B, C, h/8, w/8) to (B, `channels`,
        ...)."""

    @abstractmethod
    def encoder(self) -> nn.Sequential:
        """Stem and tail without strides in one sequence: (B, 3, h, w) to (B, `encoder_channels`, h/8, w/8)."""


def make_backbone(name: str, width: float = 1.0) -> Backbone:
    """The backbone of a name: one of `RESNETS`, also with ``_ibn_a``, ``mobilenet_v2``, ``efficientnet_lite0`` or
    ``timm/NAME``.

    Args:
        name: efficientnet_lite0 and timm's networks need the package timm.
        width: factor on every channel count; channel counts are rounded to a multiple of 8. timm's have width 1 only.

    Raises:
        UserError: timm is needed and missing, does not know the name, or its network cannot be cut; a width it cannot
            have.
    """
    if name.removesuffix(IBN_A) in RESNETS:
        return ResNetBackbone(name, width)
    if name == "mobilenet_v2":
        return CutBackbone(name, mobilenet_v2(width_mult=width).features, widening=1)
    if width != 1:
        raise UserError(f"network of backbone {name}", "width 1", f"{width}", "Set network.width to 1.")
    if name == "efficientnet_lite0":
        return CutBackbone(name, efficientnet_lite(name), widening=2)
    return CutBackbone(name, _timm_features(name.removeprefix("timm/")), widening=0)


class ResNetBackbone(Backbone):
    """A residual network of `RESNETS`, in torchvision's names."""

    def __init__(self, name: str, width: float = 1.0) -> None:
        self._block, self._depths = RESNETS[name.removesuffix(IBN_A)]
        self._mixed = name.endswith(IBN_A)
        self._planes = [max(8, round(width * planes / 8) * 8) for planes in (64, 128, 256, 512)]
        self.channels = self.encoder_channels = self._planes[3] * int(self._block.expansion)

    def stem(self) -> nn.Sequential:
        """conv1 to layer2."""
        first = self._planes[0]
        return nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(3, first, 7, stride=2, padding=3, bias=False),  # (B, C1, h/2, w/2)
                bn1=nn.BatchNorm2d(first),
                relu=nn.ReLU(inplace=True),
                maxpool=nn.MaxPool2d(3, stride=2, padding=1),  # (B, C1, h/4, w/4)
                layer1=self._layer(1, stride=1),
                layer2=self._layer(2, stride=2),  # (B, C2, h/8, w/8)
            )
        )

    def tail(self, strides: tuple[int, int]) -> nn.Sequential:
        """layer3 and layer4."""
        return nn.Sequential(OrderedDict(layer3=self._layer(3, strides[0]), layer4=self._layer(4, strides[1])))

    def encoder(self) -> nn.Sequential:
        """conv1 to layer4."""
        return nn.Sequential(OrderedDict([*self.stem().named_children(), *self.tail((1, 1)).named_children()]))

    def _layer(self, number: int, stride: int) -> nn.Sequential:
        planes = self._planes[number - 1]
        inputs = self._planes[0] if number == 1 else self._planes[number - 2] * self._block.expansion
        first = residual_block(self._block, inputs, planes, stride)
        rest = [self._block(planes * self._block.expansion, planes) for _ in range(self._depths[number - 1] - 1)]
        layer = nn.Sequential(first, *rest)
        if self._mixed and number < 4:
            for block in layer:
                block.bn1 = InstanceBatchNorm(planes)
        return layer


class InstanceBatchNorm(nn.Module):
    """IBN-a (Pan et al. 2018): half of the channels normalised per image, against style; the rest over the batch.

    Names of the halves as in the released weights.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.split = channels // 2
        self.IN = nn.InstanceNorm2d(self.split, affine=True)
        self.BN = nn.BatchNorm2d(channels - self.split)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, h, w) to the same shape."""
        alone, together = maps[:, : self.split].contiguous(), maps[:, self.split :].contiguous()
        return torch.cat([self.IN(alone), self.BN(together)], dim=1)


class CutBackbone(Backbone):
    """Any network that is a sequence of layers and halves its maps five times, cut where they are 1/8 of the image.

    Args:
        name: for messages.
        layers: the network; kept as the pattern that `stem`, `tail` and `encoder` copy.
        widening: how many of its last layers only widen the channels before pooling; the encoder goes without.
    """

    def __init__(self, name: str, layers: nn.Sequential, widening: int) -> None:
        self.layers, self._name = layers, name
        self._inner = len(layers) - widening
        self._shapes = _shapes(name, layers)
        sides = [side for _, side in self._shapes]
        self._cut = len(sides) - sides[::-1].index(PROBE // STEM_REDUCTION) if PROBE // STEM_REDUCTION in sides else 0
        if not self._cut or sides[-1] != PROBE // (4 * STEM_REDUCTION):
            found = f"maps of 1/{PROBE // max(1, sides[-1])} at its end"
            raise UserError(f"backbone {name}", "a network whose maps shrink to 1/8, 1/16 and 1/32", found, _OTHER)
        self.channels, self.encoder_channels = self._shapes[-1][0], self._shapes[self._inner - 1][0]

    def stem(self) -> nn.Sequential:
        """The layers up to 1/8 of the image."""
        return _fresh(self.layers, 0, self._cut)

    def tail(self, strides: tuple[int, int]) -> nn.Sequential:
        """The layers after the stem."""
        return self._restrided(len(self.layers), strides, first=self._cut)

    def encoder(self) -> nn.Sequential:
        """All layers but those that only widen."""
        return self._restrided(self._inner, (1, 1), first=0)

    def _restrided(self, last: int, strides: tuple[int, int], first: int) -> nn.Sequential:
        """Layers first..last with the strides of the halvings behind the stem given."""
        layers, halving = _fresh(self.layers, first, last), 0
        for number in range(self._cut, last):
            if self._shapes[number][1] == self._shapes[number - 1][1]:
                continue
            for module in layers[number - first].modules() if strides[halving] == 1 else ():
                if isinstance(module, nn.Conv2d) and module.stride != (1, 1):
                    module.stride = (1, 1)
                    if module.kernel_size[0] % 2 == 0:  # a patch without overlap: keep the map's size
                        module.padding = "same"
            halving += 1
        return layers


_OTHER = "Choose a ResNet, mobilenet_v2, or a convolutional network of timm."


def _shapes(name: str, layers: nn.Sequential) -> list[tuple[int, int]]:
    """(channels, side) of each layer's output for a probe image."""
    device = next(layers.parameters()).device
    shapes, maps = [], torch.zeros(1, 3, PROBE, PROBE, device=device)
    with torch.no_grad():
        for layer in layers.eval():
            try:
                maps = layer(maps)
            except (RuntimeError, AssertionError) as unfit:  # transformers want their own size of image
                raise UserError(f"backbone {name}", "a network for any size of image", str(unfit), _OTHER) from None
            if maps.ndim != 4 or maps.shape[2] != maps.shape[3]:
                raise UserError(f"backbone {name}", "maps (B, C, h, w)", f"shape {tuple(maps.shape)}", _OTHER)
            shapes.append((maps.shape[1], maps.shape[2]))
    return shapes


def _fresh(layers: nn.Sequential, first: int, last: int) -> nn.Sequential:
    """A copy of layers first..last with random weights of its own."""
    made = copy.deepcopy(nn.Sequential(OrderedDict(list(layers.named_children())[first:last]))).train()
    for module in made.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.reset_parameters()
    return made


def efficientnet_lite(name: str) -> nn.Sequential:
    """timm's EfficientNet-Lite ``name`` as a sequence, with its two widening layers at the end.

    Raises UserError without timm.
    """
    network = _timm().create_model(name)
    body = [("conv_stem", network.conv_stem), ("bn1", network.bn1)]
    body += [(f"blocks_{stage}", blocks) for stage, blocks in network.blocks.named_children()]
    return nn.Sequential(OrderedDict([*body, ("conv_head", network.conv_head), ("bn2", network.bn2)]))


def _timm_features(name: str) -> nn.Sequential:
    """The layers of a network of timm that has feature maps."""
    timm = _timm()
    if not timm.is_model(name):
        raise UserError("network.backbone", "a network that timm knows", f"timm/{name}", _OTHER)
    try:
        features = timm.create_model(name, features_only=True)
    except (RuntimeError, AttributeError, TypeError) as unfit:
        raise UserError(f"backbone timm/{name}", "a network with feature maps", str(unfit), _OTHER) from None
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for stage, part in features.named_children():
        inner = part.named_children() if isinstance(part, nn.Sequential) else [("", part)]
        layers |= {f"{stage}_{number}".rstrip("_"): layer for number, layer in inner}
    return nn.Sequential(layers)


def _timm() -> ModuleType:
    try:
        import timm
    except ImportError:
        fix = "Install the extra: pip install 'mtmc[backbones]'."
        raise UserError("network.backbone", "the package timm", "no such package", fix) from None
    return timm


def residual_block(
    block: type[BasicBlock] | type[Bottleneck], inputs: int, planes: int, stride: int
) -> BasicBlock | Bottleneck:
    """A residual block; where shape or stride changes with a 1x1 shortcut convolution; the stride sits on the 3x3
    one."""
    outputs = planes * block.expansion
    if stride == 1 and inputs == outputs:
        return block(inputs, planes)
    shortcut = nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs))
    return block(inputs, planes, stride, shortcut)
