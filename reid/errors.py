"""The root of every error that a user can cause and mend.

    UserError
    ├── ConfigError    an unknown key, a value out of range, options that do not fit together
    ├── reid: raised as UserError otherwise, it has few kinds
    └── mtmc.errors: InputError, StoreError, ...

The commands turn this tree into one message on stderr and exit code 2; anything else is a fault of ours
(``reid.exits``).
"""

from __future__ import annotations


class UserError(Exception):
    """A mistake that the user can mend: says where, what was expected, what was found and what to do.

    Args:
        where: the file, line, option or step concerned.
        expected: what should have been there.
        found: what was there instead.
        fix: the next step for the user, a full sentence.
    """

    def __init__(self, where: object, expected: str, found: str, fix: str) -> None:
        super().__init__(f"{where}: expected {expected}, found {found}. {fix}")
        self.where, self.expected, self.found, self.fix = str(where), expected, found, fix

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, str, str]]:
        """Survive the way back from a worker process."""
        return type(self), (self.where, self.expected, self.found, self.fix)


class ConfigError(UserError):
    """An unknown key, a value out of range, or options that do not fit together."""
