"""Trips scaled to counts: the matrix nearest to the one seen whose rows and columns add up to what was counted.

Iterative proportional fitting (Deming and Stephan, 1940). Shape shorthand: G gates.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mtmc.errors import ConfigError
from mtmc.files import read_text
from mtmc.structures import Double

ROUNDS, TOLERANCE = 200, 1e-9
COLUMNS = ("gate", "from", "to")
COUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


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
    reader = csv.DictReader(read_text(path).splitlines())
    try:
        names, rows = reader.fieldnames or (), list(reader)
    except csv.Error as error:
        raise ConfigError(path, "comma-separated values", str(error), "Correct the file.") from error
    if not set(COLUMNS) <= set(names):
        found, fix = ", ".join(names)[:200] or "nothing", "Write a line such as c001,120,98 for each gate."
        raise ConfigError(path, f"columns {', '.join(COLUMNS)}", found, fix)
    for line, row in enumerate(rows, start=2):
        if row["gate"] not in gates:
            fix = f"Choose from {', '.join(gates[:12])}."
            raise ConfigError(f"{path}:{line}", "a gate of this run", repr(row["gate"])[:80], fix)
        gate, told = gates.index(row["gate"]), (row["from"], row["to"])
        if not all(COUNT.fullmatch((word or "").strip()) for word in told):
            raise ConfigError(f"{path}:{line}", "two counts of trips", str(told)[:80], "Correct the line.")
        if not np.isnan(out[gate]):
            raise ConfigError(f"{path}:{line}", "each gate once", f"{row['gate']} again", "Take one of the two away.")
        out[gate], into[gate] = map(float, told)
    return out, into
