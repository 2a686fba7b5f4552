"""What the parameters of all stages have in common; their base and their loader are shared with ``reid``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from reid.settings import Layer, Params, known_keys, load, merge, shipped_file

__all__ = ["OPTIONS", "Layer", "Params", "StageParams", "known_keys", "load", "merge", "shipped_file"]

OPTIONS: Any = Field(default_factory=dict, description="free table of a part of your own, handed to it as it stands")


class StageParams(Params):
    """Parameters of one stage of the pipeline. Those with a part that may come from outside have a table of ``options``
    for it."""

    def input_files(self, folder: Path, camera_id: str) -> Mapping[str, Path]:
        """Files besides the video whose content decides the result, by the parameter that names them; missing ones may
        be named too.

        ``folder``: the camera's (the scene's for linking). The stage runs again when one of them changes.
        """
        return {}

    def check(self) -> None:
        """Raise UserError for what would stop the stage at once: an unknown part, a missing file. Loads no model."""
