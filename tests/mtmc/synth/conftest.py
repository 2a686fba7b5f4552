"""A tiny scene, written once for all tests of the synthetic city."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mtmc.synth.scene import SynthParams, World, make_world
from mtmc.synth.writers.dataset import write_scene


@dataclass(frozen=True)
class Written:
    """A scene on disk, the world that it shows, and the summary that the writer gave."""

    folder: Path
    world: World
    summary: dict[str, Any]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("tiny")
    world = make_world(SynthParams(preset="tiny"), seed=1)
    return Written(folder, world, write_scene(world, folder))
