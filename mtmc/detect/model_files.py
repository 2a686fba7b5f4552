"""YOLOX's published models: fetched once from their project's release or a mirror of it, size and SHA-256 checked.

A transfer that breaks goes on where it broke, in the same run or in a later one. Files lie in ``$MTMC_CACHE``, else in
``$XDG_CACHE_HOME/mtmc`` or ``~/.cache/mtmc``.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from filelock import FileLock

from mtmc.errors import WeightsError
from mtmc.files.atomic import writing

RELEASE = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0"
OTHERWISE = (
    "Or take --detector motion (no model), --detector onnx --weights FILE, or --weights street or demo (packaged)."
)
TRIES, TIMEOUT_S, CHUNK = 3, 10.0, 1 << 16


@dataclass(frozen=True, slots=True)
class Published:
    """A file of the release: its size in bytes and its SHA-256."""

    file: str
    size: int
    sha256: str


PUBLISHED = {
    "yolox_nano": Published(
        "yolox_nano.onnx", 3_659_407, "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d"
    ),
    "yolox_tiny": Published(
        "yolox_tiny.onnx", 20_219_662, "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7"
    ),
    "yolox_s": Published(
        "yolox_s.onnx", 35_858_002, "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063"
    ),
}
"""By name. The release has no list of sums: these are the ones that several other projects check the same files by."""
BY_HAND = ("yolox_m", "yolox_l", "yolox_x", "yolox_darknet")
"""Files of the release that nobody's published sum is known for: they are not fetched unchecked."""


class Unreachable(WeightsError):
    """The model could not be fetched: no network, no such file there, a transfer that breaks again and again."""


def model_path(name: str) -> Path:
    """Where a published model lies, or will."""
    cache = os.environ.get("MTMC_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(cache) if cache else Path(home) / "mtmc") / PUBLISHED[name].file


def is_here(name: str) -> bool:
    """Whether a published model lies here whole."""
    path = model_path(name)
    return path.is_file() and path.stat().st_size == PUBLISHED[name].size


def fetch(name: str, mirror: str = RELEASE) -> Path:
    """The published model ``name``, from the cache or from ``mirror``, which has the release's files under their names.

    Raises Unreachable where it cannot be had, WeightsError where another file came, or for a model whose sum is
    unknown.
    """
    if name in BY_HAND:
        fix = f"Fetch {RELEASE}/{name}.onnx and give it with --weights {name}.onnx. {OTHERWISE}"
        raise WeightsError(f"weights {name}", f"one of {', '.join(PUBLISHED)}", "a model of unknown checksum", fix)
    path, model = model_path(name), PUBLISHED[name]
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not is_here(name) or _sum(path) != model.sha256:
                _fetch(f"{mirror.rstrip('/')}/{model.file}", path, model)
    return path


def _fetch(url: str, path: Path, model: Published) -> None:
    part = path.with_suffix(".part")
    for tries_left in reversed(range(TRIES)):
        try:
            _transfer(url, part, model.size)
            break
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and tries_left:
                part.unlink(missing_ok=True)  # what is there is no beginning of it
                continue
            raise _unreachable(url, f"HTTP {error.code} ({error.reason})") from error
        except (OSError, http.client.HTTPException) as error:
            if not tries_left:
                raise _unreachable(url, str(getattr(error, "reason", error))) from error
    if part.stat().st_size != model.size or _sum(part) != model.sha256:
        found = f"{part.stat().st_size:,} bytes of another content"
        part.unlink()
        raise WeightsError(url, f"the release's {model.file} ({model.size:,} bytes)", found, f"Ask again. {OTHERWISE}")
    os.replace(part, path)


def _transfer(url: str, part: Path, size: int) -> None:
    """Append to ``part`` what of the file is not there yet. Raises OSError where it breaks before ``size`` bytes."""
    have = part.stat().st_size if part.is_file() else 0
    if have >= size:
        return
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        resumed = answer.status == HTTPStatus.PARTIAL_CONTENT
        with part.open("ab" if resumed else "wb") as file:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
        expected = int(answer.headers.get("Content-Length") or 0) + (have if resumed else 0)
    if part.stat().st_size < expected:
        raise OSError(f"the transfer broke off at {part.stat().st_size:,} of {expected:,} bytes")


def _unreachable(url: str, found: str) -> Unreachable:
    return Unreachable(
        url, "a model that can be fetched", found, f"Set detect.mirror, or fetch it by hand. {OTHERWISE}"
    )


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
