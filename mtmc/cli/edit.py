"""``mtmc edit``: correct what a run got wrong, and link again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mtmc.edits import Edit, Place
    from mtmc.scene import Scene
    from mtmc.structures import GlobalTrack, Tracklet

TRUSTED = "An outside part of the run that may be loaded; repeatable."
WHO = "a vehicle's id, or a tracklet such as c001/3"


def edit(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    same: Annotated[list[str] | None, typer.Option(help=f"These are one vehicle: each {WHO}.", metavar="A=B")] = None,
    different: Annotated[list[str] | None, typer.Option(help="These are two.", metavar="A=B")] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(help="From this second on the tracklet is another vehicle.", metavar="A=SECONDS"),
    ] = None,
    not_vehicle: Annotated[list[str] | None, typer.Option(help="No vehicle at all.", metavar="A")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Its kind.", metavar="A=KIND")] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Take the edits that the results page saved.", show_default=False)
    ] = None,
    drop: Annotated[list[int] | None, typer.Option(help="Forget the edit of this number.", metavar="N")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Forget the last one.")] = False,
    part: Annotated[list[str] | None, typer.Option(help=TRUSTED, metavar="MODULE:CALLABLE")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only tell the edits made so far.")] = False,
) -> None:
    """Correct vehicles: edits are kept in RUN/edits.jsonl, and whenever the run is linked they hold.

    \b
    Examples:
      mtmc edit runs/S06 --same 12=15 --different c001/3=c004/7
      mtmc edit runs/S06 --import ~/Downloads/edits.jsonl
    """
    from mtmc.edits import read_edits, sentence, write_edits
    from mtmc.store import open_run

    opened = open_run(run)
    path = opened.path_of_edits
    edits = read_edits(path)
    if not list_:
        dropped = {number - 1 for number in drop or ()} | ({len(edits) - 1} if undo else set())
        edits = [one for number, one in enumerate(edits) if number not in dropped]
        named = _Names(opened.scene, opened.vehicles())
        edits += [*(read_edits(import_) if import_ else ()), *_made(named, same, different, split, not_vehicle, kind)]
        edits = list(dict.fromkeys(edits))
        write_edits(path, edits)
        _link_again(run, part or [])
    for number, one in enumerate(edits, start=1):
        typer.echo(f"{number:4d}  {sentence(one)}")


def _made(
    named: _Names,
    same: list[str] | None,
    different: list[str] | None,
    split: list[str] | None,
    not_vehicle: list[str] | None,
    kind: list[str] | None,
) -> Iterator[Edit]:
    from mtmc.edits import Edit, read_edit

    for a, b in _halves("--same", same):
        yield Edit(edit="same", at=named.place(a), other=named.place(b))
    for a, b in _halves("--different", different):
        yield Edit(edit="different", at=named.place(a), other=named.place(b))
    for a, seconds in _halves("--split", split):
        yield Edit(edit="split", at=named.place(a, _number(seconds)))
    for a in not_vehicle or ():
        yield from (Edit(edit="not_vehicle", at=place) for place in named.places(a))
    for a, word in _halves("--kind", kind):
        for place in named.places(a):
            yield read_edit(Edit(edit="kind", at=place, kind=word).line(), "--kind")


def _halves(option: str, values: list[str] | None) -> Iterator[tuple[str, str]]:
    from mtmc.errors import InputError

    for value in values or ():
        first, equals, second = value.partition("=")
        if not equals:
            raise InputError(option, "two parts such as 12=15", repr(value), "Put = between them.")
        yield first.strip(), second.strip()


def _number(text: str) -> float:
    from mtmc.errors import InputError

    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise InputError("--split", "a tracklet and seconds such as c001/3=12.5", repr(text), "Correct it.")
    return seconds


class _Names:
    """Vehicles and tracklets by the names that people give on the command line."""

    def __init__(self, scene: Scene, vehicles: list[GlobalTrack]) -> None:
        self._scene = scene
        self._vehicles = {str(vehicle.vehicle_id): vehicle.tracklets for vehicle in vehicles}
        self._tracklets = {f"{t.camera_id}/{t.track_id}": t for vehicle in vehicles for t in vehicle.tracklets}

    def tracklets(self, name: str) -> tuple[Tracklet, ...]:
        """What a name means, one tracklet or all of a vehicle. Raises InputError for a name that means nothing."""
        from mtmc.errors import InputError

        if name in self._tracklets:
            return (self._tracklets[name],)
        if name in self._vehicles:
            return self._vehicles[name]
        raise InputError("mtmc edit", WHO, repr(name), "Look it up in RUN/report.html.")

    def places(self, name: str) -> list[Place]:
        """A place in every tracklet that the name means."""
        from mtmc.edits import place_of

        return [place_of(self._scene, tracklet) for tracklet in self.tracklets(name)]

    def place(self, name: str, seconds: float | None = None) -> Place:
        """A place in the longest tracklet that the name means, at a moment if one is given."""
        import numpy as np

        from mtmc.edits import place_of

        tracklet = max(self.tracklets(name), key=len)
        if seconds is None:
            return place_of(self._scene, tracklet)
        times = self._scene.cameras[tracklet.camera_id].time_s(tracklet.frames)
        return place_of(self._scene, tracklet, int(np.abs(times - seconds).argmin()))


def _link_again(run: Path, trusted: list[str]) -> None:
    from mtmc.cli.progress import logged, watching
    from mtmc.pipeline import run_pipeline
    from mtmc.pipeline.planning import plan_to_run_again
    from mtmc.store import open_run

    todo = plan_to_run_again(open_run(run), trusted)
    with logged(run), watching() as watch:
        run_pipeline(todo, 1, watch)
