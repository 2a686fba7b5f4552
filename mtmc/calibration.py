"""A camera's view of the ground: ``calibration.txt`` in both forms that the field knows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtmc.errors import InputError
from mtmc.files import read_text
from mtmc.files.text import numbers


@dataclass(frozen=True, slots=True)
class Calibration:
    """A camera's view of the ground: ``ground_to_image`` (3, 3) maps (lat, lon) degrees, or metres if not ``gps``, to
    undistorted pixels; ``intrinsic`` (3, 3) and ``distortion`` (k1 k2 p1 p2) undo the lens, None for none;
    ``error_px``: the reprojection error that its maker tells, None for none."""

    ground_to_image: NDArray[np.float64]
    intrinsic: NDArray[np.float64] | None
    distortion: NDArray[np.float64] | None
    gps: bool = True
    error_px: float | None = None


def read_calibration(path: Path, gps: bool = True) -> Calibration:
    """Read ``calibration.txt``, labelled (2020 on) or bare (2019: nine numbers, then an optional line of distortion).

    Raises InputError with file and line where the numbers do not make a homography.
    """
    homography: NDArray[np.float64] | None = None
    intrinsic = distortion = None
    error_px: float | None = None
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        label, _, values = line.rpartition(":")
        kind = _calibration_kind(label, homography is not None)
        if kind == "error":
            error_px = _error_px(values)
        if not values.strip() or kind == "error":
            continue
        found = np.array(numbers(values, f"{path}:{number}"))
        if kind == "distortion":
            distortion = _sized(found, (4, 5, 8), f"{path}:{number}", "distortion coefficients")
        elif kind == "intrinsic":
            intrinsic = _sized(found, (9,), f"{path}:{number}", "an intrinsic matrix of 9 numbers").reshape(3, 3)
            if not intrinsic[0, 0] or not intrinsic[1, 1] or not _invertible(intrinsic):
                expected, fix = "an invertible intrinsic matrix", "Correct the line, or take it away."
                raise InputError(f"{path}:{number}", expected, "a singular one", fix)
        else:
            homography = _sized(found, (9,), f"{path}:{number}", "a homography of 9 numbers").reshape(3, 3)
    if homography is None or not _invertible(homography):
        found_text = "none" if homography is None else "a singular one"
        raise InputError(
            path, "an invertible homography of 9 numbers", found_text, "Write 'Homography matrix: a b c;d e f;g h i'."
        )
    if distortion is not None and not np.any(distortion):
        distortion = None
    return Calibration(homography, intrinsic, distortion, gps, error_px)


def _error_px(values: str) -> float | None:
    """A line of the maker's that nobody needs: None where it is no number."""
    try:
        error = float(values)
    except ValueError:
        return None
    return error if 0 <= error < math.inf else None


def _invertible(matrix: NDArray[np.float64]) -> bool:
    """Whether a matrix (3, 3) has an inverse of finite numbers."""
    with np.errstate(all="ignore"):
        determinant = np.linalg.det(matrix)
        return bool(np.isfinite(determinant) and determinant != 0 and np.isfinite(np.linalg.inv(matrix)).all())


def _calibration_kind(label: str, homography_seen: bool) -> str:
    words = label.lower()
    for kind in ("intrinsic", "distortion", "error"):
        if kind in words:
            return kind
    return "distortion" if not words and homography_seen else "homography"


def _sized(values: NDArray[np.float64], sizes: tuple[int, ...], where: str, expected: str) -> NDArray[np.float64]:
    if len(values) not in sizes:
        raise InputError(
            where,
            expected,
            f"{len(values)} numbers",
            "Correct the line, or take the file away to run without calibration.",
        )
    return values
