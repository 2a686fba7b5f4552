"""What the results page shows of a camera: a clean video that a browser jumps about in, and the best crops of every
tracklet.

Both are made in one pass over the camera's video, and again only when what they were made from has changed.

    RUN/video/web/<camera>.mp4       no boxes, a key frame each second, every frame at its own time
    RUN/video/preview/<camera>.mp4   the same, small, where many cameras share the screen
    RUN/crops/<camera>.parquet       track_id frame colour picture (WebP) attention (bytes of a square, 255 = most)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mtmc.report import ReportParams, Watch
from mtmc.report.colour_words import colour_name
from mtmc.report.privacy import Veil
from mtmc.scene import Camera, Scene
from mtmc.store import Run
from mtmc.store.stamps import staleness
from mtmc.store.tables import write_table
from mtmc.structures import Embeddings, Float, Tracklet
from mtmc.video import Image, Video, VideoWriter

FEW_CAMERAS = 9
FEW_WIDTH_PX, MANY_WIDTH_PX, PREVIEW_WIDTH_PX = 960, 640, 320
"""Widths of web videos for few and for many cameras, and of what a browser decodes of many side by side."""
PREVIEW_CRF = 4
"""What the quality of those gives way to their number: sixteen are decoded at every jump."""
VIDEO_FOLDERS = ("web", "preview")
CROP_PX = (128, 96)
"""(width, height) of a crop on the page; what stands around a narrow vehicle fills it."""
CROP_MARGIN = 0.12
CROPS_PER_TRACKLET = 2
WEBP_QUALITY = 62
WORST_CRF = 51
VERSION = 6
"""Raised by one when this file changes what it makes."""


Attend = Callable[[Sequence[Image]], NDArray[np.uint8] | None]
"""Where an embedder looks in pictures, as ``mtmc.embed.attention_of`` gives it."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """A crop to cut: tracklet, frame and box (4,)."""

    track_id: int
    frame: int
    box: Float

    @property
    def area(self) -> float:
        """Pixels of the box."""
        return float(np.prod(self.box[2:] - self.box[:2]))


def make_looks(
    run: Run, scene: Scene, params: ReportParams, watch: Watch, veil: Veil, attend: Attend | None = None
) -> None:
    """Write every camera's web video and crops where they are missing or stale; ``attend`` tells where the embedder
    looks in them.

    Raises InputError for a damaged video, StoreError where the run folder cannot be written.
    """
    many = len(scene.cameras) > FEW_CAMERAS
    widths = {"web": params.web_width_px or (MANY_WIDTH_PX if many else FEW_WIDTH_PX)}
    widths |= {"preview": PREVIEW_WIDTH_PX} if many else {}
    for camera in scene.cameras.values():
        _make_look(run, camera, widths, params.web_crf, watch, veil, attend)


def videos_of(run: Run, camera_id: str) -> dict[str, Path]:
    """Paths of a camera's videos for the page by their folder, as far as they exist."""
    paths = {folder: run.folder / "video" / folder / f"{camera_id}.mp4" for folder in VIDEO_FOLDERS}
    return {folder: path for folder, path in paths.items() if path.exists()}


def _make_look(
    run: Run,
    camera: Camera,
    widths: Mapping[str, int],
    crf: int,
    watch: Watch,
    veil: Veil,
    attend: Attend | None,
) -> None:
    crops, shown = run.path("crops", camera.id), {} if veil.hide == "pictures" else widths
    stamp, videos = _stamp(run, camera, shown, crf, veil, attend is not None), videos_of(run, camera.id)
    if not staleness(crops, stamp) and set(videos) == set(shown):
        return
    for video in videos.values():
        video.unlink()
    wanted = choose(run.tracklets(camera.id), run.embeddings_of(camera.id))
    cut = list(_pass(run, camera, wanted, shown, crf, watch, veil)) if shown else []
    words = _colours(cut)
    columns = {
        "track_id": pa.array([want.track_id for want, *_ in cut], pa.int64()),
        "frame": pa.array([want.frame for want, *_ in cut], pa.int32()),
        "colour": pa.array([words[want.track_id] for want, *_ in cut], pa.string()),
        "picture": pa.array([picture for *_, picture in cut], pa.binary()),
        "attention": pa.array(_attention([picture for *_, picture in cut], attend), pa.binary()),
    }
    write_table(crops, columns, stamp)


def _colours(cut: Sequence[tuple[Wanted, str, bytes]]) -> dict[int, str]:
    """The word of each tracklet's largest crop, by track id."""
    return {want.track_id: colour for want, colour, _ in sorted(cut, key=lambda one: one[0].area)}


def _attention(pictures: Sequence[bytes], attend: Attend | None) -> list[bytes | None]:
    """Where the embedder looks in each picture, None where nobody can tell."""
    images = [np.asarray(cv2.imdecode(np.frombuffer(picture, np.uint8), 1), np.uint8) for picture in pictures]
    maps = attend(images) if attend is not None and images else None
    return [None] * len(images) if maps is None else [one.tobytes() for one in maps]


def _stamp(
    run: Run, camera: Camera, widths: Mapping[str, int], crf: int, veil: Veil, attended: bool
) -> Mapping[str, Any]:
    made_from = {stage: run.made_from(stage, camera.id) for stage in ("detections", "tracklets", "embeddings")}
    looks = {"widths_px": dict(widths), "crf": crf, "hide": veil.hide, "attention": attended}
    return {"stage": "crops", "version": VERSION, "params": looks, "inputs": made_from}


def choose(tracklets: Sequence[Tracklet], embeddings: Embeddings | None) -> list[Wanted]:
    """The boxes that show each tracklet best, one for each half of its life: those of the best embedded crops, else the
    largest."""
    return [Wanted(t.track_id, int(t.frames[row]), t.xyxy[row]) for t in tracklets for row in _best_rows(t, embeddings)]


def _best_rows(tracklet: Tracklet, embeddings: Embeddings | None) -> Iterator[int]:
    worth = np.prod(tracklet.xyxy[:, 2:] - tracklet.xyxy[:, :2], axis=1).astype(np.float64)
    worth /= worth.max() * 1e3  # below any sampled crop's quality
    if embeddings is not None:
        mine = embeddings.of(tracklet.track_id)
        rows = np.searchsorted(tracklet.frames, mine.frames)
        worth[rows] += mine.quality
    for part in np.array_split(np.arange(len(tracklet)), CROPS_PER_TRACKLET):
        if len(part):
            yield int(part[worth[part].argmax()])


def _pass(
    run: Run,
    camera: Camera,
    wanted: Sequence[Wanted],
    widths: Mapping[str, int],
    crf: int,
    watch: Watch,
    veil: Veil,
) -> Iterator[tuple[Wanted, str, bytes]]:
    """Decode the camera once: write its videos, yield the crops."""
    by_frame: dict[int, list[Wanted]] = {}
    for want in wanted:
        by_frame.setdefault(want.frame, []).append(want)
    times = camera.time_s(np.arange(camera.frame_count + 1))
    with ExitStack() as stack:
        paths = {kind: run.folder / "video" / kind / f"{camera.id}.mp4" for kind in widths}
        writers = [stack.enter_context(clean_writer(paths[kind], camera, kind, widths[kind], crf)) for kind in widths]
        for clip in Video(camera).clips(1):
            frame = clip.first_frame
            image = veil.shown(camera.id, frame, clip.images[0])
            for writer in writers if frame < len(times) else ():
                writer.write(_scaled(image, writer.size), float(times[frame] - times[0]))
            yield from (
                (want, colour_name(clip.images[0], want.box), picture_of(image, want.box))
                for want in by_frame.get(frame, ())
            )
            watch(camera.id, "page", frame + 1, camera.frame_count)


def clean_writer(path: Path, camera: Camera, kind: str, width: int, crf: int) -> VideoWriter:
    """Writes a camera's video without boxes, of one of VIDEO_FOLDERS' kinds and no wider than ``width``."""
    small = kind == "preview"
    quality = min(crf + PREVIEW_CRF, WORST_CRF) if small else crf
    return VideoWriter(path, camera.fps, _fitted(camera.size, width), quality, seekable=True, light=small)


def _scaled(image: Image, size: tuple[int, int]) -> Image:
    if size == (image.shape[1], image.shape[0]):
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def picture_of(image: Image, box: Float) -> bytes:
    """A box and what is around it as WebP of CROP_PX, its aspect kept."""
    height, width = image.shape[:2]
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * (1 + CROP_MARGIN)
    aspect = CROP_PX[0] / CROP_PX[1]
    half = np.array([max(half[0], half[1] * aspect), max(half[1], half[0] / aspect)])
    left, top = np.clip(np.floor(centre - half), 0, (width - 2, height - 2)).astype(int)
    right, bottom = np.clip(np.ceil(centre + half), (left + 1, top + 1), (width, height)).astype(int)
    part = image[top:bottom, left:right]
    scale = min(CROP_PX[0] / part.shape[1], CROP_PX[1] / part.shape[0])
    fitted = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    crop = cv2.resize(part, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".webp", crop, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])[1])


def _fitted(size: tuple[int, int], width: int) -> tuple[int, int]:
    """(width, height), even, no wider than ``width``."""
    scale = min(1.0, width / size[0])
    return max(2, int(size[0] * scale) // 2 * 2), max(2, int(size[1] * scale) // 2 * 2)
