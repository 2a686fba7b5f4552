"""The written scene: layout, clocks, calibration, truth, masks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from mtmc.calibration import read_calibration
from mtmc.cli import main
from mtmc.geometry import metres_to_gps, project
from mtmc.scene import Camera
from mtmc.scene_reader import read_scene
from mtmc.synth.render.frames import Seen, draw_frame
from mtmc.synth.render.lens import Lens
from mtmc.synth.render.view import View, make_view
from mtmc.synth.scene import ORIGIN, SynthCamera, SynthParams, World, make_world
from mtmc.synth.vehicles.bodies import mesh_of
from mtmc.synth.vehicles.pose import Pose
from mtmc.synth.writers.dataset import active_vehicles, camera_times, inside, rendered, write_scene

from ..conftest import Written


def truth(written: Written, camera: SynthCamera, name: str = "gt.txt") -> np.ndarray:
    path = written.folder / "S01" / camera.id / "gt" / name
    return np.loadtxt(path, delimiter=",", ndmin=2)


def test_it_is_an_ai_city_scene(tiny: Written) -> None:
    scene = read_scene(tiny.folder / "S01")
    assert list(scene.cameras) == ["c001", "c002"]
    for camera in tiny.world.cameras:
        found = scene.cameras[camera.id]
        assert (found.fps, found.frame_count, found.size) == (camera.fps, camera.frame_count, camera.lens.size)
        assert found.offset_s == pytest.approx(camera.offset_s, abs=5e-4)
        assert found.offset_known
        assert found.roi is not None
        assert 0.3 < found.roi.mean() < 1.0
    assert read_scene(tiny.folder).cameras.keys() == scene.cameras.keys()


def test_videos_decode_to_the_promised_frames(tiny: Written) -> None:
    camera = tiny.world.cameras[0]
    video = cv2.VideoCapture(str(tiny.folder / "S01" / camera.id / "vdo.avi"))
    decoded = [video.read()[1] for _ in range(camera.frame_count)]
    assert not video.read()[0]
    difference = [
        float(np.abs(image.astype(int) - frame.astype(int)).mean())
        for (image, _), frame in zip(rendered(tiny.world, camera), decoded, strict=True)
    ]
    assert max(difference) < 6.0  # compression only: another frame of traffic or noise differs by more in places


def test_ground_points_project_through_the_calibration_file(tiny: Written) -> None:
    rng = np.random.default_rng(0)
    for camera in tiny.world.cameras:
        lens = camera.lens
        ahead = np.array([np.cos(lens.yaw_rad), np.sin(lens.yaw_rad)])
        ground = lens.position[:2] + ahead * rng.uniform(8, 60, (50, 1)) + rng.uniform(-4, 4, (50, 2))
        pixels, _ = lens.project(np.concatenate([ground, np.zeros((50, 1))], axis=1))
        calibration = read_calibration(tiny.folder / "S01" / camera.id / "calibration.txt")
        np.testing.assert_allclose(
            project(calibration.ground_to_image, metres_to_gps(ground, ORIGIN)), pixels, atol=0.05
        )


def test_a_vehicles_ground_point_lies_in_its_box(tiny: Written) -> None:
    """The homography in the file, applied to where a wholly visible vehicle really stands, lands in its box in every
    frame."""
    checked = 0
    for camera, annotation, pose in _whole_vehicles(tiny):
        left, top, width, height = annotation["bbox"]
        ((u, v),) = _through_calibration(tiny, camera, np.array([[pose.x, pose.y]]))
        assert left <= u <= left + width
        assert top + 0.3 * height <= v <= top + height
        checked += 1
    assert checked > 80


def test_tyres_touch_the_ground_where_the_calibration_says(tiny: Written) -> None:
    """Where a foot of a wholly visible vehicle is its lowest point in the picture, calibration.txt puts it on the box's
    lower edge, to one pixel; (a bumper that hangs over the tyres can be lower, never higher)."""
    vehicles = {t.vehicle.id: t.vehicle for t in tiny.world.trips}
    on_feet = []
    for camera, annotation, pose in _whole_vehicles(tiny):
        c, s = np.cos(pose.yaw), np.sin(pose.yaw)
        turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        points = mesh_of(vehicles[annotation["vehicle_id"]]).points @ turn + (pose.x, pose.y, 0.0)
        feet = points[points[:, 2] < 0.02, :2]
        bottom = annotation["bbox"][1] + annotation["bbox"][3]
        foot = _through_calibration(tiny, camera, feet)[:, 1].max()
        assert foot <= bottom + 1.0
        if points[np.argmax(camera.lens.project(points)[0][:, 1]), 2] < 0.02:
            on_feet.append(abs(foot - bottom))
    assert len(on_feet) > 40
    assert max(on_feet) <= 1.0


def _whole_vehicles(written: Written) -> Iterator[tuple[SynthCamera, dict[str, Any], Pose]]:
    """Annotations of moving vehicles of which nothing is hidden or cut off, with where they stood at the moment truly
    shown."""
    trips = {t.vehicle.id: t for t in written.world.trips}
    for camera in written.world.cameras:
        document = json.loads((written.folder / "S01" / camera.id / "gt" / "coco.json").read_text())
        times = camera_times(written.world, camera)
        for annotation in document["annotations"]:
            left, top, width, height = annotation["bbox"]
            free = left > 0 and top > 0 and left + width < camera.lens.size[0] and top + height < camera.lens.size[1]
            if free and annotation["visible"] > 0.99 and annotation["vehicle_id"] in trips:
                yield camera, annotation, trips[annotation["vehicle_id"]].pose(times[annotation["image_id"] - 1])


def _through_calibration(written: Written, camera: SynthCamera, ground: np.ndarray) -> np.ndarray:
    calibration = read_calibration(written.folder / "S01" / camera.id / "calibration.txt")
    return np.asarray(project(calibration.ground_to_image, metres_to_gps(ground, ORIGIN)))


def test_vehicles_leave_c001_and_enter_c002_at_the_true_times(tiny: Written) -> None:
    """By the clocks in the files: at the last true box of c001 and the first one of c002 the vehicle is in view, a
    frame later and a frame earlier it is not."""
    scene = read_scene(tiny.folder / "S01")
    world = tiny.world
    views = {c.id: make_view(world.network, world.scenery, c.lens, world.light, 1) for c in world.cameras}
    changes = 0
    for first, second in (tiny.world.cameras, tiny.world.cameras[::-1]):
        left, entered = truth(tiny, first), truth(tiny, second)
        for number in np.intersect1d(left[:, 1], entered[:, 1]):
            last, start = left[left[:, 1] == number, 0].max(), entered[entered[:, 1] == number, 0].min()
            for camera, frame, step in ((first, last, 1), (second, start, -1)):
                found = scene.cameras[camera.id]
                time_s = found.offset_s + (frame - 1) / found.fps
                if time_s + step / found.fps < camera.offset_s or frame == camera.frame_count:
                    continue
                changes += 1
                assert int(number) in _in_truth(world, views[camera.id], found, time_s)
                assert int(number) not in _in_truth(world, views[camera.id], found, time_s + step / found.fps)
    assert changes >= 3


def _in_truth(world: World, view: View, camera: Camera, time_s: float) -> set[int]:
    """The vehicles that a frame at this moment of the world shows where the mask lets them count."""
    assert camera.roi is not None
    _, seen = draw_frame(view, active_vehicles(world, time_s), world.light)
    return {s.vehicle.id for s in seen if inside(camera.roi, s.box)}


def test_truth_follows_the_frame_shown_not_the_frame_number(tmp_path: Path) -> None:
    """With dropped and repeated frames, boxes fit the vehicles at the moments told in truth.json; at the even moments
    they do not."""
    world = make_world(SynthParams(preset="tiny", seconds=3.0, dropped=0.25, repeated=0.1), 1)
    faulty = Written(tmp_path, world, write_scene(world, tmp_path))
    trips = {t.vehicle.id: t for t in world.trips}
    told = json.loads((tmp_path / "S01" / "truth.json").read_text())["cameras"]
    right, wrong = [], []
    for camera, document in zip(world.cameras, told, strict=True):
        for frame, number, left, top, width, height, *_ in truth(faulty, camera):
            box, trip = (left, top, left + width, top + height), trips[int(number)]
            right.append(_inside(camera, trip.pose(document["shown_s"][int(frame) - 1]), box))
            wrong.append(_inside(camera, trip.pose(camera.offset_s + (frame - 1) / camera.fps), box))
    assert np.mean(right) > 0.95
    assert np.mean(wrong) < 0.8


def _inside(camera: SynthCamera, pose: object, box: tuple[float, float, float, float]) -> bool:
    (u, v), _ = (a[0] for a in camera.lens.project(np.array([[pose.x, pose.y, 0.4]])))  # type: ignore[attr-defined]
    return bool(box[0] - 1 <= u <= box[2] + 1 and box[1] - 1 <= v <= box[3] + 1)


def test_truth_holds_only_vehicles_of_two_cameras(tiny: Written) -> None:
    seen = {c.id: {int(i) for i in truth(tiny, c)[:, 1]} for c in tiny.world.cameras}
    everyone = {c.id: {int(i) for i in truth(tiny, c, "gt_all.txt")[:, 1]} for c in tiny.world.cameras}
    assert (
        seen["c001"]
        == seen["c002"]
        == everyone["c001"] & everyone["c002"] - {i for i in everyone["c001"] if i > 900_000}
    )
    assert everyone["c001"] | everyone["c002"] > seen["c001"]


def test_truth_against_truth_scores_one_inside_the_masks(tiny: Written, capsys: pytest.CaptureFixture[str]) -> None:
    """The masks beside the truth hold all its boxes, so the score uses them: a box beyond them is dropped and costs
    nothing."""
    scene = tiny.folder / "S01"
    truth_rows = (scene / "ground_truth.txt").read_text()
    beyond = "".join(f"{camera} 77 1 0 0 30 20 -1 -1\n" for camera in (1, 2))
    for name, rows, dropped in (("truth.txt", truth_rows, 0), ("more.txt", truth_rows + beyond, 2)):
        (tiny.folder / name).write_text(rows)
        with pytest.raises(SystemExit) as stop:
            main(["score", str(tiny.folder / name), "--gt", str(scene), "--json"])
        assert stop.value.code == 0
        scores = json.loads(capsys.readouterr().out)
        assert scores["filters"]["roi"] == dropped
        assert (scores["idf1"], scores["hota"]) == (1.0, 1.0)


def test_masks_hold_whole_near_cars_and_leave_out_far_ones(tiny: Written) -> None:
    for camera in tiny.world.cameras:
        roi = read_scene(tiny.folder / "S01").cameras[camera.id].roi
        assert roi is not None
        assert [inside(roi, _car_box(camera.lens, ahead_m)) for ahead_m in (30.0, 60.0, 90.0, 120.0)] == [
            True,
            True,
            False,
            False,
        ]


def _car_box(lens: Lens, ahead_m: float) -> tuple[int, int, int, int]:
    """The box of a cuboid as large as a car whose nearest side is ``ahead_m`` straight ahead."""
    ahead = np.array([np.cos(lens.yaw_rad), np.sin(lens.yaw_rad)])
    corners = [
        [*(lens.position[:2] + ahead * (ahead_m + along) + np.array([-ahead[1], ahead[0]]) * across), up]
        for along in (0.0, 4.5) for across in (-0.9, 0.9) for up in (0.0, 1.5)
    ]  # fmt: skip
    pixels, _ = lens.project(np.array(corners))
    (left, top), (right, bottom) = np.floor(pixels.min(axis=0)), np.ceil(pixels.max(axis=0))
    return int(left), int(top), int(right), int(bottom)


def test_boxes_lie_in_the_image_and_follow_the_formats_rules(tiny: Written) -> None:
    for camera in tiny.world.cameras:
        rows = truth(tiny, camera, "gt_all.txt")
        frames, _, left, top, width, height, *rest = rows.T
        assert frames.min() >= 1
        assert frames.max() <= camera.frame_count
        assert (left >= 0).all()
        assert (top >= 0).all()
        assert (left + width <= camera.lens.size[0]).all()
        assert (top + height <= camera.lens.size[1]).all()
        assert (np.array(rest).T == (1, -1, -1, -1)).all()
        assert len(np.unique(rows[:, :2], axis=0)) == len(rows)


def test_masks_fit_their_boxes(tiny: Written) -> None:
    coco = COCO(str(tiny.folder / "S01" / "c001" / "gt" / "coco.json"))
    assert len(coco.anns) > 50
    for annotation in coco.anns.values():
        rows, columns = np.nonzero(coco.annToMask(annotation))
        box = [columns.min(), rows.min(), columns.max() + 1 - columns.min(), rows.max() + 1 - rows.min()]
        assert annotation["bbox"] == box
        assert annotation["area"] == len(rows)


def test_description_tells_passages_and_clocks(tiny: Written) -> None:
    document = json.loads((tiny.folder / "S01" / "truth.json").read_text())
    assert tiny.summary["crossing"] == sum(
        len({p["camera"] for p in v["passages"]}) > 1 for v in document["vehicles"] if not v["parked"]
    )
    for told, camera in zip(document["cameras"], tiny.world.cameras, strict=True):
        np.testing.assert_allclose(told["shown_s"], camera_times(tiny.world, camera), atol=1e-4)
    assert cv2.imread(str(tiny.folder / "S01" / "map.png")) is not None


def test_wrong_clocks_are_told_but_not_true(tmp_path: Path) -> None:
    world = make_world(SynthParams(preset="tiny", seconds=0.3, clock_error_s=0.5), 1)
    write_scene(world, tmp_path)
    camera = read_scene(tmp_path / "S01").cameras["c002"]
    assert camera.offset_s == pytest.approx(world.cameras[1].told_offset_s)
    assert abs(camera.offset_s - world.cameras[1].offset_s) > 0.02
    assert make_world(SynthParams(preset="tiny", seconds=0.3), 1).cameras[1].offset_s == world.cameras[1].offset_s


def test_repeated_frames_show_the_same_picture(tmp_path: Path) -> None:
    world = make_world(SynthParams(preset="tiny", seconds=2.0, repeated=0.4, noise=0), 2)
    camera = world.cameras[0]
    times = camera_times(world, camera)
    frames: list[tuple[np.ndarray, list[Seen]]] = list(rendered(world, camera))
    repeats = np.flatnonzero(np.diff(times) == 0)
    assert len(repeats) > 2
    assert all(np.array_equal(frames[k][0], frames[k + 1][0]) for k in repeats)
    assert [s.box for s in frames[repeats[0]][1]] == [s.box for s in frames[repeats[0] + 1][1]]


def _worlds() -> list[World]:
    return [make_world(SynthParams(preset=preset, seconds=8.0), seed) for preset, seed in (("demo", 1), ("city", 2))]  # type: ignore[arg-type]


def test_presets_promise_what_the_demo_needs() -> None:
    demo, city = _worlds()
    assert len(demo.cameras) >= 4
    assert len(city.cameras) >= 12
    assert len({c.sensor.gains for c in demo.cameras}) == len(demo.cameras)
    assert all(5 <= c.lens.position[2] <= 8 for w in (demo, city) for c in w.cameras)
