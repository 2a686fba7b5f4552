"""What is read on the page can be read: contrast in both themes, nothing cut or covered, whatever the run is like."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.golden.commands import KEEP_ALL, TRUE_BOXES, mtmc, run
from tests.mtmc.report.pages import PRESENTED, Open

TABS = ("vehicles", "vehicle", "map", "traffic", "review", "health", "truth")

UNREADABLE = """() => {
  const g = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
    .getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    g.clearRect(0, 0, 1, 1);
    g.fillStyle = colour;
    g.fillRect(0, 0, 1, 1);
    const [r, gr, b, a] = g.getImageData(0, 0, 1, 1).data;
    return [r, gr, b, a / 255];
  };
  const over = ([r, gr, b, a], below) => [r, gr, b].map((v, k) => v * a + below[k] * (1 - a));
  const channel = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, gr, b]) => 0.2126 * channel(r) + 0.7152 * channel(gr) + 0.0722 * channel(b);
  const ground = (element) => {
    const { backgroundColor, opacity } = getComputedStyle(element);
    const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
    const [r, gr, b, a] = rgba(backgroundColor);
    return over([r, gr, b, a * Number(opacity)], below);
  };
  const bad = [];
  let seen = 0;
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const text = element.matches("input") ? element.placeholder : own && element.textContent;
    if (!text || !element.checkVisibility() || element.closest(".tile")) continue;
    const style = getComputedStyle(element, element.matches("input") ? "::placeholder" : null);
    const below = ground(element), ink = over(rgba(style.color), below);
    const [a, b] = [light(below), light(ink)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    seen++;
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < (large ? 3 : 4.5))
      bad.push(`${element.tagName}.${element.className} "${text.trim().slice(0, 20)}" ${contrast.toFixed(2)}`);
  }
  return [seen, [...new Set(bad)]];
}"""

CUT = """() => [...document.querySelectorAll("aside *, #top, #transport, #top *, #transport *")]
  .filter((element) => element.checkVisibility() && !element.closest(".od, #tabs, svg, option, select") &&
    getComputedStyle(element).overflow === "visible" && element.scrollWidth > element.clientWidth + 1 &&
    element.clientWidth > 0 && getComputedStyle(element).display !== "inline")
  .map((element) => `${element.tagName}.${element.className} ${element.textContent.slice(0, 30)}`)"""


def open_tab(page, tab: str) -> None:  # type: ignore[no-untyped-def]
    page.evaluate(
        """(tab) => { const { set, model } = window.mtmc;
          set({ tab, vehicle: tab === "vehicle" ? model.vehicles[0]?.id ?? null : null }); }""",
        tab,
    )


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_all_text_has_the_contrast_of_aa(lossy_run: Path, open_page: Open, scheme: str) -> None:
    page = open_page(lossy_run / "report.html", scheme=scheme)
    page.wait_for_function(PRESENTED)
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_selector(f"#{tab} *")
        page.locator("details").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")
        seen, bad = page.evaluate(UNREADABLE)
        assert seen > 20, tab
        assert not bad, tab
    page.keyboard.press("?")
    assert page.evaluate(UNREADABLE)[1] == []
    poor = {"dark": "oklch(0.55 0 0)", "light": "oklch(0.62 0 0)"}[scheme]
    page.evaluate("(poor) => document.documentElement.style.setProperty('--dim', poor)", poor)
    assert page.evaluate(UNREADABLE)[1]  # the measure sees what is poor


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_names_on_the_colours_of_vehicles_and_cameras_have_it_too(
    run_folder: Path, open_page: Open, scheme: str
) -> None:
    """What is written on canvases: ids on the colours of 400 vehicles, names on those of 60 cameras."""
    page = open_page(run_folder / "report.html", scheme=scheme)
    names = page.evaluate(
        """async () => {
          const { vehicleColour, cameraColour } = await import("page/colours");
          const add = (background) => {
            const name = document.createElement("b");
            Object.assign(name.style, { background, color: "oklch(0.2 0.03 260)" });
            name.textContent = "name";
            document.body.append(name);
          };
          for (let id = 0; id < 400; id++) add(vehicleColour(id));
          for (const count of [1, 8, 9, 60]) for (let k = 0; k < count; k++) add(cameraColour(k, count));
          return document.querySelectorAll("body > b").length;
        }"""
    )
    assert names == 478
    assert page.evaluate(UNREADABLE)[1] == []


@pytest.fixture(scope="module")
def odd_runs(scene_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One camera; no vehicles; names of cameras and scene longer than anybody thought of."""
    root = tmp_path_factory.mktemp("odd")
    shutil.copytree(scene_folder / "c001", root / "one" / "S01" / "c001")
    shutil.copytree(scene_folder, root / "none" / "S01")
    for file in (root / "none").rglob("det/*.txt"):
        file.write_text("")
    scene = root / "long" / "Kreuzung Hauptstraße und Bahnhofsallee, Montag bei Regen"
    for camera in ("c001", "c002"):
        shutil.copytree(scene_folder / camera, scene / f"junction_north_east_main_street_{camera}")
    scenes = {"one": root / "one" / "S01", "none": root / "none" / "S01", "long": scene}
    for name, folder in scenes.items():
        run(folder, root / f"run-{name}", (*TRUE_BOXES, "--workers", 1), KEEP_ALL)
    return {name: root / f"run-{name}" for name in scenes}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["one", "none", "long"])
def test_odd_runs_say_something_everywhere_and_keep_inside(
    odd_runs: dict[str, Path], open_page: Open, name: str, width: int
) -> None:
    page = open_page(odd_runs[name] / "report.html", width=width)
    for tab in page.locator("#tabs button:visible").evaluate_all("(all) => all.map((one) => one.dataset.tab)"):
        open_tab(page, tab)
        assert page.locator(f"#{tab}").inner_text().strip(), tab
        assert page.evaluate(CUT) == [], tab
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    page.keyboard.press("ArrowDown")
    page.keyboard.press("f")
    page.keyboard.press("n")
    page.keyboard.press(" ")
    page.wait_for_function("() => window.mtmc.clock.time > window.mtmc.model.start")


def test_page_of_many_tabs_shows_them_all(lossy_run: Path, open_page: Open) -> None:
    for width in (1280, 390):
        page = open_page(lossy_run / "report.html", width=width)
        last = page.locator("#tabs [data-tab=truth]").bounding_box()
        assert last["x"] + last["width"] <= width


def test_report_of_an_empty_run_does_not_blame_its_tracks(odd_runs: dict[str, Path], open_page: Open) -> None:
    page = open_page(odd_runs["none"] / "report.html")
    page.keyboard.press("h")
    assert page.locator(".signs b").all_inner_texts()[0] == "vehicles"
    assert "tracks in pieces" not in page.locator(".signs b").all_inner_texts()
    page = open_page(odd_runs["one"] / "report.html")
    assert "seen once" not in page.locator(".signs b").all_inner_texts()
    assert mtmc("find", odd_runs["none"], "--json").strip() == "[]"
