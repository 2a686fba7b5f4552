"""The panels beside the pictures: truth, map and health, by mouse, keys and fingers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.golden.commands import mtmc
from tests.mtmc.report.pages import FLOW, SETTLED, Open, search, shared_vehicle


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


def test_truth_stands_beside_the_prediction(lossy_run: Path, open_page: Open) -> None:
    page = open_page(lossy_run / "report.html")
    page.click("#tabs [data-tab=truth]")
    page.wait_for_selector(".errors li")
    page.locator(".errors li").first.click()
    focus = page.evaluate("() => window.mtmc.state.focus")
    page.wait_for_function(f"() => window.mtmc.mosaic.beside?.frame === window.mtmc.mosaic.tiles[{focus}].frame")
    left, right = (page.locator(f".tile.{name}").bounding_box() for name in ("focus", "bare"))
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] == right["y"]
    assert page.evaluate("() => window.mtmc.mosaic.beside.items.length") == 0
    page.click("#tabs [data-tab=vehicles]")
    assert page.locator(".tile.bare").count() == 0


def test_truth_panel_and_veil_outlive_an_edit(lossy_run: Path, tmp_path: Path, open_page: Open) -> None:
    copy = shutil.copytree(lossy_run, tmp_path / "run")
    mtmc("report", copy, "--truth", "--private", "boxes")
    mtmc("edit", copy, "--kind", "1=truck")
    page = open_page(copy / "report.html")
    assert page.locator("[data-tab=truth]").is_visible()
    assert page.locator("#private").is_visible()
    mtmc("report", copy)
    assert not open_page(copy / "report.html").locator("[data-tab=truth]").is_visible()


FINGERS = """([selector, fingers]) => {
  const canvas = document.querySelector(selector), { left, top } = canvas.getBoundingClientRect();
  const say = (name, id, [x, y]) =>
    canvas.dispatchEvent(new PointerEvent(name, { pointerId: id, clientX: left + x, clientY: top + y, bubbles: true }));
  canvas.setPointerCapture = () => {};
  fingers.forEach(([from], id) => say("pointerdown", id + 2, from));
  fingers.forEach(([, to], id) => say("pointermove", id + 2, to));
  fingers.forEach(([, to], id) => say("pointerup", id + 2, to));
}"""
APART = [[[200, 60], [150, 60]], [[300, 60], [350, 60]]]


def test_two_fingers_zoom_timeline_and_map(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    middle = page.evaluate("() => window.mtmc.timeline.timeAt(250)")
    span = page.evaluate("() => window.mtmc.timeline.to - window.mtmc.timeline.from")
    page.evaluate(FINGERS, ["#timeline canvas", APART])
    assert page.evaluate("() => window.mtmc.timeline.to - window.mtmc.timeline.from") == pytest.approx(span / 2)
    assert page.evaluate("() => window.mtmc.timeline.timeAt(250)") == pytest.approx(middle, abs=0.3)
    page.keyboard.press("0")
    page.click("#tabs [data-tab=map]")
    page.evaluate(FINGERS, [".map canvas", [[[100, 60], [50, 60]], [[200, 60], [250, 60]]]])
    assert page.evaluate("() => window.mtmc.map.zoom") == pytest.approx(2)
    assert page.evaluate("() => window.mtmc.state.focus") is None


DROP = """(text) => {
  const files = new DataTransfer();
  files.items.add(new File([text], "roads.geojson"));
  const event = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
  document.querySelector("#map").dispatchEvent(event);
}"""


def test_dropped_geojson_lies_under_the_map(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    page.click("#tabs [data-tab=map]")
    lat, lon = page.evaluate("() => (window.mtmc.model.head.origin ??= [48.1, 11.5])")
    line = {"type": "LineString", "coordinates": [[lon, lat], [lon, lat + 0.001]]}
    layer = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": line, "properties": {}}]}
    page.evaluate(DROP, json.dumps(layer))
    page.wait_for_function("() => window.mtmc.map.layer.length === 1")
    assert page.evaluate("() => window.mtmc.map.layer[0][1]") == pytest.approx([0, 111.3], abs=0.1)
    page.evaluate(DROP, "{ no json")
    page.wait_for_function("() => document.querySelector('#map').innerText.includes('roads.geojson is no GeoJSON')")


def test_page_with_its_videos_inside_stands_alone(run_folder: Path, tmp_path: Path, open_page: Open) -> None:
    copy = shutil.copytree(run_folder, tmp_path / "run")
    mtmc("report", copy, "--embed-video")
    alone = shutil.copy(copy / "report.html", tmp_path / "alone.html")
    page = open_page(Path(alone))
    page.wait_for_function(SETTLED)
    sources = page.evaluate("() => window.mtmc.mosaic.tiles.map((tile) => tile.video.src.slice(0, 5))")
    assert sources == ["blob:", "blob:"]


def test_moments_are_times_of_day_where_a_file_tells_them(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    assert page.evaluate("() => window.mtmc.model.when(61.5, 1)") == "1:01.5"
    page.evaluate("() => { window.mtmc.model.zero = 29700; window.mtmc.clock.tell() }")  # 8:15
    assert page.locator("#time").inner_text().startswith("8:15:0")


def test_health_tells_its_light_and_every_sign(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    page.click("#light")
    told = page.evaluate("() => window.mtmc.model.head.health")
    assert page.locator(".signs li").count() == len(told["signs"])
    assert page.locator("#light").get_attribute("data-light") == told["light"]
    page.keyboard.press("h")
    assert page.locator("#health").is_visible()


def focused(page, selector: str) -> bool:  # type: ignore[no-untyped-def]
    return bool(page.evaluate("(selector) => document.activeElement.matches(selector)", selector))


def test_every_panel_is_reached_by_keys_and_by_arrows_on_the_tabs(lossy_run: Path, open_page: Open) -> None:
    page = open_page(lossy_run / "report.html")
    tabs = ["vehicles", "vehicle", "map", "traffic", "review", "health", "truth"]
    for key, tab in zip("vcgtrhe", tabs, strict=True):
        page.keyboard.press(key)
        if key == "e":  # steps through errors once their panel is open
            page.click("#tabs [data-tab=truth]")
        assert page.evaluate("() => window.mtmc.state.tab") == tab
        assert page.locator(f"#{tab}").is_visible()
    page.focus("#tabs [data-tab=truth]")
    for tab in [*tabs, "vehicles"]:
        page.keyboard.press("ArrowRight")
        assert focused(page, f"[data-tab={tab}][aria-selected=true]")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("() => window.mtmc.state.tab") == "truth"


def test_lists_are_walked_by_arrows_and_chosen_by_enter(lossy_run: Path, open_page: Open) -> None:
    page = open_page(lossy_run / "report.html")
    lists = {"map": ".flows li", "review": ".queue li", "truth": ".errors li", "vehicles": ".vehicles li"}
    for tab, rows in lists.items():
        page.click(f"#tabs [data-tab={tab}]")
        page.wait_for_selector(rows)
        page.locator(rows).first.focus()
        page.keyboard.press("End")
        assert page.locator(rows).last.evaluate("(row) => document.activeElement === row")
        page.keyboard.press("Home")
        page.keyboard.press("ArrowDown")
        count = page.locator(rows).count()
        row = page.locator(rows).nth(min(1, count - 1))
        assert row.evaluate("(row) => document.activeElement === row && row.tabIndex === 0")
        before = page.evaluate("() => ({ ...window.mtmc.state, found: null, at: null })")
        page.keyboard.press("Enter")
        after = page.evaluate("() => ({ ...window.mtmc.state, found: null, at: null })")
        assert after != before or tab == "map"
    assert page.evaluate("() => window.mtmc.state.tab") == "vehicle"
    page.keyboard.press("g")
    page.locator(".flows li").first.focus()
    page.keyboard.press("Enter")
    assert ">" in page.input_value("#query")


def test_review_by_keys_alone(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    page.keyboard.press("r")
    page.wait_for_selector(".queue li")
    page.keyboard.press("y")
    page.wait_for_function("() => window.mtmc.edits.made.length === 1")
    assert page.evaluate("() => window.mtmc.edits.made[0].edit") == "same"
    page.wait_for_selector(".queue button.on")
    page.keyboard.press("u")
    page.wait_for_function("() => window.mtmc.edits.made.length === 0")


def test_map_moves_and_zooms_by_keys(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    page.keyboard.press("g")
    page.focus(".map canvas")
    time = page.evaluate("() => window.mtmc.clock.time")
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => window.mtmc.map.zoom") == pytest.approx(1.25)
    assert page.evaluate("() => window.mtmc.map.pan") == [-40, 0]
    page.keyboard.press("0")
    assert page.evaluate("() => [window.mtmc.map.zoom, ...window.mtmc.map.pan]") == [1, 0, 0]
    assert page.evaluate("() => window.mtmc.clock.time") == time
    page.keyboard.press("g")
    assert page.locator("#map .text").inner_text() == "Ground"


def test_space_presses_the_button_that_has_the_focus_and_plays_elsewhere(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    page.focus("#theme")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press(" ")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    assert not page.evaluate("() => window.mtmc.clock.playing")
    page.mouse.click(640, 20)
    page.keyboard.press(" ")
    assert page.evaluate("() => window.mtmc.clock.playing")
