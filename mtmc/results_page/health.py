"""How a run looks without any truth: what its own numbers say of it, with what each means and whether it is unusual.

``mtmc report`` shows it as a light with its reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from mtmc.link.review.consistency import Contradictions
from mtmc.link.review.proposals import Looks

LINKED_RIGHT = (1.014, -0.558, -0.911, -0.312)
"""Constant, weights of doubt, of missing and of looking apart: least squares for IDF1 on 20 runs of simulated
tracklets, levels 1 to 5, seeds 2000 to 2003. `scripts/bench_health` shows the rank correlation on 60 others: .889, of
which hardly any is within a level, and .503 on ten rendered runs, whose detector and tracker lose more than links do.
"""
SHORT_S = 1.0
FAST_KMH = 160.0
STATES = ("good", "look", "bad")

State = Literal["good", "look", "bad"]


@dataclass(frozen=True, slots=True)
class Sign:
    """One number: what it is called, its value in words, what it means, and how it stands."""

    name: str
    value: str
    meaning: str
    state: State


def linked_right(looks: Looks, against: Contradictions, boxes: int) -> float:
    """Estimate of IDF1 given true tracklets, from the doubt in the links made, the look-alikes not linked and the
    tracklets of one vehicle that look apart, in [0, 1]."""
    made = looks.made > 0
    shares = [float(looks.gain[rows].sum()) / max(boxes, 1) for rows in (made, ~made)]
    return float(np.clip(np.dot(LINKED_RIGHT, [1.0, *shares, against.apart]), 0.0, 1.0))


def examine(
    looks: Looks | None,
    against: Contradictions,
    visits: pa.Table,
    lengths_s: Sequence[float],
    hours: float,
    cameras: Mapping[str, float | None],
) -> dict[str, Any]:
    """The light and its signs, ready for JSON.

    Args:
        looks: the review queue; None where the linker tells no probabilities.
        against: what the vehicles say against themselves.
        visits: the table of visits.
        lengths_s: seconds that each tracklet lasts.
        hours: length of the run.
        cameras: by id the learned error of the clock in seconds, None where it is not known.
    """
    signs = [
        *link_signs(looks, against, int(np.asarray(visits["boxes"].to_numpy()).sum())),
        *_tracks(visits, lengths_s, hours, len(cameras)),
        *_places(visits),
        *_clocks(cameras),
    ]
    if visits.num_rows == 0:
        meaning = "Nothing was detected, or nothing stayed: look at the videos, the masks and the detector."
        signs = [Sign("vehicles", "none", meaning, "bad")]
    worst = max((STATES.index(sign.state) for sign in signs), default=0)
    return {"light": STATES[worst], "signs": [asdict(sign) for sign in signs]}


def _state(value: float, look: float, bad: float) -> State:
    """Higher is worse."""
    return "bad" if value >= bad else "look" if value >= look else "good"


def link_signs(looks: Looks | None, against: Contradictions, boxes: int) -> list[Sign]:
    """What the links say of themselves, for a run of so many boxes."""
    if looks is None:
        meaning = "This linker tells no probabilities, so nobody can say how sure its vehicles are."
        return [Sign("links", "unknown", meaning, "look"), *_contradictions(against)]
    right = linked_right(looks, against, boxes)
    made = looks.made > 0
    doubt, missing = (float(looks.gain[rows].sum()) / max(boxes, 1) for rows in (made, ~made))
    return [
        Sign(
            "linked right",
            f"{right:.0%}",
            "What the next three suggest for IDF1 with true tracklets; learned on simulated ones.",
            _state(1 - right, 0.05, 0.2),
        ),
        Sign(
            "doubt in links",
            f"{doubt:.1%} of boxes",
            "Boxes on the wrong vehicle if the links' own probabilities hold.",
            _state(doubt, 0.02, 0.08),
        ),
        Sign(
            "links missing",
            f"{missing:.1%} of boxes",
            "Boxes of vehicles that end where a look-alike begins.",
            _state(missing, 0.05, 0.15),
        ),
        *_contradictions(against),
    ]


def _contradictions(against: Contradictions) -> list[Sign]:
    return [
        Sign(
            "looking apart",
            f"{against.apart:.1%} of boxes",
            "Cycle consistency: tracklets that only others hold together and that look like different vehicles.",
            _state(against.apart, 0.1, 0.3),
        ),
        Sign(
            "in two places",
            f"{against.twice:.1%} of boxes",
            "Conflicts: vehicles in two cameras at once that others need time between.",
            _state(against.twice, 0.005, 0.03),
        ),
    ]


def _tracks(visits: pa.Table, lengths_s: Sequence[float], hours: float, cameras: int) -> list[Sign]:
    lengths = np.asarray(lengths_s, np.float64)
    short = float((lengths < SHORT_S).mean()) if len(lengths) else 0.0
    pieces = 1 - visits.num_rows / max(len(lengths), 1)
    rate = len(lengths) / max(hours * 60 * cameras, 1e-9)
    known, counts = np.unique(visits["vehicle_id"].to_numpy(), return_counts=True)
    alone = float((counts == 1).mean()) if len(known) else 0.0
    once = Sign(
        "seen once",
        f"{alone:.0%} of vehicles",
        "Vehicles that only pass one camera, and those never linked.",
        _state(alone, 0.7, 0.95),
    )
    return [
        Sign(
            "tracks in pieces",
            f"{pieces:.0%}",
            "Tracklets beyond one for each stay in a camera: tracks that broke.",
            _state(pieces, 0.15, 0.35),
        ),
        Sign(
            "short tracks",
            f"{short:.0%} under {SHORT_S:.0f} s",
            "False boxes and broken tracks are short.",
            _state(short, 0.15, 0.4),
        ),
        Sign("tracks a minute", f"{rate:.1f} per camera", "Compare it with the traffic that you see.", "good"),
        *([once] if cameras > 1 else []),
    ]


def _places(visits: pa.Table) -> list[Sign]:
    speeds = np.asarray(visits["speed_kmh"].to_numpy(zero_copy_only=False), np.float64)
    speeds = speeds[np.isfinite(speeds)]
    if len(speeds) == 0:
        return []
    fast = float((speeds > FAST_KMH).mean())
    meaning = "Stays faster than a car drives: a wrong calibration, frame rate or track."
    return [Sign("impossible speeds", f"{fast:.1%} over {FAST_KMH:.0f} km/h", meaning, _state(fast, 0.01, 0.05))]


def _clocks(cameras: Mapping[str, float | None]) -> list[Sign]:
    unknown = [name for name, error in cameras.items() if error is None]
    if not unknown:
        return []
    meaning = "Nothing ties these cameras' clocks to the others, so their travel times mean little."
    return [Sign("clocks unknown", ", ".join(unknown), meaning, "look")]
