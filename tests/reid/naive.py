"""The protocols as plain loops over one query and one gallery item at a time, written from their definitions: the
oracle."""

from __future__ import annotations

import numpy as np


def naive_rank(scores, query_ids, query_cameras, gallery_ids, gallery_cameras, max_rank=50):
    """(mAP, CMC) of a full score matrix (Q, G), higher is more alike, ties in gallery order."""
    precisions, hits_at = [], np.zeros(max_rank)
    for row, (vehicle, camera) in enumerate(zip(query_ids, query_cameras, strict=True)):
        order = sorted(range(len(gallery_ids)), key=lambda column, row=row: (-scores[row][column], column))
        ranking = [
            gallery_ids[j] == vehicle for j in order if gallery_ids[j] != vehicle or gallery_cameras[j] != camera
        ]
        if not any(ranking):
            continue
        found = 0
        total = 0.0
        for place, right in enumerate(ranking, start=1):
            if right:
                found += 1
                total += found / place
                if found == 1:
                    hits_at[place - 1 :] += 1
        precisions.append(total / found)
    return np.mean(precisions), hits_at / len(precisions)


def naive_rerank(query, gallery, k1, k2, weight):
    """Re-ranked distances (Q, G), dense, step by step from the paper: expanded reciprocal sets, averaged, Jaccard."""
    vectors = np.concatenate([query, gallery]).astype(np.float64)
    count = len(vectors)
    squared = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    relative = squared / squared.max(axis=1, keepdims=True)
    order = np.argsort(squared, axis=1, kind="stable")

    def mutual(item, k):
        return {j for j in order[item, : k + 1] if item in order[j, : k + 1]}

    described = np.zeros((count, count))
    for item in range(count):
        own = mutual(item, k1)
        wider = set(own)
        for other in own:
            half = mutual(other, round(k1 / 2))
            if len(half & own) > 2 / 3 * len(half):
                wider |= half
        columns = sorted(wider)
        described[item, columns] = np.exp(-relative[item, columns])
        described[item] /= described[item].sum()
    described = np.array([described[order[item, :k2]].mean(axis=0) for item in range(count)])
    distances = np.zeros((len(query), len(gallery)))
    for i in range(len(query)):
        for j in range(len(gallery)):
            own, other = described[i], described[len(query) + j]
            jaccard = 1 - np.minimum(own, other).sum() / np.maximum(own, other).sum()
            distances[i, j] = (1 - weight) * jaccard + weight * relative[i, len(query) + j]
    return distances
