"""Find vehicles in finished runs, by words that each narrow the search, or by a picture.

    12                 the vehicle of this id                     c001       seen by this camera
    red, truck         colour, kind                               c001>c003  seen by these cameras one after the other
    stay>10            longest stay in one camera, seconds        travel<60  seconds between these, or first to last
    p<0.6              its least sure link                        cameras>2, boxes>50, speed>40 (km/h)

The search field of the results page (``report/page/search.js``) takes the same words.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mtmc.config import build_config, refuse_strange_parts
from mtmc.errors import InputError
from mtmc.files.images import read_image
from mtmc.link.describe import mean_feature
from mtmc.link.review.explain import own_evidence
from mtmc.scene_reader.clocks import scene_time
from mtmc.store import Run
from mtmc.structures import LABELS, GlobalTrack

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
MEASURES = ("stay", "travel", "p", "cameras", "boxes", "speed")


@dataclass(frozen=True, slots=True)
class Found:
    """A vehicle of a run in plain values; visits by start, ``p`` and ``speed_kmh`` None where nothing is known;
    ``cosine`` with the picture that was asked for, None without one; ``…_utc`` by the calendar, as in the table of
    visits."""

    run: str
    vehicle_id: int
    label: str
    colour: str
    start_s: float
    end_s: float
    boxes: int
    p: float | None
    speed_kmh: float | None
    visits: tuple[dict[str, Any], ...]
    cosine: float | None = None
    start_utc: datetime | None = None
    end_utc: datetime | None = None

    @property
    def cameras(self) -> tuple[str, ...]:
        """Cameras in the order of the visits."""
        return tuple(visit["camera_id"] for visit in self.visits)

    def measure(self, name: str) -> float:
        """One of MEASURES, NaN where nothing is known."""
        known: dict[str, float | None] = {
            "stay": max(visit["end_s"] - visit["start_s"] for visit in self.visits),
            "travel": self.end_s - self.start_s,
            "p": self.p,
            "cameras": len(set(self.cameras)),
            "boxes": self.boxes,
            "speed": self.speed_kmh,
        }
        value = known[name]
        return float("nan") if value is None else value

    def trips(self, leg: Sequence[str]) -> list[float]:
        """Seconds from leaving the first camera of a leg to coming into its last one, for every time it did so."""
        return [seconds for visit in self.visits if (seconds := self._trip(visit, leg)) is not None]

    def _trip(self, first: dict[str, Any], leg: Sequence[str]) -> float | None:
        if first["camera_id"] != leg[0]:
            return None
        last: dict[str, Any] | None = first
        for camera_id in leg[1:]:
            start = last["start_s"] if last else np.inf
            last = next((v for v in self.visits if v["camera_id"] == camera_id and v["start_s"] > start), None)
        return None if last is None else float(last["start_s"] - first["end_s"])


def find(
    run: Run,
    words: str = "",
    picture: Path | None = None,
    since: str = "",
    until: str = "",
    trusted: Collection[str] = (),
) -> list[Found]:
    """The vehicles that all words fit and some camera saw between ``since`` and ``until``, by start; with a picture,
    those that look most like it first.

    Moments are seconds on the scene's clock, times of day or dates and times. Raises InputError for a word without
    meaning, a picture that cannot be read or a run without embeddings, ConfigError for a moment that is none.
    """
    vehicles = list(_vehicles(run, picture, trusted))
    fits = parse(words, run, {vehicle.colour for vehicle in vehicles})
    first, last = (scene_time(run.scene, text, option) for text, option in ((since, "--from"), (until, "--to")))
    low, high = -np.inf if first is None else first, np.inf if last is None else last
    found = [v for v in vehicles if fits(v) and any(s["start_s"] <= high and s["end_s"] >= low for s in v.visits)]
    return sorted(found, key=lambda v: (-(v.cosine or 0.0), v.start_s, v.vehicle_id))


# --- words ------------------------------------------------------------------------------------------------------------

Test = Callable[[Found], bool]


def parse(words: str, run: Run, colours: set[str]) -> Test:
    """Whether a vehicle fits all words. Raises InputError naming the first word without meaning."""
    cameras = {name.lower(): name for name in run.scene.cameras}
    split = re.sub(r"\s*(<=|>=|<|>|=)\s*", r"\1", words.strip().lower()).replace(",", " ").split()
    routes = [word for word in split if ">" in word and all(name in cameras for name in word.split(">"))]
    legs = [[cameras[name] for name in word.split(">")] for word in routes]
    tests: list[Test] = [lambda v, leg=leg: bool(v.trips(leg)) for leg in legs]  # type: ignore[misc]
    for word in split:
        if word not in routes:
            tests.append(_meaning(word, cameras, colours, legs))
    return lambda vehicle: all(test(vehicle) for test in tests)


def _meaning(word: str, cameras: dict[str, str], colours: set[str], legs: list[list[str]]) -> Test:
    if word in cameras:
        return lambda v: cameras[word] in v.cameras
    if re.fullmatch(r"[0-9]{1,18}", word):
        return lambda v: v.vehicle_id == int(word)
    if word in LABELS:
        return lambda v: v.label == word
    if word in colours:
        return lambda v: v.colour == word
    comparison = re.fullmatch(r"([a-z]+)(<=|>=|<|>|=)([0-9]+\.?[0-9]*|\.[0-9]+)", word)
    if comparison is None or comparison[1] not in MEASURES:
        known = f"an id, a camera, a kind, a colour ({', '.join(sorted(colours))}) or {', '.join(MEASURES)} with < or >"
        raise InputError("what to find", known, repr(word), "`mtmc find --help` has examples.")
    name, compare, limit = comparison[1], COMPARE[comparison[2]], float(comparison[3])
    if name == "travel" and legs:
        return lambda v: all(any(compare(seconds, limit) for seconds in v.trips(leg)) for leg in legs)
    return lambda v: compare(v.measure(name), limit)


# --- vehicles ---------------------------------------------------------------------------------------------------------


def _vehicles(run: Run, picture: Path | None, trusted: Collection[str]) -> Iterator[Found]:
    """Every vehicle, with what the tables know of it."""
    visits: dict[int, list[dict[str, Any]]] = {}
    for row in run.visits().to_pylist():
        visits.setdefault(row["vehicle_id"], []).append(row)
    sure = _least_sure(run)
    colours = _colours(run)
    alike = {} if picture is None else _alike(run, picture, trusted)
    for vehicle in run.vehicles():
        mine = sorted(visits[vehicle.vehicle_id], key=lambda v: v["start_s"])
        speeds = [v["speed_kmh"] for v in mine if v["speed_kmh"] is not None]
        yield Found(
            run.folder.name,
            vehicle.vehicle_id,
            _most(vehicle, {t.key: LABELS[t.label] for t in vehicle.tracklets}),
            _most(
                vehicle,
                {t.key: colours[t.key] for t in vehicle.tracklets if colours.get(t.key, "unclear") != "unclear"},
            ),
            mine[0]["start_s"],
            max(v["end_s"] for v in mine),
            sum(len(t) for t in vehicle.tracklets),
            sure.get(vehicle.vehicle_id),
            max(speeds, default=None),
            tuple(mine),
            None if picture is None else max((alike[t.key] for t in vehicle.tracklets if t.key in alike), default=-1.0),
            mine[0].get("start_utc"),
            max((v["end_utc"] for v in mine if v.get("end_utc") is not None), default=None),
        )


def _most(vehicle: GlobalTrack, words: dict[tuple[str, int], str]) -> str:
    """The word of most of the vehicle's boxes, "unclear" without any."""
    count: Counter[str] = Counter()
    for tracklet in vehicle.tracklets:
        if tracklet.key in words:
            count[words[tracklet.key]] += len(tracklet)
    return count.most_common(1)[0][0] if count else "unclear"


def _least_sure(run: Run) -> dict[int, float]:
    table = run.links()
    if table is None:
        return {}
    least: dict[int, float] = {}
    table = table.filter(pa.array(own_evidence({name: table[name].to_numpy() for name in table.column_names})))
    for vehicle_id, p in zip(table["vehicle_id"].to_pylist(), table["probability"].to_pylist(), strict=True):
        least[vehicle_id] = min(p, least.get(vehicle_id, 1.0))
    return least


def _colours(run: Run) -> dict[tuple[str, int], str]:
    """Colour by tracklet, as the page has it."""
    found: dict[tuple[str, int], str] = {}
    for camera_id in run.cameras("crops"):
        table = run.crops(camera_id)
        if table is None:
            continue
        for track, colour in zip(table["track_id"].to_pylist(), table["colour"].to_pylist(), strict=True):
            found[camera_id, track] = colour
    return found


def _alike(run: Run, picture: Path, trusted: Collection[str]) -> dict[tuple[str, int], float]:
    """Cosine of every tracklet with a picture of a vehicle, by the run's own embedder."""
    from mtmc.embed import make_embedder

    image = read_image(picture, expected="a picture of a vehicle", fix="Give a .jpg or .png.")
    config = build_config(run.settings["config"], "run.json")
    refuse_strange_parts(config, run.folder / "run.json", trusted, ("embed",))
    embedder = make_embedder(config.embed)
    vector = embedder.vectors([image])[0]
    found: dict[tuple[str, int], float] = {}
    for camera_id, embeddings in run.embeddings().items():
        for track in np.unique(embeddings.track_ids).tolist():
            mine = embeddings.of(track)
            found[camera_id, track] = float(mean_feature(mine.vectors, mine.quality) @ vector)
    if not found:
        raise InputError(run.folder, "embeddings to compare with", "none", "Make the run with an embedder.")
    return found
