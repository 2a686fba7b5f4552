"""Where networks look: attention maps Q over the images they came from (paper Figures 1, 4 and 5).

Shape shorthand: N images, M networks, (h, w) pixels of an image, (H, W) positions of a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from reid.data.images import Picture, normalise, read_image, resize
from reid.model.sgfd import SGFD

TILE, CAPTION, GAP, MARGIN, DOT = 160, 16, 6, 120, 3
OPACITY = 0.75
"""Of the colours where the attention is highest; it falls with the attention, so that what is not looked at stays as it
is."""
Map = NDArray[np.float32]
Style = Literal["heat", "points"]
"""``heat``: colours over the image; ``points``: a red dot on each local maximum, as in Figure 1(b)."""


@dataclass(frozen=True)
class Look:
    """One network's attention to one image: the map (H, W) in units of its mean, so that 1 is an even look; overlay (h,
    w, 3)."""

    map: Map
    overlay: Picture

    @property
    def peak(self) -> float:
        """Highest attention, in units of the mean."""
        return float(self.map.max())

    @property
    def half_area(self) -> float:
        """Smallest share of the image's area that holds half of the attention, in 0..0.5; 0.5 is an even look."""
        ordered = np.sort(self.map.ravel())[::-1]
        return float((np.cumsum(ordered) < ordered.sum() / 2).sum() + 1) / ordered.size


def attend(
    model: SGFD, images: Sequence[Path], device: torch.device | str = "cpu", style: Style = "heat"
) -> list[Look]:
    """Attention of a network to image files, one `Look` each, in their order, drawn in a style.

    Raises UserError for an image that cannot be read, RuntimeError for a network without attention.
    """
    model = model.to(device).eval()
    return [_look(model, np.asarray(read_image(path)), torch.device(device), style) for path in images]


def overlay(image: Picture, attention: Map) -> Picture:
    """The image (h, w, 3) RGB under its attention (H, W): untouched where lowest, red where highest within this
    image."""
    spread = float(attention.max() - attention.min())
    relative = (attention - attention.min()) / spread if spread > 0 else np.zeros_like(attention)
    large = cv2.resize(relative, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_CUBIC)
    heat = cv2.applyColorMap((large.clip(0, 1) * 255).astype(np.uint8), cv2.COLORMAP_JET)[..., ::-1]
    opacity = OPACITY * large.clip(0, 1)[..., None]
    return np.asarray((1 - opacity) * image + opacity * heat, dtype=np.uint8)


def peaks(attention: Map) -> NDArray[np.intp]:
    """(P, 2) rows and columns where a map (H, W) is above its mean and no lower than at its eight neighbours, highest
    first."""
    around = cv2.dilate(attention, np.ones((3, 3), np.uint8))
    places = np.argwhere((attention >= around) & (attention > attention.mean()))
    return np.asarray(places[np.argsort(-attention[tuple(places.T)], kind="stable")], dtype=np.intp)


def dotted(image: Picture, attention: Map) -> Picture:
    """The image as a tile (TILE, TILE, 3) RGB, with a red dot where its attention (H, W) peaks."""
    drawn, scale = np.array(_fitted(image)), TILE / np.array(attention.shape)
    for row, column in (peaks(attention) + 0.5) * scale:
        cv2.circle(drawn, (round(column), round(row)), DOT, (255, 0, 0), -1, cv2.LINE_AA)
    return drawn


def draw_attention(images: Sequence[Path], names: Sequence[str], looks: Sequence[Sequence[Look]]) -> Image.Image:
    """A sheet with a column per image: the image, and below it one row per network (``names`` and ``looks`` in step).

    Under each overlay stands how high the attention peaks over its mean: colours alone show a flat map as loud as a
    sharp one.
    """
    height = TILE + CAPTION + GAP
    sheet = Image.new("RGB", (MARGIN + len(images) * (TILE + GAP), GAP + height * (len(names) + 1)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for column, path in enumerate(images):
        left = MARGIN + column * (TILE + GAP)
        sheet.paste(_fitted(np.asarray(read_image(path))), (left, GAP))
        pen.text((left, GAP + TILE + 1), path.stem[:24], fill="black", font=font)
    for row, (name, line) in enumerate(zip(names, looks, strict=True), start=1):
        top = GAP + row * height
        pen.multiline_text((GAP, top + TILE // 3), _broken(name), fill="black", font=font)
        for column, look in enumerate(line):
            left = MARGIN + column * (TILE + GAP)
            sheet.paste(_fitted(look.overlay), (left, top))
            pen.text((left, top + TILE + 1), f"peak {look.peak:.2f} x mean", fill="black", font=font)
    return sheet


def draw_views(
    vehicles: Sequence[tuple[str, Sequence[Path]]], names: Sequence[str], looks: Sequence[Sequence[Look]]
) -> Image.Image:
    """A sheet with a row per vehicle, its views beside each other, each with the networks' looks at it (Figure 4).

    vehicles: caption and images of each; looks: of each network (``names``), all vehicles' images one after the other.
    """
    cell, views = (1 + len(names)) * TILE + 2 * GAP, max(len(paths) for _, paths in vehicles)
    sheet = Image.new("RGB", (MARGIN + views * cell, CAPTION + GAP + len(vehicles) * (TILE + GAP)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for view in range(views):
        for place, name in enumerate(["image", *names]):
            pen.text((MARGIN + view * cell + place * TILE + 2, 1), name[:24], fill="black", font=font)
    number = 0
    for row, (caption, paths) in enumerate(vehicles):
        top = CAPTION + GAP + row * (TILE + GAP)
        pen.multiline_text((GAP, top + TILE // 3), _broken(caption), fill="black", font=font)
        for view, path in enumerate(paths):
            shown = [np.asarray(read_image(path)), *(line[number].overlay for line in looks)]
            for place, picture in enumerate(shown):
                sheet.paste(_fitted(picture), (MARGIN + view * cell + place * TILE, top))
            number += 1
    return sheet


def _look(model: SGFD, image: Picture, device: torch.device, style: Style) -> Look:
    pixels = torch.from_numpy(resize(Image.fromarray(image), model.params.image_size).copy())[None].to(device)
    with torch.inference_mode():
        q = model.attention_map(normalise(pixels))[0, 0]
    attention = (q * q.numel() / q.sum().clamp_min(1e-12)).cpu().numpy().astype(np.float32)
    return Look(attention, overlay(image, attention) if style == "heat" else dotted(image, attention))


def _fitted(image: Picture) -> Image.Image:
    return Image.fromarray(image).resize((TILE, TILE), Image.Resampling.BICUBIC)


def _broken(name: str, width: int = 17) -> str:
    return "\n".join(name[start : start + width] for start in range(0, len(name), width))
