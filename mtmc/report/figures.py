"""Pictures for papers: vehicles crop by crop, one instant of all cameras, timeline and map, as PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mtmc.errors import InputError
from mtmc.files.atomic import replacing
from mtmc.geometry import bottom_centres
from mtmc.report.colours import colour_of, oklch
from mtmc.report.pictures import contact_sheet, middle_frame
from mtmc.report.privacy import Veil, drawn_under
from mtmc.scene import Scene
from mtmc.store import Run
from mtmc.structures import GlobalTrack, Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Subject = Literal["vehicles", "mosaic", "timeline", "map"]
SUBJECTS: tuple[Subject, ...] = ("vehicles", "mosaic", "timeline", "map")
FORMATS = ("png", "svg", "pdf")
DPI = 200
WIDTH, LANE = 7.2, 0.16
"""Inches: across two columns of a paper, and of a vehicle's lane."""
SMALL = 7
"""Points of letters beside axes."""


def draw_figure(run: Run, scene: Scene, subject: Subject, path: Path, veil: Veil) -> None:
    """Write one figure; the ending of ``path`` chooses its form.

    Raises InputError where matplotlib is not installed, the run has no mosaic video or no calibrated camera.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise InputError("--figure", "matplotlib", "none", 'pip install "mtmc[train]"') from error
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "mtmc"
    shared = [vehicle for vehicle in run.vehicles() if len(vehicle.tracklets) > 1]
    draw: dict[str, Callable[[], Figure]] = {
        "vehicles": lambda: _picture(contact_sheet(run, veil)),
        "mosaic": lambda: _picture(_mosaic(run, veil)),
        "timeline": lambda: _timeline(scene, shared),
        "map": lambda: _map(scene, run.vehicles()),
    }
    figure = draw[subject]()
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=DPI, bbox_inches="tight", metadata=_dateless(path))
    plt.close(figure)  # pyplot would keep it, and warn after twenty


def _dateless(path: Path) -> dict[str, Any]:
    """The same figure gives the same bytes."""
    return {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[path.suffix[1:]]


def _new(width: float, height: float) -> tuple[Figure, Any]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    axes.tick_params(labelsize=SMALL, width=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _picture(image: Image) -> Figure:
    figure, axes = _new(image.shape[1] / DPI, image.shape[0] / DPI)
    axes.imshow(image[..., ::-1], interpolation="none")
    axes.set_axis_off()
    return figure


def _mosaic(run: Run, veil: Veil) -> Image:
    path = run.folder / "video" / "mosaic.mp4"
    if veil.hide != "nothing" and drawn_under(run) != veil.hide:
        fix = f"Run again with --set report.hide={veil.hide}."
        raise InputError(path, f"a video that hides {veil.hide}", "one that does not", fix)
    if not path.exists():
        raise InputError(path, "the mosaic video of the run", "none", "Run again with --set report.video=true.")
    return middle_frame(path)


def _rgb(bgr: tuple[int, int, int]) -> tuple[float, float, float]:
    blue, green, red = bgr
    return red / 255, green / 255, blue / 255


def _timeline(scene: Scene, vehicles: Sequence[GlobalTrack]) -> Figure:
    """One lane per vehicle of several tracklets, bars coloured by camera."""
    cameras = list(scene.cameras)
    stays = {
        vehicle.vehicle_id: [
            (*scene.cameras[t.camera_id].time_s(t.frames[[0, -1]]).tolist(), t.camera_id) for t in vehicle.tracklets
        ]
        for vehicle in vehicles
    }
    figure, axes = _new(WIDTH, 0.9 + LANE * len(vehicles))
    for lane, mine in enumerate(stays.values()):
        rows = _rows(mine)
        high = 0.84 / (1 + max(rows))
        for (start, end, camera_id), row in zip(mine, rows, strict=True):
            bar = (lane - 0.42 + row * high, high)
            axes.broken_barh([(start, end - start)], bar, color=_camera_colour(cameras, camera_id), linewidth=0)
    axes.set_yticks(range(len(vehicles)), list(stays), fontsize=6)
    axes.set_ylim(max(len(vehicles), 1) - 0.5, -0.5)
    axes.set_xlabel("seconds", fontsize=SMALL)
    axes.set_ylabel("vehicle", fontsize=SMALL)
    handles = [axes.broken_barh([(0, 0)], (0, 0), color=_camera_colour(cameras, name), label=name) for name in cameras]
    figure.legend(handles=handles, fontsize=6, loc="outside upper right", ncols=min(len(cameras), 10), frameon=False)
    return figure


def _rows(stays: Sequence[tuple[float, float, str]]) -> list[int]:
    """Row of each stay so that those of views that overlap stand below one another; one camera's stay in one row."""
    rows: dict[str, int] = {}
    for start, end, camera_id in sorted(stays):
        taken = {rows[other] for a, b, other in stays if other in rows and a < end and start < b and other != camera_id}
        rows.setdefault(camera_id, next(row for row in range(len(stays)) if row not in taken))
    return [rows[camera_id] for *_, camera_id in stays]


def _camera_colour(cameras: Sequence[str], camera_id: str) -> tuple[float, float, float]:
    """As ``cameraColour`` of the page."""
    hue = np.radians((30 + 360 * cameras.index(camera_id) / len(cameras)) % 360)
    return _rgb(oklch(0.72, 0.11, float(hue)))


def _map(scene: Scene, vehicles: Sequence[GlobalTrack]) -> Figure:
    """Every path on the ground in metres, in its vehicle's colour."""
    calibrated = {name: camera for name, camera in scene.cameras.items() if camera.image_to_ground is not None}
    if not calibrated:
        raise InputError(scene.folder, "calibrated cameras", "none", "Put calibration.txt beside the videos.")
    paths = [
        (vehicle.vehicle_id, calibrated[t.camera_id].ground_points(bottom_centres(t.xyxy)))
        for vehicle in vehicles
        for t in vehicle.tracklets
        if t.camera_id in calibrated
    ]
    extent = np.ptp(np.concatenate([np.zeros((1, 2)), *(places for _, places in paths)]), axis=0) + 1
    figure, axes = _new(WIDTH, float(np.clip(WIDTH * extent[1] / extent[0], 2.0, 9.0)))
    for vehicle_id, places in paths:
        axes.plot(*places.T, color=_rgb(colour_of(vehicle_id)), linewidth=0.8)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("metres east", fontsize=SMALL)
    axes.set_ylabel("metres north", fontsize=SMALL)
    return figure
