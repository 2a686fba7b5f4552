"""From pictures to files: H.264 that a browser plays."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import cv2
import numpy as np

from mtmc.errors import StoreError
from mtmc.files.atomic import part_of, put_in_place
from mtmc.structures import Image

TICKS_PER_S = 90_000
"""Resolution of frame times given: MPEG's own."""


class VideoWriter:
    """H.264 (yuv420p, ``faststart``), which every browser plays; a context manager.

    The file appears under its name when it is complete; a write that fails leaves none. ``crf`` is x264's quality, 0
    (exact) to 51, smaller is better. ``seekable`` puts a key frame into every second, so that a player jumps at once,
    and shows frames at the times that are given. ``light`` spares players the costly half of decoding (no deblocking,
    no arithmetic coding), for files of a twentieth more. Odd widths and heights lose one pixel line. Raises StoreError
    where the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        fps: float,
        size: tuple[int, int],
        crf: int = 23,
        preset: str = "veryfast",
        seekable: bool = False,
        light: bool = False,
    ) -> None:
        self.path = path
        self.size = (size[0] // 2 * 2, size[1] // 2 * 2)
        self._part = part_of(path)
        self._fps = Fraction(fps).limit_denominator(100_000)
        # x264's macroblock tree reads memory that nobody wrote: one in fifty encodings of the same pictures differed.
        self._options = {"crf": str(crf), "preset": preset, "x264-params": "mbtree=0"}
        self._time_base = Fraction(1, TICKS_PER_S) if seekable else 1 / self._fps
        if seekable:
            self._options |= {"g": str(max(1, round(fps))), "bf": "0"}
        if light:
            self._options |= {"tune": "fastdecode"}
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
            self._stream = self._container.add_stream("libx264", rate=self._fps, options=self._options)
        except OSError as error:
            raise self._unwritable(error) from error
        self._stream.codec_context.time_base = self._time_base
        self._stream.width, self._stream.height = self.size
        self._stream.pix_fmt = "yuv420p"
        return self

    def write(self, image: Image, time_s: float | None = None) -> None:
        """Append one frame (height, width, 3) of the writer's size, shown ``time_s`` after the first; evenly spaced
        without."""
        width, height = self.size
        # FFmpeg's converter reads past the rows' ends: the same pictures would not always give the same bytes.
        whole = np.ascontiguousarray(image[:height, :width])
        planes = np.asarray(cv2.cvtColor(whole, cv2.COLOR_BGR2YUV_I420), np.uint8)
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        if time_s is not None:
            picture.pts, picture.time_base = round(time_s / self._time_base), self._time_base
        self._mux(picture)

    def _mux(self, picture: Any) -> None:
        try:
            for packet in self._stream.encode(picture):
                self._container.mux(packet)
        except OSError as error:
            raise self._unwritable(error) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None:
                self._mux(None)
            self._container.close()
            if error is None:
                put_in_place(self._part, self.path)
        except OSError as failure:
            if error is None:
                raise self._unwritable(failure) from failure
        finally:
            self._part.unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            self.path, "a place to write a video", error.strerror or str(error), "Free space or choose another folder."
        )
