"""Image files as cameras and tools leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from reid.data.images import find_images, read_image


def test_sixteen_bits_of_grey_are_the_picture_in_eight(tmp_path: Path) -> None:
    grey = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)
    Image.fromarray(grey).save(tmp_path / "8.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "16.png")
    np.testing.assert_array_equal(read_image(tmp_path / "16.png"), read_image(tmp_path / "8.png"))


def test_pictures_are_turned_by_exif(tmp_path: Path) -> None:
    upright = Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 10, 3), dtype=np.uint8))
    exif = upright.getexif()
    exif[274] = 8
    upright.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "turned.png"), upright)


def test_dot_files_are_no_images(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.JPG", format="JPEG")
    (tmp_path / "._a.JPG").write_bytes(b"\0\5\x16\7")
    assert [path.name for path in find_images([tmp_path])] == ["a.JPG"]
