"""``auto``: what reads the weights given, what this machine runs, what is said where neither can be had."""

from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from mtmc.detect import DetectParams, choose, settle
from mtmc.detect.model_files import PUBLISHED, Published
from mtmc.errors import WeightsError
from mtmc.scene_reader import InputParams
from mtmc.store import open_run
from mtmc.store.tables import read_detections
from mtmc.weights import STREET_DETECTOR
from tests.builders import make_video
from tests.mtmc.detect.models import one_car_head, write_onnx
from tests.mtmc.pipeline.test_pipeline import mtmc

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTMC_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder that has a yolox_nano of one car."""
    (tmp_path / "release").mkdir()
    path = write_onnx(tmp_path / "release" / "yolox_nano.onnx", one_car_head())
    content = path.read_bytes()
    published = Published(path.name, len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(PUBLISHED, "yolox_nano", published)
    return (tmp_path / "release").as_uri()


@pytest.mark.parametrize(
    ("weights", "detector"),
    [
        ("mine.onnx", "onnx"),
        ("yolox_s", "onnx"),
        ("det/{camera}.txt", "recorded"),
        ("mine.pth", "detectron2"),
        ("model_final.pkl", "detectron2"),
        ("demo", "detectron2"),
        ("street", "onnx"),
        ("random", "detectron2"),
    ],
)
def test_it_reads_the_weights_given(weights: str, detector: str) -> None:
    params = DetectParams.model_validate({"weights": weights})
    chosen = choose(params, "cpu")
    assert (chosen.detector, chosen.weights) == (detector, params.weights)


def test_it_is_yolox_on_a_processor_and_others_stay_as_they_are() -> None:
    assert (choose(DetectParams(), "cpu").detector, str(choose(DetectParams(), "cpu").weights)) == (
        "onnx",
        "yolox_nano",
    )
    motion = DetectParams(detector="motion")
    assert settle(motion, "cpu") == motion


def test_where_the_model_came_from_changes_nothing(mirror: str, tmp_path: Path) -> None:
    settled = settle(DetectParams(mirror=mirror), "cpu")
    assert settled.weights == tmp_path / "cache" / "yolox_nano.onnx"
    assert settled == settle(DetectParams(mirror=NOWHERE), "cpu")


def test_without_a_network_the_packaged_model_detects_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        settled = settle(DetectParams(mirror=NOWHERE), "cpu")
    assert (settled.detector, settled.weights) == ("onnx", STREET_DETECTOR)
    assert "packaged detector (street) detects instead" in caplog.text
    with pytest.raises(WeightsError, match="yolox_s"):  # who asks for a model gets no other one
        settle(DetectParams(mirror=NOWHERE, weights=Path("yolox_s")), "cpu")


def test_without_a_network_torch_and_detectron2_it_still_runs_and_models_by_name_name_the_ways_out(
    tmp_path: Path,
) -> None:
    make_video(tmp_path / "cams" / "cam1.avi")
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name in ('detectron2', 'torch') else find(name, *rest)\n"
        "sys.modules['torch'] = None\n"
        "quick = ['--workers', '1', '--embedder', 'histogram', '--set', 'report.video=false']\n"
        "from mtmc.cli import main\n"
        f"main(['run', 'cams', '--device', 'cpu', *quick, '--set', 'detect.mirror={NOWHERE}', *sys.argv[1:]])"
    )
    environment = {"PYTHONPATH": str(ROOT), "MTMC_CACHE": str(tmp_path / "cache")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)

    refused = run("--weights", "yolox_s")
    assert refused.returncode == 2, refused.stderr
    for way in ("motion", "onnx", "street", "demo"):
        assert way in refused.stderr
    assert not (tmp_path / "runs").exists()
    done = run()
    assert done.returncode == 0, done.stderr
    assert "(street) detects instead" in " ".join(done.stderr.split())
    assert list((tmp_path / "runs").rglob("detections/cam1.parquet"))


def test_a_run_names_what_it_takes_and_looks_at_ten_frames_a_second(mirror: str, tmp_path: Path) -> None:
    make_video(tmp_path / "cams" / "cam1.avi", frames=24, fps=20)
    quick = ["--device", "cpu", "--embedder", "histogram", "--workers", "1", "--set", "report.video=false"]
    given = [tmp_path / "cams", "--out", tmp_path / "run", *quick, "--set", f"detect.mirror={mirror}"]
    told = mtmc("doctor", tmp_path / "cams", "--json").stdout
    assert "not here yet), 12 frames (some 0.0 minutes of one core); timed here once" in told
    done = mtmc("run", *given)
    assert done.returncode == 0, done.stderr
    assert "detector auto: onnx with yolox_nano.onnx" in done.stderr
    run = open_run(tmp_path / "run")
    config = run.settings["config"]
    assert (config["detect"]["detector"], config["input"]["max_fps"]) == ("onnx", 10.0)
    assert set(read_detections(run.path("detections", "cam1")).frames.tolist()) == set(range(0, 24, 2))
    assert "detector auto" not in mtmc("run", *given).stderr  # all is fresh: nothing to name the cost of
    facts = json.loads(mtmc("doctor", tmp_path / "cams", "--json").stdout)
    assert "s a frame here, 12 frames: 0.0 minutes" in facts[-1]["what"]


@pytest.mark.parametrize(
    ("fps", "stride", "max_fps", "every"),
    [(30, 1, 10, 3), (29.97, 1, 10, 3), (30.002, 1, 10, 3), (25, 1, 10, 3), (10.2, 1, 10, 1), (12, 1, 10, 2),
     (30, 2, 10, 4), (30, 2, 0, 2), (30, 1, None, 1), (8, 1, 10, 1)],
)  # fmt: skip
def test_the_rate_keeps_to_its_limit(fps: float, stride: int, max_fps: float | None, every: int) -> None:
    assert InputParams(stride=stride, max_fps=max_fps).stride_at(fps) == every
