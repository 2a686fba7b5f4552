"""Adapter to the package `trackers` (PyPI, Roboflow): any of its trackers that looks at boxes alone.

``options.name`` is the class (SORTTracker, ByteTrackTracker, OCSORTTracker, BoTSORTTracker, CBIoUTracker), the other
options are its own arguments. Frames come with their own times, so that odd clocks and gaps are what they are.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from mtmc.errors import ConfigError, require
from mtmc.structures import Detections
from mtmc.track.tracks import Tracks, in_frames, renumber
from mtmc.with_supervision import boxes_at

DEFAULT = "ByteTrackTracker"


class RoboflowTracker:
    """A fresh tracker of the package per clip; ``options``: its class's name and its arguments.

    Raises UserError where the package is missing, ConfigError for a name or an argument that it does not know.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        require("trackers")
        import trackers

        self._settings = {key: value for key, value in options.items() if key != "name"}
        known = sorted(name for name in trackers.__all__ if name.endswith("Tracker"))
        name = options.get("name", DEFAULT)
        if name not in known:
            raise ConfigError("track.options.name", f"one of {', '.join(known)}", repr(name), "Choose one.")
        self._make = getattr(trackers, name)
        arguments = inspect.signature(self._make).parameters
        unknown = sorted(set(self._settings) - set(arguments))
        if unknown:
            raise ConfigError(f"track.options.{unknown[0]}", f"arguments of {name}: {', '.join(arguments)}",
                              repr(unknown[0]), "Correct it.")  # fmt: skip
        if "enable_cmc" in arguments:  # looks at pictures, which a tracker does not have here
            self._settings.setdefault("enable_cmc", False)

    def track(self, detections: Detections, fps: float, size: tuple[int, int]) -> Tracks:
        """Group a clip's detections by vehicle."""
        tracker = self._make(**{"frame_rate": float(fps), **self._settings})
        numbers = np.zeros(len(detections), np.int64)
        frames = np.unique(detections.frames)
        for frame, moment in zip(frames.tolist(), (in_frames(fps, frames) / fps).tolist(), strict=True):
            result = tracker.update(boxes_at(detections, frame), timestamp=moment)
            if len(result):
                numbers[np.asarray(result.data["row"], int)] = np.asarray(result.tracker_id, np.int64) + 1
        return Tracks(renumber(numbers), detections.xyxy)
