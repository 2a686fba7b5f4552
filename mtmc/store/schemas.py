"""One schema per table of a run folder: which columns it has, of what kind, and what may stand in them.

``check`` is the store's door: a table that somebody else wrote, or that was damaged so that it still reads, is refused
with its column, what was expected, what was found and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from mtmc.errors import StoreError
from mtmc.structures import LABELS

AGAIN = "Delete it and run `mtmc run` again."


@dataclass(frozen=True, slots=True)
class Column:
    """What may stand in a column: its kind; whether values may be missing; ``least`` and ``most`` for whole numbers;
    ``among`` for words; ``finite`` for numbers with a fraction."""

    kind: Literal["whole", "number", "word", "flag", "bytes", "moment", "vector"]
    null: bool = False
    least: int = 0
    most: int = 2**63 - 1
    among: tuple[str, ...] = ()
    finite: bool = True


Schema = Mapping[str, Column]

_COUNT, _NUMBER, _WORD = Column("whole"), Column("number"), Column("word")
_FRAME = Column("whole", most=2**31 - 1)
_LABEL = Column("word", among=LABELS)
_MAYBE = Column("number", null=True)
_BOX: Schema = {
    "frame": _FRAME,
    **dict.fromkeys(("x1", "y1", "x2", "y2"), _NUMBER),
    "score": _NUMBER,
    "label": _LABEL,
}

DETECTIONS: Schema = {**_BOX, "feature": Column("vector")}
TRACKLETS: Schema = {"track_id": _COUNT, **_BOX}
EMBEDDINGS: Schema = {"track_id": _COUNT, "frame": _FRAME, "quality": _NUMBER, "vector": Column("vector")}
VEHICLES: Schema = {"vehicle_id": _COUNT, "camera_id": _WORD, **TRACKLETS}
VISITS: Schema = {
    "vehicle_id": _COUNT,
    "camera_id": _WORD,
    "visit": _COUNT,
    **dict.fromkeys(("start_s", "end_s"), _NUMBER),
    **dict.fromkeys(("start_utc", "end_utc"), Column("moment", null=True)),
    **dict.fromkeys(("first_frame", "last_frame", "boxes", "entry", "exit"), _FRAME),
    **dict.fromkeys(("entry_zone", "exit_zone"), _WORD),
    **dict.fromkeys(("entry_x_px", "entry_y_px", "exit_x_px", "exit_y_px"), _NUMBER),
    **dict.fromkeys(("entry_x_m", "entry_y_m", "exit_x_m", "exit_y_m"), _MAYBE),
    **dict.fromkeys(("speed_kmh", "speed_error_kmh", "stopped_s", "confidence"), _MAYBE),
    "label": _LABEL,
    "score": _NUMBER,
    **dict.fromkeys(("cut_start", "cut_end"), Column("flag")),
}
LINKS: Schema = {
    "vehicle_id": Column("whole", least=-1),
    "source": _WORD,
    **dict.fromkeys(("from_camera", "to_camera"), _WORD),
    **dict.fromkeys(("from_track", "to_track"), _COUNT),
    **dict.fromkeys(("seconds", "probability", "margin", "prior"), _NUMBER),
    "cosine": Column("number", finite=False),
    **dict.fromkeys(("appearance", "time", "path", "size", "kind", "place", "ground"), _NUMBER),
    "decisive": _WORD,
    "runner_up_camera": _WORD,
    "runner_up_track": Column("whole", least=-1),
    "runner_up_probability": _NUMBER,
}
"""Of a linker that can explain itself; others leave a table without columns."""
POSSIBLE: Schema = {
    **dict.fromkeys(("from_camera", "to_camera"), _WORD),
    **dict.fromkeys(("from_track", "to_track", "after", "before"), _COUNT),
    "log_odds": _NUMBER,
}
"""Of a linker that knows how sure it is; others leave no table."""
CROPS: Schema = {"track_id": _COUNT, "frame": _FRAME, "colour": _WORD, "picture": Column("bytes")}

_KINDS: Mapping[str, tuple[str, Callable[[pa.DataType], bool]]] = {
    "whole": ("whole numbers", pa.types.is_integer),
    "number": ("numbers with a fraction", pa.types.is_floating),
    "word": ("words", lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind)),
    "flag": ("yes or no", pa.types.is_boolean),
    "bytes": ("bytes", lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind)),
    "moment": ("dates and times", pa.types.is_timestamp),
    "vector": (
        "vectors of one length",
        lambda kind: (
            pa.types.is_null(kind) or (pa.types.is_fixed_size_list(kind) and pa.types.is_floating(kind.value_type))
        ),
    ),
}


def check(path: Path, table: pa.Table, schema: Schema) -> pa.Table:
    """The table with plain words instead of numbered ones. Raises StoreError naming the first column that does not fit;
    columns that the schema does not know are nobody's business."""
    for name, column in schema.items():
        if table.column_names.count(name) != 1:
            found = f"{table.column_names.count(name)} of that name"
            raise StoreError(path, f"a column {name} of {_KINDS[column.kind][0]}", found, AGAIN)
        values = table.column(name)
        if pa.types.is_dictionary(values.type):
            values = built(path, lambda values=values: values.cast(values.type.value_type))  # type: ignore[misc]
            table = table.set_column(table.column_names.index(name), name, values)
        wrong = _wrong(values, column)
        if wrong:
            raise StoreError(path, f"{_KINDS[column.kind][0]} in column {name}{_rule(column)}", wrong, AGAIN)
    return table


def _rule(column: Column) -> str:
    if column.among:
        return f", out of {', '.join(column.among)}"
    if column.kind == "whole":
        return f", from {column.least} to {column.most}"
    return ", all of them finite" if column.kind in ("number", "vector") and column.finite else ""


def _wrong(values: pa.ChunkedArray, column: Column) -> str:
    """What is wrong with a column's values, "" for nothing."""
    if not _KINDS[column.kind][1](values.type):
        return f"values of type {values.type}"
    if values.null_count and not column.null and not pa.types.is_null(values.type):
        return f"{values.null_count} without a value"
    if column.kind == "whole" and len(values):
        low, high = (end.as_py() for end in pc.min_max(values).values())
        return str(low) if low < column.least else str(high) if high > column.most else ""
    if column.among and not pc.all(pc.is_in(values, pa.array(column.among))).as_py() and len(values):
        return repr(next(word for word in values.to_pylist() if word not in column.among))
    return _not_finite(values, column) if column.finite else ""


def _not_finite(values: pa.ChunkedArray, column: Column) -> str:
    if column.kind == "vector" and not pa.types.is_null(values.type):
        values = pc.list_flatten(values)
    if not pa.types.is_floating(values.type) or pc.all(pc.is_finite(values.cast(pa.float32()))).as_py() is not False:
        return ""
    return "some that are not"


Made = TypeVar("Made")


def built(path: Path, make: Callable[[], Made]) -> Made:
    """What is made of a table's columns. Raises StoreError where they do not fit each other."""
    try:
        return make()
    except (ValueError, OverflowError, pa.ArrowException) as error:
        raise StoreError(path, "rows that fit each other", " ".join(str(error).split()), AGAIN) from error
