"""Live streams become recordings, across losses; the stream is served by a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mtmc.errors import ConfigError, StoreError
from mtmc.scene_reader import read_scene
from mtmc.watching import Recorder
from mtmc.watching import recorder as recorder_module


def transport_stream(path: Path, frames: int = 60) -> bytes:
    """Six seconds of H.264 in an MPEG transport stream, a key frame each second."""
    with av.open(str(path), "w", format="mpegts") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(10), options={"g": "10", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            image = np.full((48, 64, 3), 4 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


@contextmanager
def served(content: bytes) -> Iterator[tuple[str, list[float]]]:
    """An address at which the content comes at twice its speed and then ends; when it was asked for."""
    asked = list[float]()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(time.monotonic())
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            for part in np.array_split(np.frombuffer(content, np.uint8), 30):
                try:
                    self.wfile.write(part.tobytes())
                except OSError:
                    return
                time.sleep(0.1)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/live", asked
    finally:
        server.shutdown()
        server.server_close()


def test_a_stream_is_cut_at_key_frames_and_called_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "RETRY_S", 0.2)
    with served(transport_stream(tmp_path / "live.ts")) as (address, asked):
        recorder = Recorder("north", address, tmp_path / "rec", segment_s=1.0)
        recorder.start()
        while len(asked) < 2:
            time.sleep(0.05)
        recorder.stop()
    recorder.check()
    files = sorted((tmp_path / "rec" / "north").iterdir())
    assert len(files) >= 2
    assert not [path for path in files if path.suffix != ".mkv"]
    scene = read_scene(tmp_path / "rec")
    assert list(scene.cameras) == ["north"]
    assert scene.clock_zero is not None
    camera = scene.cameras["north"]
    assert camera.frame_count >= 50
    for recording in camera.recordings:
        with av.open(str(recording.path)) as video:
            assert next(video.decode(video=0)).key_frame


def test_what_is_no_stream_is_one_sentence(tmp_path: Path) -> None:
    for name, address in (
        ("north", ""),
        ("north", "/dev/video0"),
        ("north", "file:///etc/passwd"),
        ("a/b", "rtsp://x"),
    ):
        with pytest.raises(ConfigError):
            Recorder(name, address, tmp_path, 60)


def test_recordings_that_cannot_be_written_end_the_watch(tmp_path: Path) -> None:
    (tmp_path / "rec").write_text("no folder")
    with served(transport_stream(tmp_path / "live.ts")) as (address, _):
        recorder = Recorder("north", address, tmp_path / "rec", segment_s=1.0)
        recorder.start()
        recorder.join(10)
    with pytest.raises(StoreError):
        recorder.check()
