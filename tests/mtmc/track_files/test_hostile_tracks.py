"""Tracks, tables and vectors as nobody should write them: a sentence, or tracks within reason."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtmc.errors import InputError, UserError
from mtmc.track_files import read_tracks, read_vectors
from mtmc.track_files.told import MOST_FRAMES, scene_of

SENTENCE = re.compile(r".+: expected .+, found .*\. \S.*", re.DOTALL)


@pytest.mark.parametrize("kind", ["a broken link", "a folder", "a pipe", "a device"])
def test_no_camera_of_a_folder_vanishes(kind: str, tmp_path: Path) -> None:
    (tmp_path / "c001.txt").write_text("1,1,10,10,20,20,1,-1,-1,-1\n")
    path = tmp_path / "c002.txt"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere" if kind == "a broken link" else "/dev/zero")
    with pytest.raises(InputError, match=r"c002\.txt: expected a file of tracks, found .+\. \S"):
        read_tracks(tmp_path)


HEAD = "camera_id,frame,track_id,left,top,width,height,score,time_s\n"
Wild = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(repr),
    st.text(st.characters(codec="utf-8", exclude_characters='\0\n\r"'), max_size=8),
    st.sampled_from(["c001", "1", "", "1e400", "-0", "²", "true", "[bold]", "../x", "9" * 400]),
)


@given(st.lists(st.lists(Wild, min_size=9, max_size=9), min_size=1, max_size=4))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_tables_are_tracks_of_reasonable_cameras_or_refused(tmp_path: Path, rows: list[list[str]]) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    said = ""
    try:
        scene = scene_of(read_tracks(path), tmp_path, {"": 10.0}, {}, {})
        assert all(1 <= camera.frame_count <= MOST_FRAMES for camera in scene.cameras.values())
    except UserError as mistake:
        said = str(mistake)
    assert not said or SENTENCE.fullmatch(said), said


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("vectors", np.full((2, 3), "x")),
        ("vectors", np.ones((2, 3), complex)),
        ("track_id", np.array(["a", "b"])),
        ("track_id", np.array([[1], [1]])),
        ("track_id", np.array([-1, 1])),
        ("camera_id", np.array([1, 2])),
        ("frame", np.array([2**40, 1])),
        ("quality", np.array([np.nan, 1.0])),
    ],
)
def test_vectors_of_another_kind_are_named(name: str, values: np.ndarray, tmp_path: Path) -> None:
    arrays = {"vectors": np.eye(2, 3), "track_id": np.array([1, 1]), "camera_id": np.array(["a", "b"])}
    np.savez(tmp_path / "v.npz", **arrays | {name: values})
    with pytest.raises(InputError, match=r"v\.npz.*: expected .+, found .+\. \S"):
        read_vectors(tmp_path / "v.npz", {"a": [], "b": []})


def test_a_parquet_bomb_is_refused(tmp_path: Path) -> None:
    rows = 1 << 25
    zeros = pa.array(np.zeros(rows, np.int8))
    pq.write_table(pa.table({"track_id": zeros, "frame": zeros, "x1": zeros}), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 1 << 20
    with pytest.raises(InputError, match="unpacks to"):
        read_tracks(tmp_path / "a.parquet")


def test_xml_names_no_other_files_and_does_not_grow(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("1280")
    grown = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "1" * 10}">' for n in range(12))
    for kind in (f'<!ENTITY e11 SYSTEM "{tmp_path / "secret.txt"}">', grown):
        size = "<meta><task><original_size><width>&e11;</width><height>1</height></original_size></task></meta>"
        (tmp_path / "a.xml").write_text(f"<!DOCTYPE annotations [{kind}]><annotations>{size}</annotations>")
        with pytest.raises(InputError, match=r"a\.xml: expected annotations of CVAT for video 1\.1, found .+\. \S"):
            read_tracks(tmp_path / "a.xml")
