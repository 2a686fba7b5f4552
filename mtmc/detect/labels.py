"""Other people's class numbers to our labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mtmc.structures import label_index

DROPPED = -1

COCO_VEHICLES = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 5: "bus", 7: "truck"}
"""COCO's 80 classes, counted from 0, as far as we have a word for them."""
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
