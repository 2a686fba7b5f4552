"""Attention pictures: the map lies where the network looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reid.figures.attention import Look, attend, dotted, draw_attention, draw_views, overlay, peaks
from tests.reid.recipes import tiny_network


def test_overlay_is_red_where_attention_is_highest_and_leaves_the_image_where_lowest() -> None:
    attention = np.full((8, 8), 0.5, np.float32)
    attention[6, 1] = 3
    covered = overlay(np.full((80, 160, 3), 128, np.uint8), attention).astype(int)
    assert covered.shape == (80, 160, 3)
    row, column = np.unravel_index((covered[..., 0] - covered[..., 2]).argmax(), (80, 160))
    assert (60 <= row < 70, 20 <= column < 40) == (True, True)
    assert covered[5, 150].tolist() == [128, 128, 128]


def test_flat_map_does_not_divide_by_zero() -> None:
    assert np.isfinite(overlay(np.zeros((8, 8, 3), np.uint8), np.ones((4, 4), np.float32))).all()


def test_numbers_of_a_look() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    assert Look(np.ones((10, 10), np.float32), picture).half_area == pytest.approx(0.5)
    one = np.zeros((10, 10), np.float32)
    one[3, 3] = 100
    assert Look(one, picture).peak == 100
    assert Look(one, picture).half_area == pytest.approx(0.01)


def test_sheet_of_two_networks(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for number, path in enumerate(paths):
        Image.fromarray(np.full((20 + number, 50, 3), 80 * number, np.uint8)).save(path)
    looks = [attend(tiny_network(None, variant=variant), paths) for variant in ("geometric", "full")]
    assert all(look.map.shape == (4, 4) for line in looks for look in line)
    assert all(look.map.mean() == pytest.approx(1, abs=1e-5) for line in looks for look in line)
    assert [look.overlay.shape for look in looks[0]] == [(20, 50, 3), (21, 50, 3), (22, 50, 3)]
    sheet = draw_attention(paths, ["GB + GFB", "full"], looks)
    assert sheet.width > 3 * 160
    assert sheet.height > 3 * 160


def test_points_stand_on_the_local_maxima() -> None:
    attention = np.ones((8, 8), np.float32)
    attention[2, 6], attention[5, 1], attention[5, 2] = 4, 3, 2  # the last one is beside a higher one
    assert peaks(attention).tolist() == [[2, 6], [5, 1]]
    drawn = dotted(np.full((80, 160, 3), 128, np.uint8), attention)
    assert drawn[50, 130].tolist() == [255, 0, 0]
    assert drawn[110, 30].tolist() == [255, 0, 0]
    assert (drawn != 128).any(axis=2).mean() < 0.01


def test_a_row_per_vehicle_with_its_views_side_by_side(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        Image.fromarray(np.full((20, 20, 3), 50 + 60 * number, np.uint8)).save(path)
    looks = [[Look(np.ones((4, 4), np.float32), np.full((20, 20, 3), row, np.uint8)) for row in range(3)]]
    sheet = np.asarray(draw_views([("vehicle 1", paths[:2]), ("vehicle 2", paths[2:])], ["full"], looks))
    row, cell = 160 + 6, 2 * 160 + 12
    at = [(100, 200), (100, 200 + cell), (100 + row, 200)]
    assert [sheet[y, x].tolist() for y, x in at] == [[50] * 3, [110] * 3, [170] * 3]
    assert [sheet[y, x + 160].tolist() for y, x in at] == [[0] * 3, [1] * 3, [2] * 3]
    assert sheet[100 + row, 200 + cell].tolist() == [255] * 3
