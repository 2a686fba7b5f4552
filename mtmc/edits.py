"""What somebody who looked at a run corrected, kept as ``RUN/edits.jsonl`` and applied whenever the run is linked.

One edit a line, keyed by camera, time and box, so that it survives another tracker:

    {"edit": "same", "at": {"camera": "c001", "time_s": 3.2, "box": [10, 20, 60, 50]}, "and": {...}}   one vehicle
    {"edit": "different", "at": ..., "and": ...}      two vehicles
    {"edit": "split", "at": ...}                      the tracklet is another vehicle from this moment on
    {"edit": "not_vehicle", "at": ...}                no vehicle at all
    {"edit": "kind", "at": ..., "kind": "truck"}      its kind

The order of the lines plays no role but for ``split``, which is applied first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mtmc.errors import InputError
from mtmc.files import lies_there, read_text
from mtmc.files.atomic import replacing
from mtmc.geometry import iou
from mtmc.link import Wishes
from mtmc.scene import Scene
from mtmc.structures import LABELS, Embeddings, Tracklet

LEAST_IOU = 0.3
"""An edit means the tracklet whose box overlaps its own by this at its time ..."""
LONGEST_S = 0.5
"""... or within this many seconds of it, where a tracker left a gap."""

Key = tuple[str, int]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Place(BaseModel):
    """A vehicle in a picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    camera: str
    time_s: Finite
    box: tuple[Finite, Finite, Finite, Finite]


class Edit(BaseModel):
    """One line of ``edits.jsonl``."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    edit: Literal["same", "different", "split", "not_vehicle", "kind"]
    at: Place
    other: Place | None = Field(None, alias="and")
    kind: str | None = None

    def line(self) -> str:
        """The edit as it stands in the file."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


@dataclass(frozen=True, slots=True, eq=False)
class Edited:
    """Tracklets after their edits, with the wishes for linking by their places, and what of the edits did not fit: full
    sentences. ``same`` and ``different`` are the numbers of the edits behind each wish."""

    tracklets: list[Tracklet]
    embeddings: dict[str, Embeddings]
    wishes: Wishes
    same: tuple[int, ...]
    unfit: tuple[str, ...]


def read_edits(path: Path) -> list[Edit]:
    """The edits of a file, none where there is no file. Raises InputError with the line of one that is not
    understood."""
    if not lies_there(path):
        return []
    lines = [(number, line) for number, line in enumerate(read_text(path).split("\n"), 1) if line.strip()]
    return [read_edit(line, f"{path}:{number}") for number, line in lines]


def read_edit(line: str, where: str) -> Edit:
    """One edit. Raises InputError naming ``where`` for a line that is none."""
    try:
        edit = Edit.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        found = f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}"
        raise InputError(
            where, "an edit as `mtmc edit` writes it", found, "Correct the line or take it out."
        ) from error
    if (edit.edit in ("same", "different")) != (edit.other is not None):
        raise InputError(where, "two places for same and different, one else", edit.edit, "Correct the line.")
    if (edit.edit == "kind") != (edit.kind in LABELS):
        raise InputError(where, f"a kind of {', '.join(LABELS)}", repr(edit.kind), "Correct the line.")
    return edit


def write_edits(path: Path, edits: Iterable[Edit]) -> None:
    """Write all edits of a run, atomically."""
    with replacing(path) as temporary:
        temporary.write_text("".join(edit.line() + "\n" for edit in edits), encoding="utf-8")


def place_of(scene: Scene, tracklet: Tracklet, row: int | None = None) -> Place:
    """A place that means a tracklet: one of its boxes, the middle one by default."""
    k = len(tracklet) // 2 if row is None else row
    time = float(scene.cameras[tracklet.camera_id].time_s(tracklet.frames[k : k + 1])[0])
    return Place(camera=tracklet.camera_id, time_s=round(time, 4), box=tuple(np.round(tracklet.xyxy[k], 2).tolist()))


# --- applying ---------------------------------------------------------------------------------------------------------

Unfit = tuple[Place, str]
"""Where an edit fits nothing, and a sentence that says so."""


class FreshIds:
    """Track ids for what edits split off: above the ``highest`` of their camera, the same whenever an edit is
    applied."""

    def __init__(self, highest: Callable[[str], int]) -> None:
        self._highest, self._last = highest, dict[str, int]()
        self._given = dict[int, int]()

    def of(self, number: int, camera_id: str) -> int:
        """That of an edit, by its number."""
        if number not in self._given:
            last = self._last[camera_id] if camera_id in self._last else self._highest(camera_id)
            self._given[number] = self._last[camera_id] = last + 1
        return self._given[number]


def apply_edits(
    scene: Scene, tracklets: Sequence[Tracklet], embeddings: Mapping[str, Embeddings], edits: Sequence[Edit],
    seen: tuple[float, float] = (-np.inf, np.inf), fresh: FreshIds | None = None,
) -> Edited:  # fmt: skip
    """Split, drop and rename tracklets as the edits say, and find the pairs that linking must join or keep apart.

    Of a part of a run ``seen`` are the seconds in which its tracklets are in view: edits of other times fit nothing
    here, and what they split off is left out; ``fresh``: the track ids that all parts have in common.
    """
    unfit: list[Unfit] = []
    mine, looks = list(tracklets), dict(embeddings)
    fresh = fresh or FreshIds(lambda camera: max(t.track_id for t in tracklets if t.camera_id == camera))
    for number, edit in enumerate(edits):
        if edit.edit == "split":
            _split(scene, mine, looks, edit, number, fresh, unfit)
    cut = any(edit.edit == "split" for edit in edits)
    dropped = {t.key for t in mine if cut and not _in_view(scene, t, seen)}
    for number, edit in enumerate(edits):
        found = _find(scene, mine, edit.at)
        if found is None and edit.edit in ("not_vehicle", "kind"):
            unfit.append(_unfit(edit, number, edit.at))
        elif found is not None and edit.edit == "not_vehicle":
            dropped.add(mine[found[0]].key)
        elif found is not None and edit.edit == "kind":
            mine[found[0]] = replace(mine[found[0]], label=LABELS.index(edit.kind or ""))
    mine = [t for t in mine if t.key not in dropped]
    pairs = {kind: list(_pairs(scene, mine, edits, kind, unfit)) for kind in ("same", "different")}
    same, different = (np.array([pair for _, pair in pairs[k]], np.int64).reshape(-1, 2) for k in ("same", "different"))
    said = tuple(sentence for place, sentence in unfit if seen[0] <= place.time_s < seen[1])
    return Edited(mine, looks, Wishes(same, different), tuple(n for n, _ in pairs["same"]), said)


def _pairs(
    scene: Scene, tracklets: Sequence[Tracklet], edits: Sequence[Edit], kind: str, unfit: list[Unfit]
) -> Iterable[tuple[int, tuple[int, int]]]:
    for number, edit in enumerate(edits):
        if edit.edit != kind or edit.other is None:
            continue
        places = [(place, _find(scene, tracklets, place)) for place in (edit.at, edit.other)]
        lost = next((place for place, found in places if found is None), None)
        if lost is not None:
            unfit.append(_unfit(edit, number, lost))
            continue
        a, b = (found[0] for _, found in places if found is not None)
        if a != b:
            yield number, (a, b)
        elif kind == "different":
            why = "both its places are in one tracklet; split it."
            unfit.append((edit.at, f"Edit {number + 1} ({kind}) no longer fits: {why}"))


def _in_view(scene: Scene, tracklet: Tracklet, seen: tuple[float, float]) -> bool:
    first, last = scene.cameras[tracklet.camera_id].time_s(tracklet.frames[[0, -1]])
    return bool(first < seen[1] and last >= seen[0])


def _find(scene: Scene, tracklets: Sequence[Tracklet], place: Place) -> tuple[int, int] | None:
    """(tracklet, row of its boxes) that a place means: the best overlap at its time, or just before or after."""
    best, overlap = None, LEAST_IOU
    camera = scene.cameras.get(place.camera)
    for k, tracklet in enumerate(tracklets):
        if camera is None or tracklet.camera_id != place.camera:
            continue
        times = camera.time_s(tracklet.frames)
        row = int(np.abs(times - place.time_s).argmin())
        if abs(times[row] - place.time_s) > LONGEST_S:
            continue
        found = float(iou(tracklet.xyxy[row : row + 1], np.array([place.box]))[0, 0])
        if found > overlap:
            best, overlap = (k, row), found
    return best


def _split(
    scene: Scene,
    tracklets: list[Tracklet],
    embeddings: dict[str, Embeddings],
    edit: Edit,
    number: int,
    ids: FreshIds,
    unfit: list[Unfit],
) -> None:
    """Cut a tracklet in two before a moment; the later part gets a track id of its own."""
    found = _find(scene, tracklets, edit.at)
    if found is None or found[1] == 0:
        unfit.append(_unfit(edit, number, edit.at))
        return
    k, row = found
    whole = tracklets[k]
    fresh = ids.of(number, whole.camera_id)
    tracklets[k : k + 1] = [whole.take(slice(0, row)), whole.take(slice(row, None), fresh)]
    crops = embeddings.get(whole.camera_id)
    if crops is not None:
        late = (crops.track_ids == whole.track_id) & (crops.frames >= whole.frames[row])
        embeddings[whole.camera_id] = replace(crops, track_ids=np.where(late, fresh, crops.track_ids))


def _unfit(edit: Edit, number: int, place: Place) -> Unfit:
    why = f"no tracklet in {place.camera} at {place.time_s:.2f} s."
    return place, f"Edit {number + 1} ({edit.edit}) no longer fits: {why}"


def contradiction(edited: Edited, edits: Sequence[Edit], index: int, path: Path) -> InputError:
    """What to say of edits of which the ``index``-th pair that is one vehicle cannot be met beside those before it."""
    edit = edits[edited.same[index]]
    expected = "edits that do not contradict each other"
    found = f"edit {edited.same[index] + 1} makes one vehicle of {edit.at.camera} at {edit.at.time_s:.2f} s and "
    found += f"{edit.other.camera} at {edit.other.time_s:.2f} s, which others keep apart" if edit.other else "another"
    return InputError(path, expected, found, "Take one of them out: `mtmc edit RUN --list`, `mtmc edit RUN --drop N`.")


def sentence(edit: Edit) -> str:
    """An edit for people."""
    places = [f"{place.camera} at {place.time_s:.2f} s" for place in (edit.at, edit.other) if place is not None]
    return f"{edit.edit.replace('_', ' ')}: {' and '.join(places)}" + (f" is a {edit.kind}" if edit.kind else "")
