"""The saved reasons of a run, for one vehicle, as rows and as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mtmc.errors import InputError
from mtmc.link.review.explain import sentences
from mtmc.store import Run


def link_rows(run: Run, vehicle: int) -> list[dict[str, Any]]:
    """The vehicle's links, earliest first. Raises InputError for a vehicle that is not there, or a run without
    reasons."""
    known = {track.vehicle_id for track in run.vehicles()}
    if vehicle not in known:
        ids = f"from {min(known, default=0)} to {max(known, default=0)}"
        found = f"no vehicle {vehicle} (there are {len(known)}, {ids})"
        raise InputError(run.folder, "the id of one of its vehicles", found, "Choose one from track3.txt.")
    table = run.links()
    if table is None:
        expected = "reasons of the network linker (links.parquet)"
        raise InputError(run.folder, expected, "none", "Link again with `mtmc run ... --link network`.")
    return [row for row in table.to_pylist() if row["vehicle_id"] == vehicle]


def vehicle_sentences(run: Run, vehicle: int, rows: list[dict[str, Any]]) -> Iterator[str]:
    """Lines for people: the vehicle's tracklets, then why each link was made."""
    track = next(t for t in run.vehicles() if t.vehicle_id == vehicle)
    parts = ", ".join(f"{t.camera_id} track {t.track_id} ({len(t)} boxes)" for t in track.tracklets)
    yield f"vehicle {vehicle}: {parts}"
    if not rows:
        yield "  one tracklet: nothing was linked to it"
    for row in rows:
        yield ""
        yield from sentences(row)
