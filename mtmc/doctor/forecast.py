"""What detection will cost on this machine, said before it is spent."""

from __future__ import annotations

from pathlib import Path

from mtmc.config import Config
from mtmc.detect import DetectParams, choose, seconds_per_frame, settle, what
from mtmc.doctor.environment import is_fetched
from mtmc.pipeline.planning import capped
from mtmc.scene import Scene
from mtmc.scene_reader import read_scene

NANO_S = 0.02
"""Processor seconds of yolox_nano for a frame, where it is not here to be timed (mtmc/detect/README.md)."""


def forecast_folder(folder: Path, device: str = "auto") -> str:
    """What ``--detector auto`` would take for a folder of videos, and what it costs; fetches nothing.

    Raises UserError where the folder cannot be read.
    """
    config = capped(Config())
    chosen, scene = choose(config.detect, device), read_scene(folder, params=config.input)
    if is_fetched(chosen):
        return forecast(scene, settle(chosen, device), device)
    frames, guess = _frames(scene), ""
    if chosen.detector == "onnx":
        guess = f" (some {_time(frames * NANO_S)} of one core)"
    return f"detector auto: {what(chosen)}, {frames:,} frames{guess}; timed here once its model is fetched"


def forecast(scene: Scene, chosen: DetectParams, device: str) -> str:
    """A detector in words, timed on a few frames of the first camera, and the time that all frames take it."""
    seconds = seconds_per_frame(next(iter(scene.cameras.values())), chosen, device)
    frames = _frames(scene)
    return f"detector auto: {what(chosen)}, {seconds:.3f} s a frame here, {frames:,} frames: {_time(frames * seconds)}"


def _frames(scene: Scene) -> int:
    return sum(len(camera.frames) for camera in scene.cameras.values())


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"
