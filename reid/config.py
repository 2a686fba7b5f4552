"""Parameters of the network and of its training, and how TOML files and ``--set`` give them.

Defaults are the paper's recipe for VeRi-776; where the paper and the released code differ, the released code's choice
is the default and the field says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, ValidationError, model_validator

from reid.devices import Precision
from reid.settings import Params, explain, load, shipped_file

Variant = Literal["global", "plain", "geometric", "full"]
BackboneName = Annotated[
    str, Field(pattern=r"^(resnet(10|18|34|50|101)(_ibn_a)?|mobilenet_v2|efficientnet_lite0|timm/[\w.]+)$")
]
"""A residual network, with instance normalisation beside batch normalisation in ``_ibn_a``; a small ImageNet network
whose weights come in a package, or timm/NAME."""
Part = Annotated[float, Field(gt=0, le=1)]
Side = Annotated[int, Field(ge=32, le=2048)]
Share = Field(0.5, ge=0, le=1)


class NetworkParams(Params):
    """Everything that fixes the shape of the network and what its weights mean; stored with every checkpoint."""

    variant: Variant = "full"
    """``global``: GB only; ``plain``: GB and the encoder as an ordinary second branch, no attention; ``geometric``: GB
    and GFB; ``full``: GB, GFB and the rotation branch SLB."""
    backbone: BackboneName = "resnet50"
    attention_encoder: BackboneName = "resnet18"
    width: float = Field(1.0, ge=0.125, le=2)
    """Factor on the channels of the backbone."""
    attention_width: float = Field(1.0, ge=0.125, le=2)
    """Factor on the channels of the attention encoder and the rotation branch."""
    image_size: tuple[Side, Side] = (256, 256)
    """Height and width in pixels of the images that the network sees; multiples of 32. Q sums to 1 over a map 1/8 as
    high and wide, so weights hold for the size they were trained with."""
    kernel_size: int = Field(7, ge=1, le=255)
    """K of Eq. 4, positions, odd."""
    per_sample_scale: bool = True
    """Released code: exp(L / max L). The paper's Eq. 4: exp(L)."""
    border: float = Field(1.0, ge=0)
    """Value of exp(L) outside the map; 1 as released, the paper is silent."""
    kernel_share: float = Field(0.0, ge=0, le=1)
    """K as a share of the map's side, the odd number nearest to it, at least 3; 0: ``kernel_size`` whatever the map. 7
    of the paper's 32 positions are 0.22."""
    border_inside: bool = False
    """Neighbours outside the map do not count, instead of counting as ``border``: the rim is neither favoured nor
    punished."""
    area_rescale: bool = False
    """Multiply Q by its number of positions; off in Eq. 6 and as released."""
    pooling: Literal["average", "gem"] = "average"
    """How maps become features; ``gem``: generalised mean (Radenovic et al. 2018) with one learnable power per
    branch."""
    rotation_scale: float = Field(10.0, gt=0)
    """Start of the cosine classifier's learnable gamma; 10 as released, the paper is silent."""

    @model_validator(mode="after")
    def _fits(self) -> NetworkParams:
        if any(side % 32 for side in self.image_size):
            raise ValueError(f"image_size must be multiples of 32, not {self.image_size}")
        if self.variant == "full" and self.image_size[0] != self.image_size[1]:
            raise ValueError(
                f"the variant full turns images by 90 degrees: image_size must be square, not {self.image_size}"
            )
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, not {self.kernel_size}")
        return self


class AugmentParams(Params):
    """How a training image is varied, in this order, as released; the paper names only random cropping, flipping and
    erasing."""

    zoom_probability: float = Share
    """How often the image is resized to ``zoom`` x its size and cut at random; otherwise it is resized straight."""
    zoom: float = Field(1.125, ge=1, le=2)
    flip_probability: float = Share
    jitter: float = Field(0.0, ge=0, lt=1)
    """Largest relative change of brightness, contrast and colour; off as released. Useful where cameras differ in white
    balance."""
    degrade_probability: float = Field(0.0, ge=0, le=1)
    """How often the image is spoiled as cameras and codecs do: each with 1 in 2, seen from far (few pixels), out of
    focus or moving, noisy, compressed; off as released."""
    erase_probability: float = Share
    erase_area: tuple[Part, Part] = (0.02, 0.4)
    """Smallest and largest share of the image's area that the erased square covers."""
    rotation_disc: float = Field(0.0, ge=0, le=0.75)
    """The rotation branch sees a disc of this radius, in image sides, around the middle and nothing outside: road and
    shadow at the rim tell the angle without a look at the vehicle. 0: the whole image, as published."""
    rotations: Literal["one", "all"] = "one"
    """``one``: each image turned by one angle drawn at random, as released; ``all``: by all four (the paper's D_SL), 4
    x the cost."""


class SamplerParams(Params):
    """A batch is ``identities`` (P) vehicles with ``images`` (K) each, per process."""

    identities: int = Field(7, ge=2, le=1024)
    images: int = Field(4, ge=2, le=1024)


class LossParams(Params):
    """Equation 7. Identity and triplet loss are means over the branches: weight 1 is the paper's 0.5 for each of two
    branches."""

    identity_weight: float = Field(1.0, ge=0)
    triplet_weight: float = Field(1.0, ge=0)
    rotation_weight: float = Field(1.0, ge=0)
    """Lambda of the rotation loss; Table 4 compares 0.1, 1 and 2."""
    smoothing: float = Field(0.1, ge=0, lt=1)
    """Label smoothing; 0.1 as released, the paper is silent."""
    margin: float = Field(0.5, ge=0)
    """Triplet margin in feature units; 0.5 for VeRi-776 and CityFlow, 0.7 for VehicleID and persons."""
    soft_margin: bool = False
    """Triplets by log(1 + exp(same - other)), which never quite ends, instead of ``margin``."""
    triplet: Literal["hard", "weighted"] = "hard"
    """``hard``: the farthest of the same and the nearest other vehicle; ``weighted``: all, by softmax of their
    distances."""
    circle_weight: float = Field(0.0, ge=0)
    """Weight of the circle loss (Sun et al. 2020) on the features after the necks; 0 as in the paper."""
    circle_margin: float = Field(0.25, ge=0, le=1)
    circle_scale: float = Field(64.0, gt=0)


class OptimizerParams(Params):
    """Adam with L2 in the gradient (not decoupled), as released; what is frozen is an option."""

    lr: float = Field(1e-4, gt=0)
    weight_decay: float = Field(5e-4, ge=0)
    clip_norm: float = Field(0.0, ge=0)
    """Largest norm of the gradient; 0: not clipped, as released."""
    schedule: Literal["steps", "cosine"] = "steps"
    """``steps``: x ``factor`` after each milestone; ``cosine``: warm-up, cosine to ``floor``, cosine to 0."""
    milestones: tuple[NonNegativeInt, ...] = (20, 40, 60)
    """Epochs after which the rate is multiplied by ``factor``."""
    factor: float = Field(0.1, gt=0, le=1)
    warmup_epochs: int = Field(10, ge=0)
    tail_epochs: int = Field(20, ge=0)
    floor: float = Field(1e-7, ge=0)
    warmup_start: Literal["tenth", "zero"] = "tenth"
    """First epoch's rate: ``tenth``: lr / warmup_epochs, as released; ``zero``: 0, as the paper says (that epoch learns
    nothing)."""
    frozen: Literal["nothing", "stem", "backbone"] = "nothing"
    """What keeps its start values: ``stem``, the backbone's layers up to 1/8 of the image, for half the time per step;
    ``backbone``: all but necks and classifiers."""
    frozen_epochs: int = Field(0, ge=0)
    """Epochs for which ``frozen`` holds; 0: all."""
    pretrained_rate: float = Field(1.0, ge=0, le=1)
    """Factor on the rate of stem, tails and attention encoder, beside that of necks, classifiers and rotation
    branch."""
    layer_rate: float = Field(1.0, gt=0, le=1)
    """The same from each layer of these to the one before it, so that the first ones, which are the most general, move
    least; 1: all alike (layer-wise rates; Howard and Ruder 2018)."""


class LoopParams(Params):
    """How the training runs; nothing here changes what is learned, but precision, ema_decay and epochs."""

    epochs: int = Field(80, ge=1)
    seed: int = Field(3, ge=0)
    evaluate_every: int = Field(5, ge=0)
    """Epochs between evaluations on query and gallery; 0: never."""
    save_every: int = Field(500, ge=0)
    """Steps between two savings within an epoch, to resume from; 0: only after each epoch."""
    precision: Precision = "auto"
    """``auto``: bf16 where the device multiplies it fast (CUDA, CPUs with AMX or AVX-512 BF16), else fp32."""
    channels_last: bool = True
    compile: bool = False
    ema_decay: float = Field(0.0, ge=0, lt=1)
    """Evaluate and save an exponential average of the weights; 0: the weights themselves, as in the paper."""
    sync_bn: bool = False
    """Share batch statistics among processes."""
    workers: int = Field(-1, ge=-1)
    """Processes that read images; -1: none on a CPU, up to 8 beside a GPU."""
    cache_mb: int = Field(1024, ge=0)
    """Training sets whose decoded pixels need less than this stay in memory."""


class TrainParams(Params):
    """One training, whole. ``network.pretrained`` weights are named by ``pretrained``."""

    dataset: str | Annotated[tuple[str, ...], Field(min_length=1)] = "veri776"
    """Several are learned from at once; the test is that of the first."""
    root: Path | tuple[Path, ...] | None = None
    """Folder of each data set; ``toy`` makes its own."""
    validation: float = Field(0.0, ge=0, lt=1)
    """Share of the training vehicles that are held out and evaluated on instead of the test; 0: the data set's test."""
    pretrained: str = "imagenet"
    """``imagenet`` (torchvision's V1 weights), ``none``, or a path: an SGFD checkpoint, a torchvision .pth, or a folder
    of those."""
    network: NetworkParams = NetworkParams()
    augment: AugmentParams = AugmentParams()
    sampler: SamplerParams = SamplerParams()
    loss: LossParams = LossParams()
    optimizer: OptimizerParams = OptimizerParams()
    loop: LoopParams = LoopParams()


def load_config(path: Path | None, overrides: Sequence[str] = (), **given: object) -> TrainParams:
    """Parameters from a TOML file, then ``given`` keys that are not None, then overrides such as ``"loss.margin=0.7"``.

    Raises ConfigError naming file, key, what was expected and what was found.
    """
    return load(TrainParams, path and shipped_file(path, "reid"), overrides, **given)


def restore_config(text: str, where: Path) -> TrainParams:
    """Parameters out of the JSON that a training wrote; raises ConfigError where it does not fit."""
    try:
        return TrainParams.model_validate_json(text)
    except ValidationError as mistake:
        raise explain(mistake, TrainParams, [(str(where), {})]) from None
