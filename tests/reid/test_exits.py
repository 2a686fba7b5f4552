"""How commands end: a sentence and its code, whatever happened inside."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from reid.errors import UserError
from reid.exits import run_command, words_of


def end_of(fault: BaseException | None, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def command() -> None:
        if fault is not None:
            raise fault

    try:
        run_command(command)
    except SystemExit as end:
        return int(end.code or 0), capsys.readouterr().err
    return 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (None, 0, ""),
        (UserError("x", "a", "b", "Do."), 2, "error: x: expected a, found b. Do.\n"),
        (MemoryError(), 2, "error: memory: expected enough of it, found none left. Use fewer --workers"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "run/a.mp4"), 2, "error: run/a.mp4: expected"),
        (UnicodeEncodeError("utf-8", "a\udcff", 1, 2, "surrogates not allowed"), 2, "expected a name that is text"),
        (KeyboardInterrupt(), 128 + signal.SIGINT, "stopped by SIGINT: what is finished is kept"),
        (KeyError("x"), 70, "error: a fault of this program, no mistake of yours (KeyError: 'x'); its traceback is in"),
    ],
)  # fmt: skip
def test_every_end_says_why(
    fault: BaseException | None, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended, text = end_of(fault, capsys)
    assert ended == code
    assert said in text
    assert "Traceback" not in text


def test_a_signal_on_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run_command(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert end.value.code == 128 + signal.SIGTERM
    assert "stopped by SIGTERM" in capsys.readouterr().err


def test_words_of_a_command_line() -> None:
    assert words_of(["run", "--set", "a=", "x y", "ü"]) == ["run", "--set", "a=", "x y", "ü"]
    for words in ([""], ["run", ""], ["run", "--out="], ["run", os.fsdecode(b"\xff")], ["run", "a\0b"]):
        with pytest.raises(UserError):
            words_of(words)
