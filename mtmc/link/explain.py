"""Why each link was made: its evidence, what it was preferred to, and which evidence decided.

Shape shorthand: P candidate pairs, E chosen links.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtmc.link.evidence.ground_overlap import Sightings
from mtmc.link.learning.em import Learned
from mtmc.structures import Double, Long, TrackletTable

NOBODY = -1


def explain_links(learned: Learned, chosen: Long, least_probability: float) -> dict[str, NDArray[np.generic]]:
    """Columns of the reasons table for the chosen pairs (E,), but for the vehicle.

    Evidence stands as log-likelihood ratios in natural logarithms, ``prior`` as the log-odds of a candidate about which nothing else is
    known, ``margin`` likewise: by how much all evidence together exceeds what
    the link needed. ``decisive`` names the evidence without which (all of it
    together) the link would not have been made. The runner-up is the likeliest
    other link of either end; camera "" and track -1 where there is none.
    """
    pairs, table = learned.pairs, learned.table
    source, target = pairs.source[chosen], pairs.target[chosen]
    probability = np.clip(learned.probability[chosen], 1e-12, 1 - 1e-12)
    margin = np.log(probability / (1 - probability)) - np.log(least_probability / (1 - least_probability))
    evidence = {kind: values[chosen] for kind, values in learned.evidence.items()}
    prior = prior_log_odds(learned)
    evidence["path"] = evidence["path"] - prior
    rival = runners_up(learned, chosen)
    return {
        **_named(table, source, "from"),
        **_named(table, target, "to"),
        "seconds": pairs.seconds[chosen],
        "probability": learned.probability[chosen],
        "margin": margin,
        "decisive": decisive(evidence, margin),
        "cosine": learned.cosine[chosen],
        "prior": np.full(len(chosen), prior),
        **evidence,
        **_rivals(learned, chosen, rival),
    }


def prior_log_odds(learned: Learned) -> float:
    """Log-odds of any candidate pair before its evidence: the share of candidates that are links, surely less than one in three."""
    share = float(learned.probability.mean()) if len(learned.probability) else 0.0
    share = min(max(share, 1e-6), 0.27)
    return float(np.log(share / (1 - share)))


def _named(table: TrackletTable, rows: Long, end: str) -> dict[str, NDArray[np.generic]]:
    names = np.array(table.cameras)
    return {f"{end}_camera": names[table.camera[rows]], f"{end}_track": table.track_id[rows]}


def runners_up(learned: Learned, chosen: Long) -> Long:
    """For each chosen pair the likeliest other pair (E,) with the same source or the same target, -1 for none."""
    pairs, probability = learned.pairs, learned.probability
    rival = np.full(len(chosen), NOBODY, np.int64)
    best = np.full(len(chosen), -1.0)
    for ends in (pairs.source, pairs.target):
        order = np.lexsort((-probability, ends))
        first = np.searchsorted(ends[order], ends[chosen])
        for step in (0, 1):  # the likeliest of this end, or the second if that is the link itself
            at = np.minimum(first + step, len(order) - 1)
            other = order[at]
            better = (ends[other] == ends[chosen]) & (other != chosen) & (probability[other] > best)
            rival[better], best[better] = other[better], probability[other][better]
    return rival


def _rivals(learned: Learned, chosen: Long, rival: Long) -> dict[str, NDArray[np.generic]]:
    """Who the runner-up is: the tracklet that would have taken the place of the link's source or target."""
    pairs, table = learned.pairs, learned.table
    there = rival >= 0
    pair = np.maximum(rival, 0)
    if len(pairs) == 0:
        row = np.zeros(0, np.int64)
    else:
        row = np.where(pairs.source[pair] == pairs.source[chosen], pairs.target[pair], pairs.source[pair])
    names = np.array([*table.cameras, ""])
    probability = learned.probability[pair] if len(pairs) else np.zeros(0)
    return {
        "runner_up_camera": names[np.where(there, table.camera[row], len(table.cameras))],
        "runner_up_track": np.where(there, table.track_id[row], NOBODY),
        "runner_up_probability": np.where(there, probability, 0.0),
    }


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


def reasons(
    table: TrackletTable, sightings: Sightings, like: dict[str, NDArray[np.generic]], least_probability: float
) -> dict[str, NDArray[np.generic]]:
    """Rows of the reasons table for sightings, with the columns of ``like``: the ground decided, with or without looks."""
    names, evidence = np.array(table.cameras), sightings.evidence()
    margin = sightings.log_odds() - np.log(least_probability / (1 - least_probability))
    known: dict[str, NDArray[np.generic]] = {
        "from_camera": names[table.camera[sightings.source]],
        "from_track": table.track_id[sightings.source],
        "to_camera": names[table.camera[sightings.target]],
        "to_track": table.track_id[sightings.target],
        "seconds": table.start_s[sightings.target] - table.end_s[sightings.source],
        "probability": sightings.probability(),
        "margin": margin,
        "decisive": decisive(evidence, margin),
        "cosine": sightings.cosine,
        "prior": sightings.prior(),
        **evidence,
    }
    return {name: known.get(name, _blank(name, column, len(sightings))) for name, column in like.items()}


def _blank(name: str, column: NDArray[np.generic], count: int) -> NDArray[np.generic]:
    """Nothing to say: no rival, evidence 0."""
    nobody = -1 if name.endswith("_track") else 0
    return np.full(count, "" if column.dtype.kind in "US" else nobody, column.dtype)
