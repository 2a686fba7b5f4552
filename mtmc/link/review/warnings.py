"""What could not be learned, said in full sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtmc.link.learning.em import Learned
from mtmc.link.model.camera_network import CameraNetwork
from mtmc.link.model.topology_graph import camera_groups, direct_transitions
from mtmc.link.problem import Links
from mtmc.link.review.explain import EVIDENCE
from mtmc.structures import Long, Mask, TrackletTable

FEW_TRACKLETS = 30
"""Fewer teach no camera network."""
ROUGH_CLOCK_S = 2.0
"""Twice the standard error of a found clock (95 % of errors are smaller) above which it is said how rough it is."""
LEAST_SPREAD = 0.05
"""Mean distance of features from their mean below which all are alike."""
LEAST_INFORMATIVE = 1.0
"""Range of the evidence of appearance (natural log) below which appearance tells next to nothing."""
LEAST_SHARED = 0.05
"""Share of a camera's tracklets below which it sees other vehicles than the others do, or is linked badly."""
LEAST_SEEN = 1.0
"""Evidence (natural log) of all that was seen of a pair below which a link rests on the prior and on its rivals."""
SEEN = tuple(name for name in EVIDENCE if name != "path")
MOST_NAMED = 5
"""Names in a sentence."""


def warnings_of(learned: Learned, table: TrackletTable, clock_known: Mask, links: Links) -> tuple[str, ...]:
    """Sentences about what the tracklets were too few, too alike or too far apart to show, and about which of the
    ``links`` to look at."""
    network = learned.network
    if len(table) == 0:
        return ("There are no tracklets to link.",)
    if len(network.cameras) < 2:
        return ("There is only one camera: pieces of one passage are joined, nothing else can be linked.",)
    found = [
        _few(table),
        _alike(learned),
        _apart(network, table, links),
        hardly_shared(table, links),
        joined_once(table, links),
        on_priors_alone(table, links),
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
    features = learned.looks.whitened[learned.table.quality > 0]
    if len(features) < 3:
        return "Most tracklets have no appearance; links rest on time and place alone."
    spread = float(np.linalg.norm(features - features.mean(axis=0), axis=1).mean())
    evidence = learned.network.likelihoods.appearance.value
    if spread > LEAST_SPREAD and float(evidence.max() - evidence.min()) > LEAST_INFORMATIVE:
        return ""
    return "All vehicles look alike to the embedder: appearance tells nothing; links rest on time and place alone."


def _apart(network: CameraNetwork, table: TrackletTable, links: Links) -> str:
    group, shared = camera_groups(direct_transitions(network), len(network.cameras)), _shared(table, links)
    alone = [
        name
        for c, name in enumerate(network.cameras)
        if (group == group[c]).sum() == 1 and not shared[c] and (table.camera == c).any()
    ]
    if not alone:
        return ""
    names = ", ".join(alone)
    return f"No vehicles could be seen to go between {names} and any other camera within the travel times looked for."


def hardly_shared(table: TrackletTable, links: Links) -> str:
    """Names cameras of which next to no tracklet is linked with another camera's."""
    shared, all_ = _shared(table, links), np.bincount(table.camera, minlength=len(table.cameras))
    few = np.flatnonzero((shared > 0) & (all_ >= FEW_TRACKLETS) & (shared < LEAST_SHARED * all_))
    if len(few) == 0:
        return ""
    names = _named([f"{table.cameras[c]} ({shared[c]} of {all_[c]} tracklets)" for c in few])
    return f"Hardly any vehicle is shared with other cameras by {names}: look at those links (`mtmc explain`)."


def joined_once(table: TrackletTable, links: Links) -> str:
    """Names pairs of cameras between which one link was made."""
    ends = _ends_across(table, links)
    pairs, count = np.unique(np.sort(table.camera[ends], axis=0), axis=1, return_counts=True)
    single = pairs[:, count == 1]
    if single.shape[1] == 0:
        return ""
    names = _named([" and ".join(table.cameras[c] for c in pair) for pair in single.T])
    verb = "pair of cameras is" if single.shape[1] == 1 else "pairs of cameras are"
    return f"{single.shape[1]} {verb} joined by one link only, which may be chance: {names}."


def on_priors_alone(table: TrackletTable, links: Links) -> str:
    """Says how many links between cameras stand though what was seen hardly speaks for them."""
    across = _across(table, links)
    seen = np.sum([np.nan_to_num(links.columns[name].astype(float)) for name in SEEN], axis=0)
    alone = int(np.sum(across & (seen < LEAST_SEEN) & (links.columns["source"] != "bridge")))
    if alone == 0:
        return ""
    of = f"{alone} of {int(across.sum())} links between cameras"
    return f"{of} rest on prior belief: what was seen hardly speaks for them."


def _across(table: TrackletTable, links: Links) -> Mask:
    """Which links (E,) are between different cameras."""
    return np.asarray(table.camera[links.source] != table.camera[links.target])


def _ends_across(table: TrackletTable, links: Links) -> Long:
    """Rows (2, E) of the tracklets that links between different cameras join."""
    return np.stack([links.source, links.target])[:, _across(table, links)]


def _shared(table: TrackletTable, links: Links) -> Long:
    """Tracklets (C,) of each camera that are linked with another camera's."""
    return np.bincount(table.camera[np.unique(_ends_across(table, links))], minlength=len(table.cameras))


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


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
