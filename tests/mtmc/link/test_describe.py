"""From tracklets and embeddings to the table, and through ``link``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtmc.link import describe, link
from mtmc.scene import Camera, Scene
from mtmc.structures import Embeddings, Tracklet

CAMERAS = {
    name: Camera(name, Path(f"{name}.mp4"), 10.0, 1000, (1000, 500), offset_s=o) for name, o in (("a", 0.0), ("b", 5.0))
}
SCENE = Scene("two", CAMERAS)


def tracklet(camera: str, track: int, first: int, count: int = 6) -> Tracklet:
    """A box of 20 x 50 pixels that moves 10 pixels a frame to the right, its bottom centre from (10, 100)."""
    frames = np.arange(first, first + count)
    left = 10.0 * np.arange(count)
    xyxy = np.stack([left, np.full(count, 50.0), left + 20, np.full(count, 100.0)], axis=1)
    return Tracklet(camera, track, frames, xyxy, np.ones(count), 0)


def embeddings(tracks: list[int], vectors: list[list[float]], quality: list[float]) -> Embeddings:
    return Embeddings(np.array(vectors), np.array(tracks), np.arange(len(tracks)), np.array(quality))


def test_times_places_and_speeds() -> None:
    table = describe(SCENE, [tracklet("b", 7, 20)], {})
    assert (table.start_s[0], table.end_s[0]) == (7.0, 7.5)  # offset 5 s + frame / 10 per second
    assert table.entry_xy[0] == pytest.approx([0.01, 0.2])
    assert table.exit_xy[0] == pytest.approx([0.06, 0.2])
    assert table.entry_velocity[0] == pytest.approx([0.1, 0.0])
    assert table.exit_velocity[0] == pytest.approx([0.1, 0.0])
    assert table.size[0] == pytest.approx(np.sqrt(1000 / 500_000))


def test_feature_is_the_mean_weighted_by_quality() -> None:
    crops = embeddings([1, 1], [[1, 0], [0, 1]], [0.9, 0.3])
    table = describe(SCENE, [tracklet("a", 1, 0), tracklet("a", 2, 0)], {"a": crops})
    assert table.features[0] == pytest.approx(np.array([3, 1]) / np.sqrt(10))
    assert table.quality.tolist() == pytest.approx([0.6, 0.0])
    assert not table.features[1].any()  # no crop


@pytest.mark.parametrize("count", [0, 1, 2])
def test_link_gives_every_tracklet_one_vehicle(count: int) -> None:
    tracklets = [tracklet("a", 1, 0), tracklet("b", 1, 0)][:count]
    vehicles = link(SCENE, tracklets, {})
    assert sorted(t.key for v in vehicles for t in v.tracklets) == [t.key for t in tracklets]


def test_one_box() -> None:
    table = describe(SCENE, [tracklet("a", 1, 0, count=1)], {})
    assert not table.entry_velocity.any()
