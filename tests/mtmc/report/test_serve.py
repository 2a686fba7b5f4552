"""The small server of the page: what it gives to whom, whatever is asked for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from mtmc.report.serve import make_server


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[HTTPConnection]:
    """A connection to the server of a folder with a page and a video."""
    folder = tmp_path / "run"
    (folder / "video" / "folder.mp4").mkdir(parents=True)
    (folder / "report.html").write_text("page")
    (folder / "video" / "a b.mp4").write_bytes(bytes(range(100)))
    os.mkfifo(folder / "video" / "pipe.mp4")
    (tmp_path / "outside.mp4").write_text("secret")
    (folder / "video" / "out.mp4").symlink_to(tmp_path / "outside.mp4")
    server = make_server(folder, 0, lambda text: None)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    server.shutdown()
    server.server_close()
    thread.join()


def ask(connection: HTTPConnection, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_files_of_the_page_by_any_name(asked: HTTPConnection) -> None:
    assert ask(asked, "/") == (200, b"page")
    assert ask(asked, "/video/a%20b.mp4") == (200, bytes(range(100)))


@pytest.mark.parametrize(
    "path",
    [
        "/video/", "/video/folder.mp4", "/video/folder.mp4/", "/video/pipe.mp4", "/video/out.mp4", "/../outside.mp4",
        "/%2e%2e/outside.mp4", "//etc/passwd", "/video/%00a.mp4", "/" + "x" * 5000 + ".mp4", "/%ff%fe.mp4",
    ],
)  # fmt: skip
def test_nothing_else(asked: HTTPConnection, path: str) -> None:
    assert ask(asked, path)[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8720", "127.0.0.1.evil.example", ""])
def test_a_name_that_was_led_here_is_refused(asked: HTTPConnection, host: str) -> None:
    assert ask(asked, "/", Host=host)[0] == 403
    assert ask(asked, "/edits", "POST", Host=host, Origin=f"http://{host}")[0] == 403


def test_ranges(asked: HTTPConnection) -> None:
    assert ask(asked, "/video/a%20b.mp4", Range="bytes=90-") == (206, bytes(range(90, 100)))
    assert ask(asked, "/video/a%20b.mp4", Range="bytes=500-")[0] == 416
    for whole in ("bytes=" + "9" * 5000 + "-", "bytes=-5", "bytes=5-1,7-9", "rubbish", "bytes=a-b"):
        assert ask(asked, "/video/a%20b.mp4", Range=whole) == (200, bytes(range(100)))
    assert ask(asked, "/video/a%20b.mp4", "HEAD", Range="bytes=0-9")[0] == 206
    assert ask(asked, "/video/a%20b.mp4") == (200, bytes(range(100)))


def test_other_methods(asked: HTTPConnection) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        assert ask(asked, "/report.html", method)[0] == 501
