"""Results to look at: videos with boxes, all cameras on one clock, and the results page.

colours      one colour per vehicle
privacy      the one door through which every picture leaves
paint        boxes, names and paths on a picture
mosaic       the annotated videos and all cameras side by side
colour_words the plain word for a vehicle's colour
looks        what the page shows of a camera: clean web videos, the best crops
columns      typed columns, packed for the page
page_data    what the page holds, as blocks of columns
page         the page's files and a run's blocks into one ``report.html``
page/        the page itself: HTML, CSS and ES modules
serve        a small local server of the page, with edits back
pictures     a run's busiest instant, vehicles crop by crop
figures      pictures for papers
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mtmc.params import Params
from mtmc.scene import Scene
from mtmc.structures import GlobalTrack

if TYPE_CHECKING:
    from mtmc.report.privacy import Veil

__all__ = ["Hide", "ReportParams", "draw"]

Watch = Callable[[str, str, int, int], None]
"""Told (camera id, stage, done, total) now and then."""


Hide = Literal["nothing", "plates", "boxes", "pictures"]
"""What to hide: nothing; the lower half of vehicles, where plates are, and persons whole; every box whole; all
pictures."""


class ReportParams(Params):
    """What the result videos and the results page look like."""

    video: bool = True
    """Whether to make the videos at all."""
    width_px: int = Field(default=1280, ge=160, le=7680)
    """Widest picture, for single cameras and the mosaic alike."""
    height_px: int = Field(default=960, ge=120, le=4320)
    """Highest picture."""
    max_fps: float = Field(default=15.0, gt=0, le=120)
    """The mosaic shows the fastest camera's rate up to this many pictures a second."""
    trail_s: float = Field(default=1.0, ge=0)
    """How long a vehicle's path stays visible behind it."""
    crf: int = Field(default=25, ge=0, le=51)
    """x264's quality, smaller is better and larger on disk."""
    page: bool = True
    """Whether to write report.html, the page to look at the results."""
    web_width_px: int | None = Field(default=None, ge=160, le=3840)
    """Widest clean video beside the page; 960 by default, 640 where more than nine cameras share the screen."""
    web_crf: int = Field(default=29, ge=0, le=51)
    """x264's quality of those."""
    hide: Hide = "nothing"
    """What no picture may show: nothing, plates (the lower half of vehicles, and persons whole), boxes (every box
    whole), or pictures (none is made)."""


def draw(
    scene: Scene, vehicles: Sequence[GlobalTrack], folder: Path, params: ReportParams, watch: Watch, veil: Veil
) -> None:
    """Write ``<camera>.mp4`` for each camera and ``mosaic.mp4`` of all on the scene's clock into ``folder``.

    H.264 that a browser plays. A vehicle has the same colour everywhere, a thick frame if several cameras saw it. Each
    video is decoded once, and every picture passes ``veil``. Raises InputError for a damaged video, StoreError where
    the folder cannot be written.
    """
    from mtmc.report.mosaic import draw_scene

    draw_scene(scene, vehicles, folder, params, watch, veil)
