"""Pixels in and out: videos decoded in clips of bounded memory, single frames on demand, and H.264 that a browser plays.

Images are (height, width, 3) uint8 BGR arrays; frames are counted from 0 in the order in which they are shown.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import av
import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtmc.errors import InputError, StoreError
from mtmc.scene import Camera

Image = NDArray[np.uint8]

logger = logging.getLogger(__name__)

SEEK_WORTH_FRAMES = 12
"""Jump to a later key frame only if that saves more frames than this: a jump empties the decoder."""

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
            return _decode_cv2(self.camera.video, wanted)
        _refuse_short(self.camera, len(index.times))
        return _decode_av(self.camera.video, index, wanted)

    @cached_property
    def _index(self) -> _Index | None:
        return _read_index(self.camera.video)


def _refuse_short(camera: Camera, frame_count: int) -> None:
    missing = camera.frame_count - frame_count
    if frame_count == 0 or missing > max(2, LOST_SHARE * camera.frame_count):
        raise InputError(
            camera.video,
            f"{camera.frame_count} frames as its header says",
            f"{frame_count}: the file is damaged or cut short",
            "Copy it again; if this is all there is, repair it with ffmpeg (ffmpeg -i IN -c copy OUT).",
        )


# --- decoding --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Index:
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


def _read_index(path: Path) -> _Index | None:
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
        return _Index(np.arange(len(packets)), np.zeros(1, np.intp), exact=False)
    packets.sort()
    keys = np.flatnonzero([key for _, key in packets])
    return _Index(np.array([time for time, _ in packets], np.int64), keys, exact=True)


class _Decoder:
    """One way through a file: counts frames from the start, or jumps to key frames while the file's times prove right."""

    def __init__(self, path: Path, index: _Index, jumping: bool) -> None:
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


def _decode_av(path: Path, index: _Index, wanted: NDArray[np.int64] | None) -> Iterator[tuple[int, Image]]:
    targets = range(len(index.times)) if wanted is None else wanted.tolist()
    decoder = None
    try:
        decoder = _Decoder(path, index, jumping=wanted is not None and index.exact)
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


def _decode_cv2(path: Path, wanted: NDArray[np.int64] | None) -> Iterator[tuple[int, Image]]:
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


# --- encoding --------------------------------------------------------------------------------------------------------


class VideoWriter:
    """H.264 (yuv420p, ``faststart``), which every browser plays; a context manager.

    The file appears under its name when it is complete; a write that fails leaves none. ``crf`` is x264's quality, 0 (exact)
    to 51, smaller is better. Odd widths and heights lose one pixel line. Raises StoreError where the file cannot be written.
    """

    def __init__(self, path: Path, fps: float, size: tuple[int, int], crf: int = 23, preset: str = "veryfast") -> None:
        self.path = path
        self.size = (size[0] // 2 * 2, size[1] // 2 * 2)
        self._part = path.with_name(f".{path.stem}.part{path.suffix}")
        self._fps, self._options = Fraction(fps).limit_denominator(100_000), {"crf": str(crf), "preset": preset}
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
            self._stream = self._container.add_stream("libx264", rate=self._fps, options=self._options)
        except OSError as error:
            raise self._unwritable(error) from error
        self._stream.width, self._stream.height = self.size
        self._stream.pix_fmt = "yuv420p"
        return self

    def write(self, image: Image) -> None:
        """Append one frame (height, width, 3) of the writer's size."""
        width, height = self.size
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="bgr24")
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
                os.replace(self._part, self.path)
        except OSError as failure:
            if error is None:
                raise self._unwritable(failure) from failure
        finally:
            self._part.unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            self.path, "a place to write a video", error.strerror or str(error), "Free space or choose another folder."
        )
