"""The results page in a real browser, network off: pictures, timeline and card show what the tables say, by mouse and
keys."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from mtmc.embed import ATTENTION_CELLS
from mtmc.report import ReportParams
from mtmc.report.colours import colour_of
from mtmc.report.page_data import STEPS_PER_PX
from mtmc.results_page import Asked, make_page
from mtmc.store import open_run
from tests.golden.commands import mtmc
from tests.mtmc.report.pages import PRESENTED, SETTLED, Open, shared_vehicle, table

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


def test_attention_lies_over_the_crops_as_opaque_as_it_is_strong(
    run_folder: Path, tmp_path: Path, open_page: Open
) -> None:
    run = open_run(shutil.copytree(run_folder, tmp_path / "run"))
    rising = np.tile(np.linspace(0, 255, ATTENTION_CELLS).astype(np.uint8), (ATTENTION_CELLS, 1))
    attend = lambda crops: np.stack([rising] * len(crops))  # noqa: E731
    page = open_page(make_page(run, run.scene, ReportParams(), lambda *news: None, Asked(), attend), "#v=1")
    page.click("#tabs [data-tab=vehicle]")
    page.wait_for_function("() => document.querySelector('.crop .over')?.width > 20")
    assert page.locator(".over").first.evaluate("(over) => getComputedStyle(over).opacity") == "0"
    page.keyboard.press("a")
    page.wait_for_function("() => getComputedStyle(document.querySelector('.over')).opacity === '1'")
    alpha = page.locator(".over").first.evaluate(
        """(over) => { const row = over.getContext("2d").getImageData(0, 20, over.width, 1).data;
          return [row[7], row.at(-5)] }"""
    )
    assert alpha[0] < 15 < 190 < alpha[1]
    assert page.locator(".gaze").is_visible()


def test_readable_on_a_phone_and_in_light(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html", width=390, height=844, scheme="light")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    tile = page.locator(".tile").first.bounding_box()
    assert tile["width"] > 170


def test_traffic_by_key_and_click(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    page.wait_for_selector("#tabs [data-tab=traffic]:not([hidden])")
    page.keyboard.press("t")
    counted = page.locator(".movements em").all_inner_texts()
    assert sum(map(int, counted)) == len(table(run_folder, "visits"))
    page.keyboard.press("t")
    page.locator(".legs button").first.click()
    assert page.input_value("#query") == page.locator(".legs b").first.inner_text().replace(" → ", ">")
    page.locator(".views button").last.click()
    cells = [int(text) for text in page.locator(".od td button").all_inner_texts()]
    assert sum(cells) == len({v["vehicle_id"] for v in table(run_folder, "visits")})
