"""Parameters that score better, found on one half of the time and judged on the other (``mtmc tune``).

The stages run again from a run's stored tables: linking from tracklets and crops, tracking from boxes. Optuna's sampler
(TPE) chooses what is tried; the run's own settings are the first trial. Shape shorthand: N boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mtmc.box_table import Boxes
from mtmc.config import Config, build_config
from mtmc.errors import InputError, require
from mtmc.link import link
from mtmc.scene import Scene
from mtmc.score import ScoreParams, score
from mtmc.score.sources import load_sides
from mtmc.store import Run
from mtmc.structures import GlobalTrack
from mtmc.track import make_tracker, track
from mtmc.track_files.formats import whole_pixels

Stage = Literal["link", "track"]
Range = tuple[float, float]

RANGES: Mapping[str, Mapping[str, Range]] = {
    "link": {
        "least_probability": (0.1, 0.9),
        "max_travel_s": (20.0, 600.0),
        "max_overlap_s": (0.0, 60.0),
    },
    "track": {
        "jde.min_score": (0.1, 0.6),
        "jde.max_lost_s": (0.2, 4.0),
        "jde.appearance_share": (0.0, 0.9),
        "jde.max_recovery_cost": (0.0, 0.9),
        "repair.max_end_overlap": (0.1, 1.0),
        "repair.max_join_gap_s": (0.0, 6.0),
        "repair.max_join_cost": (0.1, 0.9),
        "clean.min_length_s": (0.0, 2.0),
        "clean.min_best_score": (0.0, 0.8),
        "clean.min_shadow_iou": (0.2, 1.0),
    },
}
"""What is varied, by stage, and how far; other linkers and trackers have their own distances."""
LINKERS: Mapping[str, Mapping[str, Range]] = {
    "hungarian": {"hungarian_max_distance": (0.05, 1.0)},
    "agglomerative": {"agglomerative_max_distance": (0.05, 1.0)},
    "electricity": {"electricity_max_distance": (0.1, 3.0)},
    "zones": {"zones_max_distance": (0.1, 1.5)},
}
"""In place of the network linker's."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best settings found, by their keys, and IDF1 of the run's own and of these on the half they were chosen on
    and on the other."""

    settings: dict[str, float]
    fitted_before: float
    fitted_after: float
    held_out_before: float
    held_out_after: float


def tune(run: Run, gt: Path | None, stage: Stage, trials: int, seed: int) -> Tuned:
    """Search the stage's parameters. Raises UserError for a run without ground truth or of a part that has no ranges,
    and where Optuna is not installed."""
    require("optuna")
    config = build_config(run.settings["config"], "run.json")
    ranges = _ranges(config, stage)
    halves = _Halves(run, gt, stage)

    def attempt(settings: Mapping[str, float]) -> tuple[float, float]:
        return halves.scores(WORK[stage](run, _with(config, stage, settings)))

    before = attempt({})
    best = _search(lambda settings: attempt(settings)[0], ranges, _own(config, stage, ranges), trials, seed)
    after = attempt(best)
    if after[0] <= before[0]:
        best, after = {}, before
    return Tuned({f"{stage}.{key}": value for key, value in best.items()}, before[0], after[0], before[1], after[1])


def _search(
    judge: Callable[[Mapping[str, float]], float],
    ranges: Mapping[str, Range],
    first: Mapping[str, float],
    trials: int,
    seed: int,
) -> dict[str, float]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(dict(first))
    study.optimize(
        lambda trial: judge({key: round(trial.suggest_float(key, *span), 3) for key, span in ranges.items()}), trials
    )
    return {key: round(value, 3) for key, value in study.best_params.items()}


def _ranges(config: Config, stage: Stage) -> Mapping[str, Range]:
    if stage == "link" and config.link.linker != "network":
        if config.link.linker not in LINKERS:
            raise InputError(
                "mtmc tune", f"a linker out of network, {', '.join(LINKERS)}", config.link.linker, "Run with one."
            )
        return LINKERS[config.link.linker]
    if stage == "track" and config.track.tracker != "jde":
        raise InputError("mtmc tune", "the tracker jde", config.track.tracker, "Run with --tracker jde.")
    return RANGES[stage]


def _own(config: Config, stage: Stage, ranges: Mapping[str, Range]) -> dict[str, float]:
    """The run's own values, as near as the ranges allow."""
    found = {}
    for key, (low, high) in ranges.items():
        value: Any = getattr(config, stage)
        for part in key.split("."):
            value = getattr(value, part)
        found[key] = min(max(float(value), low), high)
    return found


def _with(config: Config, stage: Stage, settings: Mapping[str, float]) -> Config:
    document = config.model_dump()
    for key, value in settings.items():
        *parents, leaf = key.split(".")
        inner = document[stage]
        for parent in parents:
            inner = inner[parent]
        inner[leaf] = value
    return build_config(document, "mtmc tune")


def _linked(run: Run, config: Config) -> list[GlobalTrack]:
    return link(run.scene, run.tracklets(), run.embeddings(), config.link)


def _tracked(run: Run, config: Config) -> list[GlobalTrack]:
    """Every tracklet a vehicle of its own."""
    tracklets = [
        tracklet
        for camera in run.scene.cameras.values()
        for tracklet in track(camera, run.detections(camera.id), make_tracker(config.track), config.track)
    ]
    return [GlobalTrack(number, (tracklet,)) for number, tracklet in enumerate(tracklets, start=1)]


WORK: Mapping[str, Callable[[Run, Config], list[GlobalTrack]]] = {"link": _linked, "track": _tracked}


class _Halves:
    """The ground truth, cut in the middle of its time."""

    def __init__(self, run: Run, gt: Path | None, stage: Stage) -> None:
        sides = load_sides(run.folder, gt, None)
        self._truth, self._masks, self._stage, self._scene = sides.truth, sides.masks, stage, run.scene
        if stage == "track":  # a vehicle of one camera is another in the next
            self._truth = replace(sides.truth, ids=sides.truth.ids * len(sides.truth.cameras) + sides.truth.camera)
        times = _times(self._truth, self._scene)
        self._cut = float(times.min() + times.max()) / 2 if len(times) else 0.0
        if not (0 < (times < self._cut).sum() < len(times)):
            raise InputError(
                sides.truth_path, "ground truth in both halves of the time", "one half", "Give more of it."
            )

    def scores(self, vehicles: list[GlobalTrack]) -> tuple[float, float]:
        """IDF1 on the first and on the second half."""
        boxes = Boxes.from_tracks(vehicles)
        boxes = replace(boxes, xywh=whole_pixels(boxes.xywh))
        params = ScoreParams(other_cameras="ignore", multi_camera=self._stage == "link")
        halves = []
        for early in (True, False):
            truth, found = (
                side.take((_times(side, self._scene) < self._cut) == early) for side in (self._truth, boxes)
            )
            halves.append(score(truth, found, params, self._masks).idf1)
        return halves[0], halves[1]


def _times(boxes: Boxes, scene: Scene) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Scene time of every box (N,)."""
    found = np.zeros(len(boxes))
    for number, camera_id in enumerate(boxes.cameras):
        rows = boxes.camera == number
        if camera_id in scene.cameras:
            found[rows] = scene.cameras[camera_id].time_s(boxes.frames[rows])
    return found
