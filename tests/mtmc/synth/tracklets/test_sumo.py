"""SUMO's own output in, tracklets with their truth out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from mtmc.errors import InputError
from mtmc.link import LinkParams, Problem, solve
from mtmc.synth.tracklets.sumo import simulate_sumo
from mtmc.synth.writers.tracklet_files import read_tracklets
from tests.golden.commands import mtmc


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A grid of three by two junctions with signals, driven for five minutes."""
    sumo = pytest.importorskip("sumo", reason="wants sumo (pip install eclipse-sumo)")
    folder, binaries = tmp_path_factory.mktemp("sumo"), Path(sumo.SUMO_HOME) / "bin"
    grid = [
        "--grid",
        "--grid.x-number=3",
        "--grid.y-number=2",
        "--grid.length=250",
        "--grid.attach-length=150",
        "-j",
        "traffic_light",
    ]
    flows = "".join(
        f'<flow id="{kind}{k}" type="{kind}" begin="0" end="240" period="{period}" from="{a}" to="{b}"/>'
        for kind, period in (("car", 9), ("truck", 40))
        for k, (a, b) in enumerate((("left0A0", "C0right0"), ("left1A1", "C1right1"), ("right0C0", "A1left1")))
    )
    types = '<vType id="car"/><vType id="truck" vClass="truck"/>'
    (folder / "flows.xml").write_text(f"<routes>{types}{flows}</routes>")
    run = {"cwd": folder, "check": True, "capture_output": True, "timeout": 120}
    subprocess.run([binaries / "netgenerate", *grid, "-o", "net.xml"], **run)  # type: ignore[call-overload]
    steps = ["--step-length", "0.5", "--end", "300", "--no-step-log"]
    drive = ["-n", "net.xml", "-r", "flows.xml", "--fcd-output", "fcd.xml.gz", *steps]
    subprocess.run([binaries / "sumo", *drive], **run)  # type: ignore[call-overload]
    return folder / "fcd.xml.gz", folder / "net.xml"


def test_a_plan_of_ones_own_is_linked(plan: tuple[Path, Path], tmp_path: Path) -> None:
    mtmc("synth", tmp_path, "--tracklets", "--sumo", plan[0], "--sumo-net", plan[1])
    read = read_tracklets(tmp_path)
    assert len(read.table.cameras) == 6
    assert 60 < len(set(read.vehicle_id.tolist())) < 110
    stay = read.table.end_s - read.table.start_s
    assert 3 < np.median(stay) < 60
    assert set(np.unique(read.table.label).tolist()) == {0, 2}  # cars and trucks
    assert (np.diff(read.link_from) >= 0).all()
    assert (read.link_s > 5).all()  # 170 m between two views
    labels = solve(Problem.of(read.table), LinkParams()).labels
    assert read.identity_f1(labels) > 0.9


def test_other_files_are_refused(plan: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SUMO's <fcd-export>"):
        simulate_sumo(plan[1], plan[1], 1)
    (tmp_path / "empty.xml").write_text("")
    with pytest.raises(InputError, match="a file that SUMO wrote"):
        simulate_sumo(plan[0], tmp_path / "empty.xml", 1)


NET = '<junction id="{0}" type="traffic_light" x="{0}00" y="0" incLanes="a{0}_0 b{0}_0 c{0}_0"/>'
WHOLE_NET = f"<net>{NET.format(1)}{NET.format(2)}</net>"
STEP = '<timestep time="{t}"><vehicle id="v" x="{x}" y="1"/></timestep>'


def drive(*steps: str) -> str:
    return f"<fcd-export>{''.join(steps)}</fcd-export>"


@pytest.mark.parametrize(
    ("fcd", "net", "message"),
    [
        (drive(), WHOLE_NET, r"fcd\.xml: expected vehicles in SUMO's <fcd-export>, found none\. Let SUMO run"),
        (
            drive(STEP.format(t="1", x="9999")),
            WHOLE_NET,
            r"fcd\.xml: .*net\.xml's junctions, found none\. Give the network",
        ),
        (drive(STEP.format(t="1", x="nan")), WHOLE_NET, r"fcd\.xml: .* for x in every <vehicle>, found 'nan'"),
        (drive(STEP.format(t="1:30", x="1")), WHOLE_NET, r"fcd\.xml: .* for time in every <timestep>, found '1:30'"),
        (drive("<timestep/>"), WHOLE_NET, r"fcd\.xml: expected time=\.\.\. in every <timestep>, found one without"),
        (drive()[:-3], WHOLE_NET, r"fcd\.xml: expected SUMO's <fcd-export>, found no whole XML"),
        (drive(), "<net/>", r"net\.xml: expected a network with two junctions .*, found 0 such among 0 junctions"),
        (drive(), '<net><junction id="1"/></net>', r"net\.xml: expected x=\.\.\. in every <junction>"),
        (drive(), "no XML", r"net\.xml: expected SUMO's <net>, found no whole XML"),
    ],
)
def test_what_is_wrong_with_a_plan_is_told(fcd: str, net: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "fcd.xml").write_text(fcd)
    (tmp_path / "net.xml").write_text(net)
    with pytest.raises(InputError, match=message):
        simulate_sumo(tmp_path / "fcd.xml", tmp_path / "net.xml", 1)


def test_a_plan_as_text_is_read(tmp_path: Path) -> None:
    steps = [STEP.format(t=t, x=70 + 5 * t) for t in (*range(40), 3)]  # one moment twice
    (tmp_path / "fcd.xml").write_text(drive(*steps))
    (tmp_path / "net.xml").write_text(WHOLE_NET)
    table = simulate_sumo(tmp_path / "fcd.xml", tmp_path / "net.xml", 1).table
    assert len(table) == 2
    assert np.isfinite(table.entry_velocity).all()
