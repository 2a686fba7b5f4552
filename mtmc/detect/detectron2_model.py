"""Configuration and weights of a Detectron2 model, from the model zoo or from files."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtmc.detect.detectron2_compat import apply
from mtmc.detect.detectron2_files import merge_file, new_config, read_pickle
from mtmc.detect.labels import COCO_CLASSES, label_table
from mtmc.detect.model_files import OTHERWISE, Unreachable
from mtmc.detect.params import DEFAULT_MODEL, RANDOM, DetectParams
from mtmc.detect.torch_network import UNREADABLE, not_weights
from mtmc.errors import ConfigError, WeightsError
from mtmc.files import check_archive, check_file, parse_json
from mtmc.structures import COCO_VEHICLES, LABELS

if TYPE_CHECKING:
    import torch

FAMILY = re.compile(r"COCO-(InstanceSegmentation/mask|Detection/faster)_rcnn_(R_50|R_101|X_101_32x8d)_FPN_[13]x")
"""Zoo models whose configuration we can write ourselves; the package on PyPI lacks the zoo's files."""
FPN_BASE = Path(__file__).with_name("mask_rcnn_fpn.yaml")

logger = logging.getLogger(__name__)


def load_model(params: DetectParams, device: torch.device) -> tuple[Any, NDArray[np.int16], tuple[int, int]]:
    """The model in evaluation mode, our label per class, and (shorter, longest longer) side of its input.

    Raises InstallError without Detectron2, ConfigError for an unknown model, WeightsError for a file of another one.
    """
    apply()
    import torch
    from detectron2.modeling import build_model

    config = _config(params)
    config.MODEL.DEVICE = str(device)
    config.MODEL.ROI_HEADS.SCORE_THRESH_TEST = min(
        params.min_score, float(config.MODEL.ROI_HEADS.SCORE_THRESH_TEST) or 1.0
    )
    model = build_model(config).eval()
    if not hasattr(model, "roi_heads") or not hasattr(model.roi_heads, "box_pooler"):
        found = f"{config.MODEL.META_ARCHITECTURE} with {config.MODEL.ROI_HEADS.NAME}"
        raise ConfigError(params.model, "an R-CNN with a feature pyramid", found, "Choose a ..._FPN_... model.")
    model.roi_heads.mask_on = False
    names = _load_weights(model, params, config)
    labels = _label_table(int(config.MODEL.ROI_HEADS.NUM_CLASSES), params.model_classes or names)
    return model.to(memory_format=torch.channels_last), labels, (config.INPUT.MIN_SIZE_TEST, config.INPUT.MAX_SIZE_TEST)


def _label_table(count: int, names: tuple[str, ...]) -> NDArray[np.int16]:
    if names and len(names) != count:
        raise ConfigError("detect.model_classes", f"{count} labels, one per class", f"{len(names)}", "Name them all.")
    if names:
        return label_table(names, count)
    if count == COCO_CLASSES:
        return label_table(COCO_VEHICLES, count)
    if count == 1:
        return label_table(("vehicle",), count)
    raise ConfigError(
        "detect.model_classes", f"labels for the model's {count} classes", "none", 'Name them, "" for one to drop.'
    )


# --- configuration ---------------------------------------------------------------------------------------------------


def _config(params: DetectParams) -> Any:
    """Detectron2's configuration: a YAML file's, or the model zoo's."""
    config = new_config()
    path = params.model_file()
    if path is None:
        _merge_zoo(config, _zoo_name(params))
    elif path.is_file():
        merge_file(config, path)
    else:
        raise ConfigError(path, "a configuration of Detectron2", "no such file", "Correct detect.model.")
    return config


def _zoo_name(params: DetectParams) -> str:
    name = DEFAULT_MODEL if params.model == "auto" else params.model
    return name.removesuffix(".yaml")


def _merge_zoo(config: Any, name: str) -> None:
    """The zoo's own file where this Detectron2 has it; else what we know of its R-CNN family."""
    from detectron2 import model_zoo

    try:
        merge_file(config, Path(model_zoo.get_config_file(f"{name}.yaml")))
        return
    except RuntimeError:
        family = FAMILY.fullmatch(name)
    if family is None:
        expected = "a zoo name like COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x, or a YAML file"
        raise ConfigError(
            "detect.model", expected, repr(name), "This Detectron2 carries no file for it: give your own YAML."
        )
    merge_file(config, FPN_BASE)
    config.MODEL.MASK_ON = "mask" in family[1]
    config.MODEL.RESNETS.DEPTH = 50 if family[2] == "R_50" else 101
    if family[2].startswith("X"):
        config.MODEL.RESNETS.update(STRIDE_IN_1X1=False, NUM_GROUPS=32, WIDTH_PER_GROUP=8)
        config.MODEL.PIXEL_STD = [57.375, 57.120, 58.395]


# --- weights ---------------------------------------------------------------------------------------------------------


def _load_weights(model: Any, params: DetectParams, config: Any) -> tuple[str, ...]:
    """Fill the model; the class names that the file tells, if any."""
    if str(params.weights) == RANDOM:
        logger.warning("Detection runs on random weights: its boxes mean nothing.")
        return ()
    path = params.weights if params.weights is not None else _fetched(params, config)
    if not path.is_file():
        raise WeightsError(path, "a model file", "no such file", "Check --weights.")
    if path.suffix == ".safetensors":
        return _load_safetensors(model, path)
    _load_checkpoint(model, path)
    return ()


def published_file(params: DetectParams) -> Path:
    """The file of the zoo's model that the parameters name, fetched if it is not here. Raises Unreachable."""
    apply()
    return _fetched(params, _config(params))


def _fetched(params: DetectParams, config: Any) -> Path:
    """The zoo's file, from the cache or the network (Detectron2's own cache, ``$FVCORE_CACHE`` or
    ``~/.torch/iopath_cache``)."""
    from detectron2 import model_zoo
    from detectron2.utils.file_io import PathManager

    url = config.MODEL.WEIGHTS
    if params.model_file() is None:
        url = model_zoo.get_checkpoint_url(f"{_zoo_name(params)}.yaml")
    if not url:
        raise WeightsError(params.model, "weights for this model", "none", "Give them with --weights.")
    try:
        return Path(PathManager.get_local_path(url))
    except (OSError, ValueError, RuntimeError) as error:
        fix = f"Fetch it where there is a network and give it with --weights. {OTHERWISE}"
        raise Unreachable(url, "a model that can be fetched", str(error), fix) from error


def _load_safetensors(model: Any, path: Path) -> tuple[str, ...]:
    from safetensors import SafetensorError, safe_open

    check_file(path, "a model file", error=WeightsError)
    try:
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        raise WeightsError(path, "a safetensors file", str(error), "Copy it again.") from error
    try:
        difference = model.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise _foreign(path, str(error).splitlines()[1].strip()) from error
    _refuse_missing(path, difference.missing_keys)
    classes = parse_json(told.get("classes", "[]"), f"{path}, classes", error=WeightsError)
    if not isinstance(classes, list) or not set(map(str, classes)) <= {*LABELS, ""}:
        raise _foreign(path, f"classes {str(classes)[:80]!r}")
    return tuple(map(str, classes))


def _load_checkpoint(model: Any, path: Path) -> None:
    """.pth or the zoo's .pkl, by Detectron2's own reader but for the unpickling."""
    from detectron2.checkpoint import DetectionCheckpointer

    check_file(path, "a model file", error=WeightsError)
    check_archive(path, WeightsError)
    missing: list[str] = []

    class Reader(DetectionCheckpointer):  # type: ignore[misc]
        def _load_file(self, filename: str) -> Any:
            if not filename.endswith(".pkl"):
                return super()._load_file(filename)
            data = read_pickle(Path(filename))
            if "model" in data and "__author__" in data:
                return data
            blobs = {name: value for name, value in data.get("blobs", data).items() if not name.endswith("_momentum")}
            return {"model": blobs, "__author__": "Caffe2", "matching_heuristics": True}

        def _load_model(self, checkpoint: Any) -> Any:
            difference = super()._load_model(checkpoint)
            missing.extend(difference.missing_keys)
            missing.extend(name for name, _, _ in difference.incorrect_shapes)
            return difference

    try:
        Reader(model).load(str(path))
    except (*UNREADABLE, AssertionError) as error:
        raise not_weights(path) from error
    _refuse_missing(path, missing)


def _refuse_missing(path: Path, names: list[str]) -> None:
    lacking = [name for name in names if not name.startswith("roi_heads.mask_head") and "pixel_" not in name]
    if lacking:
        raise _foreign(path, f"none for {len(lacking)} of its parameters ({lacking[0]})")


def _foreign(path: Path, found: str) -> WeightsError:
    return WeightsError(
        path, "weights of the model that detect.model names", found, "Give both from the same training."
    )
