"""Errors that a user can cause, one tree.

UserError (shared with reid)
├── InputError     a video, calibration, ground truth or detection file that cannot be used
├── ConfigError    an unknown key, a value out of range, an option that does not fit (shared with reid)
├── WeightsError   a model file that is missing, damaged or of another model
├── StoreError     the run folder: not writable, full, not a run
└── InstallError   a package that is missing or does not match
"""

from __future__ import annotations

from reid.errors import ConfigError, UserError, trouble
from reid.exits import Stopped, run_command, words_of
from reid.extras import DETECTRON2, require, what_is_missing

__all__ = [
    "DETECTRON2",
    "ConfigError",
    "InputError",
    "InstallError",
    "Stopped",
    "StoreError",
    "UserError",
    "WeightsError",
    "require",
    "run_command",
    "trouble",
    "what_is_missing",
    "words_of",
]


class InputError(UserError):
    """A video, calibration, ground truth or detection file that cannot be used."""


class WeightsError(UserError):
    """A model file that is missing, damaged, or belongs to another model."""


class StoreError(UserError):
    """The run folder cannot be written, is full, or is no run folder."""


class InstallError(UserError):
    """A package that is missing or does not match the others."""
