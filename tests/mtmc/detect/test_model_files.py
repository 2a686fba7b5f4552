"""Published models are fetched once, whole and unchanged, from a server on this machine that misbehaves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from mtmc.detect.model_files import PUBLISHED, Published, Unreachable, fetch, model_path
from mtmc.errors import WeightsError

CONTENT = bytes(range(256)) * 1024
NOWHERE = "http://127.0.0.1:9"
"""The port of the discard service: nobody listens."""


@dataclass
class Mirror:
    """``breaks_at``: transfers that end after so many bytes; ``ranges``: what was asked for, "" for all."""

    address: str = ""
    content: bytes = CONTENT
    status: int = 200
    knows_ranges: bool = True
    breaks_at: list[int] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)


@pytest.fixture
def mirror(tmp_path, monkeypatch) -> Iterator[Mirror]:  # type: ignore[no-untyped-def]
    """A mirror that has a model named tiny, and an empty cache."""
    one = Mirror()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            one.ranges.append(asked)
            if self.path != "/release/tiny.onnx" or one.status != 200:
                self.send_error(404 if one.status == 200 else one.status)
                return
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and one.knows_ranges else 0
            if first and first >= len(one.content):
                self.send_error(416)
                return
            part = one.content[first:]
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            self.wfile.write(part[: one.breaks_at.pop(0)] if one.breaks_at else part)

        def log_message(self, *said: object) -> None: ...

    monkeypatch.setenv("MTMC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(PUBLISHED, "tiny", Published("tiny.onnx", len(CONTENT), hashlib.sha256(CONTENT).hexdigest()))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    one.address = f"http://127.0.0.1:{server.server_port}/release"
    Thread(target=server.serve_forever, daemon=True).start()
    yield one
    server.shutdown()
    server.server_close()


def test_it_is_fetched_once(mirror: Mirror) -> None:
    path = fetch("tiny", mirror.address)
    assert path == model_path("tiny")
    assert path.read_bytes() == CONTENT
    assert fetch("tiny", NOWHERE) == path
    assert mirror.ranges == [""]


def test_a_broken_transfer_goes_on_where_it_broke(mirror: Mirror) -> None:
    mirror.breaks_at = [100_000, 50_000]
    assert fetch("tiny", mirror.address).read_bytes() == CONTENT
    assert mirror.ranges == ["", "bytes=100000-", "bytes=150000-"]


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(mirror: Mirror) -> None:
    mirror.breaks_at = [1000, 1000, 1000]
    with pytest.raises(Unreachable, match=r"3,000 of 262,144 bytes.*detect\.mirror.*motion.*onnx.*demo"):
        fetch("tiny", mirror.address)
    mirror.status = 503
    with pytest.raises(Unreachable, match="HTTP 503"):
        fetch("tiny", mirror.address)
    mirror.status = 200
    assert fetch("tiny", mirror.address).read_bytes() == CONTENT
    assert mirror.ranges[-1] == "bytes=3000-"


def test_what_is_no_beginning_of_the_file_is_thrown_away(mirror: Mirror) -> None:
    part = model_path("tiny").with_suffix(".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(5000))
    mirror.content = CONTENT[:4000]
    with pytest.raises(WeightsError, match="4,000 bytes"):
        fetch("tiny", mirror.address)
    assert mirror.ranges == ["bytes=5000-", ""]


def test_a_server_without_ranges_begins_anew(mirror: Mirror) -> None:
    mirror.breaks_at, mirror.knows_ranges = [1000], False
    assert fetch("tiny", mirror.address).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"x", CONTENT[:1000], b"<html>log in first</html>"])
def test_another_file_is_refused_and_forgotten(mirror: Mirror, content: bytes) -> None:
    mirror.content = content
    with pytest.raises(WeightsError, match=r"262,144 bytes.*motion.*onnx.*demo") as refused:
        fetch("tiny", mirror.address)
    assert not isinstance(refused.value, Unreachable)
    assert not list(model_path("tiny").parent.glob("tiny.[op]*"))
    mirror.content = CONTENT
    assert fetch("tiny", mirror.address).read_bytes() == CONTENT


def test_a_file_that_was_changed_is_fetched_again(mirror: Mirror) -> None:
    fetch("tiny", mirror.address).write_bytes(CONTENT[:-1] + b"x")
    assert fetch("tiny", mirror.address).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusing_server_is_one_sentence(mirror: Mirror, status: int) -> None:
    mirror.status = status
    with pytest.raises(Unreachable, match=rf"tiny\.onnx: expected .*HTTP {status}.*motion.*onnx.*demo"):
        fetch("tiny", mirror.address)


def test_no_network_is_one_sentence(mirror: Mirror) -> None:
    with pytest.raises(Unreachable, match=r"refused.*motion.*onnx.*demo"):
        fetch("tiny", NOWHERE)


def test_models_of_unknown_checksum_are_fetched_by_hand(mirror: Mirror) -> None:
    with pytest.raises(WeightsError, match=r"yolox_m\.onnx and give it with --weights"):
        fetch("yolox_m", mirror.address)
    assert not mirror.ranges
