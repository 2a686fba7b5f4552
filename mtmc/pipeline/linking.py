"""Linking of a run: its tracklets become vehicles, all at once or window after window, under the edits of whoever
looked at it.

Of a run that is linked in windows (``link.window_h``) a window's tracklets and vectors are read when their turn comes,
and what it found is appended to the tables, which take their places together, in the end: memory is bounded by the
window, and by the sample of the run from which the network is learned once for all windows, whatever the length.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from mtmc.edits import Edit, FreshIds, apply_edits, contradiction, read_edits
from mtmc.files.atomic import write_json
from mtmc.link import Contradiction, learn_network, pose, solve
from mtmc.link.model.camera_network import CameraNetwork
from mtmc.link.model.json_io import to_json
from mtmc.link.problem import Possible, Solution, vehicles
from mtmc.parked import without_parked
from mtmc.pipeline.planning import Plan
from mtmc.pipeline.windows import ALWAYS, Numbering, Span, spans, stretches
from mtmc.pipeline.workers import Watch
from mtmc.scene import Camera
from mtmc.store.parts import count_tracks, embeddings_of, highest_track, tracklets_between
from mtmc.store.tables import appending, vehicle_columns
from mtmc.structures import Embeddings, Mask, Tracklet

logger = logging.getLogger(__name__)

MARGIN = 3.0
"""A window sees so many of the longest journeys beyond its ends."""
MOST_SAID = 12
"""Sentences about windows."""
LEARNED_FROM = 100_000
"""Tracklets that teach the network from which windows start: all of a run, or a sample of some 2 GB at work."""
MADE_FROM_VEHICLES = ("track3.txt", "network.json", "possible.parquet")

TableColumns = Mapping[str, Any]
Add = Callable[[TableColumns], None]
"""Appends rows to a table."""


class Tables(NamedTuple):
    """What linking appends to; of links as far as the linker tells of them."""

    vehicles: Add
    links: Add
    possible: Add


def link_run(todo: Plan, watch: Watch) -> None:
    """Link what the run has tracked and embedded, and write vehicles, links, and the network. Raises InputError for
    edits that contradict each other, StoreError for tables that cannot be read or written."""
    run, stamp, windows = todo.run, todo.stamps["vehicles", ""], spans_of(todo)
    with (  # the table of vehicles, which tells that all is there, takes its place last
        appending(run.path("vehicles"), stamp) as vehicles_table,
        appending(run.path("links"), stamp) as links_table,
        appending(run.path("possible"), stamp) as possible_table,
    ):
        linker = _Linker(todo, windows, Tables(vehicles_table, links_table, possible_table))
        for number, span in enumerate(windows):
            watch("", "link", number, len(windows))
            linker.link(span)
        for sentence in linker.sentences():
            logger.warning("%s", sentence)
        for name in MADE_FROM_VEHICLES:  # first, so that none outlives what it was made from
            (run.folder / name).unlink(missing_ok=True)
        if (network := linker.network()) is not None:
            write_json(run.folder / "network.json", to_json(network))
    watch("", "link", len(windows), len(windows))


def spans_of(todo: Plan) -> list[Span]:
    """The windows of a run."""
    params, cameras = todo.config.link, todo.scene.cameras.values()
    window_s = np.inf if params.window_h is None else 3600 * params.window_h
    error_s = 0.0 if all(camera.offset_known for camera in cameras) else params.max_clock_error_s
    return spans(*_recorded(todo), window_s, MARGIN * (params.max_travel_s + error_s))


def _recorded(todo: Plan) -> tuple[float, float]:
    """When the first camera begins and the last one ends."""
    ends = [(camera.offset_s, camera.offset_s + camera.duration_s) for camera in todo.scene.cameras.values()]
    return min((begin for begin, _ in ends), default=0.0), max((end for _, end in ends), default=0.0)


class _Linker:
    """Links window after window, in order of time, and appends what it found to the ``tables``."""

    def __init__(self, todo: Plan, windows: Sequence[Span], tables: Tables) -> None:
        self._todo, self._windows, self._tables = todo, windows, tables
        self._numbering, self._edits = Numbering(), read_edits(todo.run.path_of_edits)
        self._fresh = FreshIds(lambda camera: highest_track(todo.run.path("tracklets", camera)))
        self._said = Counter[str]()
        self._known, self._taught = self._sampled()
        self._network, self._linked = self._known, 0

    def link(self, span: Span) -> None:
        """One window."""
        tracklets, own, solution = self._solved(span)
        self._tables.vehicles(vehicle_columns(vehicles(tracklets, np.where(own, solution.labels, -1))))
        self._tables.links(_reasons(solution))
        if solution.possible is not None:
            self._tables.possible(_columns_of(tracklets, solution.possible))
        self._linked += int(own.sum())
        if self._known is None and len(tracklets) > self._taught:
            self._network, self._taught = solution.network, len(tracklets)

    def network(self) -> CameraNetwork | None:
        """That of the sample, or else of the busiest window, with the traffic of all: zones have the names of one
        network. None where nothing was learned."""
        return self._network and self._network.times(max(1, self._linked) / max(1, self._taught))

    def sentences(self) -> Iterator[str]:
        """What is to be said, what several windows said once; of many windows what most of them said."""
        count = len(self._windows)
        yield from _never_together(self._edits, self._windows)
        for sentence, times in self._said.most_common(None if count == 1 else MOST_SAID):
            yield sentence + (f" (in {times} of {count} windows of linking)" if count > 1 else "")
        if count > 1 and len(self._said) > MOST_SAID:
            yield f"Windows of linking had {len(self._said) - MOST_SAID} more such sentences."

    def _sampled(self) -> tuple[CameraNetwork | None, int]:
        """The network that a sample of the run teaches, for windows to start from, and how many tracklets that is."""
        todo, params = self._todo, self._todo.config.link
        if len(self._windows) == 1 or not params.learns:
            return None, -1
        count = sum(count_tracks(todo.run.path("tracklets", camera)) for camera in todo.scene.cameras)
        times = stretches(*_recorded(todo), LEARNED_FROM / max(1, count))
        problem = pose(todo.scene, *self._seen(*times))
        return learn_network(problem, params), len(problem)

    def _solved(self, span: Span) -> tuple[list[Tracklet], Mask, Solution]:
        """A window's tracklets as edited, which (T,) are its own, and their vehicles."""
        todo = self._todo
        edited = apply_edits(todo.scene, *self._seen(span.seen), self._edits, span.seen, self._fresh)
        problem = replace(pose(todo.scene, edited.tracklets, edited.embeddings), wishes=edited.wishes)
        try:
            solution = solve(problem, todo.config.link, todo.device, self._known)
        except Contradiction as mistake:
            raise contradiction(edited, self._edits, mistake.index, todo.run.path_of_edits) from mistake
        if todo.config.link.parked == "drop":
            limits = todo.config.link.parked_beside, todo.config.track.clean.parked_min_s
            solution = without_parked(todo.scene, edited.tracklets, solution, *limits)
        own, solution = self._numbering.own(problem, solution, span)
        one, other = solution.labels[edited.wishes.same].T
        parted = [edited.same[row] + 1 for row in np.flatnonzero(one != other)]
        broken = (f"Edit {number} (same) does not hold across a cut between windows." for number in parted)
        self._said.update((*edited.unfit, *solution.warnings, *broken))
        return edited.tracklets, own, solution

    def _seen(self, *times: tuple[float, float]) -> tuple[list[Tracklet], dict[str, Embeddings]]:
        """The tracklets in view at some times, each from a second to another, and the vectors of their crops."""
        run = self._todo.run
        if times == (ALWAYS,):
            return run.tracklets(), run.embeddings()
        tracklets, embeddings = list[Tracklet](), dict[str, Embeddings]()
        for camera in self._todo.scene.cameras.values():
            frames = [camera.frames_between(*when) for when in times]
            mine = tracklets_between(run.path("tracklets", camera.id), camera.id, frames)
            embeddings[camera.id] = self._embeddings(camera, mine)
            tracklets += mine
        return tracklets, embeddings

    def _embeddings(self, camera: Camera, tracklets: Sequence[Tracklet]) -> Embeddings:
        """Those of a camera's tracklets, out of the tables of the parts of its time in which they begin."""
        if not tracklets:
            return Embeddings.empty()
        todo, begin = self._todo, np.array([t.frames[0] for t in tracklets])
        parts = {name: part.frames[[0, -1]] for name, part in todo.parts[camera.id]["embeddings"].items()}
        paths = [todo.path("embeddings", name) for name, (a, b) in parts.items() if ((a <= begin) & (begin <= b)).any()]
        return embeddings_of(tracklets, *paths)


def _never_together(edits: Sequence[Edit], windows: Sequence[Span]) -> list[str]:
    """Sentences about edits of two places that no window sees both of."""

    def together(edit: Edit) -> bool:
        times = [place.time_s for place in (edit.at, edit.other) if place is not None]
        return any(span.seen[0] <= min(times) and max(times) < span.seen[1] for span in windows)

    why = "is about two moments that no window of linking sees both: it waits for a longer link.window_h."
    return [f"Edit {number} ({edit.edit}) {why}" for number, edit in enumerate(edits, 1) if not together(edit)]


def _reasons(solution: Solution) -> TableColumns:
    """One row per link that was made, with its evidence."""
    links = solution.links
    return {} if links is None else {"vehicle_id": solution.labels[links.source], **links.columns}


def _columns_of(tracklets: Sequence[Tracklet], possible: Possible) -> TableColumns:
    """One row per link that could be."""
    camera = np.array([t.camera_id for t in tracklets], np.str_)
    track = np.array([t.track_id for t in tracklets], np.int64)
    ends = {"from": possible.source, "to": possible.target}
    keys = {
        f"{end}_{name}": column[rows]
        for end, rows in ends.items()
        for name, column in (("camera", camera), ("track", track))
    }
    return {**keys, "log_odds": possible.log_odds, "after": possible.after, "before": possible.before}
