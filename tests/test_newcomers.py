"""What newcomers met in their first minutes, each with the test that keeps it away; what had none is tested here."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from mtmc.cli import main
from tests.builders import make_video

ROOT = Path(__file__).resolve().parents[1]
KEPT_AWAY = {
    "scripts/try_wheel.py": {
        "a wheel that pip cannot install": "use",
    },
    "tests/mtmc/test_terminal.py": {
        "a score table of dots at 80 columns": "test_scores_are_whole_at_80_columns",
        "negative travel times": "test_overlapping_views_are_seen_by_both",
        "running cameras hidden": "test_one_bar_for_all_and_one_for_each_running_camera",
    },
    "tests/mtmc/pipeline/test_pipeline.py": {
        "another scene in the same folder": "test_a_run_folder_belongs_to_one_scene",
        "a camera that left the scene": "test_a_camera_taken_out_of_the_scene_is_out_of_the_run",
    },
    "tests/mtmc/test_store.py": {
        "two runs in one folder": "test_a_folder_has_one_run_at_a_time",
    },
    "tests/test_examples.py": {
        "an example that does not work": "test_examples_of_help_can_be_typed",
        "no shell completion": "test_the_shell_completes",
        "names in prose that are none": "test_the_names_that_help_offers_are_the_menus",
        "help with literal escapes": "test_help_reads_well_at_80_columns",
        "configurations that are not in the wheel": "test_shipped_configurations_have_names",
    },
    "tests/test_readme.py": {
        "a document's command that does not work": "test_every_block_runs",
    },
    "tests/contracts/test_outside_parts.py": {
        "a typo found after hours": "test_every_name_is_looked_up_before_anything_runs",
        "a part of the current folder that is not found": "test_a_run_of_outside_parts_alone",
    },
    "tests/mtmc/doctor/test_environment.py": {
        "a machine without libGL": "test_a_machine_without_libgl_gets_one_sentence",
        "no version": "test_version",
        "doctor that does not know the environment": "test_doctor_alone_tells_the_environment",
    },
    "tests/test_newcomers.py": {
        "a script without a guard": "test_a_script_without_a_guard_uses_processes",
        "a system that is not POSIX": "test_modules_of_posix_are_not_needed",
        "an old video named as new": "test_only_what_is_fresh_is_named",
        "a score of zero without a word why": "test_a_score_of_zero_says_why",
        "no first command": "test_the_demo_tells_what_to_open",
        "a stream called a missing folder": "test_a_stream_is_to_be_recorded_first",
    },
    "tests/mtmc/detect/test_recorded.py": {
        "recorded boxes by pattern": "test_pattern_names_the_camera",
    },
    "tests/mtmc/detect/test_auto.py": {
        "no network for the default detector": "test_without_a_network_the_packaged_model_detects_and_it_is_said",
    },
    "tests/reid/model/test_checkpoint.py": {
        "demo weights without a name in reid": "test_the_packaged_checkpoint_has_a_name",
    },
    "tests/contracts/test_embedders.py": {
        "an export of reid that mtmc refuses": "test_an_export_gives_the_vectors_of_its_checkpoint",
    },
    "tests/mtmc/detect/test_onnx_heads.py": {
        "a YOLO file that is refused": "test_boxes_are_those_of_a_plain_decode",
    },
    "tests/mtmc/scene_reader/test_recordings.py": {
        "folders of pictures refused": "test_mot_sequence",
        "no time range, no stride": "test_a_part_of_the_time",
    },
    "tests/mtmc/report/test_report.py": {
        "neighbours in one colour": "test_neighbours_in_number_differ_for_all_kinds_of_colour_vision",
    },
    "tests/reid/test_config.py": {
        "a typo of reid answered by its library": "test_mistakes_in_an_override",
    },
    "tests/mtmc/test_config.py": {
        "a typo laid at another file's door": "test_a_mistake_is_laid_at_its_own_door",
    },
    "tests/mtmc/test_api.py": {
        "no interface for Python": "test_a_run_is_its_tables",
    },
    "tests/mtmc/export/test_export.py": {
        "tables without seconds and metres": "test_tables",
        "a map without movement": "test_geojson_moves",
        "annotations without labels": "test_cvat_tracks_end_where_vehicles_do",
    },
    "tests/mtmc/export/test_readme.py": {
        "frames counted from nobody says what": "test_tables",
    },
    "tests/mtmc/pipeline/test_given_tracks.py": {
        "one's own tracker left outside": "test_the_run_folder_serves_every_command",
    },
}


@pytest.mark.parametrize("path", KEPT_AWAY)
def test_each_trouble_has_its_test(path: str) -> None:
    functions = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)]
    assert set(KEPT_AWAY[path].values()) <= {function.name for function in functions}


SCRIPT = """
import mtmc
run = mtmc.run("cams", "run", workers=2, detector="motion", embedder="histogram", overrides=["report.page=false",
    "report.video=false"])
print(len(run.vehicles), "vehicles")
"""


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(code)
    command = [sys.executable, "script.py"]
    return subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)


def test_a_script_without_a_guard_uses_processes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_video(tmp_path / "cams" / f"{name}.avi")
    done = python(SCRIPT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("vehicles")


def test_modules_of_posix_are_not_needed(tmp_path: Path) -> None:
    """By mtmc and reid: other packages come in before."""
    others = "psutil, loky, filelock, pandas, scipy.stats, cv2, pyarrow.parquet, typer, rich.progress"
    code = (
        f"import sys, {others}\nfor name in ('resource', 'fcntl', 'pwd', 'grp', 'termios'): sys.modules[name] = None\n"
    )
    code += "from mtmc import api, cli, memory\nfrom mtmc.files import atomic\nfrom mtmc.pipeline import workers\n"
    code += "import reid.cli\n"
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_only_what_is_fresh_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_video(tmp_path / "cams" / "a.avi", 30)
    (tmp_path / "run" / "video").mkdir(parents=True)
    (tmp_path / "run" / "video" / "mosaic.mp4").write_bytes(b"of an older run")
    quick = ["--detector", "motion", "--embedder", "histogram", "--set", "report.video=false", "--workers", "1"]
    said = told(["run", str(tmp_path / "cams"), "--out", str(tmp_path / "run"), *quick], capsys)
    assert "report.html" in said
    assert "mosaic" not in said


def test_a_score_of_zero_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "truth.txt").write_text("1 1 1 10 10 20 20 -1 -1\n2 1 5 10 10 20 20 -1 -1\n")
    (tmp_path / "found.txt").write_text("1 1 1 10 10 20 20 -1 -1\n2 2 5 10 10 20 20 -1 -1\n")
    said = told(["score", str(tmp_path / "found.txt"), "--gt", str(tmp_path / "truth.txt")], capsys)
    assert "0.0000" in said
    assert "2 rows seen by one camera only" in said


@pytest.mark.slow
def test_the_demo_tells_what_to_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(["demo", str(tmp_path), "--light", "--seconds", "3"], capsys)
    assert "IDF1" in said
    named = [Path(line.split()[0]) for line in said.splitlines() if line.startswith(f"  {tmp_path}")]
    assert len(named) == 6
    assert all(path.is_file() for path in named)


@pytest.mark.parametrize("stream", ["rtsp://10.0.0.4/main", "http://cam/stream.m3u8", "/dev/video0"])
def test_a_stream_is_to_be_recorded_first(stream: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["run", stream])
    assert end.value.code == 2
    assert "mtmc watch cams/ --out runs/live" in capsys.readouterr().err


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert not end.value.code
    return capsys.readouterr().out
