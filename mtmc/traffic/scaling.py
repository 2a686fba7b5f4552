"""Trips scaled to counts: the matrix nearest to the one seen whose rows and columns add up to what was counted.

Iterative proportional fitting (Deming and Stephan, 1940). Shape shorthand: G gates.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mtmc.errors import ConfigError
from mtmc.files import read_text
from mtmc.structures import Double

ROUNDS, TOLERANCE = 200, 1e-9
COLUMNS = ("gate", "from", "to")


def fitted(seen: Double, out: Double, into: Double) -> Double:
    """The matrix (G, G) ``seen`` scaled until rows add up to ``out`` (G,) and columns to ``into`` (G,), which is
    brought to the same total first. Cells that are zero stay so; NaN leaves a row or column as it is."""
    matrix = seen.astype(np.float64)
    rows = np.where(np.isnan(out), matrix.sum(axis=1), out)
    columns = np.where(np.isnan(into), matrix.sum(axis=0), into)
    columns = columns * rows.sum() / max(columns.sum(), 1e-12)
    for _ in range(ROUNDS):
        before = matrix
        matrix = matrix * (rows / np.maximum(matrix.sum(axis=1), 1e-12))[:, None]
        matrix = matrix * (columns / np.maximum(matrix.sum(axis=0), 1e-12))
        if np.abs(matrix - before).max(initial=0.0) < TOLERANCE:
            break
    return matrix


def read_totals(path: Path, gates: Sequence[str]) -> tuple[Double, Double]:
    """Counted trips from and to each gate (G,), NaN for gates that the file (CSV: gate,from,to) does not name. Raises
    ConfigError."""
    out, into = np.full(len(gates), np.nan), np.full(len(gates), np.nan)
    rows = csv.DictReader(read_text(path).splitlines())
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        found = ", ".join(rows.fieldnames or ()) or "nothing"
        raise ConfigError(
            path, f"columns {', '.join(COLUMNS)}", found, "Write a line such as c001,120,98 for each gate."
        )
    for line, row in enumerate(rows, start=2):
        if row["gate"] not in gates:
            fix = f"Choose from {', '.join(gates[:12])}."
            raise ConfigError(f"{path}:{line}", "a gate of this run", repr(row["gate"]), fix)
        try:
            values = float(row["from"]), float(row["to"])
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{path}:{line}", "two numbers", str(row), "Correct the line.") from error
        out[gates.index(row["gate"])], into[gates.index(row["gate"])] = values
    return out, into
