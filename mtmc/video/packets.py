"""The packet index: which frames a file shows and when, from one pass over its packets (some 100 000 a second).

Only the first picture is decoded, for its size and orientation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.stream import Disposition

from mtmc.errors import InputError
from mtmc.files import check_file, is_local, opened
from mtmc.scene import Recording
from mtmc.structures import Double, Mask
from mtmc.video.frame_times import display_order, frame_rate, frame_times, usual_step
from mtmc.video.orientation import orientation_of, refuse_other_shape, turned_size

LOST_SHARE = 0.01
"""Headers count a little wrong at times; a file that lacks more than this share of its frames was cut short."""
LISTS = frozenset({"concat", "dash", "hls", "imf", "sdp"})
"""FFmpeg's formats that hold no pictures themselves: a stranger's video must not read what lies beside it."""
GUESSED_FPS = 25.0
FIRST_PACKETS = 1000
"""A file may begin inside a group of pictures; after so many packets one must be decoded."""
READ_AHEAD = 4 << 20
"""Bytes of a video at a URL that are fetched at once."""
DEMUX_ATTEMPTS = 50
"""Reading goes on behind a damaged place, but not more often than this without a packet in between."""


class _Packet(NamedTuple):
    """What one packet says: stamps in ticks, None where it has none."""

    decode: int | None
    show: int | None
    key: bool
    hidden: bool
    damaged: bool


def read_packets(path: Path) -> Recording:
    """Walk through a video file. Raises InputError for a file that is empty, no video, or cut short."""
    check_file(path, "a video")
    if path.stat().st_size == 0:
        raise InputError(path, "a video", "an empty file (0 bytes)", "Copy it again or take it out of the folder.")
    try:
        with av.open(readable(path)) as container:
            stream = video_stream(container)
            packets = [_told(packet) for packet in whole_packets(container, stream)]
            recording = _recording(path, stream, packets)
    except (av.error.FFmpegError, OSError, ValueError, IndexError) as error:
        fix = "Copy it again, or take it out of the folder."
        raise InputError(path, "a video", f"no readable video stream ({error})", fix) from error
    refuse_short(path, recording, len(packets))
    last_size, jumps = _last_key_frame(recording)
    refuse_other_shape(path, recording.size, last_size)
    return replace(recording, last_size=last_size, jumps=jumps)


def _last_key_frame(recording: Recording) -> tuple[tuple[int, int], bool]:
    """(width, height) as shown of the last key frame that can be reached, else of the first picture, and whether a jump
    leads there (in MPEG-TS for one it does not always)."""
    if not recording.exact or len(recording.keys) == 0:
        return recording.size, False
    stamp = int(recording.stamps[recording.keys[-1]])
    with av.open(readable(recording.path)) as container:
        stream = video_stream(container)
        try:
            container.seek(stamp, stream=stream)
            picture = next(iter(container.decode(stream)), None)
        except (av.error.FFmpegError, OSError):
            picture = None
    if picture is None:
        return recording.size, False
    return turned_size((picture.width, picture.height), recording.orientation), picture.pts == stamp


def readable(path: Path) -> Any:
    """A video as PyAV opens it: FFmpeg reads files of this machine itself."""
    return str(path) if is_local(path) else opened(path, block=READ_AHEAD)


def video_stream(container: Any) -> Any:
    """The stream that players show: the one with the largest pictures, cover pictures aside. Raises IndexError for
    none, ValueError for a list of other files or a picture."""
    names = container.format.name.split(",")
    if not LISTS.isdisjoint(names):
        raise ValueError("a list of other files")
    if "image2" in names or names[0].endswith("_pipe"):
        raise ValueError("a single picture")
    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    areas = [s.codec_context.width * s.codec_context.height for s in films]
    return films[areas.index(max(areas))] if films else container.streams.video[0]


def whole_packets(container: Any, stream: Any) -> Iterator[Any]:
    """The stream's packets, going on behind damaged places of the file."""
    failures = 0
    while failures < DEMUX_ATTEMPTS:
        try:
            for packet in container.demux(stream):
                if packet.size:
                    failures = 0
                    yield packet
            return
        except (av.error.FFmpegError, OSError):
            failures += 1


def refuse_short(path: Path, recording: Recording, stored: int) -> None:
    """Raise InputError where the container counts its frames and many of them are not there."""
    missing = recording.promised - stored
    if len(recording) == 0 or missing > max(2, LOST_SHARE * recording.promised):
        expected = f"{recording.promised} frames as its header says" if recording.promised else "frames"
        fix = "Copy it again; what there is can be used from a copy in .mkv (ffmpeg -i IN -c copy OUT.mkv)."
        raise InputError(path, expected, f"{stored}: the file is damaged or cut short", fix)


def _told(packet: Any) -> _Packet:
    return _Packet(packet.dts, packet.pts, packet.is_keyframe, packet.is_discard, packet.is_corrupt)


def _recording(path: Path, stream: Any, packets: list[_Packet]) -> Recording:
    kept = [packet for packet in packets if not packet.hidden]
    first = first_picture(path)
    orientation = orientation_of(first)
    rates = [float(rate) for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate) if rate]
    tick_s, reordered = float(stream.time_base), bool(stream.codec_context.has_b_frames)
    key: Mask = np.array([packet.key for packet in kept], np.bool_)
    shown = display_order([p.show for p in kept], [p.decode for p in kept], key, tick_s, reordered)
    if shown is None:
        fps, constant, exact = (rates or [GUESSED_FPS])[0], True, False
        stamps, keys, times_s = np.arange(len(kept)), np.zeros(1, np.intp), np.arange(len(kept)) / fps
    else:
        shown = shown.since(first.pts)
        stamps, times_s = shown.stamp, frame_times(shown, tick_s)
        fps, constant = frame_rate(times_s, rates, tick_s)
        keys, exact = np.flatnonzero(key[shown.packet]), shown.exact
    return Recording(
        path,
        stamps,
        times_s,
        keys,
        fps,
        turned_size((first.width, first.height), orientation),
        orientation,
        exact,
        constant,
        stamped=shown is not None,
        promised=_promised(stream, times_s),
        hidden=len(packets) - len(stamps),
        damaged=sum(packet.damaged for packet in kept),
    )


def _promised(stream: Any, times_s: Double) -> int:
    """Frames that the container counts; 0 where it does not, or where those found fill the time that it states (empty
    packets count too)."""
    stated_s = float(stream.duration * stream.time_base) if stream.duration else 0.0
    filled = stated_s > 0 and len(times_s) > 0 and times_s[-1] + usual_step(times_s) > (1 - LOST_SHARE) * stated_s
    return 0 if filled else int(stream.frames or 0)


def first_picture(path: Path) -> Any:
    """The first picture that can be decoded. Raises InputError where the beginning of the file has none."""
    with av.open(readable(path)) as container:
        stream = video_stream(container)
        for packet in islice(whole_packets(container, stream), FIRST_PACKETS):
            try:
                for picture in packet.decode():
                    return picture
            except av.error.FFmpegError:
                continue
        picture = next(iter(stream.codec_context.decode(None)), None)
    if picture is None:
        fix = "Copy it again, or take it out of the folder."
        raise InputError(path, "a video", f"pictures that cannot be decoded ({stream.codec_context.name})", fix)
    return picture
