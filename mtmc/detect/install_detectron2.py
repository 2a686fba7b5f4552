"""``python -m mtmc.detect.install_detectron2``: Detectron2 0.6 as a pure-Python package, beside the installed torch.

What else it needs comes with ``pip install "mtmc[detectron2]"``, which goes before.

pip alone cannot: the distribution on PyPI imports torch while it says what it needs, wants to compile sources that it
does not carry, asks for a ``black`` of 2021, and names a dependency by its address, which pip refuses. So its Python
files are built by themselves, by uv. A Detectron2 that is there already is left as it is.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

NEEDS = ("uv", "setuptools", "wheel")
DISTRIBUTION = "pb1-detectron2==0.6"
BUILD = ("--no-deps", "--no-build-isolation", "-C--global-option=build_py", "-C--build-option=--skip-build")


def main() -> int:
    """Install it with this interpreter's pip and uv; the exit code of the first that fails."""
    if importlib.util.find_spec("detectron2") is not None:
        print("detectron2 is installed already")  # noqa: T201 - a command
        return 0
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *NEEDS]
    uv = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable, *BUILD, DISTRIBUTION]
    return next((code for command in (pip, uv) if (code := subprocess.run(command, check=False).returncode)), 0)


if __name__ == "__main__":
    sys.exit(main())
