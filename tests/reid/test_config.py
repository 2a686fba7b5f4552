"""Recipes from files and options, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from reid.config import NetworkParams, TrainParams, load_config
from reid.errors import UserError

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "reid"


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.toml")), ids=lambda path: str(path.relative_to(CONFIGS)))
def test_every_file_loads(path: Path) -> None:
    load_config(path)


def test_defaults_are_the_papers_veri() -> None:
    assert load_config(CONFIGS / "veri776.toml") == TrainParams() == load_config(None)


def test_table_4_is_complete() -> None:
    rows = {
        (each.network.variant, each.network.kernel_size, each.loss.rotation_weight)
        for each in map(load_config, (CONFIGS / "ablation").glob("*.toml"))
    }
    full = {("full", 7, weight) for weight in (0.1, 1.0, 2.0)}
    geometric = {("geometric", size, 1.0) for size in (7, 11, 15)}
    assert rows == {("global", 7, 1.0), ("plain", 7, 1.0)} | geometric | full


@pytest.mark.parametrize("name", ["vehicleid", "market1501", "dukemtmc"])
def test_the_long_recipe(name: str) -> None:
    params = load_config(CONFIGS / f"{name}.toml")
    assert (params.sampler.identities * params.sampler.images, params.loss.margin, params.loop.epochs) == (40, 0.7, 120)
    assert params.optimizer.schedule == "cosine"
    assert params.dataset == name


def test_set_over_given_over_file_over_base(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('dataset = "veri776"\n[loss]\nmargin = 0.6\nsmoothing = 0.2\n')
    (tmp_path / "own.toml").write_text('base = "base.toml"\n[loss]\nmargin = 0.7\n')
    params = load_config(
        tmp_path / "own.toml", ["loop.epochs=9", "pretrained=some/where", "network.image_size=[64, 64]"], dataset="csv"
    )
    assert (params.loss.margin, params.loss.smoothing, params.loop.epochs) == (0.7, 0.2, 9)
    assert (params.dataset, params.pretrained, params.network.image_size) == ("csv", "some/where", (64, 64))


def test_resolved_config_loads_again(tmp_path: Path) -> None:
    params = load_config(CONFIGS / "small.toml", ["root=crops"])
    (tmp_path / "config.json").write_text(params.model_dump_json())
    assert load_config(tmp_path / "config.json") == params


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[loss]\nmargn = 1", "loss.margn"),
        ("[loss]\nmargin = -1", "greater than or equal to 0, found -1"),
        ("[network]\nbackbone = 'vgg'", "network.backbone"),
        ("[network]\nimage_size = [100, 100]", "multiples of 32"),
        ("[network]\nimage_size = [256, 128]", "square"),
        ("[network]\nkernel_size = 6", "odd"),
        ("[augment]\nerase_area = [2, 3]", "augment.erase_area.0: expected less than or equal to 1, found 2"),
        ("loss = [", "expected TOML"),
        ("base = 'none.toml'", "none.toml: expected a TOML file"),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(UserError) as mistake:
        load_config(tmp_path / "own.toml")
    assert message in str(mistake.value)


@pytest.mark.parametrize(
    ("override", "message"), [("margin", "key=value"), ("dataset.name=1", "a section"), ("los.x=1", "los")]
)
def test_mistakes_in_an_override(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(None, ["dataset=csv", override])


def test_other_branches_may_see_rectangles() -> None:
    assert NetworkParams(variant="geometric", image_size=(256, 128)).image_size == (256, 128)
