"""The result videos: one pass over the cameras on the scene's clock writes their own videos and the mosaic."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from mtmc.files.atomic import TEMPORARY
from mtmc.report import ReportParams, Watch
from mtmc.report.paint import WHITE, Mark, marks_of, paint, tag
from mtmc.report.privacy import Veil
from mtmc.scene import Camera, Scene
from mtmc.structures import Double, GlobalTrack
from mtmc.video import Image, Video, VideoWriter, read_packets
from mtmc.video.decoding import decode

DARK = (48, 40, 36)
GAP_PX = 4
AT_ONCE = 16
"""So many cameras are read and written at a time: of more, the mosaic is joined from strips of these."""
STRIP_CRF = 8
"""x264's quality of the strips, of which nobody sees a trace in the mosaic."""
PAUSE_S = 1.0
"""Without a picture of any camera for longer the mosaic goes on at the next one."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where cameras stand in the mosaic: cells of (width, height) pixels in ``columns`` columns."""

    columns: int
    rows: int
    cell: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the whole picture, even as H.264 wants it."""
        width = self.columns * (self.cell[0] + GAP_PX) - GAP_PX
        height = self.rows * (self.cell[1] + GAP_PX) - GAP_PX
        return width + width % 2, height + height % 2

    def corner(self, place: int) -> tuple[int, int]:
        """(x, y) of the upper left corner of the place-th cell, row by row."""
        row, column = divmod(place, self.columns)
        return column * (self.cell[0] + GAP_PX), row * (self.cell[1] + GAP_PX)

    def filled(self, cells: Sequence[Image]) -> Image:
        """The whole picture with the cells' pictures in their places."""
        canvas = np.full((self.size[1], self.size[0], 3), DARK, np.uint8)
        for place, picture in enumerate(cells):
            self.cell_of(canvas, place)[:] = picture
        return canvas

    def cell_of(self, canvas: Image, place: int) -> Image:
        """The part of the whole picture that the place-th cell takes."""
        x, y = self.corner(place)
        return canvas[y : y + self.cell[1], x : x + self.cell[0]]


def lay_out(sizes: Sequence[tuple[int, int]], limit: tuple[int, int]) -> Grid:
    """The grid inside ``limit`` (width, height) that shows the cameras of ``sizes`` largest; none is enlarged."""
    widest, highest = max(w for w, _ in sizes), max(h for _, h in sizes)
    best, best_scale = 1, 0.0
    for columns in range(1, len(sizes) + 1):
        rows = math.ceil(len(sizes) / columns)
        room = (limit[0] - GAP_PX * (columns - 1)) / columns, (limit[1] - GAP_PX * (rows - 1)) / rows
        scale = min(room[0] / widest, room[1] / highest, 1.0)
        if scale > best_scale:
            best, best_scale = columns, scale
    cell = max(2, int(widest * best_scale)), max(2, int(highest * best_scale))
    return Grid(best, math.ceil(len(sizes) / best), cell)


def draw_scene(
    scene: Scene, vehicles: Sequence[GlobalTrack], folder: Path, params: ReportParams, watch: Watch, veil: Veil
) -> None:
    """Write all videos of a scene (see ``mtmc.report.draw``)."""
    cameras = list(scene.cameras.values())
    grid = lay_out([camera.size for camera in cameras], (params.width_px, params.height_px))
    fps = min(max(camera.fps for camera in cameras), params.max_fps)
    moments = moments_shown(cameras, fps)
    groups = [cameras[first : first + AT_ONCE] for first in range(0, len(cameras), AT_ONCE)]
    steps = _Steps(watch, len(moments) * (1 if len(groups) == 1 else len(groups) + 1))

    def play(group: Sequence[Camera], joined: VideoWriter, shape: Grid) -> None:
        with ExitStack() as stack:
            stack.enter_context(joined)
            tiles = [stack.enter_context(_Tile(c, vehicles, folder, grid.cell, params, veil)) for c in group]
            for moment in moments.tolist():
                joined.write(shape.filled([tile.at(moment) for tile in tiles]))
                steps.one()
            for tile in tiles:
                tile.finish()

    mosaic = VideoWriter(folder / "mosaic.mp4", fps, grid.size, params.crf)
    if len(groups) == 1:
        play(cameras, mosaic, grid)
        return
    strips = {
        folder / f"{TEMPORARY}strip-{row}.mp4": Grid(1, len(group), grid.cell) for row, group in enumerate(groups)
    }
    try:
        for (path, shape), group in zip(strips.items(), groups, strict=True):
            play(group, VideoWriter(path, fps, shape.size, STRIP_CRF), shape)
        with mosaic:
            for cells in _cells_of(strips):
                mosaic.write(grid.filled(cells))
                steps.one()
    finally:
        for path in strips:
            path.unlink(missing_ok=True)


def _cells_of(strips: Mapping[Path, Grid]) -> Iterator[list[Image]]:
    """The cells of all strips, picture by picture."""
    played = [decode(read_packets(path), None, shape.size) for path, shape in strips.items()]
    for pictures in zip(*played, strict=True):
        shapes = zip(strips.values(), pictures, strict=True)
        yield [shape.cell_of(picture, row) for shape, (_, picture) in shapes for row in range(shape.rows)]


class _Steps:
    """Tells a watch how many of ``total`` pictures are done."""

    def __init__(self, watch: Watch, total: int) -> None:
        self._watch, self._total, self._done = watch, total, 0

    def one(self) -> None:
        """One more."""
        self._done += 1
        self._watch("", "video", self._done, self._total)


def moments_shown(cameras: Sequence[Camera], fps: float) -> Double:
    """Scene times of the mosaic's pictures: ``fps`` a second while any camera has pictures, none for longer pauses of
    all."""
    spans = sorted(span for camera in cameras for span in _spans(camera))
    joined = [spans[0]]
    for begin, end in spans[1:]:
        if begin > joined[-1][1] + PAUSE_S:
            joined.append((begin, end))
        else:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
    if len(joined) > 1:
        skipped = sum(after[0] - before[1] for before, after in pairwise(joined))
        logger.warning("The mosaic leaves out %.0f s in which no camera has pictures.", skipped)
    return np.concatenate([begin + np.arange(math.ceil((end - begin) * fps)) / fps for begin, end in joined])


def _spans(camera: Camera) -> list[tuple[float, float]]:
    """Stretches of scene time in which a camera has pictures."""
    times = np.sort(camera.time_s(camera.frames))
    step = camera.stride / camera.fps
    cuts = np.flatnonzero(np.diff(times) > step + PAUSE_S)
    first, last = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(times) - 1]])
    return [(float(times[a]), float(times[b]) + step) for a, b in zip(first, last, strict=True)]


class _Tile:
    """One camera: writes its own annotated video while it is played, and shows its place in the mosaic."""

    def __init__(
        self,
        camera: Camera,
        vehicles: Sequence[GlobalTrack],
        folder: Path,
        cell: tuple[int, int],
        params: ReportParams,
        veil: Veil,
    ) -> None:
        self._camera, self._cell, self._veil = camera, cell, veil
        self._marks: Mapping[int, Sequence[Mark]] = marks_of(vehicles, camera.id, round(params.trail_s * camera.fps))
        self._own_size = _fitted(camera.size, (params.width_px, params.height_px), 1.0)
        self._writer = VideoWriter(folder / f"{camera.id}.mp4", camera.fps / camera.stride, self._own_size, params.crf)
        self._times = np.maximum.accumulate(camera.time_s(camera.frames))
        self._played = self._play()
        self._frame, self._picture = -1, self._blank("not started")

    def __enter__(self) -> _Tile:
        self._writer.__enter__()
        return self

    def __exit__(self, *failure: object) -> None:
        self._writer.__exit__(*failure)  # type: ignore[arg-type]

    def at(self, time_s: float) -> Image:
        """The cell's picture at a moment of the scene's clock."""
        place = int(np.searchsorted(self._times, time_s + 1e-7, side="right")) - 1
        if place < 0:
            return self._picture
        if time_s + 1e-7 >= self._times[-1] + self._camera.stride / self._camera.fps:
            return self._blank("ended")
        wanted = int(self._camera.frames[place])
        shown = self._frame
        image = None
        while self._frame < wanted and (following := next(self._played, None)) is not None:
            self._frame, image = following
        if image is not None and self._frame != shown:
            self._picture = self._cell_picture(image)
        return self._picture

    def finish(self) -> None:
        """Play what the mosaic did not need to the end."""
        for _ in self._played:
            pass

    def _play(self) -> Iterator[tuple[int, Image]]:
        for clip in Video(self._camera).clips(1):
            image = self._veil.shown(self._camera.id, clip.first_frame, clip.images[0])
            self._writer.write(self._annotated(image, clip.first_frame, self._own_size))
            yield clip.first_frame, image

    def _cell_picture(self, image: Image) -> Image:
        picture = self._annotated(image, self._frame, _fitted(self._camera.size, self._cell, 1.0))
        return self._centred(picture)

    def _annotated(self, image: Image, frame: int, size: tuple[int, int]) -> Image:
        picture = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        clock = f"{self._camera.id}  {float(self._camera.time_s(frame)):.2f} s  frame {frame + 1}"
        tag(picture, clock, (0, 0), DARK)
        paint(picture, self._marks.get(frame, ()), size[0] / self._camera.size[0])
        return picture

    def _blank(self, state: str) -> Image:
        picture = np.full((self._cell[1], self._cell[0], 3), DARK, np.uint8)
        tag(picture, f"{self._camera.id}  {state}", (0, 0), WHITE)
        return picture

    def _centred(self, picture: Image) -> Image:
        cell = np.full((self._cell[1], self._cell[0], 3), DARK, np.uint8)
        x, y = (self._cell[0] - picture.shape[1]) // 2, (self._cell[1] - picture.shape[0]) // 2
        cell[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
        return cell


def _fitted(size: tuple[int, int], limit: tuple[int, int], most: float) -> tuple[int, int]:
    """(width, height) scaled to fit into ``limit``, at most ``most`` times as large."""
    scale = min(limit[0] / size[0], limit[1] / size[1], most)
    return max(2, int(size[0] * scale)), max(2, int(size[1] * scale))
