"""A picture of rankings: each query beside its first answers, framed green where right and red where wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from reid.data.images import read_image
from reid.datasets.structures import ImageSet
from reid.errors import UserError
from reid.evaluation.ranking import RankScores

TILE, FRAME, CAPTION, GAP = 112, 5, 18, 6
QUERY, RIGHT, WRONG, UNKNOWN = (40, 90, 200), (20, 150, 60), (205, 40, 40), (150, 150, 150)
Pick = Literal["worst", "random", "first"]


@dataclass(frozen=True)
class Tile:
    """One framed image: its file, the colour of its frame (RGB) and a short caption below it."""

    path: Path
    colour: tuple[int, int, int]
    caption: str


def draw_sheet(rows: Sequence[Sequence[Tile]]) -> Image.Image:
    """All tiles of each row side by side, the first (the query) set apart. Raises UserError for an image that cannot be
    read."""
    columns = max(len(row) for row in rows)
    width, height = columns * (TILE + GAP) + 2 * GAP, len(rows) * (TILE + CAPTION + GAP) + GAP
    sheet = Image.new("RGB", (width, height), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for r, row in enumerate(rows):
        for c, tile in enumerate(row):
            left, top = GAP + c * (TILE + GAP) + (GAP if c else 0), GAP + r * (TILE + CAPTION + GAP)
            pen.rectangle((left, top, left + TILE - 1, top + TILE - 1), fill=tile.colour)
            inside = read_image(tile.path).resize((TILE - 2 * FRAME, TILE - 2 * FRAME), Image.Resampling.BICUBIC)
            sheet.paste(inside, (left + FRAME, top + FRAME))
            pen.text((left + 1, top + TILE + 2), tile.caption, fill=tile.colour, font=font)
    return sheet


def ranking_row(query: ImageSet, row: int, gallery: ImageSet, answers: NDArray[np.intp]) -> list[Tile]:
    """Tiles of one query and its answers; frames are grey where the vehicle ids are not public."""
    vehicle = query.vehicle_ids[row]
    tiles = [Tile(query.paths[row], QUERY, f"query  id {vehicle}  cam {query.camera_ids[row]}")]
    for place, answer in enumerate(answers, start=1):
        colour = RIGHT if gallery.vehicle_ids[answer] == vehicle else WRONG
        known = query.labelled and gallery.labelled
        mark = {RIGHT: "right", WRONG: "wrong"}[colour] if known else ""
        caption = f"{place}  {mark}  cam {gallery.camera_ids[answer]}"
        tiles.append(Tile(gallery.paths[answer], colour if known else UNKNOWN, caption))
    return tiles


def pick_queries(scores: RankScores | None, total: int, count: int, pick: Pick, seed: int = 0) -> list[int]:
    """Which queries to draw: those of lowest average precision, random ones, or the first; skipped queries are never
    drawn."""
    rows = np.arange(total) if scores is None else np.flatnonzero(np.isfinite(scores.average_precision))
    if pick == "random":
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:count])
    if pick == "worst" and scores is not None:
        rows = rows[np.argsort(scores.average_precision[rows], kind="stable")]
    return [int(row) for row in rows[:count]]


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write PNG or JPEG, by the name's ending. Raises UserError where that cannot be."""
    try:
        picture.save(path)
    except (OSError, ValueError) as error:
        raise UserError(path, "a .png or .jpg to write", str(error), "Choose another --out.") from None
