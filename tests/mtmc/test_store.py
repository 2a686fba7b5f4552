from __future__ import annotations

import errno
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.errors import StoreError
from mtmc.files.atomic import locked, replacing, write_json, writing
from mtmc.store import Run, open_run
from mtmc.store.stamps import digest, fingerprint, staleness
from mtmc.store.tables import (
    read_any_table,
    read_detections,
    read_embeddings,
    read_tracklets,
    read_vehicles,
    write_detections,
    write_embeddings,
    write_tracklets,
    write_vehicles,
)
from mtmc.structures import Detections, Embeddings
from tests.builders import make_tracklet, make_vehicle

STAMP = {
    "stage": "tracklets",
    "version": 1,
    "params": {"max_lost_s": 1.0, "limits": [1, 2]},
    "inputs": {"detections": "ab"},
}


def detections(rng: np.random.Generator, count: int, size: int) -> Detections:
    corners = rng.uniform(0, 100, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 50, (count, 2))], axis=1)
    features = rng.normal(size=(count, size))
    return Detections(
        np.sort(rng.integers(0, 9, count)), boxes, rng.uniform(size=count), rng.integers(0, 8, count), features
    )


@given(count=st.integers(0, 30), size=st.sampled_from([0, 1, 7]), seed=st.integers(0, 99))
def test_detections_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, count: int, size: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("run") / "c001.parquet"
    before = detections(np.random.default_rng(seed), count, size)
    write_detections(path, before, STAMP)
    after = read_detections(path)
    for name in ("frames", "xyxy", "scores", "labels"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert after.features.shape == before.features.shape
    np.testing.assert_allclose(after.features, before.features, atol=2e-3)


def test_tracklets_vehicles_and_embeddings_come_back(tmp_path: Path) -> None:
    a, b = make_tracklet("c001", 3), make_tracklet("c001", 1, frames=[4, 7])
    write_tracklets(tmp_path / "t.parquet", [a, b], STAMP)
    assert [(t.key, t.frames.tolist()) for t in read_tracklets(tmp_path / "t.parquet", "c001")] == [
        (("c001", 1), [4, 7]),
        (("c001", 3), list(range(10))),
    ]
    other = make_tracklet("c002", 3)
    write_vehicles(tmp_path / "v.parquet", [make_vehicle(2, a, other), make_vehicle(1, b)], STAMP)
    vehicles = read_vehicles(tmp_path / "v.parquet")
    assert [(v.vehicle_id, [t.key for t in v.tracklets]) for v in vehicles] == [
        (1, [("c001", 1)]),
        (2, [("c001", 3), ("c002", 3)]),
    ]
    vectors = np.eye(4, 6, dtype=np.float32)
    write_embeddings(tmp_path / "e.parquet", Embeddings(vectors, np.arange(4), np.arange(4), np.ones(4)), STAMP)
    np.testing.assert_array_equal(read_embeddings(tmp_path / "e.parquet").vectors, vectors)


def test_nothing_comes_back_as_nothing(tmp_path: Path) -> None:
    write_tracklets(tmp_path / "t.parquet", [], STAMP)
    write_vehicles(tmp_path / "v.parquet", [], STAMP)
    write_embeddings(tmp_path / "e.parquet", Embeddings.empty(), STAMP)
    assert read_tracklets(tmp_path / "t.parquet", "c001") == []
    assert read_vehicles(tmp_path / "v.parquet") == []
    assert len(read_embeddings(tmp_path / "e.parquet")) == 0


def test_same_content_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_tracklets(tmp_path / name, [make_tracklet()], STAMP)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({}, []),
        ({"params": {"max_lost_s": 2.0, "limits": [1, 2]}}, ["params.max_lost_s 1.0 -> 2.0"]),
        ({"inputs": {"detections": "cd"}}, ["inputs.detections changed"]),
        ({"version": 2}, ["version 1 -> 2"]),
    ],
)
def test_staleness_is_explained(tmp_path: Path, change: dict[str, object], reasons: list[str]) -> None:
    path = tmp_path / "t.parquet"
    assert staleness(path, STAMP) == ["missing"]
    write_tracklets(path, [make_tracklet()], STAMP)
    assert staleness(path, {**STAMP, **change}) == reasons
    assert (digest({**STAMP, **change}) == digest(STAMP)) == (not reasons)


def test_damaged_table_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    assert staleness(path, STAMP) == ["damaged"]
    with pytest.raises(StoreError, match="damaged"):
        read_any_table(path)


@pytest.mark.parametrize("magic", [b"PAR1", b"cut!"])
def test_the_length_of_a_damaged_footer_is_not_believed(tmp_path: Path, magic: bytes) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(bytes(20_000) + (2**31 - 1).to_bytes(4, "little") + magic)
    tracemalloc.start()
    assert staleness(path, STAMP) == ["damaged"]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


def half_write(path: Path) -> None:
    path.write_text("half")
    raise OSError(errno.ENOSPC, "full")


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"old": True})
    with pytest.raises(StoreError), replacing(path) as temporary:
        half_write(temporary)
    assert path.read_text() == '{\n  "old": true\n}\n'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "found"), [(errno.ENOSPC, "full disk"), (errno.EACCES, "permission"), (errno.EROFS, "read-only")]
)
def test_disk_troubles_are_one_sentence(tmp_path: Path, number: int, found: str) -> None:
    with pytest.raises(StoreError, match=found), writing(tmp_path):
        raise OSError(number, "trouble")


def test_trouble_unheard_of_is_one_sentence_too(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Input/output"), writing(tmp_path):
        raise OSError(errno.EIO, "Input/output error")


def test_leftovers_of_a_killed_run_vanish(tmp_path: Path) -> None:
    (tmp_path / "detections").mkdir()
    (tmp_path / "detections" / ".partial-7-c001.parquet").touch()
    with locked(tmp_path):
        assert list((tmp_path / "detections").iterdir()) == []


def test_a_folder_has_one_run_at_a_time(tmp_path: Path) -> None:
    hold = f"import time; from pathlib import Path; from mtmc.files.atomic import locked\nwith locked(Path({str(tmp_path)!r})):\n"  # noqa: E501
    hold += "    print('held', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        (tmp_path / ".partial-7-c001.parquet").touch()
        with pytest.raises(StoreError, match="another run at work"), locked(tmp_path):
            pass
        assert (tmp_path / ".partial-7-c001.parquet").exists()  # it may be the other's
        other.kill()
        other.wait()
    with locked(tmp_path):  # a killed run holds nothing
        assert not (tmp_path / ".partial-7-c001.parquet").exists()


def test_no_run_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no run\.json"):
        open_run(tmp_path)
    assert Run(tmp_path).cameras("tracklets") == []


@pytest.mark.skipif(sys.platform == "win32", reason="no such devices")
def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="device, pipe or socket"), replacing(pipe):
        raise AssertionError("nothing is written")
    assert pipe.is_fifo()
