"""Pictures for papers: vehicles crop by crop, one instant of all cameras, timeline and map, as PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mtmc.atomic import replacing
from mtmc.errors import InputError
from mtmc.geometry import bottom_centres
from mtmc.report.colours import colour_of, oklch
from mtmc.report.pictures import contact_sheet, middle_frame
from mtmc.report.privacy import Veil
from mtmc.scene import Scene
from mtmc.store import Run
from mtmc.structures import GlobalTrack, Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Subject = Literal["vehicles", "mosaic", "timeline", "map"]
SUBJECTS: tuple[Subject, ...] = ("vehicles", "mosaic", "timeline", "map")
FORMATS = ("png", "svg", "pdf")
DPI = 200
LANE = 0.16
"""Inches of a vehicle's lane."""


def draw_figure(run: Run, scene: Scene, subject: Subject, path: Path, veil: Veil) -> None:
    """Write one figure; the ending of ``path`` chooses its form.

    Raises InputError where matplotlib is not installed, the run has no mosaic video or no calibrated camera.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise InputError("--figure", "matplotlib", "none", 'pip install "mtmc[train]"') from error
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "mtmc"
    shared = [vehicle for vehicle in run.vehicles() if len(vehicle.tracklets) > 1]
    draw: dict[str, Callable[[], Figure]] = {
        "vehicles": lambda: _picture(contact_sheet(run, veil)),
        "mosaic": lambda: _picture(_mosaic(run)),
        "timeline": lambda: _timeline(scene, shared),
        "map": lambda: _map(scene, run.vehicles()),
    }
    figure = draw[subject]()
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=DPI, bbox_inches="tight", metadata=_dateless(path))


def _dateless(path: Path) -> dict[str, Any]:
    """The same figure gives the same bytes."""
    return {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[path.suffix[1:]]


def _new(width: float, height: float) -> tuple[Figure, Any]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    return figure, axes


def _picture(image: Image) -> Figure:
    figure, axes = _new(image.shape[1] / DPI, image.shape[0] / DPI)
    axes.imshow(image[..., ::-1], interpolation="none")
    axes.set_axis_off()
    return figure


def _mosaic(run: Run) -> Image:
    path = run.folder / "video" / "mosaic.mp4"
    if not path.exists():
        raise InputError(path, "the mosaic video of the run", "none", "Run again with --set report.video=true.")
    return middle_frame(path)


def _rgb(bgr: tuple[int, int, int]) -> tuple[float, float, float]:
    blue, green, red = bgr
    return red / 255, green / 255, blue / 255


def _timeline(scene: Scene, vehicles: Sequence[GlobalTrack]) -> Figure:
    """One lane per vehicle of several tracklets, bars coloured by camera."""
    figure, axes = _new(7.2, 0.7 + LANE * len(vehicles))
    cameras = list(scene.cameras)
    for lane, vehicle in enumerate(vehicles):
        for tracklet in vehicle.tracklets:
            start, end = scene.cameras[tracklet.camera_id].time_s(tracklet.frames[[0, -1]])
            axes.broken_barh(
                [(start, end - start)], (lane - 0.4, 0.8), color=_camera_colour(cameras, tracklet.camera_id)
            )
    axes.set_yticks(range(len(vehicles)), [str(vehicle.vehicle_id) for vehicle in vehicles], fontsize=6)
    axes.set_ylim(len(vehicles) - 0.5, -0.5)
    axes.set_xlabel("seconds")
    axes.set_ylabel("vehicle")
    handles = [axes.broken_barh([(0, 0)], (0, 0), color=_camera_colour(cameras, name), label=name) for name in cameras]
    axes.legend(handles=handles, fontsize=6, loc="upper right", ncols=min(len(cameras), 6))
    return figure


def _camera_colour(cameras: Sequence[str], camera_id: str) -> tuple[float, float, float]:
    """As ``cameraColour`` of the page."""
    hue = np.radians((30 + 360 * cameras.index(camera_id) / len(cameras)) % 360)
    return _rgb(oklch(0.72, 0.11, float(hue)))


def _map(scene: Scene, vehicles: Sequence[GlobalTrack]) -> Figure:
    """Every path on the ground in metres, in its vehicle's colour."""
    calibrated = {name: camera for name, camera in scene.cameras.items() if camera.image_to_ground is not None}
    if not calibrated:
        raise InputError(scene.folder, "calibrated cameras", "none", "Put calibration.txt beside the videos.")
    figure, axes = _new(6.0, 6.0)
    for vehicle in vehicles:
        for tracklet in vehicle.tracklets:
            if tracklet.camera_id in calibrated:
                places = calibrated[tracklet.camera_id].ground_points(bottom_centres(tracklet.xyxy))
                axes.plot(*places.T, color=_rgb(colour_of(vehicle.vehicle_id)), linewidth=0.8)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("metres east")
    axes.set_ylabel("metres north")
    return figure
