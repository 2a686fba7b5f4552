"""The base of every stage's parameters: frozen, checked, unknown keys refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """Parameters of one stage; units stand in the names (``_s`` seconds, ``_px`` pixels, ``_m`` metres).

    A field is explained by its ``description`` or by the docstring below it; ``mtmc config`` prints that beside the value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)
