"""Weights of other trainings under our names: the released SGFD whole, and what stands behind the backbone in fast-reid
and the strong baseline (BoT).

Names come as `weight_files` gives them, without their wrappers. torchreid's networks are backbones only. fast-reid
pools its stem without padding, so that features of its weights come close to its own, not equal.
"""

from __future__ import annotations

from reid.errors import UserError
from reid.model.weight_files import Weights

_RESNET = {0: "conv1", 1: "bn1", 4: "layer1", 5: "layer2", 6: "layer3", 7: "layer4"}
"""Places of a ResNet's layers in the released sequences."""
RELEASED = {
    **{f"shallow_branch.{place}.": f"stem.{_RESNET[place]}." for place in (0, 1, 4, 5)},
    **{f"global_branch.{place}.": f"global_tail.layer{place + 3}." for place in (0, 1)},
    **{f"attention_branch.{place}.": f"geometric_tail.layer{place + 3}." for place in (0, 1)},
    **{f"kp_branch.model.{place}.": f"attention_encoder.{layer}." for place, layer in _RESNET.items()},
    "bottleneck_kp.": "heads.gfb.neck.",
    "bottleneck_global.": "heads.gb.neck.",
}
"""Beginnings of the released SGFD's names, and ours."""
FOR_TRAINING = ("classifier_kp.", "classifier_global.", "kp_branch.aux_classifier.")
HEADS = {
    "heads.bottleneck.0.": "heads.gb.neck.",
    "heads.bnneck.": "heads.gb.neck.",
    "bottleneck.": "heads.gb.neck.",
    "heads.pool_layer.p": "heads.gb.power",
}
"""Necks, and the power of GeM, of fast-reid (new and old) and BoT."""


def released_sgfd(weights: Weights, where: str) -> Weights | None:
    """A released SGFD under our names, its classifiers and rotation branch left out; None for other weights.

    Raises UserError for a layer that the published network does not have.
    """
    if not any(name.startswith("shallow_branch.") for name in weights):
        return None
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith(FOR_TRAINING)}
    ours = _renamed(kept, RELEASED)
    if len(ours) < len(kept):
        odd = next(name for name in kept if not name.startswith(tuple(RELEASED)))
        raise UserError(where, "the layers of the published SGFD", odd, "Use the published network's weights.")
    return ours


def heads(weights: Weights) -> Weights:
    """Neck and power of the global branch under our names, as far as the weights have them."""
    return {
        name: tensor.reshape(()) if name.endswith("power") else tensor
        for name, tensor in _renamed(weights, HEADS).items()
    }


def _renamed(weights: Weights, names: dict[str, str]) -> Weights:
    return {
        ours + name.removeprefix(theirs): tensor
        for name, tensor in weights.items()
        for theirs, ours in names.items()
        if name.startswith(theirs)
    }
