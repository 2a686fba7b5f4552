"""A tiny data set drawn on the spot: simple vehicles that differ in colour, shape and marks, seen by cameras that
differ in light.

For trying the training out, and for tests: nothing to download, learned in a minute on a CPU.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from reid.atomic import replacing
from reid.datasets.structures import Dataset, ImageSet

SIDE = 96
Colour = tuple[int, int, int]


def make_toy(folder: Path, vehicles: int = 8, images: int = 12, seed: int = 0) -> Dataset:
    """Draw ``images`` pictures of each vehicle over three cameras into a folder; every third picture is for the test.

    Vehicles are the same in training and test, so that a training that works gets near 1.0: this shows that the parts
    fit, not that anything is learned that carries over. Pictures that exist already are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(vehicle, image) for vehicle in range(vehicles) for image in range(images)]
    paths = [folder / f"{vehicle:04d}_c{image % 3:03d}_{image:05d}.png" for vehicle, image in rows]
    for (vehicle, image), path in zip(rows, paths, strict=True):
        if not path.exists():
            with replacing(path) as temporary:
                draw_vehicle(vehicle, camera=image % 3, seed=(seed, vehicle, image)).save(temporary)
    named = [(path, vehicle, image % 3) for (vehicle, image), path in zip(rows, paths, strict=True)]
    role = np.array([image // 3 % 3 for _, image in rows])
    parts = [[row for row, part in zip(named, role, strict=True) if part == wanted] for wanted in (0, 1, 2)]
    query = [row for row in parts[2] if row[2] == 0]
    gallery = [row for row in parts[2] if row[2] != 0]
    return Dataset("toy", ImageSet.of(parts[0] + parts[1]), ImageSet.of(query), ImageSet.of(gallery))


def draw_vehicle(vehicle: int, camera: int, seed: tuple[int, ...]) -> Image.Image:
    """One picture (96 x 96 RGB) of a vehicle: body, cabin, wheels, and a stripe or a roof box at a place of its own."""
    look = np.random.default_rng((7, vehicle))
    view = np.random.default_rng(seed)
    body, mark = _colour(look), _colour(look)
    picture = Image.new("RGB", (SIDE, SIDE), _grey(view))
    pen = ImageDraw.Draw(picture)
    left, top, length, height = _placed(view, look)
    cabin = left + length * look.uniform(0.1, 0.5)
    pen.rectangle([left, top, left + length, top + height], fill=body)
    pen.rectangle([cabin, top - height * 0.6, cabin + length * look.uniform(0.25, 0.5), top], fill=body)
    pen.rectangle([cabin + 3, top - height * 0.5, cabin + length * 0.2, top - 2], fill=(40, 50, 60))
    stripe = left + length * look.uniform(0.05, 0.85)
    pen.rectangle([stripe, top + 2, stripe + length * 0.1, top + height * look.uniform(0.3, 0.9)], fill=mark)
    for wheel in (left + length * 0.2, left + length * 0.8):
        pen.ellipse([wheel - 6, top + height - 6, wheel + 6, top + height + 6], fill=(20, 20, 20))
    return _seen_by(picture, camera, view)


def _placed(view: np.random.Generator, look: np.random.Generator) -> tuple[float, float, float, float]:
    """Left, top, length and height of the body, px."""
    length, height = look.uniform(55, 75), look.uniform(18, 30)
    return view.uniform(6, SIDE - length - 6), view.uniform(36, 48), length, height


def _seen_by(picture: Image.Image, camera: int, view: np.random.Generator) -> Image.Image:
    """The camera's light, blur and noise."""
    blurred = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.5 + 0.5 * camera)), dtype=np.float32)
    light = np.array([(1.0, 1.0, 1.0), (0.8, 0.9, 1.05), (1.1, 1.0, 0.85)][camera])
    pixels: NDArray[np.float32] = blurred * light + view.normal(0, 4, blurred.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _colour(rng: np.random.Generator) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(30, 230, 3))
    return red, green, blue


def _grey(rng: np.random.Generator) -> Colour:
    level = int(rng.integers(90, 150))
    return level, level, level
