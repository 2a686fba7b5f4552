"""``scene.toml``: what its owner knows better than the files, checked, each mistake with its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from mtmc.errors import ConfigError
from mtmc.files import lies_there, parse_toml, read_text
from mtmc.scene import FASTEST_FPS, MOST_SECONDS, SLOWEST_FPS
from mtmc.scene_reader.file_names import Name, parse, parse_with

FILE = "scene.toml"


def _as_datetime(value: object) -> object:
    """ISO 8601 in quotes is as good as a TOML date and time."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Moment = Annotated[datetime, BeforeValidator(_as_datetime)]
Seconds = Annotated[float, Field(ge=-MOST_SECONDS, le=MOST_SECONDS, allow_inf_nan=False)]
Degrees = Annotated[float, Field(allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=SLOWEST_FPS, le=FASTEST_FPS, allow_inf_nan=False)]
FileName = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")]
Place = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=2, max_length=2)]
"""A point as fractions of the image's width and height."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @field_validator("video", "roi", "calibration", check_fields=False)
    @classmethod
    def _below(cls, value: str | list[str] | None) -> str | list[str] | None:
        if any("://" in name for name in ([value] if isinstance(value, str) else value or [])):
            raise ValueError("a path from the scene's folder, not a URL")
        return value


class RecordingEntry(_Strict):
    """One file of a camera: its path from the scene's folder, and when it starts, by the clock."""

    video: FileName
    start: Moment | None = None


class CameraEntry(_Strict):
    """What is said of one camera; None for what is not."""

    video: FileName | list[FileName] | None = None
    recordings: list[RecordingEntry] | None = None
    start: Moment | None = None
    offset_s: Seconds | None = None
    fps: Rate | None = None
    roi: FileName | None = None
    calibration: FileName | None = None
    ground: Literal["gps", "metres"] | None = None
    zones: dict[str, Annotated[list[Place], Field(min_length=2)]] = Field(default_factory=dict)

    def files(self) -> list[RecordingEntry]:
        """The camera's own files, in order; none where its name tells them."""
        if self.recordings is not None:
            return self.recordings
        names = [self.video] if isinstance(self.video, str) else self.video or []
        return [RecordingEntry(video=name) for name in names]


class SceneFile(_Strict):
    """The whole file."""

    name: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = None
    origin: list[Degrees] | None = None
    pattern: Annotated[str, Field(max_length=1000)] = ""
    time_format: str = ""
    cameras: dict[str, CameraEntry] = Field(default_factory=dict)

    @field_validator("origin")
    @classmethod
    def _on_earth(cls, value: list[float] | None) -> list[float] | None:
        if value is not None and (len(value) != 2 or abs(value[0]) > 90 or abs(value[1]) > 180):
            raise ValueError("[latitude, longitude] in degrees, within 90 and 180")
        return value

    @field_validator("pattern")
    @classmethod
    def _names_camera_or_time(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"a regular expression ({error})") from error
        if value and not {"camera", "time"} & groups.keys():
            raise ValueError("a regular expression with groups (?P<camera>...) and (?P<time>...)")
        return value

    def name_of(self, stem: str, where: Path) -> Name:
        """Camera and start that a file's name tells, by ``pattern`` if there is one. Raises ConfigError."""
        return (
            parse_with(re.compile(self.pattern), self.time_format, stem, f"{where}: pattern")
            if self.pattern
            else parse(stem)
        )


def read_scene_file(folder: Path) -> SceneFile:
    """The folder's ``scene.toml``, empty without one. Raises ConfigError with line and key."""
    path = folder / FILE
    if not lies_there(path):
        return SceneFile()
    text = read_text(path)
    try:
        return SceneFile.model_validate(parse_toml(text, path, ConfigError))
    except ValidationError as error:
        raise _explained(path, text, error) from error


def unknown_camera(path: Path, camera_id: str, known: Sequence[str]) -> ConfigError:
    """The mistake of an entry for a camera that is not there."""
    near = difflib.get_close_matches(camera_id, known, n=1, cutoff=0.5)
    fix = f"Did you mean {near[0]}?" if near else "Rename the entry or give its video."
    line = _line_of(read_text(path), ["cameras", camera_id]) if path.is_file() else 0
    return ConfigError(_where(path, line), f"cameras out of {', '.join(known) or 'none'}", repr(camera_id), fix)


def _explained(path: Path, text: str, mistakes: ValidationError) -> ConfigError:
    first = mistakes.errors()[0]
    keys = [str(part) for part in first["loc"]]
    keys = [key for row, key in enumerate(keys) if row < 3 or not re.fullmatch(r"str|list\[.*", key)]
    where, key = _where(path, _line_of(text, keys)), ".".join(keys)
    if first["type"] == "extra_forbidden":
        models: dict[int, type[BaseModel]] = {1: SceneFile, 3: CameraEntry}
        known = sorted(models.get(len(keys), RecordingEntry).model_fields)
        near = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.5)
        fix = f"Did you mean {near[0]}?" if near else "Correct or remove the key."
        return ConfigError(where, f"keys out of {', '.join(known)}", repr(key), fix)
    expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if first["type"] in ("model_type", "dict_type"):
        expected = f"a table such as [{'.'.join(keys[:2])}{'.cam1' if len(keys) == 1 else ''}]"
    return ConfigError(f"{where}: {key}", expected, repr(first["input"])[:60], "Correct the value.")


def _where(path: Path, line: int) -> str:
    return f"{path}:{line}" if line else str(path)


def _line_of(text: str, keys: Sequence[str]) -> int:
    """The line (from 1) of a dotted key, as far as it can be found; 0 for none."""
    table: list[str] = []
    best, deepest = 0, 0
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+([^\]]+)\]+", line)
        named = re.match(r"\s*([^=\[#]+?)\s*=", line)
        if header:
            table = _dotted(header[1])
            found = table
        elif named:
            found = table + _dotted(named[1])
        else:
            continue
        depth = len(found) if found == [key for key in keys if not key.isdigit()][: len(found)] else 0
        if depth > deepest:
            best, deepest = number, depth
    return best


def _dotted(text: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", text)]
