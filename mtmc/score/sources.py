"""From paths to the two sides of a comparison: files, ground truth folders, run folders, masks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtmc.box_table import Boxes, camera_number, camera_order
from mtmc.errors import InputError
from mtmc.files.images import read_image
from mtmc.scene_reader import read_scene
from mtmc.score.aicity import outside_masks
from mtmc.score.evaluate import with_ground
from mtmc.store import open_run
from mtmc.track_files.formats import read_aicity_boxes, read_ground_truth_boxes, whole_pixels

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """What is to be scored: truth and predicted with cameras of the same names; masks by camera; the paths both came
    from; run: the run folder, None for files; notes: what the user should know about the choices made."""

    truth: Boxes
    predicted: Boxes
    masks: dict[str, Mask]
    truth_path: Path
    predicted_path: Path
    run: Path | None
    notes: tuple[str, ...]


def load_sides(
    predicted: Path | None, truth: Path | None, masks: Path | None, use_masks: bool = True, on_ground: bool = False
) -> Sides:
    """Read both sides. Without ``predicted`` the newest run under ``runs/``; without ``truth`` the run's own scene;
    without ``masks`` those beside the ground truth if all true boxes keep inside them, as the challenge promises of its
    own. ``on_ground``: boxes without world coordinates get them from the calibrated cameras of the ground truth's
    scene.

    Raises InputError or StoreError for anything that cannot be read, with file and line where there is one.
    """
    path = newest_run(Path("runs")) if predicted is None else predicted
    run = path if (path / "run.json").exists() else None
    boxes = read_side(path)
    truth_path = truth or _own_truth(path, run)
    true_boxes = read_side(truth_path)
    true_boxes, left_out = _looked_at(true_boxes, run)
    boxes = _named_alike(boxes, true_boxes.cameras)
    names = sorted({*boxes.cameras, *true_boxes.cameras}, key=camera_order)
    if on_ground and truth_path.is_dir():
        scene = read_scene(truth_path)
        boxes, true_boxes = with_ground(boxes, scene), with_ground(true_boxes, scene)
    white, notes = _choose_masks(masks, truth_path, names, true_boxes) if use_masks else ({}, ())
    return Sides(true_boxes, boxes, white, truth_path, path, run, (*left_out, *notes))


def _looked_at(truth: Boxes, folder: Path | None) -> tuple[Boxes, tuple[str, ...]]:
    """The true boxes of the frames that a run has looked at, and a note where there are others."""
    if folder is None or not open_run(folder).looks_at_a_part:
        return truth, ()
    cameras = open_run(folder).scene.cameras
    seen = np.ones(len(truth), np.bool_)
    for index, camera_id in enumerate(truth.cameras):
        name = _same_camera(camera_id, list(cameras))
        if name is not None:
            rows = truth.camera == index
            seen[rows] = np.isin(truth.frames[rows], cameras[name].frames)
    if seen.all():
        return truth, ()
    found = f"{len(truth) - int(seen.sum())} of {len(truth)} true boxes are of frames that the run did not look at"
    return truth.take(seen), (f"{found}; they are left out",)


def newest_run(runs: Path) -> Path:
    """The run folder whose vehicles were written last. Raises InputError if there is none."""
    found = [path.parent for path in runs.glob("*/vehicles.parquet") if (path.parent / "run.json").exists()]
    if not found:
        fix = "Name what to score, or make a run with `mtmc run`."
        raise InputError(runs, "a finished run", "none", fix)
    return max(found, key=lambda folder: (folder / "vehicles.parquet").stat().st_mtime_ns)


def read_side(path: Path) -> Boxes:
    """Boxes of a 9-column file, a run folder, or a folder of MOT ground truth (``c001/gt/gt.txt``)."""
    if (path / "run.json").exists():
        boxes = Boxes.from_tracks(open_run(path).vehicles())
        return replace(boxes, xywh=whole_pixels(boxes.xywh), sources=(str(path),) * len(boxes.cameras))
    if path.is_dir():
        return read_ground_truth_boxes(path)
    return read_aicity_boxes(path)


def _own_truth(path: Path, run: Path | None) -> Path:
    if run is None:
        fix = "Pass --gt with the ground truth's file or folder."
        raise InputError(path, "ground truth to compare with", "none given", fix)
    videos = open_run(run).videos
    if not videos.is_dir() or not any(videos.glob("*/gt/gt.txt")):
        fix = "Pass --gt, or put gt/gt.txt into the cameras' folders."
        raise InputError(videos, "the scene's ground truth (cNNN/gt/gt.txt)", "none", fix)
    return videos


def _named_alike(boxes: Boxes, cameras: tuple[str, ...]) -> Boxes:
    """Boxes whose cameras carry the names of ``cameras`` with the same number: ``cam1`` and the challenge's camera 1
    are one."""
    names = tuple(_same_camera(camera_id, cameras) or camera_id for camera_id in boxes.cameras)
    if len(set(names)) < len(names):
        return boxes
    order = sorted(range(len(names)), key=lambda k: camera_order(names[k]))
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    return replace(
        boxes,
        cameras=tuple(names[k] for k in order),
        sources=tuple(boxes.sources[k] for k in order),
        camera=rank[boxes.camera] if len(boxes) else boxes.camera,
    )


def _same_camera(camera_id: str, among: tuple[str, ...] | list[str]) -> str | None:
    """The name in ``among`` that is this camera: the same name, else the only one with the same number."""
    if camera_id in among:
        return camera_id
    number = camera_number(camera_id)
    alike = [name for name in among if number is not None and camera_number(name) == number]
    return alike[0] if len(alike) == 1 else None


def _choose_masks(
    folder: Path | None, truth_path: Path, cameras: list[str], truth: Boxes
) -> tuple[dict[str, Mask], tuple[str, ...]]:
    if folder is not None:
        masks = read_masks(folder, cameras)
        missing = [camera_id for camera_id in cameras if camera_id not in masks]
        if missing:
            expected = f"a mask for camera {missing[0]} ({missing[0]}/roi.jpg)"
            raise InputError(folder, expected, "none", "Add it, or score with --no-roi.")
        return masks, ()
    masks = read_masks(truth_path, cameras) if truth_path.is_dir() else {}
    cut = int(outside_masks(truth, masks).sum())
    if not cut:
        return masks, ()
    why = f"the masks beside the ground truth cut {cut} of its own {len(truth)} boxes, so they are left out"
    return {}, (f"{why}; --roi {truth_path} insists on them",)


def read_masks(folder: Path, cameras: list[str]) -> dict[str, Mask]:
    """Masks by camera, of ``c041/roi.jpg`` or ``test/c041/roi.jpg`` in the folder: pixels that are pure white (255), as
    the challenge demands. Raises InputError for a file that is no image.
    """
    found: dict[str, Path] = {}
    for path in [path for pattern in ("*/roi.*", "*/*/roi.*") for path in sorted(folder.glob(pattern))]:
        camera_id = _same_camera(path.parent.name, cameras)
        if path.suffix.lower() in (".jpg", ".png") and camera_id is not None:
            found.setdefault(camera_id, path)
    return {camera_id: _white(path) for camera_id, path in found.items()}


def _white(path: Path) -> Mask:
    fix = "Replace it, or score with --no-roi."
    return np.asarray(read_image(path, grey=True, expected="a mask image", fix=fix) == 255)
