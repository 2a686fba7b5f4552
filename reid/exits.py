"""How a command ends: 0 fine, 1 a check failed, 2 a user's mistake, 70 a fault of ours, 128 + the signal's number when
stopped.

Both commands end here, so that neither ever shows a traceback or leaves without a word.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from reid.errors import UserError
from reid.extras import what_is_missing

FAULT = 70
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(BaseException):
    """The user or the system asks the command to end. No ``Exception``: nothing on the way may take it for trouble of
    its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_command(command: Callable[[], object]) -> None:
    """Run a command to its end. Raises SystemExit with the exit code, after one line on stderr where it is not 0."""
    try:
        with _stoppable():
            command()
    except UserError as mistake:
        _leave(f"error: {mistake}", 2)
    except Stopped as stop:
        line = f"stopped by {signal.Signals(stop.number).name}: what is finished is kept, run again to go on"
        _leave(line, 128 + stop.number)
    except BrokenPipeError:  # whoever read our output has gone: nothing is left to be said to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + 13)
    except Exception as fault:
        missing = what_is_missing(fault) if isinstance(fault, ImportError) else None
        if missing is not None:
            _leave(f"error: {missing}", 2)
        _leave(_report(fault), FAULT)


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


def _report(fault: Exception) -> str:
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
