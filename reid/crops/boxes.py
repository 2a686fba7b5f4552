"""Boxes of vehicles in videos, as `reid crops` wants them: from ground truth text, or from the folder of an mtmc run.

Inside: frames from 0, boxes as corners. The files are read here on their own, since `reid` knows nothing of mtmc.

Shape shorthand: N boxes of one video.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy.optimize import linear_sum_assignment

from reid.crops.certain import certain_vehicles
from reid.datasets.layout import split_fields
from reid.errors import UserError
from reid.files import check_file, read_json, read_parquet, read_text

VIDEO_SUFFIXES = frozenset([".avi", ".mp4", ".mkv", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv"])
LOCAL_TRUTH = Path("gt/gt.txt")
NUMBERED = re.compile(r"[A-Za-z]*[ _-]?0*(\d{1,4})")
"""Camera ids that are numbers: c041, cam1."""
MIN_OVERLAP = 0.5
VEHICLES = pa.schema(
    [
        ("vehicle_id", pa.int64()),
        ("camera_id", pa.string()),
        ("track_id", pa.int64()),
        ("frame", pa.int64()),
        *((name, pa.float32()) for name in ("x1", "y1", "x2", "y2")),
    ]
)


class _RunFile(BaseModel):
    """Of an mtmc run's ``run.json`` what is needed here."""

    videos: str


class _PageFile(BaseModel):
    """Of its ``page.json`` what its pictures promise to hide."""

    hide: str = "nothing"


@dataclass(frozen=True, eq=False)
class Clip:
    """One camera's video and its boxes: frames (N,) int64 from 0; vehicle_ids (N,) int64; xyxy (N, 4) float64
    pixels."""

    camera_id: str
    video: Path
    frames: NDArray[np.int64]
    vehicle_ids: NDArray[np.int64]
    xyxy: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.frames)


def read_annotated(scene: Path, truth: Path | None = None) -> list[Clip]:
    """The annotated videos below a folder (AI City: ``S01/c001/{vdo.avi, gt/gt.txt}``), one scenario or several.

    truth: a 9-column file (camera id frame left top width height x y), or another folder of ``c001/gt/gt.txt``; by
    default each camera's own. Raises UserError where there are no videos, no annotations, or a line that does not fit.
    """
    videos = find_videos(scene)
    if truth is not None and truth.is_file():
        return _from_table(videos, truth)
    clips = []
    for camera_id, video in videos:
        path = video.parent / LOCAL_TRUTH if truth is None else _truth_in(truth, camera_id)
        if path is not None and path.is_file():
            clips.append(_clip(camera_id, video, _read_mot(path)))
    if not clips:
        raise UserError(
            truth or scene, "ground truth (c001/gt/gt.txt)", "none", "Give --gt, or the folder of an mtmc run."
        )
    return clips


def read_run(run: Path, truth: Path | None = None, certain: float | None = None) -> list[Clip]:
    """The tracked videos of an mtmc run; with a truth (see `read_annotated`) only boxes that overlap it, under its
    vehicle ids; with ``certain`` only vehicles whose links are at least so probable (see `certain_vehicles`).

    Raises UserError for a run that is not finished, whose videos are gone or whose pictures promise to hide vehicles,
    and where no vehicle is certain.
    """
    _require_open(run)
    table = _read_vehicles(run)
    if certain is not None:
        kept = certain_vehicles(run, table, certain)
        if not len(kept):
            found = "none: every vehicle has a doubtful link, or one camera"
            raise UserError(
                run, f"vehicles of links of {certain:g} and more", found, "Lower --certain, or confirm some."
            )
        table = table.filter(pc.is_in(table["vehicle_id"], pa.array(kept)))
    videos = dict(find_videos(_videos_of(run)))
    clips = []
    for camera_id in pc.unique(table["camera_id"]).to_pylist():
        if camera_id not in videos:
            raise UserError(run, f"the video of camera {camera_id}", f"only {', '.join(videos)}", "Run mtmc again.")
        rows = table.filter(pc.equal(table["camera_id"], camera_id))
        xyxy = np.stack([rows[name].to_numpy() for name in ("x1", "y1", "x2", "y2")], axis=1).astype(np.float64)
        frames, ids = (rows[name].to_numpy().astype(np.int64) for name in ("frame", "vehicle_id"))
        clips.append(Clip(camera_id, videos[camera_id], frames, ids, xyxy))
    if truth is None:
        return clips
    true = {clip.camera_id: clip for clip in read_annotated(_videos_of(run), truth)}
    return [relabel(clip, true[clip.camera_id]) for clip in clips if clip.camera_id in true]


def relabel(found: Clip, true: Clip) -> Clip:
    """The found boxes that cover a true one (IoU >= 0.5, one to one per frame, best total), under the true vehicle
    ids."""
    kept, ids = [], []
    for frame in np.intersect1d(found.frames, true.frames):
        rows, answers = np.flatnonzero(found.frames == frame), np.flatnonzero(true.frames == frame)
        overlap = iou(found.xyxy[rows], true.xyxy[answers])
        for i, j in zip(*linear_sum_assignment(-np.where(overlap >= MIN_OVERLAP, overlap, 0)), strict=True):
            if overlap[i, j] >= MIN_OVERLAP:
                kept.append(rows[i])
                ids.append(true.vehicle_ids[answers[j]])
    chosen = np.array(kept, dtype=np.intp)
    return Clip(found.camera_id, found.video, found.frames[chosen], np.array(ids, dtype=np.int64), found.xyxy[chosen])


def iou(some: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M) share of intersection in union of corner boxes, in [0, 1]."""
    near = np.maximum(some[:, None, :2], others[None, :, :2])
    far = np.minimum(some[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.clip(far - near, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (some, others)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9))


def find_videos(scene: Path) -> list[tuple[str, Path]]:
    """(camera id, video) of each ``c001/vdo.*`` below the folder, or of each video in it. Raises UserError where there
    is none."""
    inside = [path for path in sorted(scene.rglob("vdo.*")) if _is_video(path)]
    found = [(path.parent.name, path) for path in inside]
    if not found and scene.is_dir():
        found = [(path.stem, path) for path in sorted(scene.iterdir()) if _is_video(path)]
    if not found:
        raise UserError(
            scene, "videos (c001/vdo.avi or cam1.mp4)", "none", "Name the folder of a scene or of an mtmc run."
        )
    return found


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def _truth_in(folder: Path, camera_id: str) -> Path | None:
    return next(iter(sorted(folder.rglob(f"{camera_id}/{LOCAL_TRUTH}"))), None)


def _from_table(videos: list[tuple[str, Path]], truth: Path) -> list[Clip]:
    numbers = _read_numbers(truth, 7, 7)
    clips = []
    for camera_id, video in videos:
        number = NUMBERED.fullmatch(camera_id)
        rows = numbers[numbers[:, 0] == int(number[1])] if number else numbers[:0]
        if len(rows):
            clips.append(_clip(camera_id, video, rows[:, [2, 1, 3, 4, 5, 6]]))
    if not clips:
        raise UserError(truth, "boxes of these cameras", "none", f"The videos are {', '.join(c for c, _ in videos)}.")
    return clips


def _clip(camera_id: str, video: Path, rows: NDArray[np.float64]) -> Clip:
    """From rows of frame (from 1), id, left, top, width, height."""
    near, size = rows[:, 2:4], rows[:, 4:6]
    frames, ids = rows[:, 0].astype(np.int64) - 1, rows[:, 1].astype(np.int64)
    return Clip(camera_id, video, frames, ids, np.concatenate([near, near + size], axis=1))


def _read_mot(path: Path) -> NDArray[np.float64]:
    """Rows of frame, id, left, top, width, height; those whose seventh number is 0 are marked "ignore" and left out."""
    rows = _read_numbers(path, 6, 7)
    return rows[rows[:, 6] != 0, :6]


def _read_numbers(path: Path, least: int, columns: int) -> NDArray[np.float64]:
    """The first numbers of each line, at least `least`, 1 for those that lack up to `columns`; commas or spaces
    between.

    Raises UserError naming the line that does not fit.
    """
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = split_fields(line, f"{path}, line {number}")[:columns]
        if not words:
            continue
        try:
            numbers = [float(word) for word in words]
        except ValueError:
            raise UserError(f"{path}, line {number}", "numbers", repr(line), "Check the file.") from None
        if len(numbers) < least:
            raise UserError(f"{path}, line {number}", f"{least} or more numbers", repr(line), "Check the file.")
        rows.append(numbers + [1.0] * (columns - len(numbers)))
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def _read_vehicles(run: Path) -> pa.Table:
    """The run's boxes; columns of another kind, or with values missing, are as good as none."""
    path, expected = run / "vehicles.parquet", f"a table of {', '.join(VEHICLES.names)}"
    check_file(path, "the vehicles of a run", fix="Let `mtmc run` finish first.")
    table = read_parquet(path, expected, "Run mtmc again.", VEHICLES.names)
    try:
        table = table.cast(VEHICLES)
        if any(column.null_count for column in table.columns):
            raise ValueError("rows without a value")
    except (pa.ArrowException, ValueError) as error:
        raise UserError(path, expected, str(error).splitlines()[0], "Run mtmc again.") from None
    return table


def _require_open(run: Path) -> None:
    """Crops show what a private run hides."""
    path = run / "page.json"
    hide = (
        read_json(path, _PageFile, "what the run's page hides", "Run mtmc again.").hide if path.exists() else "nothing"
    )
    if hide != "nothing":
        fix = f"Where crops may show them: mtmc report {run}, which hides nothing."
        raise UserError(run, "a run that hides nothing", f"one that hides {hide}", fix)


def _videos_of(run: Path) -> Path:
    path = run / "run.json"
    return Path(read_json(path, _RunFile, "the folder of the run's videos", "Run mtmc again.").videos)
