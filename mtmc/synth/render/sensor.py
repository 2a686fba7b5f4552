"""What a camera does to the picture: exposure, colour cast, blur, noise, rain on the way, and its imperfect clock.

Everything is drawn from the camera's own random generator, so the same seed gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mtmc.structures import Image, Long


@dataclass(frozen=True, slots=True)
class Sensor:
    """One camera's picture quality. gains BGR factors; gamma; blur_px sigma; noise standard deviation in grey levels;
    rain in [0, 1]."""

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    blur_px: float = 0.0
    noise: float = 2.0
    rain: float = 0.0


class Developer:
    """Applies a sensor to frames, one after the other; holds the tables and grain that make it cheap."""

    def __init__(self, sensor: Sensor, size: tuple[int, int], rng: np.random.Generator) -> None:
        self.sensor, self.size, self.rng = sensor, size, rng
        tone = 255 * (np.arange(256) / 255) ** sensor.gamma
        table = np.clip(tone[:, None] * np.asarray(sensor.gains), 0, 255)
        self.tables = [np.ascontiguousarray(channel) for channel in np.rint(table).astype(np.uint8).T]
        grain = rng.normal(0, max(sensor.noise, 1e-6), (size[1] + 64, size[0] + 64, 1))
        grey = np.repeat(np.clip(grain, -40, 40), 3, axis=2).astype(np.int8)
        self.brighter, self.darker = (np.maximum(sign * grey, 0).astype(np.uint8) for sign in (1, -1))

    def develop(self, image: Image) -> Image:
        """The frame as this camera would give it (new array)."""
        channels = [cv2.LUT(channel, table) for channel, table in zip(cv2.split(image), self.tables, strict=True)]
        out = np.asarray(cv2.merge(channels), np.uint8)
        if self.sensor.rain > 0:
            out = self._rain(out)
        if self.sensor.blur_px > 0:
            out = np.asarray(cv2.GaussianBlur(out, (0, 0), self.sensor.blur_px), np.uint8)
        return self._with_grain(out) if self.sensor.noise > 0 else out

    def _with_grain(self, image: Image) -> Image:
        x, y = self.rng.integers(0, 64, 2)
        width, height = self.size
        part = slice(y, y + height), slice(x, x + width)
        return np.asarray(cv2.subtract(cv2.add(image, self.brighter[part]), self.darker[part]), np.uint8)

    def _rain(self, image: Image) -> Image:
        """Falling streaks and a veil."""
        width, height = self.size
        streaks = np.zeros((height, width, 1), np.uint8)
        count = int(self.sensor.rain * width * height / 2600)
        starts = self.rng.uniform(0, 1, (count, 2)) * (width, height)
        lengths = self.rng.uniform(0.015, 0.05, count) * height
        ends = starts + lengths[:, None] * np.array([0.12, 1.0])
        segments = np.rint(np.stack([starts, ends], axis=1)).astype(np.int32)
        cv2.polylines(streaks, list(segments), False, 46, 1, cv2.LINE_AA)
        veiled = cv2.addWeighted(image, 1 - 0.18 * self.sensor.rain, image, 0, 26 * self.sensor.rain)
        return np.asarray(cv2.add(veiled, cv2.merge((streaks, streaks, streaks))), np.uint8)


def content_frames(count: int, dropped: float, repeated: float, rng: np.random.Generator) -> Long:
    """Which instant (in frames of a perfect camera) each of ``count`` written frames shows: a dropped frame makes the
    rest run ahead, a repeated one shows its predecessor again while time goes on."""
    shown, instant = np.zeros(count, np.int64), 0
    for k in range(count):
        repeats = k > 0 and rng.random() < repeated
        shown[k] = shown[k - 1] if repeats else instant
        instant += 1
        while rng.random() < dropped:
            instant += 1
    return shown
