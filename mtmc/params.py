"""The base of every stage's parameters: frozen, checked, unknown keys refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

OPTIONS: Any = Field(default_factory=dict, description="free table of a part of your own, handed to it as it stands")


class Params(BaseModel):
    """Parameters of one stage; units stand in the names (``_s`` seconds, ``_px`` pixels, ``_m`` metres).

    A field is explained by its ``description`` or by the docstring below it; ``mtmc config`` prints that beside the value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)


class StageParams(Params):
    """Parameters of one stage of the pipeline. Those with a part that may come from outside have a table of ``options`` for it."""

    def input_files(self, folder: Path, camera_id: str) -> Mapping[str, Path]:
        """Files besides the video whose content decides the result, by the parameter that names them; missing ones may be named too.

        ``folder``: the camera's (the scene's for linking). The stage runs again when one of them changes.
        """
        return {}

    def check(self) -> None:
        """Raise UserError for what would stop the stage at once: an unknown part, a missing file. Loads no model."""
