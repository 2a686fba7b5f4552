"""What Detectron2 0.6 without its C++ extension needs to run beside today's numpy, Pillow and setuptools.

``apply`` must be called before anything of ``detectron2`` is imported. It only fills what is missing: a build of
upstream Detectron2 with its extension, or packages that still have the old names, are left as they are.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import PIL.Image

from mtmc.errors import DETECTRON2, InstallError


def apply() -> None:
    """Make ``import detectron2`` work. Raises InstallError where it is absent or torch and torchvision do not match."""
    require_torchvision()
    if importlib.util.find_spec("detectron2") is None:
        raise InstallError("detector detectron2", "the package detectron2", "none", DETECTRON2)
    _numpy_names()
    _pillow_names()
    _pkg_resources()
    _extension()
    # Detectron2's anchors call torch.meshgrid without the argument that torch announces; its order is the one meant
    warnings.filterwarnings("ignore", message="torch.meshgrid", category=UserWarning)


def require_torchvision() -> None:
    """Raises InstallError in one sentence where torchvision's compiled operators do not fit the installed torch."""
    try:
        import torchvision
        from torchvision.ops import nms
    except ImportError as error:
        raise InstallError(
            "torchvision", "the package torchvision", str(error), 'Install it with pip install "mtmc[torch]".'
        ) from error
    except (RuntimeError, OSError) as error:
        raise _mismatch(str(error)) from error
    import torch

    try:
        nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5)
    except (RuntimeError, NotImplementedError) as error:
        raise _mismatch(f"torchvision {torchvision.__version__} beside torch {torch.__version__}") from error


def _mismatch(found: str) -> InstallError:
    from importlib.metadata import version

    pair = f"torch {version('torch')} and torchvision {version('torchvision')} ({found.splitlines()[0]})"
    fix = "Install the torchvision made for this torch (torch 2.13 goes with torchvision 0.28, 2.12 with 0.27, ...)."
    return InstallError("torchvision", "compiled operators that fit torch", pair, fix)


def _numpy_names() -> None:
    """numpy 1.24 dropped these aliases; Detectron2's data set and evaluation code uses them."""
    for name, kind in (("int", int), ("float", float), ("object", object), ("str", str)):
        if name not in np.__dict__:
            setattr(np, name, kind)


def _pillow_names() -> None:
    """Pillow 10 dropped LINEAR; it is a default argument in Detectron2's image transforms."""
    if not hasattr(PIL.Image, "LINEAR"):
        PIL.Image.LINEAR = PIL.Image.Resampling.BILINEAR  # type: ignore[attr-defined]


def _pkg_resources() -> None:
    """setuptools 82 dropped pkg_resources; the model zoo asks it for two functions."""
    if "pkg_resources" in sys.modules or importlib.util.find_spec("pkg_resources") is not None:
        return

    def resource_filename(package: str, name: str) -> str:
        return str(Path(str(importlib.import_module(package).__file__)).parent / name)

    module = types.ModuleType("pkg_resources")
    vars(module).update(
        resource_filename=resource_filename,
        resource_exists=lambda package, name: Path(resource_filename(package, name)).exists(),
    )
    sys.modules["pkg_resources"] = module


def _extension() -> None:
    """The package from PyPI has no ``detectron2._C``; only rotated boxes, deformable convolution and the fast COCO
    evaluator call it."""
    if "detectron2._C" in sys.modules or importlib.util.find_spec("detectron2._C") is not None:
        return
    import detectron2

    module = types.ModuleType("detectron2._C")

    def missing(name: str) -> object:
        raise AttributeError(f"detectron2 was installed without its C++ extension ({name})")

    module.__getattr__ = missing  # type: ignore[method-assign]
    sys.modules["detectron2._C"] = module
    detectron2._C = module
