"""Where networks look: attention maps Q over the images they came from (paper Figures 1, 4 and 5).

Shape shorthand: N images, M networks, (h, w) pixels of an image, (H, W) positions of a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from reid.data.images import Picture, normalise, read_image, resize
from reid.model.sgfd import SGFD

TILE, CAPTION, GAP, MARGIN = 160, 16, 6, 120
OPACITY = 0.75
"""Of the colours where the attention is highest; it falls with the attention, so that what is not looked at stays as it
is."""
Map = NDArray[np.float32]


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


def attend(model: SGFD, images: Sequence[Path], device: torch.device | str = "cpu") -> list[Look]:
    """Attention of a network to image files, one `Look` each, in their order.

    Raises UserError for an image that cannot be read, RuntimeError for a network without attention.
    """
    model = model.to(device).eval()
    return [_look(model, np.asarray(read_image(path)), torch.device(device)) for path in images]


def overlay(image: Picture, attention: Map) -> Picture:
    """The image (h, w, 3) RGB under its attention (H, W): untouched where lowest, red where highest within this
    image."""
    spread = float(attention.max() - attention.min())
    relative = (attention - attention.min()) / spread if spread > 0 else np.zeros_like(attention)
    large = cv2.resize(relative, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_CUBIC)
    heat = cv2.applyColorMap((large.clip(0, 1) * 255).astype(np.uint8), cv2.COLORMAP_JET)[..., ::-1]
    opacity = OPACITY * large.clip(0, 1)[..., None]
    return np.asarray((1 - opacity) * image + opacity * heat, dtype=np.uint8)


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


def _look(model: SGFD, image: Picture, device: torch.device) -> Look:
    pixels = torch.from_numpy(resize(Image.fromarray(image), model.params.image_size).copy())[None].to(device)
    with torch.inference_mode():
        q = model.attention_map(normalise(pixels))[0, 0]
    attention = (q * q.numel() / q.sum().clamp_min(1e-12)).cpu().numpy().astype(np.float32)
    return Look(attention, overlay(image, attention))


def _fitted(image: Picture) -> Image.Image:
    return Image.fromarray(image).resize((TILE, TILE), Image.Resampling.BICUBIC)


def _broken(name: str, width: int = 17) -> str:
    return "\n".join(name[start : start + width] for start in range(0, len(name), width))
