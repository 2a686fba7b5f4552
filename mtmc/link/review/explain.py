"""Why each link was made: its evidence, what it was preferred to, and which evidence decided.

Shape shorthand: P candidate pairs, E chosen links.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtmc.link.evidence.ground_overlap import GroundMatches
from mtmc.link.evidence.views import ViewPairs, Views
from mtmc.link.learning.em import Learned
from mtmc.link.learning.view_model import ViewScores
from mtmc.structures import Double, Long, Mask, TrackletTable

EVIDENCE = ("appearance", "time", "path", "size", "kind", "place", "ground")
"""Columns of evidence in links.parquet. MODEL.md has the equation of each: path is the route, kind the label's class,
place where a fragment begins."""
SOURCES = ("chain", "views", "ground", "bridge")
"""Where a link's probability comes from (MODEL.md): follower of a chain, one vehicle in two views, calibrated ground; a
bridge only spans what other links hold together, and is as probable as these."""
NO_TRACK = -1
MOST_PRIOR = 0.27
"""The fraction of candidates that are links is surely less: log-odds of -1."""

Columns = dict[str, NDArray[np.generic]]


def explain_links(learned: Learned, chosen: Long, least_probability: float) -> Columns:
    """Columns of the reasons table for the chosen pairs (E,), but for the vehicle.

    Evidence stands as log-likelihood ratios in natural logarithms, ``prior`` as the log-odds of a candidate about which
    nothing else is known, ``margin`` likewise: by how much all evidence together exceeds what the link needed.
    ``decisive`` names the evidence without which (all of it together) the link would not have been made. The runner-up
    is the likeliest other link of either end; camera "" and track -1 where there is none.
    """
    pairs, prior = learned.pairs, prior_log_odds(learned.probability)
    rival = runners_up(pairs.source, pairs.target, learned.probability, chosen)
    evidence = {kind: values[chosen] for kind, values in learned.evidence.items()}
    evidence["path"] = evidence["path"] - prior
    probability = learned.probability[chosen]
    return {
        "source": np.full(len(chosen), "chain"),
        **_ends(learned.table, pairs.source[chosen], pairs.target[chosen], pairs.seconds[chosen]),
        **_decision(evidence, log_odds(probability), probability, least_probability),
        "cosine": learned.cosine[chosen],
        "prior": np.full(len(chosen), prior),
        **evidence,
        **_rivals(learned.table, pairs.source, pairs.target, learned.probability, chosen, rival),
    }


def explain_matches(table: TrackletTable, matches: GroundMatches, least_probability: float) -> Columns:
    """The same columns for matches on the ground (E,): the ground decided, with or without appearance, and nobody else
    was possible."""
    count, evidence = len(matches), matches.evidence()
    seconds = table.start_s[matches.target] - table.end_s[matches.source]
    return {
        "source": np.full(count, "ground"),
        **_ends(table, matches.source, matches.target, seconds),
        **_decision(evidence, matches.log_odds(), matches.probability(), least_probability),
        "cosine": matches.cosine,
        "prior": matches.prior(),
        **{kind: evidence.get(kind, np.zeros(count)) for kind in EVIDENCE},
        **_no_rival(count),
    }


def explain_views(table: TrackletTable, views: Views, pairs: ViewPairs, scored: ViewScores, chosen: Long) -> Columns:
    """The same columns for chosen pairs of views (E,), each under the first tracklet of its views; the runner-up is the
    likeliest other view of the other's camera."""
    source, target = (views.row[end] for end in pairs.in_time())
    prior, count = prior_log_odds(scored.probability), len(chosen)
    evidence = {kind: values[chosen] for kind, values in scored.evidence.items()}
    evidence["path"] = evidence["path"] - prior
    probability = scored.probability[chosen]
    rival = runners_up(*pairs.ends(views, len(table.cameras)), scored.probability, chosen)
    return {
        "source": np.full(count, "views"),
        **_ends(table, source[chosen], target[chosen], pairs.gap_s[chosen]),
        **_decision(evidence, log_odds(probability), probability, scored.least_probability),
        "cosine": scored.cosine[chosen],
        "prior": np.full(count, prior),
        **{kind: evidence.get(kind, np.zeros(count)) for kind in EVIDENCE},
        **_rivals(table, source, target, scored.probability, chosen, rival),
    }


def explain_bridges(
    table: TrackletTable, source: Long, target: Long, probability: Double, least_probability: float
) -> Columns:
    """The same columns for tracklets (E,) that only views of other cameras hold together: no evidence of their own."""
    nothing = np.zeros(len(source))
    evidence = dict.fromkeys(EVIDENCE, nothing)
    return {
        "source": np.full(len(source), "bridge"),
        **_ends(table, source, target, table.start_s[target] - table.end_s[source]),
        **_decision(evidence, log_odds(probability), probability, least_probability),
        "cosine": np.full(len(source), np.nan),
        "prior": nothing,
        **evidence,
        **_no_rival(len(source)),
    }


def own_evidence(columns: Mapping[str, NDArray[Any]]) -> Mask:
    """Links (E,) that something speaks for: not those of ``explain_bridges``, which rest on others."""
    spoken = [np.asarray(columns[name]) != 0 for name in ("prior", *EVIDENCE) if name in columns]
    return np.asarray(np.any(spoken, axis=0), np.bool_)


def _no_rival(count: int) -> Columns:
    return {
        "runner_up_camera": np.full(count, "", np.str_),
        "runner_up_track": np.full(count, NO_TRACK, np.int64),
        "runner_up_probability": np.zeros(count),
    }


def _ends(table: TrackletTable, source: Long, target: Long, seconds: Double) -> Columns:
    names = np.array(table.cameras)
    return {
        "from_camera": names[table.camera[source]],
        "from_track": table.track_id[source],
        "to_camera": names[table.camera[target]],
        "to_track": table.track_id[target],
        "seconds": seconds,
    }


def _decision(evidence: Mapping[str, Double], log_odds: Double, probability: Double, least: float) -> Columns:
    margin = log_odds - np.log(least / (1 - least))
    return {"probability": probability, "margin": margin, "decisive": decisive(evidence, margin)}


def log_odds(probability: Double) -> Double:
    """Log-odds (N,) of probabilities, bounded."""
    clipped = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(clipped / (1 - clipped)))


def prior_log_odds(probability: Double) -> float:
    """Log-odds of any candidate pair before its evidence: the fraction of candidates (P,) that are links."""
    fraction = float(probability.mean()) if len(probability) else 0.0
    fraction = min(max(fraction, 1e-6), MOST_PRIOR)
    return float(np.log(fraction / (1 - fraction)))


def decisive(evidence: Mapping[str, Double], margin: Double) -> NDArray[np.str_]:
    """The smallest set of evidence without which the link would fall: the strongest ones, until together they exceed
    the margin.

    Taking evidence away lowers the log-odds of a link by just that much (the messages of its rivals do not depend on
    it).
    """
    kinds, strength = np.array(list(evidence)), np.stack(list(evidence.values()), axis=1)
    order = np.argsort(-strength, axis=1, kind="stable")
    sorted_ = np.maximum(np.take_along_axis(strength, order, axis=1), 0.0)
    needed = np.cumsum(sorted_, axis=1) - sorted_ <= margin[:, None]  # not enough yet without this one
    falls = sorted_.sum(axis=1) > margin
    rows = zip(order, needed & (sorted_ > 0) & falls[:, None], strict=True)
    return np.array([",".join(kinds[row[take]]) for row, take in rows], np.str_)


def runners_up(source: Long, target: Long, probability: Double, chosen: Long) -> Long:
    """For each chosen pair the likeliest other pair (E,) with the same source or the same target (P,), -1 for none."""
    rival = np.full(len(chosen), NO_TRACK, np.int64)
    best = np.full(len(chosen), -1.0)
    for ends in (source, target):
        rows = np.flatnonzero(np.isin(ends, ends[chosen]))
        order = rows[np.lexsort((-probability[rows], ends[rows]))]
        first = np.searchsorted(ends[order], ends[chosen])
        for step in (0, 1):  # the likeliest of this end, or the second if that is the link itself
            at = np.minimum(first + step, len(order) - 1)
            other = order[at]
            better = (ends[other] == ends[chosen]) & (other != chosen) & (probability[other] > best)
            rival[better], best[better] = other[better], probability[other][better]
    return rival


def _rivals(
    table: TrackletTable, source: Long, target: Long, probability: Double, chosen: Long, rival: Long
) -> Columns:
    """Who the runner-up ``rival`` (E,) of each chosen pair is: the tracklet that would have taken the place of its
    source or its target (P,)."""
    there, pair = rival >= 0, np.maximum(rival, 0)
    row = np.where(source[pair] == source[chosen], target[pair], source[pair])
    names = np.array([*table.cameras, ""])
    return {
        "runner_up_camera": names[np.where(there, table.camera[row], len(table.cameras))],
        "runner_up_track": np.where(there, table.track_id[row], NO_TRACK),
        "runner_up_probability": np.where(there, probability[pair], 0.0),
    }


def sentences(row: Mapping[str, Any]) -> Iterator[str]:
    """One row of the reasons table as lines for people."""
    source, target = (f"{row[f'{end}_camera']} track {row[f'{end}_track']}" for end in ("from", "to"))
    seconds = row["seconds"]
    yield f"{source} -> {target}, " + (f"{seconds:.1f} s later" if seconds >= 0 else f"both for {-seconds:.1f} s")
    yield f"  probability {row['probability']:.3f}, margin {row['margin']:+.1f} over what was needed"
    evidence = ", ".join(f"{kind} {row[kind]:+.1f}" for kind in EVIDENCE if kind in row)
    yield f"  evidence: {evidence}; prior {row['prior']:+.1f}; cosine {row['cosine']:.2f}"
    yield f"  would not stand without {row['decisive'].replace(',', ' and ') or 'the habits of the network alone'}"
    if row["runner_up_track"] == NO_TRACK:
        yield "  runner-up: none, no other tracklet was possible"
    else:
        name = f"{row['runner_up_camera']} track {row['runner_up_track']}"
        yield f"  runner-up: {name}, probability {row['runner_up_probability']:.3f}"
