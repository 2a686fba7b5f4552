"""Videos whose pictures tell their numbers, with the stamps that a test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from mtmc.structures import Image

SIZE = (160, 96)
BITS = 9
MS = Fraction(1, 1000)
QUARTER_TURN = (0, 1, -1, 0)


def paint(number: int, size: tuple[int, int] = SIZE) -> Image:
    """A picture whose number stands in its upper half as nine black or white bars."""
    picture = np.full((size[1], size[0], 3), 110, np.uint8)
    width = size[0] // BITS
    for bit in range(BITS):
        picture[: size[1] // 2, bit * width : (bit + 1) * width] = 235 if number >> bit & 1 else 20
    return picture


def number_of(picture: Image) -> int:
    """The number that a picture tells, at any scale."""
    width = picture.shape[1] // BITS
    row = picture[picture.shape[0] // 8 : picture.shape[0] * 3 // 8]
    return sum(
        int(row[:, bit * width + width // 4 : (bit + 1) * width - width // 4].mean() > 128) << bit
        for bit in range(BITS)
    )


def write(
    path: Path,
    times: Sequence[float],
    size: tuple[int, int] = SIZE,
    gop: int = 12,
    bframes: int = 0,
    first: int = 0,
    sound_s: float = 0.0,
    options: dict[str, str] | None = None,
    preview: tuple[int, int] | None = None,
) -> Path:
    """Frames ``first``, ``first`` + 1, ... shown at ``times`` (s); ``sound_s``: seconds of silence beside them;
    ``preview``: size of a stream of grey pictures before the video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options or {}) as out:
        small = None if preview is None else out.add_stream("mpeg4", rate=25)
        if small is not None and preview is not None:
            small.width, small.height, small.pix_fmt = *preview, "yuv420p"
            small.time_base = small.codec_context.time_base = MS
        coding = {"preset": "veryfast", "bf": str(bframes), "g": str(gop), "sc_threshold": "0"}
        stream = out.add_stream("libx264", rate=25, options=coding)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.time_base = stream.codec_context.time_base = MS
        sound = out.add_stream("aac", rate=8000, layout="mono") if sound_s else None
        for number, time in enumerate(times, start=first):
            frame = av.VideoFrame.from_ndarray(paint(number, size), "bgr24")
            frame.pts, frame.time_base = round(time * 1000), MS
            out.mux(stream.encode(frame))
            if small is not None and preview is not None:
                grey = av.VideoFrame.from_ndarray(np.full((preview[1], preview[0], 3), 90, np.uint8), "bgr24")
                grey.pts, grey.time_base = frame.pts, MS
                out.mux(small.encode(grey))
        for block in range(int(sound_s * 8000 / 1024)):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            silence.rate, silence.pts, silence.time_base = 8000, block * 1024, Fraction(1, 8000)
            out.mux(sound.encode(silence))  # type: ignore[union-attr]
        for each in out.streams:
            out.mux(each.encode(None))  # type: ignore[union-attr]
    return path


def remux(
    source: Path,
    path: Path,
    restamp: Callable[[int, float], float] = lambda number, time: time,
    options: dict[str, str] | None = None,
    keep: Callable[[int], bool] = lambda number: True,
    decode_late_s: float = 0.0,
) -> Path:
    """The same packets in another container, each moved in time by ``restamp`` (packet, seconds); ``keep`` chooses
    them; ``decode_late_s`` moves the decoding stamps by that much instead."""
    with av.open(str(source)) as old, av.open(str(path), "w", options=options or {}) as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        for number, packet in enumerate(p for p in old.demux(stream) if p.size):
            if keep(number):
                time = float(packet.pts * packet.time_base)
                by = round((restamp(number, time) - time) / packet.time_base)
                late = round(decode_late_s / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + by, packet.dts + (late or by), copy
                new.mux(packet)
    return path


def turn(source: Path, path: Path, matrix: tuple[int, int, int, int] = QUARTER_TURN) -> Path:
    """The same mp4 file with a display matrix (a, b, c, d) in its track header, as a phone writes it."""
    a, b, c, d = (value << 16 & 0xFFFFFFFF for value in matrix)
    numbers = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    data = bytearray(source.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = b"".join(number.to_bytes(4, "big") for number in numbers)
    path.write_bytes(data)
    return path


def numbers_shown(video: Any) -> list[int]:
    """The painted numbers of all frames that a ``Video`` gives."""
    return [number_of(image) for clip in video.clips(7) for image in clip.images]
