"""Other people's class numbers to our labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mtmc.structures import label_index, label_of

DROPPED = -1

COCO_CLASSES = 80
COCO_IDS = {1: "person", 2: "bicycle", 3: "car", 4: "motorcycle", 6: "bus", 8: "truck"}
"""COCO's category ids (1 to 90, with gaps), which torchvision's models use."""
COCO_ID_COUNT = 91


def label_table(names: Mapping[int, str] | Sequence[str], count: int) -> NDArray[np.int16]:
    """(count,) int16: our label of each foreign class, DROPPED where we have none (an empty name in a sequence)."""
    table = np.full(count, DROPPED, np.int16)
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names)
    for number, name in pairs:
        if name:
            table[number] = label_index(name)
    return table


def labels_of(names: Sequence[str]) -> NDArray[np.int16]:
    """Our labels (C,) of a model's own class names, DROPPED where we have no word for one."""
    ours = [label_of(name) for name in names]
    return np.array([DROPPED if label is None else label for label in ours], np.int16)
