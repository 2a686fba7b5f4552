"""Runs where little is given: no power of root, no home, a C locale, few file descriptors, a folder that cannot be
written to, a closed or full output. Each works or says its sentence."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import make_video

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="users, limits and devices as Linux has them")
ROOT = Path(__file__).resolve().parents[2]
QUICK = ("--detector", "motion", "--embedder", "histogram", "--link", "hungarian", "--set", "report.page=false")
SENTENCE = re.compile(r"error: .+: expected .+, found .+\. \S")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Two tiny cameras in a folder of everybody's."""
    for name in ("cam1", "cam2"):
        make_video(tmp_path / "scene" / f"{name}.avi", frames=4)
    return tmp_path / "scene"


def run(
    scene: Path, out: Path, *words: str, first: Callable[[], None] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """``mtmc run`` in a process of its own that may do what its user may, even if that is root."""
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "mtmc", "run", str(scene), "--out", str(out), *QUICK, "--workers", "1", *words]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root needs setpriv to lay down its power")
        command = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", *command]
    return subprocess.run(
        command, env=bare | environment, cwd=scene.parent, preexec_fn=first, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_without_a_home_in_a_c_locale(scene: Path) -> None:
    done = run(scene, scene.parent / "run", "--set", "report.video=false", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert (scene.parent / "run" / "track3.txt").is_file()


def test_names_beyond_ascii_in_a_c_locale(scene: Path) -> None:
    (scene / "cam1.avi").rename(scene / "cámara ü 1.avi")
    done = run(scene, scene.parent / "rün", "--set", "report.video=false", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    done = run(scene, scene.parent / "again", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 2  # the id is no text where nobody says what text is
    assert SENTENCE.search(done.stderr), done.stderr


def test_a_folder_that_cannot_be_written_to(scene: Path) -> None:
    (scene.parent / "locked").mkdir(mode=0o555)
    done = run(scene, scene.parent / "locked" / "run")
    assert done.returncode == 2
    assert SENTENCE.search(done.stderr), done.stderr
    assert "permission" in done.stderr


def test_a_video_that_may_not_be_read(scene: Path) -> None:
    (scene / "cam2.avi").chmod(0)
    done = run(scene, scene.parent / "run")
    assert done.returncode == 2
    assert SENTENCE.search(done.stderr), done.stderr
    assert "cam2.avi" in done.stderr


def test_two_hundred_cameras_with_few_descriptors(scene: Path) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    for number in range(3, 201):
        (scene / f"cam{number}.avi").write_bytes((scene / "cam1.avi").read_bytes())
    done = run(scene, scene.parent / "run", first=few)
    assert done.returncode == 0, done.stderr
    assert len(list((scene.parent / "run" / "video").glob("*.mp4"))) == 201


def test_an_output_that_takes_nothing(scene: Path) -> None:
    command = [sys.executable, "-m", "mtmc", "doctor", str(scene)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert SENTENCE.search(done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command], env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    assert closed.returncode in (0, 2)
    assert "Traceback" not in closed.stderr
