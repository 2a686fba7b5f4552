"""Each export is opened by a tool that reads its form, and says there what the run says."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from mtmc.export import EXPORTS, export
from mtmc.export.columns import BOX_COLUMNS, box_table
from mtmc.store import Run
from mtmc.structures import LABELS
from mtmc.track_files.formats import read_aicity, read_mot_tracks


def boxes(run: Run) -> int:
    return sum(len(t) for v in run.vehicles() for t in v.tracklets)


@pytest.mark.parametrize("form", EXPORTS)
def test_every_form_names_its_files(form: str, run: Run, tmp_path: Path) -> None:
    written = export(run, form, tmp_path / "out")
    assert written
    assert all(path.stat().st_size > 0 for path in written)


def test_tables(run: Run, tmp_path: Path) -> None:
    import pandas as pd

    polars = pytest.importorskip("polars")
    (parquet,) = export(run, "parquet", tmp_path / "a.parquet")
    (csv,) = export(run, "csv", tmp_path / "a.csv")
    table = pq.read_table(parquet)
    assert table.column_names == list(BOX_COLUMNS)
    assert table.schema.metadata[b"frame_base"] == b"0"
    assert len(pd.read_parquet(parquet)) == len(polars.read_parquet(parquet)) == boxes(run)
    again = pa_csv.read_csv(csv)
    assert again.column_names == table.column_names
    assert np.allclose(again["time_s"].to_numpy(), table["time_s"].to_numpy())
    speeds = table["speed_kmh"].to_numpy(zero_copy_only=False)
    assert 5 < np.nanmedian(speeds) < 90, "vehicles in a city"
    assert (np.abs(table["lat"].to_numpy(zero_copy_only=False) - 42.5) < 0.1).all()


def test_workbook(run: Run, tmp_path: Path) -> None:
    import pandas as pd

    (path,) = export(run, "xlsx", tmp_path / "a.xlsx")
    sheets = pd.read_excel(path, sheet_name=None)
    assert list(sheets) == ["vehicles", "visits", "tracklets", "about"]
    assert sheets["vehicles"]["boxes"].sum() == boxes(run)


def test_submission_and_mot_are_read_back(run: Run, tmp_path: Path) -> None:
    (track3,) = export(run, "aicity", tmp_path / "track3.txt")
    assert sum(len(t) for v in read_aicity(track3) for t in v.tracklets) == boxes(run)
    files = export(run, "mot", tmp_path / "mot")
    assert sum(len(t) for path in files for t in read_mot_tracks(path, path.stem)) == boxes(run)


def test_motchallenge_is_read_by_motmetrics(run: Run, tmp_path: Path) -> None:
    motmetrics = pytest.importorskip("motmetrics")
    files = export(run, "motchallenge", tmp_path / "mot")
    frames = [motmetrics.io.loadtxt(path, fmt="mot16") for path in files]
    assert sum(map(len, frames)) == boxes(run)
    assert {LABELS[int(c) - 1] for frame in frames for c in frame["ClassId"]} <= set(LABELS)
    assert (files[0].parent / "labels.txt").read_text().split() == list(LABELS)


def test_coco_is_read_by_pycocotools(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pycocotools.coco import COCO

    (path,) = export(run, "coco", tmp_path / "coco.json")
    coco = COCO(str(path))
    assert len(coco.getAnnIds()) == boxes(run)
    table = box_table(run.scene, run.vehicles()).to_pylist()
    names = {video["id"]: video["name"] for video in coco.dataset["videos"]}
    found = set()
    for annotation in coco.loadAnns(coco.getAnnIds()):
        image = coco.loadImgs(annotation["image_id"])[0]
        found.add((names[image["video_id"]], annotation["track_id"], image["frame_id"]))
    assert found == {(row["camera_id"], row["vehicle_id"], row["frame"]) for row in table}


def test_cvat_tracks_end_where_vehicles_do(run: Run, tmp_path: Path) -> None:
    files = export(run, "cvat", tmp_path / "cvat")
    inside = 0
    for path in files:
        root = ET.parse(path).getroot()
        size = int(root.findtext("meta/task/size") or 0)
        assert {label.findtext("name") for label in root.iter("label")} == set(LABELS)
        for track in root.iter("track"):
            shapes = track.findall("box")
            frames = [int(shape.get("frame", -1)) for shape in shapes]
            assert frames == sorted(set(frames))
            inside += sum(shape.get("outside") == "0" for shape in shapes)
            assert shapes[-1].get("outside") == "1" or frames[-1] == size - 1
            assert len({shape.findtext("attribute") for shape in shapes}) == 1
    assert inside == boxes(run)


READ_BY_DATUMARO = """
import sys, datumaro
dataset = datumaro.Dataset.import_from(sys.argv[1], sys.argv[2])
labels = dataset.categories()[datumaro.AnnotationType.label]
found = [labels[annotation.label].name for item in dataset for annotation in item.annotations]
print(len(found), *set(found))
"""


@pytest.mark.skipif(not os.environ.get("MTMC_DATUMARO"), reason="MTMC_DATUMARO names no Python with datumaro")
@pytest.mark.parametrize(
    ("form", "reader"), [("coco", "coco_instances"), ("cvat", "cvat"), ("motchallenge", "mot_seq")]
)
def test_datumaro_reads_it(form: str, reader: str, run: Run, tmp_path: Path) -> None:
    """CVAT's importer, in an environment of its own: it wants an older protobuf than onnx."""
    path = export(run, form, tmp_path / form)[0]
    if form == "coco":
        (tmp_path / "annotations").mkdir()
        (tmp_path / "images").mkdir()
        path = path.rename(tmp_path / "annotations" / "instances_run.json").parents[1]
    given = [str(path.parents[1] if form == "motchallenge" else path), reader]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [os.environ["MTMC_DATUMARO"], "-c", READ_BY_DATUMARO, *given]
    count, *labels = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split()
    assert int(count) > 0
    assert set(labels) <= set(LABELS)
    assert labels


def test_rerun_reads_it(run: Run, tmp_path: Path) -> None:
    """By rerun's own reader: every camera's video and boxes on the scene's clock, vehicles on the map."""
    chunk = pytest.importorskip("rerun.chunk")
    (path,) = export(run, "rerun", tmp_path / "run.rrd")
    found = {}
    for part in chunk.RrdReader(path).stream().to_chunks():
        found.setdefault(part.entity_path, []).append(part.to_record_batch())
    for camera in run.scene.cameras.values():
        (boxes_seen,) = found[f"/cameras/{camera.id}/boxes"]
        assert boxes_seen[f"{camera.id}/frame"].to_pylist() == list(range(camera.frame_count))
        seconds = boxes_seen["time"].cast("int64").to_numpy() / 1e9
        np.testing.assert_allclose(seconds, camera.time_s(camera.frames), atol=1e-6)
        (number,) = [name for name in boxes_seen.schema.names if name.endswith("class_ids")]
        told = [sorted(row or []) for row in boxes_seen[number].to_pylist()]
        mine = [(v.vehicle_id, t) for v in run.vehicles() for t in v.tracklets if t.camera_id == camera.id]
        assert told == [sorted(v for v, t in mine if frame in t.frames) for frame in range(camera.frame_count)]
        assert any("AssetVideo:blob" in batch.schema.names for batch in found[f"/cameras/{camera.id}/video"])
    assert {name for name in found if name.startswith("/map/")} == {f"/map/{v.vehicle_id}" for v in run.vehicles()}


def test_geojson_moves(run: Run, tmp_path: Path) -> None:
    """Read as lines by geopandas and as trajectories by movingpandas; kepler's trips are lines of [lon, lat, altitude,
    time]."""
    movingpandas = pytest.importorskip("movingpandas")
    geopandas = pytest.importorskip("geopandas")
    (path,) = export(run, "geojson", tmp_path / "trips.geojson")
    features = json.loads(path.read_text())["features"]
    for feature in features:
        times = [point[3] for point in feature["geometry"]["coordinates"]]
        assert times == feature["properties"]["times_s"] == sorted(times)
    assert len(geopandas.read_file(path)) == len(features) > 0
    trajectories = movingpandas.read_mf_json(str(path), traj_id_property="trip")
    assert len(trajectories) == len(features)
    assert max(t.get_length() for t in trajectories) > 5
