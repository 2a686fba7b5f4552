"""The one way in for files (``reid.files``) as the pipeline takes it: what cannot be used is an InputError, unless a
room says otherwise.

    text     numbers in lines
    images   pictures in and out
    onnx     networks as ONNX, opened on the device asked for
    atomic   whole writes, locks
"""

from __future__ import annotations

from functools import partial

from mtmc.errors import InputError
from reid import files, storage
from reid.files import (
    ANY_RATIO_BYTES,
    LARGEST_PIXELS,
    LARGEST_RATIO,
    TEXT_BYTES,
    check_archive,
    first_mistake,
    parse_toml,
)
from reid.storage import inside, is_local, lies_there, opened

__all__ = [
    "ANY_RATIO_BYTES",
    "LARGEST_PIXELS",
    "LARGEST_RATIO",
    "TEXT_BYTES",
    "check_archive",
    "check_file",
    "decoded",
    "first_mistake",
    "inside",
    "is_local",
    "lies_there",
    "named_by_file",
    "opened",
    "parse_json",
    "parse_toml",
    "read_bytes",
    "read_json",
    "read_parquet",
    "read_text",
    "to_path",
    "unpacked",
]

check_file = partial(files.check_file, error=InputError)
decoded = partial(files.decoded, error=InputError)
to_path = partial(storage.to_path, error=InputError)
named_by_file = partial(storage.named_by_file, error=InputError)
parse_json = partial(files.parse_json, error=InputError)
read_bytes = partial(files.read_bytes, error=InputError)
read_json = partial(files.read_json, error=InputError)
read_parquet = partial(files.read_parquet, error=InputError)
read_text = partial(files.read_text, error=InputError)
unpacked = partial(files.unpacked, error=InputError)
