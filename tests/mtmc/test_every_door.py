"""Every document that users write, spoilt by chance: a sentence or a result, never anything else.

The same for whole commands is ``scripts/fuzz``; tables have tests of their own (test_hostile_tracks,
test_tables), as has the reading of bytes (tests/reid/test_files.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtmc.calibration import read_calibration
from mtmc.config import load_config
from mtmc.edits import read_edits
from mtmc.errors import UserError
from mtmc.files.images import read_image
from mtmc.link.model.zones_file import read_zones
from mtmc.scene_reader import read_scene
from mtmc.scene_reader.clocks import read_timestamps
from mtmc.score.sources import read_side
from mtmc.store.documents import read_network_file, read_run_file
from mtmc.synth.scene import SynthParams
from mtmc.synth.tracklets.sumo import simulate_sumo
from mtmc.track_files import read_tracks
from mtmc.track_files.formats import read_mot_detections, read_mot_tracks
from mtmc.traffic.classes import read_classes
from mtmc.traffic.scaling import read_totals
from reid.config import load_config as load_recipe
from reid.datasets import load_dataset
from reid.model.checkpoint import read_header
from tests.builders import make_video

SENTENCE = re.compile(r".+: expected .+, found .*\. \S.*", re.DOTALL)
BOXES = "".join(f"{frame},{car},{frame}.5,{20 * car},40,30,0.9,-1,-1,-1\n" for frame in (1, 2, 3) for car in (1, 2))
EDIT = '{"edit": "same", "at": {"camera": "c1", "time_s": 1, "box": [5, 7, 9, 10]}, "and": {"camera": "c2", "time_s": 2, "box": [5, 7, 9, 10]}}'  # noqa: E501
SCENE = 'name = "S"\norigin = [42.5, -90.7]\n[cameras.cam1]\noffset_s = 1.5\nfps = 10.0\n'
ZONES = '[cameras.a]\nn = [0, 0, 1, 1]\n[cameras.b]\ns = [0, 0, 1, 1]\n[[links]]\nfrom = "a.n"\nto = "b.s"\ntravel_s = [0, 9]\n'  # noqa: E501
NET = "<net>" + "".join(f'<junction id="{k}" x="{k}00" y="0" incLanes="a_0 b_0 c_0"/>' for k in (1, 2)) + "</net>"
DRIVE = "".join(f'<timestep time="{t}"><vehicle id="v" x="{70 + 9 * t}" y="1"/></timestep>' for t in range(9))
RUN_FILE = json.dumps({"mtmc": "0.1", "videos": "S", "cameras": ["a"], "config": {"detect": {"min_score": 0.1}}})
STAYS = {"entries": [], "exits": [], "entering": [2.0], "unborn_per_s": [0.8], "leaving": [2.0]}
CLOCK = {"clock_ahead_s": 0.0, "clock_error_s": 0.0, "clock_trusted": True}
RATIO = {"low": -1.0, "high": 1.0, "value": [-1.0, 1.0]}
NETWORK = {
    "format": "mtmc camera network 1", "cameras": {"a": CLOCK | STAYS, "b": CLOCK | STAYS}, "streets": [], "links": [],
    "meaning": {"appearance": RATIO, "size": RATIO, "kind": [[1.0] * 8] * 8, "gap_s": 0.8, "drift": 0.05},
}  # fmt: skip


def street_plan(path: Path) -> None:
    (path.parent / "net.xml").write_text(NET)
    simulate_sumo(path, path.parent / "net.xml", 1)


DOORS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "truth": ("gt.txt", BOXES, lambda path: read_mot_tracks(path, "c1")),
    "detections": ("det.txt", BOXES, read_mot_detections),
    "tracks": ("c1.txt", BOXES, lambda path: read_tracks(path.with_name("{camera}.txt"))),
    "submission": ("track3.txt", "1 7 3 10 20 30 40 -1 -1\n2 7 4 10 20 30 40 -1 -1\n", read_side),
    "calibration": ("calibration.txt", "Homography matrix: 1 0 0;0 2 0;0 0 1\n", read_calibration),
    "starts": ("S.txt", "c001 12.5\nc002 1.25\n", read_timestamps),
    "scene": ("scene.toml", SCENE, lambda path: read_scene(path.parent)),
    "config": ("own.toml", "[detect]\nmin_score = 0.2\n[track.jde]\nmin_score = 0.4\n", load_config),
    "knobs": ("city.toml", 'preset = "tiny"\nfps = 10\n[traffic]\ntwins = 0.3\n', lambda path: knobs(path)),
    "recipe": ("own.toml", 'dataset = "toy"\n[loop]\nepochs = 2\n[optimizer]\nlr = 1e-3\n', load_recipe),
    "edits": ("edits.jsonl", EDIT + "\n" + EDIT + "\n", read_edits),
    "zones": ("zones.toml", ZONES, read_zones),
    "classes": ("classes.toml", 'heavy = ["bus", "truck"]\nlight = ["car"]\n', lambda path: read_classes(str(path))),
    "totals": ("totals.csv", "gate,from,to\na,120,98\nb,3,4\n", lambda path: read_totals(path, ["a", "b"])),
    "run": ("run.json", RUN_FILE, lambda path: read_run_file(path.parent)),
    "network": ("network.json", json.dumps(NETWORK), read_network_file),
    "street plan": ("fcd.xml", f"<fcd-export>{DRIVE}</fcd-export>", street_plan),
    "crops": ("index.csv", "path,vehicle_id,camera_id,split\na.jpg,1,2,query\nb.jpg,1,3,gallery\n",
              lambda path: load_dataset("csv", path)),
}  # fmt: skip
WORDS = ("", "nan", "-inf", "1e400", "9" * 400, "-1", "²", "0x1", "[", "]]", "{", '"', "=", ",", "\n", "\0", "\r",
         "[x]", "null", "true", "../x", "\ufeff", "\U0001f697", "<", "&l;", "[" * 3000, "1" * 6000)  # fmt: skip


def knobs(path: Path) -> SynthParams:
    from mtmc.params import load

    return load(SynthParams, path)


@st.composite
def spoilt(draw: st.DrawFn, sound: str) -> str:
    """The text with words of it changed, taken away or doubled, or another text altogether."""
    words = re.findall(r"[\w.+-]+|\s+|.", sound)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(words)))
        length = draw(st.sampled_from((0, 1, 1, 2, len(words))))
        new = draw(
            st.one_of(st.sampled_from(WORDS), st.text(max_size=5), st.just("".join(words[at : at + length]) * 2))
        )
        words[at : at + length] = [new]
    return "".join(words)


@pytest.mark.parametrize("door", DOORS)
def test_sound_documents_are_taken(door: str, tmp_path: Path) -> None:
    name, sound, read = DOORS[door]
    make_video(tmp_path / "cam1.avi", frames=2)
    for picture in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(tmp_path / picture), np.zeros((40, 60, 3), np.uint8))
    (tmp_path / name).write_text(sound)
    read(tmp_path / name)


@pytest.mark.parametrize("door", DOORS)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_spoilt_documents_are_taken_or_refused_in_a_sentence(door: str, data: st.DataObject, tmp_path: Path) -> None:
    name, sound, read = DOORS[door]
    if not (tmp_path / "cam1.avi").exists():
        make_video(tmp_path / "cam1.avi", frames=2)
    text = data.draw(spoilt(sound))
    (tmp_path / name).write_bytes(text.encode(errors="surrogatepass"))
    said = ""
    try:
        read(tmp_path / name)
    except UserError as mistake:
        said = str(mistake)
    assert not said or SENTENCE.fullmatch(said), said


@given(setting=spoilt("detect.min_score=0.2"))
def test_settings_are_taken_or_refused_in_a_sentence(setting: str) -> None:
    said = ""
    try:
        load_config(None, [setting])
    except UserError as mistake:
        said = str(mistake)
    assert not said or SENTENCE.fullmatch(said), said


@given(
    data=st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(lambda b: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b))
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pictures_and_weights_of_any_bytes_are_refused_in_a_sentence(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(data)
    for read in (lambda: read_image(path, expected="a picture", fix="Give one."), lambda: read_header(path)):
        with pytest.raises(UserError) as mistake:
            read()
        assert SENTENCE.fullmatch(str(mistake.value)), mistake.value
