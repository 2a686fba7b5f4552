"""Corrections in the page, and the small server that takes them into the run folder."""

from __future__ import annotations

import json
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mtmc.cli.page import save_edits
from mtmc.edits import read_edits
from mtmc.report.serve import make_server
from mtmc.store import open_run

Open = Callable[..., Any]

FIRST_LINK = """() => {
  const { review, model } = window.mtmc, { link } = review.queue[0];
  return [link.from, link.to].map((k) => [model.cameras[model.tracklets[k].camera].id, model.tracklets[k].track]);
}"""


@pytest.fixture
def served(run_folder: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A copy of the run and the address at which it is served."""
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    server = make_server(folder, 0, lambda text: save_edits(open_run(folder), text))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


def ask(address: str, **headers: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        return answer.status, answer.read()


def test_server_gives_ranges_and_nothing_but_the_page(served: tuple[Path, str]) -> None:
    folder, address = served
    whole = (folder / "video" / "web" / "c001.mp4").read_bytes()
    assert ask(address + "video/web/c001.mp4", Range="bytes=100-199") == (206, whole[100:200])
    assert ask(address + "video/web/c001.mp4", Range=f"bytes={len(whole) - 5}-") == (206, whole[-5:])
    assert ask(address)[1] == (folder / "report.html").read_bytes()
    for hidden in ("run.json", "vehicles.parquet", "../city/S01/ground_truth.txt", "%2e%2e/run/run.json"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            ask(address + hidden)


def test_server_takes_edits_from_its_own_page_only(served: tuple[Path, str]) -> None:
    folder, address = served
    foreign = urllib.request.Request(address + "edits", b"", {"Origin": "http://elsewhere.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(foreign)
    nonsense = urllib.request.Request(address + "edits", b"{}\n", {"Origin": address.rstrip("/")})
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        urllib.request.urlopen(nonsense)
    assert "edit 1" in refused.value.read().decode()
    assert read_edits(folder / "edits.jsonl") == []


def test_corrections_in_the_page_are_linked_and_hold(served: tuple[Path, str], open_page: Open) -> None:
    folder, address = served
    page = open_page(address)
    page.click("#tabs [data-tab=review]")
    page.locator(".queue li").first.click()
    link = page.evaluate(FIRST_LINK)
    page.keyboard.press("x")
    page.wait_for_selector(".made li")
    with page.expect_navigation():
        page.locator(".actions button", has_text="Save").click()
    page.wait_for_selector("html.ready")
    (edit,) = read_edits(folder / "edits.jsonl")
    assert edit.edit == "different"
    owner = {t.key: v.vehicle_id for v in open_run(folder).vehicles() for t in v.tracklets}
    assert owner[tuple(link[0])] != owner[tuple(link[1])]
    assert len(page.evaluate("() => window.mtmc.edits.all")) == 1
    assert page.evaluate("() => window.mtmc.edits.made.length") == 0


def test_offline_page_hands_out_a_file(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html", "#v=1")
    page.click("#tabs [data-tab=vehicle]")
    page.locator(".correct summary").click()
    page.locator(".correct button", has_text="Not a vehicle").click()
    page.keyboard.press("r")
    tracklets = page.evaluate("() => window.mtmc.model.byId.get(1).tracklets.length")
    page.wait_for_function(f"() => document.querySelectorAll('.made li').length === {tracklets}")
    with page.expect_download() as download:
        page.locator(".actions button", has_text="Save").click()
    lines = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    assert [line["edit"] for line in lines] == ["not_vehicle"] * tracklets
    page.keyboard.press("u")
    page.wait_for_function(f"() => document.querySelectorAll('.made li').length === {tracklets - 1}")


def test_two_vehicles_are_asked_about_once(run_folder: Path, open_page: Open) -> None:
    page = open_page(run_folder / "report.html")
    asked = """() => {
      const { review, model } = window.mtmc, looks = [[0, 1, 0.4, 9, 0], [1, 0, 0.4, 9, 0], [2, 0, 0.2, 9, 0]];
      const other = { ...model, head: { ...model.head, looks }, tracklets: [1, 2, 3].map((vehicle) => ({ vehicle })) };
      const { queue } = new review.constructor(document.createElement("div"), other, review.clock, review.edits);
      return queue.map(({ link }) => [link.from, link.to]);
    }"""
    assert page.evaluate(asked) == [[0, 1], [2, 0]]
