"""Weights on disk: safetensors with the network's parameters in the file's own header, so that one file is the whole
model.

Nothing here unpickles: a checkpoint from a stranger can at worst be wrong.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from reid.atomic import replacing
from reid.config import NetworkParams
from reid.errors import UserError
from reid.files import check_file, first_mistake, parse_json
from reid.model.sgfd import SGFD

FORMAT = "sgfd-1"
LENGTH_BYTES = ALIGNMENT = 8
"""Of a safetensors file: its first bytes tell the length of the header, a multiple of the same number."""
MOST_IDS = 10_000_000
DEMO = "demo"
OTHER_FILE = "Give a .safetensors file written by `reid train`."


class Header(BaseModel):
    """What a checkpoint says of itself: the network, the identities of its classifiers (None: it has none), and how it
    was trained."""

    model_config = ConfigDict(frozen=True, strict=True)
    network: NetworkParams
    num_ids: Annotated[int, Field(ge=1, le=MOST_IDS)] | None
    training: dict[str, Any]


def save_model(model: SGFD, path: Path, training: dict[str, object] | None = None, half: bool = False) -> None:
    """Write the model's weights and parameters to one .safetensors file, whole or not at all.

    Args:
        model: the network, on any device.
        path: file to write; its folder must exist.
        training: facts to keep with the weights (data set, epoch, scores), as JSON can hold them.
        half: store floating-point weights as float16, half the size.
    """
    tensors = {name: _stored(tensor, half) for name, tensor in model.state_dict().items()}
    header = {
        "format": FORMAT,
        "network": model.params.model_dump_json(),
        "num_ids": json.dumps(model.num_ids),
        "training": json.dumps(training or {}),
    }
    with replacing(path) as temporary:
        temporary.write_bytes(_in_order(save(tensors, metadata=header)))


def read_header(path: Path) -> Header:
    """What the checkpoint says of itself, without reading its weights.

    Raises UserError where the file is missing, broken or not a checkpoint of this project.
    """
    check_file(path, "a checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
    except (SafetensorError, OSError) as broken:
        raise UserError(
            path, "a safetensors checkpoint", f"another or a truncated file ({broken})", OTHER_FILE
        ) from None
    if header.get("format") != FORMAT:
        found = header.get("format", "no format")[:80] or "an empty one"
        raise UserError(path, f"a checkpoint of format {FORMAT}", found, OTHER_FILE)
    expected = "parameters of an SGFD network in its header"
    parts = {name: parse_json(header.get(name, "null"), f"{path}, {name}") for name in Header.model_fields}
    try:
        return Header.model_validate_json(json.dumps(parts))
    except ValidationError as bad:
        raise UserError(path, expected, first_mistake(bad), OTHER_FILE) from None


def named(path: Path) -> Path:
    """The file that ``path`` names: ``demo`` is the checkpoint that comes with the package, if no file is called so."""
    package = find_spec("mtmc") if path == Path(DEMO) and not path.exists() else None
    if package is None or package.origin is None:
        return path
    return Path(package.origin).parent / "weights" / "demo_reid.safetensors"


def load_model(path: Path, device: str | torch.device = "cpu", num_ids: int | None = None) -> SGFD:
    """The network of a checkpoint, float32, in evaluation mode.

    Args:
        path: file written by `save_model`; ``demo`` for the one that comes with the package.
        device: where the weights go.
        num_ids: None leaves classifiers and rotation branch out, all that features need; a number asks for them, of
            that many identities.

    Raises:
        UserError: as `read_header`; or the checkpoint has classifiers of another number of identities.
    """
    path = named(path)
    header = read_header(path)
    if num_ids is not None and header.num_ids != num_ids:
        found = "no classifiers" if header.num_ids is None else f"{header.num_ids}"
        raise UserError(
            path,
            f"classifiers of {num_ids} identities",
            found,
            "Use the checkpoint's own data set, or drop its classifiers.",
        )
    with torch.device("meta"):
        model = SGFD(header.network, num_ids)
    model.load_state_dict(_read_tensors(path, model), strict=True, assign=True)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.endswith("neck.bias"))
    return model.to(device).eval()


def load_weights(model: SGFD, path: Path) -> None:
    """Fill a network in place with a checkpoint of the very same shape, keeping its device.

    Raises UserError naming the first parameter that differs (variant, backbone, width, number of identities, ...).
    """
    header = read_header(path)
    for name, wanted in {**model.params.model_dump(), "num_ids": model.num_ids}.items():
        found = header.num_ids if name == "num_ids" else getattr(header.network, name)
        if found != wanted:
            raise UserError(
                path, f"{name} {wanted}", f"{found}", "Train or load with the checkpoint's own configuration."
            )
    model.load_state_dict(_read_tensors(path, model), strict=True)


def _read_tensors(path: Path, model: SGFD) -> dict[str, Tensor]:
    """The model's own weights out of the file, halves widened to float32."""
    with safe_open(path, framework="pt") as file:
        missing = sorted(set(model.state_dict()) - set(file.keys()))
        if missing:
            raise UserError(
                path, f"the weight {missing[0]}", "none of that name", "The file is not whole: write or fetch it again."
            )
        tensors = {name: file.get_tensor(name) for name in model.state_dict()}
    for name, own in model.state_dict().items():
        if own.shape != tensors[name].shape:
            found = f"{tuple(tensors[name].shape)}"
            raise UserError(
                path,
                f"{name} of shape {tuple(own.shape)}",
                found,
                "The file does not fit its own header: write it again.",
            )
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def _in_order(content: bytes) -> bytes:
    """The same safetensors with the keys of its header in order: the library shuffles them, and the same weights should
    give the same bytes."""
    end = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], "little")
    header = parse_json(content[LENGTH_BYTES:end].decode(), "header")
    ordered = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    ordered += b" " * (-len(ordered) % ALIGNMENT)
    return len(ordered).to_bytes(LENGTH_BYTES, "little") + ordered + content[end:]


def _stored(tensor: Tensor, half: bool) -> Tensor:
    dense = tensor.detach().cpu().contiguous()
    return dense.half() if half and dense.is_floating_point() else dense
