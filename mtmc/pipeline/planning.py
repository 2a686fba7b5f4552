"""What a run will make: the scene, the configuration, and of every table the stamp that says what it is made from.

A table is fresh when its stored stamp equals the one worked out here; anything else is stale and its reasons can be
named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from mtmc.config import PARTS, Config, build_config, refuse_strange_parts
from mtmc.detect import DetectParams, make_detector, settle
from mtmc.devices import check_device
from mtmc.errors import ConfigError, StoreError
from mtmc.files import check_file, lies_there
from mtmc.params import StageParams
from mtmc.scene import Camera, Scene
from mtmc.scene_reader import find_recordings
from mtmc.store import Run
from mtmc.store.stamps import Stamp, digest, digest_array, fingerprint, staleness, stored_stamp
from mtmc.video import Video

CAMERA_STAGES = ("detections", "tracklets", "embeddings")
SLICE_S = 60.0
"""Long recordings are worked on in slices of about so many seconds."""
VERSIONS = {"detections": 2, "tracklets": 3, "embeddings": 3, "vehicles": 12, "visits": 2, "video": 1}
"""Raised by one when a stage's code changes its results, so that older tables count as stale."""
AUTO_FPS = 10.0
"""Frames per second that are looked at where the detector is ``auto`` and nobody says how many."""


Key = tuple[str, str]
"""A table: its stage and its name, which is the camera's id, or ``id/number`` for a part of its time, or "" for those
of the whole scene."""
Parts = Mapping[str, Mapping[str, Camera]]
"""What of one camera is looked at for each of its tables, by stage and name."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run as asked for: the videos and the scene they make, the configuration, where it goes, the stamp of every
    table, and the parts of each camera that can be worked on one by one; ``auto``: nobody named the detector."""

    videos: Path
    scene: Scene
    config: Config
    run: Run
    stamps: Mapping[Key, Stamp]
    parts: Mapping[str, Parts]
    device: str = "auto"
    auto: bool = False

    def path(self, stage: str, name: str) -> Path:
        """Where a table lies."""
        return self.run.path(stage, name or None)

    @property
    def source(self) -> str:
        """The scene's folder, or the one video: what a run folder belongs to."""
        return str((self.videos if self.videos.is_file() else self.scene.folder).resolve())

    @property
    def units(self) -> int:
        """Pieces of work that can be done at once: slices of recordings."""
        return sum(len(parts["embeddings"]) for parts in self.parts.values())

    def stale(self) -> dict[Key, list[str]]:
        """(stage, name) to the reasons why it must be made, only for those that must, in the order of the flow."""
        checked = {key: staleness(self.path(*key), stamp) for key, stamp in self.stamps.items()}
        return {key: reasons for key, reasons in checked.items() if reasons}


def plan(videos: Path, out: Path, config: Config, device: str = "auto") -> Plan:
    """Read the scene and work out every table's stamp; ``auto`` becomes the detector that it stands for, its model
    fetched if need be. Raises UserError for anything that would stop the run at once."""
    run = Run(out)
    if run.given is not None:
        found = f"one of tracks from {run.given.source}"
        raise ConfigError(out, "a run of videos", found, "Give another folder with --out, or use `mtmc link`.")
    check_device(device)
    auto, config = config.detect.detector == "auto", _settled(videos, config, device)
    for stage in (config.detect, config.track, config.embed, config.link):
        stage.check()
    todo = _plan(videos, run, config, device)
    if (out / "run.json").exists() and run.settings["videos"] != todo.source:
        found = f"one of {run.settings['videos']}"
        raise ConfigError(out, f"a run of {todo.source}", found, "Give another folder with --out, or delete this one.")
    for camera in todo.scene.cameras.values():
        _check_files(camera, config)
    return replace(todo, auto=auto)


def _settled(videos: Path, config: Config, device: str) -> Config:
    if config.detect.detector == "auto":
        config = capped(config)
        find_recordings(videos)  # a folder without videos is said before anything is fetched
    return config.model_copy(update={"detect": settle(config.detect, device)})


def capped(config: Config) -> Config:
    """The configuration with the frame rate at which ``auto`` looks, unless another is asked for."""
    if config.detect.detector != "auto" or config.input.max_fps is not None:
        return config
    return config.model_copy(update={"input": config.input.model_copy(update={"max_fps": AUTO_FPS})})


def _check_files(camera: Camera, config: Config) -> None:
    """Raise UserError for a mask or recorded boxes that do not fit the camera: before any other camera is worked on."""
    _ = camera.roi
    if config.detect.detector == "recorded":
        make_detector(config.detect).begin(camera, Video(camera))


def plan_to_run_again(run: Run, trusted: Collection[str]) -> Plan:
    """As ``plan_again``, to be run. Raises ConfigError for outside parts of the run that ``trusted`` does not name."""
    todo = plan_again(run)
    refuse_strange_parts(todo.config, run.folder / "run.json", trusted, PARTS)
    return todo


def plan_again(run: Run) -> Plan:
    """The plan of a finished or broken run, from its ``run.json``; loads none of the parts that it names."""
    settings = run.settings
    return _plan(run.videos, run, build_config(settings["config"], "run.json"), "auto")


def plan_given(videos: Path, scene: Scene, run: Run, config: Config, device: str = "auto") -> Plan:
    """The plan of a run that was given its tracks (``mtmc.pipeline.given_tracks``)."""
    check_device(device)
    given = () if run.given is None else run.given.stages
    parts = {camera.id: _parts(camera, config.detect, given) for camera in scene.cameras.values()}
    return Plan(videos, scene, config, run, dict(_stamps(scene, config, run, parts)), parts, device)


def _plan(videos: Path, run: Run, config: Config, device: str) -> Plan:
    return plan_given(videos, run.scene_of(videos, config.input), run, config, device)


def _parts(camera: Camera, params: DetectParams, given: Collection[str]) -> Parts:
    """Slices of its time; whole recordings for a detector that remembers what it saw, unless it shall not."""
    slices = camera.parts(params.slice_s or SLICE_S, params.batch)
    detected = slices if params.slice_s or params.frame_by_frame else camera.parts()
    embedded = [replace(camera, chosen=part.chosen) for part in slices]  # tracklets go on in later recordings
    parts = {"detections": detected, "tracklets": [camera], "embeddings": embedded}
    return {stage: _named(camera, [] if stage in given else pieces) for stage, pieces in parts.items()}


def _named(camera: Camera, parts: Sequence[Camera]) -> dict[str, Camera]:
    if len(parts) <= 1:
        return {camera.id: camera}
    return {f"{camera.id}/{row:05d}": part for row, part in enumerate(parts, start=1)}


def _stamps(scene: Scene, config: Config, run: Run, parts: Mapping[str, Parts]) -> Iterator[tuple[Key, Stamp]]:
    linked: dict[str, Any] = {"clocks": {c.id: _clock(c) for c in scene.cameras.values()}}
    given = run.given
    for camera in scene.cameras.values():
        known = {} if given is None else _given_stamps(run, given.stages, camera.id)
        made = _camera_stamps(camera, config, parts[camera.id], known)
        for stage, stamps in made.items():
            yield from (((stage, name), stamp) for name, stamp in stamps.items())
            if stage != "detections":
                linked[f"{stage}/{camera.id}"] = _digest_of(stamps)
        linked[f"calibration/{camera.id}"] = None if camera.image_to_ground is None else camera.image_to_ground.tolist()
    linked |= _files(config.link, scene.folder, "")
    if lies_there(run.path_of_edits):
        check_file(run.path_of_edits, "edits of a run")
        linked["edits"] = fingerprint(run.path_of_edits)
    vehicles = stamp_of("vehicles", config.link, linked)
    yield ("vehicles", ""), vehicles
    zones = {c.id: {name: zone.tolist() for name, zone in c.zones} for c in scene.cameras.values() if c.zones}
    yield (
        ("visits", ""),
        stamp_of("visits", None, {"vehicles": digest(vehicles), **({"zones": zones} if zones else {})}),
    )


def _given_stamps(run: Run, stages: Sequence[str], camera_id: str) -> dict[str, Stamp]:
    """Of tables that were not made here: they are fresh as they lie there. Raises StoreError where one is missing."""
    stored = {stage: stored_stamp(run.path(stage, camera_id)) for stage in stages}
    for stage, stamp in stored.items():
        if stamp is None:
            raise StoreError(run.path(stage, camera_id), "a table", "none, or a damaged one", "Run `mtmc link` again.")
    return {stage: stamp for stage, stamp in stored.items() if stamp is not None}


def _camera_stamps(
    camera: Camera, config: Config, parts: Parts, given: Mapping[str, Stamp]
) -> dict[str, dict[str, Stamp]]:
    """Stamps by stage and name; those ``given`` stand, and what follows them is made from them."""
    files: dict[str, Any] = {**_files(config.detect, camera.folder, camera.id)}
    if not config.detect.frame_by_frame:  # it knows the camera, too
        files |= {"roi": _fingerprint(camera.roi_path), "fps": camera.fps}
    prints = {recording.path: fingerprint(recording.path) for recording in camera.recordings}
    seen = {
        name: {"video": _footage(part, prints), **files, **_frames(part)} for name, part in parts["detections"].items()
    }
    asked = stamp_of("detections", config.detect, {})
    detections: dict[str, Stamp] = {name: {**asked, "inputs": inputs} for name, inputs in seen.items()}
    placed: dict[str, Any] = {"detections": _digest_of(detections), "fps": camera.fps}
    placed |= {"roi": _fingerprint(camera.roi_path), **_files(config.track, camera.folder, camera.id)}
    if camera.times_s is not None:
        placed["times"] = digest_array(camera.times_s)
    tracklets = given.get("tracklets") or stamp_of("tracklets", config.track, placed)
    cropped: dict[str, Any] = {"tracklets": digest(tracklets), "video": _footage(camera, prints)}
    cropped |= _files(config.embed, camera.folder, camera.id)
    slices = {name: {} if part is camera else _frames(part) for name, part in parts["embeddings"].items()}
    wanted = stamp_of("embeddings", config.embed, {})
    embeddings: dict[str, Stamp] = {name: {**wanted, "inputs": cropped | frames} for name, frames in slices.items()}
    made = {"detections": detections, "tracklets": {camera.id: tracklets}, "embeddings": embeddings}
    return made | {stage: {camera.id: stamp} for stage, stamp in given.items()}


def _frames(camera: Camera) -> dict[str, str]:
    """What of its recordings is looked at, where that is not all."""
    return {} if camera.chosen is None else {"frames": digest_array(camera.chosen)}


def _digest_of(stamps: Mapping[str, Stamp]) -> str:
    """Of all parts of a camera's table."""
    digests = [digest(stamp) for stamp in stamps.values()]
    return digests[0] if len(digests) == 1 else digest({"parts": digests})


def _footage(camera: Camera, prints: Mapping[Path, str]) -> str:
    """Content hash of the recordings that are looked at, of which ``prints`` has those of each."""
    first_frames = camera.first_frames
    looked = np.diff(np.searchsorted(camera.frames, first_frames)) > 0
    used = [prints[r.path] for r, there in zip(camera.recordings, looked, strict=True) if there]
    return used[0] if len(used) == 1 else digest({"recordings": used})


def _clock(camera: Camera) -> list[float | str]:
    """Start and rate of a camera's frames, their own times where they are not evenly spaced, and whether the start is a
    guess."""
    times = [] if camera.times_s is None else [digest_array(camera.times_s)]
    return [camera.offset_s, camera.fps, *times, *([] if camera.offset_known else ["guessed"])]


def stamp_of(stage: str, params: BaseModel | None, inputs: Mapping[str, Any]) -> Stamp:
    """What a table is made from: the stage's code, its parameters, and digests of its ``inputs``."""
    return {
        "stage": stage,
        "version": VERSIONS[stage],
        "params": {} if params is None else _told(params),
        "inputs": dict(inputs),
    }


def _told(params: BaseModel) -> dict[str, Any]:
    """The parameters, files by their names alone: their contents are inputs, and a package that is installed elsewhere
    changes nothing."""
    names = {key: value.name for key, value in params if isinstance(value, Path) and value.is_file()}
    return params.model_dump(mode="json") | names


def _files(params: StageParams, folder: Path, camera_id: str) -> dict[str, str | None]:
    """Fingerprints of the files that a stage's parameters declare (weights, model configs, recorded boxes, outside
    code)."""
    return {key: _fingerprint(path) for key, path in params.input_files(folder, camera_id).items()}


def _fingerprint(path: Path | None) -> str | None:
    return fingerprint(path) if path is not None and path.is_file() else None
