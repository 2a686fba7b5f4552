"""A run linked in windows: what every reader finds, beside the same run linked at once."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mtmc.config import Config, load_config
from mtmc.edits import Edit, place_of, write_edits
from mtmc.link.benchmark import agreement
from mtmc.pipeline import run_pipeline
from mtmc.pipeline.given_tracks import take_tracks
from mtmc.pipeline.linking import link_run
from mtmc.pipeline.planning import plan_again
from mtmc.store import Run, parts
from mtmc.structures import Long
from mtmc.synth.tracklets.simulated import Simulated
from mtmc.synth.tracklets.tracks import scene_of, tracks_of
from tests.mtmc.link.worlds import small

MINUTES = 30.0
TABLES = ("vehicles", "links", "possible", "visits")
FILES = ("network.json", "track3.txt")


def config(*settings: str) -> Config:
    return load_config(None, ["link.max_travel_s=60", "report.page=false", *settings])


def linked(world: Simulated, out: Path, *settings: str) -> Run:
    """The world's tracklets as a run without videos."""
    table = world.table
    begin_s, end_s = float(np.floor(table.start_s.min())), float(table.end_s.max())
    scene = scene_of(table, 10.0, begin_s, end_s, world.clock_known)
    made = list(tracks_of(table, scene))
    tracks, vectors = ({name: part[k] for name, *part in made} for k in (0, 1))
    todo = take_tracks("simulated", scene, None, tracks, vectors, out, config(*settings))
    return run_pipeline(todo, 1, lambda *news: None)


def idf1(world: Simulated, run: Run) -> float:
    table = world.table
    numbers = {t.key: vehicle.vehicle_id for vehicle in run.vehicles() for t in vehicle.tracklets}
    keys = zip((table.cameras[c] for c in table.camera), table.track_id.tolist(), strict=True)
    found: Long = np.array([numbers[key] for key in keys])  # every tracklet is somebody
    return agreement(world.vehicle_id, found, world.boxes).idf1


@pytest.fixture(scope="module")
def world() -> Simulated:
    return small(seed=5, minutes=MINUTES)


@pytest.fixture(scope="module")
def whole(world: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return linked(world, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def windows(world: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return linked(world, tmp_path_factory.mktemp("windows"), "link.window_h=0.17")


def test_one_window_that_holds_all_gives_the_same_bytes(world: Simulated, whole: Run, tmp_path: Path) -> None:
    run = linked(world, tmp_path, "link.window_h=24")
    for name in TABLES:  # the stamp tells of the window
        one, other = (pq.read_table(each.path(name)).replace_schema_metadata() for each in (whole, run))
        assert one.schema == other.schema, name
        assert repr(one.to_pylist()) == repr(other.to_pylist()) != "[]", name
    for name in FILES:
        assert (whole.folder / name).read_bytes() == (run.folder / name).read_bytes(), name


def test_windows_give_nearly_the_vehicles_of_one_piece(world: Simulated, whole: Run, windows: Run) -> None:
    assert idf1(world, windows) > idf1(world, whole) - 0.01
    ids = [vehicle.vehicle_id for vehicle in windows.vehicles()]
    assert ids == sorted(set(ids))
    assert pq.ParquetFile(windows.path("vehicles")).num_row_groups == 3
    cut_s = 60 * MINUTES / 3 + world.table.start_s.min()
    times = [windows.scene.cameras["c001"].time_s([t.frames[0] for t in v.tracklets]) for v in windows.vehicles()]
    assert any(each.min() < cut_s < each.max() for each in times)  # some are carried over the cut


def test_links_and_visits_are_those_of_the_vehicles(whole: Run, windows: Run) -> None:
    numbers = {t.key: vehicle.vehicle_id for vehicle in windows.vehicles() for t in vehicle.tracklets}
    links, possible = windows.links(), windows.possible()
    assert links is not None
    assert possible is not None
    for row in links.to_pylist():
        ends = [numbers[row[f"{end}_camera"], row[f"{end}_track"]] for end in ("from", "to")]
        assert ends == [row["vehicle_id"]] * 2
    pairs = [tuple(row[name] for name in ("from_camera", "from_track", "to_camera", "to_track"))
             for row in possible.to_pylist()]  # fmt: skip
    assert len(set(pairs)) > 0.99 * len(pairs)
    visits = windows.visits()
    assert visits["vehicle_id"].to_pylist() == sorted(visits["vehicle_id"].to_pylist())
    assert abs(len(visits) - len(whole.visits())) < 0.02 * len(visits)


def test_the_network_tells_the_traffic_of_all_windows(whole: Run, windows: Run) -> None:
    def streets(run: Run) -> dict[tuple[str, str], float]:
        assert run.network is not None
        return {(street["from"], street["to"]): street["vehicles"] for street in run.network["streets"]}

    one, other = streets(whole), streets(windows)
    assert len(one.keys() & other.keys()) > 0.8 * len(one)
    assert 0.8 < sum(other.values()) / sum(one.values()) < 1.25


def test_clocks_that_nobody_knows_are_found_for_windows_too(tmp_path: Path) -> None:
    lost = small(seed=5, minutes=MINUTES, max_offset_s=30.0)
    runs = [linked(lost, tmp_path / window, f"link.window_h={window}") for window in ("24", "0.17")]
    one, other = (idf1(lost, run) for run in runs)
    assert other > one - 0.01


def test_a_run_stopped_between_windows_leaves_what_was_there(world: Simulated, whole: Run, tmp_path: Path) -> None:
    shutil.copytree(whole.folder, tmp_path, dirs_exist_ok=True)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file()}
    kept = {name: data for name, data in before.items() if not name.endswith(".json")}
    todo = replace(plan_again(Run(tmp_path)), config=config("link.window_h=0.17"))

    def stop(camera: str, stage: str, done: int, total: int) -> None:
        if stage == "link" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        link_run(todo, stop)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file()} == before
    link_run(todo, lambda *news: None)
    assert (tmp_path / "vehicles.parquet").read_bytes() != kept["vehicles.parquet"]


def test_what_follows_linking_takes_some_vehicles_at_a_time(
    windows: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(windows.folder, tmp_path, dirs_exist_ok=True)
    for name in ("visits.parquet", "track3.txt"):
        (tmp_path / name).unlink()
    monkeypatch.setattr(parts, "PART", 10_000)
    run = run_pipeline(plan_again(Run(tmp_path)), 1, lambda *news: None)
    assert len(list(run.vehicles_in_parts())) > 3
    assert repr(run.visits().to_pylist()) == repr(windows.visits().to_pylist())
    assert (tmp_path / "track3.txt").read_bytes() == (windows.folder / "track3.txt").read_bytes()


def test_a_windows_tracklets_are_read_whole_with_their_vectors(windows: Run) -> None:
    path, every = windows.path("tracklets", "c001"), windows.tracklets("c001")
    found = parts.tracklets_between(path, "c001", [(3000, 4500), (4000, 6000)])
    wanted = [t.track_id for t in every if ((t.frames >= 3000) & (t.frames < 6000)).any()]
    assert [t.track_id for t in found] == wanted
    assert {len(t) for t in found} == {len(t) for t in every if t.track_id in wanted}
    vectors = windows.embeddings_of("c001")
    assert vectors is not None
    some = parts.embeddings_of(found, windows.path("embeddings", "c001"))
    assert np.array_equal(some.vectors, vectors.take(np.isin(vectors.track_ids, wanted)).vectors)
    assert parts.tracklets_between(path, "c001", [(10**6, 10**7)]) == []
    assert parts.highest_track(path) == max(t.track_id for t in every)


@pytest.mark.parametrize(
    "settings", [["link.linker=hungarian"], ["link.linker=electricity", "link.electricity_remove_isolated=true"]]
)
def test_linkers_that_do_not_explain_themselves_link_in_windows(
    world: Simulated, tmp_path: Path, settings: list[str]
) -> None:
    run = linked(world, tmp_path, "link.window_h=0.17", *settings)
    assert run.links() is None
    assert run.possible() is None
    assert run.network is None
    assert len(run.vehicles()) > 10


def test_edits_hold_across_cuts(
    world: Simulated, windows: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(windows.folder, tmp_path, dirs_exist_ok=True)
    scene, vehicles = windows.scene, windows.vehicles()
    cut_s = scene.cameras["c001"].offset_s + 60 * MINUTES / 3
    tracklets = [t for vehicle in vehicles for t in vehicle.tracklets]
    begin = np.array([float(scene.cameras[t.camera_id].time_s(t.frames[0])) for t in tracklets])
    found, begin = [tracklets[row] for row in begin.argsort()], np.sort(begin)
    row = int(np.searchsorted(begin, cut_s))
    before = next(t for t in reversed(found[:row]) if t.camera_id == "c001")
    after = next(t for t in found[row:] if t.camera_id == "c002")
    last = found[-1]
    edits = [
        Edit(edit="same", at=place_of(scene, before), other=place_of(scene, after)),
        Edit(edit="same", at=place_of(scene, before), other=place_of(scene, last)),
        Edit(edit="split", at=place_of(scene, last)),
        Edit(edit="kind", at=place_of(scene, found[0]), kind="truck"),
    ]
    write_edits(tmp_path / "edits.jsonl", edits)
    with caplog.at_level(logging.WARNING):
        run = run_pipeline(plan_again(Run(tmp_path)), 1, lambda *news: None)
    owner = {t.key: v.vehicle_id for v in run.vehicles() for t in v.tracklets}
    assert owner[before.key] == owner[after.key]
    assert len(owner) == len(found) + 1
    assert [line for line in caplog.messages if line.startswith("Edit 2")]
    assert not [line for line in caplog.messages if line.startswith(("Edit 1", "Edit 3", "Edit 4"))]
