"""Appearance vectors of tracks: one or more for each, from any network.

``.npz``: arrays ``vectors`` (M, D), ``track_id`` (M,), ``camera_id`` (M,), and if wanted ``frame`` (from 0) and
``quality`` (M,). ``.parquet``: the same as columns, ``vector`` a list. ``.npy``: (T, D), a row per track, by camera and
track id. A pattern with ``{camera}`` names a file per camera, which then needs no camera of its own.

Shape shorthand: M vectors, D their size, T tracks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mtmc.errors import InputError
from mtmc.files import check_archive, check_file, read_parquet
from mtmc.structures import Embeddings, Tracklet
from mtmc.track_files.rows import MAX_FRAME, MOST_TRACKS
from mtmc.track_files.told import CAMERA

Arrays = dict[str, np.ndarray[Any, Any]]
LAYOUT = "vectors (M, D), track_id (M,) and camera_id (M,)"
KINDS: Mapping[str, tuple[str, str, float | None, float]] = {
    "vectors": ("fiu", "numbers", None, 0),
    "track_id": ("iu", f"whole numbers from 0 to {MOST_TRACKS}", 0, MOST_TRACKS),
    "camera_id": ("U", "words", None, 0),
    "frame": ("iu", f"whole numbers from 0 to {MAX_FRAME}", 0, MAX_FRAME),
    "quality": ("fiu", "numbers from 0 to 1", 0, 1),
}
"""Of each array its kinds of NumPy, what that is in words, and the least and most that may stand in it."""


def read_vectors(source: Path | str, tracks: Mapping[str, list[Tracklet]]) -> dict[str, Embeddings]:
    """Vectors by camera id for tracks by camera id, made unit; a camera without any has none.

    Raises InputError for a file of another layout, a vector of an unknown track, or one that is zero or not finite.
    """
    if CAMERA in str(source):
        parts = [_of_file(Path(str(source).replace(CAMERA, camera_id)), camera_id, tracks) for camera_id in tracks]
    else:
        parts = [_read(Path(source), tracks)]
    widths = sorted({part["vectors"].shape[1] for part in parts})
    if len(widths) > 1:
        raise InputError(source, "vectors of one size", " and ".join(map(str, widths)), "Use one network.")
    if "camera_id" not in parts[0]:
        raise InputError(source, LAYOUT, "no camera_id", "Add it, or name a file per camera with {camera}.")
    shared = set.intersection(*(set(part) for part in parts))
    joined = {key: np.concatenate([part[key] for part in parts]) for key in sorted(shared)}
    return {camera_id: _of_camera(Path(source), camera_id, joined, mine) for camera_id, mine in tracks.items()}


def _of_file(path: Path, camera_id: str, tracks: Mapping[str, list[Tracklet]]) -> Arrays:
    """The file of one camera, whatever it says of cameras itself."""
    mine = {camera_id: tracks[camera_id]}
    arrays = _read(path, mine)
    return {**arrays, "camera_id": np.full(len(arrays["track_id"]), camera_id)}


def _of_camera(path: Path, camera_id: str, arrays: Arrays, tracks: list[Tracklet]) -> Embeddings:
    mine = np.flatnonzero(arrays["camera_id"].astype(str) == camera_id)
    middle = {t.track_id: int(t.frames[len(t) // 2]) for t in tracks}
    ids = arrays["track_id"][mine].astype(np.int64)
    strangers = np.setdiff1d(ids, list(middle))
    if len(strangers):
        found = f"one of track {strangers[0]} of {camera_id}"
        raise InputError(path, "vectors of these tracks", found, "Give the vectors of the same tracking.")
    vectors = np.asarray(arrays["vectors"][mine], np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(length) & (length > 0)).all():
        raise InputError(path, "finite vectors that are not zero", f"others in {camera_id}", "Leave those out.")
    known = arrays["frame"][mine] if "frame" in arrays else [middle[number] for number in ids.tolist()]
    frames = np.asarray(known, np.int32)
    quality = arrays["quality"][mine] if "quality" in arrays else np.ones(len(mine))
    order = np.lexsort((frames, ids))
    return Embeddings((vectors / length)[order], ids[order], frames[order], np.clip(quality, 0, 1)[order])


def _read(path: Path, tracks: Mapping[str, list[Tracklet]]) -> Arrays:
    check_file(path, "a file of vectors")
    reader = {".npz": _read_npz, ".npy": _read_npy, ".parquet": _read_parquet}.get(path.suffix.lower())
    if reader is None:
        raise InputError(path, "an .npz, .npy or .parquet file of vectors", repr(path.suffix), "Convert it.")
    try:
        arrays = {name: values for name, values in reader(path, tracks).items() if name in KINDS}
    except InputError:
        raise
    except Exception as error:  # numpy, zipfile and pyarrow raise what they like for damaged files
        too_large = "more numbers than the memory holds"
        found = too_large if isinstance(error, MemoryError) else (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(path, LAYOUT, found, "Write it so.") from error
    rows = arrays["vectors"].shape[:1]
    if arrays["vectors"].ndim != 2 or any(v.shape != rows for name, v in arrays.items() if name != "vectors"):
        shapes = ", ".join(f"{name} {values.shape}" for name, values in arrays.items())
        raise InputError(path, LAYOUT, shapes, "Write it so.")
    for name, values in arrays.items():
        _check(path, name, values)
    return arrays


def _check(path: Path, name: str, values: np.ndarray[Any, Any]) -> None:
    """Raise InputError for values that an array of this name does not hold."""
    kinds, expected, least, most = KINDS[name]
    if values.dtype.kind not in kinds:
        raise InputError(f"{path}, {name}", expected, f"values of type {values.dtype}", "Write it so.")
    bad = None if least is None else ~((values >= least) & (values <= most))
    if bad is not None and bad.any():
        raise InputError(f"{path}, {name}", expected, str(values[bad][0]), "Write it so.")


def _read_npz(path: Path, tracks: Mapping[str, list[Tracklet]]) -> Arrays:
    check_archive(path)
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return {"vectors": arrays.pop("vectors"), "track_id": arrays.pop("track_id"), **arrays}


def _read_parquet(path: Path, tracks: Mapping[str, list[Tracklet]]) -> Arrays:
    table = read_parquet(path, LAYOUT, "Write it so.")
    rows = table.column("vector").to_pylist()
    others = [name for name in ("track_id", "camera_id", "frame", "quality") if name in table.column_names]
    columns = {name: np.asarray(table.column(name).to_pylist()) for name in others}
    return {"vectors": np.array(rows, np.float32), "track_id": columns.pop("track_id"), **columns}


def _read_npy(path: Path, tracks: Mapping[str, list[Tracklet]]) -> Arrays:
    vectors = np.load(path, allow_pickle=False)
    keys = sorted(tracklet.key for mine in tracks.values() for tracklet in mine)
    if vectors.ndim != 2 or len(vectors) != len(keys):
        raise ValueError(f"{vectors.shape} for {len(keys)} tracks")
    cameras, ids = zip(*keys, strict=True)
    return {"vectors": vectors, "track_id": np.array(ids), "camera_id": np.array(cameras)}
