"""Real pixels: the two-camera road with its true tracklets, told apart by colour alone, clocks withheld."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtmc.embed import EmbedParams, embed, make_embedder
from mtmc.link import LinkParams, solve
from mtmc.link.benchmark import agreement
from mtmc.link.describe import pose
from mtmc.link.learning.em import on_common_time
from mtmc.link.model.camera_network import CameraNetwork
from mtmc.scene_reader import read_scene
from mtmc.track_files.formats import read_ground_truth
from mtmc.video import Video


@pytest.mark.shared
@pytest.mark.slow
def test_withheld_offset_of_the_real_road_is_found(shared: Path) -> None:
    scene = read_scene(shared / "data" / "uab-road" / "S90")
    truth = [(t, v.vehicle_id) for v in read_ground_truth(shared / "data" / "uab-road" / "S90") for t in v.tracklets]
    tracklets = [t for t, _ in truth]
    params = EmbedParams(embedder="histogram")
    embeddings = {
        name: embed(camera, Video(camera), [t for t in tracklets if t.camera_id == name], make_embedder(params), params)
        for name, camera in scene.cameras.items()
    }
    problem = pose(scene, tracklets, embeddings)
    offsets = np.array([scene.cameras[name].offset_s for name in problem.table.cameras])
    self_count = replace(problem, table=on_common_time(problem.table, offsets), clock_known=np.zeros(2, bool))
    solution = solve(self_count, LinkParams())
    assert isinstance(solution.network, CameraNetwork)
    ahead = solution.network.clock_offset_s
    assert ahead[0] - ahead[1] == pytest.approx(3.7, abs=0.5)
    found = agreement(np.array([v for _, v in truth]), solution.labels, np.array([len(t) for t in tracklets]))
    assert found.idf1 > 0.9
