"""Pixels in and out: videos decoded in clips of bounded memory, single frames on demand, and H.264 that a browser
plays.

    packets        which frames does a file show, and what do its packets say of them?
    frame_times    when is each frame shown? From stamps to times
    decoding       pictures of chosen frames, in clips
    ahead          decoded by a thread of their own
    orientation    pictures turned as players show them
    pictures       folders of pictures as recordings
    encoding       pictures into H.264

Images are (height, width, 3) uint8 BGR arrays; frames are counted from 0 in the order in which they are shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from mtmc.errors import InputError
from mtmc.scene import Camera
from mtmc.structures import Image, Int, Rows
from mtmc.video.ahead import ahead
from mtmc.video.decoding import decode
from mtmc.video.encoding import VideoWriter
from mtmc.video.packets import read_packets

__all__ = ["Clip", "Frames", "Image", "Video", "VideoWriter", "ahead", "read_packets"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Frames of one camera that follow each other in steps of ``step``: images (B, height, width, 3) uint8 BGR, the
    first being frame ``first_frame``."""

    first_frame: int
    images: Image
    step: int = 1

    def __len__(self) -> int:
        return len(self.images)

    @property
    def frames(self) -> Int:
        """Frame numbers (B,)."""
        return np.arange(self.first_frame, self.first_frame + self.step * len(self), self.step, dtype=np.int32)

    def image(self, frame: int) -> Image:
        """The picture (height, width, 3) of one of the frames."""
        return np.asarray(self.images[(frame - self.first_frame) // self.step])


class Frames(Protocol):
    """What a stage may ask of a camera's pixels."""

    def clips(self, length: int) -> Iterator[Clip]:
        """All frames that are looked at, in order, up to ``length`` at a time."""
        ...

    def at(self, frames: ArrayLike) -> Iterator[tuple[int, Image]]:
        """The chosen frames in increasing order, each once, with their numbers."""
        ...


def _nobody(frames_done: int) -> None:
    """Watch nothing."""


class Video:
    """The frames of one camera, over all its recordings.

    Every call of ``clips`` and ``at`` decodes anew and holds one clip or one frame at a time. ``watch`` is called with
    the number of frames handed out so far, for a progress bar. Damaged frames are left out, and their number is logged.
    Both methods raise InputError for a camera of which no frame can be decoded.
    """

    def __init__(self, camera: Camera, watch: Callable[[int], None] = _nobody) -> None:
        self.camera = camera
        self._watch = watch

    def clips(self, length: int) -> Iterator[Clip]:
        """All frames that are looked at, in order, up to ``length`` at a time; a clip ends early before a gap in their
        numbers."""
        batch: list[Image] = []
        first, done, step = 0, 0, self.camera.stride
        for frame, image in self._pictures(self.camera.chosen):
            if batch and (len(batch) == length or frame != first + step * len(batch)):
                yield Clip(first, np.stack(batch), step)
                self._watch(done)
                batch = []
            if not batch:
                first = frame
            batch.append(image)
            done += 1
        if batch:
            yield Clip(first, np.stack(batch), step)
            self._watch(done)
        self._tell_lost(done, len(self.camera.frames))

    def at(self, frames: ArrayLike) -> Iterator[tuple[int, Image]]:
        """The chosen frames in increasing order, each once; stretches without any are jumped over where the file allows
        it.

        Raises InputError where the video has no such frame.
        """
        wanted = np.unique(np.asarray(frames, np.int64))
        if len(wanted) and wanted[-1] >= self.camera.frame_count:
            found = f"no frame {wanted[np.searchsorted(wanted, self.camera.frame_count)]}"
            raise InputError(self.camera.video, "the video that was detected on", found, "Run detection again.")
        done = 0
        for frame, image in self._pictures(wanted):
            yield frame, image
            done += 1
            self._watch(done)
        self._tell_lost(done, len(wanted))

    def _pictures(self, wanted: Rows | None) -> Iterator[tuple[int, Image]]:
        """(frame, image) of the wanted frames, all for None."""
        first_frames = self.camera.first_frames
        for recording, first, end in zip(self.camera.recordings, first_frames[:-1], first_frames[1:], strict=True):
            inside = None
            if wanted is not None:
                inside = wanted[slice(*np.searchsorted(wanted, (first, end)))] - first
                if len(inside) == len(recording):
                    inside = None
                elif len(inside) == 0:
                    continue
            for frame, image in decode(recording, inside, self.camera.size):
                yield int(first) + frame, image

    def _tell_lost(self, done: int, expected: int) -> None:
        if done == 0 < expected:
            fix = "Copy it again, or take it out of the folder."
            raise InputError(self.camera.video, "a video", "pictures that cannot be decoded", fix)
        if done < expected:
            logger.warning("%s: %d of %d frames are damaged and left out", self.camera.id, expected - done, expected)
