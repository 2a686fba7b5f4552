"""Tiny copies of the published layouts: real JPEG files of a few pixels, real lists."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


class Folder:
    """A data set folder under construction."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def images(self, folder: str, names: Iterable[str]) -> None:
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        for shade, name in enumerate(names):
            Image.fromarray(np.full((6, 8, 3), shade % 256, np.uint8)).save(self.root / folder / name)

    def text(self, name: str, lines: Iterable[str]) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
