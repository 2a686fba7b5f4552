"""What is not installed is one sentence with the extra that brings it, and ``mtmc doctor`` alone tells what is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mtmc.cli import main
from mtmc.doctor.environment import PARTS, examine_environment
from mtmc.errors import UserError, require, what_is_missing

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError(name="torch"), "mtmc[torch]"),
        (ModuleNotFoundError(name="motmetrics.io"), "mtmc[check]"),
        (ModuleNotFoundError(name="detectron2"), "install_detectron2"),
        (ImportError("libGL.so.1: cannot open shared object file: No such file", name="cv2"), "libGL.so.1"),
    ],
)
def test_a_missing_package_names_its_extra(error: ImportError, said: str) -> None:
    assert said in str(what_is_missing(error))


def test_other_failed_imports_are_faults() -> None:
    assert what_is_missing(ImportError("cannot import name 'x'", name="mtmc.x")) is None
    require("numpy")
    with pytest.raises(UserError, match="pip install no_such_package"):
        require("no_such_package")


@pytest.mark.parametrize(
    ("absent", "arguments", "said"),
    [
        ("torch", ["run", ".", "--embedder", "sgfd", "--detector", "motion"], "mtmc[torch]"),
        ("detectron2", ["run", ".", "--detector", "detectron2"], "install_detectron2"),
        ("deep_sort_realtime", ["run", ".", "--tracker", "deepsort", "--detector", "motion"], "mtmc[deepsort]"),
    ],
)
def test_a_run_says_it_before_it_starts(absent: str, arguments: list[str], said: str, tmp_path: Path) -> None:
    """In a process where the package cannot be found, as if it were not installed."""
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        f"u.find_spec = lambda name, *rest: None if name == {absent!r} else find(name, *rest)\n"
        f"from mtmc.cli import main; main({arguments!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert not any(tmp_path.iterdir())


def test_doctor_alone_tells_the_environment(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--json"])
    assert not end.value.code
    facts = {fact["what"]: fact for fact in json.loads(capsys.readouterr().out)}
    assert set(PARTS) < set(facts)
    assert facts["weights demo, detector"]["state"] == "ok"
    assert all(fact.fix for fact in examine_environment() if fact.state == "missing")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == "mtmc 0.1.0\n"


def test_the_default_embedder_needs_no_torch() -> None:
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest)\n"
        "from mtmc.embed import EmbedParams, make_embedder\n"
        "params = EmbedParams(); params.check()\n"
        "assert type(make_embedder(params)).__name__ == 'OnnxEmbedder'\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(ROOT)})


@pytest.mark.skipif(sys.platform != "linux", reason="libGL is Linux's")
@pytest.mark.parametrize("arguments", [["doctor"], ["run", ".", "--detector", "motion"], ["synth", "city"]])
def test_a_machine_without_libgl_gets_one_sentence(arguments: list[str], tmp_path: Path) -> None:
    """A file that is no library stands before the system's, so that the loader fails as without it."""
    (tmp_path / "libGL.so.1").write_bytes(b"")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LD_LIBRARY_PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "mtmc", *arguments], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "libGL.so.1" in done.stderr
    assert "apt install libgl1" in done.stderr
