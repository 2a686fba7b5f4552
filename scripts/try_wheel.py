"""Installs a wheel's core into an empty environment outside the checkout and uses it there: python scripts/try_wheel.py
dist/X.whl.

The whole way of someone who has only pip: a synthetic city, a run without torch, its score, the linkers side by side, a
part whose extra is missing. Prints how large the environment is and how long it took. For any system; needs the package
registry.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

FAILS_WITH = 2


def main(wheel: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        start = time.perf_counter()
        venv.create(home / "env", with_pip=True)
        scripts = home / "env" / ("Scripts" if os.name == "nt" else "bin")
        python = scripts / ("python.exe" if os.name == "nt" else "python")
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel], home)
        size = sum(path.stat().st_size for path in (home / "env").rglob("*") if path.is_file()) / 1e6
        print(f"installed in {time.perf_counter() - start:.0f} s, {size:.0f} MB", flush=True)
        mtmc, reid = ([python, "-m", name] for name in ("mtmc", "reid"))
        run([*mtmc, "--version"], home)
        run([*mtmc, "doctor"], home)
        run([*mtmc, "synth", "city", "--preset", "tiny", "--seconds", "12"], home)
        run([*mtmc, "doctor", "city/S01"], home)
        run([*mtmc, "run", "city/S01", "--detector", "motion", "--workers", "2"], home)
        run([*mtmc, "score", "--explain"], home)
        run([*mtmc, "bench-link", "runs/S01", "--linker", "network", "--linker", "hungarian"], home)
        run([*mtmc, "config", "paper"], home, quiet=True)
        run([*mtmc, "run", "city/S01", "--config", "demo", "--out", "learned"], home, code=FAILS_WITH, says="mtmc[")
        run([*reid, "train", "--config", "smoke"], home, code=FAILS_WITH, says="mtmc[torch]")
        print("the wheel's core works")


def run(command: list[object], folder: Path, *, code: int = 0, says: str = "", quiet: bool = False) -> None:
    words = [str(word) for word in command]
    print("$", *words[1:], flush=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if not quiet or done.returncode != code:
        print(done.stdout + done.stderr, flush=True)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}"
    assert says in done.stdout + done.stderr, f"expected {says!r} to be said"


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
