"""Gates: what a trip goes from and to. Every camera is one, or zones are, as a file says.

The file is TOML, one gate a line: ``north = ["c001/in1", "c001/out2"]``, ``yard = "c003"``. A camera as a whole is
passed from its stay's start to its end, a zone in the moment in which a vehicle comes or goes by it.
Shape shorthand: V stays, N passings.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtmc.errors import ConfigError
from mtmc.files import parse_toml, read_text
from mtmc.structures import Double, Int, Long
from mtmc.visits.pieces import Pieces
from mtmc.visits.stays import Stays


@dataclass(frozen=True, slots=True, eq=False)
class Gates:
    """Names of the gates; whole (C,), entry, exit (C, Z): the gate of each camera and of each of its zones, -1 for
    none."""

    names: tuple[str, ...]
    whole: Long
    entry: Long
    exit: Long

    def mean(self, of_camera: Double) -> Double:
        """A number of the cameras (C,) for each gate (G,): the mean over those that it is in."""
        number = np.arange(len(self.names))[:, None]
        member = self.whole == number
        for zones in (self.entry, self.exit):
            member = member | (zones == number[..., None]).any(axis=2)
        return np.asarray((member * of_camera).sum(axis=1) / np.maximum(member.sum(axis=1), 1))


@dataclass(frozen=True, slots=True, eq=False)
class Passings:
    """Stays at gates, by vehicle and time: vehicle, gate, stay (N,); enter_s, leave_s (N,)."""

    vehicle: Long
    gate: Long
    stay: Long
    enter_s: Double
    leave_s: Double

    def __len__(self) -> int:
        return len(self.vehicle)


def camera_gates(pieces: Pieces) -> Gates:
    """Every camera is a gate."""
    nothing = _nothing(pieces)
    return Gates(pieces.cameras, np.arange(len(pieces.cameras), dtype=np.int64), nothing[0], nothing[1])


def read_gates(path: Path, pieces: Pieces) -> Gates:
    """Gates from a file. Raises ConfigError for a camera or zone that is not there, or is in two gates."""
    said = parse_toml(read_text(path), path, ConfigError)
    if not said:
        raise ConfigError(path, "gates", "none", 'Write lines such as north = ["c001/in1"].')
    whole = np.full(len(pieces.cameras), -1, np.int64)
    entry, exit_ = _nothing(pieces)
    for number, (gate, members) in enumerate(said.items()):
        for member in members if isinstance(members, list) else [members]:
            found = list(_places(pieces, member, whole, entry, exit_)) if isinstance(member, str) else []
            if not found:
                raise _unknown(path, gate, member, pieces)
            for array, place in found:
                if array[place] >= 0:
                    other = list(said)[array[place]]
                    raise ConfigError(f"{path}: {gate}", "each zone in one gate", f"{member} in {other} too", "Choose.")
                array[place] = number
    return Gates(tuple(said), whole, entry, exit_)


def passings(stays: Stays, gates: Gates) -> Passings:
    """The stays' passings, by vehicle and time."""
    camera: Int = stays.camera
    parts = [
        (gates.whole[camera], stays.start_s, stays.end_s),
        (gates.entry[camera, stays.entry], stays.start_s, stays.start_s),
        (gates.exit[camera, stays.exit], stays.end_s, stays.end_s),
    ]
    rows = np.arange(len(stays))
    stay, gate, enter, leave = (
        np.concatenate(column)
        for column in zip(*((rows[g >= 0], g[g >= 0], a[g >= 0], b[g >= 0]) for g, a, b in parts), strict=True)
    )
    vehicle = stays.vehicle[stay]
    if len(stay) == np.count_nonzero(gates.whole[camera] >= 0):  # cameras alone: in order as the stays are
        return Passings(vehicle, gate, stay, enter, leave)
    order = np.lexsort((leave, stay, enter, vehicle))
    return Passings(vehicle[order], gate[order], stay[order], enter[order], leave[order])


def _nothing(pieces: Pieces) -> tuple[Long, Long]:
    """Tables (C, Z) without any gate, for entries and exits."""
    sizes = (max(map(len, names), default=1) for names in (pieces.entry_names, pieces.exit_names))
    entry, exit_ = (np.full((len(pieces.cameras), size), -1, np.int64) for size in sizes)
    return entry, exit_


def _places(pieces: Pieces, member: str, whole: Long, entry: Long, exit_: Long) -> list[tuple[Long, tuple[int, ...]]]:
    """Which places of the tables a member of a gate names; none for a name that is not there."""
    camera, _, zone = member.partition("/")
    if camera not in pieces.cameras:
        return []
    c = pieces.cameras.index(camera)
    if not zone:
        return [(whole, (c,))]
    sides = ((entry, pieces.entry_names[c]), (exit_, pieces.exit_names[c]))
    return [(array, (c, names.index(zone))) for array, names in sides if zone in names]


def _unknown(path: Path, gate: str, member: object, pieces: Pieces) -> ConfigError:
    known = [*pieces.cameras]
    for camera, *sides in zip(pieces.cameras, pieces.entry_names, pieces.exit_names, strict=True):
        known += [f"{camera}/{zone}" for zone in dict.fromkeys(name for side in sides for name in side)]
    near = difflib.get_close_matches(str(member), known, n=1, cutoff=0.5)
    fix = f"Did you mean {near[0]}?" if near else f"Choose from {', '.join(known[:12])} ..."
    return ConfigError(f"{path}: {gate}", "cameras (c001) and zones (c001/in1)", repr(member), fix)
