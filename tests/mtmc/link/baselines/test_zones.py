"""The zones file."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtmc.errors import ConfigError
from mtmc.link.model.zones_file import read_zones


@pytest.mark.parametrize("text", ["cameras = 3", "[[links]]\nfrom='a.n'\nto='b.s'\ntravel_s=[1,2]", "not toml ["])
def test_bad_zones(tmp_path: Path, text: str) -> None:
    path = tmp_path / "zones.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"zones\.toml"):
        read_zones(path)
