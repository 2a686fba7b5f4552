"""Corrections: they hold whenever a run is linked, ids stay, and what does not fit or contradicts is said."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtmc.edits import apply_edits, read_edits
from mtmc.errors import InputError
from mtmc.link import LINKERS, LinkParams, Problem, Wishes, solve
from mtmc.store import open_run
from mtmc.synth.tracklets.sampling import LEVELS, simulate
from tests.golden.commands import KEEP_ALL, TRUE_BOXES, mtmc, record_truth, run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edits")
    mtmc("synth", folder / "city", "--preset", "tiny", "--seed", 2, "--set", "parked=0")
    record_truth(folder / "city" / "S01")
    run(folder / "city" / "S01", folder / "run", (*TRUE_BOXES, "--workers", 1), (*KEEP_ALL, "report.page=false"))
    return folder / "run"


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def owners(folder: Path) -> dict[tuple[str, int], int]:
    return {t.key: v.vehicle_id for v in open_run(folder).vehicles() for t in v.tracklets}


def name(key: tuple[str, int]) -> str:
    return f"{key[0]}/{key[1]}"


def linked_pair(folder: Path) -> tuple[tuple[str, int], tuple[str, int]]:
    vehicle = next(v for v in open_run(folder).vehicles() if len(v.tracklets) > 1)
    return vehicle.tracklets[0].key, vehicle.tracklets[1].key


def test_different_parts_them_and_all_other_ids_stay(out: Path) -> None:
    before = owners(out)
    a, b = linked_pair(out)
    mtmc("edit", out, "--different", f"{name(a)}={name(b)}")
    after = owners(out)
    assert after[a] != after[b]
    assert {k: v for k, v in after.items() if k not in (a, b)} == {k: v for k, v in before.items() if k not in (a, b)}
    assert {after[a], after[b]} & {before[a]}


def test_same_joins_them_and_undo_gives_the_same_bytes_as_before(out: Path) -> None:
    original = (out / "vehicles.parquet").read_bytes()
    before = owners(out)
    a = next(k for k in before if k[0] == "c001")
    b = next(
        k
        for k in before
        if k[0] == "c002" and before[k] != before[a] and sum(v == before[k] for v in before.values()) == 1
    )
    mtmc("edit", out, "--same", f"{name(a)}={name(b)}")
    assert owners(out)[a] == owners(out)[b]
    edited = (out / "vehicles.parquet").read_bytes()
    mtmc("edit", out, "--undo")
    assert owners(out) == before
    mtmc("edit", out, "--same", f"{name(a)}={name(b)}")
    assert (out / "vehicles.parquet").read_bytes() == edited != original


def test_not_vehicle_kind_and_split(out: Path) -> None:
    tracklets = {t.key: t for t in open_run(out).tracklets()}
    gone, renamed, cut = sorted(tracklets, key=lambda k: -len(tracklets[k]))[:3]
    scene = open_run(out).scene
    middle = tracklets[cut].frames[len(tracklets[cut]) // 2]
    seconds = float(scene.cameras[cut[0]].time_s(middle))
    mtmc(
        "edit", out, "--not-vehicle", name(gone), "--kind", f"{name(renamed)}=bus", "--split", f"{name(cut)}={seconds}"
    )
    found = {t.key: t for v in open_run(out).vehicles() for t in v.tracklets}
    assert gone not in found
    assert found[renamed].label == 1
    parts = [t for t in found.values() if t.camera_id == cut[0] and t.frames[0] >= tracklets[cut].frames[0]]
    assert found[cut].frames[-1] == middle - 1
    assert any(t.frames[0] == middle and t.key != cut for t in parts)


def test_edits_survive_other_track_numbers_and_tell_what_no_longer_fits(out: Path) -> None:
    a, b = linked_pair(out)
    mtmc("edit", out, "--different", f"{name(a)}={name(b)}")
    run_ = open_run(out)
    edits = read_edits(run_.path_of_edits)
    moved = [t.take(slice(0, None), t.track_id + 100) for t in run_.tracklets()]
    edited = apply_edits(run_.scene, moved, {}, edits)
    named = [edited.tracklets[k].key for k in edited.wishes.different[0].tolist()]
    assert named == [(a[0], a[1] + 100), (b[0], b[1] + 100)]
    alone = apply_edits(run_.scene, [t for t in moved if t.track_id != a[1] + 100 or t.camera_id != a[0]], {}, edits)
    assert len(alone.wishes) == 0
    assert alone.unfit == (f"Edit 1 (different) no longer fits: no tracklet in {a[0]} at {edits[0].at.time_s:.2f} s.",)


def test_contradiction_is_one_sentence(out: Path) -> None:
    a, b = linked_pair(out)
    mtmc("edit", out, "--different", f"{name(a)}={name(b)}")
    with pytest.raises(
        AssertionError, match=r"edits that do not contradict each other, found edit 2 makes one vehicle of"
    ):
        mtmc("edit", out, "--same", f"{name(a)}={name(b)}")


def test_line_that_is_no_edit_is_refused_by_number(tmp_path: Path) -> None:
    place = {"camera": "c001", "time_s": 1.0, "box": [0, 0, 5, 5]}
    (tmp_path / "edits.jsonl").write_text(json.dumps({"edit": "same", "at": place}) + "\n")
    with pytest.raises(InputError, match=r"edits.jsonl:1: expected two places"):
        read_edits(tmp_path / "edits.jsonl")


@pytest.mark.parametrize("linker", LINKERS)
def test_every_linker_meets_the_wishes(linker: str, tmp_path: Path) -> None:
    simulated = simulate(LEVELS[2], 3)
    rows = np.flatnonzero(simulated.table.start_s < 400)
    table, truth = simulated.table.take(rows), simulated.vehicle_id[rows]
    (tmp_path / "zones.toml").write_text(simulated.zones_toml)
    random = np.random.default_rng(0)
    a, b = random.integers(0, len(table), (2, 4000))
    apart = table.camera[a] != table.camera[b]
    same = np.stack([a, b], axis=1)[(truth[a] == truth[b]) & (a != b) & apart][:5]
    different = np.stack([a, b], axis=1)[truth[a] != truth[b]][:20]
    problem = replace(Problem.of(table), wishes=Wishes(same, different))
    labels = solve(problem, LinkParams(linker=linker, zones_file=tmp_path / "zones.toml")).labels
    assert (labels[same[:, 0]] == labels[same[:, 1]]).all()
    assert (labels[different[:, 0]] != labels[different[:, 1]]).all()
