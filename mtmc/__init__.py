"""Multi-camera vehicle tracking: a folder of camera videos in, every vehicle's path over all cameras out.

    run = mtmc.run("cams/", detector="motion")     # or mtmc.open("runs/cams")
    run.vehicles.to_pandas()                       # also run.visits, run.tracklets, run.boxes
    run.score("truth/").idf1

Tracks of your own tracker, with vectors if you have them, need no videos::

    run = mtmc.from_tracks("tracks.csv", vectors="vectors.npz", fps=10)

The stages are functions in their rooms, for those who bring their own boxes or tracks::

    scene = mtmc.read_scene("cams/")
    tracklets = mtmc.track.track(camera, boxes, mtmc.track.make_tracker(params), params)   # detections of one camera
    embeddings = mtmc.embed.embed(camera, video, tracklets, mtmc.embed.make_embedder(params), params)
    vehicles = mtmc.link.link(scene, all_tracklets, all_embeddings)

``mtmc.track`` is the room of the stage, so the whole way from videos to vehicles is called ``mtmc.run``, as in the
command line. Everything is loaded when it is first used: ``import mtmc`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtmc import detect, embed, export, link, score, track
    from mtmc.api import Run, from_tracks, open, run
    from mtmc.errors import UserError
    from mtmc.scene import Camera, Scene
    from mtmc.scene_reader import read_scene
    from mtmc.structures import Detections, Embeddings, GlobalTrack, Tracklet

__version__ = "0.1.0"

__all__ = [
    "Camera",
    "Detections",
    "Embeddings",
    "GlobalTrack",
    "Run",
    "Scene",
    "Tracklet",
    "UserError",
    "detect",
    "embed",
    "export",
    "from_tracks",
    "link",
    "open",
    "read_scene",
    "run",
    "score",
    "track",
]

_HOMES = {
    "mtmc.api": ("Run", "from_tracks", "open", "run"),
    "mtmc.errors": ("UserError",),
    "mtmc.scene": ("Camera", "Scene"),
    "mtmc.scene_reader": ("read_scene",),
    "mtmc.structures": ("Detections", "Embeddings", "GlobalTrack", "Tracklet"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name on first use."""
    if name in _HOME_OF:
        return getattr(importlib.import_module(_HOME_OF[name]), name)
    if name in __all__:
        return importlib.import_module(f"mtmc.{name}")
    raise AttributeError(f"module 'mtmc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
