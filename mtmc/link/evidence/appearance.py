"""Features that mean the same in every camera: without the camera's own bias, and whitened by what varies within one
vehicle.

Shape shorthand: T tracklets, D feature size, C cameras, P pairs.
"""

from __future__ import annotations

import numpy as np

from mtmc.structures import Double, Float, Long, TrackletTable

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101), but for BIAS_WEIGHT (-.002, -.010), LEAST_LINKS (+.007, -.027).
BIAS_WEIGHT = 5.0
"""A camera's mean is trusted once it rests on more tracklets than this."""
SURE = 0.9
"""Links at least this probable show what varies within one vehicle."""
LEAST_LINKS, MOST_LINKS = 12, 20_000
"""Sure links below which nothing is learned, and above which more teach nothing new."""
PCA_SAMPLE = 20_000
"""Tracklets on which principal directions are fitted."""
BLOCK = 65_536
"""Rows projected at once: bounds memory."""


def without_camera_bias(table: TrackletTable) -> Float:
    """Unit features (T, D) after taking away most of each camera's mean; zero rows stay zero."""
    features = table.features.astype(np.float32, copy=True)
    order = np.argsort(table.camera, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(table.camera[order])) + 1):
        seen = rows[table.quality[rows] > 0]
        if len(seen):
            mine = features[seen]
            features[seen] = unit(mine - mine.mean(axis=0) * (len(seen) / (len(seen) + BIAS_WEIGHT)))
    return features


def unit(features: Float) -> Float:
    """Rows made unit; zero rows stay zero."""
    norm = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(np.divide(features, norm, out=np.zeros_like(features), where=norm > 1e-9), np.float32)


def within_class_whitening(features: Float, source: Long, target: Long, probability: Double) -> Float | None:
    """Matrix (D, D) that whitens the differences of sure links, so that directions that vary within one vehicle count
    less (within-class covariance normalisation, Hatch et al. 2006); None where there is next to nothing to learn from.

    The covariance is shrunk towards a round one, wholly where links are fewer than dimensions.
    """
    sure = np.flatnonzero(probability >= SURE)[:MOST_LINKS]
    size = features.shape[1]
    if len(sure) < LEAST_LINKS or size < 2:
        return None
    differences = (features[source[sure]] - features[target[sure]]).astype(np.float64)
    within = differences.T @ differences / len(sure)
    shrink = size / (size + len(sure))
    within = (1 - shrink) * within + shrink * np.trace(within) / size * np.eye(size)
    values, vectors = np.linalg.eigh(within)
    # eigenvalues below the median are raised to it: directions of little variance are not amplified
    values = np.maximum(values, max(float(np.median(values)), 1e-9))
    return np.asarray((vectors / np.sqrt(values)) @ vectors.T, np.float32)


def projected(features: Float, matrix: Float) -> Float:
    """Features (T, D) through a matrix (D, E), made unit again; in blocks."""
    result = np.empty((len(features), matrix.shape[1]), np.float32)
    for begin in range(0, len(features), BLOCK):
        result[begin : begin + BLOCK] = unit(features[begin : begin + BLOCK] @ matrix)
    return result


def principal_directions(table: TrackletTable, size: int) -> tuple[Float, float]:
    """Principal directions (D, size) of the features within cameras, and the fraction of their variance that is kept,
    in [0, 1]; fitted on a sample of the run."""
    rows = np.arange(0, len(table), max(len(table) // PCA_SAMPLE, 1))
    sample = without_camera_bias(table.take(rows))
    values, vectors = np.linalg.eigh(sample.T.astype(np.float64) @ sample)
    return vectors[:, ::-1][:, :size].astype(np.float32), float(values[::-1][:size].sum() / values.sum())
