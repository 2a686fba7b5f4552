"""What the documents tell a reader to type is run: every command block of README.md and CONTRIBUTING.md, or says why
not.

A block that needs gated data, weights or the network stands below a comment ``<!-- not run here: why -->``. Blocks of
one document share a folder with ``cams/``, the two cameras of a small synthetic city, and its truth in ``city/``.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtmc.cli import main as mtmc
from reid.cli import main as reid

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / ".github" / "CONTRIBUTING.md", *sorted(ROOT.glob("*/*/README.md"))]
FENCE = re.compile(
    r"(?:<!-- not run here: (?P<why>[^>]*?) -->\s*)?^```(?P<kind>bash|python)\n(?P<text>.*?)^```", re.M | re.S
)
REASONS = ("gated data", "network", "minutes")


def blocks(document: Path) -> list[re.Match[str]]:
    return list(FENCE.finditer(document.read_text()))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    call(f"mtmc synth {folder}/city --preset tiny --seconds 4")
    return folder


def call(line: str) -> None:
    """Run one line of a shell block, in this process."""
    words = shlex.split(line, comments=True)
    if not words:
        return
    command = {"mtmc": mtmc, "reid": reid}[Path(words[0]).name]
    with pytest.raises(SystemExit) as end:
        command(words[1:])
    assert not end.value.code, line


@pytest.fixture
def folder(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "city").symlink_to(city / "city")
    (tmp_path / "cams").symlink_to(city / "city" / "S01")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    loaded = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - loaded:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_runs(document: Path, folder: Path) -> None:
    for block in blocks(document):
        if block["why"]:
            assert any(reason in block["why"] for reason in REASONS), block["why"]
        elif block["kind"] == "bash":
            for line in block["text"].replace("\\\n", " ").splitlines():
                call(line)
        elif name := re.match(r"# (\w+\.py)\n", block["text"]):
            (folder / name[1]).write_text(block["text"])
        else:
            exec(compile(block["text"], str(document), "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_linked_to_is_there(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_checkpoints_are_read_from_where_they_are_written(document: Path) -> None:
    commands = "".join(block["text"] for block in blocks(document))
    written = re.findall(r"--out (\S+)", commands)
    assert all(str(Path(path).parent) in written for path in re.findall(r"weights (\S+\.safetensors)", commands))


def test_there_is_something_to_run() -> None:
    kinds = [block["kind"] for document in DOCUMENTS for block in blocks(document) if not block["why"]]
    assert kinds.count("bash") >= 5
    assert kinds.count("python") >= 5


def test_ten_lines_make_a_part() -> None:
    for block in blocks(ROOT / ".github" / "CONTRIBUTING.md"):
        if block["kind"] == "python":
            code = [
                line
                for line in block["text"].splitlines()
                if line.strip() and not line.startswith(("#", "import", "from"))
            ]
            assert len(code) <= 12, block["text"]
