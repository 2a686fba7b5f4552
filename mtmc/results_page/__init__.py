"""The results page of a run: what its cameras look like, what is only known above the report's room, all into
``report.html``.

    health       how the run looks without any truth: the light and its reasons
    lost_boxes   truth beside the run: every true box, and why it is lost
"""

from __future__ import annotations

import logging
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from mtmc import __version__
from mtmc.edits import read_edits
from mtmc.errors import InputError
from mtmc.files.atomic import write_json
from mtmc.link.describe import describe
from mtmc.link.model.topology_graph import planar_layout
from mtmc.link.problem import Links
from mtmc.link.review.consistency import Contradictions, contradictions
from mtmc.link.review.explain import own_evidence
from mtmc.link.review.proposals import Looks, worth_a_look
from mtmc.report import Hide, ReportParams, Watch
from mtmc.report.figures import FORMATS
from mtmc.report.looks import Attend, make_looks
from mtmc.report.page import is_current, write_page
from mtmc.report.page_data import Contents, Truth
from mtmc.report.privacy import PAGE_FILE, Veil, drawn_under, promised
from mtmc.results_page.health import examine
from mtmc.results_page.lost_boxes import compare_with_truth
from mtmc.scene import Scene
from mtmc.store import Run
from mtmc.store.documents import read_kept
from mtmc.store.stamps import digest, stored_stamp
from mtmc.traffic.page_panel import panel
from mtmc.visits import flows

MOST_LOOKS = 400
PICTURES = (*(f"{name}.{form}" for name in ("mosaic", "vehicles") for form in FORMATS), "traffic/turning-*", "*.rrd")
"""Pictures of a run that show its cameras, in its folder."""
LEAST_S = 8.0
"""Cameras nearer than this many seconds would touch in the graph."""

logger = logging.getLogger(__name__)


class Asked(BaseModel):
    """What a page was asked to have, kept beside it: nobody who hid something finds it shown again after an edit."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    truth: bool = False
    ground_truth: Path | None = None
    embed_video: bool = False
    hide: Hide = "nothing"

    @staticmethod
    def before(run: Run, hide: Hide) -> Asked:
        """As the last page of the run; what is hidden is never less than ``hide``."""
        last = read_kept(run.folder / PAGE_FILE, Asked) or Asked()
        return last.model_copy(update={"hide": promised(run, hide)})


def make_page(
    run: Run,
    scene: Scene,
    params: ReportParams,
    watch: Watch,
    asked: Asked | None = None,
    attend: Attend | None = None,
) -> Path:
    """Write the web videos, crops and ``report.html`` of a finished run, each only where it is missing or stale.

    ``asked``: what the page shall have beside ``params``; as the last time if None, as after edits.
    ``attend`` tells where the embedder looks in the crops. Raises InputError
    for a damaged video or ground truth that does not fit, StoreError for a run folder that lacks tables or cannot be
    written.
    """
    wanted = asked or Asked.before(run, params.hide)
    veil = Veil.of(run, scene, wanted.hide)
    remove_unveiled(run, veil)
    make_looks(run, scene, params, watch, veil, attend)
    path, mark = run.folder / "report.html", _mark(run, scene, veil, wanted.embed_video)
    if wanted.truth or not is_current(path, mark):
        contents = Contents.of(run, scene, run.vehicles())
        truth = _truth(contents, wanted, insist=asked is not None)
        looks, against = judged(contents)
        extra = {
            **camera_graph(contents),
            "audit": veil.audit,
            "hide": veil.hide,
            "edits": edits_of(run),
            "looks": looks_rows(looks),
            "health": health_of(contents, looks, against),
            "traffic": panel(run),
        }
        write_page(contents, "with truth" if wanted.truth else mark, extra, truth, wanted.embed_video)
    write_json(run.folder / PAGE_FILE, wanted.model_dump(mode="json"))
    return path


def _truth(contents: Contents, wanted: Asked, insist: bool) -> Truth | None:
    """The truth panel; truth that has gone since the last page only costs the panel."""
    if not wanted.truth:
        return None
    try:
        return compare_with_truth(contents, wanted.ground_truth)
    except InputError as error:
        if insist:
            raise
        logger.warning("The page goes without its truth panel: %s", error)
        return None


def edits_of(run: Run) -> list[dict[str, Any]]:
    """The edits that the run was linked with, for the page's head."""
    edits = read_edits(run.path_of_edits)
    return [edit.model_dump(mode="json", by_alias=True, exclude_none=True) for edit in edits]


def judged(contents: Contents) -> tuple[Looks, Contradictions]:
    """The review queue, by places in the page's order, and what the vehicles say against themselves."""
    embeddings = {camera.id: found for camera in contents.cameras if (found := contents.run.embeddings_of(camera.id))}
    table = describe(contents.scene, contents.tracklets, embeddings)
    boxes = np.array([len(t) for t in contents.tracklets], np.int64)
    links = made_links(contents)
    return worth_a_look(table, contents.vehicle, boxes, links), contradictions(table, contents.vehicle, boxes, links)


def looks_rows(looks: Looks) -> list[list[float]]:
    """The queue for the page's head: from, to, chance of being wrong, boxes at stake, 1 for links that were made and 0
    for proposals."""
    rows = np.stack([looks.source, looks.target, looks.chance.round(4), looks.boxes, looks.made], axis=1)
    return rows[:MOST_LOOKS].tolist()  # type: ignore[no-any-return]


def health_of(contents: Contents, looks: Looks, against: Contradictions) -> dict[str, Any]:
    """The light and its signs for the page's head."""
    times = [contents.scene.cameras[t.camera_id].time_s(t.frames[[0, -1]]) for t in contents.tracklets]
    lengths = [float(end - start) for start, end in times]
    hours = max((camera.duration_s for camera in contents.cameras), default=0.0) / 3600
    network = contents.run.network
    learned = {} if network is None else network["cameras"]
    clocks = {c.id: learned[c.id]["clock_error_s"] if c.id in learned else 0.0 for c in contents.cameras}
    known = None if made_links(contents) is None else looks
    return examine(known, against, contents.run.visits(), lengths, hours, clocks)


def made_links(contents: Contents) -> Links | None:
    """The links of the run that evidence speaks for, by the places of their tracklets; None where the linker told
    none."""
    columns = contents.link_columns()
    if not columns:
        return None
    source, target = np.asarray(columns["link_from"]), np.asarray(columns["link_to"])
    spoken = own_evidence({name.removeprefix("link_"): np.asarray(column) for name, column in columns.items()})
    known = np.flatnonzero((source >= 0) & (target >= 0) & spoken)
    return Links(source[known], target[known], np.asarray(columns["link_probability"], np.float64)[known])


def remove_unveiled(run: Run, veil: Veil) -> None:
    """Videos with boxes that were drawn under another veil must not lie beside a page that promises this one, nor
    pictures from before its promise."""
    folder = run.folder / "video"
    if veil.hide != "nothing" and folder.exists() and drawn_under(run) != veil.hide:
        for path in [folder / "stamp.json", *folder.glob("*.mp4")]:
            path.unlink(missing_ok=True)
    if promised(run, "nothing") != promised(run, veil.hide):
        for name in PICTURES:
            for path in run.folder.glob(name):
                path.unlink()


def camera_graph(contents: Contents) -> dict[str, Any]:
    """Flows from camera to camera, and places for the cameras so that near in time is near to see, for the core's
    head."""
    found = flows(contents.run.visits())
    number = {camera.id: index for index, camera in enumerate(contents.cameras)}
    times = np.full((len(number), len(number)), np.inf)
    for flow in found:
        a, b = number[flow["from"]], number[flow["to"]]
        times[a, b] = times[b, a] = min(times[a, b], max(flow["seconds"][1], LEAST_S))
    return {"flows": found, "places": np.round(planar_layout(times), 2).tolist()}


def _mark(run: Run, scene: Scene, veil: Veil, embed_video: bool) -> str:
    """What the page was made from, in short."""
    tables: dict[str, Any] = {
        "vehicles": stored_stamp(run.path("vehicles")),
        "visits": stored_stamp(run.path("visits")),
    }
    tables |= {f"crops/{camera_id}": stored_stamp(run.path("crops", camera_id)) for camera_id in scene.cameras}
    page = {p.name: p.read_text(encoding="utf-8") for p in (files("mtmc.report") / "page").iterdir()}
    return digest({"mtmc": __version__, "page": page, "tables": tables, "embed_video": embed_video, "hide": veil.hide})
