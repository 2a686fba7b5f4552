"""Light and sensor: shadows stay on the ground, lamps shine at dusk, a perfect sensor changes nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mtmc.synth.render.frames import draw_frame
from mtmc.synth.render.ground import shade_map
from mtmc.synth.render.lens import Lens, looking_at
from mtmc.synth.render.sensor import Developer, Sensor
from mtmc.synth.render.shading import Light
from mtmc.synth.render.view import View
from mtmc.synth.scene import SynthParams, light_of
from mtmc.synth.vehicles.identity import random_vehicle
from mtmc.synth.vehicles.pose import Pose

SIZE = (480, 270)
CAR = random_vehicle(np.random.default_rng(4), 1, "sedan")


def road(ground: int = 255) -> View:
    """A grey plane; ``ground`` 255 where it may take shadows and light."""
    lens: Lens = looking_at((0, -16, 6.5), (0, 0), 60, SIZE)
    grey = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    shape = SIZE[1], SIZE[0]
    return View(lens, grey, np.full(shape, ground, np.uint8), np.zeros(shape, np.int32), shade_map((0, 0), 10, 1, []))


def outside_the_car(view: View, light: Light) -> np.ndarray:
    """Brightness of the pixels that show no part of the car, not even its soft edge."""
    image, (seen,) = draw_frame(view, [(CAR, Pose(0, 0, 0.3))], light)
    x0, y0, x1, y1 = seen.box
    car = np.zeros(image.shape[:2], np.uint8)
    car[y0:y1, x0:x1] = seen.mask
    return np.asarray(image.max(axis=2)[cv2.dilate(car, np.ones((5, 5), np.uint8)) == 0])


def test_shadows_darken_bare_ground_only() -> None:
    assert outside_the_car(road(), Light()).min() < 60
    assert outside_the_car(road(ground=0), Light()).min() == 90


def test_the_sun_casts_more_shadow_than_a_grey_sky() -> None:
    sunny = (outside_the_car(road(), Light(sun=(-0.6, -0.55, 0.58))) < 70).sum()
    grey = (outside_the_car(road(), Light(sun_power=0.0)) < 70).sum()
    assert sunny > 1.3 * grey


def test_headlamps_light_the_road_at_dusk_and_pools_do_not_add_up() -> None:
    dusk = light_of(SynthParams(light="dusk"), np.random.default_rng(0))
    assert (outside_the_car(road(), dusk) > 120).sum() > 300
    assert (outside_the_car(road(), Light()) > 120).sum() < 60
    one, _ = draw_frame(road(), [(CAR, Pose(0, 0, 0.3))], dusk)
    other = random_vehicle(np.random.default_rng(5), 2, "sedan")
    two, _ = draw_frame(road(), [(CAR, Pose(0, 0, 0.3)), (other, Pose(-7, -2.2, 0.3))], dusk)
    assert two.max() == 255
    assert np.percentile(two, 95) <= np.percentile(one, 95) + 60


@pytest.mark.parametrize(("gains", "channel"), [((1.2, 1.0, 1.0), 0), ((1.0, 1.0, 1.2), 2)])
def test_a_colour_cast_tints_the_picture(gains: tuple[float, float, float], channel: int) -> None:
    picture = np.full((SIZE[1], SIZE[0], 3), 100, np.uint8)
    developed = Developer(Sensor(gains, noise=0.0), SIZE, np.random.default_rng(0)).develop(picture)
    assert developed[..., channel].mean() == pytest.approx(120, abs=1)
    assert np.delete(developed, channel, axis=2).mean() == pytest.approx(100, abs=1)


def test_a_perfect_sensor_changes_nothing_and_noise_has_its_strength() -> None:
    picture = np.random.default_rng(0).integers(40, 200, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    perfect = Developer(Sensor(noise=0.0), SIZE, np.random.default_rng(0))
    np.testing.assert_array_equal(perfect.develop(picture), picture)
    noisy = Developer(Sensor(noise=6.0), SIZE, np.random.default_rng(0)).develop(picture)
    assert np.std(noisy.astype(int) - picture) == pytest.approx(6.0, rel=0.1)


def test_rain_falls_anew_in_each_frame() -> None:
    picture = np.full((SIZE[1], SIZE[0], 3), 80, np.uint8)
    rainy = Developer(Sensor(noise=0.0, rain=0.8), SIZE, np.random.default_rng(0))
    first, second = rainy.develop(picture), rainy.develop(picture)
    assert (first != second).mean() > 0.01
    assert (first.max(axis=2) > 105).mean() > 0.003
