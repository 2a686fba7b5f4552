"""Imports point one way: the layout is the flow."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors"}),
    frozenset({"files"}),
    frozenset(
        {
            "assignment",
            "memory",
            "geometry",
            "params",
            "calibration",
            "weights",
            "plugin",
            "devices",
        }
    ),
    frozenset({"structures", "box_table"}),
    frozenset({"scene", "with_supervision"}),
    frozenset({"video", "colour_histogram"}),
    frozenset({"scene_reader"}),
    frozenset({"track_files"}),
    frozenset({"store"}),
    frozenset({"detect", "track", "embed", "link", "score", "synth", "report"}),
    frozenset({"config", "visits", "edits", "parked"}),
    frozenset({"traffic"}),
    frozenset({"results_page"}),
    frozenset({"pipeline"}),
    frozenset({"find", "export", "doctor", "experiments"}),
    frozenset({"api"}),
    frozenset({"watching"}),
    frozenset({"cli"}),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
ROOMS = LAYERS[9]

INNER_LAYERS: dict[str, tuple[frozenset[str], ...]] = {
    "mtmc.link": (
        frozenset({"model"}),
        frozenset({"problem", "rules", "evidence"}),
        frozenset({"learning"}),
        frozenset({"describe", "choice", "review", "baselines"}),
        frozenset({"network_linker"}),
        frozenset({"__init__"}),
        frozenset({"benchmark"}),
    ),
    "mtmc.files": (
        frozenset({"__init__", "text"}),
        frozenset({"atomic", "images", "onnx"}),
    ),
    "mtmc.pipeline": (
        frozenset({"workers", "windows"}),
        frozenset({"cluster", "tasks", "planning"}),
        frozenset({"linking"}),
        frozenset({"__init__"}),
        frozenset({"given_tracks"}),
    ),
    "mtmc.doctor": (
        frozenset({"__init__", "environment", "capacity"}),
        frozenset({"forecast"}),
    ),
    "mtmc.experiments": (frozenset({"__init__", "differences", "tuning", "ceilings"}),),
    "mtmc.results_page": (
        frozenset({"health", "lost_boxes"}),
        frozenset({"__init__"}),
    ),
    "mtmc.detect": (
        frozenset({"labels", "torch_network", "detectron2_compat", "detector", "install_detectron2", "model_files"}),
        frozenset({"params"}),
        frozenset({"postprocess", "detectron2_files", "onnx_pictures"}),
        frozenset({"onnx_heads"}),
        frozenset({"detectron2", "detectron2_model", "torchvision", "onnx", "motion", "recorded"}),
        frozenset({"auto"}),
        frozenset({"__init__"}),
    ),
    "mtmc.track": (
        frozenset({"tracks", "sparse_iou"}),
        frozenset({"sorted_detections"}),
        frozenset({"appearance_scale"}),
        frozenset({"jde", "deepsort", "roboflow", "duplicates"}),
        frozenset({"repair", "filter", "windows"}),
        frozenset({"__init__"}),
    ),
    "mtmc.track_files": (
        frozenset({"rows"}),
        frozenset({"formats"}),
        frozenset({"told"}),
        frozenset({"vectors"}),
        frozenset({"tables"}),
        frozenset({"annotations"}),
        frozenset({"__init__"}),
    ),
    "mtmc.score": (
        frozenset({"params", "compare"}),
        frozenset({"aicity", "identity", "clear", "hota", "links"}),
        frozenset({"loss", "oracle"}),
        frozenset({"scores"}),
        frozenset({"measure", "table"}),
        frozenset({"evaluate"}),
        frozenset({"sources", "reference"}),
        frozenset({"__init__"}),
    ),
    "mtmc.synth": (
        frozenset({"vehicles"}),
        frozenset({"traffic"}),
        frozenset({"render"}),
        frozenset({"presets"}),
        frozenset({"scene"}),
        frozenset({"tracklets", "streets"}),
        frozenset({"writers"}),
        frozenset({"__init__"}),
    ),
    "reid": (
        frozenset({"errors"}),
        frozenset({"storage"}),
        frozenset({"atomic", "extras", "files", "devices"}),
        frozenset({"exits", "settings"}),
        frozenset({"config"}),
        frozenset({"datasets"}),
        frozenset({"data"}),
        frozenset({"crops"}),
        frozenset({"model"}),
        frozenset({"training"}),
        frozenset({"evaluation"}),
        frozenset({"figures"}),
        frozenset({"cli"}),
        frozenset({"__init__", "__main__"}),
    ),
}
"""The second level: within a package a room imports only what comes before it, or beside it in the same layer."""


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("path", modules("mtmc"), ids=lambda p: str(p.relative_to(ROOT)))
def test_import_directions_point_one_way(path: Path) -> None:
    here = path.relative_to(ROOT / "mtmc").parts[0].removesuffix(".py")
    if here in ("__init__", "__main__"):
        return
    assert here in LEVEL, f"{here} has no place in the layout"
    for module in imported(path):
        there = room(module)
        if not module.startswith("mtmc.") or there == here:
            continue
        assert LEVEL[there] <= LEVEL[here], f"{here} imports {there}, which comes after it"
        assert not (here in ROOMS and there in ROOMS), f"{here} imports {there}: rooms know nothing of each other"


@pytest.mark.parametrize("package", INNER_LAYERS)
def test_import_directions_point_one_way_inside(package: str) -> None:
    level = {room: level for level, rooms in enumerate(INNER_LAYERS[package]) for room in rooms}
    folder = ROOT.joinpath(*package.split("."))
    found = {path.relative_to(folder).parts[0].removesuffix(".py") for path in folder.rglob("*.py")}
    assert found == level.keys(), "rooms without a place in the layout, or the other way round"
    for path in sorted(folder.rglob("*.py")):
        here = path.relative_to(folder).parts[0].removesuffix(".py")
        for module in imported(path):
            if module == package or module.startswith(package + "."):
                there = module.removeprefix(package).split(".")[1] if module != package else "__init__"
                assert level[there] <= level[here], (
                    f"{path.relative_to(ROOT)} imports {there}, which comes after {here}"
                )


def test_training_and_evaluation_know_nothing_of_each_other() -> None:
    for here, there in (("training", "evaluation"), ("evaluation", "training")):
        for path in modules(f"reid/{here}"):
            assert not any(module.startswith(f"reid.{there}") for module in imported(path)), path


def test_reid_never_imports_mtmc_and_mtmc_meets_reid_at_one_door() -> None:
    for path in modules("reid"):
        assert not any(m.split(".")[0] == "mtmc" for m in imported(path)), path
    meeting = {str(p.relative_to(ROOT)) for p in modules("mtmc") if any(m.split(".")[0] == "reid" for m in imported(p))}
    doors = ("files/atomic", "errors", "files/__init__", "params", "devices", "embed/sgfd")
    assert meeting == {f"mtmc/{name}.py" for name in doors}, (
        "whole writes, the errors, the files, the parameters, the rule of devices, the network"
    )


@pytest.mark.parametrize("command", [["-m", "mtmc"], ["-m", "reid"]])
def test_help_loads_no_torch(command: list[str]) -> None:
    code = (
        "import sys, runpy; sys.argv = [sys.argv[1], '--help']\n"
        f"try: runpy.run_module('{command[1]}', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "loaded = {'torch', 'cv2', 'scipy', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    finished = subprocess.run([sys.executable, "-c", code, command[1]], capture_output=True, text=True, cwd=ROOT)
    assert finished.returncode == 0, finished.stderr
    assert "Usage" in finished.stdout


PACKAGES = sorted(path.parent for name in ("mtmc", "reid") for path in (ROOT / name).rglob("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_maps_name_every_room(package: Path) -> None:
    """The docstring of a package of several modules names each of them; that of ``mtmc`` is CONTRIBUTING's table."""
    entries = {p.stem for p in package.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()}
    rooms = entries - {"__init__", "__main__"}
    if package == ROOT / "mtmc":
        text = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
    else:
        text = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    missing = rooms - set(re.findall(r"\w+", text))
    assert len(rooms) < 3 or not missing, f"not in the map: {sorted(missing)}"
