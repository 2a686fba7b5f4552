"""All boxes of one side of a comparison, flat: what scoring and the text formats share.

``GlobalTrack`` forbids two boxes of one vehicle in one frame of a camera; files of the field may hold such rows, so
their rows travel as arrays. Shape shorthand: N boxes. Boxes are ``xywh`` float64 pixels (left, top, width, height);
frames are 0-based.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mtmc.geometry import xyxy_to_xywh
from mtmc.structures import Columns, Double, GlobalTrack, Long, Mask, Rows, Tracklet, label_index

NUMBERED = re.compile(r"[A-Za-z]*[ _-]?0*(\d{1,4})")
"""Ids that are numbers: ``c041``, ``cam1``, ``camera 12``; addresses, dates and serial numbers are none."""


def camera_number(camera_id: str) -> int | None:
    """The challenge's number of a camera (``c041`` is 41); None for an id that is more than a word and a small
    number."""
    match = NUMBERED.fullmatch(camera_id)
    return int(match[1]) if match else None


def camera_order(camera_id: str) -> tuple[int, str]:
    """Sort key of cameras: by number as the challenge does, those without a number last, by name."""
    number = camera_number(camera_id)
    return (1 << 62 if number is None else number), camera_id


def pack(*keys: Long) -> Long:
    """One integer per row (N,) that orders and tells apart rows as the keys (N,) do, the first key first.

    Sorting it is some twenty times faster than ``numpy.lexsort``. Keys too large for 64 bits together are replaced by
    their ranks.
    """
    packed = np.zeros(len(keys[0]), np.int64)
    if len(packed) == 0:
        return packed
    for key in keys:
        low, high = int(key.min()), int(key.max())
        width = high - low + 1
        if (int(packed.max()) + 1) * width >= 1 << 62:
            packed = np.unique(packed, return_inverse=True)[1]
            values, key = np.unique(key, return_inverse=True)
            low, width = 0, len(values)
        packed = packed * width + (key - low)
    return packed


@dataclass(frozen=True, slots=True, eq=False)
class Boxes(Columns):
    """Boxes with identities over all cameras.

    cameras: camera ids in ``camera_order``; sources: the file of each; camera (N,) index into both; ids (N,) vehicle
    ids, shared by the cameras; frames (N,) 0-based; xywh (N, 4) pixels; world (N, 2) ground position, NaN where none is
    known; tracks (N,) number of the box's tracklet in its camera; lines (N,) line of the file, 0 for boxes that come
    from no file.
    """

    SHARED: ClassVar[frozenset[str]] = frozenset({"cameras", "sources"})

    cameras: tuple[str, ...]
    sources: tuple[str, ...]
    camera: Long
    ids: Long
    frames: Long
    xywh: Double
    world: Double
    tracks: Long
    lines: Long

    @staticmethod
    def build(
        camera_ids: Sequence[str],
        camera: Long,
        ids: Long,
        frames: Long,
        xywh: Double,
        world: Double | None = None,
        tracks: Long | None = None,
        lines: Long | None = None,
        sources: Sequence[str] = (),
    ) -> Boxes:
        """Boxes of cameras given in any order; without ``tracks`` each (camera, id) is one tracklet."""
        order = sorted(range(len(camera_ids)), key=lambda index: camera_order(camera_ids[index]))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        files = [sources[index] for index in order] if sources else [""] * len(order)
        count = len(camera)
        return Boxes(
            tuple(camera_ids[index] for index in order),
            tuple(files),
            rank[camera] if count else np.zeros(0, np.int64),
            np.asarray(ids, np.int64),
            np.asarray(frames, np.int64),
            np.asarray(xywh, np.float64).reshape(-1, 4),
            np.full((count, 2), np.nan) if world is None else np.asarray(world, np.float64),
            np.asarray(ids if tracks is None else tracks, np.int64),
            np.zeros(count, np.int64) if lines is None else np.asarray(lines, np.int64),
        )

    @staticmethod
    def from_tracks(vehicles: Iterable[GlobalTrack]) -> Boxes:
        """The boxes of global tracks; their tracklets stay known."""
        pairs = [(vehicle.vehicle_id, tracklet) for vehicle in vehicles for tracklet in vehicle.tracklets]
        camera_ids = sorted({tracklet.camera_id for _, tracklet in pairs}, key=camera_order)
        index = {camera_id: number for number, camera_id in enumerate(camera_ids)}
        sizes = [len(tracklet) for _, tracklet in pairs]

        def spread(values: list[int]) -> Long:
            return np.repeat(np.asarray(values, np.int64), sizes) if sizes else np.zeros(0, np.int64)

        xyxy = np.concatenate([tracklet.xyxy for _, tracklet in pairs]) if pairs else np.zeros((0, 4))
        return Boxes.build(
            camera_ids,
            spread([index[tracklet.camera_id] for _, tracklet in pairs]),
            spread([vehicle_id for vehicle_id, _ in pairs]),
            np.concatenate([tracklet.frames for _, tracklet in pairs]) if pairs else np.zeros(0, np.int64),
            xyxy_to_xywh(xyxy),
            tracks=spread([tracklet.track_id for _, tracklet in pairs]),
        )

    @staticmethod
    def concatenate(parts: Sequence[Boxes]) -> Boxes:
        """Boxes of several files, joined; ids and cameras keep their meaning."""
        sources = {c: source for part in parts for c, source in zip(part.cameras, part.sources, strict=True)}
        camera_ids = sorted(sources, key=camera_order)
        index = {camera_id: number for number, camera_id in enumerate(camera_ids)}
        names = tuple(camera_ids), tuple(sources[c] for c in camera_ids)
        codes = [np.array([index[c] for c in part.cameras], np.int64)[part.camera] for part in parts]
        return Boxes.joined(
            [replace(p, cameras=names[0], sources=names[1], camera=c) for p, c in zip(parts, codes, strict=True)]
        )

    def where(self, row: int) -> str:
        """File and line of a row for an error message; camera and frame for boxes that come from no file."""
        camera = int(self.camera[row])
        if self.lines[row] > 0:
            return f"{self.sources[camera]}:{self.lines[row]}"
        return f"camera {self.cameras[camera]}, frame {self.frames[row]}"

    def duplicates(self) -> Mask:
        """Rows (N,) that repeat the camera, id and frame of an earlier row."""
        keys = pack(self.camera, self.ids, self.frames)
        repeated = np.zeros(len(self), np.bool_)
        if (np.diff(keys) > 0).all():  # in the usual order of a file of tracks: nothing to sort
            return repeated
        if (np.diff(np.sort(keys)) == 0).any():
            order = np.argsort(keys, kind="stable")
            repeated[order[1:]] = np.diff(keys[order]) == 0
        return repeated

    def to_tracks(self) -> list[GlobalTrack]:
        """Global tracks, one tracklet per (camera, id, track), sorted by id. Boxes become float32 corners; raises
        ValueError for duplicates."""
        tracklets = pack(self.ids, self.camera, self.tracks)
        order = np.argsort(pack(tracklets, self.frames))
        starts = np.flatnonzero(np.diff(tracklets[order])) + 1
        vehicles: dict[int, list[Tracklet]] = {}
        for rows in np.split(order, starts) if len(self) else []:
            vehicles.setdefault(int(self.ids[rows[0]]), []).append(self._tracklet(rows))
        return [GlobalTrack(vehicle_id, tuple(parts)) for vehicle_id, parts in vehicles.items()]

    def _tracklet(self, rows: Rows) -> Tracklet:
        corners = np.concatenate([self.xywh[rows, :2], self.xywh[rows, :2] + self.xywh[rows, 2:]], axis=1)
        first, scores = rows[0], np.ones(len(rows), np.float32)
        camera_id = self.cameras[int(self.camera[first])]
        frames = self.frames[rows].astype(np.int32)
        return Tracklet(
            camera_id, int(self.tracks[first]), frames, corners.astype(np.float32), scores, label_index("vehicle")
        )
