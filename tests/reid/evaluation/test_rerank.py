from __future__ import annotations

import numpy as np
import pytest

import reid.evaluation.ranking
import reid.evaluation.rerank
from reid.errors import UserError
from reid.evaluation.ranking import Embedded, evaluate
from reid.evaluation.rerank import Reciprocal, reciprocal
from tests.reid.naive import naive_rerank


def clustered(seed, queries=8, items=40, vehicles=6, spread=0.6):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(vehicles, 16))

    def some(count, camera):
        ids = rng.integers(0, vehicles, count)
        vectors = centres[ids] + spread * rng.normal(size=(count, 16))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Embedded(vectors, ids, np.full(count, camera))

    return some(queries, 0), some(items, 1)


@pytest.mark.parametrize("options", [Reciprocal(6, 3, 0.3), Reciprocal(10, 1, 0.0), Reciprocal(20, 6, 0.5)])
def test_equals_the_dense_definition(options, monkeypatch):
    monkeypatch.setattr(reid.evaluation.ranking, "BLOCK_BYTES", 2000)
    for seed in range(5):
        query, gallery = clustered(seed)
        expected = naive_rerank(query.vectors, gallery.vectors, options.k1, options.k2, options.weight)
        score = reciprocal(query, gallery, options)
        found = -np.concatenate([score(slice(0, 5)), score(slice(5, 8))])
        np.testing.assert_allclose(found, expected, atol=2e-6)


def test_helps_where_neighbourhoods_are_real():
    query, gallery = clustered(3, queries=60, items=200, vehicles=12, spread=1.1)
    plain = evaluate(query, gallery)
    reranked = evaluate(query, gallery, scorer=reciprocal(query, gallery), protocol=Reciprocal().name)
    assert reranked.mean_ap > plain.mean_ap
    assert "re-ranked" in reranked.protocol


def test_fewer_items_than_neighbours():
    query, gallery = clustered(1, queries=2, items=3)
    assert np.isfinite(reciprocal(query, gallery)(slice(0, 2))).all()


def test_more_neighbours_averaged_than_found_are_refused() -> None:
    assert Reciprocal(k1=5, k2=6).k2 == 6
    with pytest.raises(ValueError, match=r"k2 must be in 1\.\.k1 \+ 1 = 6, got 7"):
        Reciprocal(k1=5, k2=7)


def test_more_than_can_be_compared_each_with_each_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(reid.evaluation.rerank, "MOST_ITEMS", 47)
    query, gallery = clustered(1, queries=8, items=40)
    with pytest.raises(UserError, match="at most 47 images, found 48, of which each would be compared with each"):
        reciprocal(query, gallery)
