"""Live streams as recordings: packets as they come, cut at key frames into files that tell when they begin."""

from __future__ import annotations

import logging
import re
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av

from mtmc.errors import ConfigError, StoreError
from mtmc.files.atomic import part_of, writing
from mtmc.scene_reader.file_names import check_camera_id

logger = logging.getLogger(__name__)

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s]\S*")
TIMEOUT_S = 10.0
"""A stream that says nothing for so long is lost."""
RETRY_S = 2.0
"""After a loss it is called again so much later."""


class Recorder(threading.Thread):
    """Records a stream (``rtsp://`` and whatever FFmpeg opens by address) into ``folder/camera/``, nothing encoded
    anew, a file per ``segment_s`` seconds, named by this machine's clock (UTC). A lost stream is called again. Raises
    ConfigError for what names no stream or no camera."""

    def __init__(self, camera_id: str, address: str, folder: Path, segment_s: float) -> None:
        super().__init__(daemon=True, name=f"recorder of {camera_id}")
        check_camera_id(camera_id, "--stream")
        if ADDRESS.fullmatch(address) is None or address.lower().startswith("file:"):
            expected = "a camera and the address of its stream"
            raise ConfigError("--stream", expected, f"{camera_id}={address}", "Write NAME=rtsp://HOST/PATH.")
        self._camera, self._address, self._segment_s = camera_id, address, segment_s
        self._folder = folder / camera_id
        self._over = threading.Event()
        self._failed: StoreError | None = None

    def check(self) -> None:
        """Raise StoreError where the recordings could not be written."""
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        """End the recording at hand as a whole one, and the thread."""
        self._over.set()
        if self.is_alive():
            self.join(TIMEOUT_S)

    def run(self) -> None:
        """Record until stopped, or until nothing can be written any more."""
        while not self._over.is_set():
            try:
                self._record()
                reason = "it ended"
            except StoreError as error:
                self._failed = error
                return
            except (av.error.FFmpegError, OSError) as error:  # its text may hold the address, with a password
                reason = error.strerror or type(error).__name__
            if not self._over.wait(RETRY_S):
                logger.warning("The stream of %s is lost (%s); it is called again.", self._camera, reason)

    def _record(self) -> None:
        tcp = {"rtsp_transport": "tcp"} if self._address.startswith("rtsp") else {}
        with av.open(self._address, options=tcp, timeout=(TIMEOUT_S, TIMEOUT_S)) as source:
            video = source.streams.video[0]
            file = None
            try:
                for packet in source.demux(video):
                    if self._over.is_set():
                        return
                    if packet.dts is None:
                        continue
                    if packet.is_keyframe and (file is None or file.seconds >= self._segment_s):
                        if file is not None:
                            file.close()
                        file = _Segment(self._folder, video)
                    if file is not None:
                        file.write(packet)
            finally:
                if file is not None:
                    file.close()


class _Segment:
    """One file: hidden while it is written, under its name when it is whole."""

    def __init__(self, folder: Path, video: Any) -> None:
        self.path = folder / f"{datetime.now(UTC):%Y%m%d_%H%M%S_%f}"[:-3]
        self.path = self.path.with_name(self.path.name + "Z.mkv")
        self._part = part_of(self.path)
        with writing(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            self._container = av.open(str(self._part), "w", format="matroska")
        self._stream = self._container.add_stream_from_template(video)
        self._first: int | None = None
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has been written."""
        return time.monotonic() - self._began

    def write(self, packet: Any) -> None:
        """Append a packet, at its time after the first one."""
        self._first = packet.dts if self._first is None else self._first
        packet.dts -= self._first
        if packet.pts is not None:
            packet.pts -= self._first
        packet.stream = self._stream
        with writing(self.path):
            self._container.mux(packet)

    def close(self) -> None:
        """Make it whole."""
        with writing(self.path):
            self._container.close()
            self._part.replace(self.path)
