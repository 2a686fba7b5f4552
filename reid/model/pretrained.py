"""Start values that are not random: torchvision's ImageNet weights, local files of them, or an SGFD trained before."""

from __future__ import annotations

import pickle
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights

from reid.errors import UserError
from reid.model.checkpoint import load_model
from reid.model.sgfd import SGFD

Weights = dict[str, Tensor]


def start_from(model: SGFD, pretrained: str) -> None:
    """Fill a fresh network in place; classifiers and rotation branch keep their random start.

    Args:
        model: the network.
        pretrained: ``none``; ``imagenet``; a .safetensors of this project (same network, any identities); a torchvision .pth of the
            backbone (the attention encoder stays random); or a folder with a .pth for each, named like resnet50-19c8e357.pth.

    Raises:
        UserError: no such file, no such weights for this network, or no way to fetch them.
    """
    if pretrained == "none":
        return
    if pretrained == "imagenet":
        _fill(model, {name: _imagenet(name) for name in _needed(model)}, "imagenet")
        return
    path = Path(pretrained)
    if path.suffix == ".safetensors":
        _fill_from_checkpoint(model, path)
    elif path.is_dir():
        _fill(model, {name: _read(_find(path, name)) for name in _needed(model)}, pretrained)
    else:
        _fill(model, {model.params.backbone: _read(path)}, pretrained, backbone_only=True)


def _needed(model: SGFD) -> list[str]:
    """Names of the residual networks that the model is made of."""
    encoder = [] if model.attention_encoder is None else [model.params.attention_encoder]
    return list(dict.fromkeys([model.params.backbone, *encoder]))


def _fill(model: SGFD, weights: dict[str, Weights], source: str, backbone_only: bool = False) -> None:
    backbone = weights[model.params.backbone]
    parts: list[tuple[str, nn.Module | None, Weights]] = [
        ("backbone", model.stem, backbone),
        ("backbone", model.global_tail, backbone),
        ("backbone", model.geometric_tail, backbone),
    ]
    if not backbone_only and model.attention_encoder is not None:
        parts.append(("attention encoder", model.attention_encoder, weights[model.params.attention_encoder]))
    for name, part, tensors in parts:
        if part is not None:
            _fill_part(part, tensors, f"--pretrained {source}, {name}")


def _fill_part(part: nn.Module, tensors: Weights, where: str) -> None:
    for name, own in part.state_dict().items():
        found = tensors.get(name)
        if found is None and name.endswith("num_batches_tracked"):
            continue
        if found is None or found.shape != own.shape:
            shape = "none" if found is None else f"{tuple(found.shape)}"
            raise UserError(
                where,
                f"{name} of shape {tuple(own.shape)}",
                shape,
                "Use --pretrained none, or width 1 and the network of the file.",
            )
        own.copy_(found)


def _imagenet(name: str) -> Weights:
    where = "--pretrained imagenet"
    try:
        weights = get_model_weights(name)["IMAGENET1K_V1"]
        return dict(weights.get_state_dict(progress=False, check_hash=True, weights_only=True))
    except ValueError:
        raise UserError(where, "a network that torchvision has weights for", name, "Use --pretrained none.") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError) as bad:
        fix = "Delete it from torch's cache (TORCH_HOME or ~/.cache/torch) and try again."
        raise UserError(where, f"ImageNet weights of {name}", str(bad).splitlines()[0], fix) from None
    except (URLError, OSError) as unreachable:
        fix = "Use --pretrained PATH with the .pth files fetched elsewhere, or --pretrained none."
        raise UserError(where, f"ImageNet weights of {name}", f"no way to fetch them ({unreachable})", fix) from None


def _find(folder: Path, name: str) -> Path:
    found = sorted(folder.glob(f"{name}*.pth"))
    if not found:
        raise UserError(folder, f"{name}*.pth", "none", "Put torchvision's weights there, or use --pretrained none.")
    return found[0]


def _read(path: Path) -> Weights:
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError:
        raise UserError(
            path, "pretrained weights", "no such file", "Give --pretrained an existing path, or none."
        ) from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, TypeError, ValueError) as bad:
        raise UserError(path, "a torchvision state dict", str(bad).splitlines()[0], "Fetch the file again.") from None


def _fill_from_checkpoint(model: SGFD, path: Path) -> None:
    """All but classifiers and rotation branch, of a checkpoint of the same network."""
    other = load_model(path)
    if other.params != model.params:
        wanted, found = model.params.model_dump(), other.params.model_dump()
        key = next(key for key in wanted if wanted[key] != found[key])
        raise UserError(
            path, f"a network with {key} {wanted[key]}", f"{found[key]}", f"Set network.{key} to the checkpoint's."
        )
    model.load_state_dict(other.state_dict(), strict=False)
