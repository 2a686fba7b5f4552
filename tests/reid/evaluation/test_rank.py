from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reid.evaluation.ranking
from reid.evaluation.ranking import Embedded, euclidean, evaluate, first_answers, query_blocks
from tests.reid.naive import naive_rank


def random_case(seed):
    """A gallery with ties (few distinct scores, whole numbers), junk (query's own camera), distractors (ids nobody asks
    for)."""
    rng = np.random.default_rng(seed)
    queries, items = int(rng.integers(1, 9)), int(rng.integers(2, 60))
    levels = int(rng.choice([1, 2, 4, 50]))
    vehicles = int(rng.integers(1, 6))

    def some(count, first_id):
        vectors = rng.integers(-levels, levels + 1, (count, 3)).astype(np.float32)
        return Embedded(vectors, rng.integers(first_id, vehicles + 1, count), rng.integers(0, 3, count))

    query, gallery = some(queries, 1), some(items, -1)
    query.vehicle_ids[0], query.camera_ids[0] = 1, 0
    gallery.vehicle_ids[0], gallery.camera_ids[0] = 1, 1
    return query, gallery


@pytest.mark.parametrize("few", [0, 32])  # answers looked up in sorted scores, or counted
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_equals_a_naive_loop_on_200_random_galleries(distance, few, monkeypatch):
    monkeypatch.setattr(reid.evaluation.ranking, "FEW", few)
    monkeypatch.setattr(reid.evaluation.ranking, "BLOCK_BYTES", 1000)  # several blocks per gallery
    for seed in range(200):
        query, gallery = random_case(seed)
        scores = query.vectors @ gallery.vectors.T
        if distance == "euclidean":
            scores = -((query.vectors[:, None] - gallery.vectors) ** 2).sum(axis=2)
        found = evaluate(query, gallery, scorer=euclidean(query, gallery) if distance == "euclidean" else None)
        mean_ap, cmc = naive_rank(scores, query.vehicle_ids, query.camera_ids, gallery.vehicle_ids, gallery.camera_ids)
        assert found.mean_ap == pytest.approx(mean_ap, abs=1e-12), seed
        np.testing.assert_allclose(found.cmc, cmc, atol=1e-12, err_msg=str(seed))


def items(vehicles, cameras, scores):
    return Embedded(np.array(scores, np.float32)[:, None], np.array(vehicles), np.array(cameras))


def test_by_hand():
    query = items([7], [1], [1.0])
    # ranking:          right, junk, wrong, distractor, right
    gallery = items([7, 7, 3, 0, 7], [2, 1, 2, 2, 3], [0.9, 0.8, 0.7, 0.6, 0.5])
    scores = evaluate(query, gallery)
    assert scores.mean_ap == pytest.approx((1 / 1 + 2 / 4) / 2)
    assert scores.rank(1) == 1.0


def test_ties_keep_gallery_order():
    query = items([7], [1], [1.0])
    assert evaluate(query, items([3, 7], [2, 2], [0.5, 0.5])).mean_ap == pytest.approx(0.5)
    assert evaluate(query, items([7, 3], [2, 2], [0.5, 0.5])).mean_ap == pytest.approx(1.0)


def test_junk_that_ties_with_the_answer_takes_no_place():
    scores = evaluate(items([7], [1], [1.0]), items([7, 7], [1, 2], [0.5, 0.5]))
    assert scores.mean_ap == 1.0


def test_queries_without_an_answer_are_skipped_not_zero():
    query = items([7, 8, 9], [1, 1, 1], [1, 1, 1])
    scores = evaluate(query, items([7, 9], [2, 1], [0.5, 0.4]))  # 8 is nowhere, 9 only in its own camera
    assert (scores.queries, scores.skipped) == (1, 2)
    assert np.isnan(scores.average_precision).tolist() == [False, True, True]
    assert scores.mean_ap == 1.0


def test_no_answer_at_all():
    with pytest.raises(ValueError, match="no query has a right answer"):
        evaluate(items([7], [1], [1.0]), items([8], [2], [1.0]))


def test_gallery_smaller_than_the_last_rank():
    scores = evaluate(items([7], [1], [1.0]), items([3, 7], [2, 2], [0.6, 0.5]), max_rank=10)
    assert scores.cmc.tolist() == [0.0] + [1.0] * 9
    assert scores.rank(99) == 1.0


def test_vectors_must_be_finite_and_labelled():
    with pytest.raises(ValueError, match="finite"):
        items([1], [1], [np.nan])
    with pytest.raises(ValueError, match="vehicle ids"):
        items([1, 2], [1, 1], [0.5])


def test_first_answers_skip_junk_and_keep_order():
    query = items([7], [1], [1.0])
    gallery = items([7, 3, 7, 4], [1, 2, 2, 2], [0.9, 0.5, 0.5, 0.7])
    (answers,) = first_answers(query, gallery, 10)
    assert answers.tolist() == [3, 1, 2]
    (answers,) = first_answers(query, gallery, 2)
    assert answers.tolist() == [3, 1]


def test_blocks_cover_every_query_once():
    for queries, gallery in ((1, 1), (1678, 11_579), (5, 10**9), (0, 5)):
        covered = [row for rows in query_blocks(queries, gallery) for row in range(queries)[rows]]
        assert covered == list(range(queries))


def peak_bytes(gallery_size):
    rng = np.random.default_rng(0)
    query = Embedded(rng.normal(size=(64, 8)), rng.integers(0, 9, 64), rng.integers(0, 4, 64))
    gallery = Embedded(
        rng.normal(size=(gallery_size, 8)), rng.integers(0, 9, gallery_size), rng.integers(0, 4, gallery_size)
    )
    tracemalloc.start()
    evaluate(query, gallery)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_scratch_memory_is_flat_in_gallery_size(monkeypatch):
    monkeypatch.setattr(reid.evaluation.ranking, "BLOCK_BYTES", 2**20)
    small, large = peak_bytes(5_000), peak_bytes(50_000)
    assert large < 1.6 * small
    assert large < 4 * 2**20


seeds = st.integers(0, 10**6)


@given(seeds)
def test_names_do_not_matter(seed):
    query, gallery = random_case(seed)
    renamed = [Embedded(part.vectors, 1000 - part.vehicle_ids, part.camera_ids * 7 + 3) for part in (query, gallery)]
    apart = gallery.vehicle_ids >= 0  # -1 is no name but nobody
    renamed[1] = renamed[1].take(apart)
    np.testing.assert_array_equal(evaluate(query, gallery.take(apart)).cmc, evaluate(*renamed).cmc)


@given(seeds)
def test_junk_changes_nothing(seed):
    """The queries themselves, put into the gallery: same vehicle, same camera."""
    query, gallery = random_case(seed)
    alone = Embedded(query.vectors[:1], query.vehicle_ids[:1], query.camera_ids[:1])
    both = [
        np.concatenate([getattr(alone, name), getattr(gallery, name)])
        for name in ("vectors", "vehicle_ids", "camera_ids")
    ]
    assert evaluate(alone, Embedded(*both)).mean_ap == evaluate(alone, gallery).mean_ap


@given(seeds)
def test_a_distractor_never_helps(seed):
    query, gallery = random_case(seed)
    rng = np.random.default_rng(seed)
    distractor = Embedded(rng.integers(-9, 9, (1, 3)).astype(np.float32), np.array([0]), np.array([1]))
    both = [
        np.concatenate([getattr(distractor, name), getattr(gallery, name)])
        for name in ("vectors", "vehicle_ids", "camera_ids")
    ]
    assert evaluate(query, Embedded(*both)).mean_ap <= evaluate(query, gallery).mean_ap


def test_nobody_is_not_the_same_as_nobody():
    with pytest.raises(ValueError, match="no query"):
        evaluate(items([-1], [1], [1.0]), items([-1], [2], [1.0]))
