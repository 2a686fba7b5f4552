"""The order of the stages: run what the plan finds stale, per camera (in processes), link, export, draw.

Each stage is a pure function of arrays.

    planning       what is asked for: units of work, each with the stamp that says whether it is stale
    tasks          what one process does for one unit
    workers        units handed to this process or to its children, in an order that fits their needs
    cluster        the same on nodes of Ray
    linking        a run's tracklets become vehicles, all at once or in windows
    windows        where windows of linking begin and end, and numbers of vehicles that stay from one to the next
    given_tracks   a run of tracks that were made elsewhere
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from mtmc import __version__
from mtmc.embed import attention_of
from mtmc.files.atomic import locked, write_json
from mtmc.memory import peak_of_all_mb
from mtmc.pipeline.cluster import cluster
from mtmc.pipeline.linking import link_run
from mtmc.pipeline.planning import Key, Plan, stamp_of
from mtmc.pipeline.tasks import Unit, forget_parts, run_unit, timed
from mtmc.pipeline.workers import Graph, Here, Pool, Timings, Watch, processes, run_graph
from mtmc.results_page import make_page
from mtmc.store import Run, create_run
from mtmc.store.documents import DrawnVideos, KeptTimings, read_kept
from mtmc.store.stamps import digest, plain
from mtmc.store.tables import appending
from mtmc.visits import visits

logger = logging.getLogger(__name__)


def run_pipeline(todo: Plan, workers: int, watch: Watch, address: str = "") -> Run:
    """Run what is stale and nothing else, in so many processes, or on the Ray cluster of an ``address``. Raises
    UserError; finished tables stay and are not made again.

    The run folder is this process's alone as long as it runs.
    """
    with locked(todo.run.folder):
        return _run_pipeline(todo, workers, watch, address)


def _run_pipeline(todo: Plan, workers: int, watch: Watch, address: str) -> Run:
    settings = {
        "mtmc": __version__,
        "videos": todo.source,
        "cameras": list(todo.scene.cameras),
        "config": todo.config.model_dump(mode="json"),
    }
    run = create_run(todo.run.folder, settings)
    stale = todo.stale()
    _tell_stale(stale)
    for camera in todo.scene.cameras.values():
        run.keep_recordings(camera)
        for stage, parts in todo.parts[camera.id].items():
            run.keep_tables(stage, camera.id, parts)
    kept = read_kept(run.folder / "timings.json", KeptTimings)
    timings: Timings = dict(kept.root) if kept else {}
    timings |= _do(todo, unit_graph(todo, stale), workers, address, watch)
    if ("vehicles", "") in stale:
        timings["vehicles"] = timed(lambda: link_run(todo, watch))
    if ("visits", "") in stale:
        _write_visits(todo)
    _write_track3(todo)
    timings |= _draw(todo, watch)
    if todo.config.report.page:
        timings["page"] = timed(
            lambda: make_page(run, todo.scene, todo.config.report, watch, attend=attention_of(todo.config.embed))
        )
    timings["peak_memory_mb"] = round(peak_of_all_mb())
    write_json(run.folder / "timings.json", timings)
    return run


def _tell_stale(stale: Mapping[Key, list[str]]) -> None:
    """Say why tables are made again, of the parts of a camera once; what was never made needs no word."""
    said = {
        (f"{stage}/{name.partition('/')[0]}".rstrip("/"), *reasons): None for (stage, name), reasons in stale.items()
    }
    for table, *reasons in said:
        if reasons != ["missing"]:
            logger.info("%s is %s", table, reasons[0] if reasons == ["damaged"] else f"stale: {'; '.join(reasons)}")


def unit_graph(todo: Plan, stale: Collection[Key]) -> Graph[Unit]:
    """The cameras' stale tables as units of work, each with the tables that it is made from.

    What follows a stale stage is stale by its stamp.
    """
    params = {"detections": todo.config.detect, "tracklets": todo.config.track, "embeddings": todo.config.embed}
    graph: dict[Key, tuple[Unit, Sequence[Key]]] = {}
    for stages in todo.parts.values():
        sources: list[Key] = []
        for stage, parts in stages.items():
            made_from = [todo.path(*source) for source in sources]
            for name, part in parts.items():
                if (key := (stage, name)) in stale:
                    place = todo.path(*key), made_from, todo.stamps[key]
                    graph[key] = Unit(stage, name, part, params[stage], *place, todo.device), sources
            sources = [(stage, name) for name in parts]
    return graph


def _do(todo: Plan, graph: Graph[Unit], workers: int, address: str, watch: Watch) -> Timings:
    pool: AbstractContextManager[Pool]
    if address and graph:
        pool = cluster(address, todo.run.folder, todo.device.startswith("cuda"))
    elif workers > 1 and len(graph) > 1:
        pool = processes(min(workers, len(graph)))
    else:
        pool = nullcontext(Here(watch))
    try:
        with pool as workers_at_hand:
            return run_graph(run_unit, graph, workers_at_hand, watch)
    finally:
        forget_parts()


def _write_visits(todo: Plan) -> None:
    run = todo.run
    network, links = run.network, run.links()
    with appending(run.path("visits"), todo.stamps["visits", ""]) as add:
        for vehicles in run.vehicles_in_parts():
            add(visits(todo.scene, vehicles, network, links))


def _write_track3(todo: Plan) -> None:
    from mtmc.track_files.formats import number_cameras, write_submission

    path, cameras = todo.run.folder / "track3.txt", list(todo.scene.cameras)
    if not path.exists():
        numbers = number_cameras(cameras)
        parts = todo.run.vehicles_in_parts("camera_id", lambda camera: numbers.get(camera, 0))
        write_submission(path, parts, cameras)


def _draw(todo: Plan, watch: Watch) -> Timings:
    """Annotated videos and the mosaic, when asked for and not there yet for these vehicles."""
    from mtmc.report import draw
    from mtmc.report.privacy import Veil

    params, folder = todo.config.report, todo.run.folder / "video"
    if not params.video or params.hide == "pictures":
        return {}
    stamp = plain(stamp_of("video", params, {"vehicles": digest(todo.stamps["vehicles", ""])}))
    drawn = read_kept(folder / "stamp.json", DrawnVideos)
    if drawn and drawn.stamp.model_dump() == stamp and all((folder / name).is_file() for name in drawn.files):
        return {}
    (folder / "stamp.json").unlink(missing_ok=True)  # a run killed while drawing must draw again
    veil = Veil.of(todo.run, todo.scene, params.hide)
    seconds = timed(lambda: draw(todo.scene, todo.run.vehicles(), folder, params, watch, veil))
    write_json(folder / "stamp.json", {"stamp": stamp, "files": sorted(path.name for path in folder.glob("*.mp4"))})
    return {"video": seconds}


def default_workers(units: int, device: str) -> int:
    """One process per core, at most one per unit of work (``Plan.units``); on a GPU one, which its batches fill."""
    return 1 if device.startswith("cuda") else max(1, min(units, os.cpu_count() or 1))
