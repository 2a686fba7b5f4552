"""The network: its parts and sizes, what goes where, and how gradients flow."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from reid.config import NetworkParams
from reid.model.fuse import fused
from reid.model.sgfd import SGFD, CosineClassifier, TrainingOutput
from reid.training.losses import identity_loss, triplet_loss
from tests.reid.recipes import tiny_network


def count(part: nn.Module | None) -> int:
    assert part is not None
    return sum(parameter.numel() for parameter in part.parameters())


class TestPaperNetwork:
    """ResNet50 with ResNet18, 576 identities."""

    with torch.device("meta"):
        model = SGFD(NetworkParams(), 576)
        bare = SGFD(NetworkParams())

    @pytest.mark.parametrize(
        ("part", "parameters"),
        [
            ("stem", 1_444_928),
            ("global_tail", 22_063_104),
            ("geometric_tail", 22_063_104),
            ("attention_encoder", 11_176_512),
            ("rotation_tail", 9_967_616),
            ("rotation_classifier", 2_049),
        ],
    )
    def test_parameters_of_each_part(self, part: str, parameters: int) -> None:
        assert count(getattr(self.model, part)) == parameters

    def test_parameters_in_all(self) -> None:
        assert count(self.model) == 69_084_801
        assert count(self.bare) == 56_755_840

    def test_shapes_of_each_part(self) -> None:
        image = torch.zeros(1, 3, 256, 256, device="meta")
        shared = self.model.stem(image)
        local = cast(nn.Module, self.model.attention_encoder)(image)
        assert shared.shape == (1, 512, 32, 32)
        assert self.model.global_tail(shared).shape == (1, 2048, 16, 16)
        assert local.shape == (1, 512, 32, 32)
        assert cast(nn.Module, self.model.rotation_tail)(local).shape == (1, 512, 8, 8)
        assert self.bare.feature_size == 4096

    def test_stride_on_the_3x3_convolution(self) -> None:
        first = cast(nn.Module, cast(nn.Sequential, self.model.global_tail.layer3)[0])
        assert cast(nn.Conv2d, first.conv1).stride == (1, 1)
        assert cast(nn.Conv2d, first.conv2).stride == (2, 2)

    def test_necks_learn_no_shift(self) -> None:
        frozen = [name for name, parameter in self.model.named_parameters() if not parameter.requires_grad]
        assert frozen == ["heads.gfb.neck.bias", "heads.gb.neck.bias"]


def test_both_tails_start_alike_and_are_two() -> None:
    model = tiny_network()
    assert model.geometric_tail is not None
    pairs = list(zip(model.global_tail.parameters(), model.geometric_tail.parameters(), strict=True))
    assert all(torch.equal(one, other) and one is not other for one, other in pairs)


def test_feature_is_gfb_then_gb_after_the_necks() -> None:
    model = tiny_network(None).eval()
    images = torch.randn(3, 3, 32, 32)
    with torch.inference_mode():
        shared = model.stem(images)
        assert model.geometric_tail is not None
        geometric = model.geometric_tail(shared * model.attention_map(images)).mean(dim=(2, 3))
        plain = model.global_tail(shared).mean(dim=(2, 3))
        necks = [model.heads[name].neck for name in ("gfb", "gb")]  # type: ignore[union-attr]
        expected = torch.cat([necks[0](geometric), necks[1](plain)], dim=1)  # type: ignore[operator]
        torch.testing.assert_close(model(images), expected)


@pytest.mark.parametrize(
    ("variant", "branches", "rotates", "size"),
    [("global", 1, False, 64), ("plain", 2, False, 128), ("geometric", 2, False, 128), ("full", 2, True, 128)],
)
def test_variants(variant: str, branches: int, rotates: bool, size: int) -> None:
    model = tiny_network(variant=variant).train()
    images = torch.randn(4, 3, 32, 32)
    output = model(images, images if rotates else None)
    assert isinstance(output, TrainingOutput)
    assert len(output.branches) == branches
    assert all(branch.logits.shape == (4, 8) for branch in output.branches)
    assert (output.rotation_logits is not None) == rotates
    assert model.eval()(images).shape == (4, size)
    output.branches[0].logits.sum().backward()


@pytest.mark.parametrize("loss", ["identity", "triplet"])
def test_gfb_losses_teach_the_encoder_through_q(loss: str) -> None:
    model = tiny_network().train()
    labels = torch.tensor([0, 0, 1, 1])
    geometric = model(torch.randn(4, 3, 32, 32)).branches[0]
    chosen = (
        identity_loss(geometric.logits, labels) if loss == "identity" else triplet_loss(geometric.pooled, labels, 0.5)
    )
    chosen.backward()
    assert model.attention_encoder is not None
    grads = [parameter.grad for parameter in model.attention_encoder.parameters()]
    assert all(grad is not None for grad in grads)
    assert any(float(grad.abs().max()) > 0 for grad in grads if grad is not None)
    assert all(parameter.grad is None for parameter in model.global_tail.parameters())


def test_rotation_teaches_the_encoder_and_no_branch() -> None:
    model = tiny_network().train()
    model.rotation_logits(torch.randn(4, 3, 32, 32)).sum().backward()
    assert model.attention_encoder is not None
    assert any(p.grad is not None and float(p.grad.abs().max()) > 0 for p in model.attention_encoder.parameters())
    assert all(parameter.grad is None for parameter in model.stem.parameters())


def test_a_training_step_updates_the_encoders_statistics_twice() -> None:
    model = tiny_network().train()
    images = torch.randn(4, 3, 32, 32)
    model(images, images)
    counts = {name: int(value) for name, value in model.named_buffers() if name.endswith("num_batches_tracked")}
    assert {value for name, value in counts.items() if name.startswith("attention_encoder")} == {2}
    assert {value for name, value in counts.items() if name.startswith(("stem", "global_tail", "heads"))} == {1}


class TestCosineClassifier:
    def test_formula_and_start(self) -> None:
        classifier = CosineClassifier(16, 4, scale=10)
        features = torch.randn(5, 16) * 100
        angle = torch.nn.functional.cosine_similarity(features[:, None], classifier.weight[None], dim=2)
        torch.testing.assert_close(classifier(features), 10 * angle)
        torch.testing.assert_close(classifier(features * 7), classifier(features))

    def test_gamma_learns(self) -> None:
        classifier = CosineClassifier(16, 4, scale=10)
        classifier(torch.randn(5, 16))[0, 0].backward()
        assert classifier.scale.grad is not None

    def test_zero_feature_gives_zero_logits(self) -> None:
        assert torch.equal(CosineClassifier(16, 4, 10)(torch.zeros(1, 16)), torch.zeros(1, 4))


@pytest.mark.parametrize(
    ("settings", "dtype", "limit"),
    [
        ({}, torch.float32, 1e-6),
        ({"variant": "plain", "attention_encoder": "resnet18"}, torch.float32, 1e-6),
        ({"backbone": "resnet50"}, torch.float32, 1e-6),
        ({}, torch.bfloat16, 1e-3),
    ],
)
def test_fused_gives_the_same_features(settings: dict[str, str], dtype: torch.dtype, limit: float) -> None:
    torch.manual_seed(1)
    model = tiny_network(None, **settings).train()
    images = torch.randn(6, 3, 32, 32)
    for _ in range(15):
        model.stem(images)
        model._branch_maps(images)  # statistics of its own, as after training
    for head in model.heads.values():
        cast(nn.BatchNorm1d, head.neck).running_var.fill_(0.5)  # type: ignore[union-attr]
    model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.inference_mode():
        cosine = torch.cosine_similarity(model(images), fused(model, dtype)(images))
    assert float(cosine.min()) > 1 - limit
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_fusing_saves_passes_over_the_maps_and_no_arithmetic() -> None:
    """Hence some percent of speed in float32 and never times as much; the rest is the number type's."""
    model, images = tiny_network(None).eval(), torch.randn(2, 3, 32, 32)
    quick, half = fused(model), fused(model, torch.bfloat16)
    assert multiplications(quick, images) == multiplications(model, images) == multiplications(half, images)
    assert not [part for part in quick.modules() if isinstance(part, nn.BatchNorm2d)]
    assert {part.weight.dtype for part in half.modules() if isinstance(part, nn.Conv2d)} == {torch.bfloat16}


def multiplications(model: SGFD, images: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(images)
    return counter.get_total_flops()


def test_inference_network_refuses_to_train() -> None:
    model = tiny_network(None).train()
    with pytest.raises(RuntimeError, match="inference"):
        model(torch.zeros(2, 3, 32, 32))
    with pytest.raises(RuntimeError, match="no attention"):
        tiny_network(None, variant="global").attention_map(torch.zeros(1, 3, 32, 32))
