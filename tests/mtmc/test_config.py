from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mtmc.cli.commented_toml import to_toml
from mtmc.config import Config, build_config, load_config
from mtmc.errors import ConfigError
from mtmc.params import known_keys

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "pipeline"


def test_default_toml_is_what_the_code_does() -> None:
    """Made by: mtmc config > configs/pipeline/default.toml"""
    assert (CONFIGS / "default.toml").read_text() == to_toml(Config())


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.name)
def test_shipped_configurations_load(path: Path) -> None:
    config = load_config(path)
    assert build_config(tomllib.loads(to_toml(config)), "again") == config


def test_override_beats_file_beats_base(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("[track]\ntracker = 'deepsort'\n[detect]\nmin_score = 0.2\nbatch = 2\n")
    (tmp_path / "mine.toml").write_text("base = 'base.toml'\n[detect]\nmin_score = 0.4\n")
    config = load_config(tmp_path / "mine.toml", ["detect.batch=3", "detect.detector=motion"])
    assert (config.track.tracker, config.detect.min_score, config.detect.batch, config.detect.detector) == (
        "deepsort",
        0.4,
        3,
        "motion",
    )


def test_base_goes_one_level_deep(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("base = 'b.toml'")
    (tmp_path / "b.toml").write_text("base = 'c.toml'")
    with pytest.raises(ConfigError, match="base"):
        load_config(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("track.traker=jde", r"Did you mean track\.tracker\?"),
        ("detect.min_scor=0.2", r"Did you mean detect\.min_score\?"),
        ("detect.min_score=1.5", "less than or equal to 1"),
        ("detect.min_score=often", "number"),
        ("=1", "key=value"),
        ("report.video=1", "true or false"),
        ("report.video='yes'", "true or false"),
        ("report.video=yes", "true or false"),
        ("detect.min_score=true", "a valid number"),
        ("detect.min_score='0.5'", "a valid number"),
        ("detect.batch=2.5", "integer"),
        ("detect.batch=" + "9" * 30, "within"),
        ("detect.min_score=nan", "finite"),
    ],
)
def test_mistakes_name_the_key(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(None, [override])


@pytest.mark.parametrize(
    "text", ['{"report": {"video": 1}}', '{"report": {"video": "yes"}}', '{"detect": {"batch": true}}']
)
def test_json_is_as_strict(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ConfigError, match=r"a\.json, (report\.video|detect\.batch): expected"):
        load_config(tmp_path / "a.json")


def test_every_key_is_explained_once() -> None:
    keys = list(known_keys(Config))
    assert len(keys) == len(set(keys))
    assert {"detect.detector", "track.tracker", "embed.embedder", "link.linker", "report.video"} <= set(keys)


@pytest.mark.parametrize(
    ("key", "where"), [("track.jde.gte", "--set"), ("detect.bach", "mine.toml"), ("embed.crop", "base.toml")]
)
def test_a_mistake_is_laid_at_its_own_door(key: str, where: str, tmp_path: Path) -> None:
    files = {"base.toml": "", "mine.toml": "base = 'base.toml'\n"}
    for name in files:
        (tmp_path / name).write_text(files[name] + (f"{key} = 1\n" if where == name else ""))
    with pytest.raises(ConfigError, match="Did you mean") as mistake:
        load_config(tmp_path / "mine.toml", [f"{key}=1"] if where == "--set" else [])
    assert mistake.value.where.endswith(where)
