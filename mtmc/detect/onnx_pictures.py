"""Pictures as networks want them: scaled into the input's size, colours in their order and range; and boxes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.structures import Float

GREY = 114
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Pictures:
    """fit: the aspect kept in the upper left corner or in the middle, grey beside it, or stretched; a value is (pixel /
    255 - mean) / std by channel in their own order, or the pixel itself where ``raw``."""

    fit: Literal["corner", "centre", "stretch"]
    rgb: bool = True
    raw: bool = False
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


class Canvas:
    """A network's input of ``size`` (height, width): the grey is painted once."""

    def __init__(self, size: tuple[int, ...], pictures: Pictures) -> None:
        self._size, self._how = size, pictures
        unit = 1.0 if pictures.raw else 255.0
        self._gain = [1 / (unit * std) for std in pictures.std]
        self._bias = [-mean / std for mean, std in zip(pictures.mean, pictures.std, strict=True)]
        self._batch = np.zeros((0, 3, *size), np.float32)
        self._painted = (0, 0)

    def of(self, images: NDArray[np.uint8]) -> Float:
        """(B, 3, height, width) float32 of images (B, any, any, 3) BGR, valid until the next call."""
        (height, width), (left, top) = self._place(images.shape[1:3])
        if len(images) > len(self._batch) or images.shape[1:3] != self._painted:
            self._batch, self._painted = self._grey(len(images)), images.shape[1:3]
        for image, planes in zip(images, self._batch, strict=False):
            small = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
            channels = cv2.split(small)[:: -1 if self._how.rgb else 1]
            for plane, channel, gain, bias in zip(planes, channels, self._gain, self._bias, strict=True):
                inner = plane[top : top + height, left : left + width]
                np.multiply(channel, np.float32(gain), out=inner)
                if bias:
                    inner += np.float32(bias)
        return self._batch[: len(images)]

    def back(self, xyxy: Float, size: tuple[int, ...]) -> Float:
        """Boxes (N, 4) of the input as boxes of an image of ``size`` (height, width)."""
        (height, width), (left, top) = self._place(size)
        if self._how.fit == "stretch":
            return np.asarray(xyxy * np.tile([size[1] / width, size[0] / height], 2), np.float32)
        return np.asarray((xyxy - np.tile([left, top], 2)) / self._scale(size), np.float32)

    def _scale(self, size: tuple[int, ...]) -> float:
        return min(self._size[0] / size[0], self._size[1] / size[1])

    def _place(self, size: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
        """(height, width) of an image in the input, and its (left, top)."""
        if self._how.fit == "stretch":
            return (self._size[0], self._size[1]), (0, 0)
        height, width = (round(side * self._scale(size)) for side in size)
        if self._how.fit == "corner":
            return (height, width), (0, 0)
        across, down = (self._size[1] - width) / 2, (self._size[0] - height) / 2
        return (height, width), (round(across - 0.1), round(down - 0.1))

    def _grey(self, count: int) -> Float:
        planes = [GREY * gain + bias for gain, bias in zip(self._gain, self._bias, strict=True)]
        return np.broadcast_to(np.array(planes, np.float32)[:, None, None], (count, 3, *self._size)).copy()
