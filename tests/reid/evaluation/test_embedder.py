from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from reid.data.images import normalise, resize
from reid.devices import choose_device
from reid.errors import UserError
from reid.evaluation.embed import embed_crops, embed_images

SIZE = (8, 12)


class MeanColour(torch.nn.Module):
    """A network that one can follow by hand: the mean of each channel of each half (left, right)."""

    def forward(self, images):
        assert not self.training
        left, right = images.chunk(2, dim=3)
        return torch.cat([left.mean((2, 3)), right.mean((2, 3))], dim=1)


def write(path, colour, size=(20, 30)):
    Image.new("RGB", size, colour).save(path)
    return path


@pytest.fixture
def paths(tmp_path):
    rng = np.random.default_rng(0)
    return [write(tmp_path / f"{i:03d}.png", tuple(int(c) for c in rng.integers(0, 256, 3))) for i in range(70)]


def test_unit_rows_in_order_whatever_the_batch(paths):
    one = embed_images(MeanColour(), paths, SIZE, batch_size=1)
    many = embed_images(MeanColour(), paths, SIZE, batch_size=32)
    np.testing.assert_allclose(one, many, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(many, axis=1), 1, atol=1e-6)
    assert many.dtype == np.float32
    pixel = np.asarray(Image.open(paths[41]))[0, 0] / 255
    expected = (pixel - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    np.testing.assert_allclose(many[41, :3], expected / np.linalg.norm([expected, expected]), atol=1e-5)


def test_files_and_arrays_agree(paths):
    crops = [np.asarray(Image.open(path)) for path in paths[:5]]
    np.testing.assert_array_equal(embed_crops(MeanColour(), crops, SIZE), embed_images(MeanColour(), paths[:5], SIZE))


def test_flip_averages_with_the_mirror(tmp_path):
    picture = np.zeros((8, 12, 3), np.uint8)
    picture[:, :6] = 255
    there = embed_crops(MeanColour(), [picture], SIZE, flip=True)
    back = embed_crops(MeanColour(), [picture[:, ::-1].copy()], SIZE, flip=True)
    np.testing.assert_allclose(there, back, atol=1e-6)
    assert np.abs(embed_crops(MeanColour(), [picture], SIZE) - there).max() > 0.1


def test_progress_counts_every_image(paths):
    done: list[int] = []
    embed_images(MeanColour(), paths, SIZE, batch_size=32, progress=done.append)
    assert done == [32, 32, 6]


def test_nothing_to_embed():
    assert embed_images(MeanColour(), [], SIZE).shape == (0, 0)


def test_a_truncated_image_is_named(tmp_path, paths):
    broken = tmp_path / "broken.jpg"
    Image.effect_noise((60, 60), 50).convert("RGB").save(broken)
    broken.write_bytes(broken.read_bytes()[:400])
    with pytest.raises(UserError, match=r"broken\.jpg: expected a readable image"):
        embed_images(MeanColour(), [*paths[:3], broken], SIZE)


def test_a_missing_image_and_a_text_file(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        embed_images(MeanColour(), [tmp_path / "gone.jpg"], SIZE)
    (tmp_path / "note.jpg").write_text("not an image")
    with pytest.raises(UserError, match=r"note\.jpg"):
        embed_images(MeanColour(), [tmp_path / "note.jpg"], SIZE)


def test_features_that_are_not_numbers():
    class Broken(torch.nn.Module):
        def forward(self, images):
            return torch.full((len(images), 4), torch.nan)

    with pytest.raises(UserError, match="finite features"):
        embed_crops(Broken(), [np.zeros((8, 12, 3), np.uint8)], SIZE)


def test_out_of_memory_suggests_a_batch_size():
    class Huge(torch.nn.Module):
        def forward(self, images):
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(UserError, match="--batch-size 2"):
        embed_crops(Huge(), [np.zeros((8, 12, 3), np.uint8)] * 4, SIZE)


def test_grey_and_transparent_images_become_rgb(tmp_path):
    Image.new("L", (5, 5), 100).save(tmp_path / "grey.png")
    Image.new("RGBA", (5, 5), (100, 100, 100, 7)).save(tmp_path / "alpha.png")
    vectors = embed_images(MeanColour(), [tmp_path / "grey.png", tmp_path / "alpha.png"], SIZE)
    np.testing.assert_allclose(vectors[0], vectors[1])


def test_resize_is_the_papers_and_normalise_is_channels_last():
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    assert resize(image, SIZE).shape == (8, 12, 3)
    batch = normalise(torch.zeros(2, 8, 12, 3, dtype=torch.uint8))
    assert batch.shape == (2, 3, 8, 12)
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_devices():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda")
    with pytest.raises(UserError, match="Try --device cpu"):
        choose_device("abacus")
