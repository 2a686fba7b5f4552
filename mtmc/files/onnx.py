"""ONNX files through onnxruntime: opened on the device asked for, with what their metadata say."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtmc.errors import ConfigError, InstallError, WeightsError
from mtmc.files import check_file

PRECISIONS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
"""Arithmetic of inputs that we fill."""


class OnnxFile:
    """A network in a file, for ``user`` ("detector onnx"), which error messages name.

    ``inputs`` and ``outputs`` are onnxruntime's (name, shape, type); ``metadata`` what the exporter wrote beside.
    Raises WeightsError for a file that is no ONNX model, ConfigError for a device that this onnxruntime cannot use.
    """

    def __init__(self, path: Path, device: str, user: str) -> None:
        self.path = path
        self._session = _open(path, device, user)
        self.inputs, self.outputs = self._session.get_inputs(), self._session.get_outputs()
        self.metadata: Mapping[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, **feeds: NDArray[Any]) -> list[NDArray[Any]]:
        """All outputs for inputs by name."""
        return list(self._session.run(None, feeds))


def _open(path: Path, device: str, user: str) -> Any:
    check_file(path, "an ONNX model", error=WeightsError)
    try:
        import onnxruntime
    except ImportError as error:
        raise InstallError(user, "the package onnxruntime", "none", "Install it: pip install onnxruntime.") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)  # onnxruntime itself does not look
    options.log_severity_level = 3
    providers = _providers(device, onnxruntime, user)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime's own error classes have no public common base
        found = str(error).splitlines()[0]
        raise WeightsError(path, "an ONNX model", found, f"Give {user} an .onnx file.") from error


def _providers(device: str, onnxruntime: Any, user: str) -> list[Any]:
    """What of onnxruntime computes on the device. Raises ConfigError for one that this build cannot use."""
    kind, _, number = device.partition(":")
    there = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if kind == "cpu" or (kind == "auto" and not there):
        return ["CPUExecutionProvider"]
    if kind in ("auto", "cuda") and there and re.fullmatch(r"[0-9]{0,3}", number):
        return [("CUDAExecutionProvider", {"device_id": int(number or 0)}), "CPUExecutionProvider"]
    found = f"{device!r}, and an onnxruntime {'with' if there else 'without'} CUDA"
    raise ConfigError("--device", f"cpu or cuda for {user}", found, "Try --device cpu, or onnxruntime-gpu.")
