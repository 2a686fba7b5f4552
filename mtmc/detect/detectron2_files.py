"""Files of Detectron2 models, read so that none can run code: YAML without Python tags and bases from the network,
pickles of arrays alone."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import IO, Any

import yaml

from mtmc.detect.torch_network import UNREADABLE, not_weights
from mtmc.errors import ConfigError, WeightsError
from mtmc.files import check_file, read_text

ARRAYS = {
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("collections", "OrderedDict"),
    ("_codecs", "encode"),
    ("__builtin__", "bytes"),
}
"""All that a pickle of weights needs by name; anything else it names is refused unlooked-at."""


def new_config() -> Any:
    """Detectron2's default configuration, which merges files of this machine only."""
    from detectron2.config import CfgNode, get_cfg

    class LocalConfig(CfgNode):  # type: ignore[misc]
        @classmethod
        def _open_cfg(cls, filename: str) -> IO[str]:
            if "://" in filename:
                raise ConfigError(filename, "a base on this machine", "an address", "Fetch it and name the file.")
            return io.StringIO(read_text(Path(filename), "a configuration of Detectron2", error=ConfigError))

    return LocalConfig(get_cfg())


def merge_file(config: Any, path: Path) -> None:
    """Lay a YAML file and its bases over ``config``. Raises ConfigError for one that is broken, or that names Python
    objects."""
    try:
        config.merge_from_file(str(path), allow_unsafe=False)
    except yaml.constructor.ConstructorError as error:
        found = str(error.problem)
        raise ConfigError(path, "plain YAML, which names no Python objects", found, "Write the values out.") from error
    except (KeyError, ValueError, TypeError, AttributeError, OSError, AssertionError, yaml.YAMLError) as error:
        raise ConfigError(path, "a configuration of Detectron2", " ".join(str(error).split()), "Correct it.") from error
    except RecursionError as error:
        raise ConfigError(path, "bases that end", "a base that leads back to itself", "Correct _BASE_.") from error


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return super().find_class(module, name)


def read_pickle(path: Path) -> dict[str, Any]:
    """A .pkl of the model zoo or of Detectron: names to arrays. Raises WeightsError for anything else, and never runs
    it."""
    check_file(path, "a model file", error=WeightsError)
    try:
        with path.open("rb") as file:
            data = _ArrayUnpickler(file, encoding="latin1").load()
    except UNREADABLE as error:
        raise not_weights(path) from error
    if not isinstance(data, dict):
        raise not_weights(path)
    return data
