"""Networks for other runtimes: ONNX, OpenVINO and TorchScript files.

They take pixels and give unit vectors, checked against PyTorch.

Shape shorthand: B images, (h, w) the network's input size in pixels, D feature size.
"""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reid.atomic import part_of, put_in_place, writing
from reid.config import NetworkParams
from reid.data.images import IMAGENET_MEAN, IMAGENET_STD
from reid.errors import UserError
from reid.files import check_file, parse_json
from reid.model.fuse import fused
from reid.model.sgfd import SGFD

ExportFormat = Literal["onnx", "openvino", "torchscript"]
LEAST_COSINE = 0.9999
INPUT, OUTPUT = "pixels", "features"
EXPORTED = (".onnx", ".xml")
"""Endings of files that other runtimes run and `open_exported` opens."""
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")

Runtime = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""An exported network: (B, 3, h, w) RGB in 0..255 to unit vectors (B, D)."""


class Exported(NamedTuple):
    """cosine: lowest over the samples between exported and original features. kept: whether the file was written:
    cosine >= 0.9999."""

    path: Path
    cosine: float
    kept: bool


class PixelsToVectors(nn.Module):
    """What is exported: RGB pixels (B, 3, h, w) float32 in 0..255, already of the network's size, to unit vectors (B,
    D)."""

    def __init__(self, model: SGFD) -> None:
        super().__init__()
        self.model = model
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None] * 255)
        self.register_buffer("deviation", torch.tensor(IMAGENET_STD)[:, None, None] * 255)

    def forward(self, pixels: Tensor) -> Tensor:
        """Unit vectors (B, D)."""
        return nn.functional.normalize(self.model.feature((pixels - self.mean) / self.deviation), dim=1)


def export(model: SGFD, path: Path, samples: NDArray[np.uint8], form: ExportFormat) -> Exported:
    """Write the network for another runtime, run it there on samples, and keep the file only if the features agree.

    Args:
        model: the network, on the CPU.
        path: file to write.
        samples: (B, h, w, 3) uint8 RGB crops of the network's size, B >= 2; compared as one batch and one by one.
        form: what to write.

    Raises:
        UserError: the packages that ONNX needs are not installed, or a folder is in the file's way.
    """
    if path.is_dir():
        raise UserError(path, "a file to write", "a folder", "Name a file.")
    module = PixelsToVectors(fused(model)).eval()
    pixels = np.ascontiguousarray(samples.transpose(0, 3, 1, 2), dtype=np.float32)
    with writing(path):
        temporary = part_of(path)
        files = [(temporary, path)]
        if form == "openvino":
            files.append((temporary.with_suffix(".bin"), path.with_suffix(".bin")))
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            runtime = FORMS[form](module, torch.from_numpy(pixels[:2]), temporary)
            with torch.inference_mode():
                wanted = PixelsToVectors(model.eval())(torch.from_numpy(pixels)).numpy()
            singly = np.concatenate([runtime(pixels[row : row + 1]) for row in range(len(pixels))])
            cosine = float(min((runtime(pixels) * wanted).sum(axis=1).min(), (singly * wanted).sum(axis=1).min()))
            kept = cosine >= LEAST_COSINE
            for part, whole in files if kept else ():
                put_in_place(part, whole)
        finally:
            for part, _ in files:
                part.unlink(missing_ok=True)
    return Exported(path, cosine, kept)


def read_input_size(path: Path) -> tuple[int, int]:
    """(h, w) of the images that an exported ONNX or OpenVINO file takes, out of its metadata, which say all that a
    caller must know:

    ``input``: colour RGB, range 0..255, layout NCHW, height, width; ``output``: size, length 1, likeness cosine;
    ``network``: the parameters of the SGFD inside.

    Raises UserError for a file of another kind.
    """
    check_file(path, "an exported network", fix="Give a file that `reid export` wrote.")
    runtime = required("openvino" if path.suffix == ".xml" else "onnxruntime")
    try:
        if path.suffix == ".xml":
            told = runtime.Core().read_model(str(path)).get_rt_info(["mtmc", "input"]).astype(str)
        else:
            session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            told = session.get_modelmeta().custom_metadata_map["input"]
        facts = parse_json(told, path)
        return NetworkParams(image_size=(facts["height"], facts["width"]), variant="plain").image_size
    except Exception as other:  # the runtimes' own errors share no base but this
        found = str(other).splitlines()[0]
        raise UserError(path, "an exported network", found, "Give a file that `reid export` wrote.") from None


def open_exported(path: Path, threads: int | None = None) -> tuple[tuple[int, int], Runtime]:
    """(h, w) of its images, and the network of an exported .onnx or .xml, ready to run on the CPU. Raises UserError for
    another file."""
    size = read_input_size(path)
    return size, open_openvino(path, threads) if path.suffix == ".xml" else open_onnx(path, threads)


def open_onnx(path: Path, threads: int | None = None) -> Runtime:
    """An exported ONNX file, ready to run on the CPU with all cores or as many threads as given."""
    runtime = required("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda pixels: cast(NDArray[np.float32], session.run([OUTPUT], {INPUT: pixels})[0])


def _to_onnx(module: PixelsToVectors, example: Tensor, path: Path) -> Runtime:
    onnx, *_ = [required(name) for name in ONNX_PACKAGES]
    batch = torch.export.Dim("batch", min=1, max=4096)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own notes on its future
        program = torch.onnx.export(
            module, (example,), input_names=[INPUT], output_names=[OUTPUT], dynamic_shapes=({0: batch},), dynamo=True,
            verbose=False, external_data=False,
        )  # fmt: skip
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    made = program.model_proto
    for part in (*made.graph.node, *made.graph.value_info, *made.graph.initializer):
        del part.metadata_props[:]  # stack traces, with this machine's paths
    for key, value in _facts(module.model).items():
        made.metadata_props.add(key=key, value=value)
    onnx.save(made, str(path))
    return open_onnx(path)


def _facts(model: SGFD) -> dict[str, str]:
    """What a caller must know of an exported network, see `read_input_size`."""
    height, width = model.params.image_size
    pixels = {"colour": "RGB", "range": [0, 255], "layout": "NCHW", "height": height, "width": width}
    vectors = {"size": model.feature_size, "length": 1, "likeness": "cosine"}
    return {"network": model.params.model_dump_json(), "input": json.dumps(pixels), "output": json.dumps(vectors)}


def open_openvino(path: Path, threads: int | None = None, exact: bool = False) -> Runtime:
    """An exported OpenVINO file (.xml with its .bin beside it), ready to run on the CPU with all cores or as many
    threads as given; ``exact``: in float32, where the runtime itself would take bfloat16 if the CPU multiplies it."""
    settings: dict[str, object] = {"INFERENCE_PRECISION_HINT": "f32"} if exact else {}
    settings |= {"INFERENCE_NUM_THREADS": threads} if threads else {}
    compiled = required("openvino").Core().compile_model(str(path), "CPU", settings)
    return lambda pixels: cast(NDArray[np.float32], compiled([pixels])[0])


def _to_openvino(module: PixelsToVectors, example: Tensor, path: Path) -> Runtime:
    """By way of ONNX, the metadata under ``mtmc``; in float32, since halves miss the least cosine by a hair."""
    openvino = required("openvino")
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        _to_onnx(module, example, plain)
        converted = openvino.convert_model(str(plain))
        for key, value in _facts(module.model).items():
            converted.set_rt_info(value, ["mtmc", key])
        openvino.save_model(converted, str(path), compress_to_fp16=False)
    return open_openvino(path, exact=True)


def _to_torchscript(module: PixelsToVectors, example: Tensor, path: Path) -> Runtime:
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # TorchScript is in maintenance; it is what C++ programs load
        traced = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]  # in torch
        with path.open("wb") as file:  # by a name torch would make one for what is inside, of which it is choosy
            torch.jit.save(traced, file)
        loaded = torch.jit.load(str(path))  # type: ignore[no-untyped-call]  # in torch

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return cast(NDArray[np.float32], loaded(torch.from_numpy(pixels)).numpy())

    return run


FORMS: dict[ExportFormat, Callable[[PixelsToVectors, Tensor, Path], Runtime]] = {
    "onnx": _to_onnx,
    "openvino": _to_openvino,
    "torchscript": _to_torchscript,
}


def required(name: str) -> Any:
    """A module of the extra train or openvino. Raises UserError where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        extra, packages = ("openvino", [name]) if name == "openvino" else ("train", ONNX_PACKAGES)
        fix = f"Install the extra: pip install 'mtmc[{extra}]', or export with --format torchscript."
        raise UserError("reid export", f"the packages {', '.join(packages)}", f"no {name}", fix) from None
