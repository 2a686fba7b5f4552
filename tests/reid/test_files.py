"""The one way in for files: whatever lies there, a sentence or its content."""

from __future__ import annotations

import bz2
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from reid.errors import UserError
from reid.files import check_archive, check_file, decoded, parse_json, parse_toml, read_json, read_text, unpacked

ROOT = Path(__file__).resolve().parents[2]
OWN_DOORS = {
    "json.loads(": {"reid/files.py", "mtmc/store/stamps.py"},  # a stamp that was written a moment before
    "json.load(": set(),
    "tomllib.loads(": {"reid/files.py"},
    "cv2.imread(": {"mtmc/synth/writers/dataset.py"},  # a mask that was written a moment before
    "pickle.load(": set(),
    "weights_only=False": set(),
    "yaml.load(": set(),
    "allow_pickle=True": set(),
}
"""What reads a file past the doors, and where that may be."""


@pytest.mark.parametrize("call", OWN_DOORS)
def test_nothing_is_read_past_the_doors(call: str) -> None:
    files = [path for package in ("mtmc", "reid") for path in (ROOT / package).rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in files if call in path.read_text()}
    assert found <= OWN_DOORS[call]


@pytest.mark.parametrize(
    "kind", ["missing", "folder", "pipe", "/dev/zero", "/dev/null", "a link to itself", "NUL", "long"]
)
def test_only_regular_files_are_opened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "a link to itself":
        path.symlink_to("x")
    elif kind.startswith("/dev"):
        path.symlink_to(kind)
    elif kind in ("NUL", "long"):
        path = tmp_path / ("a\0b" if kind == "NUL" else "x" * 5000)
    with pytest.raises(UserError, match=r"expected a text file, found .+\. \S"):
        read_text(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UserError, match="at most"):
        check_file(tmp_path / "x", most=1 << 20)
    with pytest.raises(UserError, match="at most"):
        read_text(tmp_path / "x")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[" * 100_000, "nested"),
        ("1" * 5000, "digits"),
        ("NaN", "NaN"),
        ('{"a": 1, "a": 2}', "twice"),
        ("", "Expecting"),
    ],
)
def test_json_is_json(text: str, found: str) -> None:
    with pytest.raises(UserError, match=found):
        parse_json(text, "x")


def said(work: Callable[[], object]) -> str:
    """What was refused, "" for nothing."""
    try:
        work()
    except UserError as mistake:
        return str(mistake)
    return ""


@given(st.one_of(st.text(), st.text(alphabet='{}[]":,0123456789.eE+-truefalsn \n')))
def test_text_parses_or_is_refused_in_one_sentence(text: str) -> None:
    for parse in (parse_json, parse_toml):
        sentence = said(lambda parse=parse: parse(text, "x"))
        assert not sentence or re.fullmatch(r"x: expected .+, found .+\. \S.*", sentence)


@given(st.binary())
def test_bytes_are_text_or_refused(data: bytes) -> None:
    assert re.fullmatch(r"|x: expected .*UTF-8, found .+\. \S.*", said(lambda: decoded(data, "x")))


class Document(BaseModel):
    a: int


@pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', "{}", '{"a": "x"}', '{"a": 1e999}'])
def test_a_document_of_another_shape(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UserError, match=r"x\.json: expected a note, found .+ Make it again\."):
        read_json(tmp_path / "x.json", Document, "a note", "Make it again.")


def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    zeros = b"1 1 1 1 1 1 1 -1 -1\n" * 4_000_000
    (tmp_path / "x.bz2").write_bytes(bz2.compress(zeros))
    with bz2.open(tmp_path / "x.bz2") as member, pytest.raises(UserError, match="unpacks to more than"):
        unpacked(member, tmp_path / "x.bz2")
    with zipfile.ZipFile(tmp_path / "x.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", zeros)
    with pytest.raises(UserError, match="unpacks to"):
        check_archive(tmp_path / "x.pth")
