"""Which evidence decided a link. Shape shorthand: E links."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtmc.structures import Double


def decisive(evidence: dict[str, Double], margin: Double) -> NDArray[np.str_]:
    """The smallest set of evidence without which the link would fall: the strongest ones, until together they exceed the margin.

    Taking evidence away lowers the log-odds of a link by just that much (the messages of its rivals do not depend on it).
    """
    kinds, strength = np.array(list(evidence)), np.stack(list(evidence.values()), axis=1)
    order = np.argsort(-strength, axis=1, kind="stable")
    sorted_ = np.maximum(np.take_along_axis(strength, order, axis=1), 0.0)
    needed = np.cumsum(sorted_, axis=1) - sorted_ <= margin[:, None]  # not enough yet without this one
    falls = sorted_.sum(axis=1) > margin
    rows = zip(order, needed & (sorted_ > 0) & falls[:, None], strict=True)
    return np.array([",".join(kinds[row[take]]) for row, take in rows], np.str_)
