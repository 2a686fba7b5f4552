"""``paper.toml`` is the paper's pipeline: what came to this project later is off in it, by key and by deed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from mtmc.config import Config, load_config
from mtmc.detect import DetectParams
from mtmc.detect.postprocess import nms
from mtmc.track import CleanParams, JdeParams, RepairParams, make_tracker, to_tracklets
from mtmc.track.filter import clean
from mtmc.track.repair import repair
from tests.contracts.test_trackers import street
from tests.mtmc.track.clips import SIZE

FILE = Path(__file__).resolve().parents[2] / "configs" / "pipeline" / "paper.toml"
DETAILS = {
    RepairParams: {"switch_window_s", "max_join_overlap_s", "max_join_miss", "max_join_cost"},
    CleanParams: {"border_px", "min_shadow_share", "parked_min_s", "parked_travel"},
}
"""What only shapes a step that paper.toml switches off. A new key belongs here, or into paper.toml."""
SETTLED = {"max_lost_s", "appearance_weight", "gate", "max_duplicate_cost", "smoothing", "keep_first_box"}
"""JDE's own values, which are the defaults."""


@pytest.fixture(scope="module")
def paper() -> Config:
    return load_config(FILE)


@pytest.mark.parametrize("step", ["repair", "clean"])
def test_every_step_after_tracking_is_named(step: str) -> None:
    stated = set(tomllib.loads(FILE.read_text())["track"][step])
    params = {"repair": RepairParams, "clean": CleanParams}[step]
    assert stated == set(params.model_fields) - DETAILS[params]


def test_every_parameter_of_the_fused_association_is_named_or_published() -> None:
    stated = set(tomllib.loads(FILE.read_text())["track"]["jde"])
    overlap_only = {name for name, f in JdeParams.model_fields.items() if (f.description or "").startswith("overlap:")}
    overlap_only |= {"max_first_cost"}
    assert stated | SETTLED == set(JdeParams.model_fields) - overlap_only


def test_the_tracker_is_the_published_one(paper: Config) -> None:
    assert paper.track.jde == JdeParams.published()


def test_nothing_is_mended_or_dropped_after_tracking(paper: Config) -> None:
    """On a street with misses, ghosts and crossings, where the defaults change and drop tracks."""
    clip = street()
    for params, changed in ((paper.track, False), (Config().track, True)):
        tracks = make_tracker(params).track(clip, 10.0, SIZE)
        mended = repair(clip, tracks, 10.0, params.repair)
        short = params.clean.model_copy(update={"min_length_s": 0.0, "border": "keep"})
        found = to_tracklets("c001", clip, mended)
        kept = clean(found, 10.0, SIZE, np.zeros(SIZE[::-1], bool), short)
        assert (np.array_equal(mended.numbers, tracks.numbers) and len(kept) == len(found)) != changed


def test_boxes_of_two_classes_may_lie_on_each_other(paper: Config) -> None:
    box = np.array([[0, 0, 50, 50], [0, 0, 50, 50]], np.float32)
    for params, count in ((paper.detect, 2), (DetectParams(), 1)):
        assert len(nms(np.zeros(2), box, np.array([0.9, 0.8]), params.nms_iou)) == count
