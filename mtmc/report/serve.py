"""A small local server for the results page: files of the run folder with range requests, and edits back into it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

SERVED = (".html", ".mp4")
"""Only what the page needs leaves the folder."""
MOST_EDIT_BYTES = 1 << 24
BLOCK = 1 << 16

SaveEdits = Callable[[str], str | None]
"""Takes the text of ``edits.jsonl``; gives what was wrong with it, None if nothing."""


def make_server(folder: Path, port: int, save: SaveEdits) -> ThreadingHTTPServer:
    """A server on this machine alone; ``serve_forever`` runs it. Port 0 takes a free one."""

    class Handler(_Handler):
        root = folder.resolve()
        keep = staticmethod(save)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


class _Handler(SimpleHTTPRequestHandler):
    root: Path
    keep: SaveEdits
    protocol_version = "HTTP/1.1"
    left: int | None = None
    """Bytes still to send of the range asked for, None for a whole file."""

    def translate_path(self, path: str) -> str:
        """Nothing outside the folder, nothing but what the page needs."""
        name = unquote(path.split("?")[0].split("#")[0]).lstrip("/").replace("\0", "") or "report.html"
        wanted = (self.root / name).resolve()
        served = wanted.is_relative_to(self.root) and wanted.suffix in SERVED and os.path.isfile(wanted)
        return str(wanted if served else self.root / "nothing")

    def parse_request(self) -> bool:
        """Only requests that name this machine as this machine: other sites may have had their names led here."""
        if not super().parse_request():
            return False
        if re.fullmatch(r"(127\.0\.0\.1|localhost)(:\d+)?", self.headers.get("Host", "")):
            return True
        self.send_error(HTTPStatus.FORBIDDEN)
        return False

    def send_head(self) -> BinaryIO | None:
        """A whole file, or the range that a player asks for."""
        self.left = None
        wanted = re.fullmatch(r"bytes=(\d{1,18})-(\d{0,18})", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            return super().send_head()
        size = path.stat().st_size
        first, last = int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)
        if first > last:
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return None
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        file = path.open("rb")
        file.seek(first)
        self.left = last - first + 1
        return file

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """As much of the file as was promised; players that have enough hang up."""
        try:
            while self.left is None or self.left > 0:
                block = source.read(BLOCK if self.left is None else min(BLOCK, self.left))
                if not block:
                    break
                outputfile.write(block)
                self.left = None if self.left is None else self.left - len(block)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        self.left = None

    def do_POST(self) -> None:
        """Edits from the page; only from the page itself, never from another site."""
        origin, length = self.headers.get("Origin", ""), self.headers.get("Content-Length", "")
        size = int(length) if re.fullmatch(r"[0-9]{1,12}", length) else MOST_EDIT_BYTES + 1
        if self.path != "/edits" or origin != f"http://{self.headers.get('Host')}" or size > MOST_EDIT_BYTES:
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        wrong = self.keep(self.rfile.read(size).decode("utf-8", errors="replace"))
        answer = (wrong or "").encode()
        self.send_response(HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet: the terminal belongs to whoever started it."""
