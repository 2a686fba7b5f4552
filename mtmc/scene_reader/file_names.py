"""What recorders write into file names: the camera, and when the recording starts.

Understood without help: a date and a time of day as one row of digits or with separators (``cam1_20240501_070000``,
``192.168.1.64_01_20240501080000123``, ``OTCamera01_FR20_2023-05-24_07-00-00``, ``2024-05-01T07:00:00+02:00``), with
milliseconds and a time zone or without, and the seconds since 1970. A second time in the name is the end and left out.
What remains is the camera.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mtmc.errors import ConfigError

DATE_TIME = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<d>[-_.]?)(?P<month>\d\d)(?P=d)(?P<day>\d\d)(?:[T_ .-]{1,3}|)"
    r"(?P<hour>\d\d)(?P<t>[-_.:h]?)(?P<minute>\d\d)[-_.:m]?(?P<second>\d\d)(?:[.,_-]?(?P<milli>\d{3}))?(?!\d)"
    r"(?P<zone>Z|[+-]\d\d:?\d\d(?!\d))?(?:-\d\d(?P<e>[-_.:])\d\d(?P=e)\d\d)?"
)
SINCE_1970 = re.compile(r"(?<!\d)(?P<seconds>1\d{9})(?P<milli>\d{3})?(?!\d)")
BRACKETS = re.compile(r"\[[^\]]*\]")
"""Recorders' remarks on a recording, such as ``[R][0@0][0]``."""
SEPARATORS = " _-.,@[]()"
FORBIDDEN = frozenset('/\\:*?"<>|')
"""In no file name on one system or another."""
TAKEN = "mosaic"
"""All cameras side by side have this name among the videos."""
LONGEST_ID = 200
"""Bytes; with the prefix and suffix of a table it stays below the 255 of the usual file systems."""
OTHER_ID = "Rename the camera, or give its video under another id in scene.toml."


@dataclass(frozen=True, slots=True)
class Name:
    """A file name taken apart: ``camera`` part ("" where there is none), ``start`` None where no time is told."""

    camera: str
    start: datetime | None = None


def names_a_file(camera_id: str) -> bool:
    """Whether a camera's id is a plain file name: joined to a folder it stays inside."""
    fits = 0 < len(camera_id.encode(errors="replace")) <= LONGEST_ID and not camera_id.startswith(".")
    return fits and camera_id.isprintable() and FORBIDDEN.isdisjoint(camera_id)


def check_camera_id(camera_id: str, where: object) -> None:
    """A camera's id names its files in the run folder, so it must be a plain file name and no other's. Raises
    ConfigError."""
    if not names_a_file(camera_id):
        barred = "".join(sorted(FORBIDDEN))
        expected = f"a camera id that can name a file: 1 to {LONGEST_ID} bytes, no leading dot, none of {barred}"
        raise ConfigError(where, expected, repr(camera_id[:80]), OTHER_ID)
    if camera_id.lower() == TAKEN:
        expected = f"a camera id other than {TAKEN}, which is the video of all cameras"
        raise ConfigError(where, expected, repr(camera_id), OTHER_ID)


def parse(stem: str) -> Name:
    """Camera and start of a file name without its suffix."""
    times = [match for match in DATE_TIME.finditer(stem) if _moment(match) is not None]
    times += [
        match for match in SINCE_1970.finditer(stem) if not any(m.start() <= match.start() < m.end() for m in times)
    ]
    if not times:
        return Name(stem)
    times.sort(key=lambda match: match.start())
    first = next((match for match in times if match.re is DATE_TIME), times[0])
    pieces, at = [], 0
    for match in times:
        pieces.append(stem[at : match.start()])
        at = match.end()
    pieces = [BRACKETS.sub("", piece).strip(SEPARATORS) for piece in (*pieces, stem[at:])]
    camera = "_".join(filter(None, pieces))
    return Name(camera, _moment(first))


def parse_with(pattern: re.Pattern[str], time_format: str, stem: str, where: str) -> Name:
    """The same by a pattern of the user's, with groups ``camera`` and ``time``. Raises ConfigError where the time does
    not fit."""
    match = pattern.search(stem)
    if match is None:
        return Name(stem)
    groups = match.groupdict()
    camera = (groups.get("camera") or "").strip(SEPARATORS)
    if "time" not in groups:
        return Name(camera or stem)
    try:
        start = datetime.strptime(groups["time"], time_format) if time_format else parse(groups["time"]).start
    except ValueError as error:
        raise ConfigError(where, f"times like {time_format!r}", repr(groups["time"]), "Correct time_format.") from error
    if start is None:
        raise ConfigError(
            where, "a time in the group `time`", repr(groups["time"]), "Give time_format (%Y%m%d_%H%M%S)."
        )
    return Name(camera, start)


def _moment(match: re.Match[str]) -> datetime | None:
    found = match.groupdict()
    milli = int(found["milli"] or 0)
    if match.re is SINCE_1970:
        return datetime.fromtimestamp(int(found["seconds"]) + milli / 1000, UTC)
    parts = [int(found[key]) for key in ("year", "month", "day", "hour", "minute", "second")]
    zone = (found["zone"] or "").replace("Z", "+00:00")
    try:
        moment = datetime(*parts) + timedelta(milliseconds=milli)  # type: ignore[arg-type]
        return moment.replace(tzinfo=datetime.strptime(zone, "%z").tzinfo) if zone else moment
    except ValueError:
        return None


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key that counts: frame2 before frame10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.lower()))
