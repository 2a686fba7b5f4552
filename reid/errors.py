"""The root of every error that a user can cause and mend.

    UserError
    ├── ConfigError    an unknown key, a value out of range, options that do not fit together
    ├── reid: raised as UserError otherwise, it has few kinds
    └── mtmc.errors: InputError, StoreError, ...

The commands turn this tree into one message on stderr and exit code 2; anything else is a fault of ours
(``reid.exits``).
"""

from __future__ import annotations

import errno


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


FREE_SPACE = "Free some space and run again; what is finished is kept."
OTHER_FOLDER = "Choose another --out or change the permissions."
Sentence = tuple[str, str, str]
"""Expected, found, what to do."""

TROUBLES: dict[int, Sentence] = {
    errno.ENOSPC: ("room on the disk", "a full disk", FREE_SPACE),
    errno.EDQUOT: ("room in the quota", "a full quota", FREE_SPACE),
    errno.EFBIG: ("room for the file", "a limit on file sizes", "Raise the limit (ulimit -f) or choose another disk."),
    errno.EACCES: ("a writable folder", "no permission to write", OTHER_FOLDER),
    errno.EPERM: ("a writable folder", "no permission to write", OTHER_FOLDER),
    errno.EROFS: ("a writable folder", "a read-only file system", "Choose another --out."),
    errno.ENOTDIR: ("a folder", "a file in its way", "Choose another --out."),
    errno.EEXIST: ("a folder", "a file in its way", "Choose another --out."),
    errno.EISDIR: ("a file", "a folder in its way", "Move the folder away or choose another --out."),
    errno.ENAMETOOLONG: ("a shorter name", "one that the disk does not take", "Shorten the name."),
    errno.EMFILE: ("a file that can be opened", "too many open ones", "Raise the limit (ulimit -n)."),
    errno.ENOMEM: ("memory enough", "none left", "Close other programs, or use fewer --workers."),
}
"""What the system says when something cannot be written, by its number."""


def trouble(error: OSError) -> Sentence:
    """What to say of a disk that is full, read-only, forbidden or otherwise unwilling to be written to."""
    unknown = "a file that can be written", str(error.strerror or error), OTHER_FOLDER
    return TROUBLES.get(error.errno or 0, unknown)
