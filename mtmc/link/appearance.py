"""Features that mean the same in every camera: without the camera's own bias, and with the directions of usual noise turned down.

Shape shorthand: T tracklets, D feature size, C cameras, P pairs.
"""

from __future__ import annotations

import numpy as np

from mtmc.structures import Double, Float, Long, TrackletTable

BIAS_WEIGHT = 5.0
"""A camera's mean is trusted once it rests on more tracklets than this."""
SURE = 0.9
"""Links at least this probable show what noise looks like."""


def without_camera_bias(table: TrackletTable) -> Float:
    """Unit features (T, D) after taking away most of each camera's mean; zero rows stay zero."""
    features = table.features.astype(np.float32, copy=True)
    seen = table.quality > 0
    for camera in range(len(table.cameras)):
        rows = np.flatnonzero((table.camera == camera) & seen)
        if len(rows):
            mean = features[rows].mean(axis=0) * (len(rows) / (len(rows) + BIAS_WEIGHT))
            features[rows] -= mean
    return unit(features)


def unit(features: Float) -> Float:
    """Rows made unit; zero rows stay zero."""
    norm = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(np.divide(features, norm, out=np.zeros_like(features), where=norm > 1e-9), np.float32)


def quieter(features: Float, source: Long, target: Long, probability: Double) -> Float:
    """Features (T, D) whitened by the differences of sure links: directions that vary within one vehicle count less.

    The noise covariance is shrunk towards a round one, wholly where links are fewer than dimensions; returns the features given where
    there is next to nothing to learn from.
    """
    sure = np.flatnonzero(probability >= SURE)
    size = features.shape[1]
    if len(sure) < 30 or size < 2:
        return features
    differences = (features[source[sure]] - features[target[sure]]).astype(np.float64)
    noise = differences.T @ differences / len(sure)
    shrink = min(size / (size + len(sure)), 1.0)
    noise = (1 - shrink) * noise + shrink * np.trace(noise) / size * np.eye(size)
    values, vectors = np.linalg.eigh(noise)
    values = np.maximum(values, np.median(values))
    return unit((features @ (vectors / np.sqrt(values)) @ vectors.T).astype(np.float32))
