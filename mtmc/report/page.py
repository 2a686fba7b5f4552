"""``report.html``: the page's own files and a run's blocks in one file that opens by double click, with the network
off.

The page is written as plain ES modules. A browser does not load modules from beside a file, so each travels as a
``data:`` address in the import map, under the name by which the others import it (``page/clock`` for
``page/clock.js``).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from mtmc.files.atomic import replacing
from mtmc.report.looks import videos_of
from mtmc.report.page_data import Contents, Truth, blocks
from mtmc.scene import Scene
from mtmc.store import Run

FOLDER = files("mtmc.report") / "page"
MARK = "<!doctype html>\n<!-- mtmc {} -->\n"


def write_page(
    contents: Contents, mark: str, extra: Mapping[str, Any], truth: Truth | None = None, embed_video: bool = False
) -> Path:
    """Write ``RUN/report.html``; ``extra`` is what only higher rooms know, for the core's head.

    ``mark`` names what the page was made from, for ``is_current``; ``embed_video`` puts the web videos inside. Raises
    StoreError where the folder cannot be read or written.
    """
    run, scene = contents.run, contents.scene
    path = run.folder / "report.html"
    parts = {**dict(blocks(contents, extra, truth)), **_videos(run, scene, embed_video)}
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(MARK.format(mark))
        file.writelines(_document(scene.name, parts))
    return path


def is_current(path: Path, mark: str) -> bool:
    """Whether a page made from what ``mark`` names lies at ``path``."""
    wanted = MARK.format(mark)
    if not path.exists():
        return False
    with path.open(encoding="utf-8") as file:
        return file.read(len(wanted)) == wanted


def _document(title: str, parts: Mapping[str, str]) -> Iterator[str]:
    text = (FOLDER / "index.html").read_text(encoding="utf-8")
    head, tail = text.split("<!-- data -->")
    style = "".join(f"<style>\n{text}</style>\n" for text in _sources(".css").values())
    head = head.replace("<!-- title -->", escape(title)).replace("<!-- style -->", style)
    yield head.replace("<!-- modules -->", f'<script type="importmap">{json.dumps({"imports": _modules()})}</script>')
    for name, data in parts.items():
        yield f'<script type="text/plain" id="{escape(name)}">{data}</script>\n'
    yield tail


def _modules() -> dict[str, str]:
    """Import name to ``data:`` address of every module."""
    return {f"page/{name}": "data:text/javascript;base64," + _base64(f"{text}//# sourceURL={name}.js".encode())
            for name, text in _sources(".js").items()}  # fmt: skip


def _sources(ending: str) -> dict[str, str]:
    """Name without ending to text of the page's own files, by name."""
    found = [path for path in FOLDER.iterdir() if path.name.endswith(ending)]
    return {
        path.name.removesuffix(ending): path.read_text(encoding="utf-8") for path in sorted(found, key=lambda p: p.name)
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _videos(run: Run, scene: Scene, wanted: bool) -> dict[str, str]:
    paths = {camera_id: videos_of(run, camera_id).get("web") for camera_id in scene.cameras if wanted}
    return {f"video-{k}": _base64(path.read_bytes()) for k, path in paths.items() if path is not None}
