"""Tracks that were made elsewhere: files of boxes with ids in, tracklets and what is told of their cameras out.

    rows          numeric text rows
    formats       AI City and MOT text
    tables        CSV and Parquet with named columns
    annotations   CVAT for video (.xml), OTVision (.ottrk)
    vectors       appearance vectors of tracks (.npz, .npy, .parquet)
    told          what is known of each camera, and the scene that it makes

One file of all cameras: AI City (9 columns), CSV or Parquet with a column of cameras. Or a file per camera, named by
it: a folder of MOT (``c001.txt``), CSV, Parquet, CVAT or OTVision files, MOTChallenge's folders (``c001/gt/gt.txt``),
or a pattern such as ``S06/{camera}/mtsc/mtsc_deepsort_mask_rcnn.txt``. Frames count from 1 in AI City, MOT and
OTVision, from 0 in CVAT; Parquet says so in its schema (``frame_base``), other tables count from 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from mtmc.errors import InputError
from mtmc.files import check_file
from mtmc.scene_reader.file_names import check_camera_id
from mtmc.structures import Tracklet
from mtmc.track_files.annotations import read_cvat, read_ottrk
from mtmc.track_files.formats import read_aicity, read_mot_tracks
from mtmc.track_files.tables import read_csv_tracks, read_parquet_tracks
from mtmc.track_files.told import CAMERA, CameraTracks, read_seqinfo
from mtmc.track_files.vectors import read_vectors

__all__ = ["CameraTracks", "read_tracks", "read_vectors"]

LONGEST_LINE = 1 << 20
ReadFile = Callable[[Path, str, int | None], list[CameraTracks]]
"""From a file, the camera that its name tells, and the number of its first frame (None: as the format has it)."""


def read_tracks(source: Path | str, first_frame: int | None = None) -> dict[str, CameraTracks]:
    """Tracks by camera id, sorted.

    Args:
        source: a file of all cameras, a folder with a file per camera, or a pattern with ``{camera}``.
        first_frame: what the first frame of a video is called, 0 or 1; None: as the format has it.

    Raises InputError with file and line for a file that cannot be used, or a camera that two files tell of.
    """
    files = camera_files(Path(source))
    found: dict[str, CameraTracks] = {}
    for camera_id, path in files.items():
        for camera in _read(path, camera_id, first_frame):
            if camera.camera_id in found:
                fix = "Take one of its files away."
                raise InputError(path, "each camera in one file only", f"a second time {camera.camera_id}", fix)
            check_camera_id(camera.camera_id, path)
            found[camera.camera_id] = camera
    if not any(camera.tracklets for camera in found.values()):
        raise InputError(source, "tracks", "none", "Give files with boxes in them.")
    return dict(sorted(found.items()))


def camera_files(source: Path) -> dict[str, Path]:
    """Files by camera id; one file of all cameras goes by "". Raises InputError where there is none."""
    if CAMERA in str(source):
        found = _matching(str(source))
    elif source.is_dir():
        found = {path.stem: path for path in sorted(source.iterdir()) if _readable(path)}
        found = found or {path.parents[1].name: path for path in sorted(source.glob("*/gt/gt.txt"))}
    else:
        found = {"": source} if source.is_file() else {}
    if not found:
        expected = f"a file of tracks, a folder of such files ({', '.join(READERS)}), or a pattern with {CAMERA}"
        raise InputError(source, expected, "none", "Check the path.")
    return found


def _readable(path: Path) -> bool:
    """Whether a file is one of tracks by its name. Raises InputError for what has the name and can be none, a broken
    link or a pipe: no camera vanishes in silence."""
    named = path.suffix.lower() in READERS and not path.name.startswith(".")
    if named:
        check_file(path, "a file of tracks")
    return named


def _matching(pattern: str) -> dict[str, Path]:
    """Paths that a pattern with ``{camera}`` stands for, by what stands in its place."""
    wanted = re.compile(re.escape(pattern).replace(re.escape(CAMERA), "([^/\\\\]+)", 1))
    start = Path(pattern.partition(CAMERA)[0] + "x").parent
    paths = start.glob(str(Path(pattern).relative_to(start)).replace(CAMERA, "*"))
    return {match[1]: path for path in sorted(paths) if (match := wanted.fullmatch(str(path)))}


def _read(path: Path, camera_id: str, first_frame: int | None) -> list[CameraTracks]:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(path, f"one of {', '.join(READERS)}", repr(path.suffix), "Convert the file, or rename it.")
    check_file(path, "a file of tracks")
    return reader(path, camera_id, first_frame)


def _read_text(path: Path, camera_id: str, first_frame: int | None) -> list[CameraTracks]:
    """A file of one camera is MOT, one of all cameras AI City."""
    first = 1 if first_frame is None else first_frame
    if camera_id:
        return [read_seqinfo(CameraTracks(camera_id, read_mot_tracks(path, camera_id, first), first), path)]
    by_camera: dict[str, list[Tracklet]] = {}
    for vehicle in read_aicity(path, first):
        for tracklet in vehicle.tracklets:
            by_camera.setdefault(tracklet.camera_id, []).append(tracklet)
    return [CameraTracks(name, tracklets, first) for name, tracklets in by_camera.items()]


def _read_csv(path: Path, camera_id: str, first_frame: int | None) -> list[CameraTracks]:
    """With a header a table, without one as text."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline(LONGEST_LINE)
    named = any(character.isalpha() for character in header.replace("e", "").replace("E", ""))
    return (read_csv_tracks if named else _read_text)(path, camera_id, first_frame)


READERS: Mapping[str, ReadFile] = {
    ".txt": _read_text,
    ".zip": _read_text,
    ".gz": _read_text,
    ".csv": _read_csv,
    ".parquet": read_parquet_tracks,
    ".xml": read_cvat,
    ".ottrk": read_ottrk,
}
"""Reader by a file's ending."""
