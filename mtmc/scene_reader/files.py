"""Which files of a folder are the recordings of which camera, and which are left out, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath

from mtmc.errors import InputError
from mtmc.files import check_file, inside, lies_there
from mtmc.scene_reader.file_names import Name, natural
from mtmc.video.pictures import PICTURE_SUFFIXES, is_picture_folder

VIDEO_SUFFIXES = frozenset(
    [
        ".avi",
        ".mp4",
        ".mkv",
        ".mov",
        ".webm",
        ".m4v",
        ".mpg",
        ".mpeg",
        ".ts",
        ".mts",
        ".m2ts",
        ".m2t",
        ".tp",
        ".trp",
        ".wmv",
        ".asf",
        ".flv",
        ".f4v",
        ".3gp",
        ".3g2",
        ".ogv",
        ".ogm",
        ".vob",
        ".mpe",
        ".m1v",
        ".m2v",
        ".mpv",
        ".mxf",
        ".gxf",
        ".nut",
        ".ivf",
        ".y4m",
        ".dv",
        ".rm",
        ".rmvb",
        ".divx",
        ".qt",
        ".obu",
        ".av1",
        ".vc1",
        ".h264",
        ".264",
        ".avc",
        ".h265",
        ".265",
        ".hevc",
        ".mjpeg",
        ".mjpg",
        ".dav",
        ".wtv",
        ".lrv",
        ".insv",
        ".tod",
        ".mod",
        ".amv",
        ".swf",
    ]
)
BESIDE_SUFFIXES = frozenset(
    [
        ".txt",
        ".toml",
        ".json",
        ".csv",
        ".md",
        ".xml",
        ".ini",
        ".yaml",
        ".yml",
        ".zip",
        ".gz",
        ".tar",
        ".pdf",
        ".html",
        ".srt",
        ".log",
        ".parquet",
    ]
)
"""What lies beside videos and is nobody's mistake."""


@dataclass(frozen=True, slots=True)
class Source:
    """A camera as found: its files in order (or one folder of pictures each), and the start that each one's name
    tells."""

    files: tuple[Path, ...]
    starts: tuple[datetime | None, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds: cameras by id, and (path, reason) of the files that are left out."""

    folder: Path
    sources: dict[str, Source]
    left_out: list[tuple[Path, str]] = field(default_factory=list)


NameOf = Callable[[str], Name]
Taken = frozenset[Path]


def find_sources(path: Path, name_of: NameOf, taken: frozenset[Path], own_names: frozenset[str]) -> Found:
    """The cameras of a scene folder, or of one file, without the files ``taken``; files named in ``own_names`` are
    cameras of that name.

    Raises InputError where there is nothing, or two files of one name.
    """
    if not lies_there(path):
        raise InputError(path, "a folder of camera videos", "nothing", "Check the path given to --videos.")
    if not path.is_dir():
        check_file(path, "a folder of camera videos, or one video")
        return Found(path.parent, {path.stem: Source((path,), (name_of(path.stem).start,))})
    folder = scenario(path)

    def name(stem: str) -> Name:
        return Name(stem, name_of(stem).start) if stem in own_names else name_of(stem)

    for look in (_one_sequence, _ai_city, _flat, _folders, _loose_pictures):
        sources = look(folder, name, taken)
        if sources:
            return Found(folder, dict(sorted(sources.items())), list(_left_out(folder, sources)))
    return Found(folder, {}, list(_left_out(folder, {})))


def scenario(path: Path) -> Path:
    """``path`` itself, or its only scenario (``S01``) if it is a data set's root. Raises InputError where several need
    a choice."""
    if any(is_video(p) for p in path.glob("*/vdo.*")) or any(map(is_video, path.iterdir())):
        return path
    found = (p for pattern in ("*/*/vdo.*", "*/*/*/vdo.*") for p in path.glob(pattern) if is_video(p))
    inner = sorted({p.parents[1] for p in found})
    if len(inner) > 1:
        names = ", ".join(str(inside(p, path)) for p in inner[:6])
        found_text = f"{len(inner)} scenarios ({names})"
        raise InputError(path, "the cameras of one scenario", found_text, f"Name one, such as {inner[0]}.")
    return inner[0] if inner else path


def is_video(path: Path) -> bool:
    """Whether a path is a video file by its name; files whose name begins with a dot are never looked at.

    Raises InputError for what has the name and can be no video, a broken link or a pipe: no camera vanishes in silence.
    """
    named = path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
    if named and not path.is_dir():
        check_file(path, "a video")
    return named and path.is_file()


def _one_sequence(folder: Path, name_of: NameOf, taken: Taken) -> dict[str, Source]:
    """MOTChallenge: ``img1/000001.jpg``."""
    pictures = folder / "img1"
    return {folder.resolve().name: Source((pictures,), (None,))} if is_picture_folder(pictures) else {}


def _ai_city(folder: Path, name_of: NameOf, taken: Taken) -> dict[str, Source]:
    """``c001/vdo.avi``."""
    named = sorted(folder.glob("*/vdo.*"))
    for folder_instead in (path for path in named if path.is_dir() and path.suffix.lower() in VIDEO_SUFFIXES):
        check_file(folder_instead, "a video")
    found = _one_of_each_stem([video for video in named if is_video(video) and video not in taken])
    return {video.parent.name: Source((video,), (None,)) for video in found}


def _flat(folder: Path, name_of: NameOf, taken: Taken) -> dict[str, Source]:
    """``cam1.mp4``, or ``cam1_20240501_070000.mp4`` and what follows it."""
    videos = _one_of_each_stem([video for video in folder.iterdir() if is_video(video) and video not in taken])
    for instead in _visible_folders(folder) if videos else ():
        if instead.suffix.lower() in VIDEO_SUFFIXES:
            check_file(instead, "a video")
    cameras: dict[str, list[tuple[Path, datetime | None]]] = {}
    for video in videos:
        name = name_of(video.stem)
        cameras.setdefault(name.camera or folder.resolve().name, []).append((video, name.start))
    return {camera_id: in_order(files) for camera_id, files in cameras.items()}


def _folders(folder: Path, name_of: NameOf, taken: Taken) -> dict[str, Source]:
    """A folder per camera: videos at any depth, or pictures."""
    sources = {}
    for inner in _visible_folders(folder):
        videos = [p for p in inner.rglob("*") if is_video(p) and not _hidden(inside(p, inner)) and p not in taken]
        if videos:
            files = [(video, inside(video, inner).with_suffix("")) for video in _one_of_each_stem(videos)]
            sources[inner.name] = in_order([(video, name_of(" ".join(name.parts)).start) for video, name in files])
        else:
            pictures = next((p for p in (inner / "img1", inner) if is_picture_folder(p)), None)
            if pictures is not None:
                sources[inner.name] = Source((pictures,), (name_of(inner.name).start,))
    return sources


def _loose_pictures(folder: Path, name_of: NameOf, taken: Taken) -> dict[str, Source]:
    return {folder.resolve().name: Source((folder,), (None,))} if is_picture_folder(folder) else {}


def in_order(files: list[tuple[Path, datetime | None]]) -> Source:
    """By start where every file has one, else by name, counting."""
    if all(start is not None for _, start in files):
        ordered = sorted(files, key=lambda one: (one[1].replace(tzinfo=None), natural(str(one[0]))))  # type: ignore[union-attr]
    else:
        ordered = sorted(files, key=lambda one: natural(str(one[0])))
    return Source(tuple(path for path, _ in ordered), tuple(start for _, start in ordered))


def _one_of_each_stem(videos: list[Path]) -> list[Path]:
    by_stem: dict[Path, Path] = {}
    for video in sorted(videos):
        twin = by_stem.setdefault(video.with_suffix(""), video)
        if twin != video:
            found = f"{twin.name} and {video.name}"
            raise InputError(
                video.parent, f"one video named {video.stem}", found, "Rename one or take it out of the folder."
            )
    return list(by_stem.values())


def _visible_folders(folder: Path) -> Iterator[Path]:
    return (inner for inner in sorted(folder.iterdir()) if inner.is_dir() and not inner.name.startswith("."))


def _hidden(path: PurePath) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _left_out(folder: Path, sources: dict[str, Source]) -> Iterator[tuple[Path, str]]:
    """Files that look as if they were meant, with the reason why they are not used."""
    used = {file for source in sources.values() for file in source.files}
    folders = {file for file in used if file.is_dir()}
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        if path in used or _hidden(inside(path, folder)) or not path.is_file() or path.parent in folders:
            continue
        suffix = path.suffix.lower()
        if suffix in VIDEO_SUFFIXES:
            yield path, "the cameras of this folder are told by other files" if sources else "not readable as a video"
        elif suffix not in PICTURE_SUFFIXES | BESIDE_SUFFIXES and suffix:
            yield (
                path,
                f"{suffix} is no known suffix of videos; name it in scene.toml (video = {path.name!r}) to use it",
            )
