"""Vectors on disk: a Parquet table that pandas, polars and DuckDB read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from reid.errors import UserError


def write_vectors(path: Path, images: Sequence[Path], vectors: NDArray[np.float32], facts: dict[str, str]) -> None:
    """Write path (string) and vector (fixed-size list of float32) per image; facts go into the schema's metadata.

    Raises UserError where the file cannot be written.
    """
    values = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel())
    column = pa.FixedSizeListArray.from_arrays(values, vectors.shape[1])
    table = pa.table({"path": pa.array([str(image) for image in images]), "vector": column})
    try:
        pq.write_table(table.replace_schema_metadata(facts), path)
    except OSError as error:
        raise UserError(path, "a file to write", str(error), "Choose another --out.") from None
