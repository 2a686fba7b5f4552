"""How a command ends: 0 fine, 1 a check failed, 2 a user's mistake, 70 a fault of ours, 128 + the signal's number when
stopped.

Both commands end here, so that neither ever shows a traceback or leaves without a word.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from types import FrameType

from reid.errors import UserError, trouble
from reid.extras import what_is_missing

FAULT = 70
NAME_AS_TEXT, RENAME = "a name that is text in UTF-8", "Rename it, or set LC_ALL=C.UTF-8 if it is UTF-8."
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(BaseException):
    """The user or the system asks the command to end. No ``Exception``: nothing on the way may take it for trouble of
    its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def words_of(arguments: Sequence[str] | None) -> list[str]:
    """The words of a command line, by default this process's.

    Raises UserError for one that is no text, which no table and few libraries can hold, and for an empty one, as a
    shell leaves of a variable that is not set: a path would take it for the current folder.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    for before, word in pairwise(["the command line", *words]):
        if re.fullmatch(r"(--[\w-]+=)?", word):
            fix = "Leave it out, or write . for the current folder."
            raise UserError(word or before, "a value", "an empty word", fix)
        if not word.isprintable() and any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in word):
            raise UserError(repr(word[:200]), NAME_AS_TEXT, "other bytes", RENAME)
    return words


def run_command(command: Callable[[], object]) -> None:
    """Run a command to its end. Raises SystemExit with the exit code, after one line on stderr where it is not 0."""
    try:
        with _stoppable():
            command()
            if sys.stdout is not None:  # closed by whoever called
                sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has gone: nothing is left to be said to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + 13)
    except (Exception, Stopped, KeyboardInterrupt) as end:
        line, code = _ending(end)
        _leave(line, code)


def _ending(end: BaseException) -> tuple[str, int]:
    """The line and the exit code of a command that did not end well."""
    if isinstance(end, Stopped | KeyboardInterrupt):
        stop = signal.Signals(end.number if isinstance(end, Stopped) else signal.SIGINT)
        return f"stopped by {stop.name}: what is finished is kept, run again to go on", 128 + stop
    mistake = _as_mistake(end)
    return (_report(end), FAULT) if mistake is None else (f"error: {mistake}", 2)


def _as_mistake(end: BaseException) -> UserError | None:
    """What the user can mend: mistakes, packages that are missing, troubles of the machine; None for a fault of
    ours."""
    if isinstance(end, UserError):
        return end
    if isinstance(end, MemoryError):
        fix = "Use fewer --workers or smaller batches, or close other programs."
        return UserError("memory", "enough of it", "none left", fix)
    if isinstance(end, UnicodeEncodeError) and "surrogates" in end.reason:  # how Python holds names of other bytes
        return UserError(repr(end.object[:200]), NAME_AS_TEXT, "other bytes", RENAME)
    if isinstance(end, OSError) and end.errno is not None:
        return UserError(end.filename or "output", *trouble(end))
    return what_is_missing(end) if isinstance(end, ImportError) else None


@contextmanager
def _stoppable() -> Iterator[None]:
    """Signals as ``Stopped``, in the main thread, the only one that may take them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _frame: FrameType | None) -> None:
    for other in SIGNALS:  # on the way out there is no second call
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(number)


def _report(fault: BaseException) -> str:
    """A sentence for a fault of ours; its traceback in a file of its own."""
    kind = " ".join(f"{type(fault).__name__}: {fault}".split())[:300]
    try:
        with tempfile.NamedTemporaryFile("w", prefix="mtmc-fault-", suffix=".txt", delete=False) as file:
            file.write("".join(traceback.format_exception(fault)))
        where = f"its traceback is in {file.name}: please report it"
    except OSError:
        where = "and its traceback could not be written"
    return f"error: a fault of this program, no mistake of yours ({kind}); {where}"


def _leave(line: str, code: int) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - the one place that reports how a command ended
    sys.exit(code)
