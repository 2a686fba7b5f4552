"""Data sets: folders as published in, lists of images with vehicle and camera out.

structures   what is a data set? (names and numbers, no pixels)
layout       what all readers share: files that must be there, lists, counts held against the published ones
veri, cityflow, vehicleid, person, lists, table, toy   one reader for each form
combine      several data sets at once, vehicles held out
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol, cast

from reid.datasets.structures import UNKNOWN_ID, Dataset, GalleryTrack, ImageSet
from reid.errors import UserError

__all__ = ["DATASETS", "UNKNOWN_ID", "Dataset", "GalleryTrack", "ImageSet", "load_dataset"]

DATASETS: dict[str, str] = {
    "veri776": "reid.datasets.veri:read_veri",
    "cityflow": "reid.datasets.cityflow:read_cityflow",
    "vehicleid": "reid.datasets.vehicleid:read_vehicleid",
    "market1501": "reid.datasets.person:read_market1501",
    "dukemtmc": "reid.datasets.person:read_dukemtmc",
    "veriwild": "reid.datasets.lists:read_veriwild",
    "veriwild_5000": "reid.datasets.lists:read_veriwild_5000",
    "veriwild_10000": "reid.datasets.lists:read_veriwild_10000",
    "vric": "reid.datasets.lists:read_vric",
    "vehiclex": "reid.datasets.lists:read_vehiclex",
    "msmt17": "reid.datasets.lists:read_msmt17",
    "csv": "reid.datasets.table:read_csv",
}
"""Names that `load_dataset` knows, with the reader of each (``module:function``)."""


class Reader(Protocol):
    """Reads one data set from its root folder."""

    def __call__(self, root: Path) -> Dataset: ...


def load_dataset(name: str, root: Path) -> Dataset:
    """Read a data set from the folder it was unpacked to (for ``csv`` also the table itself).

    Raises UserError for an unknown name, a root of another shape, or images that the lists name and the disk lacks; a
    count that differs from the published one is a warning on the ``reid`` logger only, since copies with fewer images
    circulate.
    """
    if name not in DATASETS:
        raise UserError("--dataset", f"one of {', '.join(DATASETS)}", repr(name), "Choose one of the names.")
    if not root.exists():
        raise UserError(
            root, f"the folder of {name}", "nothing", "Give --root the folder that the data set was unpacked to."
        )
    module, _, function = DATASETS[name].partition(":")
    reader = cast(Reader, getattr(importlib.import_module(module), function))
    return reader(root)
