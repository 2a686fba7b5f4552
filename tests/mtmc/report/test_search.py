"""Search in the page and by ``mtmc find`` is a query on the tables."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from mtmc.errors import ConfigError, InputError
from mtmc.find import find
from mtmc.store import open_run
from mtmc.video import Video
from tests.golden.commands import mtmc
from tests.mtmc.report.pages import FLOW, Open, search


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
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.input_value("#query") == ""
    assert page.evaluate("() => window.mtmc.state.found") is None


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


def test_find_keeps_to_a_span_of_time_in_all_runs(run_folder: Path) -> None:
    rows = json.loads(mtmc("find", run_folder, run_folder, "--from", 2, "--to", 2.5, "--limit", 999, "--json"))
    seen = {row[0] for row in search(run_folder, "SELECT vehicle_id FROM visits WHERE end_s >= 2 AND start_s <= 2.5")}
    assert sorted(row["vehicle_id"] for row in rows) == sorted([*seen, *seen])
    with pytest.raises(ConfigError, match=r"--from: expected seconds, as no camera's clock is known"):
        find(open_run(run_folder), since="08:15")
