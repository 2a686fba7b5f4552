"""Pixels in and out: videos decoded in clips of bounded memory, single frames on demand, and H.264 that a browser plays.

Images are (height, width, 3) uint8 BGR arrays; frames are counted from 0 in the order in which they are shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtmc.errors import InputError
from mtmc.scene import Camera
from mtmc.structures import Image
from mtmc.video.decoding import decode
from mtmc.video.encoding import VideoWriter
from mtmc.video.packets import read_packets

__all__ = ["Clip", "Frames", "Image", "Video", "VideoWriter", "read_packets"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Consecutive frames of one camera: images (B, height, width, 3) uint8 BGR, the first being frame ``first_frame``."""

    first_frame: int
    images: Image

    def __len__(self) -> int:
        return len(self.images)

    @property
    def frames(self) -> NDArray[np.int32]:
        """Frame numbers (B,)."""
        return np.arange(self.first_frame, self.first_frame + len(self), dtype=np.int32)


class Frames(Protocol):
    """What a stage may ask of a camera's pixels."""

    def clips(self, length: int) -> Iterator[Clip]:
        """All frames in order, ``length`` at a time (the last clip may be shorter)."""
        ...

    def at(self, frames: ArrayLike) -> Iterator[tuple[int, Image]]:
        """The chosen frames in increasing order, each once, with their numbers."""
        ...


def _nobody(frames_done: int) -> None:
    """Watch nothing."""


class Video:
    """The frames of one camera.

    Every call of ``clips`` and ``at`` decodes anew and holds one clip or one frame at a time. ``watch`` is called with the
    number of frames handed out so far, for a progress bar. Damaged frames are left out, and their number is logged. Both methods
    raise InputError for a camera of which no frame can be decoded.
    """

    def __init__(self, camera: Camera, watch: Callable[[int], None] = _nobody) -> None:
        self.camera = camera
        self._watch = watch

    def clips(self, length: int) -> Iterator[Clip]:
        """All frames in order, up to ``length`` at a time; a clip ends early before a damaged frame and at the end."""
        batch: list[Image] = []
        first = done = 0
        for frame, image in self._chosen(None):
            if batch and (len(batch) == length or frame != first + len(batch)):
                yield Clip(first, np.stack(batch))
                self._watch(done)
                batch = []
            if not batch:
                first = frame
            batch.append(image)
            done += 1
        if batch:
            yield Clip(first, np.stack(batch))
            self._watch(done)
        self._tell_lost(done, self.camera.frame_count)

    def at(self, frames: ArrayLike) -> Iterator[tuple[int, Image]]:
        """The chosen frames in increasing order, each once; stretches without any are jumped over where the file allows it.

        Raises InputError where the video has no such frame.
        """
        wanted = np.unique(np.asarray(frames, np.int64))
        if len(wanted) and wanted[-1] >= self.camera.frame_count:
            found = f"no frame {wanted[np.searchsorted(wanted, self.camera.frame_count)]}"
            raise InputError(self.camera.video, "the video that was detected on", found, "Run detection again.")
        done = 0
        for frame, image in self._chosen(wanted):
            yield frame, image
            done += 1
            self._watch(done)
        self._tell_lost(done, len(wanted))

    def _chosen(self, wanted: NDArray[np.int64] | None) -> Iterator[tuple[int, Image]]:
        """(frame, image) of the wanted frames, all for None."""
        first = 0
        for recording in self.camera.recordings:
            inside = None
            if wanted is not None:
                low, high = np.searchsorted(wanted, (first, first + len(recording)))
                inside = wanted[low:high] - first
            if inside is None or len(inside):
                for frame, image in decode(recording, inside):
                    yield first + frame, image
            first += len(recording)

    def _tell_lost(self, done: int, expected: int) -> None:
        if done == 0 < expected:
            fix = "Copy it again, or take it out of the folder."
            raise InputError(self.camera.video, "a video", "pictures that cannot be decoded", fix)
        if done < expected:
            logger.warning("%s: %d of %d frames are damaged and left out", self.camera.id, expected - done, expected)
