"""What one must read at once stays small: files, functions. Lines are ruff's (E501)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOST_IN_FILE, MOST_IN_FUNCTION = 300, 45
FILES = sorted(path for package in ("mtmc", "reid") for path in (ROOT / package).rglob("*.py"))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Names and lines of functions, without their docstrings; of commands, without their options."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            first = node.body[0]
            docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            start = node.body[min(int(docstring), len(node.body) - 1)].lineno if "cli" in path.parts else node.lineno
            said = (first.end_lineno or first.lineno) - first.lineno + 1 if docstring and "cli" not in path.parts else 0
            yield node.name, (node.end_lineno or node.lineno) - start + 1 - said


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_IN_FILE, f"{lines} lines: what is the second thing that this file does?"
    too_long = [f"{name} ({count})" for name, count in functions(path) if count > MOST_IN_FUNCTION]
    assert not too_long, f"over {MOST_IN_FUNCTION} lines: {too_long}"
