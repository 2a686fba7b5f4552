"""A small finished run with its page, and a real browser with the network off to look at it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.golden.commands import KEEP_ALL, TRUE_BOXES, mtmc, record_truth, run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = ("--no-sandbox", "--disable-gpu", "--headless=new", "--no-first-run", "--disable-background-networking")


@pytest.fixture(scope="session")
def scene_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras of a straight road, six seconds, true boxes recorded."""
    city = tmp_path_factory.mktemp("page") / "city"
    mtmc("synth", city, "--preset", "tiny", "--seed", 2, "--set", "parked=0")
    record_truth(city / "S01")
    return city / "S01"


@pytest.fixture(scope="session")
def run_folder(scene_folder: Path) -> Path:
    """The finished run of that scene; do not change it."""
    out = scene_folder.parent / "run"
    run(scene_folder, out, (*TRUE_BOXES, "--workers", 1), KEEP_ALL)
    return out


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's chromium by Playwright."""
    api = pytest.importorskip("playwright.sync_api", reason="wants playwright (pip install playwright)")
    if CHROMIUM is None:
        pytest.skip("wants chromium (apt-get install chromium)")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a report.html offline; the test fails if the page said anything on the console."""
    contexts, said = [], []

    def open_(path: Path, place: str = "", width: int = 1280, height: int = 800, scheme: str = "dark") -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=not str(path).startswith("http")
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((path.as_uri() if isinstance(path, Path) else path) + place)
        page.wait_for_selector("html.ready")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not said
