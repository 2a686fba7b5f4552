"""Videos whose bytes depend on their frames alone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from mtmc.structures import Image


class AviWriter:
    """H.264 in AVI, one thread and no B-frames: the same frames give the same bytes, and every reader counts them
    alike."""

    def __init__(self, path: Path, fps: float, size: tuple[int, int], crf: int) -> None:
        self.container = av.open(str(path), "w", options={"fflags": "+bitexact"})
        stream = self.container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"crf": str(crf), "preset": "veryfast", "bf": "0", "threads": "1", "g": "50"}
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        self.stream = stream

    def __enter__(self) -> AviWriter:
        return self

    def write(self, image: Image) -> None:
        """Append a BGR frame."""
        for packet in self.stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")):
            self.container.mux(packet)

    def __exit__(self, *_: object) -> None:
        for packet in self.stream.encode():
            self.container.mux(packet)
        self.container.close()
