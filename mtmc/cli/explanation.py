"""The saved reasons of a run, for one vehicle, as rows and as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mtmc.errors import InputError
from mtmc.store import Run
from mtmc.store.tables import read_table

EVIDENCE = ("appearance", "time", "path", "size", "kind", "place", "ground")


def link_rows(run: Run, vehicle: int) -> list[dict[str, Any]]:
    """The vehicle's links, earliest first. Raises InputError for a vehicle that is not there, or a run without reasons."""
    known = {track.vehicle_id for track in run.vehicles()}
    if vehicle not in known:
        found = (
            f"no vehicle {vehicle} (there are {len(known)}, from {min(known, default=0)} to {max(known, default=0)})"
        )
        raise InputError(run.folder, "the id of one of its vehicles", found, "Choose one from track3.txt.")
    path = run.path("links")
    table = read_table(path) if path.exists() else None
    if table is None or "vehicle_id" not in table.column_names:
        expected = "reasons of the network linker (links.parquet)"
        raise InputError(run.folder, expected, "none", "Link again with `mtmc run ... --link network`.")
    return [row for row in table.to_pylist() if row["vehicle_id"] == vehicle]


def sentences(run: Run, vehicle: int, rows: list[dict[str, Any]]) -> Iterator[str]:
    """Lines for people."""
    track = next(t for t in run.vehicles() if t.vehicle_id == vehicle)
    parts = ", ".join(f"{t.camera_id} track {t.track_id} ({len(t)} boxes)" for t in track.tracklets)
    yield f"vehicle {vehicle}: {parts}"
    if not rows:
        yield "  one tracklet: nothing was linked to it"
    for row in rows:
        yield ""
        yield f"{row['from_camera']} track {row['from_track']} -> {row['to_camera']} track {row['to_track']}, {row['seconds']:.1f} s later"
        yield f"  probability {row['probability']:.3f}, margin {row['margin']:+.1f} over what was needed"
        yield (
            "  evidence: "
            + ", ".join(f"{k} {row[k]:+.1f}" for k in EVIDENCE if k in row)
            + f"; prior {row['prior']:+.1f}; cosine {row['cosine']:.2f}"
        )
        yield f"  would not stand without {row['decisive'].replace(',', ' and ') or 'the habits of the network alone'}"
        yield _runner_up(row)


def _runner_up(row: dict[str, Any]) -> str:
    if row["runner_up_track"] < 0:
        return "  runner-up: none, no other tracklet was possible"
    name = f"{row['runner_up_camera']} track {row['runner_up_track']}"
    return f"  runner-up: {name}, probability {row['runner_up_probability']:.3f}"
