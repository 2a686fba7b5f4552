"""Features that mean the same in every camera: without the camera's own bias, and whitened by what varies within one
vehicle.

Shape shorthand: T tracklets, D feature size, C cameras, P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from mtmc.structures import Double, Float, Long, TrackletTable

# Insensitive within x2: halving or doubling one changes mean IDF1 by less than .01 (scripts/bench_link_constants, seed
# 101), but for BIAS_WEIGHT (+.021, -.009 on seeds 101 and 102), LEAST_LINKS (-.006, -.026). FEW and PARTS are of no use
# to those worlds.
BIAS_WEIGHT = 5.0
"""A camera's mean is trusted once it rests on more tracklets than this."""
SURE = 0.9
"""Links at least this probable show what varies within one vehicle."""
LEAST_LINKS, MOST_LINKS = 12, 20_000
"""Sure links below which nothing is learned, and above which more teach nothing new."""
FEW, PARTS = 0.09, 5
"""Links fewer than this fraction of the dimensions, as in runs of minutes, tell next to nothing of others, and are
explained away: whitened by its own, a vehicle would look far more alike in its views than any other ever will. Then
each is whitened by what those of other parts say. (At .25 hamlet6 of a tracker loses .019, seeds 101 to 108.)"""
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


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Features (T, D) without camera bias: ``plain``, and ``whitened`` as they are compared; and the ``matrix`` (D, D)
    that whitens others, None before there is one."""

    plain: Float
    whitened: Float
    matrix: Float | None = None

    def of_others(self, features: Float) -> Float:
        """Features (N, D) without camera bias as they compare with these."""
        return features if self.matrix is None else projected(features, self.matrix)

    def taught(self, source: Long, target: Long, probability: Double) -> Looks:
        """Whitened by what sure links show to vary within one vehicle; as before where there is next to nothing to
        learn from."""
        sure = np.flatnonzero(probability >= SURE)[:MOST_LINKS]
        size = self.plain.shape[1]
        if len(sure) < LEAST_LINKS or size < 2:
            return self
        one, other = source[sure], target[sure]
        if len(sure) < FEW * size:
            matrix = within_class_whitening(_differences(self.plain, one, other))
            return Looks(self.plain, _by_others(self.plain, one, other, matrix), matrix)
        further = within_class_whitening(_differences(self.whitened, one, other))
        matrix = further if self.matrix is None else self.matrix @ further
        return Looks(self.plain, projected(self.whitened, further), matrix)


def _differences(features: Float, one: Long, other: Long) -> Double:
    return (features[one] - features[other]).astype(np.float64)


def _by_others(features: Float, one: Long, other: Long, matrix: Float) -> Float:
    """Features (T, D) through ``matrix``, those of linked vehicles through what the links of other parts say."""
    whitened, count = projected(features, matrix), len(features)
    links = sparse.coo_array((np.ones(len(one)), (one, other)), shape=(count, count))
    part = connected_components(links, directed=False)[1] % PARTS
    linked = np.union1d(one, other)
    for number in range(PARTS):
        mine, others = linked[part[linked] == number], part[one] != number
        theirs = within_class_whitening(_differences(features, one[others], other[others]))
        whitened[mine] = projected(features[mine], theirs)
    return whitened


def within_class_whitening(differences: Double) -> Float:
    """Matrix (D, D) that whitens ``differences`` (L, D) between views of one vehicle, so that directions that vary
    within vehicles count less (within-class covariance normalisation, Hatch et al. 2006).

    The covariance is shrunk towards a round one, wholly where links are fewer than dimensions.
    """
    count, size = differences.shape
    values, directions = _principal(differences)
    shrink = size / (size + count)
    floor = shrink * float(values.sum()) / size
    values = (1 - shrink) * values + floor
    # eigenvalues below the median are raised to it: directions of little variance are not amplified
    median = float(np.median(np.concatenate([values, np.full(size - len(values), floor)])))
    least = max(median, 1e-9)
    beyond = 1 / np.sqrt(np.maximum(values, least)) - 1 / np.sqrt(least)
    return np.asarray(np.eye(size) / np.sqrt(least) + (directions * beyond) @ directions.T, np.float32)


def _principal(differences: Double) -> tuple[Double, Double]:
    """Eigenvalues (K,) and directions (D, K) of the covariance about zero of differences (L, D), from the smaller of
    the two products; those that are not among them are zero."""
    count, size = differences.shape
    if count >= size:
        return np.linalg.eigh(differences.T @ differences / count)
    values, mixtures = np.linalg.eigh(differences @ differences.T)
    seen = values > 1e-12 * values.sum()
    directions = differences.T @ mixtures[:, seen] / np.sqrt(values[seen])
    return values[seen] / count, directions


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
