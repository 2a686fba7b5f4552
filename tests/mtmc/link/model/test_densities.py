"""Log-likelihood ratios learned from samples."""

from __future__ import annotations

import numpy as np

from mtmc.link.model.densities import GaussianPrior, fit_log_ratio


def test_evidence_of_a_score_rises_and_has_the_right_sign() -> None:
    random = np.random.default_rng(0)
    score = np.concatenate([random.normal(0.7, 0.1, 500), random.normal(0.1, 0.1, 5000)])
    same = np.concatenate([np.ones(500), np.zeros(5000)])
    ratio = fit_log_ratio(score, same, (GaussianPrior(0.5, 0.2, 4), GaussianPrior(0, 0.2, 4)), (-1.0, 1.0), rising=True)
    assert (np.diff(ratio.value) >= 0).all()
    assert ratio(np.array([0.7]))[0] > 3
    assert ratio(np.array([0.1]))[0] < -3
    assert ratio(np.array([np.nan]))[0] == 0
    # both densities equal where the two normals cross
    assert abs(ratio(np.array([0.4]))[0]) < 1.0
