"""Vehicles as pixels: boxes that fit the silhouette, occlusion, order, looks that differ."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.geometry import iou
from mtmc.synth.render.frames import draw_frame
from mtmc.synth.render.ground import shade_map
from mtmc.synth.render.lens import Lens, looking_at
from mtmc.synth.render.order import painters_order
from mtmc.synth.render.paint import draw_vehicle
from mtmc.synth.render.shading import Light
from mtmc.synth.render.view import View
from mtmc.synth.vehicles.identity import BODIES, random_vehicle
from mtmc.synth.vehicles.pose import Pose

SIZE = (640, 360)


def plain_view(lens: Lens, grey: int = 90) -> View:
    """Nothing but one grey, and no ground that could take a shadow."""
    background = np.full((SIZE[1], SIZE[0], 3), grey, np.uint8)
    ids = np.zeros((SIZE[1], SIZE[0]), np.int32)
    return View(lens, background, np.zeros_like(ids, np.uint8), ids, shade_map((0, 0), 10, 1, []))


@pytest.fixture
def lens() -> Lens:
    return looking_at((0, -18, 6.5), (0, 0), 60, SIZE)


@pytest.mark.parametrize("body", BODIES)
def test_boxes_fit_the_rendered_silhouette(lens: Lens, body: str) -> None:
    """The silhouette is measured on pictures themselves: pixels that look the same before black and before white."""
    rng = np.random.default_rng(5)
    for _ in range(12):
        vehicle = random_vehicle(rng, 1, body)
        pose = Pose(float(rng.uniform(-9, 9)), float(rng.uniform(-8, 14)), float(rng.uniform(0, 6.28)))
        dark, seen = draw_frame(plain_view(lens, 0), [(vehicle, pose)], Light())
        bright, _ = draw_frame(plain_view(lens, 255), [(vehicle, pose)], Light())
        painted = (bright.astype(int) - dark).max(axis=2) <= 128
        if not seen:
            assert painted.mean() < 0.01
            continue
        rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
        silhouette = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], np.float64)
        assert iou(silhouette, np.array([seen[0].box], np.float64))[0, 0] >= 0.95


def test_visible_masks_are_disjoint_and_a_hidden_vehicle_has_no_box(lens: Lens) -> None:
    rng = np.random.default_rng(1)
    bus, car, far = random_vehicle(rng, 1, "bus"), random_vehicle(rng, 2, "hatchback"), random_vehicle(rng, 3, "sedan")
    _, seen = draw_frame(
        plain_view(lens), [(far, Pose(8, 14, 0.2)), (car, Pose(0, 2, 0)), (bus, Pose(0, -3, 0))], Light()
    )
    assert {s.vehicle.id for s in seen} == {1, 3}
    _, both = draw_frame(plain_view(lens), [(car, Pose(0, 2, 0)), (far, Pose(2.5, -1, 0.0))], Light())
    canvas = np.zeros((SIZE[1], SIZE[0]), int)
    for item in both:
        x0, y0, x1, y1 = item.box
        canvas[y0:y1, x0:x1] += item.mask
    assert canvas.max() == 1
    assert min(s.visible for s in both) < 0.999


def test_a_long_vehicle_beside_a_short_one_is_ordered_by_place_not_by_centre() -> None:
    # A bus along the x axis; its centre is farther from the eye than the car's, yet it hides the car behind its front.
    eye = np.array([6.0, -12.0])
    bus, car = (0.0, 0.0, 0.0, 6.0, 1.25), (5.0, 3.0, 0.0, 2.2, 0.9)
    assert painters_order(np.array([bus, car]), eye) == [1, 0]
    centres = [np.hypot(p[0] - eye[0], p[1] - eye[1]) for p in (bus, car)]
    assert centres[0] < centres[1]
    near_tail = (
        -5.2,
        -3.0,
        0.0,
        2.2,
        0.9,
    )  # before the bus's tail: farther from the eye by centre, but it hides the bus
    assert painters_order(np.array([bus, near_tail]), eye) == [0, 1]
    assert np.hypot(near_tail[0] - eye[0], near_tail[1] - eye[1]) > centres[0]


def test_a_vehicle_behind_the_camera_is_not_drawn(lens: Lens) -> None:
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    assert draw_vehicle(image, random_vehicle(np.random.default_rng(0), 1), Pose(0, -40, 1.0), lens, Light()) is None
    assert not image.any()
