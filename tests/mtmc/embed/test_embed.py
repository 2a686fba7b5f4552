from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from mtmc.embed import EmbedParams, embed, make_embedder
from mtmc.errors import ConfigError, UserError, WeightsError
from mtmc.scene import Camera
from mtmc.scene_reader import read_camera
from mtmc.video import Video
from mtmc.weights import EMBEDDER, EMBEDDER_ONNX
from tests.builders import make_tracklet, make_video


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return read_camera("c001", make_video(tmp_path / "a.avi"))


HISTOGRAM = EmbedParams(embedder="histogram", crops=4, batch=3)


def test_rows_are_sorted_and_belong_to_the_tracklets(camera: Camera) -> None:
    tracklets = [
        make_tracklet(track_id=9, frames=range(2, 12), box=(0, 0, 20, 20)),
        make_tracklet(track_id=4, frames=[1, 5, 7]),
    ]
    found = embed(camera, Video(camera), tracklets, make_embedder(HISTOGRAM), HISTOGRAM)
    assert found.track_ids.tolist() == [4, 4, 4, 9, 9, 9, 9]
    assert found.of(4).frames.tolist() == [1, 5, 7]
    assert (np.diff(found.of(9).frames) > 0).all()
    assert ((found.quality > 0) & (found.quality <= 1)).all()


def test_batch_size_does_not_matter(camera: Camera) -> None:
    tracklets = [make_tracklet(track_id=k, frames=range(k, 12)) for k in range(6)]
    one, many = (
        embed(camera, Video(camera), tracklets, make_embedder(HISTOGRAM), HISTOGRAM.model_copy(update={"batch": b}))
        for b in (1, 50)
    )
    assert (one.vectors == many.vectors).all()
    assert (one.quality == many.quality).all()


def test_no_tracklets_no_rows(camera: Camera) -> None:
    assert len(embed(camera, Video(camera), [], make_embedder(HISTOGRAM), HISTOGRAM)) == 0


def test_without_weights_the_packaged_ones_and_without_these_colours_are_announced(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with caplog.at_level(logging.WARNING):
        assert type(make_embedder(EmbedParams(), "cpu")).__name__ == "OnnxEmbedder"
    assert "the packaged ones" in caplog.text
    assert EmbedParams().input_files(tmp_path, "c001") == {"weights": EMBEDDER_ONNX}
    assert EmbedParams(flip=True).packaged() == EMBEDDER  # only torch's averages with the mirrored crop
    caplog.clear()
    monkeypatch.setattr("mtmc.embed.EMBEDDER_ONNX", tmp_path / "none")
    make_embedder(EmbedParams())
    assert "colour histograms only" in caplog.text
    caplog.clear()
    make_embedder(EmbedParams(embedder="histogram"))
    assert caplog.text == ""


def test_wrong_names_and_weights_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one of auto, sgfd, onnx, histogram"):
        make_embedder(EmbedParams(embedder="resnet"))
    with pytest.raises(ConfigError, match="module:callable"):
        make_embedder(EmbedParams(embedder="nowhere:make"))
    with pytest.raises(WeightsError, match="checkpoint"):
        make_embedder(EmbedParams(embedder="sgfd"))
    with pytest.raises(WeightsError, match="--reid-weights demo"):
        EmbedParams(embedder="sgfd").check()
    (tmp_path / "a.safetensors").write_text("no weights")
    with pytest.raises(UserError, match=r"a\.safetensors"):
        make_embedder(EmbedParams(weights=tmp_path / "a.safetensors"))
