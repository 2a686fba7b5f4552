"""Vectors on disk: a Parquet table that pandas, polars and DuckDB read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from reid.errors import UserError
from reid.files import check_archive, check_file, read_parquet

FORM = "Write a Parquet table of path and vector (reid embed makes one), or an .npz of paths and vectors."


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


def stored_vectors(path: Path) -> Callable[[Sequence[Path]], NDArray[np.float32]]:
    """A function from image files to unit vectors (N, D) that were computed before, by any model.

    path: a Parquet table of path and vector, as `reid embed` writes it, or an .npz of arrays ``paths`` and ``vectors``.
    Images are found by their path or, where that is unknown, by their name, if it is the only one.

    Raises:
        UserError: the file cannot be read; when called, an image that it lacks or that two rows could mean.
    """
    names, vectors = _read(path)
    if vectors.ndim != 2 or len(names) != len(vectors) or not np.isfinite(vectors).all():
        found = f"{len(names)} paths and vectors of shape {vectors.shape}"
        raise UserError(path, "one finite vector of the same length per path", found, FORM)
    unit = np.divide(vectors, np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12), out=vectors)
    by_path = {str(Path(name).resolve()): row for row, name in enumerate(names)}
    by_name: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        by_name.setdefault(Path(name).name, []).append(row)

    def row_of(image: Path) -> int:
        rows = [by_path[str(image.resolve())]] if str(image.resolve()) in by_path else by_name.get(image.name, [])
        if len(rows) != 1:
            found = f"{len(rows)} images of that name" if rows else "none"
            raise UserError(path, f"the vector of {image}", found, "Store vectors under the images' own paths.")
        return rows[0]

    return lambda images: np.asarray(unit[[row_of(image) for image in images]], dtype=np.float32)


def _read(path: Path) -> tuple[list[str], NDArray[np.float32]]:
    table = None if path.suffix == ".npz" else read_parquet(path, "stored vectors", FORM, ["path", "vector"])
    try:
        if table is None:
            check_file(path, "stored vectors")
            check_archive(path)
            with np.load(path, allow_pickle=False) as arrays:
                return [str(name) for name in arrays["paths"]], np.asarray(arrays["vectors"], dtype=np.float32)
        return table["path"].to_pylist(), _matrix(table["vector"].combine_chunks())
    except UserError:
        raise
    except Exception as error:  # numpy, zipfile and pyarrow raise what they like for damaged files
        found = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(path, "stored vectors", found, FORM) from None


def _matrix(lists: pa.Array) -> NDArray[np.float32]:
    """(N, D) of lists of one length, without a Python object per number. Raises ValueError where lengths differ."""
    if lists.null_count or not len(lists):
        raise ValueError("no vector in some row" if len(lists) else "no rows")
    values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    if len(values) % len(lists) or (lists.value_lengths().unique().to_pylist() != [len(values) // len(lists)]):
        raise ValueError("vectors of different lengths")
    return np.asarray(values.reshape(len(lists), -1))
