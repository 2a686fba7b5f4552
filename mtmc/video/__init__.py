"""Pixels in and out: videos decoded in clips of bounded memory, single frames on demand, and H.264 that a browser plays.

Images are (height, width, 3) uint8 BGR arrays; frames are counted from 0 in the order in which they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtmc.errors import InputError
from mtmc.scene import Camera
from mtmc.video.decoding import Image, Index, decode, decode_by_opencv, read_index
from mtmc.video.encoding import VideoWriter

__all__ = ["Clip", "Frames", "Image", "Video", "VideoWriter"]

LOST_SHARE = 0.01
"""Headers count a little wrong at times; a video that lacks more than this share of its frames was cut short."""


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
    """The frames of one camera's video file.

    Every call of ``clips`` and ``at`` decodes anew and holds one clip or one frame at a time. ``watch`` is called with the
    number of frames handed out so far, for a progress bar. Both methods raise InputError, naming the frames read and
    expected, for a file that is damaged or cut short (an MPEG-TS file, which claims no length, cannot show the latter).
    """

    def __init__(self, camera: Camera, watch: Callable[[int], None] = _nobody) -> None:
        self.camera = camera
        self._watch = watch

    def clips(self, length: int) -> Iterator[Clip]:
        """All frames in order, ``length`` at a time; a file cut short is refused before its first frame."""
        batch: list[Image] = []
        done = 0
        for _, image in self._chosen(None):
            batch.append(image)
            done += 1
            if len(batch) == length:
                yield Clip(done - length, np.stack(batch))
                batch = []
                self._watch(done)
        if batch:
            yield Clip(done - len(batch), np.stack(batch))
            self._watch(done)
        _refuse_short(self.camera, done)

    def at(self, frames: ArrayLike) -> Iterator[tuple[int, Image]]:
        """The chosen frames in increasing order, each once; stretches without any are jumped over where the file allows it.

        Raises InputError where the video has no such frame.
        """
        wanted = np.unique(np.asarray(frames, np.int64))
        done = 0
        for frame, image in self._chosen(wanted):
            yield frame, image
            done += 1
            self._watch(done)
        if done < len(wanted):
            found = f"no frame {wanted[done]}"
            raise InputError(self.camera.video, "the video that was detected on", found, "Run detection again.")

    def _chosen(self, wanted: NDArray[np.int64] | None) -> Iterator[tuple[int, Image]]:
        """(frame, image) of the wanted frames, all for None."""
        index = self._index
        if index is None:
            return decode_by_opencv(self.camera.video, wanted)
        _refuse_short(self.camera, len(index.times))
        return decode(self.camera.video, index, wanted)

    @cached_property
    def _index(self) -> Index | None:
        return read_index(self.camera.video)


def _refuse_short(camera: Camera, frame_count: int) -> None:
    missing = camera.frame_count - frame_count
    if frame_count == 0 or missing > max(2, LOST_SHARE * camera.frame_count):
        raise InputError(
            camera.video,
            f"{camera.frame_count} frames as its header says",
            f"{frame_count}: the file is damaged or cut short",
            "Copy it again; if this is all there is, repair it with ffmpeg (ffmpeg -i IN -c copy OUT).",
        )
