"""Folders of pictures as recordings: ``000001.jpg``, ``000002.jpg``, ... (MOTChallenge's ``img1``), turned by EXIF, 16
bits brought to 8."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import numpy as np

from mtmc.errors import InputError
from mtmc.files import read_text
from mtmc.files.images import read_image
from mtmc.scene import FASTEST_FPS, SLOWEST_FPS, Recording
from mtmc.structures import Image

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
LEAST_PICTURES = 2
"""Fewer pictures in a folder are masks or maps."""


def picture_files(folder: Path) -> list[Path]:
    """The folder's pictures in order of their names, numbers counted; dot files are not looked at."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith(".")]
    return sorted(found, key=lambda path: (_number(path), path.name))


def is_picture_folder(folder: Path) -> bool:
    """Whether a folder holds numbered pictures."""
    if not folder.is_dir():
        return False
    found = picture_files(folder)
    return len(found) >= LEAST_PICTURES and all(_number(path) >= 0 for path in found)


def _number(path: Path) -> int:
    """The last number in a file's name, -1 for none."""
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else -1


def read_picture_folder(folder: Path, fps: float | None = None) -> Recording:
    """A folder of pictures as a recording at ``fps``, or at the rate in ``seqinfo.ini``; missing numbers stay gaps in
    time.

    Raises InputError for a rate that nobody told, two pictures of one number, and pictures that cannot be read.
    """
    files = picture_files(folder)
    rate = fps or _told_rate(folder)
    if rate is None:
        fix = "Give --fps, or fps in scene.toml."
        raise InputError(folder, "the rate of these pictures (seqinfo.ini, fps)", "none", fix)
    numbers = np.array([_number(path) for path in files], np.int64)
    twins = np.flatnonzero(np.diff(numbers) == 0)
    if len(twins):
        found = f"{files[twins[0]].name} and {files[twins[0] + 1].name}"
        raise InputError(folder, "one picture of each number", found, "Take one of the two away.")
    times_s = (numbers - numbers[0]) / rate
    height, width = read_picture(files[0]).shape[:2]
    steady = bool((np.diff(numbers) == 1).all())
    return Recording(
        folder, numbers, times_s, np.arange(len(files)), rate, (width, height), constant=steady, pictures=True
    )


def _told_rate(folder: Path) -> float | None:
    """``frameRate`` in a ``seqinfo.ini`` beside the pictures or above them."""
    for path in (folder / "seqinfo.ini", folder.parent / "seqinfo.ini"):
        if path.is_file():
            parser = configparser.ConfigParser()
            try:
                parser.read_string(read_text(path))
                rate = parser.getfloat("Sequence", "frameRate")
            except (configparser.Error, ValueError) as error:
                fix = "Correct the line, or give --fps."
                raise InputError(path, "frameRate = 25 in [Sequence]", str(error).splitlines()[0], fix) from error
            if SLOWEST_FPS <= rate <= FASTEST_FPS:
                return rate
            raise InputError(path, "a frameRate of 0.1 to 1000", f"{rate:g}", "Correct the line, or give --fps.")
    return None


def read_picture(path: Path) -> Image:
    """One picture (height, width, 3) BGR, upright, 8 bits deep. Raises InputError for a file that is none."""
    return read_image(path, fix="Copy it again, or take it out of the folder.")
