"""From files to pictures: an index of a file's packets, and ways through it.

Frames are counted from 0 in the order in which they are shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from mtmc.errors import InputError

Image = NDArray[np.uint8]

SEEK_WORTH_FRAMES = 12
"""Jump to a later key frame only if that saves more frames than this: a jump empties the decoder."""


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Presentation times of all frames, sorted, and which of them start without knowing others; ``exact`` if times are unique."""

    times: NDArray[np.int64]
    keys: NDArray[np.intp]
    exact: bool

    def number(self, time: int | None) -> int:
        """The frame shown at ``time``, -1 for none."""
        place = 0 if time is None else int(np.searchsorted(self.times, time))
        return place if time is not None and place < len(self.times) and self.times[place] == time else -1

    def key_before(self, frame: int) -> int:
        """The last key frame at or before ``frame``."""
        return int(self.keys[max(int(np.searchsorted(self.keys, frame, side="right")) - 1, 0)]) if len(self.keys) else 0


def read_index(path: Path) -> Index | None:
    """Walk through the packets, decoding nothing (some 100 000 a second); None for a file that only OpenCV opens."""
    packets = []
    try:
        with av.open(str(path)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.size and not packet.is_discard:
                    packets.append((packet.pts if packet.pts is not None else packet.dts, packet.is_keyframe))
    except (av.error.FFmpegError, OSError) as error:
        if not packets:
            return None
        raise _damaged(path, len(packets), error) from error
    known = [time for time, _ in packets if time is not None]
    exact = len(set(known)) == len(packets)
    if not exact:
        return Index(np.arange(len(packets)), np.zeros(1, np.intp), exact=False)
    packets.sort()
    keys = np.flatnonzero([key for _, key in packets])
    return Index(np.array([time for time, _ in packets], np.int64), keys, exact=True)


class Decoder:
    """One way through a file: counts frames from the start, or jumps to key frames while the file's times prove right."""

    def __init__(self, path: Path, index: Index, jumping: bool) -> None:
        self._path, self._index, self._jumping = path, index, jumping
        self._open()
        if jumping:
            self._check_first()

    def _open(self) -> None:
        self.container = av.open(str(self._path))
        self._stream = self.container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._pictures: Iterator[Any] = self.container.decode(self._stream)
        self.frame = -1

    def _check_first(self) -> None:
        """Files whose first packets cannot be shown (cut out of a longer one) must be counted."""
        first = next(self._pictures, None)
        if first is not None:
            self._jumping = self._index.number(first.pts) == 0
            self._pictures = chain([first], self._pictures)

    def picture(self, target: int) -> Any:
        """The picture of a later frame, None beyond the end."""
        if self._jumping:
            self._jump_towards(target)
        found = None
        while self.frame < target:
            found = next(self._pictures, None)
            if found is None:
                return None
            self.frame += 1
        return found

    def _jump_towards(self, target: int) -> None:
        key = self._index.key_before(target)
        if key <= self.frame + SEEK_WORTH_FRAMES:
            return
        self.container.seek(int(self._index.times[key]), stream=self._stream)
        landed = self.container.decode(self._stream)
        first = next(landed, None)
        if first is not None and self._index.number(first.pts) == key:
            self.frame, self._pictures = key - 1, chain([first], landed)
            return
        self._jumping = False  # MPEG-TS for one jumps where it likes: count from the start instead
        self.container.close()
        self._open()


def decode(path: Path, index: Index, wanted: NDArray[np.int64] | None) -> Iterator[tuple[int, Image]]:
    """(frame, picture) of the wanted frames (increasing; all for None) by PyAV; ends early where the video does.

    Raises InputError for damage inside.
    """
    targets = range(len(index.times)) if wanted is None else wanted.tolist()
    decoder = None
    try:
        decoder = Decoder(path, index, jumping=wanted is not None and index.exact)
        for target in targets:
            picture = decoder.picture(target)
            if picture is None:
                return
            yield target, np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
    except (av.error.FFmpegError, OSError) as error:
        raise _damaged(path, 0 if decoder is None else decoder.frame + 1, error) from error
    finally:
        if decoder is not None:
            decoder.container.close()


def decode_by_opencv(path: Path, wanted: NDArray[np.int64] | None) -> Iterator[tuple[int, Image]]:
    """The same by OpenCV, for the few files that only it opens."""
    capture = cv2.VideoCapture(str(path))
    chosen = None if wanted is None else set(wanted.tolist())
    try:
        frame = 0
        while capture.grab():
            if chosen is None or frame in chosen:
                yield frame, np.asarray(capture.retrieve()[1], np.uint8)
            frame += 1
    finally:
        capture.release()


def _damaged(path: Path, frame: int, error: Exception) -> InputError:
    return InputError(
        path,
        "a whole video",
        f"damage after {frame} frames ({getattr(error, 'strerror', error)})",
        "Copy it again, or repair it with ffmpeg (ffmpeg -i IN OUT).",
    )
