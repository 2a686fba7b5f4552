"""What this machine and this environment can do: ``mtmc doctor`` without a folder."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import psutil

from mtmc import __version__
from mtmc.detect import DetectParams
from mtmc.detect.model_files import PUBLISHED, is_here, model_path
from mtmc.detect.params import PACKAGED, PACKAGES
from mtmc.errors import DETECTRON2
from mtmc.weights import EMBEDDER_ONNX

PARTS = {
    "detector auto": ("onnxruntime", ""),
    "detector motion": ("", ""),
    "detector recorded": ("", ""),
    "detector onnx": ("onnxruntime", ""),
    "detector detectron2": ("detectron2", DETECTRON2),
    "detector torchvision": ("torchvision", "torch"),
    "tracker jde": ("", ""),
    "tracker deepsort": ("deep_sort_realtime", "deepsort"),
    "tracker trackers": ("trackers", "trackers"),
    "embedder histogram": ("", ""),
    "embedder onnx": ("onnxruntime", ""),
    "embedder sgfd": ("torch", "torch"),
    "score --check": ("motmetrics", "check"),
    "reid train": ("tensorboard", "train"),
}
"""What can be asked for, to the module that it needs and the extra that brings it (or a sentence)."""
LEAST_DISK_GB, LEAST_MEMORY_GB = 5.0, 2.0


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing about this environment: ``state`` ok, missing or warning; ``fix`` what to do, "" where nothing is
    wanted."""

    what: str
    state: str
    found: str
    fix: str = ""

    def row(self) -> dict[str, str]:
        """As plain JSON."""
        return asdict(self)


def examine_environment() -> list[Fact]:
    """The machine, the parts that can be used, the weights that are here, video codecs. Loads torch where it is
    installed."""
    return [*_machine(), *map(_part, PARTS), *_weights(), *_codecs()]


def _machine() -> Iterator[Fact]:
    yield Fact("mtmc", "ok", f"{__version__}, Python {platform.python_version()}, {platform.system()}, {sys.prefix}")
    memory_gb, disk_gb = psutil.virtual_memory().available / 1e9, shutil.disk_usage(Path.cwd()).free / 1e9
    few = memory_gb < LEAST_MEMORY_GB
    found = f"{os.cpu_count()} cores, {memory_gb:.1f} GB of memory free"
    yield Fact("machine", "warning" if few else "ok", found, "Run with --workers 1." if few else "")
    full = disk_gb < LEAST_DISK_GB
    yield Fact("disk here", "warning" if full else "ok", f"{disk_gb:.0f} GB free", "Make room." if full else "")
    yield _gpu()


def _gpu() -> Fact:
    if find_spec("torch") is None:
        return Fact("GPU", "missing", "no torch to use one", 'Networks need pip install "mtmc[torch]".')
    import torch

    if torch.cuda.is_available():
        return Fact("GPU", "ok", torch.cuda.get_device_name(0))
    return Fact("GPU", "ok", "Apple's (mps)" if torch.backends.mps.is_available() else "none, networks run on the CPU")


def _part(name: str) -> Fact:
    module, extra = PARTS[name]
    if not module or find_spec(module) is not None:
        return Fact(name, "ok", _version(module))
    fix = extra if " " in extra else f'pip install "mtmc[{extra}]"'
    return Fact(name, "missing", f"no {module}", fix)


def _version(module: str) -> str:
    if not module:
        return "built in"
    distribution = {"detectron2": "pb1-detectron2", "deep_sort_realtime": "deep-sort-realtime"}.get(module, module)
    try:
        return f"{module} {version(distribution)}"
    except PackageNotFoundError:
        return module


def _weights() -> Iterator[Fact]:
    packaged = {f"weights {name}, detector": path for name, path in PACKAGED.items()}
    for name, path in {**packaged, "weights demo, embedder": EMBEDDER_ONNX}.items():
        yield Fact(name, "ok", str(path)) if path.is_file() else Fact(name, "missing", str(path), "Install mtmc again.")
    for name in ("auto", "detectron2", "torchvision"):
        fix = "Fetched on first use, or give --weights FILE."
        here = _fetched(name)
        found = ", ".join(sorted(map(str, here)))
        what = f"weights of detector {name}"
        yield Fact(what, "ok", found) if here else Fact(what, "missing", "not fetched yet", fix)


def _fetched(detector: str) -> list[Path]:
    """The published models of a detector that lie in its cache."""
    home = Path.home()
    if detector == "detectron2":
        return list(Path(os.environ.get("FVCORE_CACHE") or home / ".torch" / "iopath_cache").rglob("model_final_*.pkl"))
    if detector == "torchvision":
        hub = Path(os.environ.get("TORCH_HOME") or home / ".cache" / "torch") / "hub"
        return list((hub / "checkpoints").glob("maskrcnn*.pth"))
    return [model_path(name) for name in PUBLISHED if is_here(name)]


def is_fetched(chosen: DetectParams) -> bool:
    """Whether the model of a detector lies on this machine; those given by file do, and some need none."""
    if chosen.detector == "onnx" and str(chosen.weights) in PUBLISHED:
        return is_here(str(chosen.weights))
    return chosen.weights is not None or chosen.detector not in PACKAGES or bool(_fetched(chosen.detector))


def _codecs() -> Iterator[Fact]:
    import av

    absent = [name for name in ("h264", "hevc", "mpeg4", "vp9", "av1") if name not in av.codecs_available]
    yield Fact(
        "reading videos",
        "warning" if absent else "ok",
        f"ffmpeg's {', '.join(absent) or 'codecs'} {'absent' if absent else 'are there'}",
    )
    writes = "libx264" in av.codecs_available
    yield Fact(
        "writing videos",
        "ok" if writes else "missing",
        "libx264" if writes else "no libx264",
        "" if writes else "Install av from PyPI.",
    )
