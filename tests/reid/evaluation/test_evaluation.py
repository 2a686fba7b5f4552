from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reid.datasets import UNKNOWN_ID, Dataset, GalleryTrack, ImageSet
from reid.errors import UserError
from reid.evaluation.datasets import embed_test, evaluate_dataset, write_submission
from reid.evaluation.rerank import Reciprocal


def images(prefix, vehicles, cameras):
    return ImageSet(
        tuple(Path(f"{prefix}/{i:06d}.jpg") for i in range(len(vehicles))), np.array(vehicles), np.array(cameras)
    )


def perfect(*sets):
    """An embedding that knows the answer: one axis per vehicle."""
    vehicle_of = {path: vehicle for s in sets for path, vehicle in zip(s.paths, s.vehicle_ids, strict=True)}
    return lambda paths: np.eye(64, dtype=np.float32)[[vehicle_of[path] for path in paths]]


NONE = images("train", [], [])
QUERY = images("query", [1, 2], [1, 1])
GALLERY = images("gallery", [1, 2, 1, 3], [1, 2, 2, 2])


def test_image_to_image_only():
    (figure,) = evaluate_dataset(perfect(QUERY, GALLERY), Dataset("csv", NONE, QUERY, GALLERY))
    assert figure.queries == 2
    assert set(figure.values) == {"mAP", "Top-1", "Top-5", "Top-10", "mINP", "mAP@100"}
    assert set(figure.values.values()) == {1.0}
    assert figure.protocol == "image to image"
    assert not figure.deviations


def test_tracks_add_a_row_and_released_is_named():
    tracks = (GalleryTrack("a", 1, 2, np.array([2])), GalleryTrack("b", 2, 2, np.array([1])))
    data = Dataset("veri776", NONE, QUERY, GALLERY, tracks)
    figures = evaluate_dataset(perfect(QUERY, GALLERY), data, "released")
    assert [figure.protocol for figure in figures] == [
        "image to image",
        "image to track, as released (camera ids off by one)",
    ]


def test_reranking_is_named():
    (figure,) = evaluate_dataset(perfect(QUERY, GALLERY), Dataset("csv", NONE, QUERY, GALLERY), rerank=Reciprocal(2, 1))
    assert figure.protocol == "image to image, k-reciprocal re-ranked (k1 2, k2 1, lambda 0.3)"


def test_pools_are_embedded_once_and_scored_per_size():
    small, large = images("p", [1, 1, 2, 2], [1] * 4), images("p", [1, 1, 2, 2, 3, 3], [1] * 6)
    calls = []

    def embed(paths):
        calls.append(len(paths))
        return perfect(large)(paths)

    data = Dataset("vehicleid", NONE, small, small, pools={"800": small, "1600": large})
    figures = evaluate_dataset(embed, data)
    assert calls == [6]
    assert [figure.queries for figure in figures] == [2, 3]
    assert figures[1].protocol == "test size 1600, mean of 10 random galleries"
    assert figures[1].values["Top-1"] == 1.0
    assert figures[1].deviations["Top-1"] == 0.0


@pytest.mark.parametrize(
    ("query", "gallery", "message"),
    [
        (NONE, GALLERY, "expected query images, found none"),
        (QUERY, NONE, "expected gallery images, found none"),
        (images("q", [1], [1]), images("g", [1], [1]), "same vehicle in another camera"),
        (images("q", [UNKNOWN_ID], [1]), GALLERY, "expected public labels.*--submission"),
    ],
)
def test_tests_that_cannot_be_scored(query, gallery, message):
    with pytest.raises(UserError, match=message):
        evaluate_dataset(perfect(query, gallery), Dataset("csv", NONE, query, gallery))


def test_tracks_without_an_answer_and_vehicles_of_one_image():
    tracks = (GalleryTrack("a", 3, 2, np.array([3])),)
    with pytest.raises(UserError, match="a query with a right answer"):
        evaluate_dataset(perfect(QUERY, GALLERY), Dataset("veri776", NONE, QUERY, GALLERY, tracks))
    single = images("p", [1, 2, 3], [1, 1, 1])
    with pytest.raises(UserError, match="a query with a right answer"):
        evaluate_dataset(perfect(single), Dataset("vehicleid", NONE, single, single, pools={"800": single}))


def test_submission_lists_the_first_hundred_by_number(tmp_path):
    query = images("query", [UNKNOWN_ID] * 2, [1, 1])
    gallery = images("gallery", [UNKNOWN_ID] * 150, [1] * 150)
    vectors = np.random.default_rng(0).normal(size=(152, 8)).astype(np.float32)
    data = Dataset("cityflow", NONE, query, gallery)
    asking, answering = embed_test(lambda paths: vectors, data)
    write_submission(tmp_path / "track2.txt", asking, answering, gallery)
    lines = [[int(word) for word in line.split()] for line in (tmp_path / "track2.txt").read_text().splitlines()]
    assert lines == np.argsort(-(vectors[:2] @ vectors[2:].T), axis=1)[:, :100].tolist()


def test_submission_wants_numbered_images(tmp_path):
    gallery = ImageSet((Path("g/car_1.jpg"),), np.array([1]), np.array([1]))
    asking, answering = embed_test(lambda paths: np.ones((3, 2), np.float32), Dataset("csv", NONE, QUERY, gallery))
    with pytest.raises(UserError, match="car_1"):
        write_submission(tmp_path / "x.txt", asking, answering, gallery)
