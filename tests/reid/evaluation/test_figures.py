"""mINP, mAP@100 and intervals against their definitions; vectors of any model through the same evaluator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reid.datasets import Dataset, ImageSet
from reid.errors import UserError
from reid.evaluation.datasets import evaluate_dataset
from reid.evaluation.ranking import WITHIN, bootstrap, score_ranks
from reid.evaluation.vectors import stored_vectors, write_vectors


def test_inverse_negative_penalty_and_precision_within_the_first_hundred() -> None:
    """One query with answers at ranks 1, 3 and 150, one with 200 answers at even ranks, one without."""
    even = np.arange(2, 401, 2)
    scores = score_ranks([np.array([1, 3, 150]), even, np.array([], int)], 10)
    assert scores.mean_inp == pytest.approx((3 / 150 + 200 / 400) / 2)
    first = (1 + 2 / 3) / 3
    second = sum((place + 1) / rank for place, rank in enumerate(even) if rank <= WITHIN) / WITHIN
    assert scores.mean_ap_within == pytest.approx((first + second) / 2)
    assert scores.first_rank[:2].tolist() == [1, 2]
    assert np.isnan(scores.first_rank[2])


def test_interval_is_that_of_vehicles_not_of_queries() -> None:
    """A hundred vehicles, each all right or all wrong in its ten queries: as uncertain as a hundred coins, not as a
    thousand."""
    rng = np.random.default_rng(1)
    right = rng.random(100) < 0.7
    values, vehicles = np.repeat(right, 10).astype(float), np.repeat(np.arange(100), 10)
    low, high = bootstrap(values, vehicles)
    expected = 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / 100)
    assert low < right.mean() < high
    assert (high - low) / 2 == pytest.approx(expected, rel=0.15)
    assert bootstrap(np.array([0.5, np.nan, 0.5]), np.array([1, 2, 3])) == (0.5, 0.5)


def small(folder: Path) -> Dataset:
    rows = [(folder / f"{vehicle}_{camera}.png", vehicle, camera) for vehicle in range(6) for camera in (1, 2)]
    images = ImageSet.of(rows)
    return Dataset("csv", ImageSet.of([]), images.take(images.camera_ids == 1), images.take(images.camera_ids == 2))


@pytest.mark.parametrize("ending", [".parquet", ".npz"])
def test_stored_vectors_score_as_computed_ones(tmp_path: Path, ending: str) -> None:
    data = small(tmp_path)
    paths = [*data.query.paths, *data.gallery.paths]
    vectors = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    order = np.random.default_rng(1).permutation(12)
    if ending == ".npz":
        names = np.array([f"elsewhere/{paths[row].name}" for row in order])  # found by name
        np.savez(tmp_path / "v.npz", paths=names, vectors=vectors[order])
    else:
        write_vectors(tmp_path / "v.parquet", [paths[row] for row in order], vectors[order], {})
    (stored,) = evaluate_dataset(stored_vectors(tmp_path / f"v{ending}"), data)
    (computed,) = evaluate_dataset(lambda wanted: unit[[paths.index(path) for path in wanted]], data)
    assert stored == computed
    low, high = stored.intervals["mAP"]
    assert low < stored.values["mAP"] < high


def test_mistakes_of_stored_vectors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        stored_vectors(tmp_path / "none.npz")
    (tmp_path / "bad.parquet").write_text("no table")
    with pytest.raises(UserError, match="stored vectors"):
        stored_vectors(tmp_path / "bad.parquet")
    pq.write_table(pa.table({"path": ["a", "b"], "vector": [[1.0], [1.0, 2.0]]}), tmp_path / "uneven.parquet")
    with pytest.raises(UserError, match="vectors of different lengths"):
        stored_vectors(tmp_path / "uneven.parquet")
    np.savez(tmp_path / "short.npz", paths=np.array(["a", "b"]), vectors=np.ones((1, 3)))
    with pytest.raises(UserError, match="2 paths and vectors of shape"):
        stored_vectors(tmp_path / "short.npz")
    np.savez(tmp_path / "twice.npz", paths=np.array(["x/a.png", "y/a.png"]), vectors=np.ones((2, 3)))
    with pytest.raises(UserError, match="2 images of that name"):
        stored_vectors(tmp_path / "twice.npz")([tmp_path / "a.png"])
    with pytest.raises(UserError, match=r"b\.png, found none"):
        stored_vectors(tmp_path / "twice.npz")([tmp_path / "b.png"])
