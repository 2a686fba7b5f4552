"""How long after a vehicle's view in one camera its view in another is due: learned from the vehicles that both cameras
share, and before they share enough expected by the delays of both to others.

Shape shorthand: V views, P pairs, C cameras.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.sparse.csgraph import connected_components

from mtmc.link.evidence.views import ViewPairs, Views
from mtmc.structures import Double, Mask

# Halved and doubled they change mean IDF1 (scripts/bench_link_constants, seeds 101 and 102, where a tracker's
# residential25 of 60 s moves most): LATE_S -.001, -.057, WAITING .000, -.015, DELAY_WEIGHT -.014, -.019, WAY_S +.001,
# -.013; the others by less than .01 (EARLY_S on these seeds, the rest on 101).
EARLY_S, LATE_S = 6.0, 20.0
"""Scales of the prior of a gap, an exponential to each side of 0: shared seconds, and seconds out of sight; wider by
the standard error of learned clocks, or of the delay that is expected."""
WAITING, LONGEST_WAIT_S = 0.05, 300.0
"""Fraction of vehicles that wait in view, for any time up to so long."""
DELAY_WEIGHT = 3.0
"""Pairs of views that the prior of a delay is worth."""
LEAST_PAIRS = 2
"""Pairs of views of two cameras from which a delay is learned; and likely ones of all cameras without which nothing is
linked at first: a single look-alike is what chance gives."""
LEAST_DEVIATION_S, LEAST_WIDTH_S = 0.3, 0.4
"""Deviation of a delay, added, and width of its kernel at least: what boxes and clocks allow."""
LEAST_REST = 1e-6
"""Of a way's say what others have to have in it: less is rounding."""
WAY_S = 10.0
"""Standard deviation of the delay of one way against what those around it say."""


def log_delays(views: Views, pairs: ViewPairs, cameras: int) -> Double:
    """log density (P,) of the delay between two views, per second.

    Of start to start, end to end, and end to start either way the one that varies least between two cameras counts:
    where they overlap, waiting does not move the first two. What stands says nothing of delays: any time is as good.
    """
    prior = _prior(views, pairs, cameras)
    a, b = pairs.a, pairs.b
    moving = pairs.moving(views)
    density = np.log(np.where(moving, prior, 1 / LONGEST_WAIT_S))
    delays = (
        views.start_s[b] - views.start_s[a],
        views.end_s[b] - views.end_s[a],
        views.start_s[b] - views.end_s[a],
        views.end_s[b] - views.start_s[a],
    )
    for rows in pairs.by_cameras(views, cameras, np.flatnonzero(moving)):
        same = pairs.same[rows]
        if same.sum() >= LEAST_PAIRS:
            spread, delay = min(((deviation(d[rows][same]), d[rows]) for d in delays), key=lambda found: found[0])
            density[rows] = _log_learned(delay, same, spread, prior[rows])
    return density


def deviation(delay: Double) -> float:
    """Half the width of the middle two thirds of some delays, and what boxes and clocks allow."""
    low, high = np.quantile(delay, (0.16, 0.84))
    return float(high - low) / 2 + LEAST_DEVIATION_S


def _log_learned(delay: Double, same: Mask, spread: float, prior: Double) -> Double:
    """log of a kernel density of the delays of same pairs, each pair itself left out, beside the prior (P,)."""
    width = max(0.9 * spread * float(same.sum()) ** -0.2, LEAST_WIDTH_S)
    step = width / 4
    low = float(delay[same].min()) - 6 * width
    bins = int(np.ceil((float(delay[same].max()) + 6 * width - low) / step))
    at = (delay - low) / step
    histogram = np.bincount(at[same].astype(np.int64), minlength=bins).astype(np.float64)
    curve = gaussian_filter1d(histogram, width / step, mode="constant") / step
    found = np.interp(at - 0.5, np.arange(len(curve)), curve, left=0.0, right=0.0)
    others = np.maximum(found - same / (np.sqrt(2 * np.pi) * width), 0.0)
    return np.asarray(np.log((others + DELAY_WEIGHT * prior) / (same.sum() - same + DELAY_WEIGHT)))


def _prior(views: Views, pairs: ViewPairs, cameras: int) -> Double:
    """Density (P,) of a delay before the two cameras share enough: by how far the views lie apart, if the clocks agree,
    and by how far they lie from where the ways around lead, if there are any: half by the one and half by the other."""
    even = 1 / (EARLY_S + LATE_S + 2 * pairs.slack_s)
    prior = np.where(pairs.slack_s > 0, even, _of_gap(pairs.gap_s, pairs.error_s))
    expected, error = expected_delays(views, pairs, cameras)
    one, other, _ = pairs.cameras(views, cameras)
    delay, error_s = expected[one, other], error[one, other]
    tied = np.isfinite(error_s)
    a, b, delay = pairs.a[tied], pairs.b[tied], delay[tied]
    start, end = views.start_s[b] - delay, views.end_s[b] - delay
    gap = np.where(start >= views.start_s[a], start - views.end_s[a], views.start_s[a] - end)
    around, agree = _of_gap(gap, error_s[tied]), pairs.slack_s[tied] == 0
    prior[tied] = np.where(agree, (prior[tied] + around) / 2, around)
    return prior


def _of_gap(gap_s: Double, error_s: Double) -> Double:
    """Density of a gap (P,) that is known to within a standard error."""
    early_s, late_s = np.hypot(EARLY_S, error_s), np.hypot(LATE_S, error_s)
    scale = np.where(gap_s < 0, early_s, late_s)
    moving = np.exp(-np.abs(gap_s) / scale) / (early_s + late_s)
    return np.asarray((1 - WAITING) * moving + WAITING / LONGEST_WAIT_S)


def expected_delays(views: Views, pairs: ViewPairs, cameras: int) -> tuple[Double, Double]:
    """How much later (C, C) a vehicle's view in the second camera lies than in the first, clocks and all, by the ways
    around: least squares over all pairs of cameras that share ``LEAST_PAIRS`` vehicles, for each pair without what it
    says itself; and the standard errors (C, C), inf where no other way leads from one to the other.

    Leaving one way out of a network of resistors: of its conductance w times its resistance R the rest is 1 - w R.
    """
    one, other, key = pairs.cameras(views, cameras)
    same = pairs.same & pairs.moving(views)
    shared = np.flatnonzero(same & (np.bincount(key, same)[key] >= LEAST_PAIRS))
    middle = (views.start_s + views.end_s) / 2
    weight, delay = np.zeros((cameras, cameras)), np.zeros((cameras, cameras))
    for rows in pairs.by_cameras(views, cameras, shared):
        found = middle[pairs.b[rows]] - middle[pairs.a[rows]]
        way = one[rows[0]], other[rows[0]]
        weight[way] = 1 / (WAY_S**2 + deviation(found) ** 2 / len(rows))
        delay[way] = np.median(found)
    weight, delay = weight + weight.T, delay - delay.T
    part = connected_components(weight > 0, directed=False)[1]
    together = part[:, None] == part[None, :]
    inverse = np.linalg.inv(np.diag(weight.sum(axis=0)) - weight + together)  # of each part, but for a constant
    place = inverse @ (weight * delay).sum(axis=0)
    resistance = np.diag(inverse)[:, None] + np.diag(inverse)[None, :] - 2 * inverse
    rest = 1 - weight * resistance
    around = together & (rest > LEAST_REST)
    rest = np.where(around, rest, 1.0)
    expected = (place[None, :] - place[:, None] - (1 - rest) * delay) / rest
    error = np.where(around, np.sqrt(np.maximum(resistance, 0.0) / rest), np.inf)
    return np.where(around, expected, 0.0), error
