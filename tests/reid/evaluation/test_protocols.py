from __future__ import annotations

import numpy as np
import pytest

from reid.datasets import GalleryTrack
from reid.evaluation.protocols import image_to_track, random_galleries, track_features
from reid.evaluation.ranking import Embedded
from tests.reid.naive import naive_rank


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def random_tracks(seed):
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(60, 5)))
    tracks = [
        GalleryTrack(f"track{t}", int(rng.integers(1, 6)), int(rng.integers(1, 4)), np.arange(3 * t, 3 * t + 3))
        for t in range(20)
    ]
    gallery = Embedded(vectors, np.zeros(60), np.zeros(60))
    query = Embedded(unit(rng.normal(size=(12, 5))), rng.integers(1, 6, 12), rng.integers(1, 4, 12))
    return query, gallery, tracks


@pytest.mark.parametrize("rule", ["correct", "released"])
def test_track_map_equals_a_naive_loop(rule):
    for seed in range(30):
        query, gallery, tracks = random_tracks(seed)
        means = np.array([gallery.vectors[track.images].mean(axis=0) for track in tracks])
        distances = ((query.vectors[:, None].astype(float) - means) ** 2).sum(axis=2)
        cameras = query.camera_ids - (1 if rule == "released" else 0)
        ids = [track.vehicle_id for track in tracks]
        expected, cmc = naive_rank(-distances, query.vehicle_ids, cameras, ids, [track.camera_id for track in tracks])
        found = image_to_track(query, gallery, tracks, rule)
        assert found.mean_ap == pytest.approx(expected, abs=1e-6)
        np.testing.assert_allclose(found.cmc, cmc, atol=1e-6)


def test_a_track_is_the_mean_of_its_images_not_made_unit_again():
    gallery = Embedded(unit(np.array([[1.0, 0], [0, 1.0]])), np.zeros(2), np.zeros(2))
    found = track_features(gallery.vectors, [GalleryTrack("t", 4, 2, np.array([0, 1]))])
    np.testing.assert_allclose(found.vectors, [[0.5, 0.5]])
    assert (found.vehicle_ids.tolist(), found.camera_ids.tolist()) == ([4], [2])


def test_the_released_slip_keeps_the_own_camera_and_loses_the_one_before():
    """Query in camera 2. Right: its own track is junk. Released: it stays (rank 1), and the answer in camera 1 is
    dropped."""
    gallery = Embedded(unit(np.array([[1, 0.0], [0.5, 0.5], [0.8, 0.3]])), np.zeros(3), np.zeros(3))
    tracks = [
        GalleryTrack("own", 7, 2, np.array([0])),
        GalleryTrack("answer", 7, 1, np.array([1])),
        GalleryTrack("other", 3, 1, np.array([2])),
    ]
    query = Embedded(unit(np.array([[1, 0.0]])), np.array([7]), np.array([2]))
    correct, released = (image_to_track(query, gallery, tracks, rule) for rule in ("correct", "released"))
    assert correct.mean_ap == pytest.approx(0.5)
    assert released.mean_ap == pytest.approx(1.0)
    assert "as released" in released.protocol
    assert "released" not in correct.protocol


def test_random_galleries_of_a_perfect_and_of_a_useless_feature():
    ids = np.repeat(np.arange(20), 3)
    perfect = Embedded(np.eye(20, dtype=np.float32)[ids], ids, np.zeros(60))
    scores = random_galleries(perfect)
    assert (scores.trials, scores.rank1, scores.mean_ap) == (10, (1.0, 0.0), (1.0, 0.0))
    same = Embedded(np.ones((60, 2), np.float32), ids, np.zeros(60))
    mean, deviation = random_galleries(same).rank1
    assert mean == pytest.approx(1 / 20)  # ties in gallery order: only the first vehicle's queries are answered
    assert deviation == pytest.approx(0.0)


def test_random_galleries_against_a_loop():
    rng = np.random.default_rng(5)
    ids = rng.integers(0, 8, 40)
    pool = Embedded(unit(rng.normal(size=(40, 4))), ids, np.zeros(40))
    found = random_galleries(pool, trials=1, seed=3)
    from reid.datasets.vehicleid import draw_gallery

    asking, answering = draw_gallery(ids, np.random.default_rng(3))
    scores = pool.vectors[asking] @ pool.vectors[answering].T
    mean_ap, cmc = naive_rank(scores, ids[asking], np.zeros(len(asking)), ids[answering], np.ones(len(answering)))
    assert found.mean_ap[0] == pytest.approx(mean_ap)
    assert found.rank1[0] == pytest.approx(cmc[0])
    assert found.rank5[0] == pytest.approx(cmc[4])


def test_random_galleries_need_a_second_image():
    with pytest.raises(ValueError, match="no query"):
        random_galleries(Embedded(np.eye(3, dtype=np.float32), np.arange(3), np.zeros(3)))
