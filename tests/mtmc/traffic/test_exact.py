"""True tracklets under true links give the city's own tables, exactly."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mtmc.scene import Camera
from mtmc.structures import Tracklet
from mtmc.synth.scene import SynthParams, make_world
from mtmc.synth.tracklets.observation import observe
from mtmc.traffic import Observed, Question, Traffic
from mtmc.traffic.queues import stops_of
from mtmc.traffic.solutions import Solutions
from mtmc.visits.pieces import pieces_of
from tests.builders import make_scene
from tests.mtmc.traffic.cities import city, observed, pieces_of_city, slow_counts, slow_journeys


@pytest.fixture(scope="module", params=[1, 2, 3])
def known(request: pytest.FixtureRequest) -> tuple[object, Traffic]:
    passages = city(request.param)
    return passages, Traffic(observed(*pieces_of_city(passages, request.param)), Question(bins="5min"))


def test_counts_with_empty_bins_kept(known: tuple[object, Traffic]) -> None:
    passages, traffic = known
    truth = slow_counts(passages, 300.0)  # type: ignore[arg-type]
    rows = traffic.tables["counts_by_bin"].to_pylist()
    found = {(r["from_s"], r["camera_id"], r["entry"], r["exit"], r["kind"]): r["vehicles"] for r in rows}
    assert len(found) == len(rows)
    assert {key: n for key, n in found.items() if n} == dict(truth)
    assert found.keys() == {(start, *key[1:]) for key in truth for start in (0.0, 300.0, 600.0)}
    assert [r["watched_s"] for r in rows if r["from_s"] == 600.0] == pytest.approx([100.0] * (len(rows) // 3), abs=1e-3)
    assert sum(r["vehicles"] for r in rows if r["entry"] == r["exit"] == "elsewhere") == 3  # those that stand


def test_travel_times_of_every_leg(known: tuple[object, Traffic]) -> None:
    passages, traffic = known
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for stays in slow_journeys(passages).values():  # type: ignore[arg-type]
        for (a, came, left), (b, comes, _) in pairwise(stays):
            if a != b:
                times.setdefault((a, b), []).append((comes - left, comes - came))
    rows = traffic.tables["legs"].to_pylist()
    assert {(r["from"], r["to"]) for r in rows} == times.keys()
    for row in rows:
        seconds = np.array(times[row["from"], row["to"]])
        assert row["vehicles"] == len(seconds)
        for column, name in zip(seconds.T, ("exit_to_entry", "entry_to_entry"), strict=True):
            wanted = np.quantile(column, (0.15, 0.5, 0.85))
            assert [row[f"{name}_p{p}_s"] for p in (15, 50, 85)] == pytest.approx(wanted, abs=1e-9)
        assert row["delay_s"] == pytest.approx(row["exit_to_entry_p50_s"] - row["exit_to_entry_p15_s"])


def test_origins_destinations_and_routes(known: tuple[object, Traffic]) -> None:
    passages, traffic = known
    journeys = slow_journeys(passages).values()  # type: ignore[arg-type]
    ends = Counter((stays[0][0], stays[-1][0]) for stays in journeys)
    assert {(r["from"], r["to"]): r["vehicles"] for r in traffic.tables["od"].to_pylist()} == dict(ends)
    by_bin = Counter((int(stays[0][1] // 300) * 300, stays[0][0], stays[-1][0]) for stays in journeys)
    rows = traffic.tables["od_by_bin"].to_pylist()
    assert {(r["from_s"], r["from"], r["to"]): r["vehicles"] for r in rows if r["vehicles"]} == dict(by_bin)
    routes = Counter(" ".join(stay[0] for stay in stays) for stays in journeys if len(stays) > 1)
    assert {r["route"]: r["vehicles"] for r in traffic.tables["routes"].to_pylist()} == dict(routes)
    assert any(len(set(route.split())) < len(route.split()) for route in routes)  # some come twice


def test_tables_of_a_period_are_of_what_begins_in_it(known: tuple[object, Traffic]) -> None:
    passages, traffic = known
    part = Traffic(traffic.observed, Question(bins="1min", start_s=120.0, end_s=300.0))
    wanted = sum(120 <= start < 300 for start in passages.start_s.tolist())  # type: ignore[attr-defined]
    assert sum(part.tables["counts_by_bin"]["vehicles"].to_pylist()) == wanted
    assert sum(part.tables["counts"]["vehicles"].to_pylist()) == wanted
    assert set(part.tables["counts_by_bin"]["from_s"].to_pylist()) == {120.0, 180.0, 240.0}


def test_gates_of_zones(known: tuple[object, Traffic], tmp_path: Path) -> None:
    passages, traffic = known
    (tmp_path / "gates.toml").write_text('a = ["c001/east", "c001/north"]\nb = "c002"\n')
    rows = Traffic(traffic.observed, Question(gates=tmp_path / "gates.toml")).tables["od"].to_pylist()
    truth: Counter[tuple[str, str]] = Counter()
    arms = {0, 3}
    last = 700.0 - 0.05
    events: dict[int, list[tuple[float, str]]] = {}
    for v, camera, a, b, start, end in zip(
        *(getattr(passages, n).tolist() for n in ("vehicle", "camera", "arm_in", "arm_out", "start_s", "end_s")),
        strict=True,
    ):
        mine = events.setdefault(v, [])
        if camera == 1:
            mine.append((start, "b"))
        if camera == 0 and a in arms:
            mine.append((start, "a"))
        if camera == 0 and b in arms and end < last:
            mine.append((end, "a"))
    for seen in events.values():
        if seen:
            ordered = [gate for _, gate in sorted(seen, key=lambda event: event[0])]
            truth[ordered[0], ordered[-1]] += 1
    assert {(r["from"], r["to"]): r["vehicles"] for r in rows} == dict(truth)


def test_a_drawn_world_to_a_frame() -> None:
    """Boxes as the cameras of a world truly see them, none rendered: travel times and speeds against the drivers'."""
    world = make_world(SynthParams(preset="demo", seconds=40, parked=0), 5)
    cameras = [
        Camera(c.id, Path(f"{c.id}.avi"), c.fps, c.frame_count, c.lens.size, c.offset_s, True) for c in world.cameras
    ]
    scene, sights = make_scene(*cameras), observe(world)
    tracklets = [Tracklet(cameras[s.camera].id, k, s.frames, s.boxes, np.ones(len(s)), 0) for k, s in enumerate(sights)]
    vehicle = np.array([s.vehicle.id for s in sights])
    pieces = pieces_of(scene, tracklets)
    spans = tuple((c.offset_s, c.offset_s + (c.frame_count - 1) / c.fps) for c in cameras)
    stops = stops_of(scene, tracklets)
    seen = Observed(Solutions(pieces, vehicle), spans, np.zeros(len(cameras)), stops, scene)
    rows = {(r["from"], r["to"]): r for r in Traffic(seen, Question()).tables["legs"].to_pylist()}
    truth: dict[tuple[str, str], list[float]] = {}
    for number in np.unique(vehicle):
        mine = sorted(
            (s for s in sights if s.vehicle.id == number), key=lambda s: cameras[s.camera].time_s(s.frames[0])
        )
        for a, b in pairwise(mine):
            if a.camera != b.camera:
                key = cameras[a.camera].id, cameras[b.camera].id
                seconds = cameras[b.camera].time_s(b.frames[0]) - cameras[a.camera].time_s(a.frames[-1])
                truth.setdefault(key, []).append(float(seconds))
    assert {key: row["vehicles"] for key, row in rows.items()} == {key: len(times) for key, times in truth.items()}
    for key, row in rows.items():
        assert row["exit_to_entry_p50_s"] == pytest.approx(np.median(truth[key]), abs=1e-9)
