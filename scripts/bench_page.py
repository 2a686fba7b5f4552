"""Measures the results page in a real browser: bytes a box, seconds to the first picture, seeks, how far videos stand
apart.

scripts/bench_page RUN                 measure the page of a finished run
scripts/bench_page --city DIR --video FILE [--cameras 46] [--hours 1]
                                       first make a run of simulated tracklets, every camera showing FILE over and over,
                                       scaled as a run of many cameras does
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import psutil

from mtmc.config import Config
from mtmc.geometry import clip_boxes
from mtmc.link import LinkParams, Problem, solve
from mtmc.pipeline.planning import plan
from mtmc.report import ReportParams
from mtmc.report.looks import MANY_WIDTH_PX, PREVIEW_WIDTH_PX, clean_writer, picture_of
from mtmc.report.page import write_page
from mtmc.report.page_data import Contents
from mtmc.results_page import camera_graph, health_of, judged
from mtmc.scene_reader import read_camera, read_scene
from mtmc.store import create_run, open_run
from mtmc.store.tables import write_table, write_tracklets, write_vehicles
from mtmc.structures import GlobalTrack, Tracklet, TrackletTable
from mtmc.synth.tracklets.sampling import FPS, LEVELS, simulate
from mtmc.video import Video
from mtmc.visits import visits

CHROMIUM = shutil.which("chromium") or "chromium"
SWITCHES = ("--no-sandbox", "--disable-gpu", "--headless=new", "--no-first-run", "--disable-background-networking")
SEEKS = 20
PLAY_S = 6.0
SETTLED = """() => mtmc.mosaic.tiles.every((t) => !t.visible || t.element.classList.contains("away") ||
  (t.boxes && !t.video.seeking && t.video.readyState >= 2 && Math.abs(t.shownTime - mtmc.clock.time) < 0.11))"""

DROPPED = """() => mtmc.mosaic.tiles.filter((t) => t.visible)
  .map((t) => t.video.getVideoPlaybackQuality().droppedVideoFrames)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="run folder with its report.html")
    parser.add_argument("--city", type=Path, help="folder to make the simulated run in")
    parser.add_argument("--video", type=Path, help="a clean web video that every camera shows")
    parser.add_argument("--cameras", type=int, default=46)
    parser.add_argument("--hours", type=float, default=1.0)
    arguments = parser.parse_args()
    run = arguments.run or make_city(arguments.city, arguments.video, arguments.cameras, arguments.hours * 3600)
    print(json.dumps(measure(run), indent=2))


# --- a large run without pixels of its own ----------------------------------------------------------------------------


def make_city(folder: Path, video: Path, cameras: int, seconds: float) -> Path:
    """A run of simulated tracklets (level 2) whose boxes drive straight from where they enter to where they leave."""
    level = LEVELS[2]
    simulated = simulate(replace(level, streets=replace(level.streets, cameras=cameras, duration_s=seconds)), seed=0)
    table = simulated.table
    scene_folder, run_folder = folder / "scene", folder / "run"
    for place, kind, width in (
        (scene_folder, "web", MANY_WIDTH_PX),
        (run_folder / "video" / "web", "web", MANY_WIDTH_PX),
        (run_folder / "video" / "preview", "preview", PREVIEW_WIDTH_PX),
    ):
        long = repeat(scaled(video, folder / f"{kind}.mp4", kind, width), folder / f"long-{kind}.mp4", seconds + 90)
        place.mkdir(parents=True, exist_ok=True)
        for camera_id in table.cameras:
            (place / f"{camera_id}.mp4").unlink(missing_ok=True)
            os.link(long, place / f"{camera_id}.mp4")
    scene = read_scene(scene_folder)
    size = next(iter(scene.cameras.values())).size
    tracklets = [drawn(table, row, size) for row in range(len(table))]
    run = create_run(run_folder, {"videos": str(scene_folder.resolve()), "config": Config().model_dump(mode="json")})
    stamps = plan(scene_folder, run_folder, Config()).stamps
    solution = solve(Problem.of(table), LinkParams())
    members: dict[int, list[Tracklet]] = {}
    for tracklet, label in zip(tracklets, solution.labels.tolist(), strict=True):
        members.setdefault(label, []).append(tracklet)
    vehicles = [GlobalTrack(label, tuple(mine)) for label, mine in sorted(members.items())]
    links = solution.links
    assert links is not None
    reasons = {"vehicle_id": solution.labels[links.source], **links.columns}
    write_table(run.path("links"), reasons, stamps["vehicles", ""])
    write_vehicles(run.path("vehicles"), vehicles, stamps["vehicles", ""])
    write_table(run.path("visits"), visits(scene, vehicles), stamps["visits", ""])
    for camera_id in table.cameras:
        mine = [t for t in tracklets if t.camera_id == camera_id]
        write_tracklets(run.path("tracklets", camera_id), mine, stamps["tracklets", camera_id])
        write_table(run.path("crops", camera_id), crops(mine, folder / "web.mp4"), {})
    contents = Contents.of(run, scene, vehicles)
    extra = {
        **camera_graph(contents),
        "hide": "nothing",
        "edits": [],
        "looks": [],
        "health": health_of(contents, *judged(contents)),
    }
    write_page(contents, "simulated", extra)
    return run_folder


def scaled(video: Path, out: Path, kind: str, width: int) -> Path:
    """The video as a page's own, of this kind and width."""
    camera = read_camera("any", video)
    with clean_writer(out, camera, kind, width, ReportParams().web_crf) as writer:
        for clip in Video(camera).clips(1):
            picture = cv2.resize(clip.images[0], writer.size, interpolation=cv2.INTER_AREA)
            writer.write(np.asarray(picture, np.uint8), clip.first_frame / camera.fps)
    return out


def crops(tracklets: list[Tracklet], video: Path) -> dict[str, Any]:
    """Two pictures of each tracklet, cut from anywhere in the video."""
    draws = np.random.default_rng(len(tracklets))
    images = [clip.images[0] for clip in Video(read_camera("any", video)).clips(1)][::4]
    corners = draws.uniform((0, 0), (500, 280), (2 * len(tracklets), 2))
    boxes = np.hstack([corners, corners + np.array([90, 60])])
    pictures = [picture_of(images[k % len(images)], box) for k, box in enumerate(boxes)]
    return {
        "track_id": np.repeat([t.track_id for t in tracklets], 2),
        "frame": np.concatenate([t.frames[[0, -1]] for t in tracklets]),
        "colour": ["unclear"] * len(pictures),
        "picture": pictures,
    }


def repeat(video: Path, out: Path, seconds: float) -> Path:
    """The packets of a video over and over, as long as asked for."""
    if out.exists():
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(video)) as source, av.open(str(out), "w", options={"movflags": "+faststart"}) as target:
        inside = source.streams.video[0]
        stream = target.add_stream_from_template(inside)
        packets = [packet for packet in source.demux(inside) if packet.size]
        step = round(Fraction(1, round(FPS)) / inside.time_base)
        for number in range(round(seconds * FPS)):
            again = av.Packet(bytes(packets[number % len(packets)]))
            again.is_keyframe = packets[number % len(packets)].is_keyframe
            again.pts = again.dts = number * step
            again.duration, again.time_base, again.stream = step, inside.time_base, stream
            target.mux(again)
    return out


def drawn(table: TrackletTable, row: int, size: tuple[int, int]) -> Tracklet:
    """A tracklet of the table with a box every tenth of a second, wavering as detectors do."""
    first, last = round(float(table.start_s[row]) * FPS), round(float(table.end_s[row]) * FPS)
    frames = np.arange(max(first, 0), max(last, first + 1) + 1)
    share = np.linspace(0, 1, len(frames))[:, None]
    feet = (table.entry_xy[row] * (1 - share) + table.exit_xy[row] * share) * size
    side = float(table.size[row]) * np.sqrt(size[0] * size[1])
    wide, high = 1.2 * side, 0.8 * side
    boxes = np.stack([feet[:, 0] - wide / 2, feet[:, 1] - high, feet[:, 0] + wide / 2, feet[:, 1]], axis=1)
    boxes += np.random.default_rng(row).normal(0, 0.7, boxes.shape)
    boxes = clip_boxes(boxes, size)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 2)
    scores = np.full(len(frames), float(table.quality[row]), np.float32)
    return Tracklet(
        table.cameras[table.camera[row]], int(table.track_id[row]), frames, boxes, scores, int(table.label[row])
    )


# --- in the browser ---------------------------------------------------------------------------------------------------


def measure(folder: Path) -> dict[str, Any]:
    """Figures of one page, network off."""
    from playwright.sync_api import sync_playwright

    page_path, run = folder / "report.html", open_run(folder)
    boxes = sum(len(t) for vehicle in run.vehicles() for t in vehicle.tracklets)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        page = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True).new_page()
        before = _processor_s()
        page.goto(page_path.resolve().as_uri())
        page.wait_for_function("() => window.mtmc")
        page.wait_for_function(SETTLED, timeout=60_000)
        first = page.evaluate("() => performance.now() / 1000")
        found = {
            "boxes": boxes,
            "bytes_a_box": round(_box_bytes(page_path) / boxes, 2),
            "page_mb": round(page_path.stat().st_size / 1e6, 2),
            "first_synchronised_frame_s": round(first, 2),
            "first_processor_s": round(_processor_s() - before, 2),
            "seek_ms": _seeks(page),
            **_playing(page),
            "memory_mb": _renderer_mb(),
        }
        browser.close()
    return found


def _box_bytes(path: Path) -> int:
    """Base64 text of all blocks of boxes."""
    return sum(len(part.split("</script>")[0].split(">", 1)[1]) for part in path.read_text().split('id="boxes-')[1:])


def _seeks(page: Any) -> dict[str, float]:
    """Milliseconds from asking for a moment to all visible cameras showing it."""
    span = page.evaluate("() => [mtmc.model.start + 1, mtmc.model.end - 1]")
    times, before = [], _processor_s()
    for moment in np.random.default_rng(0).uniform(*span, SEEKS).tolist():
        page.evaluate(f"() => {{ window.asked = performance.now(); mtmc.clock.seek({moment}) }}")
        page.wait_for_function(SETTLED, polling=5)
        times.append(page.evaluate("() => performance.now() - window.asked"))
    processor = 1000 * (_processor_s() - before) / SEEKS
    return {"median": round(float(np.median(times))), "worst": round(max(times)), "processor": round(processor)}


def _playing(page: Any) -> dict[str, float]:
    page.evaluate("() => { mtmc.clock.seek(mtmc.model.start + 2); mtmc.clock.play(true) }")
    page.wait_for_timeout(2000)
    spreads, before = [], _processor_s()
    for _ in range(round(PLAY_S * 10)):
        page.wait_for_timeout(100)
        spreads.append(page.evaluate("() => mtmc.mosaic.spread().spread"))
    dropped = page.evaluate(DROPPED)
    visible = len(dropped)
    return {
        "visible_cameras": visible,
        "spread_ms_median": round(1000 * float(np.median(spreads)), 1),
        "spread_ms_95": round(1000 * float(np.percentile(spreads, 95)), 1),
        "dropped_frames": int(sum(dropped)),
        "playing_cores": round((_processor_s() - before) / PLAY_S, 2),
    }


def _renderer_mb() -> float:
    """Resident memory of the tab: the largest of the browser's renderers."""
    return round(max(p.memory_info().rss for p in _browser() if "--type=renderer" in p.cmdline()) / 1e6)


def _processor_s() -> float:
    """Processor time of the browser's processes so far, which other programs on the machine hardly change."""
    return sum(sum(process.cpu_times()[:2]) for process in _browser())


def _browser() -> list[psutil.Process]:
    """The processes of the browser that this one started."""
    return [p for p in psutil.Process().children(recursive=True) if "chrom" in p.name()]


if __name__ == "__main__":
    main()
