"""``mtmc synth``: a synthetic city with exact ground truth."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mtmc.synth.scene import SynthParams
    from mtmc.synth.tracklets.places import PlaceParams

MOST_SECONDS = 604_800.0
"""A week."""


def synth(
    out: Annotated[Path, typer.Argument(help="Folder to write; S01/ and cam_timestamp/ appear in it.")],
    preset: Annotated[
        str | None, typer.Option(help="tiny, demo, junctions, arterial, city, or one like a real scene.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The same seed gives the same bytes.")] = 1,
    config: Annotated[Path | None, typer.Option(help="TOML with knobs, or level1 ... level5.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One knob, such as light=dusk or traffic.twins=0.3; repeatable.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(max=MOST_SECONDS, help="Length of each video.")] = None,
    reid: Annotated[
        bool, typer.Option("--reid", help="Write a re-identification set in VeRi layout instead of videos.")
    ] = False,
    ids: Annotated[str, typer.Option(help="With --reid: training and test identities.")] = "400,300",
    coco: Annotated[
        int | None,
        typer.Option(min=1, max=10_000_000, help="Write this many frames for detector training instead of videos."),
    ] = None,
    tracklets: Annotated[
        bool, typer.Option("--tracklets", help="Write tracklets with simulated embeddings instead of videos.")
    ] = False,
    level: Annotated[int | None, typer.Option(min=1, max=5, help="With --tracklets: difficulty, 2 by default.")] = None,
    cameras: Annotated[int | None, typer.Option(min=2, max=20_000, help="With --tracklets: number of cameras.")] = None,
    sumo: Annotated[
        Path | None, typer.Option(help="With --tracklets: FCD output of SUMO, in the network's metres.")
    ] = None,
    sumo_net: Annotated[Path | None, typer.Option(help="With --sumo: the network.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Generate a city with traffic, cameras and exact truth.

    Presets like real scenes: junction5, corridor4, hamlet6, residential25; unrelated11 has cameras that share nobody.
    Knobs of --set and --config: preset, seconds, fps, width_px; light (day, overcast, dusk), rain; parked, occluders;
    offset_s, clock_error_s, dropped, repeated, mixed_fps; cast, blur_px, noise, crf; traffic.vehicles_per_lane_hour,
    traffic.warm_up_s, traffic.green_s, traffic.amber_s, traffic.twins, traffic.turning. configs/synth/level1.toml tells
    what they mean. With --tracklets --preset also: strength (easy, mid, hard), max_offset_s, noisy, and tracker.late_s,
    tracker.early_s, tracker.missed, tracker.hidden, tracker.burst_rate, tracker.burst_s, tracker.resumed,
    tracker.switch, tracker.double, tracker.parked_seen, tracker.parked_rate, tracker.parked_lost_s,
    tracker.parked_resumed, tracker.parked_alike, tracker.clutter_rate, tracker.jitter. With --reid instead: cameras,
    cameras_per_id, views, twins, box_jitter, min_px, least_visible, motorcycles, one_side, field_deg.

    Examples:
      mtmc synth city --preset demo --seed 1
      mtmc synth dusk --preset junctions --set light=dusk --set rain=0.5 --set traffic.twins=0.3
      mtmc synth reid_set --reid --ids 600,300 --set motorcycles=0.3
      mtmc synth detector_set --coco 2000
      mtmc synth large --tracklets --level 3 --cameras 1000 --seconds 3600
      mtmc synth own --tracklets --sumo fcd.xml --sumo-net plan.net.xml
      mtmc synth real --tracklets --preset junction5 --set noisy=true --set strength=hard
    """
    scene = {"--preset": preset, "--config": config, "--set": set_}
    place = tracklets and any(scene.values())
    _one_plan({"--sumo": sumo, "--sumo-net": sumo_net}, tracklets)
    kinds = {"--tracklets": tracklets, "--reid": reid, "--coco": coco}
    _one_kind(kinds, {} if tracklets else scene | {"--seconds": seconds} | ({"--set": None} if reid else {}))
    if place:
        _place_only({"--level": level, "--cameras": cameras})
    from mtmc.errors import StoreError

    try:
        if sumo and sumo_net:
            summary = _write_sumo(out, sumo, sumo_net, seed)
        elif place:
            summary = _write_place(out, _place_params(config, preset, seconds, set_ or []), seed)
        elif tracklets:
            summary = _write_tracklets(out, level or 2, cameras, seconds, seed)
        elif reid:
            summary = _write_reid(out, ids, set_ or [], seed)
        elif coco:
            summary = _write_coco(out, coco, seed)
        else:
            summary = write_videos(out, _params(config, preset, seconds, set_ or []), seed)
    except OSError as error:
        raise StoreError(
            out, "a folder that can be written", error.strerror or str(error), "Choose another."
        ) from error
    typer.echo(json.dumps(summary) if as_json else "  ".join(f"{key} {value}" for key, value in summary.items()))


def write_videos(out: Path, params: SynthParams, seed: int) -> dict[str, Any]:
    """Render a scene, with a bar per camera; its summary."""
    from rich.console import Console
    from rich.progress import Progress

    from mtmc.synth.scene import make_world
    from mtmc.synth.writers.dataset import write_scene

    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def report(camera: str, done: int, total: int) -> None:
            if camera not in tasks:
                tasks[camera] = bar.add_task(camera, total=total)
            bar.update(tasks[camera], completed=done)

        return write_scene(make_world(params, seed), out, report)


def _write_coco(out: Path, images: int, seed: int) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import Progress

    from mtmc.synth.writers.detection_set import write_detection_set

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("frames", total=images)
        return dict(write_detection_set(out, images, seed, lambda done, total: bar.update(task, completed=done)))


def _write_reid(out: Path, ids: str, overrides: list[str], seed: int) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import Progress

    from mtmc.errors import ConfigError
    from mtmc.params import load
    from mtmc.synth.writers.reid_set import ReidSetParams, write_reid_set

    words = ids.split(",")
    if len(words) != 2 or not all(re.fullmatch(r"\s*[1-9][0-9]{0,6}\s*", word) for word in words):
        raise ConfigError("--ids", "two numbers such as 400,300", repr(ids), "Give training and test identities.")
    given = {"train_ids": int(words[0]), "test_ids": int(words[1])}
    params = load(ReidSetParams, None, overrides, **given)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("cameras", total=params.cameras)
        return dict(write_reid_set(out, params, seed, lambda done, total: bar.update(task, completed=done)))


def _write_tracklets(out: Path, level: int, cameras: int | None, seconds: float | None, seed: int) -> dict[str, Any]:
    from dataclasses import replace

    from mtmc.errors import ConfigError
    from mtmc.synth.tracklets.sampling import LEVELS, simulate
    from mtmc.synth.writers.tracklet_files import write_tracklets

    difficulty = LEVELS[level]
    streets = difficulty.streets
    if seconds is not None and not seconds > 0:
        raise ConfigError("--seconds", "a length above 0", f"{seconds:g}", "Give seconds.")
    count = cameras or streets.cameras
    flow = streets.vehicles_per_min * count / streets.cameras  # as dense traffic in a network of any size
    streets = replace(streets, cameras=count, vehicles_per_min=flow, duration_s=seconds or streets.duration_s)
    simulated = simulate(replace(difficulty, streets=streets), seed)
    path = write_tracklets(out, simulated)
    vehicles = len(set(simulated.vehicle_id.tolist()))
    return {"out": str(path), "cameras": streets.cameras, "tracklets": len(simulated.table), "vehicles": vehicles}


def _write_place(out: Path, params: PlaceParams, seed: int) -> dict[str, Any]:
    from mtmc.synth.tracklets.places import Place
    from mtmc.synth.writers.tracklet_files import write_tracklets

    noise = params.tracker if params.noisy else None
    simulated = Place(params, seed).tracklets(params.strength, noise, params.max_offset_s)
    path = write_tracklets(out, simulated)
    vehicles = len(set(simulated.vehicle_id[simulated.vehicle_id >= 0].tolist()))
    cameras = len(simulated.table.cameras)
    return {"out": str(path), "cameras": cameras, "tracklets": len(simulated.table), "vehicles": vehicles}


def _write_sumo(out: Path, fcd: Path, net: Path, seed: int) -> dict[str, Any]:
    from mtmc.synth.tracklets.sumo import simulate_sumo
    from mtmc.synth.writers.tracklet_files import write_tracklets

    simulated = simulate_sumo(fcd, net, seed)
    path = write_tracklets(out, simulated)
    vehicles = len(set(simulated.vehicle_id.tolist()))
    return {
        "out": str(path),
        "cameras": len(simulated.table.cameras),
        "tracklets": len(simulated.table),
        "vehicles": vehicles,
    }


def _one_plan(files: Mapping[str, Path | None], tracklets: bool) -> None:
    """Refuse half a street plan, and one without --tracklets. Raises ConfigError."""
    from mtmc.errors import ConfigError

    given = [name for name, path in files.items() if path]
    if given and (len(given) < len(files) or not tracklets):
        raise ConfigError(given[0], f"--tracklets, {' and '.join(files)}", ", ".join(given), "Give them together.")


def _place_only(junctions: Mapping[str, object]) -> None:
    """Refuse what belongs to worlds of watched junctions. Raises ConfigError."""
    from mtmc.errors import ConfigError

    idle = [name for name, value in junctions.items() if value]
    if idle:
        raise ConfigError(
            idle[0], "a difficulty or a place", "both", f"Leave out {idle[0]}, or --preset and its knobs."
        )


def _one_kind(kinds: Mapping[str, object], scene: Mapping[str, object]) -> None:
    """Refuse two kinds of output at once, and options of a scene for sets that draw their own. Raises ConfigError."""
    from mtmc.errors import ConfigError

    chosen = [name for name, value in kinds.items() if value]
    if len(chosen) > 1:
        raise ConfigError(chosen[0], "one kind of output", " and ".join(chosen), "Write them one after the other.")
    idle = [name for name, value in scene.items() if value]
    if chosen and idle:
        raise ConfigError(idle[0], "a scene with videos", chosen[0], f"{chosen[0]} draws its own; leave {idle[0]} out.")


def _params(config: Path | None, preset: str | None, seconds: float | None, settings: list[str]) -> SynthParams:
    """Knobs from the file, then from the options. Raises ConfigError for what does not fit."""
    from mtmc.params import load, shipped_file
    from mtmc.synth.scene import SynthParams

    return load(SynthParams, config and shipped_file(config, "synth"), settings, preset=preset, seconds=seconds)


def _place_params(config: Path | None, preset: str | None, seconds: float | None, settings: list[str]) -> PlaceParams:
    """As ``_params``, with the knobs of tracklets."""
    from mtmc.params import load, shipped_file
    from mtmc.synth.tracklets.places import PlaceParams

    return load(PlaceParams, config and shipped_file(config, "synth"), settings, preset=preset, seconds=seconds)
