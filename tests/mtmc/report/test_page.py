"""The results page in a real browser, network off: it shows what the tables say, and every panel works by mouse and
keys."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from mtmc.errors import InputError
from mtmc.find import find
from mtmc.report.colours import colour_of
from mtmc.report.page_data import STEPS_PER_PX
from mtmc.store import open_run
from mtmc.video import Video
from tests.golden.commands import KEEP_ALL, TRUE_BOXES, mtmc, run

Open = Callable[..., Any]

ALL_BOXES = """async () => {
  const { model } = window.mtmc, rows = [];
  for (const camera of model.cameras) {
    const boxes = await model.boxesOf(camera.index);
    for (let row = 0; row < boxes.frame.length; row++) {
      const tracklet = boxes.tracklets[boxes.owner[row]];
      const frame = boxes.frame[row];
      rows.push([tracklet.vehicle, camera.index, tracklet.track, frame, ...boxes.box(row), boxes.timeOf(frame)]);
    }
  }
  return rows;
}"""
PRESENTED = (
    "() => window.mtmc.mosaic.tiles.filter((t) => t.visible).every((t) => t.frame >= 0 && t.video.readyState >= 2)"
)

SETTLED = """() => window.mtmc.mosaic.tiles.every(
  (t) => t.boxes && !t.video.seeking && t.frame === t.boxes.frameAt(window.mtmc.clock.time))"""


def table(run_folder: Path, name: str) -> list[dict[str, Any]]:
    return list(pq.read_table(run_folder / f"{name}.parquet").to_pylist())


def shared_vehicle(run_folder: Path) -> tuple[int, float]:
    """A vehicle in two cameras, and a moment at which the first of them sees it."""
    visits = table(run_folder, "visits")
    ids = {v["vehicle_id"] for v in visits if v["camera_id"] == "c001"} & {
        v["vehicle_id"] for v in visits if v["camera_id"] == "c002"
    }
    chosen = min(ids)
    first = min((v for v in visits if v["vehicle_id"] == chosen), key=lambda v: v["start_s"])
    return chosen, (first["start_s"] + first["end_s"]) / 2


def test_every_box_in_the_page_is_its_row_in_the_table(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    shown = np.array(sorted(page.evaluate(ALL_BOXES)))
    rows = table(run_folder, "vehicles")
    cameras = ["c001", "c002"]
    told = np.array(
        sorted(
            [
                r["vehicle_id"],
                cameras.index(r["camera_id"]),
                r["track_id"],
                r["frame"],
                r["x1"],
                r["y1"],
                r["x2"],
                r["y2"],
            ]
            for r in rows
        )
    )
    assert np.array_equal(shown[:, :4], told[:, :4])
    corners = np.column_stack([shown[:, 4:6], shown[:, 4:6] + shown[:, 6:8]])
    assert np.abs(corners - told[:, 4:]).max() <= 0.5 / STEPS_PER_PX
    assert len(shown) > 250


def test_videos_stand_on_the_frames_of_one_clock(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    for time in (1.0, 3.32, 4.91):
        page.evaluate(f"window.mtmc.clock.seek({time})")
        page.wait_for_function(SETTLED)
    page.keyboard.press(" ")
    page.wait_for_function("() => window.mtmc.clock.time > 5.5 || !window.mtmc.clock.playing")
    spread = page.evaluate("() => window.mtmc.mosaic.spread().spread")
    assert spread < 0.1  # one frame


def test_tiles_show_the_small_video_and_the_large_one_in_focus(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Open
) -> None:
    monkeypatch.setattr("mtmc.report.looks.FEW_CAMERAS", 1)
    copy = shutil.copytree(run_folder, tmp_path / "run")
    mtmc("report", copy)
    page = open_page(copy / "report.html", width=1000, height=700)
    folders = "() => window.mtmc.mosaic.tiles.map((tile) => tile.video.src.split('/').at(-2))"
    page.wait_for_function(SETTLED)
    assert page.evaluate(folders) == ["preview", "preview"]
    page.keyboard.press("1")
    page.wait_for_function("() => document.querySelectorAll('.tile video').length === 2")
    page.wait_for_function(SETTLED)
    assert page.evaluate(folders) == ["web", "preview"]


def test_click_on_a_vehicle_lights_it_in_all_cameras(run_folder: Path, open_page: Open) -> None:
    vehicle, moment = shared_vehicle(run_folder)
    page = open_page(run_folder / "report.html", f"#t={moment}")
    page.wait_for_function(PRESENTED)
    x, y = page.evaluate(
        f"""() => {{
          for (const tile of window.mtmc.mosaic.tiles) {{
            const item = (tile.items ?? []).find((i) => i.vehicle.id === {vehicle});
            const place = tile.canvas.getBoundingClientRect();
            if (item) return [place.left + item.box[0] + item.box[2] / 2, place.top + item.box[1] + item.box[3] / 2];
          }}
        }}"""
    )
    page.mouse.click(x, y)
    assert page.evaluate("() => window.mtmc.state.vehicle") == vehicle
    assert page.locator("#vehicle h2").inner_text() == f"Vehicle {vehicle}"
    page.wait_for_function("() => document.querySelectorAll('#vehicle .visit .crop img').length >= 2")
    blue, green, red = colour_of(vehicle)
    drawn = page.evaluate(
        """() => { const c = document.createElement("canvas").getContext("2d"); c.fillStyle =
          getComputedStyle(document.querySelector(".badge")).backgroundColor; c.fillRect(0, 0, 1, 1);
          return [...c.getImageData(0, 0, 1, 1).data].slice(0, 3) }"""
    )
    assert np.abs(np.array(drawn) - [red, green, blue]).max() <= 40  # sRGB clips, CSS maps: the same hue
    page.keyboard.press("Escape")
    assert page.evaluate("() => window.mtmc.state.vehicle") is None


def test_keys_step_follow_and_focus(run_folder: Path, open_page: Open) -> None:
    vehicle, moment = shared_vehicle(run_folder)
    page = open_page(run_folder / "report.html", f"#t={moment}&v={vehicle}")
    page.wait_for_function(PRESENTED)
    page.wait_for_function(SETTLED)
    frame = page.evaluate("() => window.mtmc.mosaic.tiles[0].frame")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => window.mtmc.mosaic.tiles[0].frame === {frame + 1}")
    page.keyboard.press("2")
    assert page.locator(".tile.focus").get_attribute("data-camera") == "c002"
    page.keyboard.press("f")
    page.keyboard.press(" ")
    seen = set()
    for _ in range(40):
        seen.add(page.locator(".tile.focus").get_attribute("data-camera"))
        page.wait_for_timeout(100)
    assert seen == {"c001", "c002"}
    page.keyboard.press("0")
    page.keyboard.press("d")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"


def test_timeline_seeks_chooses_and_brushes(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    place = page.locator("#timeline canvas").bounding_box()
    x = page.evaluate("() => window.mtmc.timeline.x(3)")
    page.mouse.click(place["x"] + x, place["y"] + 42)
    assert page.evaluate("() => window.mtmc.clock.time") == pytest.approx(3, abs=0.05)
    assert page.evaluate("() => window.mtmc.state.vehicle === window.mtmc.timeline.lanes[0].id")
    page.mouse.move(place["x"] + page.evaluate("() => window.mtmc.timeline.x(1)"), place["y"] + 8)
    page.mouse.down()
    page.mouse.move(place["x"] + page.evaluate("() => window.mtmc.timeline.x(2)"), place["y"] + 8, steps=4)
    page.mouse.up()
    found = set(page.evaluate("() => [...window.mtmc.state.found]"))
    assert found == {
        v["vehicle_id"] for v in table(run_folder, "visits") if v["start_s"] <= 2.02 and v["end_s"] >= 0.98
    }
    page.keyboard.press("+")
    assert page.evaluate("() => window.mtmc.timeline.to - window.mtmc.timeline.from") < 4


def test_card_tells_every_link_of_the_table(run_folder: Path, open_page: Open) -> None:
    links = table(run_folder, "links")
    vehicle = links[0]["vehicle_id"]
    page = open_page(run_folder / "report.html", f"#v={vehicle}")
    page.click("#tabs [data-tab=vehicle]")
    mine = sorted(round(row["probability"], 5) for row in links if row["vehicle_id"] == vehicle)
    shown = page.evaluate(f"() => window.mtmc.model.byId.get({vehicle}).links.map((link) => link.probability)")
    assert sorted(round(p, 5) for p in shown) == pytest.approx(mine, abs=1e-5)
    assert page.locator("#vehicle .why").count() == len(mine)
    page.locator("#vehicle .why summary").first.click()
    assert page.locator("#vehicle .evidence").first.is_visible()


def test_readable_on_a_phone_and_in_light(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html", width=390, height=844, scheme="light")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    tile = page.locator(".tile").first.bounding_box()
    assert tile["width"] > 170


@pytest.fixture(scope="module")
def lossy_run(scene_folder: Path) -> Path:
    """A run whose detector misses boxes now and then and shifts others, with its truth in the page."""
    for camera in sorted(scene_folder.glob("c*")):
        rows = [line.split(",") for line in (camera / "det" / "true.txt").read_text().splitlines()]
        kept = [
            [*row[:2], str(float(row[2]) + 25 * (int(row[0]) % 11 == 0)), *row[3:]] for row in rows if int(row[0]) % 7
        ]
        (camera / "det" / "lossy.txt").write_text("\n".join(",".join(row) for row in kept) + "\n")
    out = scene_folder.parent / "lossy"
    run(scene_folder, out, (*TRUE_BOXES, "--workers", 1), (*KEEP_ALL, "detect.recorded=det/lossy.txt"))
    mtmc("report", out, "--truth")
    return out


def test_truth_panels_sum_is_one_minus_idf1(lossy_run: Path, open_page: Open) -> None:
    page = open_page(lossy_run / "report.html")
    page.click("#tabs [data-tab=truth]")
    page.wait_for_selector(".causes")
    idf1 = json.loads(mtmc("score", lossy_run, "--json"))["idf1"]
    assert 0 < idf1 < 1
    assert page.evaluate("() => window.mtmc.truth.loss") == pytest.approx(1 - idf1, abs=1e-12)
    page.keyboard.press("e")
    event = page.evaluate("() => { const t = window.mtmc.truth; return t.chosen()[t.at]; }")
    assert page.evaluate("() => window.mtmc.state.focus") == event["camera"]
    assert event["start"] <= page.evaluate("() => window.mtmc.clock.time") <= event["end"] + 0.01


def test_map_shows_where_vehicles_are_and_flows_filter(run_folder: Path, open_page: Open) -> None:
    vehicle, moment = shared_vehicle(run_folder)
    page = open_page(run_folder / "report.html", f"#t={moment}")
    page.click("#tabs [data-tab=map]")
    page.wait_for_function("() => window.mtmc.map.dots?.length > 0")
    x, y = page.evaluate(f"() => window.mtmc.map.dots.find((dot) => dot.vehicle.id === {vehicle}).at")
    place = page.locator(".map canvas").bounding_box()
    page.mouse.click(place["x"] + x, place["y"] + y)
    assert page.evaluate("() => window.mtmc.state.vehicle") is not None
    page.locator(".flows li").first.click()
    first, last = page.locator(".flows b").first.inner_text().split(" → ")
    found = set(page.evaluate("() => [...window.mtmc.state.found]"))
    assert found == {row[0] for row in search(run_folder, FLOW.format(first, last))}


VEHICLES = """
  WITH visits AS (SELECT *, end_s - start_s AS stay FROM '{0}/visits.parquet'),
  kinds AS (SELECT vehicle_id, label, row_number() OVER (PARTITION BY vehicle_id ORDER BY count(*) DESC, label) AS place
            FROM '{0}/vehicles.parquet' GROUP BY vehicle_id, label),
  links AS (SELECT vehicle_id, min(probability) AS p FROM '{0}/links.parquet' GROUP BY vehicle_id)
"""
FLOW = """SELECT DISTINCT a.vehicle_id FROM visits a JOIN visits b USING (vehicle_id)
  WHERE a.camera_id = '{}' AND b.camera_id = '{}' AND b.start_s > a.start_s"""


def search(run_folder: Path, question: str) -> list[tuple[Any, ...]]:
    duckdb = pytest.importorskip("duckdb")
    return list(duckdb.sql(VEHICLES.format(run_folder) + question).fetchall())


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ("c001>c002", FLOW.format("c001", "c002")),
        ("car stay>3", "SELECT vehicle_id FROM visits JOIN kinds USING (vehicle_id) WHERE kinds.label = 'car' AND place = 1 "  # noqa: E501
         "GROUP BY vehicle_id HAVING max(stay) > 3"),
        ("c002 cameras>=2", "SELECT vehicle_id FROM visits GROUP BY vehicle_id "
         "HAVING count(DISTINCT camera_id) >= 2 AND bool_or(camera_id = 'c002')"),
        ("p<0.9", "SELECT vehicle_id FROM links WHERE p < 0.9"),
        ("c001>c002 travel<1.5", FLOW.format("c001", "c002") + " AND b.start_s - a.end_s < 1.5"),
        ("speed>=30", "SELECT vehicle_id FROM visits GROUP BY vehicle_id HAVING max(speed_kmh) >= 30"),
        ("boxes<20", "SELECT vehicle_id FROM visits GROUP BY vehicle_id HAVING sum(boxes) < 20"),
    ],
)  # fmt: skip
def test_search_is_a_query_on_the_tables(run_folder: Path, open_page: Open, words: str, question: str) -> None:
    page = open_page(run_folder / "report.html")
    page.keyboard.press("/")
    page.keyboard.type(words)
    found = set(page.evaluate("() => [...window.mtmc.state.found]"))
    assert found == {row[0] for row in search(run_folder, question)}
    assert found == {vehicle.vehicle_id for vehicle in find(open_run(run_folder), words)}
    assert page.locator("#vehicles .count").inner_text().startswith(f"{len(found)} vehicle")


def test_find_by_a_picture_gives_its_own_vehicle_first(run_folder: Path, tmp_path: Path) -> None:
    run_ = open_run(run_folder)
    tracklet = max(run_.tracklets("c001"), key=len)
    embeddings = run_.embeddings_of("c001")
    assert embeddings is not None
    frame = int(embeddings.of(tracklet.track_id).frames[0])
    (image,) = [picture for _, picture in Video(run_.scene.cameras["c001"]).at([frame])]
    left, top, right, bottom = tracklet.xyxy[tracklet.frames.tolist().index(frame)].round().astype(int)
    cv2.imwrite(str(tmp_path / "car.png"), image[top:bottom, left:right])
    owner = next(v.vehicle_id for v in run_.vehicles() if tracklet.key in [t.key for t in v.tracklets])
    rows = json.loads(mtmc("find", run_folder, "--like", tmp_path / "car.png", "--json"))
    assert rows[0]["vehicle_id"] == owner
    assert rows[0]["cosine"] > 0.8


def test_find_names_a_word_without_meaning(run_folder: Path) -> None:
    with pytest.raises(InputError, match=r"what to find: expected .* found 'purpleish'"):
        find(open_run(run_folder), "purpleish")


def test_health_tells_its_light_and_every_sign(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    page.click("#light")
    told = page.evaluate("() => window.mtmc.model.head.health")
    assert page.locator(".signs li").count() == len(told["signs"])
    assert page.locator("#light").get_attribute("data-light") == told["light"]
    page.keyboard.press("h")
    assert page.locator("#health").is_visible()
