"""Tracklets of a whole place: the vehicles and cameras of a rendered preset, seen, tracked and described, without a
pixel.

``Place(SynthParams(preset="junction5"), seed).tracklets()`` gives the true tracklets of the vehicles that at least two
cameras see, as the truth of a real data set holds them; with ``noise`` a tracker's, parked vehicles and nonsense
included. With ``max_offset_s`` every camera's clock is wrong by up to that much; nothing else changes.
"""

from __future__ import annotations

from functools import cache, cached_property, partial
from typing import Literal

import numpy as np
from pydantic import Field

from mtmc.geometry import areas, bottom_centres
from mtmc.structures import LABELS, Double, Float, Long, TrackletTable
from mtmc.synth.presets import PresetName
from mtmc.synth.scene import SynthParams, World, make_world
from mtmc.synth.tracklets.appearance import CROPS, STRENGTHS, Appearance, Crops, unit
from mtmc.synth.tracklets.observation import Sight, observe
from mtmc.synth.tracklets.simulated import Simulated
from mtmc.synth.tracklets.tracker_noise import Track, TrackerNoise, perfect, tracked
from mtmc.synth.tracklets.true_zones import zones_toml

PLACES: tuple[PresetName, ...] = ("junction5", "corridor4", "hamlet6", "residential25")
VELOCITY_SPAN_S = 0.5
CLUTTER_ID = 10_000_000
LABEL_ERROR = 0.05


class PlaceParams(SynthParams):
    """Every knob of a place's tracklets: those of the scene, and how it is seen."""

    strength: Literal["easy", "mid", "hard"] = Field("mid", description="of appearance: how well crops tell who is who")
    noisy: bool = Field(False, description="a tracker's tracklets, not the true ones")
    tracker: TrackerNoise = TrackerNoise()
    max_offset_s: float = Field(
        0.0, ge=0, le=3600, description="largest error of each camera's clock; above 0 nobody trusts them"
    )


class Place:
    """A world as its cameras see it; ``tracklets`` describes what is seen, at any strength of appearance."""

    def __init__(self, params: SynthParams, seed: int) -> None:
        self.world = make_world(params, seed)
        self.sights = observe(self.world)
        self.crossing = _crossing(self.sights)
        self.truth = perfect([s for s in self.sights if s.vehicle.id in self.crossing])
        self.tracked = cache(partial(_noisy, self.world, self.sights))
        self.appearance = Appearance(seed, len(self.world.cameras))

    def tracklets(
        self, strength: str = "mid", noise: TrackerNoise | None = None, max_offset_s: float = 0.0
    ) -> Simulated:
        """True tracklets, or with ``noise`` a tracker's. ``strength`` is a key of ``STRENGTHS``."""
        world, seed = self.world, self.world.seed
        tracks = self.truth if noise is None else self.tracked(noise)
        tracks = sorted(tracks, key=lambda t: (_times(world, t)[0], t.camera))
        vehicle, covered = _matched(tracks, self.crossing)
        shown = _crops(tracks)
        if noise is not None and not noise.parked_alike:
            shown = Crops(np.where(covered[:, None] > 0, shown.owner, vehicle[:, None] - CLUTTER_ID), shown.camera)
        crops = self.appearance.vectors(shown, STRENGTHS[strength])
        offsets = np.random.default_rng((seed, 7)).uniform(-1, 1, len(world.cameras)) * max_offset_s
        true_vehicles, true_boxes = np.unique([v for t in self.truth for v in t.owner.tolist()], return_counts=True)
        return Simulated(
            _table(world, tracks, unit(crops.mean(axis=1)).astype(np.float32), offsets),
            vehicle,
            np.array([len(t.frames) for t in tracks], np.int64),
            offsets,
            max_offset_s == 0,
            *self.neighbours,
            self.zones_toml,
            covered,
            (true_vehicles.astype(np.int64), true_boxes),
        )

    @cached_property
    def zones_toml(self) -> str:
        """Zones and travel times of the truth."""
        nothing = np.zeros((len(self.truth), 1), np.float32)
        table = _table(self.world, self.truth, nothing, np.zeros(len(self.world.cameras)))
        return zones_toml(table, np.array([t.owner[0] for t in self.truth], np.int64))

    @cached_property
    def neighbours(self) -> tuple[Long, Long, Double]:
        """Directed camera pairs in which a vehicle is seen next, by its starts, and the median seconds from exit to
        entry."""
        vehicle, camera = np.array([(t.owner[0], t.camera) for t in self.truth], np.int64).reshape(-1, 2).T
        start, end = np.array([_times(self.world, t) for t in self.truth]).reshape(-1, 2).T
        order = np.lexsort((start, vehicle))
        same = vehicle[order][1:] == vehicle[order][:-1]
        source, target = order[:-1][same], order[1:][same]
        pairs, row = np.unique(np.stack([camera[source], camera[target]], axis=1), axis=0, return_inverse=True)
        usual = [np.median((start[target] - end[source])[row.ravel() == k]) for k in range(len(pairs))]
        return pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64), np.array(usual)


def _noisy(world: World, sights: list[Sight], noise: TrackerNoise) -> list[Track]:
    tracks: list[Track] = []
    for index, camera in enumerate(world.cameras):
        rng = np.random.default_rng((world.seed, 79, index))
        here = [s for s in sights if s.camera == index]
        tracks += tracked(here, noise, index, camera, CLUTTER_ID * (index + 1), rng)
    return tracks


def _crossing(sights: list[Sight]) -> set[int]:
    """Moving vehicles that at least two cameras see."""
    cameras: dict[int, set[int]] = {}
    for sight in sights:
        if not sight.parked:
            cameras.setdefault(sight.vehicle.id, set()).add(sight.camera)
    return {vehicle for vehicle, seen in cameras.items() if len(seen) > 1}


def _matched(tracks: list[Track], crossing: set[int]) -> tuple[Long, Long]:
    """For each track the vehicle of the truth that most of its boxes show, or a number of its own, negative; and how
    many boxes of that vehicle it holds."""
    vehicle, covered = np.zeros(len(tracks), np.int64), np.zeros(len(tracks), np.int64)
    for row, track in enumerate(tracks):
        owners, counts = np.unique(track.owner[track.counted], return_counts=True)
        true = np.isin(owners, list(crossing))
        best = int(np.where(true, counts, 0).argmax()) if true.any() else -1
        if best >= 0 and 2 * counts[best] >= len(track.frames):
            vehicle[row], covered[row] = owners[best], counts[best]
        else:
            vehicle[row] = -1 - row
    return vehicle, covered


def _crops(tracks: list[Track]) -> Crops:
    """Crops spread evenly over each track."""
    at = (np.arange(CROPS) + 0.5) / CROPS
    owner = np.array([t.owner[(at * len(t.owner)).astype(int)] for t in tracks], np.int64).reshape(-1, CROPS)
    return Crops(owner, np.array([t.camera for t in tracks], np.int64))


def _times(world: World, track: Track) -> tuple[float, float]:
    """Scene time of a track's first and last box."""
    camera = world.cameras[track.camera]
    return camera.offset_s + track.frames[0] / camera.fps, camera.offset_s + track.frames[-1] / camera.fps


def _table(world: World, tracks: list[Track], features: Float, offsets: Double) -> TrackletTable:
    """One row per track, described as the pipeline describes a tracker's."""
    rng = np.random.default_rng((world.seed, 80))
    camera = np.array([t.camera for t in tracks], np.int32)
    times = np.array([_times(world, t) for t in tracks]).reshape(-1, 2) + offsets[camera][:, None]
    ends = np.array([_ends(world, t) for t in tracks], np.float32).reshape(-1, 4, 2)
    picture = [np.prod(world.cameras[t.camera].lens.size) for t in tracks]
    size = [np.sqrt(np.median(areas(t.boxes)) / whole) for t, whole in zip(tracks, picture, strict=True)]
    label = np.array([LABELS.index(t.label) for t in tracks], np.int16)
    wrong = rng.random(len(tracks)) < LABEL_ERROR
    return TrackletTable(
        cameras=tuple(c.id for c in world.cameras),
        camera=camera,
        track_id=np.arange(1, len(tracks) + 1, dtype=np.int64),
        start_s=times[:, 0],
        end_s=times[:, 1],
        entry_xy=ends[:, 0],
        exit_xy=ends[:, 1],
        entry_velocity=ends[:, 2],
        exit_velocity=ends[:, 3],
        size=np.array(size, np.float32),
        label=np.where(wrong, rng.integers(0, 4, len(tracks)), label).astype(np.int16),
        quality=rng.beta(5, 2, len(tracks)).astype(np.float32),
        features=features,
    )


def _ends(world: World, track: Track) -> Double:
    """First and last place, fractions of the picture, and the velocities there (4, 2)."""
    camera = world.cameras[track.camera]
    places = bottom_centres(track.boxes) / camera.lens.size
    span = min(round(VELOCITY_SPAN_S * camera.fps), len(places) - 1)
    frames = track.frames
    first = (places[span] - places[0]) / max(frames[span] - frames[0], 1) * camera.fps
    last = (places[-1] - places[-1 - span]) / max(frames[-1] - frames[-1 - span], 1) * camera.fps
    return np.array([places[0], places[-1], first, last])
