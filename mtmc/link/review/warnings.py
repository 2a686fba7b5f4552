"""What could not be learned, said in full sentences."""

from __future__ import annotations

import numpy as np

from mtmc.link.learning.em import Learned
from mtmc.link.model.camera_network import CameraNetwork
from mtmc.link.model.topology_graph import camera_groups, direct_transitions
from mtmc.structures import Mask, TrackletTable

FEW_TRACKLETS = 30
"""Fewer teach no camera network."""
ROUGH_CLOCK_S = 1.0
"""Twice the standard error of a found clock (95 % of errors are smaller) above which it is said how rough it is."""
LEAST_SPREAD = 0.05
"""Mean distance of features from their mean below which all are alike."""
LEAST_INFORMATIVE = 1.0
"""Range of the evidence of appearance (natural log) below which appearance tells next to nothing."""


def warnings_of(learned: Learned, table: TrackletTable, clock_known: Mask, joined: Mask) -> tuple[str, ...]:
    """Sentences about what the tracklets were too few, too alike or too far apart to show; ``joined`` (C,): cameras
    that share vehicles with others in the end, be it that calibrated ground showed it."""
    network = learned.network
    if len(table) == 0:
        return ("There are no tracklets to link.",)
    if len(network.cameras) < 2:
        return ("There is only one camera: pieces of one passage are joined, nothing else can be linked.",)
    found = [
        _few(table),
        _alike(learned),
        _apart(network, table, joined),
        _lost(network, clock_known),
        _rough(network, clock_known),
    ]
    found += [
        f"The clock of {network.cameras[step.camera]} seems to jump by {step.by_s:+.1f} s at {step.at_s:.0f} s of its "
        "own time; it was put back."
        for step in learned.clock_steps
    ]
    return tuple(sentence for sentence in found if sentence)


def _few(table: TrackletTable) -> str:
    if len(table) >= FEW_TRACKLETS:
        return ""
    return f"Only {len(table)} tracklets: too few to learn a camera network from; links rest on prior belief."


def _alike(learned: Learned) -> str:
    features = learned.features[learned.table.quality > 0]
    if len(features) < 3:
        return "Most tracklets have no appearance; links rest on time and place alone."
    spread = float(np.linalg.norm(features - features.mean(axis=0), axis=1).mean())
    evidence = learned.network.likelihoods.appearance.value
    if spread > LEAST_SPREAD and float(evidence.max() - evidence.min()) > LEAST_INFORMATIVE:
        return ""
    return "All vehicles look alike to the embedder: appearance tells nothing; links rest on time and place alone."


def _apart(network: CameraNetwork, table: TrackletTable, joined: Mask) -> str:
    group = camera_groups(direct_transitions(network), len(network.cameras))
    alone = [
        name
        for c, name in enumerate(network.cameras)
        if (group == group[c]).sum() == 1 and not joined[c] and (table.camera == c).any()
    ]
    if not alone:
        return ""
    names = ", ".join(alone)
    return f"No vehicles could be seen to go between {names} and any other camera within the travel times looked for."


def _lost(network: CameraNetwork, known: Mask) -> str:
    lost = np.flatnonzero(~known & ~np.isfinite(network.clock_error_s))
    if len(lost) == 0:
        return ""
    names = ", ".join(network.cameras[c] for c in lost)
    return (
        f"The clock of {names} could not be found (it takes traffic in both directions to another camera); travel "
        "times to it include its offset."
    )


def _rough(network: CameraNetwork, known: Mask) -> str:
    error = network.clock_error_s
    rough = np.flatnonzero(~known & np.isfinite(error) & (2 * error > ROUGH_CLOCK_S))
    if len(rough) == 0:
        return ""
    names = ", ".join(f"{network.cameras[c]} (±{2 * error[c]:.1f} s)" for c in rough)
    return f"The clock of {names} is known only roughly: few vehicles went both ways, or their travel times vary much."
