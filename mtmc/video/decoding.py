"""From recordings to pictures: the ways through one file. Damaged packets cost their own frames only.

Frames are counted from 0 in the order in which they are shown.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import av
import cv2
import numpy as np

from mtmc.errors import InputError
from mtmc.scene import Recording
from mtmc.structures import Image, Rows
from mtmc.video.orientation import refuse_other_shape, turned, turned_size
from mtmc.video.packets import readable, video_stream, whole_packets
from mtmc.video.pictures import picture_files, read_picture

logger = logging.getLogger(__name__)

SEEK_WORTH_FRAMES = 12
"""Jump to a later key frame only if that saves more frames than this: a jump empties the decoder."""


class Decoder:
    """One way through a recording: tells pictures by their stamps, and jumps to key frames while those prove right;
    counts where stamps do not tell."""

    def __init__(self, recording: Recording, jumping: bool) -> None:
        self._recording = recording
        self._order = np.argsort(recording.stamps, kind="stable")
        self._sorted = recording.stamps[self._order]
        self._jumping = jumping and recording.exact and bool((np.diff(self._sorted) > 0).all())
        self._open()

    def _open(self) -> None:
        self.container = av.open(readable(self._recording.path))
        self._stream = video_stream(self.container)
        self._stream.thread_type = "AUTO"
        self._pictures = self._decoded()
        self.frame, self._picture = -1, None

    def _decoded(self) -> Iterator[Any]:
        """All pictures from here on; in a stream that is counted a packet that fails counts as one."""
        for packet in whole_packets(self.container, self._stream):
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                self.frame += not self._recording.exact
        yield from self._stream.codec_context.decode(None)

    def _number(self, stamp: int | None) -> int:
        """The first frame after this one with a stamp, -1 for none."""
        if not self._recording.exact:
            return self.frame + 1
        if stamp is None:
            return -1
        low, high = np.searchsorted(self._sorted, (stamp, stamp + 1))
        return next((int(row) for row in self._order[low:high] if row > self.frame), -1)

    def following(self) -> Any:
        """The next picture, ``frame`` being its number; None at the end."""
        for picture in self._pictures:
            number = self._number(picture.pts)
            if 0 <= number < len(self._recording):
                self.frame, self._picture = number, picture
                return picture
        self.frame, self._picture = len(self._recording), None
        return None

    def picture(self, target: int) -> Any:
        """The picture of a frame not before the last one; None where it is damaged or beyond the end."""
        if self._jumping:
            self._jump_towards(target)
        while self.frame < target and self.following() is not None:
            pass
        return self._picture if self.frame == target else None

    def all(self) -> Iterator[tuple[int, Any]]:
        """(frame, picture) of all frames that can be decoded."""
        while (picture := self.following()) is not None:
            yield self.frame, picture

    def some(self, wanted: Rows) -> Iterator[tuple[int, Any]]:
        """The same of the wanted frames (increasing)."""
        for target in wanted.tolist():
            picture = self.picture(target)
            if picture is not None:
                yield target, picture

    def _jump_towards(self, target: int) -> None:
        keys = self._recording.keys
        place = int(np.searchsorted(keys, target, side="right")) - 1
        if place < 0 or keys[place] <= self.frame + SEEK_WORTH_FRAMES:
            return
        key = int(keys[place])
        self.container.seek(int(self._recording.stamps[key]), stream=self._stream)
        self._pictures = self._decoded()
        if self.following() is not None and self.frame == key:
            return
        self._jumping = False  # MPEG-TS for one jumps where it likes: go through from the start instead
        self.container.close()
        self._open()


def decode(recording: Recording, wanted: Rows | None, size: tuple[int, int]) -> Iterator[tuple[int, Image]]:
    """(frame, picture) of the wanted frames (increasing; all for None), without those that are damaged.

    Pictures are upright and of ``size`` (width, height). Raises InputError where their shape is another.
    """
    if recording.pictures:
        yield from _picture_files(recording, wanted, size)
        return
    decoder = Decoder(recording, jumping=wanted is not None)
    stored = turned_size(size, recording.orientation)
    sizes = {stored}
    try:
        for frame, picture in decoder.all() if wanted is None else decoder.some(wanted):
            if (picture.width, picture.height) != stored:
                if (picture.width, picture.height) not in sizes:
                    sizes.add((picture.width, picture.height))
                    refuse_other_shape(recording.path, stored, (picture.width, picture.height))
                    logger.warning("%s: pictures of %d x %d are scaled", recording.path, picture.width, picture.height)
                picture = picture.reformat(*stored, format="bgr24", interpolation="AREA")
            yield frame, turned(np.asarray(picture.to_ndarray(format="bgr24"), np.uint8), recording.orientation)
    finally:
        decoder.container.close()


def _picture_files(recording: Recording, wanted: Rows | None, size: tuple[int, int]) -> Iterator[tuple[int, Image]]:
    files = picture_files(recording.path)
    for frame in range(len(files)) if wanted is None else wanted.tolist():
        try:
            image = read_picture(files[frame])
        except InputError:
            continue
        if image.shape[1::-1] != size:
            refuse_other_shape(files[frame], size, image.shape[1::-1])
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        yield frame, image
