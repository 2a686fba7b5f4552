"""Vectors from the paper's network, trained by the ``reid`` command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.embed import ATTENTION_CELLS, EmbedParams
from mtmc.video import Image

EPSILON = 1e-12

if TYPE_CHECKING:
    import torch

    from reid.model.sgfd import SGFD


def make(params: EmbedParams, device: str) -> SgfdEmbedder:
    """The network of ``params.weights``. Raises WeightsError without one, UserError for a file that is no
    checkpoint."""
    from mtmc.devices import choose_device
    from reid.model.checkpoint import load_model

    place = choose_device(device)
    return SgfdEmbedder(load_model(params.checkpoint(), place), place, params)


class SgfdEmbedder:
    """SGFD in inference form: both branches' features after their necks, joined (4096 with ResNet50), unit length."""

    def __init__(self, model: SGFD, device: torch.device, params: EmbedParams) -> None:
        from reid.devices import choose_precision
        from reid.model.fuse import fused

        self._device, self._params = device, params
        self._model = fused(model, choose_precision(params.precision, device))

    def vectors(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Unit rows (M, D)."""
        from reid.evaluation.embed import embed_crops

        rgb = (np.ascontiguousarray(crop[..., ::-1]) for crop in crops)
        size = self._model.params.image_size
        params = self._params
        return embed_crops(self._model, rgb, size, self._device, params.batch, flip=params.flip)

    def attention(self, crops: Sequence[Image]) -> NDArray[np.uint8] | None:
        """Where each vehicle is told by its geometry: Q (M, ATTENTION_CELLS, ATTENTION_CELLS) of the paper's Eq. 6, 0
        where it is weakest in a crop, 255 where strongest; None for weights without attention."""
        if self._model.attention_encoder is None:
            return None
        from reid.evaluation.embed import embed_crops
        from reid.model.backbone import STEM_REDUCTION
        from reid.model.sgfd import AttentionAlone

        rgb = (np.ascontiguousarray(crop[..., ::-1]) for crop in crops)
        size = self._model.params.image_size
        flat = embed_crops(AttentionAlone(self._model), rgb, size, self._device, self._params.batch)
        maps = flat.reshape(len(crops), size[0] // STEM_REDUCTION, -1)
        cells = [cv2.resize(one, (ATTENTION_CELLS,) * 2, interpolation=cv2.INTER_AREA) for one in maps]
        relative = [(one - one.min()) / max(float(np.ptp(one)), EPSILON) for one in cells]
        return np.asarray(np.rint(255 * np.stack(relative)), np.uint8)
