"""The JSON documents of a run folder: what each must hold to be taken."""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, model_validator

from mtmc.errors import StoreError
from mtmc.files import lies_there, read_json
from mtmc.scene import FASTEST_FPS, SLOWEST_FPS
from mtmc.scene_reader.file_names import names_a_file
from mtmc.store.schemas import AGAIN

Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=1, le=65536)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _plain_name(camera_id: str) -> str:
    if not names_a_file(camera_id):
        raise ValueError("a camera id that can name a file")
    return camera_id


CameraId = Annotated[str, AfterValidator(_plain_name)]


class Document(BaseModel):
    """Base of all documents: plain values of just these types; what a later version adds is left alone."""

    model_config = ConfigDict(strict=True, frozen=True, populate_by_name=True)


class RunFile(Document):
    """``run.json``: what was asked for."""

    mtmc: str = ""
    videos: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")]
    cameras: list[CameraId] | None = None
    config: dict[str, dict[str, Any]]


class GivenCamera(Document):
    """A camera without a video, as its tracks tell it."""

    fps: Annotated[float, Field(ge=SLOWEST_FPS, le=FASTEST_FPS)]
    frame_count: Annotated[int, Field(ge=0)]
    size: tuple[Side, Side]
    offset_s: Number
    offset_known: bool


class GivenScene(Document):
    """The scene of tracks without videos."""

    name: str
    folder: str
    clock_zero: datetime | None
    cameras: dict[CameraId, GivenCamera]


class GivenFile(Document):
    """``given.json``: the tables that were made elsewhere."""

    tracks: str
    stages: tuple[str, ...]
    scene: GivenScene | None


class KeptTimings(RootModel[dict[str, Amount]]):
    """``timings.json``: seconds by table, and the peak of memory."""


class DrawnStamp(Document):
    """What the videos were drawn from, with which parameters of the report."""

    model_config = ConfigDict(extra="allow")
    params: dict[str, Any]


class DrawnVideos(Document):
    """``video/stamp.json``: what the videos were drawn from, and their names."""

    stamp: DrawnStamp
    files: list[str]


class Scored(Document):
    """``scores.json``, as far as runs are compared by it; None for what is not defined."""

    idf1: Number | None
    idp: Number | None
    idr: Number | None
    hota: Number | None
    mota: Number | None
    switches: Annotated[int, Field(ge=0)] | None


# --- the learned network ----------------------------------------------------------------------------------------------


class StoredZone(Document):
    """An entry or exit zone: place and heading, spread, share of the camera's traffic."""

    centre: tuple[Number, Number, Number, Number]
    spread: Amount
    share: Amount


class StoredCamera(Document):
    """What was learned of a camera. Behind its zones stands one for everywhere else."""

    clock_ahead_s: Number
    clock_error_s: Amount | None
    clock_trusted: bool
    entries: list[StoredZone]
    exits: list[StoredZone]
    entering: list[Amount]
    unborn_per_s: list[Amount]
    leaving: list[Amount]

    @model_validator(mode="after")
    def _one_for_each(self) -> Self:
        if not len(self.entries) + 1 == len(self.entering) == len(self.unborn_per_s):
            raise ValueError("one number in entering and unborn_per_s for each entry and one more")
        if len(self.exits) + 1 != len(self.leaving):
            raise ValueError("one number in leaving for each exit and one more")
        return self


class Street(Document):
    """What people want to know of a transition; travel_s: low, typical, high."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    vehicles: Amount
    travel_s: tuple[Number, Number, Number]


class StoredLink(Document):
    """A transition; paths: exit zone, entry zone, vehicles."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    gate_s: tuple[Number, Number]
    typical_s: Number
    vehicles: Amount
    height: Amount
    density: Annotated[list[Amount], Field(min_length=1)]
    paths: list[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)], Amount]]


class StoredRatio(Document):
    """A log ratio over evenly spaced values from low to high."""

    low: Number
    high: Number
    value: Annotated[list[Number], Field(min_length=2)]


class Meaning(Document):
    """What evidence is worth."""

    appearance: StoredRatio
    size: StoredRatio
    kind: list[list[Number]]
    gap_s: Amount
    drift: Amount


class NetworkFile(Document):
    """``network.json``: the camera network that the linker learned."""

    format: Literal["mtmc camera network 1"]
    cameras: dict[CameraId, StoredCamera]
    streets: list[Street]
    links: list[StoredLink]
    meaning: Meaning

    @model_validator(mode="after")
    def _of_its_cameras(self) -> Self:
        ways = [*((street.source, street.target) for street in self.streets)]
        ways += [(link.source, link.target) for link in self.links]
        ends = set(chain.from_iterable(ways))
        if not ends <= self.cameras.keys():
            raise ValueError(f"streets and links between its cameras, not {min(ends - self.cameras.keys())!r}")
        exits, entries = (sum(len(getattr(c, end)) for c in self.cameras.values()) for end in ("leaving", "entering"))
        if any(a >= exits or b >= entries for link in self.links for a, b, _ in link.paths):
            raise ValueError(f"paths between its {exits} exits and {entries} entries")
        if len({len(link.density) for link in self.links}) > 1 or len({len(row) for row in self.meaning.kind}) > 1:
            raise ValueError("rows of one length in density and kind")
        return self


Model = TypeVar("Model", bound=BaseModel)


def read_kept(path: Path, model: type[Model]) -> Model | None:
    """What an earlier run noted for itself; None where that is missing or damaged: it is found out again."""
    try:
        return read_json(path, model, "a note of an earlier run", AGAIN, error=StoreError)
    except StoreError:
        return None


def read_run_file(folder: Path) -> dict[str, Any]:
    """``run.json`` of a run folder, checked. Raises StoreError where there is none."""
    path = folder / "run.json"
    if not lies_there(path):
        raise StoreError(folder, "a run folder", "no run.json in it", "Name a folder made by `mtmc run`.")
    found = read_json(path, RunFile, "a run folder's run.json", "Run `mtmc run` again.", error=StoreError)
    return found.model_dump(exclude_none=True)


def read_network_file(path: Path) -> dict[str, Any]:
    """A ``network.json``, checked, as plain lists and dictionaries. Raises StoreError."""
    fix = "Link again with `mtmc run ... --link network`."
    return read_json(path, NetworkFile, "a learned camera network", fix, error=StoreError).model_dump(by_alias=True)
