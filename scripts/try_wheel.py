"""Installs a wheel's core into an empty environment outside the checkout and uses it there: python scripts/try_wheel.py
dist/X.whl.

The whole way of someone who has only pip: a synthetic city, runs without torch by motion and by an ONNX detector, their
score, a link explained, the linkers side by side, tracks out and in again, a part whose extra is missing. Prints how
large the environment is, what in it is large, and seconds. For any system; needs the package registry.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
import time
import venv
import zlib
from pathlib import Path

FAILS_WITH = 2
LARGEST = 8
DETECTOR = (
    "c-rmVK~BOz6vlB%3mxA^oP-FvFgCL3j;$M%C6Nt*jk`hzN)$>cMB^zug7G|h2J|FKYnyNc7yn=K@@C$=)m-3HN7rB9mb9fhUj#Fgh!Z@UL^}%;"
    "EIk>Ra62*m{n<Yj^<c~@oG+3_>CGz3nPf}iyqI;Y-DSLq=F6F9_qUI7A;n!PNffM%c1$pdJa=HSt28AWh_jBL5?zhAo7HyX*|%Y+oyY{C|Gu-7"
    "rG{!$v%1+*?{#OD00000000000C1?2R%6{xduckIc8Z73kGl@v0{{R300000000000000000000000000000000000|A${wR+`V3CII%FY|>J8"
    "&F%h${`DF^xgxo*=>Ao<mSqk08pX7ncRTO*ts<3BpG#9&x-PD+jDyW2lCrY*b(7ZkQt|*neJb_++R5SCa9^XYBc+=D1#W{?PX"
)
"""A YOLOX head of 64 x 64 pixels that sees one car in every picture: tests.mtmc.detect.models.write_onnx(path,
one_car_head(), "batch"), packed."""


def main(wheel: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        start = time.perf_counter()
        venv.create(home / "env", with_pip=True)
        scripts = home / "env" / ("Scripts" if os.name == "nt" else "bin")
        python = scripts / ("python.exe" if os.name == "nt" else "python")
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel], home)
        size_up(home / "env", time.perf_counter() - start)
        (home / "car.onnx").write_bytes(zlib.decompress(base64.b85decode(DETECTOR)))
        start = time.perf_counter()
        use(python, home)
        print(f"used in {time.perf_counter() - start:.0f} s")
        print("the wheel's core works")


def size_up(environment: Path, seconds: float) -> None:
    """How large it is, pip itself left out, and the largest packages."""
    sizes: dict[str, float] = {}
    for path in environment.rglob("*"):
        if path.is_file() and not path.is_symlink():
            inside = path.parts[path.parts.index("site-packages") + 1 :] if "site-packages" in path.parts else ["rest"]
            name = inside[0].partition(".libs")[0]
            sizes[name] = sizes.get(name, 0) + path.stat().st_size / 1e6
    whole = sum(size for name, size in sizes.items() if name not in ("pip", "setuptools"))
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:LARGEST]
    print(
        f"installed in {seconds:.0f} s, {whole:.0f} MB:",
        ", ".join(f"{n} {size:.0f}" for n, size in largest),
        flush=True,
    )


def use(python: Path, home: Path) -> None:
    """Everything that the core can do, in an empty folder."""
    mtmc, reid = ([python, "-m", name] for name in ("mtmc", "reid"))
    light = ["--embedder", "histogram", "--set", "report.video=false"]
    run([*mtmc, "--version"], home)
    run([*mtmc, "doctor"], home)
    run([*mtmc, "synth", "city", "--preset", "tiny", "--seconds", "12"], home)
    run([*mtmc, "doctor", "city/S01"], home)
    run([*mtmc, "run", "city/S01", "--detector", "motion", "--workers", "2"], home)
    run([*mtmc, "run", "city/S01", "--detector", "onnx", "--weights", "car.onnx", "--out", "runs/onnx", *light], home)
    run([*mtmc, "score", "runs/S01", "--explain"], home)
    run([*mtmc, "score", "runs/onnx"], home)
    run([*mtmc, "explain", "runs/S01", "1"], home)
    run([*mtmc, "bench-link", "runs/S01", "--linker", "network", "--linker", "hungarian"], home)
    run([*mtmc, "export", "runs/S01", "--format", "csv", "--out", "tracks.csv"], home)
    run([*mtmc, "link", "tracks.csv", "--out", "runs/linked"], home)
    run([*mtmc, "config", "paper"], home, quiet=True)
    run([*mtmc, "run", "city/S01", "--config", "demo", "--out", "learned"], home, code=FAILS_WITH, says="mtmc[")
    run([*mtmc, "export", "runs/S01", "--format", "rerun"], home, code=FAILS_WITH, says="mtmc[rerun]")
    run([*reid, "train", "--config", "smoke"], home, code=FAILS_WITH, says="mtmc[torch]")


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
